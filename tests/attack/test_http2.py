"""HTTP/2 at the edge (T7): floods are bounded in memory and felt by nobody else; broken frames end their connection;
and what HTTP/1 forbids in a header is not smuggled in by a protocol that could carry it."""

import contextlib
import json
import os
import statistics
import struct
import threading
import time

import pytest

import http2
from bank import Bank, wait_for
from http2 import CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, PRIORITY
from http2 import RST_STREAM, SETTINGS, WINDOW_UPDATE, block, frame, request, settings

pytestmark = pytest.mark.alone

PATH = "/v1/accounts"
STREAMS = 10_000
STREAMS_AT_ONCE = 64  # of one connection, edge_config.c; of one address 512
CONNECTIONS_MAX = 40
EDGE_GROWTH_KIB_MAX = 64 * 1024  # a connection holds 64 answers of at most 272 KiB each
QUARANTINE_MIB = 8
DAEMON_GROWTH_KIB_MAX = 160 * 1024
P99_SECONDS_MAX = 4.0  # of the other client, on two shared processors and with sanitizers


@pytest.fixture(scope="module")
def own():
    """A bank whose memory is what it uses: the sanitizer's quarantine keeps 256 MiB of what was freed unless told."""
    options = os.environ.get("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(
            "ASAN_OPTIONS", f"{options}:quarantine_size_mb={QUARANTINE_MIB}:thread_local_quarantine_size_kb=64"
        )
        with Bank() as running:
            yield running.start()


@pytest.fixture(scope="module")
def bearer(own):
    return ("authorization", "Bearer " + own.client("bench-client").token("accounts"))


def connect(bank, **more):
    return http2.Connection(bank.tls_context("bench-client"), bank.port, **more)


# ---- what is measured


def resident_kib(pid):
    """Of a process and its children."""
    total = 0
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        with open(f"/proc/{pid}/status") as status:
            total += sum(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))
        with open(f"/proc/{pid}/task/{pid}/children") as children:
            total += sum(resident_kib(int(child)) for child in children.read().split())
    return total


class Other:
    """Another client, which reads all the while; how long each answer took."""

    def __init__(self, bank):
        self.client, self.seconds, self.failed = bank.client("mobile-app"), [], []
        self.token = self.client.token("accounts")
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.ending.wait(0.03):
            begin = time.monotonic()
            try:
                answer = self.client.call_once("GET", PATH, None, {"Authorization": "Bearer " + self.token})
                if answer.status not in (200, 429):
                    self.failed.append(answer)
            except OSError as error:
                self.failed.append(error)
            self.seconds.append(time.monotonic() - begin)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join()
        self.client.drop()

    def p99(self):
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)]


@contextlib.contextmanager
def bounded(bank):
    """What goes on within leaves memory and the other client as they were."""
    nginx, giro = bank.pid("nginx"), bank.pid("giro")
    before = resident_kib(nginx), resident_kib(giro)
    with Other(bank) as other:
        wait_for("the other client", 30, lambda: len(other.seconds) >= 20)
        calm, peak = statistics.median(other.seconds), [0, 0]
        ending = threading.Event()

        def watch():
            while not ending.wait(0.05):
                peak[0], peak[1] = max(peak[0], resident_kib(nginx)), max(peak[1], resident_kib(giro))

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield
        finally:
            ending.set()
            watcher.join()
    grown = peak[0] - before[0], peak[1] - before[1]
    print(f"grown by {grown} KiB; other client: median {calm * 1000:.0f} ms, p99 {other.p99() * 1000:.0f} ms")
    assert not other.failed, other.failed[:3]
    assert other.p99() < P99_SECONDS_MAX, (calm, other.p99())
    assert grown[0] < EDGE_GROWTH_KIB_MAX and grown[1] < DAEMON_GROWTH_KIB_MAX, grown
    assert (nginx, giro) == (bank.pid("nginx"), bank.pid("giro")), "nobody fell"


# ---- the twin


@pytest.mark.spec("gateway/6")
def test_http2_is_spoken(own, bearer):
    with connect(own) as connection:
        for stream in range(1, 20, 2):
            status, body = connection.ask(stream, request(PATH, [bearer]))
            assert status == 200 and "accounts" in json.loads(body), (status, body)
        status, body = connection.ask(21, request(PATH))
        assert status == 401 and json.loads(body)["code"] == "invalid_token", (status, body)
    with http2.Connection(own.tls_context(), own.port + 1) as connection:
        assert connection.ask(1, request("/customer"))[0] == 200
        assert connection.ask(3, request("/customer?a=%3Cscript%3Ealert(1)%3C/script%3E"))[0] == 403


# ---- floods


@pytest.mark.spec("gateway/T7", "gateway/6")
def test_rapid_reset(own, bearer):
    opened = 0
    headers = block(request(PATH, [bearer]))
    with bounded(own):
        while opened < STREAMS:
            with connect(own) as connection:
                for stream in range(1, 4000, 2):
                    sent = connection.send(
                        frame(HEADERS, END_HEADERS | END_STREAM, stream, headers),
                        frame(RST_STREAM, 0, stream, struct.pack(">I", CANCEL)),
                    )
                    if not sent:
                        break
                    opened += 1
    with connect(own) as connection:
        assert connection.ask(1, request(PATH, [bearer]))[0] == 200


@pytest.mark.spec("gateway/T7")
def test_continuation_flood(own):
    """What is beyond the limit of a header block is thrown away, not kept; empty frames cost nothing."""
    piece = block([("x-a", "a" * 4000)]) * 4
    with bounded(own):
        with connect(own) as connection:
            connection.send(frame(HEADERS, END_STREAM, 1, block(request(PATH))))
            for _ in range(2048):  # 32 MiB
                if not connection.send(frame(CONTINUATION, 0, 1, piece)):
                    break
            connection.send(frame(CONTINUATION, END_HEADERS, 1))
            assert connection.answer(1)[0] in (400, 431, "reset", "goaway", "closed")
        for _ in range(4):
            with connect(own) as connection:
                connection.send(frame(HEADERS, END_STREAM, 1, block(request(PATH))))
                for _ in range(50):
                    if not connection.send(frame(CONTINUATION, 0, 1) * 1000):
                        break
    with connect(own) as connection:
        first = frame(HEADERS, END_STREAM, 1, block(request(PATH)))
        connection.send(first, frame(CONTINUATION, END_HEADERS, 1, block([("x-a", "a" * 4000)])))
        assert connection.answer(1)[0] == 401, "the twin: a block in two frames"


def unread(own, bearer, path, address):
    """A connection with all the requests that it may have, whose answers may not be sent."""
    connection = connect(own, first=settings((http2.INITIAL_WINDOW_SIZE, 0)), seconds=60, address=address)
    for stream in range(1, 2 * STREAMS_AT_ONCE, 2):
        connection.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, block(request(path, [bearer]))))
    return connection


@pytest.mark.spec("gateway/T7")
def test_zero_window(own, bearer):
    """Answers that may not be sent wait in little memory, and not for ever; one address can have only so many."""
    there = "127.0.0.2"
    with bounded(own):
        connections = [unread(own, bearer, "/v1/openapi.json", there) for _ in range(8)]
        with connect(own, address=there) as connection:
            streams = iter(range(1, 10000, 2))

            def refused():
                status, body = connection.ask(next(streams), request(PATH, [bearer]))
                if status != 429 and len(connections) < CONNECTIONS_MAX:  # the edge gives up the first ones after 15 s
                    connections.append(unread(own, bearer, PATH, there))
                return status == 429 and b"from this address" in body

            wait_for("the address has all it may have", 60, refused)
        reset = 0
        while reset < 64:
            got = connections[0].read()
            if got is None:
                break
            reset += got[0] == RST_STREAM
        assert got is None or reset == 64
        for connection in connections:
            connection.sock.close()
    with connect(own, address=there) as connection:
        status, body = connection.ask(1, request("/v1/openapi.json", [bearer]))
        assert status == 200 and len(body) > 10000


@pytest.mark.parametrize(
    "flood",
    [
        frame(PING, 0, 0, b"12345678"),
        settings(),
        frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1)),
        frame(PRIORITY, 0, 1, b"\0\0\0\3\1"),
    ],
    ids=["ping", "settings", "window", "priority"],
)
@pytest.mark.spec("gateway/T7")
def test_frames_that_ask_for_nothing(own, flood):
    with bounded(own):
        for _ in range(3):
            with connect(own) as connection:
                for _ in range(100):
                    if not connection.send(flood * 500):
                        break


# ---- broken frames

GOOD = frame(HEADERS, END_HEADERS | END_STREAM, 1, block(request(PATH)))
BROKEN = [
    ("headers on stream 0", [frame(HEADERS, END_HEADERS | END_STREAM, 0, block(request(PATH)))]),
    ("an even stream", [frame(HEADERS, END_HEADERS | END_STREAM, 2, block(request(PATH)))]),
    ("settings of 5 bytes", [frame(SETTINGS, 0, 0, b"12345")]),
    ("a window beyond 2^31", [settings((4, 2**31))]),
    ("a frame size of 1", [settings((5, 1))]),
    ("ping of 7 bytes", [frame(PING, 0, 0, b"1234567")]),
    ("a window update of 3 bytes", [frame(WINDOW_UPDATE, 0, 0, b"123")]),
    ("a window update of 0", [frame(WINDOW_UPDATE, 0, 0, bytes(4))]),
    ("a window that overflows", [frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 2**31 - 1))]),
    ("a continuation of nothing", [frame(CONTINUATION, END_HEADERS, 1, b"")]),
    (
        "another frame within a block",
        [frame(HEADERS, END_STREAM, 1, block(request(PATH))), frame(PING, 0, 0, bytes(8))],
    ),
    (
        "padding longer than the frame",
        [frame(HEADERS, END_HEADERS | END_STREAM | 8, 1, b"\xff" + block(request(PATH)))],
    ),
    ("an index of no table", [frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\xff\xff\xff\xff\x0f")]),
    ("a string longer than the block", [frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\0\x7f\xff\xff\xff\x0fa")]),
    ("push from a client", [frame(http2.PUSH, END_HEADERS, 1, bytes(4))]),
    ("depends on itself", [frame(PRIORITY, 0, 1, b"\0\0\0\1\1"), GOOD]),
]


@pytest.mark.parametrize("name, frames", BROKEN, ids=[row[0] for row in BROKEN])
@pytest.mark.spec("gateway/6", "gateway/T7")
def test_broken_frames_end_the_connection(own, name, frames):
    with connect(own) as connection:
        connection.send(*frames)
        if name == "depends on itself":  # an error of its stream alone
            assert connection.answer(1)[0] in ("reset", "goaway", "closed")
        else:
            assert connection.ended() not in (0, None), "GOAWAY names the error"
    with connect(own) as connection:
        connection.send(GOOD)
        assert connection.answer(1)[0] == 401, "the twin"


# ---- headers that HTTP/1 could not carry

SMUGGLED = [
    ("CR LF in a value", ("x-a", b"b\r\nX-OB-Listener: mtls")),
    ("LF in a value", ("x-a", b"b\nAuthorization: Bearer x")),
    ("NUL in a value", ("x-a", b"b\0c")),
    ("CR LF in a name", (b"x-a: b\r\nx-ob-listener", b"mtls")),
    ("a colon in a name", (b"x-a: b", b"c")),
    ("capitals in a name", (b"X-Fapi-Interaction-Id", b"c770aef3-6784-41f7-8e0e-ff5f97bddb3a")),
    ("two methods", (":method", "POST")),
    ("an unknown pseudo header", (":evil", "x")),
    ("transfer-encoding", ("transfer-encoding", "chunked")),
    ("a length that is none", ("content-length", "5x")),
    ("two hosts", ("host", "other")),
]


@pytest.mark.parametrize("name, header", SMUGGLED, ids=[row[0] for row in SMUGGLED])
@pytest.mark.spec("gateway/T3", "gateway/T4", "gateway/9")
def test_no_header_is_smuggled(own, bearer, name, header):
    """Refused, or left out as if it had not been there; never a second request, never a header of the edge's own."""
    with connect(own) as connection:
        status, body = connection.ask(1, request(PATH, [bearer, header]))
        if status == 200:
            assert name in ("a colon in a name", "capitals in a name", "two hosts", "transfer-encoding"), name
        else:
            assert status in (400, 501, "reset", "goaway", "closed"), (status, body)
    with connect(own) as connection:
        assert connection.ask(1, request(PATH, [bearer, ("x-a", "b")]))[0] == 200, "the twin"


@pytest.mark.parametrize("said, sent", [(5, 4), (5, 6), (0, 1)])
@pytest.mark.spec("gateway/T3", "gateway/9")
def test_length_and_data_disagree(own, bearer, said, sent):
    more = [bearer, ("content-type", "application/json"), ("idempotency-key", "k")]
    with connect(own) as connection:
        headers = request(PATH, [*more, ("content-length", str(said))], "POST")
        connection.send(frame(HEADERS, END_HEADERS, 1, block(headers)), frame(DATA, END_STREAM, 1, b"{" * sent))
        status, body = connection.answer(1)
        assert status in (400, 413, "reset", "goaway"), (status, body)
    with connect(own) as connection:
        data = b'{"name":"Twin","currency":"GBP"}'
        headers = request(PATH, [*more, ("content-length", str(len(data)))], "POST")
        connection.send(frame(HEADERS, END_HEADERS, 1, block(headers)), frame(DATA, END_STREAM, 1, data))
        assert connection.answer(1)[0] in (201, 409)
