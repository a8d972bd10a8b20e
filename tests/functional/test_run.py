"""`giro run`: the sandbox starts whole or not at all, ends whole, and finds its money again."""

import fcntl
import json
import os
import pwd
import resource
import shutil
import signal
import socket
import stat
import subprocess
import time
from pathlib import Path

import pytest
from bank import ROOT, Bank, free_port_base, wait_for

CHILDREN = ("core", "sink", "giro", "nginx")
CUSTOMERS = ["mia", "sam", "ada", "raj", "zoe", "leo"]
CLIENTS = {
    "acme-tpp": ("fapi2", "mtls", "open_banking_tpp"),
    "beta-tpp": ("fapi1", "mtls", "open_banking_tpp"),
    "gamma-tpp": ("fapi2", "mtls", "open_banking_tpp"),
    "ms-tpp": ("fapi2-ms", "mtls", "open_banking_tpp"),
    "ms2-tpp": ("fapi2-ms", "mtls", "open_banking_tpp"),
    "dpop-tpp": ("fapi2", "dpop", "open_banking_tpp"),
    "beta2-tpp": ("fapi1", "mtls", "open_banking_tpp"),
    "mobile-app": ("fapi2", "mtls", "internal_mobile_app"),
    "embed-partner": ("fapi2", "mtls", "partner_embedded_finance"),
    "bench-client": ("fapi2", "mtls", "sandbox_unlimited"),
}
START_SECONDS_MAX = 180
END_SECONDS_MAX = 5


def run(bank, *words, var=None, port=None, program=None, user=None, cwd=ROOT):
    """`giro run WORDS` to its end."""
    command = [str(program or bank.program), "run", "--var", str(var or bank.var), *words]
    if "--stop" not in words and "--status" not in words:
        command += ["--port-base", str(port or bank.port)]
    if user:
        command = ["runuser", "-u", user, "--", *command]
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=START_SECONDS_MAX,
        env=bank.environment(),
        cwd=cwd,
        check=False,
    )


def detach(bank, *words, **more):
    done = run(bank, "--detach", *words, **more)
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert done.stdout.startswith("Giro is ready"), done.stdout
    return done


def status(bank, **more):
    done = run(bank, "--status", "--json", **more)
    answer = json.loads(done.stdout)
    assert done.returncode == (0 if answer["ready"] else 7), done
    return answer


def pids(bank):
    return {process["name"]: process["pid"] for process in status(bank)["processes"]}


def lives(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def all_ended(processes):
    return not any(lives(pid) for pid in processes)


@pytest.fixture
def sandbox():
    """A detached sandbox of its own, ended by --stop."""
    own = Bank()
    try:
        detach(own)
        yield own
    finally:
        run(own, "--stop")
        own.close()


@pytest.fixture(scope="module")
def shared():
    """One for the tests that leave it as it was."""
    own = Bank()
    try:
        detach(own)
        yield own
    finally:
        run(own, "--stop")
        own.close()


@pytest.fixture
def nothing():
    """A var and ports where nothing runs; whatever a test leaves is ended."""
    own = Bank()
    try:
        yield own
    finally:
        run(own, "--stop")
        own.close()


@pytest.mark.spec("gateway/78")
def test_ready_files_and_processes(shared):
    answer = status(shared)
    assert answer["ready"] is True
    assert [process["name"] for process in answer["processes"]] == list(CHILDREN)
    ports = {process["name"]: process["port"] for process in answer["processes"]}
    assert (ports["nginx"], ports["giro"]) == (shared.port, shared.port + 2)
    for process in answer["processes"]:
        assert int((shared.var / "run" / f"{process['name']}.pid").read_text()) == process["pid"]
    assert shared.operations("/healthz").status == 200
    assert shared.operations("/readyz").status == 200
    for name, mode in {
        "run/admin.sock": 0o600,
        "giro.yaml": 0o600,
        "customers.json": 0o600,
        "pki/ca.key": 0o600,
        "pki/server.key": 0o600,
        "pki/bank-signing.key": 0o600,
        "store": 0o700,
    }.items():
        assert stat.S_IMODE((shared.var / name).stat().st_mode) == mode, name


def test_clients_are_those_of_the_contract(shared):
    organisations, software = set(), set()
    for name, wanted in CLIENTS.items():
        data = shared.client(name).data
        assert (data["profile"], data["sender"], data["tier"]) == wanted, name
        assert data["client_id"] == name
        assert len(data["org_id"]) == 18 and data["org_id"].isalnum()
        assert len(data["software_id"]) == 22 and data["software_id"].isalnum()
        assert data["redirect_uris"] == [f"https://{name}.example/callback", "https://localhost:9999/callback"]
        assert data["issuer"] == f"https://localhost:{shared.port + 1}"
        assert data["token_endpoint"] == f"https://localhost:{shared.port}/token"
        assert bool(data.get("account_ids")) == (name in ("embed-partner", "bench-client"))
        for key in ("transport.key", "signing.key"):
            assert stat.S_IMODE((shared.var / "clients" / name / key).stat().st_mode) == 0o600
        organisations.add(data["org_id"])
        software.add(data["software_id"])
    assert len(organisations) == len(software) == len(CLIENTS)
    listed = shared.giro_json("clients", "list")
    assert sorted(client["client_id"] for client in listed) == sorted(CLIENTS)
    assert shared.giro_json("clients", "show", "acme-tpp")["sandbox_auto_approve"] is True
    assert shared.giro_json("clients", "show", "mobile-app")["sandbox_auto_approve"] is False
    assert shared.giro("clients", "show", "nobody", check=False).returncode == 3


def test_limits_are_those_of_the_configuration(shared):
    tiers = {row["tier"]: row for row in shared.giro_json("limits", "list")}
    assert {tier for _, _, tier in CLIENTS.values()} <= set(tiers)
    assert tiers["sandbox_unlimited"] == {
        "tier": "sandbox_unlimited",
        "requests_per_second": None,
        "burst": None,
        "daily_limit": None,
    }
    assert tiers["open_banking_tpp"]["requests_per_second"] > 0


def test_customers_are_those_of_the_contract(shared):
    people = shared.giro_json("sandbox", "customers")
    assert [person["login"] for person in people] == CUSTOMERS
    for person in people:
        assert person["password"] and len(person["totp_secret"]) == 32 and person["customer_id"]
        for account in person["accounts"]:
            assert account["currency"] == "GBP" and account["account_id"]
            assert account["iban"][4:] == "GIRO" + account["sort_code"] + account["account_number"]
            moved = account["iban"][4:] + account["iban"][:4]
            assert int("".join(str(int(letter, 36)) for letter in moved)) % 97 == 1
    assert sorted(row["login"] for row in shared.giro_json("customers", "list")) == sorted(CUSTOMERS)
    shown = shared.giro_json("customers", "show", "mia")
    assert shown["customer_id"] == people[0]["customer_id"]


def test_a_second_start_finds_the_same_money(sandbox):
    partner = sandbox.client("embed-partner")
    before = partner.balances()
    people = sandbox.giro_json("sandbox", "customers")
    assert partner.wait_final(partner.pay("12.34").json["payment_id"])["status"] == "completed"
    sandbox.giro("sandbox", "fund", partner.data["account_ids"][0], "100.00")
    assert run(sandbox, "--stop").returncode == 0
    detach(sandbox)
    sandbox.clients = {}
    again = sandbox.client("embed-partner")
    assert again.data == partner.data
    assert again.balances()["booked"] == before["booked"] - 1234 + 10000
    assert sandbox.giro_json("sandbox", "customers") == people


def test_fresh_forgets(sandbox):
    people = sandbox.giro_json("sandbox", "customers")
    assert run(sandbox, "--stop").returncode == 0
    detach(sandbox, "--fresh")
    again = sandbox.giro_json("sandbox", "customers")
    assert [person["password"] for person in again] != [person["password"] for person in people]
    assert len(sandbox.giro_json("customers", "list")) == len(CUSTOMERS)


def test_a_second_start_on_the_same_var_is_refused(shared):
    before = pids(shared)
    done = run(shared, "--detach", port=free_port_base())
    assert done.returncode == 5, done
    assert "runs on" in done.stderr and "already" in done.stderr
    assert pids(shared) == before and status(shared)["ready"]


def test_two_sandboxes_side_by_side(shared, nothing):
    detach(nothing)
    assert status(nothing)["ready"] and status(shared)["ready"]
    assert run(nothing, "--stop").returncode == 0
    assert not status(nothing)["ready"] and status(shared)["ready"]


@pytest.mark.parametrize("offset", [0, 1, 2])
def test_a_taken_port_starts_nothing(nothing, offset):
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", nothing.port + offset))
        taken.listen()
        done = run(nothing, "--detach")
    assert done.returncode == 7, done
    complaint = done.stderr.strip().splitlines()[-1]
    assert f"port {nothing.port + offset} " in complaint and "taken" in complaint, complaint
    assert not list((nothing.var / "run").glob("*.pid")) and not (nothing.var / "giro.yaml").exists()
    assert status(nothing) == {"ready": False, "processes": []}


def test_stop_ends_everything_in_five_seconds(sandbox):
    processes = [*pids(sandbox).values(), int((sandbox.var / "run" / "supervisor.pid").read_text())]
    begun = time.monotonic()
    assert run(sandbox, "--stop").returncode == 0
    assert time.monotonic() - begun < END_SECONDS_MAX
    assert all_ended(processes)
    assert not list((sandbox.var / "run").glob("*.pid"))
    assert status(sandbox) == {"ready": False, "processes": []}
    assert run(sandbox, "--stop").returncode == 0  # nothing left to do


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_the_foreground_ends_by_signal(nothing, sign):
    nothing.start()
    wait_for("ready", START_SECONDS_MAX, lambda: status(nothing)["ready"])
    processes = list(pids(nothing).values())
    begun = time.monotonic()
    nothing.supervisor.send_signal(sign)
    assert nothing.supervisor.wait(30) == 0
    assert time.monotonic() - begun < END_SECONDS_MAX
    assert all_ended(processes)


def test_a_killed_supervisor_takes_its_children_with_it(sandbox):
    processes = list(pids(sandbox).values())
    os.kill(int((sandbox.var / "run" / "supervisor.pid").read_text()), signal.SIGKILL)
    wait_for("the children's end", END_SECONDS_MAX, lambda: all_ended(processes))
    assert status(sandbox) == {"ready": False, "processes": []}
    detach(sandbox)


@pytest.mark.parametrize("name", CHILDREN)
def test_a_killed_child_is_started_again(shared, name):
    killed = shared.kill(name)
    wait_for(f"another {name}", START_SECONDS_MAX, lambda: shared.pid(name) not in (0, killed))
    wait_for("ready again", START_SECONDS_MAX, lambda: status(shared)["ready"])
    partner = shared.client("embed-partner")
    partner.drop()  # a connection kept from before the kill
    answer = partner.pay("1.00")
    assert answer.status == 201, answer
    assert partner.wait_final(answer.json["payment_id"])["status"] == "completed"


@pytest.mark.parametrize(
    "words,said",
    [
        (["run", "--colour"], "no such option: --colour"),
        (["run", "--port-base", "80"], "--port-base needs a whole number"),
        (["run", "--port-base"], "an option needs a value"),
        (["run", "--store", "oracle"], "want sqlite or postgres"),
        (["run", "--bus", "rabbitmq"], "no such adapter"),
        (["run", "--cache", "redis"], "no such adapter"),
        (["run", "--stop", "--status"], "exclude each other"),
        (["run", "--var", "/nonexistent/folder/var"], "does not exist"),
        (["run", "word"], "a word too many"),
        (["nonsense"], "no such subcommand: nonsense"),
        (["sandbox", "core", "sideways"], "no such mode"),
        ([], "usage: giro"),
    ],
)
def test_wrong_use_is_one_sentence(nothing, words, said):
    done = subprocess.run(
        [nothing.program, *words],
        capture_output=True,
        text=True,
        env=nothing.environment(),
        cwd=nothing.folder,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done
    assert said in done.stderr and not done.stdout
    assert not nothing.var.exists()


@pytest.mark.parametrize("word", ["run", "check-config", "version", "doctor"])
def test_help_of_each_subcommand(nothing, word):
    done = subprocess.run([nothing.program, word, "--help"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and done.stdout.startswith(f"usage: giro {word}") and not done.stderr


def check_config(bank, path):
    return subprocess.run([bank.program, "check-config", path], capture_output=True, text=True, timeout=60, check=False)


def test_the_configuration_can_be_checked(shared):
    good = shared.var / "giro.yaml"
    done = check_config(shared, good)
    assert done.returncode == 0, done
    assert "sandbox: true" in done.stdout
    bad = shared.folder / "bad.yaml"
    bad.write_text(good.read_text().replace("log:\n", "lag:\n"))
    done = check_config(shared, bad)
    assert done.returncode == 1, done
    assert f"{bad}:4: unknown key" in done.stderr and not done.stdout
    production = shared.folder / "production.yaml"
    production.write_text(good.read_text().replace("sandbox: true", "sandbox: false"))
    done = check_config(shared, production)
    assert done.returncode == 1 and "sandbox_unlimited" in done.stderr


def test_doctor_sees_a_good_and_a_bad_sandbox(sandbox):
    assert all(finding["ok"] for finding in sandbox.giro_json("doctor"))
    (sandbox.var / "pki" / "server.pem").write_text("rubbish")
    done = sandbox.giro("doctor", "--json", check=False)
    assert done.returncode == 1
    assert [finding["check"] for finding in json.loads(done.stdout) if not finding["ok"]] == ["pki/server.pem"]


def test_a_long_path_still_gets_its_sockets(nothing):
    deep = nothing.folder / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True, mode=0o755)
    deep.parent.chmod(0o755)
    nothing.var = deep / "var"
    detach(nothing)
    assert (nothing.var / "run" / "admin.sock").exists()
    nothing.giro("sandbox", "core", "ok")
    partner = nothing.client("embed-partner")
    assert partner.wait_final(partner.pay("1.00").json["payment_id"])["status"] == "completed"
    shutil.rmtree((nothing.var / "run" / "admin.sock").readlink().parent, ignore_errors=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can leave its rights")
def test_root_keeps_no_rights(shared):
    user = pwd.getpwnam("www-data").pw_uid
    supervisor = int((shared.var / "run" / "supervisor.pid").read_text())
    for pid in [supervisor, *pids(shared).values()]:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            uids = next(line for line in file if line.startswith("Uid:")).split()[1:]
        assert set(uids) == {str(user)}
    for path in shared.var.rglob("*"):
        assert path.lstat().st_uid == user, path


def test_no_process_writes_a_core(nothing):
    """They hold keys and passwords: nginx the server's key, the supervisor the CA's."""
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    if hard == 0:
        pytest.skip("no process here may write a core anyway")
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    try:
        detach(nothing)
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))
    supervisor = int((nothing.var / "run" / "supervisor.pid").read_text())
    for name, pid in {"supervisor": supervisor, **pids(nothing)}.items():
        with open(f"/proc/{pid}/limits", encoding="ascii") as file:
            limit = next(line for line in file if line.startswith("Max core file size")).split()
        assert limit[4:6] == ["0", "0"], (name, limit)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be made to end what is not the caller's")
def test_root_ends_nothing_that_is_not_the_sandboxs(nothing):
    """The owner of var writes the file that names the process; he may not choose one that he could not end himself."""
    user = pwd.getpwnam("www-data")
    folder = nothing.var / "run"
    folder.mkdir(parents=True)
    with subprocess.Popen(["sleep", "60"]) as victim:
        with open(folder / "run.lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            (folder / "supervisor.pid").write_text(f"{victim.pid}\n")
            for path in (nothing.var, folder, *folder.iterdir()):
                os.chown(path, user.pw_uid, user.pw_gid)
            done = run(nothing, "--stop")
            assert victim.poll() is None and done.returncode == 6, done
        victim.kill()


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("runuser"), reason="only root can become another user")
def test_another_user_runs_it_too(nothing):
    user = pwd.getpwnam("nobody")
    done = subprocess.run(["runuser", "-u", user.pw_name, "--", "test", "-x", nothing.program], check=False, timeout=60)
    if done.returncode:
        pytest.skip("the build folder cannot be reached by others")
    home = nothing.folder / "home"
    home.mkdir()
    os.chown(home, user.pw_uid, user.pw_gid)
    nothing.var = home / "var"
    try:
        detach(nothing, user=user.pw_name)
        assert nothing.var.stat().st_uid == user.pw_uid
        partner = nothing.client("embed-partner")
        assert partner.wait_final(partner.pay("1.00").json["payment_id"])["status"] == "completed"
    finally:
        assert run(nothing, "--stop", user=user.pw_name).returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has folders that the sandbox's user cannot reach")
def test_root_may_keep_the_project_where_nobody_else_comes(nothing):
    hidden = nothing.folder / "hidden"
    project = hidden / "giro"
    project.mkdir(parents=True)
    hidden.chmod(0o700)
    for name in ("api", "db", "sagas", "policy", "src/integration/acl/layouts"):
        shutil.copytree(ROOT / name, project / name)
    (project / "build").mkdir()
    for name in ("giro", "giro-sim-core", "giro-sim-sink"):
        shutil.copy2(nothing.build / name, project / "build" / name)
    nothing.program, nothing.var = project / "build" / "giro", project / "var"
    places = []
    try:
        detach(nothing, cwd=project)
        places = [nothing.var.resolve()]
        with open(f"/proc/{pids(nothing)['giro']}/cmdline", encoding="utf-8") as file:
            places.append(next(Path(word).parent.parent for word in file.read().split("\0") if word.endswith("/giro")))
        partner = nothing.client("embed-partner")
        assert partner.wait_final(partner.pay("1.00").json["payment_id"])["status"] == "completed"
        running = (places[1] / "build" / "giro").stat().st_ino
        nothing.giro("demo", "pay")
        assert (places[1] / "build" / "giro").stat().st_ino == running  # the programs that run stay where they are
        assert run(nothing, "--stop").returncode == 0
        detach(nothing, cwd=project)
        assert nothing.var.resolve() == places[0] and status(nothing)["ready"]
    finally:
        run(nothing, "--stop")
        for place in places:
            assert place.parent == Path("/var/lib/giro")
            shutil.rmtree(place)
