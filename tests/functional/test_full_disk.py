"""The store's disk is full: acceptance stops with 503, nothing acknowledged is lost, it goes on when there is room."""

import os
import subprocess

import pytest

from bank import Bank, wait_for

STORE_BYTES = 24 * 1024 * 1024


@pytest.fixture
def bank():
    """A bank whose store lies on a small file system of its own."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    with Bank() as made:
        made.start()
        assert made.stop() == 0
        store, kept = made.var / "store", made.folder / "kept"
        owner = os.stat(store)
        store.rename(kept)
        store.mkdir(0o700)
        mount = [
            "mount",
            "-t",
            "tmpfs",
            "-o",
            f"size={STORE_BYTES},mode=0700,uid={owner.st_uid},gid={owner.st_gid}",
            "giro-test",
            store,
        ]
        if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
            pytest.skip("mounting is not permitted here")
        try:
            subprocess.run(["cp", "-a", *kept.iterdir(), store], check=True)
            yield made
        finally:
            made.stop()
            subprocess.run(["umount", store], check=True)


def fill(path):
    """Writes until nothing fits any more."""
    with open(path, "wb", buffering=0) as file:
        for size in (65536, 4096, 512, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue


@pytest.mark.spec("ledger/58")
def test_full_disk(bank):
    client = bank.start().client("bench-client")
    account = client.open_account("1000.00")["account_id"]
    acknowledged = {}

    def pay(number):
        answer = client.pay("0.01", account, key=f"full-{number}", creditor={"name": "On Us", "iban": other["iban"]})
        if answer.status == 201:
            acknowledged[f"full-{number}"] = answer.json["payment_id"]
        return answer

    other = client.open_account()
    for number in range(20):
        assert pay(number).status == 201
    ballast = bank.var / "store" / "ballast"
    fill(ballast)

    def refused():
        answer = pay(len(acknowledged))
        assert answer.status in (201, 503, 504, 502), answer
        return answer if answer.status == 503 else None

    answer = wait_for("acceptance stopped", 60, refused)
    assert answer.code == "unavailable", answer
    assert client.get(f"/v1/accounts/{account}/balances", "accounts").status in (200, 503)  # reading may go on
    held_up = pay(len(acknowledged))
    assert held_up.status == 503, held_up
    assert bank.pid("giro")
    ballast.unlink()
    wait_for("acceptance goes on", 60, lambda: pay(len(acknowledged)).status == 201)
    for number in range(len(acknowledged), len(acknowledged) + 20):
        assert pay(number).status == 201
    for key, payment_id in acknowledged.items():
        assert client.payment(payment_id)["status"] == "completed"
        replayed = client.pay("0.01", account, key=key, creditor={"name": "On Us", "iban": other["iban"]})
        assert replayed.json["payment_id"] == payment_id and replayed.headers["idempotent-replayed"] == "true"
    assert client.balances(account)["booked"] == 100000 - len(acknowledged)
    assert client.balances(other["account_id"])["booked"] == len(acknowledged)
    bank.verify()
