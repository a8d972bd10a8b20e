"""The audit trail: every call with both bodies masked, why it was refused, and proofs that need no bank."""

import base64
import json
import os
import uuid

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

import audit_verifier
from bank import Bank, wait_for
from open_banking import ThirdParty, consent_body

IBAN = "GB33BUKB20201555555555"


@pytest.fixture(scope="module")
def bank():
    with Bank() as running:
        yield running.start()


@pytest.fixture
def acme(bank):
    return ThirdParty(bank.client("acme-tpp"))


def search(bank, *words):
    return [row["record"] for row in bank.giro_json("audit", "search", "--limit", "1000", *words)]


def records_of(bank, interaction, count=1, **wanted):
    """The records of a call, once there are that many."""

    def look():
        found = search(bank, "--interaction-id", interaction)
        found = [record for record in found if all(record.get(name) == value for name, value in wanted.items())]
        return found if len(found) >= count else None

    return wait_for(f"audit of {interaction}", 20, look, every=0.2)


def calls_in(bank, interaction):
    """The records of calls in: a call out that it caused comes with the commit that takes its answer."""
    return [record for record in search(bank, "--interaction-id", interaction) if record.get("event") != "call_out"]


def call_with_id(client, method, path, body=None, scope="accounts", **headers):
    interaction = str(uuid.uuid4())
    sent = {"x-fapi-interaction-id": interaction, **headers}
    if method == "GET":
        return interaction, client.get(path, scope, sent)
    return interaction, client.post(path, body, scope, sent)


# ---- bodies


@pytest.mark.spec("gateway/61", "gateway/62", "gateway/64")
def test_payment_both_bodies(bank, partner):
    order = partner.order("12.34", creditor={"name": "Secret Name", "iban": IBAN}, reference="for Ada Lovelace")
    interaction, answer = call_with_id(partner, "POST", "/v1/payments", order, "payments")
    assert answer.status == 201, answer
    (record,) = calls_in(bank, interaction)  # in the payment's own commit: it is there
    assert record["outcome"] == "accepted" and record["resource_id"] == answer.json["payment_id"]
    assert record["request"] == {
        "debtor_account_id": order["debtor_account_id"],
        "creditor": {"name": "***", "iban": "GB33**************5555"},
        "amount": order["amount"],
        "reference": "***",
    }
    assert record["response"]["payment_id"] == answer.json["payment_id"]
    assert record["response"]["status"] == answer.json["status"]
    assert record["response"]["creditor"] == {"name": "***", "iban": "GB33**************5555"}
    assert len(record["response"]["timeline"]) == len(answer.json["timeline"])
    for secret in ("Secret Name", IBAN, "Ada Lovelace"):
        assert secret not in json.dumps(record)


@pytest.mark.spec("gateway/61", "gateway/62", "gateway/64", "gateway/65")
def test_call_to_the_core_beside_the_call_in(bank, partner):
    iban = "DE89370400440532013000"
    order = partner.order("12.35", creditor={"name": "Secret Name", "iban": iban}, reference="for Ada Lovelace")
    interaction, answer = call_with_id(partner, "POST", "/v1/payments", order, "payments")
    assert answer.status == 201, answer
    (record,) = records_of(bank, interaction, event="call_out")
    payment_id = answer.json["payment_id"]
    assert record["peer"] == "core_banking" and record["operation"] == "transfer" and record["outcome"] == "answered"
    assert record["resource_id"] == payment_id and record["duration_us"] > 0 and len(record["id"]) == 36
    request, response = record["request"], record["response"]
    assert request["record"] == "TXN" and request["reference"] == payment_id.replace("-", "")
    assert request["amount"] == 1235 and request["currency"] == "GBP" and len(request["timestamp"]) == 14
    assert set(request["debtor"][:-2]) == {"*"} and set(request["creditor"][:-2]) == {"*"}
    assert request["creditor"].endswith(iban[-2:]) and response["code"] == "00" and response["core_reference"]
    for secret in ("Secret Name", iban[4:], "Ada Lovelace"):
        assert secret not in json.dumps(record)
    done = partner.get(f"/v1/payments/{payment_id}", "payments")
    assert done.json["status"] == "completed"  # with the record of the call that says so
    call_in, call_out = search(bank, "--interaction-id", interaction)
    assert call_in["id"] != call_out["id"] and call_in["resource_id"] == call_out["resource_id"]


@pytest.mark.spec("gateway/61", "gateway/62")
def test_read_body(bank, partner):
    account = partner.data["account_ids"][0]
    interaction, answer = call_with_id(partner, "GET", f"/v1/accounts/{account}")
    (record,) = records_of(bank, interaction)
    shown = record["response"]
    assert record["status"] == 200 and shown["account_id"] == account and shown["currency"] == answer.json["currency"]
    assert shown["name"] == "***" and shown["iban"] == answer.json["iban"][:4] + "*" * 14 + answer.json["iban"][-4:]
    assert answer.json["iban"] not in json.dumps(record)
    interaction, answer = call_with_id(partner, "GET", f"/v1/accounts/{account}/balances")
    (record,) = records_of(bank, interaction)
    assert record["response"] == answer.json


@pytest.mark.spec("gateway/62")
def test_refused_body_shows_only_what_fits(bank, partner):
    order = partner.order("1.00", creditor={"name": "Bob", "iban": IBAN})
    order["amount"] = {"value": "4111 1111 1111 1111", "currency": "Ada Lovelace", "Bob's card": "4111111111111111"}
    order["4111111111111111"] = {"Ada": "Lovelace"}
    order["debtor_account_id"] = "Ada Lovelace"
    interaction, answer = call_with_id(partner, "POST", "/v1/payments", order, "payments")
    assert answer.status == 400, answer
    (record,) = records_of(bank, interaction)
    text = json.dumps(record)
    for secret in ("Ada", "Lovelace", "4111", "Bob", IBAN):
        assert secret not in text, record
    assert record["request"]["amount"] == {"value": "***", "currency": "***"}
    assert record["check"] == "check_body" and record["outcome"] == "invalid_request"
    assert "$.debtor_account_id" in [error.get("path") for error in record["why"]["errors"]]


@pytest.mark.spec("gateway/62", "gateway/T10")
def test_token_request_without_secrets(bank, partner):
    answer = partner.ask_token()
    assert answer.status == 200, answer
    token, interaction = answer.json["access_token"], answer.headers["x-fapi-interaction-id"]
    decided, answered = records_of(bank, interaction, 2)
    assert decided["request"]["grant_type"] == "client_credentials"
    assert decided["request"]["client_assertion"] == "***"
    assert answered["event"] == "answer" and answered["id"] == decided["id"]
    assert answered["response"]["token_type"] == "Bearer" and answered["response"]["access_token"] == "***"
    for record in search(bank):
        assert token not in json.dumps(record) and "eyJ" not in json.dumps(record)


@pytest.mark.spec("gateway/61", "uk/E3")
def test_open_banking_consent_and_error_id(bank, acme):
    body = consent_body()
    made = acme.verify(acme.consent(body))
    assert made.status == 201, made
    decided, answered = records_of(bank, made.headers["x-fapi-interaction-id"], 2)
    shown = decided["request"]["Data"]["Initiation"]
    assert shown["InstructedAmount"] == {"Amount": "165.88", "Currency": "GBP"}
    assert shown["CreditorAccount"]["Identification"] == "*" * 12 + "11" and shown["CreditorAccount"]["Name"] == "***"
    assert answered["response"]["Data"]["ConsentId"] == made.json["Data"]["ConsentId"]
    assert "Grocer" not in json.dumps([decided, answered])
    body["Data"]["Initiation"]["InstructedAmount"]["Currency"] = "pounds"
    interaction = str(uuid.uuid4())
    token, sent = acme.client.token("payments"), {"x-fapi-interaction-id": interaction}
    refused = acme.post("/domestic-payment-consents", body, token, headers=sent)
    assert refused.status == 400 and len(refused.json["Id"]) <= 40 and refused.json["Id"] != interaction
    (record,) = records_of(bank, interaction)
    assert record["id"] == refused.json["Id"] and search(bank, "--id", refused.json["Id"]) == [record]
    assert record["why"]["errors"][0]["path"] == "Data.Initiation.InstructedAmount.Currency"


@pytest.mark.spec("uk/H5")
def test_customer_agent_and_address(bank, partner):
    for address, shown in (("203.0.113.77", "203.0.113.0/24"), ("2001:db8:1:2::7", "2001:db8:1::/48"), ("me", "***")):
        sent = {"x-customer-user-agent": "A" * 400, "x-fapi-customer-ip-address": address}
        interaction, _ = call_with_id(partner, "GET", "/v1/accounts", **sent)
        (record,) = records_of(bank, interaction)
        assert record["user_agent"] == "A" * 256 and record["customer_address"] == shown
        assert address == "me" or address not in json.dumps(record)


# ---- why a call was refused


@pytest.mark.spec("gateway/81")
def test_why_it_was_refused(bank, partner):
    account = partner.data["account_ids"][0]
    other = bank.client("acme-tpp").data["account_ids"][0] if bank.client("acme-tpp").data.get("account_ids") else None
    cases = [
        ("check_token", "invalid_token", lambda: ("GET", "/v1/accounts", {"Authorization": "Bearer unknown"})),
        ("check_token", "insufficient_scope", lambda: ("GET", f"/v1/accounts/{account}", None)),
        ("check_idempotency_header", "idempotency_key_required", None),
        ("handler", "not_found", lambda: ("GET", f"/v1/payments/{uuid.uuid4()}", "payments")),
    ]
    for check, outcome, make in cases:
        interaction = str(uuid.uuid4())
        if make is None:
            answer = partner.post(
                "/v1/payments",
                partner.order(),
                "payments",
                {"x-fapi-interaction-id": interaction, "Idempotency-Key": None},
            )
        else:
            method, path, more = make()
            headers = {"x-fapi-interaction-id": interaction}
            headers.update(more if isinstance(more, dict) else {})
            answer = partner.get(path, more if isinstance(more, str) else "payments", headers)
        assert answer.status >= 400, answer
        (record,) = records_of(bank, interaction)
        assert (record["check"], record["outcome"]) == (check, outcome), record
        assert record["why"]["detail"] == answer.json["detail"] and record["status"] == answer.status
        assert record["client_id"] and record["rule"], record
        others = search(bank, "--interaction-id", interaction, "--client-id", str(uuid.uuid4()))
        assert others == [] and (other is None or other not in json.dumps(record))


@pytest.mark.spec("gateway/81")
def test_business_refusal(bank, partner):
    order = partner.order("1.00", account=str(uuid.uuid4()))
    interaction, answer = call_with_id(partner, "POST", "/v1/payments", order, "payments")
    assert answer.status == 422 and answer.code == "account_not_found"
    decided, told = records_of(bank, interaction, 2)
    assert decided["check"] == "decision" and decided["outcome"] == "account_not_found" and decided["status"] == 422
    assert told["id"] == decided["id"] and told["why"]["detail"] == answer.json["detail"]


@pytest.mark.spec("gateway/61")
def test_flood_of_unknown_callers(bank):
    stranger = bank.client("bench-client")
    context = bank.tls_context()  # no certificate of a client
    before = len(search(bank))
    for _ in range(40):
        answer = stranger.call("GET", "/v1/accounts", context=context)
        assert answer.status == 401, answer

    def look():
        kept = [r for r in search(bank)[before:] if r.get("outcome") == "client_certificate_required"]
        return kept or None

    kept = wait_for("refusals", 10, look, every=0.3)
    assert len(kept) <= 10  # 5 of an address and minute, and a minute may turn
    assert all("client_id" not in record and record["check"] == "check_certificate" for record in kept)


# ---- what must not be in logs


@pytest.mark.spec("gateway/T11")
def test_log_injection(bank, partner):
    evil = 'x\x1b[2J\x7f\t"}{\\u000a%0d%0aInjected: 1'
    for name in ("x-customer-user-agent", "User-Agent", "x-fapi-auth-date", "Referer", "x-fapi-customer-ip-address"):
        interaction, answer = call_with_id(partner, "GET", "/v1/accounts", **{name: evil})
        if answer.status == 200:  # else it never became a request
            assert records_of(bank, interaction)
    for line in (bank.var / "log" / "giro.jsonl").read_bytes().splitlines():
        json.loads(line)
        assert not any(byte < 0x20 or byte == 0x7F for byte in line), line
    for path in (bank.var / "log").glob("*"):
        for line in path.read_bytes().splitlines():
            assert not any(byte < 0x20 and byte != 0x09 for byte in line), (path, line)
            assert not line.startswith(b"Injected"), (path, line)
    raw = bank.giro("audit", "search", "--limit", "1000").stdout
    assert "\x1b" not in raw and "\x7f" not in raw


SECRETS = (
    b"BEGIN ",
    b"SELECT ",
    b"INSERT ",
    b"sqlite",
    b"/src/",
    b".c:",
    b"secrets",
    b"Traceback",
)


@pytest.mark.spec("gateway/T10")
def test_errors_leak_nothing(bank, partner, acme):
    token, account = partner.token("accounts"), partner.data["account_ids"][0]
    asks = [
        ("GET", "/nowhere", None, {}),
        ("DELETE", "/v1/accounts", None, {}),
        ("GET", "/v1/accounts", None, {"Authorization": "Bearer " + token + "x"}),
        ("GET", "/v1/accounts?access_token=" + token, None, {"Authorization": "Bearer " + token}),
        ("GET", "/v1/accounts", None, {"Authorization": "Basic " + token}),
        ("GET", "/v1/accounts", None, {"Accept": "text/html", "Authorization": "Bearer " + token}),
        ("GET", f"/v1/accounts/{account}'%20OR%201=1", None, {"Authorization": "Bearer " + token}),
        ("GET", f"/v1/accounts/{account}/transactions?after='", None, {"Authorization": "Bearer " + token}),
        ("POST", "/v1/payments", "{", {"Authorization": "Bearer " + partner.token("payments"), "Idempotency-Key": "k"}),
        (
            "POST",
            "/v1/payments",
            "[" * 5000,
            {"Authorization": "Bearer " + partner.token("payments"), "Idempotency-Key": "k"},
        ),
        (
            "POST",
            "/v1/payments",
            "{}" + " " * 70000,
            {"Authorization": "Bearer " + partner.token("payments"), "Idempotency-Key": "k"},
        ),
        (
            "POST",
            "/token",
            "grant_type=x&client_assertion=" + token,
            {"Content-Type": "application/x-www-form-urlencoded"},
        ),
        ("POST", "/par", "request=" + token, {"Content-Type": "application/x-www-form-urlencoded"}),
        ("GET", "/open-banking/v4.0/pisp/domestic-payments/x", None, {"Authorization": "Bearer " + token}),
        ("GET", "/v1/accounts", None, {"x-fapi-interaction-id": token}),
        ("GET", "/v1/accounts", None, {"X-OB-Listener": token}),
    ]
    seen = set()
    for method, path, body, headers in asks:
        sent = {"Content-Type": "application/json", **headers} if body else headers
        answer = partner.call(method, path, body, sent)
        assert answer.status >= 400, (path, answer)
        told = answer.body + repr(sorted(answer.headers.items())).encode()
        assert token.encode() not in told, (path, answer)
        for secret in SECRETS:
            assert secret not in told, (path, secret, answer)
        seen.add(answer.status)
    assert seen >= {400, 401, 404, 405, 406, 413}, seen
    logs = b"".join(path.read_bytes() for path in (bank.var / "log").glob("giro.jsonl"))
    assert token.encode() not in logs and b"BEGIN " not in logs
    assert token not in bank.giro("audit", "search", "--limit", "1000").stdout


# ---- operators


@pytest.mark.spec("gateway/66")
def test_operators_stand_in_the_same_chain(bank, partner):
    account = partner.data["account_ids"][0]
    bank.admin("ledger_account", action="limits", account=account, floor_minor=-500)
    bank.admin("breaker", force="none")
    bank.admin("statement_rebuild")

    def look():
        lines = [record for record in search(bank) if record.get("method") == "ADMIN"]
        found = {record["route"]: record for record in lines}
        return found if {"breaker", "statement_rebuild"} <= set(found) else None

    found = wait_for("operators' records", 10, look, every=0.2)
    changed = [r for r in found.values() if r.get("request", {}).get("action") == "limits"]
    assert changed and changed[0]["request"]["account"] == account and changed[0]["request"]["floor_minor"] == -500
    assert found["breaker"]["request"]["force"] == "none" and found["statement_rebuild"]["outcome"] == "accepted"
    registered = found["customer_register"]["request"]
    assert registered["password"] == registered["totp_secret"] == registered["name"] == "***"


# ---- proofs


@pytest.fixture(scope="module")
def proven(bank, tmp_path_factory):
    """A payment, and an export that covers it."""
    partner = bank.client("embed-partner")
    interaction, answer = call_with_id(partner, "POST", "/v1/payments", partner.order("3.21"), "payments")
    assert answer.status == 201, answer
    (record,) = calls_in(bank, interaction)
    (called,) = records_of(bank, interaction, event="call_out")
    bank.giro("audit", "checkpoint")
    folder = tmp_path_factory.mktemp("audit")
    bank.giro("audit", "export", folder / "export.jsonl")
    key = folder / "bank.pem"
    key.write_bytes((bank.var / "secrets" / "audit-signing.pem").read_bytes())
    bank.giro("audit", "proof", "--record", called["id"], folder / "call-out.proof")
    return folder, key, record


def verify(bank, path, key, kind="--export"):
    return bank.giro("audit", "verify", kind, path, "--key", key, check=False).returncode


@pytest.mark.spec("gateway/63")
def test_export_proves_the_chain_alone(bank, proven):
    folder, key, record = proven
    export = folder / "export.jsonl"
    assert oct(os.stat(export).st_mode & 0o777) == "0o600"
    assert verify(bank, export, key) == 0
    count = audit_verifier.verify_export(export, key.read_bytes())
    assert count > 10 and record["id"].encode() in b"".join(
        base64.b64decode(json.loads(line).get("body", "")) for line in export.read_bytes().splitlines()
    )
    again = bank.giro("audit", "export", export, check=False)  # never over a file that is there
    assert again.returncode != 0
    last = json.loads(export.read_bytes().splitlines()[0])["last_seq"]
    assert bank.giro("audit", "verify", "--export", export, "--key", key, "--at-least", str(last)).returncode == 0
    later = bank.giro("audit", "verify", "--export", export, "--key", key, "--at-least", str(last + 1), check=False)
    assert later.returncode == 4


def damage(lines):
    """What a forger could do, by name."""
    record = json.loads(lines[5])
    yield "dropped", lines[:5] + lines[6:]
    yield "swapped", lines[:5] + [lines[6], lines[5]] + lines[7:]
    yield "twice", lines[:6] + lines[5:]
    yield "cut", lines[:-1]
    yield "cut in a line", lines[:-1] + [lines[-1][:-20]]
    yield "cut before the last record", lines[:-2] + lines[-1:]
    yield "without the head", lines[1:]
    yield "a shorter head", [lines[0].replace(b'"first_seq":1', b'"first_seq":2')] + lines[2:]
    yield "more behind", lines + [lines[-1]]
    body = bytearray(base64.b64decode(record["body"] or "QQ=="))
    if body:
        body[-2] ^= 1
    forged = {**record, "body": base64.b64encode(bytes(body)).decode()}
    yield "a body", lines[:5] + [audit_verifier.compact(forged)] + lines[6:]
    rehashed = {**forged, "hash": audit_verifier.record_hash(forged, bytes(body)).hex()}
    yield "a body and its hash", lines[:5] + [audit_verifier.compact(rehashed)] + lines[6:]
    for name in ("root", "head", "previous", "signature"):
        checkpoint = json.loads(lines[-1])
        text = checkpoint[name]
        checkpoint[name] = ("1" if text[0] != "1" else "2") + text[1:]
        yield f"the checkpoint's {name}", lines[:-1] + [audit_verifier.compact(checkpoint)]


@pytest.mark.spec("gateway/63")
def test_every_damage_is_seen(bank, proven):
    folder, key, _ = proven
    lines = (folder / "export.jsonl").read_bytes().splitlines()
    for name, damaged in damage(lines):
        path = folder / "damaged.jsonl"
        path.write_bytes(b"\n".join(damaged) + b"\n")
        assert verify(bank, path, key) == 4, name
        with pytest.raises((audit_verifier.Broken, ValueError, KeyError)):
            audit_verifier.verify_export(path, key.read_bytes())


@pytest.mark.spec("gateway/63")
def test_any_byte(bank, proven):
    """Single bytes all over the file, every kind of line among them."""
    folder, key, _ = proven
    text = (folder / "export.jsonl").read_bytes()
    path = folder / "byte.jsonl"
    lines = text.splitlines(keepends=True)
    heads = [0, len(lines[0]), len(text) - len(lines[-1])]
    places = (
        {at + i for at in heads for i in range(0, 60, 7)} | set(range(0, len(text), len(text) // 40)) | {len(text) - 1}
    )
    for place in sorted(places):
        damaged = bytearray(text)
        damaged[place] ^= 0x01
        path.write_bytes(damaged)
        assert verify(bank, path, key) == 4, (place, bytes(damaged[max(0, place - 20) : place + 20]))


@pytest.mark.spec("gateway/63")
def test_another_key(bank, proven):
    folder, key, _ = proven
    pem = (
        x509.load_pem_x509_certificate((bank.var / "clients" / "acme-tpp" / "transport.pem").read_bytes())
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    path = folder / "other.pem"
    path.write_bytes(pem)
    assert verify(bank, folder / "export.jsonl", path) == 4


@pytest.mark.spec("gateway/63", "ledger/52")
def test_proof_of_one_record(bank, proven):
    folder, key, record = proven
    proof = folder / "proof.jsonl"
    bank.giro("audit", "proof", "--record", record["id"], proof)
    assert verify(bank, proof, key, "--proof") == 0
    assert audit_verifier.verify_proof(proof, key.read_bytes()) == record
    text = proof.read_bytes()
    assert len(text) < 8000
    for place in range(0, len(text), 29):
        damaged = bytearray(text)
        damaged[place] ^= 0x01
        path = folder / "proof-damaged.jsonl"
        path.write_bytes(damaged)
        assert verify(bank, path, key, "--proof") == 4, place
    absent = bank.giro("audit", "proof", "--record", str(uuid.uuid4()), folder / "none.jsonl", check=False)
    assert absent.returncode == 3 and not (folder / "none.jsonl").exists()


@pytest.mark.spec("gateway/63")
def test_restart_and_parts(bank, proven):
    """The end of the process signs, the next one goes on; a later part proves itself alone."""
    folder, key, _ = proven
    before = bank.giro_json("audit", "verify")
    assert before["chain"] == "ok" and before["checkpoints"] >= 1
    assert bank.client("embed-partner").pay("1.10").status == 201  # or there might be nothing to sign
    bank.stop()
    stopped = bank.giro_json("audit", "verify")
    assert stopped["chain"] == "ok" and stopped["checkpoints"] > before["checkpoints"]
    bank.start()
    partner = bank.client("embed-partner")
    assert partner.pay("1.11").status == 201
    bank.giro("audit", "checkpoint")
    after = bank.giro_json("audit", "verify")
    assert after["chain"] == "ok" and after["proven_seq"] > stopped["proven_seq"]
    part = folder / "part.jsonl"
    bank.giro("audit", "export", "--from", str(stopped["proven_seq"] + 1), part)
    first = json.loads(part.read_bytes().splitlines()[0])["first_seq"]
    assert 1 < first <= stopped["proven_seq"] + 1
    assert verify(bank, part, key) == 0
    audit_verifier.verify_export(part, key.read_bytes())
