"""A new `giro serve` takes store and socket from the one that runs, under load through a real edge: no request fails.

The supervisor sleeps meanwhile, because a hand-over under its care is another matter: it would start what has ended.
"""

import collections
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
import uuid

import pytest

from bank import ROOT, START_SECONDS_MAX, Bank, Client, wait_for

HAND_OVERS = 5
WORKERS = 8
PAUSE_SECONDS = 0.01  # of a worker between two requests; the machine is shared
BETWEEN_SECONDS = 0.5  # of load between two hand-overs


class Worker(threading.Thread):
    """Pays and reads without an end; every answer but 201 and 200 is a failure, and every lost connection."""

    def __init__(self, bank, number, token, end, creditor=None):
        super().__init__(daemon=True)
        self.creditor = creditor
        self.client = Client(bank, "bench-client")
        self.client.tokens.update({"payments": (token, float("inf")), "accounts": (token, float("inf"))})
        self.account = self.client.data["account_ids"][number % len(self.client.data["account_ids"])]
        self.end, self.answers, self.failures, self.slowest = end, {}, [], 0.0

    def once(self):
        key = str(uuid.uuid4())
        began = time.monotonic()
        answer = self.client.pay("0.01", self.account, self.creditor, key=key)
        self.slowest = max(self.slowest, time.monotonic() - began)
        if answer.status != 201:
            self.failures.append((key, answer))
        else:
            self.answers[key] = answer.json["payment_id"]
        read = self.client.get(f"/v1/accounts/{self.account}/balances", "accounts")
        if read.status != 200:
            self.failures.append(("read", read))

    def run(self):
        while not self.end.is_set():
            try:
                self.once()
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(("connection", repr(error)))
            self.end.wait(PAUSE_SECONDS)


class Daemons:
    """The daemon that runs, and those that take over from it."""

    def __init__(self, bank):
        self.bank = bank
        self.pid = wait_for("the daemon", START_SECONDS_MAX, lambda: bank.pid("giro"))
        owner = os.stat(f"/proc/{self.pid}")
        self.user = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        self.started = []

    def ended(self, pid):
        """Its parent sleeps, so that one that has ended stays as a zombie."""
        for process in self.started:
            process.poll()
        try:
            with open(f"/proc/{pid}/stat") as stat:
                return stat.read().rpartition(")")[2].split()[0] == "Z"
        except FileNotFoundError:
            return True

    def serve(self, config, **more):
        self.output = open(self.bank.folder / "serve.log", "ab")
        process = subprocess.Popen(
            [self.bank.program, "serve", "--config", config, "--take-over"],
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
            env=self.bank.environment(),
            cwd=ROOT,
            **self.user,
            **more,
        )
        self.started.append(process)
        return process

    def log(self):
        return (self.bank.folder / "serve.log").read_text("utf-8", "replace")[-3000:]

    def take_over(self):
        """A new one serves, the old one has ended; how long callers waited, in seconds."""
        old, process = self.pid, self.serve(self.bank.var / "giro.yaml")
        wait_for("the old one's end", START_SECONDS_MAX, lambda: self.ended(old) or process.poll() is not None)
        assert process.poll() is None, self.log()
        self.pid = process.pid
        wait_for("the new one ready", START_SECONDS_MAX, lambda: self.bank.operations("/readyz").status == 200)
        return self.bank.metrics()["giro_hand_over_gap_seconds"]

    def end(self):
        for process in self.started:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(30)


def ask_and_die(bank):
    """Somebody who asks for the store and the socket, gets them, and dies with them in his hands."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(30)
        sock.connect(str(bank.var / "run" / "admin.sock"))
        sock.sendall(b'{"command":"hand_over"}\n')
        answer = b""
        while not answer.endswith(b"\n"):
            answer += sock.recv(1)
        assert json.loads(answer) == {"ok": True}
        _, fds, _, _ = socket.recv_fds(sock, 16, 64)
        assert fds
        for fd in fds:
            os.close(fd)


@pytest.fixture(scope="module")
def bank():
    with Bank() as running:
        running.start()
        yield running


@pytest.fixture(scope="module")
def daemons(bank):
    os.kill(bank.supervisor.pid, signal.SIGSTOP)
    found = Daemons(bank)
    yield found
    found.end()
    os.kill(bank.supervisor.pid, signal.SIGCONT)


@pytest.fixture
def load(bank):
    end = threading.Event()
    token = Client(bank, "bench-client").token("payments accounts")
    workers = [Worker(bank, number, token, end) for number in range(WORKERS)]
    for worker in workers:
        worker.start()
    wait_for("payments", 60, lambda: sum(len(worker.answers) for worker in workers) > 2 * WORKERS)
    yield workers
    end.set()
    for worker in workers:
        worker.join(60)
        assert not worker.is_alive()


def no_failure(workers):
    failures = [failure for worker in workers for failure in worker.failures]
    kinds = collections.Counter(getattr(what, "status", what) for _, what in failures)
    waits = {what.headers.get("retry-after") for _, what in failures if getattr(what, "status", 0) == 503}
    assert not failures, (kinds, "Retry-After (60 and falling: the core's breaker)", waits, failures[:5])


def paid(workers):
    return sum(len(worker.answers) for worker in workers)


def goes_on(workers):
    before = paid(workers)
    wait_for("payments go on", 60, lambda: paid(workers) > before + 2 * WORKERS)


def test_no_request_fails(bank, daemons, load):
    gaps = []
    for _ in range(HAND_OVERS):
        gaps.append(daemons.take_over())
        goes_on(load)
        time.sleep(BETWEEN_SECONDS)  # of load, not a wait for anything
        no_failure(load)
    print("gaps:", [f"{gap:.3f}" for gap in gaps], "slowest:", f"{max(worker.slowest for worker in load):.3f}")
    worker = load[0]
    for key, payment_id in list(worker.answers.items())[:5]:  # answered by a process that has ended
        again = Client(bank, "bench-client")
        again.tokens = dict(worker.client.tokens)
        answer = again.pay("0.01", worker.account, key=key)
        assert answer.status == 201 and answer.json["payment_id"] == payment_id, answer
        assert answer.headers["idempotent-replayed"] == "true", answer


def test_the_old_one_goes_on(bank, daemons, load):
    """The new one cannot open the store, dies with it in its hands, or was never able to start."""
    old = daemons.pid
    broken = bank.folder / "broken.yaml"
    text = (bank.var / "giro.yaml").read_text()
    broken.write_text(re.sub(r"(?m)^(store:\n(?:  .*\n)*?  path: ).*$", r"\1/nonexistent/giro.db", text, count=1))
    assert "/nonexistent/giro.db" in broken.read_text()
    broken.chmod(0o644)
    process = daemons.serve(broken)
    assert process.wait(60) != 0
    goes_on(load)
    process = daemons.serve(bank.var / "no-such.yaml")
    assert process.wait(60) != 0
    goes_on(load)
    ask_and_die(bank)
    goes_on(load)
    no_failure(load)
    assert not daemons.ended(old)
    daemons.take_over()  # and one that is well takes over after all that
    goes_on(load)
    no_failure(load)


def test_books_are_whole(bank, daemons):
    bank.verify()
