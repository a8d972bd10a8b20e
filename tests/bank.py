"""A sandbox bank of its own for the tests: started, driven over its real sockets, looked into, killed and ended.

Everything that a test starts is ended by its process id. Every wait polls with a deadline.
"""

import atexit
import base64
import contextlib
import fcntl
import http.client
import json
import os
import random
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import uuid
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("GIRO_BUILD", ROOT / "build-test"))
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
START_SECONDS_MAX = 120
STOP_SECONDS_MAX = 30
CALL_SECONDS_MAX = 30
IDLE_SECONDS_MAX = 20  # of a kept connection; the edge closes one after 60
FINAL = ("completed", "rejected")
STORES = ("sqlite", "postgres")


def wait_for(what, seconds, look, every=0.05):
    """The first true value that look() gives; fails with what it waited for."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(every)


PORTS_KEPT = []  # open files, one for each base that this process has chosen


def port_base_kept(base):
    """Whether nobody else who chooses ports here has chosen this base; kept for as long as this process lives: the bank
    that is given it binds its ports seconds later, and until then another's choice would find them free."""
    folder = Path(tempfile.gettempdir()) / f"giro-test-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    file = open(folder / str(base), "a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return False
    PORTS_KEPT.append(file)
    return True


def free_port_base():
    """The first of three free ports in a row, below the kernel's own range of outgoing ports, and nobody else's."""
    chosen = random.SystemRandom()
    for _ in range(200):
        base = chosen.randrange(12000, 30000, 3)
        with contextlib.ExitStack() as stack:
            try:
                for port in range(base, base + 3):
                    sock = stack.enter_context(socket.socket())
                    sock.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port_base_kept(base):
            return base
    raise AssertionError("no three free ports in a row")


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_b64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def rsa_pss(key, data):
    return key.sign(data, padding.PSS(padding.MGF1(hashes.SHA256()), salt_length=32), hashes.SHA256())


def ec_raw(key, data):
    r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def jws(header, payload, sign):
    head = b64url(json.dumps(header).encode())
    body = b64url(payload if isinstance(payload, bytes) else json.dumps(payload).encode())
    return f"{head}.{body}.{b64url(sign(f'{head}.{body}'.encode()))}"


class Answer:
    """What came back: status, headers (names in lower case), the bytes of the body."""

    def __init__(self, status, headers, body):
        self.status, self.body = status, body
        self.headers = {name.lower(): value for name, value in headers}

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The code of a problem document, after a look at its form."""
        assert self.headers["content-type"].startswith("application/problem+json"), (
            self.status,
            self.headers,
            self.body,
        )
        problem = self.json
        assert problem["status"] == self.status, problem
        assert problem["title"] and problem["type"] and problem["detail"] and problem["instance"], problem
        assert problem["interaction_id"] == self.headers["x-fapi-interaction-id"], problem
        return problem["code"]

    def __repr__(self):
        return f"<{self.status} {self.headers.get('content-type')} {self.body[:600]!r}>"


class Client:
    """A sandbox client: its certificate, its signing key, its tokens. Threads may share it."""

    def __init__(self, bank, name):
        self.bank, self.name = bank, name
        self.folder = bank.var / "clients" / name
        self.data = json.loads((self.folder / "client.json").read_text())
        self.signing_key = serialization.load_pem_private_key((self.folder / "signing.key").read_bytes(), None)
        self.context = bank.tls_context(name)
        self.local = threading.local()
        self.patient = True
        self.tokens = {}

    def certificate_pem(self):
        return (self.folder / "transport.pem").read_text()

    def certificate(self):
        return x509.load_pem_x509_certificate((self.folder / "transport.pem").read_bytes())

    def call(self, method, path, body=None, headers=None, context=None, port=None):
        """One request; told to come again soon (429), a patient client does, when the answer said."""
        deadline = time.monotonic() + CALL_SECONDS_MAX
        while True:
            answer = self.call_once(method, path, body, headers, context, port)
            if answer.status != 429 or not self.patient:
                return answer
            seconds = int(answer.headers["retry-after"])
            if time.monotonic() + seconds > deadline:
                return answer
            time.sleep(seconds)

    def call_once(self, method, path, body=None, headers=None, context=None, port=None):
        """On this thread's connection; a fresh one when the last has ended or was idle, or a context is given."""
        if time.monotonic() - getattr(self.local, "used", 0) > IDLE_SECONDS_MAX:
            self.drop()  # the edge may be closing it just now
        self.local.used = time.monotonic()
        data = body if isinstance(body, (bytes, type(None))) else body.encode()
        own = context is None and port is None
        connection = getattr(self.local, "connection", None) if own else None
        fresh = connection is None
        if fresh:
            connection = http.client.HTTPSConnection(
                "localhost", port or self.bank.port, timeout=CALL_SECONDS_MAX, context=context or self.context
            )
            self.local.connection = connection if own else None
        try:
            connection.request(method, path, body=data, headers=headers or {})
            response = connection.getresponse()
            answer = Answer(response.status, response.getheaders(), response.read())
            keep = own and response.headers.get("Connection", "").lower() != "close"
        except (OSError, http.client.HTTPException):
            self.drop()
            connection.close()
            if fresh or method not in ("GET", "HEAD"):
                raise
            return self.call_once(
                method, path, body, headers
            )  # a kept connection that was closed meanwhile tells nothing
        if not keep:
            connection.close()
            if own:
                self.drop()
        return answer

    def drop(self):
        """Forgets this thread's connection."""
        connection = getattr(self.local, "connection", None)
        if connection:
            connection.close()
        self.local.connection = None

    # ---- tokens

    def claims(self, **more):
        now = int(time.time())
        claims = {
            "iss": self.name,
            "sub": self.name,
            "aud": self.data["issuer"],
            "jti": str(uuid.uuid4()),
            "iat": now,
            "exp": now + 60,
            **more,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def assertion(self, header=None, sign=None, **claims):
        head = {"alg": "PS256", "kid": self.data["kid"], **(header or {})}
        head = {name: value for name, value in head.items() if value is not None}
        return jws(head, self.claims(**claims), sign or (lambda data: rsa_pss(self.signing_key, data)))

    def ask_token(self, form=None, assertion=None, context=None, port=None):
        fields = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion or self.assertion(),
            **(form or {}),
        }
        body = encode_form({name: value for name, value in fields.items() if value is not None})
        return self.call("POST", "/token", body, {"Content-Type": "application/x-www-form-urlencoded"}, context, port)

    def token(self, scope):
        kept = self.tokens.get(scope)
        if kept and kept[1] > time.monotonic() + 30:
            return kept[0]
        answer = self.ask_token({"scope": scope})
        assert answer.status == 200, answer
        self.tokens[scope] = (answer.json["access_token"], time.monotonic() + answer.json["expires_in"])
        return self.tokens[scope][0]

    # ---- the API

    def get(self, path, scope, headers=None):
        return self.call("GET", path, None, {"Authorization": "Bearer " + self.token(scope), **(headers or {})})

    def post(self, path, body, scope, headers=None, key=None):
        """A POST of JSON with a key of its own unless one is given; headers of value None are left out."""
        data = body if isinstance(body, (bytes, str)) else json.dumps(body)
        sent = {
            "Authorization": "Bearer " + self.token(scope),
            "Content-Type": "application/json",
            "Idempotency-Key": key or str(uuid.uuid4()),
            **(headers or {}),
        }
        return self.call("POST", path, data, {name: value for name, value in sent.items() if value is not None})

    def order(self, value="1.00", account=None, creditor=None, currency="GBP", **more):
        return {
            "debtor_account_id": account or self.data["account_ids"][0],
            "creditor": creditor or other_bank(),
            "amount": {"value": value, "currency": currency},
            **more,
        }

    def pay(self, *args, key=None, **more):
        return self.post("/v1/payments", self.order(*args, **more), "payments", key=key)

    def payment(self, payment_id):
        answer = self.get(f"/v1/payments/{payment_id}", "payments")
        assert answer.status == 200, answer
        return answer.json

    def wait_final(self, payment_id, seconds=60):
        def look():
            payment = self.payment(payment_id)
            return payment if payment["status"] in FINAL else None

        return wait_for(f"payment {payment_id} final", seconds, look)

    def balances(self, account=None):
        answer = self.get(f"/v1/accounts/{account or self.data['account_ids'][0]}/balances", "accounts")
        assert answer.status == 200, answer
        return {name: minor(answer.json[name]["value"]) for name in ("booked", "held", "overdraft", "available")}

    def open_account(self, value=None):
        """A new account of its own in pounds, with value paid into it at once from the client's first account."""
        answer = self.post("/v1/accounts", {"name": "Test account", "currency": "GBP"}, "accounts")
        assert answer.status == 201, answer
        if value:
            funded = self.pay(value, creditor={"name": "Me", "iban": answer.json["iban"]})
            assert funded.status == 201 and funded.json["status"] == "completed", funded
        return answer.json


def minor(text):
    """Minor units of an amount of two decimals."""
    sign = -1 if text.startswith("-") else 1
    whole, _, cents = text.lstrip("-").partition(".")
    return sign * (int(whole) * 100 + int(cents.ljust(2, "0") or 0))


def encode_form(fields):
    import urllib.parse

    return urllib.parse.urlencode(fields)


def other_bank(number="55779911", name="Grocer Ltd", sort_code="200415"):
    """A creditor at another bank."""
    return {"name": name, "sort_code": sort_code, "account_number": number}


class RsaKeys:
    """The RSA keys that the first bank of this session made; the later ones find them and need not search primes.

    Making them is most of what a start costs. A bank keeps the keys it finds, and certificates, EC keys and all data
    are each bank's own. Ends with the session.
    """

    PLACES = ("clients/*/signing.key", "pki/bank-signing.key*", "pki/directory.key", "secrets/audit-signing.key")

    def __init__(self):
        self.folder = None

    def take(self, var):
        """From a bank that has just become ready."""
        if self.folder:
            return
        self.folder = Path(tempfile.mkdtemp(prefix="giro-test-keys-", dir="/tmp"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        for place in self.PLACES:
            for path in var.glob(place):
                self.copy(path, self.folder / path.relative_to(var))
        shutil.copystat(var, self.folder)
        os.chown(self.folder, var.stat().st_uid, var.stat().st_gid)

    def give(self, var):
        """To a bank that has never been started."""
        if not self.folder or var.exists():
            return
        self.like(self.folder, var)
        for path in self.folder.rglob("*.key*"):
            self.copy(path, var / path.relative_to(self.folder))

    def copy(self, source, target):
        """With mode and owner, those of the folders above it too."""
        missing = [pair for pair in zip(target.parents, source.parents) if not pair[0].exists()]
        for made, model in reversed(missing):
            self.like(model, made)
        shutil.copy2(source, target)
        os.chown(target, source.stat().st_uid, source.stat().st_gid)

    @staticmethod
    def like(model, made):
        made.mkdir()
        shutil.copystat(model, made)
        os.chown(made, model.stat().st_uid, model.stat().st_gid)


RSA_KEYS = RsaKeys()


class Bank:
    """`giro run` with a var and ports of its own."""

    def __init__(self, build=BUILD, store="sqlite"):
        self.program = Path(build) / "giro"
        self.build = Path(build)
        self.folder = Path(tempfile.mkdtemp(prefix="giro-test-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.var = self.folder / "var"
        self.port = free_port_base()
        self.store = store
        self.supervisor = None
        self.clients = {}

    # ---- life

    def environment(self):
        environment = dict(os.environ, NO_COLOR="1")
        environment.setdefault("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0")
        environment.setdefault("UBSAN_OPTIONS", "halt_on_error=1:print_stacktrace=1")
        environment.pop("GIRO_VAR", None)
        return environment

    def start(self, *options):
        """Runs the supervisor in the foreground, as a child of this process; returns when the bank is ready."""
        self.clients = {}
        RSA_KEYS.give(self.var)
        self.output = open(self.folder / "run.log", "ab")
        self.supervisor = subprocess.Popen(
            [self.program, "run", "--var", self.var, "--port-base", str(self.port), "--store", self.store]
            + ["--response-check", "fail", *options],
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
            env=self.environment(),
            cwd=ROOT,
        )
        wait_for("the bank ready", START_SECONDS_MAX, self.look_ready, every=0.1)
        RSA_KEYS.take(self.var)
        return self

    def look_ready(self):
        code = self.supervisor.poll()
        assert code is None, f"giro run ended with {code}:\n{self.run_log()}"
        return self.is_ready()

    def is_ready(self):
        """The daemon says so and the edge answers."""
        try:
            if not (self.var / "run" / "ready").exists() or self.operations("/readyz").status != 200:
                return False
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except (OSError, http.client.HTTPException):
            return False

    def run_log(self):
        return (self.folder / "run.log").read_text("utf-8", "replace")[-4000:]

    def stop(self):
        """Ends the supervisor and with it all it started; the exit code."""
        if not self.supervisor:
            return None
        if self.supervisor.poll() is None:
            self.supervisor.send_signal(signal.SIGTERM)
        try:
            code = self.supervisor.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.supervisor.kill()
            code = self.supervisor.wait(STOP_SECONDS_MAX)
        self.supervisor = None
        self.output.close()
        return code

    def close(self):
        try:
            self.stop()
        finally:
            if os.environ.get("GIRO_KEEP"):
                print("kept:", self.folder)
            else:
                shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- processes

    def pid(self, name):
        """The process id of a child ("giro", "core", "sink", "nginx"), or 0."""
        with contextlib.suppress(OSError, ValueError):
            pid = int((self.var / "run" / f"{name}.pid").read_text().strip())
            os.kill(pid, 0)
            return pid
        return 0

    def kill(self, name):
        """SIGKILL, once the child runs; its process id."""
        pid = wait_for(f"{name} running", START_SECONDS_MAX, lambda: self.pid(name))
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return pid

    # ---- doors

    def tls_context(self, client=None):
        context = ssl.create_default_context(cafile=self.var / "pki" / "ca.pem")
        if client:
            folder = self.var / "clients" / client
            context.load_cert_chain(folder / "transport.pem", folder / "transport.key")
        return context

    def client(self, name):
        if name not in self.clients:
            self.clients[name] = Client(self, name)
        return self.clients[name]

    def operations(self, path, method="GET"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port + 2, timeout=5)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return Answer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()

    def metrics(self):
        """{"name{labels}": value}, after a look at the form of the page."""
        samples = {}
        for line in self.operations("/metrics").body.decode().splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                assert name not in samples, f"twice: {name}"
                samples[name] = float(value)
        return samples

    def browser(self, method, path, body=None, headers=None):
        connection = http.client.HTTPSConnection(
            "localhost", self.port + 1, timeout=CALL_SECONDS_MAX, context=self.tls_context()
        )
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()

    def giro(self, *words, check=True, seconds=120):
        """A subcommand; its answer as completed process (text)."""
        done = subprocess.run(
            [self.program, *words, "--var", self.var],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            env=self.environment(),
            cwd=ROOT,
            check=False,
        )
        assert not check or done.returncode == 0, (words, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
        return done

    def giro_json(self, *words):
        return json.loads(self.giro(*words, "--json").stdout)

    def core_mode(self, mode, *more):
        self.giro("sandbox", "core", mode, *more)

    def core_seed(self, seed):
        """The seed behind fail-random."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(10)
            sock.connect(str(self.var / "run" / "core.sock"))
            sock.sendall(f"seed {seed}\n".encode())
            assert sock.recv(100) == b"ok\n"

    def admin(self, command, **members):
        """One command on the operator's socket."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(10)
            sock.connect(str(self.var / "run" / "admin.sock"))
            sock.sendall(json.dumps({"command": command, **members}).encode() + b"\n")
            answer = json.loads(sock.makefile("rb").readline())
        assert answer["ok"] is True, answer
        return answer

    def configure(self, section, **settings):
        """Sets keys in var/giro.yaml; the daemon starts anew with them. Lasts until the next start of the bank."""
        path = self.var / "giro.yaml"
        text = path.read_text()
        assert f"\n{section}:\n" in text, text
        lines = "".join(f"  {key}: {value}\n" for key, value in settings.items())
        path.write_text(text.replace(f"\n{section}:\n", f"\n{section}:\n{lines}", 1))
        before = wait_for("the daemon", START_SECONDS_MAX, lambda: self.pid("giro"))
        os.kill(before, signal.SIGTERM)
        wait_for("another daemon", START_SECONDS_MAX, lambda: self.pid("giro") not in (0, before))
        wait_for("the bank ready again", START_SECONDS_MAX, self.look_ready)

    def customers(self):
        return {customer["login"]: customer for customer in self.giro_json("sandbox", "customers")}

    # ---- proofs

    def core_books(self):
        """{reference: booking}, the whole listing; the program reads the file only."""
        done = subprocess.run(
            [self.build / "giro-sim-core", "--books", self.var / "core" / "books", "--list", "--json"],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env=self.environment(),
        )
        assert done.returncode == 0, done
        listing = json.loads(done.stdout)
        return {booking["reference"].strip(): booking for booking in listing["bookings"]}, listing

    def verify(self):
        """`giro ledger verify` must find nothing."""
        found = self.giro_json("ledger", "verify")
        assert found["difference_minor"] == 0 and found["chain"] == "ok", found
        return found

    def check_core_agrees(self, payments):
        """Each completed core payment booked once, nothing else. payments: all that exist, by id, as documents."""
        bookings, _ = self.core_books()
        completed = {
            payment_id.replace("-", "")
            for payment_id, payment in payments.items()
            if payment["status"] == "completed" and payment["payment_type"] != "on_us"
        }
        standing = {
            reference.lower()
            for reference, booking in bookings.items()
            if booking["times_booked"] > booking["times_reversed"]
        }
        assert standing == completed, {
            "not booked": sorted(completed - standing)[:5],
            "booked beyond": sorted(standing - completed)[:5],
        }
        twice = [booking for booking in bookings.values() if booking["times_booked"] > 1]
        assert not twice, twice[:5]
        return len(completed)
