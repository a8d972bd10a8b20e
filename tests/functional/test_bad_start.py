"""Starts that cannot succeed: one sentence, the right exit code, nothing left running, nothing harmed."""

import os
import re
import shutil
import socket
import subprocess

import pytest

from bank import Bank, wait_for

START_SECONDS_MAX = 120


@pytest.fixture
def bank():
    with Bank() as made:
        yield made


@pytest.fixture(scope="module")
def stopped():
    """A bank that was started once and stopped in order; each test copies what it damages."""
    with Bank() as made:
        made.start()
        made.client("bench-client").pay()
        assert made.stop() == 0
        yield made


@pytest.fixture
def copy(stopped, bank):
    """The stopped bank's folder under a name of its own, with the same owners."""
    subprocess.run(["cp", "-a", stopped.var, bank.var], check=True)
    for name in ("giro.yaml",):
        text = (bank.var / name).read_text().replace(str(stopped.var), str(bank.var))
        (bank.var / name).write_text(text)
    return bank


def processes_of(folder):
    """The processes whose command line names the folder."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    words = file.read()
            except OSError:
                continue
            if str(folder).encode() in words:
                found.append((int(entry), words))
    return found


def run(bank, *words, user=None):
    return subprocess.run(
        [bank.program, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=START_SECONDS_MAX,
        env=bank.environment(),
        check=False,
        user=user,
    )


def refuse(bank, *words, code, says, user=None):
    """The start ends with the code, says so in one sentence of its own, and leaves nothing behind."""
    done = run(bank, *words, user=user)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    complaints = [line for line in done.stderr.splitlines() if line.startswith("giro: ")]
    assert complaints and re.search(says, done.stderr), done.stderr
    assert len(complaints) == 1, done.stderr
    assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr
    wait_for("nothing left running", 10, lambda: not processes_of(bank.var))
    return done


def sandbox(bank):
    return ("run", "--var", bank.var, "--port-base", str(bank.port))


def serve(bank):
    return ("serve", "--config", bank.var / "giro.yaml")


def owner_of(bank):
    return os.stat(bank.var).st_uid if os.geteuid() == 0 else None


@pytest.mark.parametrize("which", [0, 1, 2])
def test_port_taken(bank, which):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", bank.port + which))
        taken.listen()
        refuse(bank, *sandbox(bank), code=7, says=str(bank.port + which))
    bank.start()  # its accepted twin


def test_port_base_out_of_range(bank):
    for word in ("80", "65534", "x", "-1", ""):
        done = run(bank, "run", "--var", bank.var, "--port-base", word)
        assert done.returncode == 2 and done.stderr, (word, done)
    assert not processes_of(bank.var)


def test_var_whose_parent_is_missing(bank):
    done = run(bank, "run", "--var", bank.folder / "none" / "var", "--port-base", str(bank.port))
    assert done.returncode != 0 and "does not exist" in done.stderr, done


def test_var_is_a_file(bank):
    bank.var.write_text("x")
    done = run(bank, *sandbox(bank))
    assert done.returncode != 0 and str(bank.var) in done.stderr, done


@pytest.mark.parametrize("missing", ["giro.yaml", "pki/bank-signing.key", "pki/ca.pem"])
def test_serve_with_a_missing_file(copy, missing):
    (copy.var / missing).unlink()
    refuse(copy, *serve(copy), code=1, says=re.escape(missing.rpartition("/")[2]), user=owner_of(copy))


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o666, 0o700])
def test_key_that_others_may_read(copy, mode):
    key = copy.var / "pki" / "bank-signing.key"
    key.chmod(mode)
    refuse(copy, *serve(copy), code=1, says="bank-signing.key.*mode", user=owner_of(copy))
    refuse(copy, *sandbox(copy), code=6, says="bank-signing.key.*mode")


def test_key_that_is_none(copy):
    key = copy.var / "pki" / "bank-signing.key"
    key.write_text("nonsense\n")
    refuse(copy, *serve(copy), code=1, says="bank-signing.key", user=owner_of(copy))


@pytest.mark.spec("gateway/80")
@pytest.mark.parametrize(
    "section, line, says",
    [
        (None, "coffee: strong", "coffee"),
        ("store", "colour: blue", "colour"),
        (None, "sandbox: perhaps", "sandbox"),
        ("log", "level: loud", "level"),
        ("core", "port: 70000", "port"),
        ("core", "deadline: soon", "deadline"),
        (None, "a: [", ""),
    ],
)
def test_configuration_is_refused_with_file_and_line(copy, section, line, says):
    """The key is put into its section, in the place of one that was there."""
    path = copy.var / "giro.yaml"
    before = path.read_text()
    lines = before.splitlines()
    at = lines.index(section + ":") + 1 if section else len(lines)
    indent = "  " if section else ""
    lines = [
        text
        for number, text in enumerate(lines)
        if number < at or not text.startswith(f"{indent}{line.split(':')[0]}:")
    ]
    lines.insert(at, indent + line)
    path.write_text("\n".join(lines) + "\n")
    done = run(copy, "check-config", path)
    assert done.returncode != 0 and says in done.stderr, done
    found = re.search(re.escape(str(path)) + r":(\d+)", done.stderr)
    assert found and abs(int(found[1]) - (at + 1)) <= (1 if says == "" else 0), (at + 1, done.stderr)
    done = run(copy, *serve(copy), user=owner_of(copy))
    assert done.returncode != 0 and says in done.stderr and str(path) in done.stderr, done
    path.write_text(before)
    assert run(copy, "check-config", path).returncode == 0


@pytest.mark.spec("gateway/80")
def test_a_fault_says_what_to_write_instead(copy, tmp_path):
    """Each fault of a file at once, with its line, its key and what it takes."""
    path = tmp_path / "faults.yaml"
    path.write_text(
        "sandbox: perhaps\nlog:\n  level: loud\ngateway:\n  queue_wait: 1\nlisten:\n  workres: 4\n"
        "rate_limits:\n  t: {requests_per_second: 0, burst: 1, daily_limit: null}\n"
    )
    told = run(copy, "check-config", path).stderr
    for line, *words in (
        (1, "sandbox", "true or false"),
        (3, "log.level", "debug|info|warn|error"),
        (5, "gateway.queue_wait", "250ms"),
        (7, "listen.workres", "did you mean", "listen.workers"),
        (9, "whole number from 1"),
    ):
        found = [text for text in told.splitlines() if text.startswith(f"{path}:{line}:")]
        assert any(all(word in text for word in words) for text in found), (line, words, told)
    explained = run(copy, "check-config", "--explain", "gateway.queue_wait")
    assert explained.returncode == 0 and "503" in explained.stdout and "1s" in explained.stdout, explained
    assert len(run(copy, "check-config", "--explain", "log").stdout.splitlines()) == 2
    assert run(copy, "check-config", "--explain", "coffee").returncode == 3


def test_unlimited_tier_is_refused_in_production(copy):
    path = copy.var / "giro.yaml"
    path.write_text(path.read_text().replace("sandbox: true", "sandbox: false"))
    done = run(copy, "check-config", path)
    assert done.returncode != 0 and "sandbox_unlimited" in done.stderr, done


@pytest.mark.parametrize("damage", ["no database", "cut in the middle", "first page"])
def test_damaged_store(copy, damage):
    store = copy.var / "store" / "giro.db"
    size = store.stat().st_size
    with open(store, "r+b") as file:
        if damage == "no database":
            file.write(b"x" * 4096)
        elif damage == "cut in the middle":
            file.truncate(size // 2 // 4096 * 4096)
        else:
            file.seek(100)
            file.write(os.urandom(3000))
    for tail in ("-wal", "-shm"):
        (store.parent / ("giro.db" + tail)).unlink(missing_ok=True)
    before = store.read_bytes()
    refuse(copy, *serve(copy), code=1, says="giro.db|store|database", user=owner_of(copy))
    assert store.read_bytes() == before  # it is left as it was found, for whoever repairs it


def test_store_that_belongs_to_another_daemon(copy):
    copy.start()
    done = run(copy, *serve(copy), user=owner_of(copy))
    assert done.returncode in (1, 7) and done.stderr.startswith("giro: "), done
    assert copy.is_ready()
    assert copy.client("bench-client").pay().status == 201


def test_missing_program_beside_giro(bank, tmp_path):
    """Without its simulators the sandbox does not start by half."""
    programs = bank.folder / "programs"
    programs.mkdir()
    shutil.copy(bank.program, programs / "giro")
    done = subprocess.run(
        [programs / "giro", *sandbox(bank)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=START_SECONDS_MAX,
        env=bank.environment(),
        check=False,
    )
    assert done.returncode != 0 and "giro: " in done.stderr, done
    wait_for("nothing left running", 10, lambda: not processes_of(bank.var))
