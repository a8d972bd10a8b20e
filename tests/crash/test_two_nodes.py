"""Two `giro serve` on one PostgreSQL behind one edge, and behind one of its own each.

What one node takes back the other refuses at the next request. Then both are under load, and the one that leads is
killed with kill -9: the other leads within 10 s, every acknowledged payment is there once and reaches its end, the
books are whole, and the first, started again, follows.
"""

import collections
import copy
import datetime
import http.client
import os
import random
import re
import signal
import socket
import subprocess
import threading
import time
import uuid

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from account_information import Reader
from bank import (
    ASSERTION_TYPE,
    FINAL,
    ROOT,
    START_SECONDS_MAX,
    Answer,
    Bank,
    Client,
    encode_form,
    free_port_base,
    other_bank,
    wait_for,
)
from customers import Customers, Visitor
from open_banking import ThirdParty

WORKERS = 8
PAUSE_SECONDS = 0.05
TAKE_OVER_SECONDS_MAX = 10
SETTLE_SECONDS_MAX = 120
RETRIED = (409, 429, 500, 502, 503, 504)


class Worker(threading.Thread):
    """Pays, and asks again with the same key until it hears 201."""

    def __init__(self, bank, number, token, end):
        super().__init__(daemon=True)
        self.client = Client(bank, "bench-client")
        self.client.tokens["payments"] = (token, float("inf"))
        accounts = self.client.data["account_ids"]
        self.account, self.number, self.end = accounts[number % len(accounts)], number, end
        self.acknowledged, self.heard, self.error = {}, collections.Counter(), None

    def ask(self, key):
        deadline = time.monotonic() + SETTLE_SECONDS_MAX
        while True:
            assert time.monotonic() < deadline, f"{key}: never acknowledged; heard {dict(self.heard)}"
            try:
                order = self.client.order("0.01", self.account, other_bank())
                answer = self.client.post("/v1/payments", order, "payments", key=key)
            except (OSError, http.client.HTTPException):
                self.heard["connection lost"] += 1
                time.sleep(PAUSE_SECONDS)
                continue
            self.heard[answer.status] += 1
            if answer.status == 201:
                return answer.json["payment_id"]
            assert answer.status in RETRIED, (key, answer)
            time.sleep(PAUSE_SECONDS)

    def run(self):
        try:
            while not self.end.is_set():
                key = f"two-{self.number}-{len(self.acknowledged)}"
                self.acknowledged[key] = self.ask(key)
                old = random.choice(list(self.acknowledged))
                assert self.ask(old) == self.acknowledged[old], old
                self.end.wait(PAUSE_SECONDS)
        except Exception as error:  # told by the test
            self.error = error


def make_certificate(folder, owner):
    """One for both nodes, which is their trust list too."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "giro node")])
    now = datetime.datetime.utcnow()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    for path, text in ((folder / "node.pem", certificate.public_bytes(pem)), (folder / "node.key", secret)):
        path.write_bytes(text)
        path.chmod(0o600)
        os.chown(path, owner.st_uid, owner.st_gid)


class Nodes:
    """Node one is the sandbox's own daemon, node two a second one beside it; one edge before both."""

    def __init__(self, bank):
        self.bank, self.pki = bank, bank.var / "pki"
        self.links, self.second = free_port_base(), None
        self.config = bank.var / "giro.yaml"
        text = re.sub(r"(?m)^node:\n(?:  .*\n)+", "", self.config.read_text())  # the sandbox's own, of one node
        owner = os.stat(self.config)
        self.user = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        make_certificate(self.pki, owner)
        self.socket = re.search(r'(?m)^listen:\n  socket: "(.*)"', text).group(1)
        self.other_config = bank.var / "giro-two.yaml"
        self.other_config.write_text(self.second_config(text))
        os.chown(self.other_config, owner.st_uid, owner.st_gid)
        self.config.write_text(text + self.node_section("one", self.links))

    def node_section(self, name, port):
        return (
            f"node:\n  name: {name}\n  address: 127.0.0.1:{port}\n  listen: 127.0.0.1:{port}\n"
            f'  certificate: "{self.pki}/node.pem"\n  key: "{self.pki}/node.key"\n  trust: "{self.pki}/node.pem"\n'
        )

    def second_config(self, text):
        text = text.replace("giro.sock", "two.sock").replace("admin.sock", "two-admin.sock")
        text = text.replace("giro.jsonl", "two.jsonl").replace("giro.epoch", "two.epoch")
        text = text.replace(
            f"\noperations:\n  port: {self.bank.port + 2}\n", f"\noperations:\n  port: {self.links + 2}\n"
        )
        return text + self.node_section("two", self.links + 1)

    def restart_first(self):
        before = self.bank.pid("giro")
        os.kill(before, signal.SIGTERM)
        wait_for("node one again", START_SECONDS_MAX, lambda: self.bank.pid("giro") not in (0, before))
        wait_for("node one ready", START_SECONDS_MAX, self.bank.look_ready)

    def start_second(self):
        self.output = open(self.bank.folder / "two.log", "ab")
        self.second = subprocess.Popen(
            [self.bank.program, "serve", "--config", self.other_config],
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
            env=self.bank.environment(),
            cwd=ROOT,
            **self.user,
        )
        wait_for("node two ready", START_SECONDS_MAX, lambda: self.look(self.links + 2, "/readyz") == "ready")

    def door(self, name):
        """The bank as it is met on ports that lead to this node alone."""
        door = copy.copy(self.bank)
        door.port, door.clients, door.node = free_port_base(), {}, name
        return door

    def own_edge(self, text, door):
        """The edge's listeners once more, on the door's ports and with the node's socket behind them."""
        daemon = re.search(r"(?m)^    upstream daemon \{\n(?:.*\n)*?    \}\n", text).group(0)
        listeners = re.findall(r"(?m)^    server \{\n(?:.*\n)*?    \}\n", text)
        assert len(listeners) == 2, text
        more = (daemon + "".join(listeners)).replace("upstream daemon", f"upstream {door.node}")
        more, count = re.subn(r"set \$edge_daemon daemon;", f"set $edge_daemon {door.node};", more)
        assert count == 2, text
        more = more.replace("giro.sock", f"{door.node}.sock")
        for offset in (0, 1):
            more = more.replace(f":{self.bank.port + offset} ssl", f":{door.port + offset} ssl")
        return more.replace("one.sock", "giro.sock")

    def add_to_edge(self):
        path = self.bank.var / "nginx" / "nginx.conf"
        text = path.read_text()
        self.doors = [self.door(name) for name in ("one", "two")]
        own = "".join(self.own_edge(text, door) for door in self.doors)
        line = re.search(r'(?m)^.*server "?unix:.*giro\.sock.*;$', text).group(0)
        text = text.replace(line, line + "\n" + line.replace("giro.sock", "two.sock"))
        path.write_text(text[: text.rindex("}")] + own + "}\n")
        os.kill(self.bank.pid("nginx"), signal.SIGHUP)
        for door in self.doors:
            wait_for(f"the edge of node {door.node}", START_SECONDS_MAX, lambda door=door: self.listens(door.port + 1))

    @staticmethod
    def listens(port):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            return False
        return True

    def has_served(self, door, interaction_id):
        log = {"one": "giro.jsonl", "two": "two.jsonl"}
        return {name for name in log if interaction_id in (self.bank.var / "log" / log[name]).read_text()} == {
            door.node
        }

    def look(self, port, path):
        """The word of /readyz, or the page."""
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", path)
            response = connection.getresponse()
            answer = Answer(response.status, response.getheaders(), response.read())
            connection.close()
        except (OSError, http.client.HTTPException):
            return ""
        return answer.json["status"] if path == "/readyz" else answer.body.decode()

    def leads(self, port):
        return 'giro_node_role{role="holder"} 1\n' in self.look(port, "/metrics")

    def two_log(self):
        return (self.bank.folder / "two.log").read_text("utf-8", "replace")[-3000:]


@pytest.fixture(scope="module")
def bank():
    with Bank(store="postgres") as running:
        running.start()
        yield running


@pytest.fixture(scope="module")
def nodes(bank):
    found = Nodes(bank)
    found.restart_first()
    found.start_second()
    found.add_to_edge()
    yield found
    if found.second.poll() is None:
        found.second.send_signal(signal.SIGTERM)
        assert found.second.wait(30) == 0, found.two_log()


def accounts(door, name, token, headers=None):
    return door.client(name).call("GET", "/v1/accounts", None, {"Authorization": "Bearer " + token, **(headers or {})})


def revoke(client, token):
    sent = {"token": token, "client_assertion_type": ASSERTION_TYPE, "client_assertion": client.assertion()}
    media = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = client.call("POST", "/revoke", encode_form(sent), media)
    assert answer.status == 200, answer


def fresh_token(door, name):
    answer = door.client(name).ask_token({"scope": "accounts"})
    assert answer.status == 200, answer
    return answer.json["access_token"]


def test_each_node_has_a_door_of_its_own(nodes):
    """Or the tests below would prove nothing."""
    for door in nodes.doors:
        for _ in range(3):
            sent = str(uuid.uuid4())
            token = fresh_token(door, "embed-partner")
            assert accounts(door, "embed-partner", token, {"x-fapi-interaction-id": sent}).status == 200
            wait_for(f"served by node {door.node} alone", 30, lambda: nodes.has_served(door, sent))


@pytest.mark.spec("fapi/R4")
def test_a_token_revoked_on_one_node_is_dead_on_both(bank, nodes):
    """On the node that leads and on the one that follows; what each remembers of client and certificate is warm."""
    name = "embed-partner"
    assert nodes.leads(bank.port + 2) and not nodes.leads(nodes.links + 2)
    for here, there in (nodes.doors, nodes.doors[::-1]):
        tokens = [fresh_token(here, name) for _ in range(2)]
        for token in tokens:
            assert accounts(here, name, token).status == 200
            assert accounts(there, name, token).status == 200
        revoke(here.client(name), tokens[0])
        for door in (there, here):
            answer = accounts(door, name, tokens[0])
            assert answer.status == 401 and answer.code == "invalid_token", (door.node, answer)
            assert accounts(door, name, tokens[1]).status == 200, door.node


@pytest.mark.spec("fapi/R4", "gateway/40")
def test_a_consent_taken_back_on_one_node_is_dead_on_both(bank, nodes):
    customers = Customers(bank.customers().values())
    readers = [Reader(ThirdParty(door.client("acme-tpp"))) for door in nodes.doors]
    raj = Visitor(nodes.doors[0]).enter(customers.take("raj"))
    for here, there in ((0, 1), (1, 0)):
        raj.bank = nodes.doors[here]  # the session is good on both
        ended, kept = (readers[there].consent_made() for _ in range(2))
        token, other = (readers[there].authorized(consent_id, "raj") for consent_id in (ended, kept))
        for reader in readers:
            assert reader.accounts(token).status == reader.accounts(other).status == 200
        assert raj.withdraw(ended, all="1").status == 303, raj.answer
        for reader in (readers[there], readers[here]):
            assert reader.accounts(token).status == 401
            assert reader.accounts(other).status == 200
            assert reader.status(ended) == "CANC" and reader.status(kept) == "AUTH"


def test_a_client_suspended_on_one_node_is_out_on_both(bank, nodes):
    """Its certificate is remembered by both nodes; whose it is, is asked at each request."""
    name = "gamma-tpp"
    token = fresh_token(nodes.doors[0], name)
    for fate, want in (("suspended", 401), ("active", 200)):
        before = {door.node: accounts(door, name, token).status for door in nodes.doors}
        bank.admin("client_settle", name=name, fate=fate)
        after = {door.node: accounts(door, name, token).status for door in nodes.doors[::-1]}
        assert set(after.values()) == {want} and not set(before.values()) & {want}, (fate, before, after)


def settle(bank, ids):
    client, payments = bank.client("bench-client"), {}
    deadline = time.monotonic() + SETTLE_SECONDS_MAX
    for payment_id in ids:
        while True:
            answer = client.get(f"/v1/payments/{payment_id}", "payments")
            if answer.status == 200 and answer.json["status"] in FINAL:
                break
            assert time.monotonic() < deadline, answer
            time.sleep(PAUSE_SECONDS)
        payments[payment_id] = answer.json
    return payments


@pytest.mark.spec("gateway/74", "ledger/80")
def test_the_leader_is_killed(bank, nodes):
    one, two = bank.port + 2, nodes.links + 2
    assert nodes.leads(one) and not nodes.leads(two)
    token = bank.client("bench-client").token("payments")
    end = threading.Event()
    workers = [Worker(bank, number, token, end) for number in range(WORKERS)]
    for worker in workers:
        worker.start()

    def paid():
        errors = [worker.error for worker in workers if worker.error]
        assert not errors, errors
        return sum(len(worker.acknowledged) for worker in workers)

    try:
        wait_for("payments on both nodes", 60, lambda: paid() > 5 * WORKERS)
        os.kill(bank.supervisor.pid, signal.SIGSTOP)  # or it would start node one before node two looks
        bank.kill("giro")
        killed = time.monotonic()
        wait_for("node two leads", TAKE_OVER_SECONDS_MAX, lambda: nodes.leads(two))
        print(f"taken over after {time.monotonic() - killed:.1f} s")
        before = paid()
        wait_for("payments go on", 60, lambda: paid() > before + 3 * WORKERS)
        os.kill(bank.supervisor.pid, signal.SIGCONT)
        wait_for("node one follows", START_SECONDS_MAX, lambda: nodes.look(one, "/readyz") == "ready")
        assert nodes.leads(two) and not nodes.leads(one)
        before = paid()
        wait_for("payments on both nodes again", 60, lambda: paid() > before + 3 * WORKERS)
    finally:
        os.kill(bank.supervisor.pid, signal.SIGCONT)
        end.set()
        for worker in workers:
            worker.join(SETTLE_SECONDS_MAX)
    paid()
    print("heard:", dict(sum((worker.heard for worker in workers), collections.Counter())))
    acknowledged = [payment_id for worker in workers for payment_id in worker.acknowledged.values()]
    assert len(set(acknowledged)) == len(acknowledged)  # one payment a key, never two
    payments = settle(bank, acknowledged)
    assert {payment["status"] for payment in payments.values()} == {"completed"}
    bookings, _ = bank.core_books()
    booked = {reference.lower(): booking["times_booked"] for reference, booking in bookings.items()}
    assert all(booked[payment_id.replace("-", "")] == 1 for payment_id in acknowledged)
    assert all(times == 1 for times in booked.values())
    bank.verify()


@pytest.mark.spec("gateway/74")
def test_the_leader_leaves(bank, nodes):
    """An orderly end hands the lease on at once."""
    two = nodes.links + 2
    assert nodes.leads(two)
    nodes.second.send_signal(signal.SIGTERM)
    assert nodes.second.wait(30) == 0, nodes.two_log()
    ended = time.monotonic()
    wait_for("node one leads", 4, lambda: nodes.leads(bank.port + 2))
    print(f"handed on after {time.monotonic() - ended:.1f} s")
    client = bank.client("bench-client")  # the edge asks the one that has gone every second time
    wait_for("a payment", 30, lambda: client.pay("0.01", key="two-last").status == 201)
