"""What a thief of the disk sees: no sample customer's name or account number in clear, in no file of var."""

import pytest

from bank import STORES, Bank, other_bank

CREDITOR = "Wilhelmina Featherstonehaugh"


@pytest.fixture(scope="module", params=STORES)
def bank(request):
    with Bank(store=request.param) as running:
        running.start()
        yield running


def occurrences(folder, words):
    """(file, word) for each file that holds one of the words, however it is written."""
    found = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.is_symlink():
            continue
        content = path.read_bytes().lower()
        found += [(path.relative_to(folder).as_posix(), word) for word in words if word.lower().encode() in content]
    return found


def test_no_name_or_account_number_in_clear(bank):
    customers = bank.giro_json("sandbox", "customers")
    ibans = [account["iban"] for customer in customers for account in customer["accounts"]]
    names = [customer["name"] for customer in customers]
    client = bank.client("bench-client")
    creditor = dict(other_bank(), name=CREDITOR)
    for number in range(20):
        payment = client.pay(f"1.{number:02}", client.data["account_ids"][0], creditor).json
        assert client.wait_final(payment["payment_id"])["status"] == "completed"
    bank.giro("demo", "pay")
    assert bank.verify()["payments"] >= 21
    words = [*names, *ibans, CREDITOR]
    assert len(words) == 6 + 12 + 1
    assert occurrences(bank.var, words) == []
    bank.stop()
    assert occurrences(bank.var, words) == []
    assert occurrences(bank.folder, ["Giro is ready"]), "a search that finds nothing at all proves nothing"
    bank.start()
    assert [customer["name"] for customer in bank.giro_json("sandbox", "customers")] == names
    assert bank.verify()["payments"] >= 21
