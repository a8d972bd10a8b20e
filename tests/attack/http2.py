"""HTTP/2 (RFC 9113) by hand, over TLS: frames as bytes, headers as literals. Says what no polite library would say."""

import socket
import struct

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, END_HEADERS, ACK = 1, 4, 1
CANCEL = 8
INITIAL_WINDOW_SIZE = 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
FRAME_BYTES_MAX = 16384
STATUSES = {0x88: 200, 0x89: 204, 0x8A: 206, 0x8B: 304, 0x8C: 400, 0x8D: 404, 0x8E: 500}


def frame(kind, flags=0, stream=0, body=b""):
    return len(body).to_bytes(3, "big") + struct.pack(">BBI", kind, flags, stream) + body


def length(number):
    """An HPACK integer with a prefix of 7 bits, no Huffman."""
    if number < 127:
        return bytes([number])
    out, number = b"\x7f", number - 127
    while number >= 128:
        out, number = out + bytes([number % 128 + 128]), number // 128
    return out + bytes([number])


def block(headers):
    """HPACK literals without indexing."""
    out = b""
    for name, value in headers:
        name, value = (text if isinstance(text, bytes) else text.encode("latin-1") for text in (name, value))
        out += b"\0" + length(len(name)) + name + length(len(value)) + value
    return out


def request(path, headers=(), method="GET"):
    return [(":method", method), (":scheme", "https"), (":authority", "localhost"), (":path", path), *headers]


def settings(*pairs):
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *pair) for pair in pairs))


def status_of(payload):
    """The :status of an answer's header block, which nginx writes first."""
    at = 0
    while 0x20 <= payload[at] < 0x40:  # an update of the table's size
        at += 1
    if payload[at] in STATUSES:
        return STATUSES[payload[at]]
    assert payload[at] in (0x08, 0x48) and payload[at + 1] == 3, payload[:16]  # a literal of that name
    return int(payload[at + 2 : at + 5])


class Connection:
    """One connection from address; frames are sent as they are, and read as (kind, flags, stream, body)."""

    def __init__(self, context, port, first=settings(), seconds=20, address="127.0.0.1"):
        context.set_alpn_protocols(["h2"])
        plain = socket.create_connection(("127.0.0.1", port), seconds, (address, 0))
        self.sock = context.wrap_socket(plain, server_hostname="localhost")
        assert self.sock.selected_alpn_protocol() == "h2"
        self.rest = b""
        self.sock.sendall(PREFACE + first)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, *frames):
        """False when the other side has closed."""
        try:
            self.sock.sendall(b"".join(frames))
            return True
        except OSError:
            return False

    def read(self):
        """The next frame, or None when the connection has ended. TimeoutError when neither comes."""
        while len(self.rest) < 9 or len(self.rest) < 9 + int.from_bytes(self.rest[:3], "big"):
            try:
                some = self.sock.recv(65536)
            except TimeoutError:
                raise
            except OSError:  # closed without a goodbye
                return None
            if not some:
                return None
            self.rest += some
        size = int.from_bytes(self.rest[:3], "big")
        kind, flags, stream = struct.unpack(">BBI", self.rest[3:9])
        body, self.rest = self.rest[9 : 9 + size], self.rest[9 + size :]
        return kind, flags, stream, body

    def answer(self, stream):
        """(status, body) of a stream; ("reset", code), ("goaway", code) or ("closed", None) when it has none."""
        status, body = None, b""
        while True:
            got = self.read()
            if got is None:
                return "closed", None
            kind, flags, number, payload = got
            if kind == GOAWAY and struct.unpack(">I", payload[4:8])[0]:
                return "goaway", struct.unpack(">I", payload[4:8])[0]
            if number != stream:
                continue
            if kind == RST_STREAM:
                return "reset", struct.unpack(">I", payload)[0]
            if kind == HEADERS:
                status = status_of(payload)
            if kind == DATA:
                body += payload
            if kind in (HEADERS, DATA) and flags & END_STREAM:
                return status, body

    def ask(self, stream, headers):
        self.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, block(headers)))
        return self.answer(stream)

    def ended(self):
        """Reads on; what the connection said at its end: the code of GOAWAY, or None."""
        code = None
        while True:
            got = self.read()
            if got is None:
                return code
            if got[0] == GOAWAY:
                code = struct.unpack(">I", got[3][4:8])[0]
