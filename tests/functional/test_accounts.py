"""/v1/accounts: list, one, balances, transactions, opening; conditional reads and paging."""

import json
import uuid

import pytest

from bank import minor


def test_list_and_one(partner):
    listed = partner.get("/v1/accounts?limit=100", "accounts")
    assert listed.status == 200 and listed.headers["content-type"].startswith("application/json")
    ids = [account["account_id"] for account in listed.json["accounts"]]
    assert set(partner.data["account_ids"]) <= set(ids)
    one = partner.get("/v1/accounts/" + ids[0], "accounts")
    assert one.status == 200 and one.json == listed.json["accounts"][0]
    assert one.json["status"] == "open" and one.json["currency"] == "GBP"


@pytest.mark.parametrize("tail", ["", "/balances", "/transactions"])
def test_not_the_callers(partner, bench, tail):
    path = "/v1/accounts/" + bench.data["account_ids"][0] + tail
    assert bench.get(path, "accounts").status == 200
    assert partner.get(path, "accounts").code == "not_found"
    assert partner.get(f"/v1/accounts/{uuid.uuid4()}{tail}", "accounts").code == "not_found"
    assert partner.get(f"/v1/accounts/nonsense{tail}", "accounts").code == "not_found"


@pytest.mark.parametrize(
    "path", ["/v1/accounts", "/v1/accounts/{}", "/v1/accounts/{}/balances", "/v1/accounts/{}/transactions"]
)
def test_who_may_read(bank, partner, bench, path):
    path = path.format(partner.data["account_ids"][0])
    assert partner.get(path, "accounts").status == 200
    assert partner.get(path, "payments").code == "insufficient_scope"
    assert partner.call("GET", path).code == "invalid_token"
    bearer = {"Authorization": "Bearer " + partner.token("accounts")}
    assert partner.call("GET", path, headers=bearer, context=bank.tls_context()).code == "client_certificate_required"
    assert bench.call("GET", path, headers=bearer).code == "invalid_token"


@pytest.mark.parametrize("tail", ["", "/balances", "/transactions"])
def test_conditional(partner, tail):
    account = partner.open_account()
    path = "/v1/accounts/" + account["account_id"] + tail
    first = partner.get(path, "accounts")
    etag = first.headers["etag"]
    same = partner.get(path, "accounts", headers={"If-None-Match": etag})
    assert same.status == 304 and same.body == b"" and same.headers["etag"] == etag
    assert partner.get(path, "accounts", headers={"If-None-Match": f'"other", {etag}'}).status == 304
    assert partner.get(path, "accounts", headers={"If-None-Match": "*"}).status == 304
    assert partner.get(path, "accounts", headers={"If-None-Match": '"other"'}).status == 200
    if tail:
        partner.pay("1.00", creditor={"name": "Me", "iban": account["iban"]})
        changed = partner.get(path, "accounts", headers={"If-None-Match": etag})
        assert changed.status == 200 and changed.headers["etag"] != etag


def test_head(partner):
    path = "/v1/accounts/" + partner.data["account_ids"][1]
    bearer = {"Authorization": "Bearer " + partner.token("accounts")}
    whole = partner.call("GET", path, headers=bearer)
    head = partner.call("HEAD", path, headers=bearer)
    assert head.status == 200 and head.body == b"" and head.headers["etag"] == whole.headers["etag"]


def test_balances_and_transactions_agree(partner):
    account = partner.open_account()
    for value in ("1.00", "2.50", "0.01"):
        assert partner.pay(value, creditor={"name": "Me", "iban": account["iban"]}).json["status"] == "completed"
    out = partner.pay("0.51", account=account["account_id"])
    partner.wait_final(out.json["payment_id"])
    entries = partner.get(f"/v1/accounts/{account['account_id']}/transactions", "accounts").json["transactions"]
    assert [(entry["direction"], entry["amount"]["value"]) for entry in entries] == [
        ("debit", "0.51"),
        ("credit", "0.01"),
        ("credit", "2.50"),
        ("credit", "1.00"),
    ]
    assert [entry["sequence"] for entry in entries] == sorted((entry["sequence"] for entry in entries), reverse=True)
    balance = 0
    for entry in reversed(entries):
        balance += minor(entry["amount"]["value"]) * (1 if entry["direction"] == "credit" else -1)
        assert minor(entry["balance_after"]["value"]) == balance
    assert entries[0]["payment_id"] == out.json["payment_id"]
    assert partner.balances(account["account_id"]) == {"booked": 300, "held": 0, "overdraft": 0, "available": 300}


@pytest.mark.spec("ledger/69")
def test_paging(partner):
    account = partner.open_account()
    for _ in range(7):
        partner.pay("1.00", creditor={"name": "Me", "iban": account["iban"]})
    path = f"/v1/accounts/{account['account_id']}/transactions"
    whole = partner.get(path, "accounts").json
    assert len(whole["transactions"]) == 7 and "after" not in whole
    read, after = [], ""
    while True:
        page = partner.get(f"{path}?limit=3{after}", "accounts").json
        read += page["transactions"]
        if "after" not in page:
            break
        after = "&after=" + page["after"]
    assert read == whole["transactions"]


def test_paging_of_accounts(partner):
    for _ in range(3):
        partner.open_account()
    whole = partner.get("/v1/accounts?limit=100", "accounts").json["accounts"]
    read, after = [], ""
    while True:
        page = partner.get(f"/v1/accounts?limit=2{after}", "accounts").json
        assert len(page["accounts"]) <= 2
        read += page["accounts"]
        if "after" not in page:
            break
        after = "&after=" + page["after"]
    assert read == whole


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "limit=-1", "limit=1&limit=2", "after=zz", "other=1", "limit=1%"]
)
def test_page_refused(partner, query):
    for path in ("/v1/accounts", f"/v1/accounts/{partner.data['account_ids'][0]}/transactions"):
        answer = partner.get(f"{path}?{query}", "accounts")
        assert answer.status == 400 and answer.code == "invalid_request", (path, answer)
    assert partner.get("/v1/accounts?limit=1", "accounts").status == 200


def test_open_once_for_a_key(partner):
    key = str(uuid.uuid4())
    order = {"name": "Settlement", "currency": "GBP"}
    first = partner.post("/v1/accounts", order, "accounts", key=key)
    assert first.status == 201 and first.headers["location"] == "/v1/accounts/" + first.json["account_id"], first
    again = partner.post("/v1/accounts", order, "accounts", key=key)
    assert again.status == 201 and again.body == first.body and again.headers["idempotent-replayed"] == "true"
    other = partner.post("/v1/accounts", {"name": "Other", "currency": "GBP"}, "accounts", key=key)
    assert other.status == 422 and other.code == "idempotency_key_reused"
    without = partner.post("/v1/accounts", order, "accounts", headers={"Idempotency-Key": None})
    assert without.status == 400 and without.code == "idempotency_key_required"


@pytest.mark.parametrize(
    "order, path",
    [
        ({"currency": "GBP"}, "$"),
        ({"name": "A"}, "$"),
        ({"name": "", "currency": "GBP"}, "$.name"),
        ({"name": "A", "currency": "gbp"}, "$.currency"),
        ({"name": "A", "currency": "GBP", "x": 1}, "$.x"),
    ],
)
def test_open_refused(partner, order, path):
    answer = partner.post("/v1/accounts", json.dumps(order), "accounts")
    assert answer.status == 400 and answer.code == "invalid_request", answer
    assert any(error["path"].startswith(path) for error in answer.json["errors"]), answer


def test_openapi_document(bank, partner):
    answer = partner.call("GET", "/v1/openapi.json", context=bank.tls_context())
    assert answer.status == 200 and answer.json["openapi"].startswith("3.1")
    assert {"/v1/payments", "/v1/payments/{payment_id}", "/v1/accounts"} <= set(answer.json["paths"])
    assert partner.call("GET", "/v1/openapi.json", headers={"If-None-Match": answer.headers["etag"]}).status == 304
