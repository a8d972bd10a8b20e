"""The TLS of each listener, looked at from outside with ClientHellos of our own: versions, suites one by one,
compression, renegotiation, sessions (T5); and what the browser's endpoints say about it."""

import datetime
import json
import os
import re
import socket
import ssl
import struct
import subprocess
import time
import urllib.parse

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from bank import Bank, wait_for

READ_SECONDS_MAX = 10
TLS12, TLS13 = 0x0303, 0x0304
ALERT, HANDSHAKE, SERVER_HELLO = 21, 22, 2
EMPTY_RENEGOTIATION_INFO = 0x00FF
FALLBACK = 0x5600
# The suites of RFC 9325 (BCP 195) that FAPI names, by the kind of the server's key.
NAMED = {
    "ec": {0xC02B: "ECDHE-ECDSA-AES128-GCM-SHA256", 0xC02C: "ECDHE-ECDSA-AES256-GCM-SHA384"},
    "rsa": {0xC02F: "ECDHE-RSA-AES128-GCM-SHA256", 0xC030: "ECDHE-RSA-AES256-GCM-SHA384"},
}
# Every number in whose range a suite of TLS 1.2 or before was ever registered.
EVERY_SUITE = [
    *range(0x0000, 0x00C8),
    *range(0xC001, 0xC0B8),
    *range(0xC100, 0xC107),
    *range(0xCC13, 0xCC16),
    *range(0xCCA8, 0xCCAF),
    *range(0xD001, 0xD006),
]
FAMILIES = {
    0x009E: "DHE-RSA-AES128-GCM-SHA256",
    0xC027: "ECDHE-RSA-AES128-SHA256 (CBC)",
    0xC023: "ECDHE-ECDSA-AES128-SHA256 (CBC)",
    0x009C: "AES128-GCM-SHA256 (RSA key exchange)",
    0xCCA8: "ECDHE-RSA-CHACHA20-POLY1305",
    0xCCA9: "ECDHE-ECDSA-CHACHA20-POLY1305",
    0xC0AC: "ECDHE-ECDSA-AES128-CCM",
    0x000A: "DES-CBC3-SHA",
    0x0005: "RC4-SHA",
    0x0001: "NULL-MD5",
    0x0018: "ADH-RC4-MD5",
}


@pytest.fixture(scope="module")
def own():
    with Bank() as running:
        yield running.start()


@pytest.fixture(params=["mtls", "browser"])
def port(request, own):
    return own.port + (request.param == "browser")


# ---- a ClientHello of our own


def extension(number, body):
    return struct.pack(">HH", number, len(body)) + body


def listed(items, width=2):
    body = b"".join(items)
    return len(body).to_bytes(width, "big") + body


def client_hello(suites, version=TLS12, versions=(), compressions=b"\0"):
    """A whole record. versions: what the extension supported_versions offers; none for TLS 1.2 and before."""
    name = b"localhost"
    signatures = (0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0203, 0x0201)
    groups = (0x001D, 0x0017, 0x0018, 0x0100, 0x0101)
    extensions = [
        extension(0, listed([b"\0" + listed([name])])),
        extension(10, listed([struct.pack(">H", group) for group in groups])),
        extension(11, b"\1\0"),
        extension(13, listed([struct.pack(">H", signature) for signature in signatures])),
    ]
    if versions:
        extensions.append(extension(43, listed([struct.pack(">H", number) for number in versions], 1)))
        extensions.append(extension(51, listed([struct.pack(">H", 0x001D) + listed([os.urandom(32)])])))
    body = (
        struct.pack(">H", version)
        + os.urandom(32)
        + listed([os.urandom(32)], 1)
        + listed([struct.pack(">H", suite) for suite in suites])
        + listed([compressions], 1)
        + listed(extensions)
    )
    handshake = b"\1" + len(body).to_bytes(3, "big") + body
    return struct.pack(">BHH", HANDSHAKE, 0x0301, len(handshake)) + handshake


class Hello:
    """What came back: an alert's number, or the version, suite, compression and extensions of a ServerHello."""

    def __init__(self, data):
        self.alert = self.version = self.suite = None
        if not data:
            return
        kind, _, length = struct.unpack(">BHH", data[:5])
        body = data[5 : 5 + length]
        if kind == ALERT:
            self.alert = body[1]
            return
        assert kind == HANDSHAKE and body[0] == SERVER_HELLO, data[:64]
        at = 4
        (self.version,) = struct.unpack(">H", body[at : at + 2])
        at += 34 + 1 + body[at + 34]
        self.suite, self.compression = struct.unpack(">HB", body[at : at + 3])
        at += 3
        end = at + 2 + int.from_bytes(body[at : at + 2], "big")
        at += 2
        self.extensions = {}
        while at < end:
            number, size = struct.unpack(">HH", body[at : at + 4])
            self.extensions[number] = body[at + 4 : at + 4 + size]
            at += 4 + size
        if 43 in self.extensions:
            (self.version,) = struct.unpack(">H", self.extensions[43])

    def __repr__(self):
        return f"<hello {vars(self)}>"


def say_hello(port, *args, **more):
    with socket.create_connection(("127.0.0.1", port), timeout=READ_SECONDS_MAX) as sock:
        sock.sendall(client_hello(*args, **more))
        got = b""
        while len(got) < 5 or len(got) < 5 + int.from_bytes(got[3:5], "big"):
            try:
                some = sock.recv(16384)
            except ConnectionResetError:
                break
            if not some:
                break
            got += some
    return Hello(got)


def key_kind(bank):
    certificate = x509.load_pem_x509_certificate((bank.var / "pki" / "server.pem").read_bytes())
    return "rsa" if isinstance(certificate.public_key(), rsa.RSAPublicKey) else "ec"


GOOD = [*NAMED["ec"], *NAMED["rsa"], EMPTY_RENEGOTIATION_INFO]
EVERYTHING_OLD = [0x002F, 0x0035, 0xC009, 0xC00A, 0xC013, 0xC014, 0x0033, 0x0039, 0x000A, 0x0005, *GOOD]


# ---- versions


@pytest.mark.parametrize("version", [0x0300, 0x0301, 0x0302], ids=["SSL 3", "TLS 1.0", "TLS 1.1"])
@pytest.mark.spec("fapi/N2", "fapi/10", "gateway/1")
def test_old_versions_are_refused(port, version):
    answer = say_hello(port, EVERYTHING_OLD, version=version)
    assert answer.suite is None and answer.alert in (40, 70), answer  # handshake_failure, protocol_version
    listed_only = say_hello(port, EVERYTHING_OLD, versions=[version])
    assert listed_only.suite is None and listed_only.alert in (40, 70), listed_only
    assert say_hello(port, EVERYTHING_OLD, version=TLS12).version == TLS12


@pytest.mark.spec("fapi/12", "gateway/1")
def test_tls13_is_offered_and_preferred(port):
    for suite in (0x1301, 0x1302):
        answer = say_hello(port, [suite], versions=[TLS13])
        assert answer.version == TLS13 and answer.suite == suite, answer
    both = say_hello(port, [*GOOD, 0x1301, 0x1302], versions=[TLS12, TLS13])
    assert both.version == TLS13, both
    one = say_hello(port, GOOD, versions=[TLS12])
    assert one.version == TLS12, one


# ---- suites


def accepted_suites(port):
    """Each offered alone."""
    found = set()
    for suite in EVERY_SUITE:
        answer = say_hello(port, [suite, EMPTY_RENEGOTIATION_INFO])
        if answer.suite is not None:
            assert answer.suite == suite and answer.version == TLS12, answer
            found.add(suite)
    return found


@pytest.mark.spec("fapi/N3", "fapi/V13", "fapi/11", "gateway/1")
def test_only_the_named_suites(port, own):
    """All others are refused: those without forward secrecy or authenticated encryption, DHE, CBC, ChaCha, null."""
    found = accepted_suites(port)
    assert found == set(NAMED[key_kind(own)]), [hex(suite) for suite in found]
    for suite, name in FAMILIES.items():
        assert suite in EVERY_SUITE and suite not in found, name


def test_the_server_chooses(port, own):
    named = sorted(NAMED[key_kind(own)])
    for order in (named, named[::-1]):
        assert say_hello(port, [*order, EMPTY_RENEGOTIATION_INFO]).suite == named[-1]


# ---- compression, renegotiation


@pytest.mark.spec("gateway/1")
def test_no_compression(port):
    answer = say_hello(port, GOOD, compressions=b"\1\0")
    assert answer.suite and answer.compression == 0, answer
    alone = say_hello(port, GOOD, compressions=b"\1")
    assert alone.suite is None and alone.alert, alone


@pytest.mark.spec("gateway/1")
def test_no_renegotiation(port):
    assert 0xFF01 in say_hello(port, GOOD).extensions, "secure renegotiation is spoken, so that none can be slipped in"
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_2", "-servername", "localhost"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as client:
        client.stdin.write(b"R\n")
        client.stdin.flush()
        output = b""
        deadline = time.monotonic() + READ_SECONDS_MAX
        while b"no renegotiation" not in output and time.monotonic() < deadline:
            some = client.stdout.read1(4096)
            if not some:
                break
            output += some
        client.kill()
    assert b"RENEGOTIATING" in output and b"Cipher    : " in output, output[-500:]
    assert b"no renegotiation" in output.split(b"RENEGOTIATING")[-1], output[-500:]


# ---- sessions


def visit(context, port, session=None):
    """One request on a connection of its own; whether it resumed, and the session that it leaves."""
    plain = socket.create_connection(("127.0.0.1", port), timeout=READ_SECONDS_MAX)
    with context.wrap_socket(plain, server_hostname="localhost", session=session) as sock:
        sock.sendall(b"GET /jwks HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b""
        while True:
            try:
                some = sock.recv(65536)
            except ssl.SSLError:
                break
            if not some:
                break
            answer += some
        assert answer.startswith(b"HTTP/1.1 200 "), answer[:200]
        return sock.session_reused, sock.session


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["TLS 1.2", "TLS 1.3"])
@pytest.mark.spec("gateway/T5", "gateway/c1")
def test_sessions_stay_where_they_began(own, version):
    """A session of the browser's listener is resumed there, and is nothing to the mTLS one, which makes none."""
    context = own.tls_context("bench-client")
    context.minimum_version = context.maximum_version = version
    reused, session = visit(context, own.port + 1)
    assert not reused and session is not None
    assert visit(context, own.port + 1, session)[0], "the twin: resumed where it began"
    assert not visit(context, own.port, session)[0], "resumed on the mTLS listener"
    reused, left = visit(context, own.port)
    assert not reused
    assert left is None or not left.has_ticket, "the mTLS listener issues none"
    assert not visit(context, own.port, left)[0]


@pytest.mark.spec("gateway/T5", "gateway/c1")
def test_a_resumed_session_is_no_certificate(own):
    """Without a certificate of its own a caller with the browser's session is nobody on the mTLS listener."""
    with_certificate, without = own.tls_context("bench-client"), own.tls_context()
    _, session = visit(without, own.port + 1)
    plain = socket.create_connection(("127.0.0.1", own.port), timeout=READ_SECONDS_MAX)
    bearer = own.client("bench-client").token("accounts")
    with without.wrap_socket(plain, server_hostname="localhost", session=session) as sock:
        assert not sock.session_reused
        sock.sendall(
            f"GET /v1/accounts HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {bearer}\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        assert sock.recv(65536).startswith(b"HTTP/1.1 401 ")
    assert (
        own.client("bench-client").call("GET", "/v1/accounts", None, {"Authorization": "Bearer " + bearer}).status
        == 200
    )
    assert with_certificate.session_stats()["hits"] == 0


# ---- TLS only; what browsers are told


@pytest.mark.spec("fapi/N1")
def test_clear_text_is_refused(port, own):
    with socket.create_connection(("127.0.0.1", port), timeout=READ_SECONDS_MAX) as sock:
        sock.sendall(b"GET /.well-known/openid-configuration HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = sock.recv(65536)
    assert answer.startswith(b"HTTP/1.1 400 ") and b"issuer" not in answer, answer[:300]
    metadata = own.browser("GET", "/.well-known/openid-configuration").json
    addresses = re.findall(r'"(https?://[^"]+)"', json.dumps(metadata))
    assert len(addresses) > 8 and all(address.startswith("https://") for address in addresses), addresses
    assert {urllib.parse.urlsplit(address).port for address in addresses} == {own.port, own.port + 1}


def listening_ports(pid):
    """The TCP ports on which a process listens."""
    inodes = set()
    for entry in os.scandir(f"/proc/{pid}/fd"):
        target = os.readlink(entry.path)
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    ports = set()
    for table in ("tcp", "tcp6"):
        for line in open(f"/proc/{pid}/net/{table}").read().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                ports.add(int(fields[1].rpartition(":")[2], 16))
    return ports


@pytest.mark.spec("fapi/N1")
def test_no_other_door(own):
    """The edge listens on its two ports; the daemon on the operator's page of this machine alone."""
    assert listening_ports(own.pid("nginx")) == {own.port, own.port + 1}
    assert listening_ports(own.pid("giro")) == {own.port + 2}


BROWSER_PATHS = ["/authorize", "/customer", "/style.css", "/jwks", "/.well-known/openid-configuration", "/nothing"]


@pytest.mark.parametrize("path", BROWSER_PATHS)
@pytest.mark.spec("fapi/N5")
def test_strict_transport_security(own, path):
    answer = own.browser("GET", path)
    seconds = re.search(r"max-age=(\d+)", answer.headers["strict-transport-security"])
    assert int(seconds[1]) >= 365 * 24 * 3600, answer


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST"])
@pytest.mark.spec("fapi/N6")
def test_no_cross_origin_headers_on_authorize(own, method):
    headers = {
        "Origin": "https://evil.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    for path in ("/authorize?client_id=acme-tpp", "/authorize/login", "/authorize/confirm"):
        answer = own.browser(method, path, None, headers)
        assert answer.status in (200, 400, 405, 411, 415), answer
        assert not [name for name in answer.headers if name.startswith("access-control-")], answer


# ---- the other kind of key


def give_rsa_certificate(bank):
    """The edge takes it over by itself; signed by its own key, for ClientHellos do not mind."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    for file, text in (("server.key", pem), ("server.pem", certificate.public_bytes(serialization.Encoding.PEM))):
        path = bank.var / "pki" / file
        fresh = path.with_suffix(".new")
        info = path.stat()
        fresh.write_bytes(text)
        fresh.chmod(info.st_mode & 0o777)
        os.chown(fresh, info.st_uid, info.st_gid)
        os.replace(fresh, path)


@pytest.mark.spec("fapi/N3", "fapi/V13", "fapi/11", "gateway/1")
def test_only_the_named_suites_with_the_other_key(own):
    """The last test here: the bank has another certificate from now on."""
    assert key_kind(own) == "ec", "the sandbox has a key on P-256"
    give_rsa_certificate(own)
    for port in (own.port, own.port + 1):  # an old worker may take a connection until it hears of its end
        wait_for("the suites of the RSA key alone", 60, lambda: accepted_suites(port) == set(NAMED["rsa"]))
