"""kill -9 of the daemon and of the core banking host at random moments under load, and then the proof of the books.

GIRO_SEEDS is the seed (default 1; printed), GIRO_MINUTES makes it longer: 50 kills for each 4 minutes.
"""

import collections
import concurrent.futures
import http.client
import os
import random
import threading
import time

import pytest

from bank import FINAL, STORES, Bank, Client, minor, other_bank, wait_for

SEED = int(os.environ.get("GIRO_SEEDS", 1))
# The embedded store is ready again at once; beside PostgreSQL the lease of the dead has to run out first.
KILLS_EACH = {
    store: kills * max(1, int(os.environ.get("GIRO_MINUTES", 4)) // 4)
    for store, kills in (("sqlite", 25), ("postgres", 8))
}
WORKERS = 16
UP_SECONDS_MAX = 2.5
PAUSE_SECONDS = 0.05  # of a worker after an acknowledgement; the machine is shared with the daemon under sanitizers
SETTLE_SECONDS_MAX = 120
RETRIED = (409, 429, 502, 503, 504)


class Worker:
    """Pays from an account of its own, asks again with the same key until it hears 201, keeps what it heard."""

    def __init__(self, bank, number, token, end):
        self.client = Client(bank, "bench-client")
        self.client.tokens["payments"] = (token, float("inf"))
        self.number, self.end = number, end
        accounts = self.client.data["account_ids"]
        self.account = accounts[number % len(accounts)]
        self.random = random.Random(f"{SEED}/{number}")
        self.acknowledged, self.orders = {}, {}
        self.heard = collections.Counter()

    def order(self, on_us_iban):
        kind = self.random.random()
        creditor = other_bank()
        if kind < 0.3:
            creditor = {"name": "On Us", "iban": on_us_iban}
        elif kind < 0.4:
            creditor = other_bank("10000000")  # the core refuses it
        return self.client.order(f"{self.random.randrange(1, 500) / 100:.2f}", self.account, creditor)

    def ask(self, key):
        """The payment's id, asked for until it is heard."""
        deadline = time.monotonic() + SETTLE_SECONDS_MAX
        while True:
            assert time.monotonic() < deadline, f"{key}: never acknowledged; heard {dict(self.heard)}"
            try:
                answer = self.client.post("/v1/payments", self.orders[key], "payments", key=key)
            except (OSError, http.client.HTTPException):
                self.heard["connection lost"] += 1
                time.sleep(0.05)
                continue
            self.heard[answer.status] += 1
            if answer.status == 201:
                return answer.json["payment_id"]
            assert answer.status in RETRIED, (key, answer)
            time.sleep(0.05)

    def run(self, on_us_iban):
        while not self.end.is_set():
            key = f"crash-{SEED}-{self.number}-{len(self.orders)}"
            self.orders[key] = self.order(on_us_iban)
            self.acknowledged[key] = self.ask(key)
            if self.random.random() < 0.2:
                old = self.random.choice(list(self.acknowledged))
                assert self.ask(old) == self.acknowledged[old], old
            self.end.wait(PAUSE_SECONDS)


def kill_at_random(bank, name, ready, done, failures):
    """KILLS_EACH times: once it runs again, at a random moment of its next UP_SECONDS_MAX."""
    moments = random.Random(f"{SEED}/{name}")
    try:
        for count in range(1, KILLS_EACH[bank.store] + 1):
            wait_for(f"{name} runs again", 60, ready)
            time.sleep(moments.uniform(0, UP_SECONDS_MAX))  # the random moment itself, not a wait for anything
            bank.kill(name)
            wait_for(f"{name} gone or another", 30, lambda: bank.pid(name) == 0 or ready())
            if count % 5 == 0:
                print(
                    f"  {name}: killed {count} of {KILLS_EACH[bank.store]}, {time.monotonic() - bank.started:.0f} s",
                    flush=True,
                )
            done[name] = count
    except Exception as error:  # told by the test
        failures.append(error)


def every_entry(client, account):
    after = ""
    while True:
        page = client.get(f"/v1/accounts/{account}/transactions?limit=100{after}", "accounts").json
        yield from page["transactions"]
        if "after" not in page:
            return
        after = "&after=" + page["after"]


@pytest.fixture(scope="module", params=STORES)
def bank(request):
    with Bank(store=request.param) as running:
        running.start()
        # the core is down half of the time: load is wanted, not refusals
        running.configure("core", breaker_open="200ms")
        running.started = time.monotonic()
        yield running


def load_and_kill(bank, workers, on_us_iban, end):
    failures, done = [], {}
    ready = {"giro": bank.is_ready, "core": lambda: bank.pid("core")}
    if bank.store == "postgres":
        ready["postgres"] = bank.is_ready
    with concurrent.futures.ThreadPoolExecutor(len(workers) + len(ready)) as pool:
        loads = [pool.submit(worker.run, on_us_iban) for worker in workers]
        killers = [pool.submit(kill_at_random, bank, name, ready[name], done, failures) for name in ready]
        concurrent.futures.wait(killers)
        end.set()
        for load in loads:
            load.result()
    assert not failures, failures
    assert done == dict.fromkeys(ready, KILLS_EACH[bank.store]), done


def read_final(bank, client, payment_ids):
    """All payments, each final within the bound."""
    payments, token = {}, client.token("payments")
    deadline = time.monotonic() + SETTLE_SECONDS_MAX

    def read(ids):
        reader = Client(bank, "bench-client")
        reader.tokens["payments"] = (token, float("inf"))
        for payment_id in ids:
            payment = reader.payment(payment_id)
            while payment["status"] not in FINAL:
                assert time.monotonic() < deadline, payment
                time.sleep(0.1)
                payment = reader.payment(payment_id)
            payments[payment_id] = payment

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(read, [payment_ids[start::4] for start in range(4)]))
    return payments


def check_accounts(client, workers, payments, before):
    """Each debtor's entries are its completed payments, each once; nothing is held."""
    for account in {worker.account for worker in workers}:
        made = {
            payment_id for worker in workers if worker.account == account for payment_id in worker.acknowledged.values()
        }
        wanted = {
            payment_id: minor(payments[payment_id]["amount"]["value"])
            for payment_id in made
            if payments[payment_id]["status"] == "completed"
        }
        balances = client.balances(account)
        assert balances["held"] == 0, (account, balances)
        assert balances["booked"] == before[account]["booked"] - sum(wanted.values()), account
        debits = collections.Counter(
            entry["payment_id"] for entry in every_entry(client, account) if entry["direction"] == "debit"
        )
        assert set(debits) == set(wanted) and set(debits.values()) <= {1}, account


@pytest.mark.spec("ledger/57", "ledger/32")
def test_kill_nine_at_random(bank):
    print(
        f"\n  {bank.store}, seed {SEED}: {KILLS_EACH[bank.store]} kills of each program, {WORKERS} connections",
        flush=True,
    )
    client = bank.client("bench-client")
    creditor = client.open_account()
    before = {account: client.balances(account) for account in client.data["account_ids"]}
    end = threading.Event()
    workers = [Worker(bank, number, client.token("payments"), end) for number in range(WORKERS)]
    load_and_kill(bank, workers, creditor["iban"], end)
    heard = sum((worker.heard for worker in workers), collections.Counter())
    acknowledged = {key: payment_id for worker in workers for key, payment_id in worker.acknowledged.items()}
    print(f"  {len(acknowledged)} payments acknowledged, heard {dict(heard)}", flush=True)
    assert len(set(acknowledged.values())) == len(acknowledged) >= WORKERS
    wait_for("the bank ready", 60, bank.is_ready)
    payments = read_final(bank, client, list(acknowledged.values()))
    ends = collections.Counter(payment["status"] + payment.get("reason", "") for payment in payments.values())
    print(f"  all final: {dict(ends)}", flush=True)
    assert set(ends) <= {"completed", "rejectedcore_refused", "rejectedcore_failed"}, ends
    booked = bank.check_core_agrees(payments)
    check_accounts(client, workers, payments, before)
    received = sum(
        minor(payment["amount"]["value"])
        for payment in payments.values()
        if payment["payment_type"] == "on_us" and payment["status"] == "completed"
    )
    assert client.balances(creditor["account_id"])["booked"] == received
    verified = bank.verify()
    assert verified["payments"] == len(acknowledged) and verified["holds_active"] == 0, verified
    assert bank.metrics()["banking_payments_unknown"] == 0
    for worker in workers:
        for key in list(worker.acknowledged)[::50]:
            assert worker.ask(key) == worker.acknowledged[key]
    print(f"  core booked {booked} once each; ledger {verified}; {time.monotonic() - bank.started:.0f} s", flush=True)
