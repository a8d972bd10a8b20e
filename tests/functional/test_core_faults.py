"""What becomes of payments when the core banking host fails in each of its ways: nothing is wrong, nothing is lost.

The breaker's time is lowered, so that its half of the story does not take minutes.
"""

import contextlib
import os
import signal
import threading
import time

import pytest

from bank import Bank, wait_for

HEAL_SECONDS_MAX = 30
BREAKER_SECONDS = 2


@pytest.fixture(scope="module")
def shaky():
    """A bank of this module's own."""
    with Bank() as running:
        running.start()
        running.configure("core", breaker_open=f"{BREAKER_SECONDS}s")
        yield running


@pytest.fixture
def client(shaky):
    shaky.core_mode("ok")
    client = shaky.client("bench-client")
    wait_for("the breaker closed", HEAL_SECONDS_MAX, lambda: heal(client))
    yield client
    shaky.core_mode("ok")


def heal(client):
    """A breaker closes by answers only: a payment goes through when it may."""
    if client.bank.admin("breaker")["state"] == "closed":
        return True
    client.pay("0.01")
    return False


def statuses(payment):
    return [step["status"] for step in payment["timeline"]]


def settle(client, payments):
    """All of them, final, by id."""
    return {payment_id: client.wait_final(payment_id, HEAL_SECONDS_MAX) for payment_id in payments}


def bookings(shaky, payment_id):
    listed, _ = shaky.core_books()
    booking = {reference.lower(): booking for reference, booking in listed.items()}.get(payment_id.replace("-", ""))
    return booking["times_booked"] - booking["times_reversed"] if booking else 0


def check_completed(shaky, client, account, payment_id, before, value_minor):
    assert bookings(shaky, payment_id) == 1
    assert client.balances(account) == {
        **before,
        "booked": before["booked"] - value_minor,
        "available": before["available"] - value_minor,
    }


def check_rejected(shaky, client, account, payment, before):
    assert payment["status"] == "rejected" and payment["reason"] == "core_failed", payment
    assert bookings(shaky, payment["payment_id"]) == 0
    assert client.balances(account) == before


def pay_in_mode(shaky, client, mode):
    account = client.open_account("10.00")["account_id"]
    before = client.balances(account)
    shaky.core_mode(mode)
    answer = client.pay("4.00", account)
    assert answer.status == 201, answer
    return account, before, answer.json["payment_id"]


def test_ok(shaky, client):
    account, before, payment_id = pay_in_mode(shaky, client, "ok")
    payment = client.wait_final(payment_id)
    assert payment["status"] == "completed" and "unknown" not in statuses(payment)
    check_completed(shaky, client, account, payment_id, before, 400)


def test_fail_after_is_unknown_then_completed(shaky, client):
    account, before, payment_id = pay_in_mode(shaky, client, "fail-after")
    payment = client.wait_final(payment_id)
    assert statuses(payment)[-2:] == ["unknown", "completed"], payment
    check_completed(shaky, client, account, payment_id, before, 400)


def test_fail_before_is_rejected_and_the_hold_released(shaky, client):
    account, before, payment_id = pay_in_mode(shaky, client, "fail-before")
    payment = client.wait_final(payment_id)
    check_rejected(shaky, client, account, payment, before)


def test_silent_is_rejected_after_the_deadline(shaky, client):
    account, before, payment_id = pay_in_mode(shaky, client, "silent")
    held = client.balances(account)
    assert held["held"] == 400 and held["booked"] == before["booked"], held
    payment = client.wait_final(payment_id)
    assert "unknown" in statuses(payment), payment
    check_rejected(shaky, client, account, payment, before)


def test_slow_is_unknown_then_completed(shaky, client):
    """The core books, and answers after more than its deadline."""
    account, before, payment_id = pay_in_mode(shaky, client, "slow")
    payment = client.wait_final(payment_id)
    assert payment["status"] == "completed" and "unknown" in statuses(payment), payment
    check_completed(shaky, client, account, payment_id, before, 400)


def test_twice_is_booked_once(shaky, client):
    account, before, payment_id = pay_in_mode(shaky, client, "twice")
    assert client.wait_final(payment_id)["status"] == "completed"
    check_completed(shaky, client, account, payment_id, before, 400)
    shaky.core_mode("ok")
    again = client.pay("1.00", account)  # the surplus answer is not taken for this one's
    assert client.wait_final(again.json["payment_id"])["status"] == "completed"
    assert bookings(shaky, again.json["payment_id"]) == 1


@pytest.mark.parametrize("seed", [1, 20261122])
def test_fail_random(shaky, client, seed):
    """50 payments, each with a fault of its own; after healing every one is final and both books agree."""
    account = client.open_account("100.00")["account_id"]
    shaky.core_seed(seed)
    shaky.core_mode("fail-random")
    made, refused = [], 0
    deadline = time.monotonic() + HEAL_SECONDS_MAX
    while len(made) < 50:
        answer = client.pay("1.00", account)
        if answer.status == 503:  # the breaker: nothing was stored
            assert answer.code == "unavailable" and int(answer.headers["retry-after"]) >= 1
            refused += 1
            assert time.monotonic() < deadline, f"{len(made)} made, {refused} refused"
            time.sleep(0.1)
            continue
        assert answer.status == 201, answer
        made.append(answer.json["payment_id"])
    shaky.core_mode("ok")
    final = settle(client, made)
    completed = [payment_id for payment_id, payment in final.items() if payment["status"] == "completed"]
    listed, _ = shaky.core_books()
    booked = {
        reference.lower(): booking["times_booked"] - booking["times_reversed"] for reference, booking in listed.items()
    }
    for payment_id, payment in final.items():
        wanted = 1 if payment["status"] == "completed" else 0
        assert booked.get(payment_id.replace("-", ""), 0) == wanted, payment
        assert payment["status"] == "completed" or payment["reason"] == "core_failed", payment
    assert client.balances(account) == {
        "booked": 10000 - 100 * len(completed),
        "held": 0,
        "overdraft": 0,
        "available": 10000 - 100 * len(completed),
    }
    print(f"seed {seed}: {len(completed)} completed, {50 - len(completed)} rejected, {refused} refused by the breaker")


@contextlib.contextmanager
def core_down(shaky):
    """Kills the core as often as the supervisor starts it."""
    end = threading.Event()

    def keep_down():
        while not end.wait(0.01):
            pid = shaky.pid("core")
            if pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=keep_down)
    killer.start()
    try:
        wait_for("the core down", 30, lambda: not shaky.pid("core"), every=0.01)
        yield
    finally:
        end.set()
        killer.join()


def test_breaker(shaky, client):
    """The core is gone: new core payments are refused and not stored, accepted ones wait and complete."""
    account = client.open_account("100.00")
    key = "breaker-" + account["account_id"]
    accepted = []
    with core_down(shaky):

        def refused():
            answer = client.pay("1.00", account["account_id"], key=f"{key}-{len(accepted)}")
            if answer.status == 503:
                return answer
            assert answer.status == 201, answer
            accepted.append(answer.json["payment_id"])
            return None

        answer = wait_for("the breaker open", 60, refused)
        assert answer.code == "unavailable" and int(answer.headers["retry-after"]) >= 1, answer
        assert shaky.admin("breaker")["state"] != "closed"
        assert accepted
        assert {client.payment(payment_id)["status"] for payment_id in accepted} <= {"pending", "unknown"}
        held = client.balances(account["account_id"])
        assert held["booked"] == 10000 and held["held"] == 100 * len(accepted), (held, len(accepted))
        on_us = client.pay("1.00", creditor={"name": "Me", "iban": account["iban"]})
        assert on_us.status == 201 and on_us.json["status"] == "completed", on_us  # needs no core
    final = settle(client, accepted)
    assert "completed" in {payment["status"] for payment in final.values()}, final
    for payment_id, payment in final.items():
        assert bookings(shaky, payment_id) == (1 if payment["status"] == "completed" else 0), payment
    wait_for("the breaker closed", HEAL_SECONDS_MAX, lambda: heal(client))
    retried = client.pay("1.00", account["account_id"], key=f"{key}-{len(accepted)}")
    assert retried.status == 201 and "idempotent-replayed" not in retried.headers, retried
    client.wait_final(retried.json["payment_id"])
    assert client.balances(account["account_id"])["held"] == 0


def test_books_agree(shaky, client):
    shaky.verify()
