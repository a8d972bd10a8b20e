"""POST and GET /v1/payments: what is accepted, and beside it every refusal."""

import concurrent.futures
import json
import uuid

import pytest

from bank import Client, minor, other_bank, wait_for

FRAUD = other_bank("55555555", "Known Fraudster", "202015")
SANCTIONED = other_bank(name="Ivan Sanctioned")
REFUSED_BY_CORE = other_bank("10000000")
NOBODY = "0198c0de-0000-7000-8000-00000000dead"  # an id that nothing has; the same in each worker


def errors_of(answer):
    assert answer.status == 400, answer
    assert answer.code == "invalid_request", answer
    return {error["path"]: error["message"] for error in answer.json["errors"]}


def raw_order(client, amount='{"value":"1.00","currency":"GBP"}', rest=""):
    """An order as text, for what json.dumps would not write."""
    creditor = json.dumps(other_bank())
    account = client.data["account_ids"][0]
    return f'{{"debtor_account_id":"{account}","creditor":{creditor},"amount":{amount}{rest}}}'


# ---- accepted


def test_payment_through_the_core_completes(partner):
    account = partner.open_account("100.00")["account_id"]
    answer = partner.pay("12.34", account, reference="Invoice 4711")
    assert answer.status == 201, answer
    assert answer.headers["location"] == "/v1/payments/" + answer.json["payment_id"]
    assert answer.json["status"] in ("pending", "completed")
    payment = partner.wait_final(answer.json["payment_id"])
    assert payment["status"] == "completed" and "reason" not in payment
    assert payment["payment_type"] == "domestic"
    assert payment["amount"] == {"value": "12.34", "currency": "GBP"}
    assert payment["reference"] == "Invoice 4711"
    statuses = [step["status"] for step in payment["timeline"]]
    assert statuses[0] == "pending" and statuses[-1] == "completed", statuses
    assert [step["at"] for step in payment["timeline"]] == sorted(step["at"] for step in payment["timeline"])
    assert partner.balances(account) == {"booked": 8766, "held": 0, "overdraft": 0, "available": 8766}


def test_payment_to_an_iban_of_another_bank(partner):
    answer = partner.pay(creditor={"name": "Ada Example", "iban": "GB82WEST12345698765432"})
    assert answer.status == 201, answer
    assert partner.wait_final(answer.json["payment_id"])["status"] == "completed"


def test_on_us_completes_at_once(bank, partner):
    mine, theirs = partner.open_account(), bank.customers()["sam"]["accounts"][0]
    funded = partner.data["account_ids"][0]
    moved = partner.pay("50.00", creditor={"name": "Me", "iban": mine["iban"]}, account=funded)
    assert moved.status == 201 and moved.json["status"] == "completed", moved
    assert moved.json["payment_type"] == "on_us"
    assert partner.balances(mine["account_id"]) == {"booked": 5000, "held": 0, "overdraft": 0, "available": 5000}
    paid = partner.pay(
        "20.00",
        account=mine["account_id"],
        creditor={"name": "Sam Taylor", "sort_code": theirs["sort_code"], "account_number": theirs["account_number"]},
    )
    assert paid.json["status"] == "completed" and paid.json["payment_type"] == "on_us", paid
    assert [step["status"] for step in paid.json["timeline"]][-1] == "completed"
    assert partner.balances(mine["account_id"])["booked"] == 3000


# ---- who may ask


def test_certificate(bank, partner):
    path = "/v1/payments/" + partner.pay().json["payment_id"]
    bearer = {"Authorization": "Bearer " + partner.token("payments")}
    assert partner.call("GET", path, headers=bearer).status == 200
    without = partner.call("GET", path, headers=bearer, context=bank.tls_context())
    assert without.status == 401 and without.code == "client_certificate_required", without
    other = partner.call("GET", path, headers=bearer, context=bank.tls_context("bench-client"))
    assert other.status == 401 and other.code == "invalid_token", other


def test_payment_without_or_with_another_certificate_changes_nothing(bank, partner):
    account = partner.open_account("5.00")["account_id"]
    before = partner.balances(account)
    headers = {
        "Authorization": "Bearer " + partner.token("payments"),
        "Content-Type": "application/json",
        "Idempotency-Key": str(uuid.uuid4()),
    }
    body = json.dumps(partner.order(account=account))
    for context, code in (
        (bank.tls_context(), "client_certificate_required"),
        (bank.tls_context("acme-tpp"), "invalid_token"),
    ):
        answer = partner.call("POST", "/v1/payments", body, headers, context)
        assert answer.status == 401 and answer.code == code, answer
    assert partner.balances(account) == before
    assert partner.call("POST", "/v1/payments", body, headers).status == 201


@pytest.mark.parametrize(
    "value, status",
    [
        (None, 401),
        ("", 401),
        ("Bearer", 401),
        ("Bearer ", 401),
        ("Bearer wrong", 401),
        ("Basic dTpw", 401),
        ("Bearer a b", 401),
    ],
)
@pytest.mark.spec("ledger/70")
def test_token(partner, value, status):
    answer = partner.post("/v1/payments", partner.order(), "payments", headers={"Authorization": value})
    assert answer.status == status and answer.code == "invalid_token", answer
    assert answer.headers["www-authenticate"].startswith("Bearer"), answer


def test_token_in_the_query_is_refused(partner):
    answer = partner.get("/v1/accounts?access_token=" + partner.token("accounts"), "accounts")
    assert answer.status == 400 and answer.code == "invalid_request", answer


def test_token_of_another_client(bank, partner, bench):
    answer = partner.post(
        "/v1/payments", partner.order(), "payments", headers={"Authorization": "Bearer " + bench.token("payments")}
    )
    assert answer.status == 401 and answer.code == "invalid_token", answer


@pytest.mark.spec("ledger/70")
def test_scope(partner):
    answer = partner.post("/v1/payments", partner.order(), "accounts")
    assert answer.status == 403 and answer.code == "insufficient_scope", answer
    assert 'scope="payments"' in answer.headers["www-authenticate"]
    assert partner.post("/v1/payments", partner.order(), "accounts payments").status == 201


def test_other_clients_payment_and_account(partner, bench):
    payment_id = partner.pay().json["payment_id"]
    assert bench.get("/v1/payments/" + payment_id, "payments").code == "not_found"
    assert partner.get("/v1/payments/" + payment_id, "payments").status == 200
    assert bench.get("/v1/payments/" + str(uuid.uuid4()), "payments").status == 404
    assert bench.get("/v1/payments/nonsense", "payments").code == "not_found"
    foreign = bench.pay(account=partner.data["account_ids"][0])
    assert foreign.status == 422 and foreign.code == "account_not_found", foreign
    unknown = bench.pay(account=str(uuid.uuid4()))
    assert unknown.status == 422 and unknown.code == "account_not_found", unknown


# ---- idempotency


@pytest.mark.parametrize(
    "key, code",
    [
        (None, "idempotency_key_required"),
        ("", "invalid_request"),
        ("k" * 256, "invalid_request"),
        ("k\xe9", "invalid_request"),
    ],
)
@pytest.mark.spec("ledger/43")
def test_key_missing_or_malformed(partner, key, code):
    answer = partner.post("/v1/payments", partner.order(), "payments", headers={"Idempotency-Key": key})
    assert answer.status == 400 and answer.code == code, answer


def test_key_of_the_longest_length(partner):
    assert partner.pay(key=str(uuid.uuid4()).ljust(255, "k")).status == 201


@pytest.mark.spec("ledger/45")
def test_replay_gives_the_stored_answer(partner):
    key, account = str(uuid.uuid4()), partner.open_account("5.00")["account_id"]
    first = partner.pay("2.00", account, key=key)
    assert first.status == 201 and "idempotent-replayed" not in first.headers
    partner.wait_final(first.json["payment_id"])
    second = partner.pay("2.00", account, key=key)
    assert second.status == 201 and second.headers["idempotent-replayed"] == "true"
    assert second.body == first.body and second.headers["location"] == first.headers["location"]
    assert partner.balances(account)["booked"] == 300


@pytest.mark.spec("ledger/46")
def test_key_reused_with_another_body(partner):
    key = str(uuid.uuid4())
    first = partner.pay("2.00", key=key)
    for order in (partner.order("2.01"), partner.order("2.00", reference="x")):
        other = partner.post("/v1/payments", order, "payments", key=key)
        assert other.status == 422 and other.code == "idempotency_key_reused", other
    respaced = partner.post("/v1/payments", json.dumps(partner.order("2.00"), indent=1), "payments", key=key)
    assert respaced.status == 422 and respaced.code == "idempotency_key_reused"  # the fingerprint is over raw bytes
    assert partner.pay("2.00", key=key).json == first.json  # the refusals were not stored


@pytest.mark.spec("ledger/45")
def test_refusal_of_the_business_is_stored_with_the_key(partner):
    key, order = str(uuid.uuid4()), partner.order(account=str(uuid.uuid4()))
    first = partner.post("/v1/payments", order, "payments", key=key)
    assert first.status == 422 and first.code == "account_not_found"
    again = partner.post("/v1/payments", order, "payments", key=key)
    assert again.status == 422 and again.code == "account_not_found" and again.headers["idempotent-replayed"] == "true"
    assert partner.pay(key=key).code == "idempotency_key_reused"


def test_refusal_before_the_engine_does_not_take_the_key(partner):
    key = str(uuid.uuid4())
    assert partner.pay("0.00", key=key).status == 400
    assert partner.pay("1.00", key=key).status == 201


def test_key_is_the_clients_own(partner, bench):
    key = str(uuid.uuid4())
    first, second = partner.pay(key=key), bench.pay(key=key)
    assert first.status == second.status == 201 and first.json["payment_id"] != second.json["payment_id"]


@pytest.mark.spec("ledger/48")
def test_same_key_at_once_from_many_connections(bank, partner):
    account = partner.open_account("100.00")["account_id"]
    for round_number in range(5):
        key, value = str(uuid.uuid4()), f"3.{round_number:02d}"
        token = partner.token("payments")
        callers = [Client(bank, "embed-partner") for _ in range(4)]
        for caller in callers:
            caller.tokens["payments"] = (token, float("inf"))
        with concurrent.futures.ThreadPoolExecutor(len(callers)) as pool:
            answers = list(pool.map(lambda caller: caller.pay(value, account, key=key), callers))
        assert all(answer.status == 201 for answer in answers), answers
        assert len({answer.json["payment_id"] for answer in answers}) == 1
        assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
        partner.wait_final(answers[0].json["payment_id"])
    assert partner.balances(account)["booked"] == 10000 - sum(300 + number for number in range(5))


# ---- amounts


@pytest.mark.parametrize(
    "value",
    [
        "0",
        "0.00",
        "-1.00",
        "-0.00",
        "+1.00",
        "1.001",
        "1.000",
        "0.001",
        "1e2",
        "1E2",
        "01.00",
        "00.50",
        "007",
        "",
        " ",
        " 1.00",
        "1.00 ",
        ".",
        ".50",
        "1.",
        "1,00",
        "1_000",
        "0x10",
        "NaN",
        "Infinity",
        "1.0.0",
        "\u0661",
        "92233720368547758.08",
        "99999999999999999999.00",
        "1" + "0" * 300,
    ],
)
@pytest.mark.spec("ledger/2")
def test_amount_refused(partner, value):
    errors = errors_of(partner.pay(value))
    assert list(errors) == ["$.amount.value"], errors


@pytest.mark.parametrize("value", ["0.01", "1", "1.5", "0.50", "10.00"])
@pytest.mark.spec("ledger/2")
def test_amount_accepted(partner, value):
    answer = partner.pay(value)
    assert answer.status == 201, answer
    assert minor(answer.json["amount"]["value"]) == minor(value)


@pytest.mark.parametrize(
    "amount",
    [
        '{"value":1.00,"currency":"GBP"}',
        '{"value":100,"currency":"GBP"}',
        '{"value":null,"currency":"GBP"}',
        '{"value":true,"currency":"GBP"}',
        '{"value":["1.00"],"currency":"GBP"}',
        '{"currency":"GBP"}',
    ],
)
@pytest.mark.spec("ledger/2")
def test_amount_of_another_type(partner, amount):
    errors = errors_of(partner.post("/v1/payments", raw_order(partner, amount), "payments"))
    assert any(path.startswith("$.amount") for path in errors), errors


@pytest.mark.parametrize("currency", ["", "gbp", "GB", "GBPP", "XXX", "ZZZ", "£"])
def test_currency_refused(partner, currency):
    errors = errors_of(partner.pay("1.00", currency=currency))
    assert "$.amount.currency" in errors, errors


def test_currency_of_another_account(partner):
    answer = partner.pay("1.00", currency="EUR")
    assert answer.status == 422 and answer.code == "currency_mismatch", answer


def test_currency_of_no_decimals(partner):
    assert list(errors_of(partner.pay("1.00", currency="JPY"))) == ["$.amount.value"]


def test_amount_larger_than_the_core_carries(partner):
    answer = partner.pay("10000000000.00")
    assert answer.status == 422 and answer.code == "amount_too_large", answer


def test_creditor_not_reachable(partner):
    answer = partner.pay(creditor={"name": "Malta", "iban": "MT84MALT011000012345MTLCAST001S"})
    assert answer.status == 422 and answer.code == "creditor_not_reachable", answer
    own = partner.get("/v1/accounts/" + partner.data["account_ids"][0], "accounts").json
    to_itself = partner.pay(creditor={"name": "Me", "iban": own["iban"]})
    assert to_itself.status == 422 and to_itself.code == "creditor_not_reachable", to_itself


# ---- the body


@pytest.mark.parametrize(
    "change, path",
    [
        ({"extra": 1}, "$.extra"),
        ({"debtor_account_id": "x"}, "$.debtor_account_id"),
        ({"debtor_account_id": 7}, "$.debtor_account_id"),
        ({"creditor": {"name": "A"}}, "$.creditor"),
        ({"creditor": {"iban": "GB82WEST12345698765432"}}, "$.creditor"),
        ({"creditor": {"name": "A", "iban": "GB82WEST12345698765431"}}, "$.creditor.iban"),
        ({"creditor": {"name": "", "iban": "GB82WEST12345698765432"}}, "$.creditor.name"),
        ({"creditor": {"name": "A", "iban": "GB82WEST12345698765432", "sort_code": "200415"}}, "$.creditor"),
        ({"creditor": {"name": "A", "sort_code": "20041", "account_number": "55779911"}}, "$.creditor.sort_code"),
        ({"creditor": {"name": "A", "sort_code": "200415", "account_number": "x"}}, "$.creditor.account_number"),
        ({"amount": {"value": "1.00", "currency": "GBP", "extra": 1}}, "$.amount.extra"),
        ({"reference": ""}, "$.reference"),
        ({"reference": "x" * 141}, "$.reference"),
        ({"reference": "a\nb"}, "$.reference"),
        ({"reference": 5}, "$.reference"),
    ],
)
def test_member_refused_by_name(partner, change, path):
    errors = errors_of(partner.post("/v1/payments", {**partner.order(), **change}, "payments"))
    assert any(name.startswith(path) for name in errors), errors


@pytest.mark.parametrize("missing", ["debtor_account_id", "creditor", "amount"])
def test_member_missing(partner, missing):
    order = partner.order()
    del order[missing]
    answer = partner.post("/v1/payments", order, "payments")
    errors = errors_of(answer)
    assert missing in json.dumps(errors), errors


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        "null",
        '"x"',
        "1",
        "{}{}",
        "\xef\xbb\xbf{}",
        "{'a':1}",
        '{"a":1,}',
        '{"a":01}',
        '{"a":NaN}',
        '{"a":"\x01"}',
        b'{"reference":"\xff"}',
        b'{"reference":"\xc0\xaf"}',
        b'{"reference":"\xed\xa0\x80"}',
    ],
)
def test_body_not_json_of_the_schema(partner, body):
    answer = partner.post("/v1/payments", body if isinstance(body, bytes) else body.encode("latin-1"), "payments")
    assert answer.status == 400 and answer.code == "invalid_request", answer


def test_duplicate_members(partner):
    for body in (
        raw_order(partner, rest=',"reference":"a","reference":"a"'),
        raw_order(partner, '{"value":"1.00","value":"1.00","currency":"GBP"}'),
    ):
        answer = partner.post("/v1/payments", body, "payments")
        assert answer.status == 400 and answer.code == "invalid_request", answer
    assert partner.post("/v1/payments", raw_order(partner, rest=',"reference":"a"'), "payments").status == 201


@pytest.mark.parametrize("depth", [33, 1000, 7000])
def test_depth(partner, depth):
    body = raw_order(partner, rest=',"reference":' + "[" * depth + "]" * depth)
    answer = partner.post("/v1/payments", body, "payments")
    assert answer.status == 400 and answer.code == "invalid_request", answer


@pytest.mark.parametrize("size, status", [(16384, 201), (16385, 413), (60000, 413), (300000, 413)])
def test_size(partner, size, status):
    body = raw_order(partner)
    answer = partner.post("/v1/payments", body + " " * (size - len(body)), "payments")
    assert answer.status == status, answer
    assert status == 201 or answer.code == "body_too_large", answer


# ---- media types, methods, paths


@pytest.mark.parametrize(
    "media, status",
    [
        ("application/json", 201),
        ("application/json; charset=utf-8", 201),
        ("APPLICATION/JSON", 201),
        ("text/plain", 415),
        ("application/xml", 415),
        ("application/jsonx", 415),
        (None, 415),
        ("application/x-www-form-urlencoded", 415),
    ],
)
def test_media_type(partner, media, status):
    answer = partner.post("/v1/payments", partner.order(), "payments", headers={"Content-Type": media})
    assert answer.status == status, answer
    assert status == 201 or answer.code == "unsupported_media_type", answer


@pytest.mark.parametrize(
    "accept, status",
    [
        ("application/json", 201),
        ("*/*", 201),
        ("application/*;q=0.1", 201),
        ("text/html", 406),
        ("application/json;q=0", 406),
    ],
)
def test_accept(partner, accept, status):
    answer = partner.post("/v1/payments", partner.order(), "payments", headers={"Accept": accept})
    assert answer.status == status, answer
    assert status == 201 or answer.code == "not_acceptable", answer


@pytest.mark.parametrize(
    "method, path, allow",
    [
        ("GET", "/v1/payments", "POST"),
        ("PUT", "/v1/payments", "POST"),
        ("DELETE", "/v1/payments", "POST"),
        ("PATCH", "/v1/payments", "POST"),
        ("POST", "/v1/accounts/" + NOBODY, "GET, HEAD"),
        ("DELETE", "/v1/payments/" + NOBODY, "GET, HEAD"),
    ],
)
def test_method(partner, method, path, allow):
    answer = partner.call(method, path, headers={"Authorization": "Bearer " + partner.token("payments")})
    assert answer.status == 405 and answer.code == "method_not_allowed", answer
    assert answer.headers["allow"] == allow


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/nothing", "/v1/payments/a/b", "/v2/payments", "/v1//payments", "/healthz", "/metrics"]
)
def test_unknown_path(partner, path):
    answer = partner.get(path, "payments")
    assert answer.status == 404 and answer.code == "not_found", answer


def test_unknown_path_needs_no_certificate_to_be_unknown(bank, partner):
    answer = partner.call("GET", "/v1/nothing", context=bank.tls_context())
    assert answer.status == 404 and answer.code == "not_found", answer


def test_interaction_id(partner):
    mine = str(uuid.uuid4())
    answer = partner.get("/v1/accounts", "accounts", headers={"x-fapi-interaction-id": mine})
    assert answer.status == 200 and answer.headers["x-fapi-interaction-id"] == mine
    made = partner.get("/v1/accounts", "accounts").headers["x-fapi-interaction-id"]
    assert str(uuid.UUID(made)) == made
    wrong = partner.get("/v1/accounts", "accounts", headers={"x-fapi-interaction-id": "mine"})
    assert wrong.status == 400 and wrong.code == "invalid_request", wrong


# ---- rejected payments


def check_rejected(client, answer, reason, account, before):
    assert answer.status == 201, answer
    payment = client.wait_final(answer.json["payment_id"])
    assert payment["status"] == "rejected" and payment["reason"] == reason, payment
    assert client.balances(account) == before
    assert payment["timeline"][-1]["status"] == "rejected"


@pytest.mark.parametrize(
    "creditor, reason", [(FRAUD, "fraud"), (SANCTIONED, "sanctions"), (REFUSED_BY_CORE, "core_refused")]
)
def test_rejected_gives_the_hold_back(partner, creditor, reason):
    account = partner.open_account("10.00")["account_id"]
    before = partner.balances(account)
    check_rejected(partner, partner.pay("5.00", creditor=creditor, account=account), reason, account, before)
    accepted = partner.pay("5.00", account=account)
    assert partner.wait_final(accepted.json["payment_id"])["status"] == "completed"


def test_insufficient_funds(partner):
    account = partner.open_account("10.00")
    before = partner.balances(account["account_id"])
    check_rejected(
        partner,
        partner.pay("10.01", account=account["account_id"]),
        "insufficient_funds",
        account["account_id"],
        before,
    )
    exact = partner.pay("10.00", account=account["account_id"])
    assert partner.wait_final(exact.json["payment_id"])["status"] == "completed"
    assert partner.balances(account["account_id"]) == {"booked": 0, "held": 0, "overdraft": 0, "available": 0}


def test_more_than_the_fraud_limit(bench):
    account = bench.data["account_ids"][0]
    before = bench.balances(account)
    check_rejected(bench, bench.pay("1000000.01", account=account), "fraud", account, before)


def test_only_one_of_two_payments_at_once_finds_the_funds(bank, partner):
    account = partner.open_account("10.00")
    callers = [Client(bank, "embed-partner") for _ in range(4)]
    for caller in callers:
        caller.tokens["payments"] = (partner.token("payments"), float("inf"))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda caller: caller.pay("6.00", account=account["account_id"]), callers))
    final = [partner.wait_final(answer.json["payment_id"]) for answer in answers]
    assert sorted(payment["status"] for payment in final) == ["completed", "rejected", "rejected", "rejected"]
    assert {payment.get("reason") for payment in final} == {None, "insufficient_funds"}
    assert partner.balances(account["account_id"])["booked"] == 400


def test_holds_of_pending_payments_are_shown_and_gone_at_the_end(partner):
    account = partner.open_account("30.00")["account_id"]
    answers = [partner.pay("1.00", account=account) for _ in range(10)]
    for answer in answers:
        partner.wait_final(answer.json["payment_id"])
    wait_for("no hold", 10, lambda: partner.balances(account)["held"] == 0)
    assert partner.balances(account)["booked"] == 2000
