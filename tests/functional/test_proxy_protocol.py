"""The edge behind a load balancer that speaks PROXY protocol: a real nginx, preambles of versions 1 and 2."""

import http.client
import socket
import ssl
import struct

import pytest

from bank import CALL_SECONDS_MAX, Answer, Bank

BALANCER, STRANGER = "127.0.0.2", "127.0.0.1"
SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"


def v1(source, family="TCP4", destination="127.0.0.1"):
    return f"PROXY {family} {source} {destination} 40000 443\r\n".encode()


def v2(source, command=0x21):
    six = ":" in source
    family = socket.AF_INET6 if six else socket.AF_INET
    addresses = socket.inet_pton(family, source) + socket.inet_pton(family, "::1" if six else "127.0.0.1")
    body = addresses + struct.pack("!HH", 40000, 443)
    return SIGNATURE + struct.pack("!BBH", command, 0x21 if six else 0x11, len(body)) + body


@pytest.fixture(scope="module")
def own():
    with Bank() as running:
        running.start("--proxy-peers", f"{BALANCER} 2001:db8::/32")
        running.giro("limits", "set", "embed-partner", "--addresses", "203.0.113.7 2001:db8:7::/48")
        yield running


def ask(bank, preamble, peer=BALANCER, path="/v1/accounts", headers=None, port=None):
    """One request whose connection begins with the preamble; None when the edge hangs up."""
    context = bank.tls_context("embed-partner")
    raw = socket.create_connection(("127.0.0.1", port or bank.port), CALL_SECONDS_MAX, (peer, 0))
    try:
        raw.sendall(preamble)
        connection = http.client.HTTPSConnection("localhost", bank.port, timeout=CALL_SECONDS_MAX)
        connection.sock = context.wrap_socket(raw, server_hostname="localhost")
        connection.request("GET", path, headers=headers or {})
        response = connection.getresponse()
        answer = Answer(response.status, response.getheaders(), response.read())
        connection.close()
        return answer
    except (ssl.SSLError, http.client.HTTPException, ConnectionError):
        return None
    finally:
        raw.close()


@pytest.mark.spec("gateway/50")
@pytest.mark.parametrize(
    "preamble, passes",
    [
        (v1("203.0.113.7"), True),
        (v1("203.0.113.8"), False),
        (v1("2001:db8:7::1", "TCP6", "::1"), True),
        (v1("2001:db8:8::1", "TCP6", "::1"), False),
        (v2("203.0.113.7"), True),
        (v2("203.0.113.8"), False),
        (v2("2001:db8:7::1"), True),
        (v2("2001:db8:8::1"), False),
        (v1("0.0.0.0", "UNKNOWN"), False),  # of nobody: the balancer's own address counts
        (v1("203.0.113.777"), False),  # no address: likewise
    ],
)
def test_address_of_the_header(own, preamble, passes):
    """The client's allow-list judges the address that the balancer tells: beyond it no token is looked at."""
    answer = ask(own, preamble)
    assert answer is not None
    if passes:
        assert answer.status == 401 and answer.code == "invalid_token", answer
    else:
        assert answer.status == 403 and answer.code == "address_not_allowed", answer


@pytest.mark.spec("gateway/50", "gateway/T4")
def test_headers_of_http_say_nothing(own):
    spoof = {
        name: "203.0.113.7"
        for name in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "X-OB-Client-Address", "X_Real_IP")
    }
    answer = ask(own, v1("203.0.113.8"), headers=spoof)
    assert answer.status == 403 and answer.code == "address_not_allowed", answer


@pytest.mark.spec("gateway/50")
@pytest.mark.parametrize("preamble", [v1("203.0.113.7"), v2("203.0.113.7")])
def test_strangers_are_hung_up_on(own, preamble):
    """A peer that is not named gets no answer, whatever its header says, on both ports and every path."""
    for port in (own.port, own.port + 1):
        for path in ("/v1/accounts", "/", "/.well-known/openid-configuration", "/.edge-error/400/problem"):
            assert ask(own, preamble, peer=STRANGER, path=path, port=port) is None, (port, path)
    assert ask(own, preamble) is not None  # the accepted twin
    assert ask(own, preamble, path="/.well-known/openid-configuration", port=own.port + 1).status == 200


@pytest.mark.spec("gateway/50")
@pytest.mark.parametrize(
    "preamble",
    [
        b"",
        b"PROXY TCP4 203.0.113.7\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        SIGNATURE + b"\x31\x11\x00\x0c" + bytes(12),
        SIGNATURE + b"\x21\x11\x00\x04" + bytes(4),
    ],
)
def test_without_a_header_nothing_passes(own, preamble):
    assert ask(own, preamble) is None
