"""Payments of a later day on a running bank: each is made once, also when the daemon is killed in between."""

import datetime
import os
import signal

import pytest

from bank import Bank, wait_for

MADE_SECONDS_MAX = 30
START_SECONDS_MAX = 120
HEADINGS = "creditor_name,iban,sort_code,account_number,amount,currency,reference,end_to_end_id\n"


@pytest.fixture(scope="module")
def scheduling():
    """A bank of this module's own that pays on the day itself, whatever day of the week the test runs on."""
    with Bank() as running:
        running.start()
        path = running.var / "giro.yaml"
        text = path.read_text()
        text = text.replace(
            "\nscheduling:\n",
            "\nscheduling:\n  scheduled_on_holiday: exact\n  standing_orders_on_holiday: exact\n"
            "  files_on_holiday: exact\n",
        )
        # the day's payments are made from midnight on, and orders for it are taken until it ends
        for currency in ("GBP", "EUR"):
            text = text.replace(f"\n  {currency}:\n", f"\n  {currency}:\n    opens: 0s\n    cut_off: 1439m\n")
        path.write_text(text)
        kill(running)
        yield running


def kill(bank):
    before = wait_for("the daemon", START_SECONDS_MAX, lambda: bank.pid("giro"))
    os.kill(before, signal.SIGKILL)
    wait_for("another daemon", START_SECONDS_MAX, lambda: bank.pid("giro") not in (0, before))
    wait_for("the bank ready again", START_SECONDS_MAX, bank.look_ready)


def today(bank):
    """The day of London's wall clock, as the bank sees it; the hour is that of the summer rule."""
    now = datetime.datetime.now(datetime.timezone.utc)
    march, october = (last_sunday(now.year, month) for month in (3, 10))
    return (now + datetime.timedelta(hours=1 if march <= now < october else 0)).date()


def last_sunday(year, month):
    day = datetime.datetime(year, month, 31, 1, tzinfo=datetime.timezone.utc)
    return day - datetime.timedelta(days=(day.weekday() + 1) % 7)


def accounts(bank):
    customers = bank.customers()
    debtor = next(a for a in customers["mia"]["accounts"] if a["currency"] == "GBP")
    creditor = next(a for a in customers["sam"]["accounts"] if a["currency"] == "GBP")
    return debtor, creditor


def order(bank, subcommand, *words, amount="1.00", reference="rent"):
    debtor, creditor = accounts(bank)
    return bank.giro_json(
        "payments",
        subcommand,
        *("--from", debtor["iban"], "--to", creditor["iban"], "--name", "Sam", "--amount", amount),
        *("--reference", reference),
        *words,
    )


def credits(bank, payment_ids):
    """How often each payment stands in the creditor's statement."""
    _, creditor = accounts(bank)
    entries = bank.giro_json("accounts", "statement", creditor["account_id"], "--limit", "1000")
    seen = [entry.get("payment_id") for entry in entries if entry["side"] == "credit"]
    return {payment_id: seen.count(payment_id) for payment_id in payment_ids}


def state_of(bank, scheduled_id):
    return bank.giro_json("payments", "scheduled", "show", scheduled_id)


@pytest.mark.spec("ledger/28", "ledger/29")
def test_each_is_made_once_over_kills(scheduling):
    bank, day = scheduling, today(scheduling)
    later = order(bank, "schedule", "--on", str(day + datetime.timedelta(days=9)))["scheduled_id"]
    now = order(bank, "schedule", "--on", str(day), "--key", "one")["scheduled_id"]
    standing = order(bank, "standing-order", "--every", "EvryDay", "--first", str(day), "--payments", "3")
    kill(bank)
    again = order(bank, "schedule", "--on", str(day), "--key", "one")
    assert again == {"scheduled_id": now, "replayed": True}
    made = wait_for("the payment", MADE_SECONDS_MAX, lambda: ended(state_of(bank, now)))
    assert made["state"] == "executed", made
    show = ("payments", "standing-orders", "show", standing["standing_order_id"])
    first = wait_for("its first payment", MADE_SECONDS_MAX, lambda: bank.giro_json(*show)["payments"])
    kill(bank)
    assert len(first) == 1 and first[0]["sequence"] == 1 and first[0]["day"] == str(day), first
    assert bank.giro_json(*show)["payments"] == first
    assert bank.giro_json(*show)["next_day"] == str(day + datetime.timedelta(days=1))
    ids = [made["payment_id"], first[0]["payment_id"]]
    assert credits(bank, ids) == {ids[0]: 1, ids[1]: 1}
    types = [bank.giro_json("payments", "show", payment_id)["payment_type"] for payment_id in ids]
    assert types == ["scheduled", "standing_order"]
    assert state_of(bank, later)["state"] == "pending"
    assert bank.giro_json("payments", "scheduled", "cancel", later)["scheduled_id"] == later
    assert state_of(bank, later)["state"] == "cancelled"
    bank.verify()


def ended(scheduled):
    return scheduled if scheduled["state"] != "pending" else None


@pytest.mark.spec("ledger/30")
def test_a_file_goes_on_behind_a_kill(scheduling, tmp_path):
    bank = scheduling
    debtor, creditor = accounts(bank)
    lines = [f"Sam,{creditor['iban']},,,0.01,GBP,item {i},\n" for i in range(1, 601)]
    lines[299] = f"Mia,{debtor['iban']},,,0.01,GBP,to herself,\n"
    path = tmp_path / "payments.csv"
    path.write_text(HEADINGS + "".join(lines))
    file_id = bank.giro_json("payments", "bulk", str(path), "--from", debtor["account_id"])["file_id"]
    kill(bank)
    assert bank.giro_json("payments", "bulk", str(path), "--from", debtor["account_id"])["replayed"]
    show = ("payments", "files", "show", file_id)
    done = wait_for("the file", MADE_SECONDS_MAX * 2, lambda: completed(bank.giro_json(*show)))
    assert (done["items"], done["accepted"] + done["rejected"]) == (600, 600)
    results = done["results"]
    assert [result["number"] for result in results] == list(range(1, 601))
    assert results[299] == {"number": 300, "result": "rejected", "reason": "creditor_not_reachable"}
    ids = [result["payment_id"] for result in results if "payment_id" in result]
    assert len(set(ids)) == 599
    paid = [result["payment_id"] for result in results if result["result"] == "accepted"]
    assert set(credits(bank, paid).values()) <= {1}
    assert b'banking_payments_total{payment_type="file",status="' in bank.operations("/metrics").body
    bank.verify()


def completed(file):
    return file if file["state"] == "completed" else None


def test_a_file_that_is_not_understood(scheduling, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text(HEADINGS + "Sam,GB00,,,0.01,GBP,,\n")
    debtor, _ = accounts(scheduling)
    done = scheduling.giro("payments", "bulk", str(path), "--from", debtor["iban"], check=False)
    assert done.returncode == 1 and "line 2, iban:" in done.stderr, done


def test_the_days_and_hours_are_checked(scheduling):
    debtor, creditor = accounts(scheduling)
    words = ["--from", debtor["iban"], "--to", creditor["iban"], "--name", "Sam", "--amount", "1.00"]
    for on, code, sentence in (
        ("2024-01-02", 1, "date_in_the_past"),
        ("2024-02-30", 2, "want --on"),
    ):
        done = scheduling.giro("payments", "schedule", *words, "--on", on, check=False)
        assert done.returncode == code and sentence in done.stderr, done
    unknown = "00000000-0000-7000-8000-000000000001"
    assert scheduling.giro("payments", "scheduled", "cancel", unknown, check=False).returncode == 3
