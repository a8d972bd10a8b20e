"""`giro deploy`: versions beside each other, twenty swaps under load, a way back, and one that cannot take over."""

import json
import os
import shutil
import stat
import subprocess
import threading

import pytest

from bank import ROOT, Bank, Client, wait_for
from test_hand_over import Worker, goes_on, no_failure, paid

SWAPS = 20
WORKERS = 4


def deploy(bank, *words, code=0):
    done = subprocess.run(
        [bank.program, "deploy", *words, "--var", bank.var],
        cwd=ROOT,
        env=bank.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, (words, done)
    return done


def deploy_json(bank, *words):
    return json.loads(deploy(bank, *words, "--json").stdout)


def statuses(bank):
    return {row["version"]: row["status"] for row in deploy_json(bank, "list")}


def other_binary(bank, name, text=b"another build"):
    """The program with some bytes behind it: the same version, another file."""
    path = bank.folder / name
    shutil.copy(bank.program, path)
    with open(path, "ab") as file:
        file.write(text)
    path.chmod(0o755)
    return path


@pytest.fixture(scope="module")
def bank():
    with Bank() as running:
        yield running.start()


@pytest.fixture(scope="module")
def versions(bank):
    """The name of what runs, and of another version."""
    second = deploy_json(bank, "publish", other_binary(bank, "second"))["version"]
    first = next(name for name, status in statuses(bank).items() if status == "live")
    assert first != second
    return first, second


@pytest.fixture
def load(bank):
    end = threading.Event()
    token = Client(bank, "bench-client").token("payments accounts")
    workers = [Worker(bank, number, token, end) for number in range(WORKERS)]
    for worker in workers:
        worker.start()
    wait_for("payments", 60, lambda: paid(workers) > 2 * WORKERS)
    yield workers
    end.set()
    for worker in workers:
        worker.join(60)
        assert not worker.is_alive()


def runs(bank, name):
    return os.readlink(f"/proc/{bank.pid('giro')}/exe").endswith(f"versions/{name}/giro")


@pytest.mark.spec("gateway/69", "gateway/68")
def test_twenty_swaps_without_a_failed_request(bank, versions, load):
    took = []
    for swap in range(SWAPS):
        name = versions[(swap + 1) % 2]
        answer = deploy_json(bank, "alias", "live", name)
        assert answer["live"] == name
        took.append(answer["ms"])
        assert runs(bank, name) and statuses(bank)[name] == "live"
        goes_on(load)
        no_failure(load)
    print("ms:", took)
    assert bank.supervisor.poll() is None


def test_rollback(bank, versions, load):
    deploy(bank, "alias", "live", versions[1])
    answer = deploy_json(bank, "rollback")
    assert answer["live"] == versions[0] and runs(bank, versions[0])
    assert statuses(bank) == {versions[0]: "live", versions[1]: "previous"}
    assert deploy_json(bank, "rollback")["live"] == versions[1]
    goes_on(load)
    no_failure(load)


def test_a_version_that_cannot_take_over(bank, versions, load):
    """It is published, and then breaks: the old one goes on, and is still the live one."""
    third = deploy_json(bank, "publish", other_binary(bank, "third", b"third"))["version"]
    path = bank.var / "versions" / third / "giro"
    path.write_text("#!/bin/sh\nexit 1\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    before = next(name for name, status in statuses(bank).items() if status == "live")
    done = deploy(bank, "alias", "live", third, code=1)
    assert "the old one goes on" in done.stderr
    assert statuses(bank)[before] == "live" and runs(bank, before)
    goes_on(load)
    no_failure(load)


def test_what_is_not_published(bank, versions):
    assert "no version" in deploy(bank, "alias", "live", "9.9.9-00000000", code=3).stderr
    assert "no version" in deploy(bank, "alias", "live", "../../etc", code=3).stderr
    assert "one alias" in deploy(bank, "alias", "dead", versions[0], code=2).stderr
    assert deploy(bank, "publish", "/nonexistent", code=3).stderr
    assert "no giro" in deploy(bank, "publish", "/bin/true", code=1).stderr
    assert set(statuses(bank)) >= set(versions)


def test_no_canary_on_an_embedded_store(bank, versions):
    """Told why, and what to do instead; the bounds of a weight are told before that."""
    refused = deploy(bank, "canary", versions[1], "--weight", "50", code=5).stderr
    assert "PostgreSQL" in refused and "alias live" in refused
    for weight in ("101", "-1", "half", ""):
        assert "0 to 100" in deploy(bank, "canary", versions[1], f"--weight={weight}", code=2).stderr


def test_the_supervisor_starts_the_live_version_again(bank, versions):
    deploy(bank, "alias", "live", versions[1])
    old = bank.kill("giro")
    wait_for("another process", 60, lambda: bank.pid("giro") not in (0, old))
    wait_for("ready", 60, bank.is_ready)
    assert runs(bank, versions[1])


def test_money_is_whole(bank):
    bank.verify()


def test_the_end_takes_all_with_it(bank, versions):
    pid = bank.pid("giro")
    assert bank.stop() == 0
    assert not os.path.exists(f"/proc/{pid}")
    assert "no sandbox runs" in deploy(bank, "alias", "live", versions[0], code=7).stderr
