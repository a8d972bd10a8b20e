"""Rates that nodes share through a private Redis, which may go at any time."""

import contextlib
import json
import os
import signal
import threading
import time

import pytest

from bank import Bank, wait_for

UP = 'giro_cache_up{cache="redis"}'


@pytest.fixture(scope="module")
def own():
    with Bank() as running:
        yield running.start("--cache", "redis")


def events(bank, name):
    return [
        line
        for line in (bank.var / "log" / "giro.jsonl").read_text().splitlines()
        if json.loads(line).get("event") == name
    ]


def test_it_is_private(own):
    processes = {process["name"]: process for process in own.giro_json("run", "--status")["processes"]}
    assert processes["redis"]["pid"] == own.pid("redis") and processes["redis"]["port"] == 0, processes
    assert not list((own.var / "redis").glob("*.rdb"))
    wait_for("the cache up", 10, lambda: own.metrics().get(UP) == 1)


@pytest.mark.spec("gateway/44", "gateway/46")
def test_rate_comes_from_redis(own):
    """The bucket is the shared one: it is there after the daemon is not, and forgotten when Redis is."""
    client = own.client("embed-partner")
    client.token("accounts")
    own.giro("limits", "set", "embed-partner", "--rate", "1", "--burst", "30")
    client.patient = False
    left = [client.get("/v1/accounts", "accounts").headers["ratelimit"] for _ in range(20)][-1]
    assert int(left.split("r=")[1].split(";")[0]) <= 20, left
    before = own.pid("giro")
    os.kill(before, signal.SIGTERM)
    wait_for("another daemon", 60, lambda: own.pid("giro") not in (0, before))
    wait_for("the bank ready again", 60, own.look_ready)
    wait_for("the cache up", 10, lambda: own.metrics().get(UP) == 1)
    left = client.get("/v1/accounts", "accounts").headers["ratelimit"]
    assert int(left.split("r=")[1].split(";")[0]) < 29, left  # a bucket of the daemon's own would be full
    own.giro("limits", "set", "embed-partner", "--rate", "tier", "--burst", "tier")
    client.patient = True


@pytest.mark.spec("gateway/46")
def test_killed_under_load(own):
    """No request fails while Redis is killed again and again; it is started anew and used again."""
    own.giro("limits", "set", "embed-partner", "--rate", "5000", "--burst", "5000")
    client = own.client("embed-partner")
    client.token("accounts")
    statuses, stop = [], threading.Event()

    def load():
        while not stop.is_set():
            statuses.append(client.get("/v1/accounts", "accounts").status)

    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(3):
            count = len(statuses)
            killed = own.kill("redis")
            wait_for("another redis", 30, lambda: own.pid("redis") not in (0, killed))
            wait_for("requests meanwhile", 30, lambda: len(statuses) > count + 20)
            wait_for("the cache up", 30, lambda: own.metrics().get(UP) == 1)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert set(statuses) == {200}, {status: statuses.count(status) for status in set(statuses)}
    assert len(events(own, "cache_gone")) >= 3 and len(events(own, "cache_up")) >= 4


@pytest.mark.spec("gateway/46")
def test_a_redis_that_hangs(own):
    """The node says that it counts alone, does, and stops saying so by itself."""
    client = own.client("embed-partner")
    assert client.get("/v1/accounts", "accounts").status == 200
    pid = own.pid("redis")
    os.kill(pid, signal.SIGSTOP)
    try:
        before = len(events(own, "cache_gone"))
        began = time.monotonic()
        for _ in range(50):
            answer = client.get("/v1/accounts", "accounts")
            assert answer.status == 200 and "ratelimit" in answer.headers, answer
        assert time.monotonic() - began < 10
        wait_for("the node says so", 10, lambda: own.metrics()[UP] == 0)
        assert len(events(own, "cache_gone")) == before + 1  # once
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    wait_for("the cache up", 30, lambda: own.metrics()[UP] == 1)


def test_it_ends_with_the_bank():
    with Bank() as bank:
        bank.start("--cache", "redis")
        pid = bank.pid("redis")
        assert pid
        bank.stop()
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        bank.start()  # the choice is of one start: embedded
        assert not bank.pid("redis") and UP not in bank.metrics()
