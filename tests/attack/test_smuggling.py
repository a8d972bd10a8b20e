"""T3 and T4 of the standing attacks: requests whose end two parsers might see elsewhere, and the edge's own headers.

Each is sent to the edge (TLS with a client certificate) and to the daemon's own socket (as the user who may connect),
each beside an accepted twin. What is refused is answered 400 and its connection closed,
and nothing behind it is read as a request.
"""

import os
import re
import socket
import ssl
import urllib.parse
import uuid

import pytest

PATH = "/v1/accounts"
INTERNAL = (
    "Client-Cert",
    "Client-Cert-Chain",
    "X-OB-Client-Cert",
    "X-OB-Client-Verify",
    "X-OB-Listener",
    "X-OB-Client-Address",
)
READ_SECONDS_MAX = 20


@pytest.fixture(scope="module")
def own(bank):
    return bank


class Edge:
    """The mTLS listener, as bench-client."""

    def __init__(self, bank):
        self.bank, self.client = bank, bank.client("bench-client")
        self.own_headers = f"Host: localhost:{bank.port}\r\nAuthorization: Bearer {self.client.token('accounts')}\r\n"

    def connect(self, certificate=True):
        plain = socket.create_connection(("127.0.0.1", self.bank.port), timeout=READ_SECONDS_MAX)
        context = self.bank.tls_context("bench-client" if certificate else None)
        return context.wrap_socket(plain, server_hostname="localhost")


class Daemon:
    """The Unix socket behind it, as the edge writes it."""

    def __init__(self, bank):
        self.bank, self.client = bank, bank.client("bench-client")
        certificate = urllib.parse.quote(self.client.certificate_pem())
        self.own_headers = (
            f"Host: localhost\r\nX-OB-Listener: mtls\r\nX-OB-Client-Address: 127.0.0.1\r\n"
            f"X-OB-Client-Cert: {certificate}\r\n"
            f"Authorization: Bearer {self.client.token('accounts')}\r\n"
        )

    def connect(self, certificate=True):
        """Connected by a child that becomes the edge's user; the kernel keeps who connected."""
        path = str(self.bank.var / "run" / "giro.sock")
        owner = os.stat(path).st_uid
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(READ_SECONDS_MAX)
        if os.geteuid() == owner:
            sock.connect(path)
            return sock
        before = os.geteuid()
        os.seteuid(owner)
        try:
            sock.connect(path)
        finally:
            os.seteuid(before)
        return sock


@pytest.fixture(scope="module", params=[Edge, Daemon], ids=["edge", "daemon"])
def door(request, own):
    return request.param(own)


def read_all(sock):
    """Everything until the other side closes; TimeoutError when it does not."""
    got = b""
    while True:
        try:
            some = sock.recv(65536)
        except (ConnectionResetError, ssl.SSLError):  # closed without a goodbye
            return got
        if not some:
            return got
        got += some


def talk(door, data, certificate=True):
    """The answers to the bytes, read until the connection is closed; the closing is part of the test."""
    with door.connect(certificate) as sock:
        try:
            sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            pass
        try:
            return read_all(sock)
        except TimeoutError:
            raise AssertionError(f"the connection stays open after {data[:80]!r}") from None


def statuses(answer):
    """The status of each answer on the connection."""
    return [
        int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", answer)
    ]  # an answer begins where a body ends


def get(door, extra="", path=PATH, headers=None, close=True):
    closing = "Connection: close\r\n" if close else ""
    return f"GET {path} HTTP/1.1\r\n{headers or door.own_headers}{closing}{extra}\r\n".encode("latin-1")


def post(door, lengths, body, close=False):
    closing = "Connection: close\r\n" if close else ""
    return (
        f"POST {PATH} HTTP/1.1\r\n{door.own_headers}{closing}Content-Type: application/json\r\n"
        f"Idempotency-Key: {uuid.uuid4()}\r\n"
        f"{lengths}\r\n"
    ).encode("latin-1") + body


BODY = b'{"name":"Twin","currency":"GBP"}'
LENGTH = f"Content-Length: {len(BODY)}\r\n"


@pytest.mark.spec("gateway/T3")
def test_twins_are_accepted(door):
    assert statuses(talk(door, get(door))) == [200]
    assert statuses(talk(door, post(door, LENGTH, BODY, close=True))) == [201]


def test_a_connection_carries_one_request_after_the_other(door):
    with door.connect() as sock:
        for _ in range(3):
            sock.sendall(get(door, close=False))
            head = b""
            while b"\r\n\r\n" not in head:
                head += sock.recv(65536)
            head, _, body = head.partition(b"\r\n\r\n")
            assert statuses(head + b"\r\n") == [200]
            length = next(
                int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
            )
            while len(body) < length:
                body += sock.recv(65536)


SMUGGLED = f"GET {PATH}/smuggled HTTP/1.1\r\nHost: x\r\n\r\n".encode()

# (name, lengths, bytes behind the head, statuses that the edge may give instead of 400)
LENGTHS = [
    ("two lengths, equal", LENGTH + LENGTH, BODY),
    ("two lengths, other", LENGTH + "Content-Length: 0\r\n", BODY),
    ("two lengths in one", f"Content-Length: {len(BODY)}, {len(BODY)}\r\n", BODY),
    ("length with a sign", f"Content-Length: +{len(BODY)}\r\n", BODY),
    ("negative length", "Content-Length: -1\r\n", BODY),
    ("length in hex", "Content-Length: 0x20\r\n", BODY),
    ("length with a blank", f"Content-Length: {len(BODY)} 0\r\n", BODY),
    ("empty length", "Content-Length:\r\n", BODY),
    ("length over 64 bits", "Content-Length: 18446744073709551648\r\n", BODY),
    ("length and chunked", LENGTH + "Transfer-Encoding: chunked\r\n", b"0\r\n\r\n" + SMUGGLED),
    ("chunked and length", "Transfer-Encoding: chunked\r\n" + LENGTH, b"0\r\n\r\n" + SMUGGLED),
    ("blank before the colon of chunked", LENGTH + "Transfer-Encoding : chunked\r\n", BODY),
    ("tab before the colon of chunked", LENGTH + "Transfer-Encoding\t: chunked\r\n", BODY),
    ("chunked twice", LENGTH + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
    ("xchunked", LENGTH + "Transfer-Encoding: xchunked\r\n", BODY),
    ("identity", LENGTH + "Transfer-Encoding: identity\r\n", BODY),
    ("chunked, identity", LENGTH + "Transfer-Encoding: chunked, identity\r\n", BODY),
    ("gzip, chunked", LENGTH + "Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"),
    ("chunked with a vertical tab", LENGTH + "Transfer-Encoding: \x0bchunked\r\n", BODY),
    ("folded chunked", LENGTH + "Transfer-Encoding:\r\n chunked\r\n", BODY),
    ("folded length", f"Content-Length:\r\n {len(BODY)}\r\n", BODY),
    ("length behind a bare LF", f"X-A: b\nContent-Length: {len(BODY)}\r\n", BODY),
    ("NUL in a value", LENGTH + "X-A: a\x00b\r\n", BODY),
    ("NUL in a name", LENGTH + "X-\x00A: b\r\n", BODY),
    ("bare CR in a value", LENGTH + "X-A: a\rX-B: b\r\n", BODY),
    ("blank in a name", LENGTH + "X A: b\r\n", BODY),
    ("blank before the colon", LENGTH + "X-A : b\r\n", BODY),
    ("line without a colon", LENGTH + "nonsense\r\n", BODY),
    ("empty name", LENGTH + ": b\r\n", BODY),
    ("folded header", LENGTH + "X-A: a\r\n b\r\n", BODY),
    ("first header folded", " X-A: a\r\n" + LENGTH, BODY),
]
# What nginx itself drops or normalises: it then must answer as if it had not been there, once.
EDGE_MAY_DROP = {
    "blank in a name",
    "blank before the colon",
    "tab before the colon of chunked",
    "blank before the colon of chunked",
    "line without a colon",
    "empty name",
    "folded header",
    "first header folded",
    "length behind a bare LF",
    "NUL in a name",
    "folded chunked",
}


@pytest.mark.parametrize("name, lengths, behind", LENGTHS, ids=[row[0] for row in LENGTHS])
@pytest.mark.spec("gateway/T3", "gateway/9")
def test_two_readings_of_one_request(door, name, lengths, behind):
    dropped = isinstance(door, Edge) and name in EDGE_MAY_DROP
    answer = talk(door, post(door, lengths, behind, close=dropped))
    got = statuses(answer)
    assert len(got) == 1, (name, got, answer[:600])
    refusals = {400, 413, 501} if name == "length over 64 bits" else {400, 501}
    assert got[0] in refusals | ({201, 411} if dropped else set()), (name, answer[:600])
    assert b"smuggled" not in answer


def test_chunked_body_alone(door):
    """The edge takes it apart and hands a length on; the daemon knows lengths only."""
    chunks = f"{len(BODY):x}\r\n".encode() + BODY + b"\r\n0\r\n\r\n"
    got = statuses(talk(door, post(door, "Transfer-Encoding: chunked\r\n", chunks, close=True)))
    assert got == ([201] if isinstance(door, Edge) else [400]), got


@pytest.mark.parametrize(
    "chunks",
    [
        b"5\r\nhello",
        b"g\r\n",
        b"-1\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"5\nhello\n0\n\n",
        b"\r\n0\r\n\r\n",
        b"ffffffffffffffff\r\nx\r\n0\r\n\r\n",
    ],
)
@pytest.mark.spec("gateway/T3")
def test_broken_chunks(door, chunks):
    with door.connect() as sock:
        sock.sendall(post(door, "Transfer-Encoding: chunked\r\n", chunks))
        if isinstance(door, Edge):
            sock.shutdown(socket.SHUT_WR)
        else:
            sock.shutdown(socket.SHUT_WR)
        got = statuses(read_all(sock))
    assert got in ([], [400]), got


LINES = [
    ("bare LF", lambda door: get(door).replace(b"\r\n", b"\n")),
    ("blank line in front", lambda door: b"\r\n" + get(door)),
    ("two blanks", lambda door: get(door).replace(b"GET ", b"GET  ", 1)),
    ("tab", lambda door: get(door).replace(b"GET ", b"GET\t", 1)),
    ("no version", lambda door: get(door).replace(b" HTTP/1.1", b"", 1)),
    ("version 1.2", lambda door: get(door).replace(b"HTTP/1.1", b"HTTP/1.2", 1)),
    ("version 9.9", lambda door: get(door).replace(b"HTTP/1.1", b"HTTP/9.9", 1)),
    ("lower case version", lambda door: get(door).replace(b"HTTP/1.1", b"http/1.1", 1)),
    ("NUL in the path", lambda door: get(door, path=PATH + "\0")),
    ("control in the path", lambda door: get(door, path=PATH + "\x01")),
    ("%00 in the path", lambda door: get(door, path=PATH + "%00")),
    ("broken percent", lambda door: get(door, path=PATH + "%2")),
    ("blank in the path", lambda door: get(door, path=PATH + " x")),
    (
        "no host",
        lambda door: get(
            door, headers="\r\n".join(line for line in door.own_headers.split("\r\n") if not line.startswith("Host"))
        ),
    ),
    ("two hosts", lambda door: get(door, "Host: other\r\n")),
    ("empty host", lambda door: get(door, headers=door.own_headers.replace("Host: localhost", "Host: "))),
    ("method with a blank in front", lambda door: b" " + get(door)),
    ("only junk", lambda door: b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n"),
]
# The edge reads these the one way that has no second one, or hands the daemon a line of its own.
EDGE_READS = {"bare LF", "blank line in front", "two blanks", "version 1.2", "empty host"}


@pytest.mark.parametrize("name, make", LINES, ids=[row[0] for row in LINES])
@pytest.mark.spec("gateway/T3")
def test_request_line(door, name, make):
    got = statuses(talk(door, make(door)))
    allowed = {400, 505, 404} if isinstance(door, Edge) else {400, 505}
    if isinstance(door, Edge) and name in EDGE_READS:
        allowed |= {200}
    assert len(got) <= 1 and set(got) <= allowed, (name, got)
    assert got or name == "no version" or isinstance(door, Edge), (name, got)


def test_pipelined_requests_are_not_answered_as_one(door):
    """The edge may take them apart; the daemon refuses what came behind a request."""
    answer = talk(door, get(door, close=False) + get(door))
    got = statuses(answer)
    assert got == [200, 200] if isinstance(door, Edge) else got in ([200], [400], [200, 400]), got


def test_header_block_too_large(door):
    assert statuses(talk(door, get(door, "X-A: " + "a" * 8000 + "\r\n"))) == [200]
    got = statuses(talk(door, get(door, "X-A: " + "a" * 40000 + "\r\n")))
    assert got in ([431], [400]), got


# ---- T4


def disguises(name):
    """The ways in which a caller might write an internal header."""
    yield name
    yield name.lower()
    yield name.upper()
    yield name.replace("-", "_")
    yield name.replace("-", "_", 1)
    yield "".join(letter.upper() if number % 2 else letter.lower() for number, letter in enumerate(name))


FORGED = [(name, form) for name in INTERNAL for form in dict.fromkeys(disguises(name))]
ROUTES = [
    ("GET", PATH, 401),
    ("GET", "/v1/payments/" + str(uuid.uuid4()), 401),
    ("GET", "/v1/nothing", 404),
    ("DELETE", PATH, 405),
    ("GET", "/healthz", 404),
    ("OPTIONS", PATH, 405),
    ("GET", "/open-banking/v4.0/pisp/domestic-payments/x", 401),
]


def forged_value(bank, name):
    client = bank.client("bench-client")
    if name == "X-OB-Listener":
        return "mtls"
    if name == "X-OB-Client-Address":
        return "10.9.8.7"
    if name == "X-OB-Client-Verify":
        return "SUCCESS"
    if name == "Client-Cert":
        pem = "".join(client.certificate_pem().split("\n")[1:-2])
        return f":{pem}:"
    return urllib.parse.quote(client.certificate_pem())


@pytest.mark.parametrize("name, form", FORGED, ids=[form for _, form in FORGED])
@pytest.mark.spec("gateway/T4")
def test_internal_header_from_outside_is_not_believed(own, name, form):
    """Without a certificate of its own a caller who forges one is still nobody, on every route."""
    edge = Edge(own)
    bearer = f"Authorization: Bearer {edge.client.token('accounts')}\r\n"
    for method, path, status in ROUTES:
        request = (
            f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{bearer}{form}: {forged_value(own, name)}\r\n"
            "Connection: close\r\n\r\n"
        ).encode()
        got = statuses(talk(edge, request, certificate=False))
        assert got in ([status], [400]), (method, path, form, got)


@pytest.mark.parametrize("name, form", FORGED, ids=[form for _, form in FORGED])
@pytest.mark.spec("gateway/T4")
def test_internal_header_beside_a_real_certificate_changes_nothing(own, name, form):
    """mobile-app cannot become bench-client by a header; and naming it in Connection takes nothing away."""
    edge = Edge(own)
    mobile = own.client("mobile-app")
    for connection in ("close", f"close, {form}", f"{form}, close"):
        request = (
            f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {edge.client.token('accounts')}\r\n"
            f"{form}: {forged_value(own, name)}\r\nConnection: {connection}\r\n\r\n"
        ).encode()
        with socket.create_connection(("127.0.0.1", own.port), timeout=READ_SECONDS_MAX) as plain:
            with own.tls_context("mobile-app").wrap_socket(plain, server_hostname="localhost") as sock:
                sock.sendall(request)
                got = statuses(read_all(sock))
        assert got in ([401], [400]), (form, got)
        assert mobile.get(PATH, "accounts").status == 200  # its own token goes on working


@pytest.mark.spec("gateway/T4")
def test_connection_header_takes_nothing_from_the_edge(own):
    edge = Edge(own)
    for name in INTERNAL + ("Authorization", "x-fapi-interaction-id"):
        request = get(edge, close=False).replace(b"\r\n\r\n", f"\r\nConnection: close, {name}\r\n\r\n".encode())
        assert statuses(talk(edge, request)) == [200], name


@pytest.mark.parametrize("name", INTERNAL)
@pytest.mark.spec("gateway/T4")
def test_daemon_refuses_an_internal_header_twice_or_in_disguise(own, name):
    daemon = Daemon(own)
    value = forged_value(own, name)
    assert statuses(talk(daemon, get(daemon))) == [200]
    once_more = f"{name}: {value}\r\n"
    twice = once_more + once_more
    for extra in (twice, f"{name.replace('-', '_')}: {value}\r\n"):
        assert statuses(talk(daemon, get(daemon, extra))) == [400], extra[:60]


@pytest.mark.spec("gateway/c5", "gateway/8")
def test_daemon_socket_refuses_other_users(own):
    if os.geteuid() != 0:
        pytest.skip("needs root, to be another user")
    path = str(own.var / "run" / "giro.sock")
    mode = os.stat(path).st_mode & 0o777
    assert mode & 0o007 == 0, oct(mode)
    with socket.socket(socket.AF_UNIX) as sock:  # as root, who passes the mode but is not the edge
        sock.settimeout(READ_SECONDS_MAX)
        sock.connect(path)
        try:
            sock.sendall(get(Daemon(own)))
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert read_all(sock) == b""
