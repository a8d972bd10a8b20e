"""Rates, days and addresses of clients, through the real edge."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from bank import START_SECONDS_MAX, Bank, wait_for

pytestmark = pytest.mark.alone

FLOOD = """
import http.client, ssl, sys, time
port, ca, cert, key, token, seconds = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
context.load_cert_chain(cert, key)
connection = http.client.HTTPSConnection("localhost", int(port), context=context, timeout=30)
counts = {}
end = time.monotonic() + float(seconds)
while time.monotonic() < end:
    connection.request("GET", "/v1/accounts", headers={"Authorization": "Bearer " + token})
    answer = connection.getresponse()
    answer.read()
    counts[answer.status] = counts.get(answer.status, 0) + 1
    if answer.headers.get("Connection", "").lower() == "close":
        connection.close()
print(counts.get(200, 0), counts.get(429, 0), sum(counts.values()))
"""


@pytest.fixture(scope="module")
def own():
    """A bank whose clients have limits of the tests' own."""
    with Bank() as running:
        yield running.start()


def restart(bank, how=signal.SIGTERM):
    before = wait_for("the daemon", START_SECONDS_MAX, lambda: bank.pid("giro"))
    os.kill(before, how)
    wait_for("another daemon", START_SECONDS_MAX, lambda: bank.pid("giro") not in (0, before))
    wait_for("the bank ready again", START_SECONDS_MAX, bank.look_ready)


def impatient(bank, name):
    """The client, told of every 429, with a token in its hand."""
    client = bank.client(name)
    client.token("accounts")
    client.patient = False
    return client


def read(client):
    return client.get("/v1/accounts", "accounts")


def limits(bank, client, *words):
    bank.giro("limits", "set", client, *words)


def test_set_and_list(own):
    limits(own, "embed-partner", "--rate", "7", "--burst", "9", "--daily", "1000", "--addresses", "127.0.0.1 ::1")
    shown = own.giro_json("clients", "show", "embed-partner")
    shown = shown[0] if isinstance(shown, list) else shown
    assert (shown["requests_per_second"], shown["burst"], shown["daily_limit"]) == (7, 9, 1000)
    assert shown["addresses"] == "127.0.0.1 ::1"
    answer = read(impatient(own, "embed-partner"))
    assert answer.status == 200
    assert answer.headers["ratelimit-policy"] == '"burst";q=9;w=2, "daily";q=1000;w=86400'
    limits(own, "embed-partner", "--rate", "tier", "--burst", "tier", "--daily", "tier", "--addresses", "any")
    answer = read(own.client("embed-partner"))
    assert answer.headers["ratelimit-policy"] == '"burst";q=200;w=2, "daily";q=1000000;w=86400'
    for words in (["--rate", "0"], ["--rate", "-1"], ["--burst", "x"], ["--daily", "1.5"]):
        assert own.giro("limits", "set", "embed-partner", *words, check=False).returncode == 2, words
    for words in (["--rate", "2000000"], ["--addresses", "127.0.0.1/8"], ["--addresses", "here"]):
        done = own.giro("limits", "set", "embed-partner", *words, check=False)
        assert done.returncode == 1 and "invalid_request" in done.stderr, (words, done)
    done = own.giro("limits", "set", "nobody", "--rate", "1", check=False)
    assert done.returncode != 0 and "client_not_found" in done.stderr


@pytest.mark.spec("gateway/44", "gateway/47", "uk/H9")
def test_rate_is_exact(own):
    """Over ten seconds of flood: the burst and ten seconds of rate, to 1 %."""
    rate, burst, seconds = 50, 100, 10
    limits(own, "embed-partner", "--rate", str(rate), "--burst", str(burst))
    client = impatient(own, "embed-partner")
    assert read(client).status == 200
    time.sleep(burst / rate + 0.2)  # the bucket fills
    lock, passed, refused = threading.Lock(), [], []
    began = time.monotonic()

    def flood():
        while time.monotonic() < began + seconds:
            sent = time.monotonic()
            answer = read(client)
            with lock:
                (passed if answer.status == 200 else refused).append((sent, time.monotonic()))
            assert answer.status in (200, 429), answer
            if answer.status == 429:
                assert answer.code == "rate_limited" and answer.headers["retry-after"] == "1", answer
                assert '"burst";r=0;t=2' in answer.headers["ratelimit"], answer.headers

    threads = [threading.Thread(target=flood) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused, "the flood was too thin"
    # the bank decides between a question and its answer, and at the last refusal the bucket is empty
    least = burst + rate * (max(sent for sent, _ in refused) - min(answered for _, answered in passed))
    most = burst + rate * (max(answered for _, answered in passed) - began)
    assert least * 0.99 <= len(passed) <= most * 1.01, (least, len(passed), most, len(refused))
    client.patient = True
    limits(own, "embed-partner", "--rate", "tier", "--burst", "tier")


@pytest.mark.spec("gateway/45", "gateway/47")
def test_day_survives_restarts(own):
    """In order: exactly the quota. Killed: never more, and at most two blocks less."""
    client = impatient(own, "mobile-app")
    limits(own, "mobile-app", "--daily", "60")

    def spend(count):
        answers = [read(client) for _ in range(count)]
        assert {answer.status for answer in answers} <= {200, 429}, answers
        return sum(answer.status == 200 for answer in answers), answers[-1]

    first = read(client)
    assert first.status == 200 and '"daily";r=59;t=' in first.headers["ratelimit"], first.headers
    passed = 1 + spend(15)[0]
    assert passed == 16
    restart(own)
    more, last = spend(14)
    assert more == 14 and '"daily";r=30;t=' in last.headers["ratelimit"], last.headers
    restart(own, signal.SIGKILL)
    more, last = spend(60)
    passed += 14 + more
    assert 60 - 2 * (30 // 16 + 1) <= passed <= 60, passed
    assert last.status == 429 and last.code == "daily_limit"
    assert 1 <= int(last.headers["retry-after"]) <= 86400
    assert '"daily";r=0;t=' in last.headers["ratelimit"]
    restart(own)
    assert read(client).code == "daily_limit"
    assert read(impatient(own, "embed-partner")).status == 200  # another client's day is its own
    limits(own, "mobile-app", "--daily", "tier")
    assert read(client).status == 200
    client.patient = True


def p99(client, count):
    """Of so many reads, evenly spread; seconds."""
    took = []
    for _ in range(count):
        began = time.monotonic()
        answer = read(client)
        took.append(time.monotonic() - began)
        assert answer.status == 200, answer
        time.sleep(0.02)
    return sorted(took)[int(count * 0.99) - 1]


@pytest.mark.spec("gateway/44")
def test_noisy_client_moves_nobody(own):
    """One client floods beyond its rate from processes of its own; another's slowest reads stay near what they were."""
    quiet = own.client("mobile-app")
    noisy = own.client("embed-partner")
    limits(own, "embed-partner", "--rate", "20", "--burst", "20")
    alone = p99(quiet, 200)
    words = [str(own.port), str(own.var / "pki" / "ca.pem"), str(noisy.folder / "transport.pem")]
    words += [str(noisy.folder / "transport.key"), noisy.token("accounts"), "8"]
    floods = [
        subprocess.Popen([sys.executable, "-c", FLOOD, *words], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    try:
        time.sleep(1)  # until they are at it
        beside = p99(quiet, 200)
        counts = [[int(word) for word in flood.communicate(timeout=60)[0].split()] for flood in floods]
    finally:
        for flood in floods:
            if flood.poll() is None:
                flood.kill()
                flood.wait()
    passed, refused, all_of_them = (sum(column) for column in zip(*counts))
    assert passed + refused == all_of_them, counts  # refused in order, never failed
    assert refused > 5 * passed, counts
    print(f"p99 alone {alone * 1000:.1f} ms, beside {all_of_them} requests {beside * 1000:.1f} ms")
    assert beside <= max(8 * alone, 0.25), (alone, beside, counts)
    limits(own, "embed-partner", "--rate", "tier", "--burst", "tier")


@pytest.mark.spec("gateway/50")
def test_addresses_of_a_client(own):
    client = impatient(own, "embed-partner")
    for allowed, status in (("192.0.2.0/24", 403), ("192.0.2.0/24 127.0.0.0/8", 200), ("2001:db8::/32", 403)):
        limits(own, "embed-partner", "--addresses", allowed)
        answer = read(client)
        assert answer.status == status, (allowed, answer)
        assert status == 200 or answer.code == "address_not_allowed"
        spoofed = client.get("/v1/accounts", "accounts", {"X-OB-Client-Address": "192.0.2.1", "X-Real-IP": "192.0.2.1"})
        assert spoofed.status == status, "a caller does not choose its address"
    limits(own, "embed-partner", "--addresses", "192.0.2.0/24")
    assert read(own.client("mobile-app")).status == 200
    limits(own, "embed-partner", "--addresses", "any")
    assert read(client).status == 200


@pytest.mark.spec("gateway/50")
def test_addresses_of_routes(own):
    path = own.var / "giro.yaml"
    text = path.read_text()
    path.write_text(text + "addresses:\n  /v1/payments: [192.0.2.0/24]\n")
    restart(own)
    client = own.client("embed-partner")
    assert client.pay("1.00").code == "address_not_allowed"
    assert read(client).status == 200
    path.write_text(text + "addresses:\n  /v1/payments: [192.0.2.0/24, 127.0.0.1]\n")
    restart(own)
    assert client.pay("1.00").status == 201
    path.write_text(text)
    restart(own)
