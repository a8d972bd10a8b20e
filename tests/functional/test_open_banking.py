"""UK Open Banking v4.0: domestic payment consents and payments, signed both ways, refusals beside accepted twins."""

import json
import time
import uuid

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from bank import b64url, wait_for
from open_banking import CLAIM, ThirdParty, consent_body, initiation


@pytest.fixture
def acme(bank):
    return ThirdParty(bank.client("acme-tpp"))


@pytest.fixture
def gamma(bank):
    return ThirdParty(bank.client("gamma-tpp"))


def codes_of(answer, status=400):
    """The error codes of an OBErrorResponse1, after a look at its form."""
    assert answer.status == status, answer
    body = answer.json
    assert set(body) <= {"Id", "Errors"} and body["Errors"], answer
    for error in body["Errors"]:
        assert set(error) <= {"ErrorCode", "Message", "Path", "Url"}, error
    assert len(body["Id"]) <= 40 and "x-fapi-interaction-id" in answer.headers
    return [error["ErrorCode"] for error in body["Errors"]]


def paths_of(answer):
    codes_of(answer)
    return [error.get("Path") for error in answer.json["Errors"]]


# ---- one payment, whole


@pytest.mark.spec("uk/P1", "uk/S6", "uk/rule12")
def test_consented_payment(bank, acme):
    body = consent_body()
    made = acme.verify(acme.consent(body))
    assert made.status == 201, made
    data, consent_id = made.json["Data"], made.json["Data"]["ConsentId"]
    assert data["Status"] == "AWAU" and data["Initiation"] == body["Data"]["Initiation"]
    assert made.json["Risk"] == body["Risk"] and made.json["Links"]["Self"].endswith(
        "/domestic-payment-consents/" + consent_id
    )
    token = acme.authorized(consent_id)
    assert acme.consent_status(consent_id) == "AUTH"
    funds = acme.get(f"/domestic-payment-consents/{consent_id}/funds-confirmation", token)
    assert funds.status == 200 and funds.json["Data"]["FundsAvailableResult"]["FundsAvailable"] is True, funds
    order = {"Data": {"ConsentId": consent_id, "Initiation": body["Data"]["Initiation"]}, "Risk": body["Risk"]}
    key = str(uuid.uuid4())
    paid = acme.verify(acme.post("/domestic-payments", order, token, key=key))
    assert paid.status == 201, paid
    payment_id = paid.json["Data"]["DomesticPaymentId"]
    assert acme.consent_status(consent_id) == "COND"
    path = "/domestic-payments/" + payment_id
    wait_for("the payment's end", 30, lambda: acme.get(path).json["Data"]["Status"] in ("ACSC", "ACCC", "ACWP"))
    acme.verify(acme.get(path))
    again = acme.post("/domestic-payments", order, token, key=key)
    assert again.status == 201 and again.json["Data"]["DomesticPaymentId"] == payment_id, again
    second = acme.post("/domestic-payments", order, token)
    assert codes_of(acme.verify(second)) == ["U009"]
    assert acme.get(path + "/payment-details").status == 200
    late = acme.get(f"/domestic-payment-consents/{consent_id}/funds-confirmation", token)
    assert codes_of(late) == ["U009"]


@pytest.mark.spec("fapi/64")
def test_customer_says_no(acme):
    consent_id = acme.consent_made()
    pushed = acme.push(consent_id, "v" * 43, login_hint="decline")
    assert pushed.status == 201, pushed
    back = acme.authorize(pushed.json["request_uri"])
    assert back["error"] == "access_denied" and back["state"] == "state-1" and back["iss"] == acme.client.data["issuer"]
    assert acme.consent_status(consent_id) == "RJCT"
    assert acme.push(consent_id, "v" * 43).status == 400  # terminal


@pytest.mark.spec("uk/P3", "uk/rule11")
def test_payment_that_differs_from_its_consent(acme):
    body = consent_body()
    consent_id = acme.consent_made(body)
    token = acme.authorized(consent_id)
    start = body["Data"]["Initiation"]
    other = {**start, "InstructedAmount": {"Amount": "165.89", "Currency": "GBP"}}
    for change, risk in (
        (other, {}),
        ({**start, "EndToEndIdentification": "x"}, {}),
        (start, {"PaymentContextCode": "BillingGoodsAndServicesInAdvance"}),
    ):
        answer = acme.post(
            "/domestic-payments", {"Data": {"ConsentId": consent_id, "Initiation": change}, "Risk": risk}, token
        )
        assert codes_of(answer) == ["U008"], answer
    assert acme.consent_status(consent_id) == "AUTH"
    good = {"Risk": {}, "Data": {"Initiation": dict(reversed(list(start.items()))), "ConsentId": consent_id}}
    assert acme.post("/domestic-payments", good, token).status == 201  # the order of members is not a difference


@pytest.mark.spec("uk/rule12", "uk/B3")
def test_payment_before_consent(acme):
    body = consent_body()
    consent_id, authorized = acme.consent_made(body), acme.consent_made()
    token = acme.authorized(authorized)
    order = {"Data": {"ConsentId": consent_id, "Initiation": body["Data"]["Initiation"]}, "Risk": {}}
    codes_of(acme.post("/domestic-payments", order, token), 403)  # another consent's token
    codes_of(acme.post("/domestic-payments", order, acme.client.token("payments")), 403)  # no customer behind it
    assert acme.consent_status(consent_id) == "AWAU"


# ---- whose


@pytest.mark.spec("fapi/66", "uk/B1", "gateway/37")
def test_other_clients_consent(acme, gamma):
    consent_id = acme.consent_made()
    codes_of(gamma.get("/domestic-payment-consents/" + consent_id), 403)
    assert acme.get("/domestic-payment-consents/" + consent_id).status == 200
    assert gamma.push(consent_id, "v" * 43).status == 400
    unknown = acme.get(f"/domestic-payment-consents/{uuid.uuid4()}")
    assert codes_of(unknown) == ["U011"]
    assert acme.get("/domestic-payments/foobar").status == 400


@pytest.mark.parametrize("path, status", [("/foobar", 404), ("/domestic-payments/a/foobar", 404)])
@pytest.mark.spec("uk/S2")
def test_unknown_path(acme, path, status):
    codes_of(acme.get(path), status)


@pytest.mark.spec("uk/rule3")
def test_no_token_has_no_body(acme):
    for token in ("nonsense",):
        answer = acme.get(f"/domestic-payment-consents/{uuid.uuid4()}", token)
        assert answer.status == 401 and answer.body == b"", answer


def test_scope(acme):
    answer = acme.post("/domestic-payment-consents", consent_body(), acme.client.token("accounts"))
    codes_of(answer, 403)


# ---- idempotency


def test_key(acme):
    key, body = uuid.uuid4().hex, consent_body()
    first = acme.consent(body, key=key)
    again = acme.consent(body, key=key)
    assert first.status == again.status == 201
    assert first.json["Data"]["ConsentId"] == again.json["Data"]["ConsentId"]
    codes_of(acme.consent(consent_body(), key=key))
    assert acme.consent_status(first.json["Data"]["ConsentId"]) == "AWAU"


@pytest.mark.spec("uk/I3", "uk/rule6", "gateway/57")
def test_retry_gets_the_current_state(acme):
    key, body = uuid.uuid4().hex, consent_body()
    consent_id = acme.consent(body, key=key).json["Data"]["ConsentId"]
    acme.authorized(consent_id)
    assert acme.consent(body, key=key).json["Data"]["Status"] == "AUTH"


@pytest.mark.spec("uk/I5", "gateway/57")
def test_key_is_the_clients_own(acme, gamma):
    key, body = uuid.uuid4().hex, consent_body()
    assert (
        acme.consent(body, key=key).json["Data"]["ConsentId"] != gamma.consent(body, key=key).json["Data"]["ConsentId"]
    )


@pytest.mark.parametrize("key, code", [(None, "U007"), ("k" * 41, "U006"), ("", "U006")])
@pytest.mark.spec("uk/I1", "uk/I2", "uk/rule6", "gateway/57")
def test_key_refused(acme, key, code):
    answer = acme.consent(headers={"x-idempotency-key": key})
    assert codes_of(answer) == [code]
    assert acme.consent(key="k" * 8 + uuid.uuid4().hex).status == 201  # 40 characters


# ---- signatures


@pytest.mark.spec("uk/J1", "gateway/56")
def test_signature_missing(acme):
    answer = acme.consent(headers={"x-jws-signature": None})
    assert codes_of(acme.verify(answer)) == ["U019"]


@pytest.mark.parametrize(
    "changes, codes",
    [
        ({CLAIM + "iss": None}, ["U017"]),
        ({CLAIM + "iat": None}, ["U017"]),
        ({CLAIM + "tan": None}, ["U017"]),
        ({"kid": None}, ["U017"]),
        ({CLAIM + "iss": "0015800001ZZZZZZZZ/other"}, ["U016"]),
        ({CLAIM + "tan": "example.org"}, ["U016"]),
        ({CLAIM + "iat": "1"}, ["U016"]),
        ({CLAIM + "iat": int(time.time()) + 86400}, ["U016"]),
        ({"b64": False}, ["U016"]),
        ({"alg": "RS256"}, ["U016"]),
        ({"alg": "none"}, ["U016"]),
        ({"crit": [CLAIM + "iat"]}, ["U016"]),
        ({"extra": 1}, ["U016"]),
        ({"typ": "JWT"}, ["U016"]),
        ({"cty": "text/plain"}, ["U016"]),
    ],
)
@pytest.mark.spec("uk/J4", "uk/J5", "gateway/56")
def test_signature_claim(acme, changes, codes):
    text = json.dumps(consent_body())
    answer = acme.consent(text, signature=acme.sign(text, acme.header(**changes)))
    assert codes_of(answer) == codes, answer
    assert acme.consent(text, signature=acme.sign(text, acme.header(cty="json"))).status == 201


@pytest.mark.spec("uk/J8", "gateway/56")
def test_signature_of_other_bytes(acme):
    text = json.dumps(consent_body())
    for signed in (text + " ", text.replace(": ", ":"), "{}"):
        assert codes_of(acme.consent(text, signature=acme.sign(signed))) == ["U015"]
    assert acme.consent(text, signature=acme.sign(text)).status == 201


@pytest.mark.spec("uk/J3", "gateway/56")
def test_signature_by_another_key_or_salt(acme, gamma):
    text, key = json.dumps(consent_body()), acme.client.signing_key
    salted = acme.sign(
        text, sign=lambda data: key.sign(data, padding.PSS(padding.MGF1(hashes.SHA256()), 20), hashes.SHA256())
    )
    assert codes_of(acme.consent(text, signature=salted)) == ["U015"]
    pkcs = acme.sign(text, sign=lambda data: key.sign(data, padding.PKCS1v15(), hashes.SHA256()))
    assert codes_of(acme.consent(text, signature=pkcs)) == ["U015"]
    stranger = gamma.sign(text, header=acme.header())
    assert codes_of(acme.consent(text, signature=stranger)) == ["U015"]


@pytest.mark.spec("uk/J2", "gateway/56")
def test_signature_malformed(acme):
    text = json.dumps(consent_body())
    good = acme.sign(text)
    head, _, signature = good.split(".")
    for value in (
        "x",
        ".",
        "..",
        f"{head}.{signature}",
        f"{head}.{b64url(text.encode())}.{signature}",
        f"{head}..{signature}=",
        f"..{signature}",
    ):
        assert codes_of(acme.consent(text, signature=value)) in (["U018"], ["U017"]), value


@pytest.mark.spec("gateway/56")
def test_signature_where_none_belongs(acme):
    consent_id = acme.consent_made()
    headers = {"Authorization": "Bearer " + acme.client.token("payments"), "x-jws-signature": acme.sign("")}
    answer = acme.client.call("GET", "/open-banking/v4.0/pisp/domestic-payment-consents/" + consent_id, None, headers)
    assert codes_of(answer) == ["U020"]


# ---- the body


@pytest.mark.parametrize(
    "start, path, code",
    [
        (initiation("0.00"), "Data.Initiation.InstructedAmount.Amount", "U002"),
        (initiation("-1.00"), "Data.Initiation.InstructedAmount.Amount", "U002"),
        (initiation("1.001"), "Data.Initiation.InstructedAmount.Amount", "U002"),
        (initiation("1e2"), "Data.Initiation.InstructedAmount.Amount", "U002"),
        (initiation("01.00"), "Data.Initiation.InstructedAmount.Amount", "U002"),
        (initiation("99999999999999.00"), "Data.Initiation.InstructedAmount.Amount", "U002"),
        (
            initiation(InstructedAmount={"Amount": "1.00", "Currency": "gbp"}),
            "Data.Initiation.InstructedAmount.Currency",
            "U002",
        ),
        (initiation(InstructedAmount={"Currency": "GBP"}), "Data.Initiation.InstructedAmount.Amount", "U004"),
        (initiation(creditor="123"), "Data.Initiation.CreditorAccount.Identification", "U002"),
        (initiation(Extra=1), "Data.Initiation.Extra", "U005"),
    ],
)
def test_field(acme, start, path, code):
    answer = acme.consent(consent_body(start))
    assert code in codes_of(answer) and path in paths_of(answer), answer
    assert acme.consent(consent_body(initiation("1.00"))).status == 201


@pytest.mark.parametrize("body", ["", "{", "[]", '{"Data":1}', '{"Data":{},"Data":{},"Risk":{}}', "[" * 40 + "]" * 40])
def test_body(acme, body):
    codes_of(acme.consent(body or " "))


@pytest.mark.spec("uk/H6", "uk/H7", "uk/H8")
def test_media_types_and_methods(acme):
    codes_of(acme.consent(headers={"Content-Type": "text/plain"}), 415)
    codes_of(acme.consent(headers={"Accept": "text/html"}), 406)
    answer = acme.client.call("DELETE", f"/open-banking/v4.0/pisp/domestic-payment-consents/{uuid.uuid4()}")
    codes_of(answer, 405)
    assert "GET" in answer.headers["allow"]


# ---- authorization


@pytest.mark.spec("fapi/A9")
def test_code_is_used_once(acme):
    consent_id, verifier = acme.consent_made(), "a" * 43
    back = acme.authorize(acme.push(consent_id, verifier).json["request_uri"])
    first = acme.exchange(back["code"], verifier)
    assert first.status == 200 and first.json["id_token"]
    again = acme.exchange(back["code"], verifier)
    assert again.status == 400 and again.json["error"] == "invalid_grant", again


@pytest.mark.parametrize(
    "changes", [{"code_verifier": "b" * 43}, {"redirect_uri": "https://localhost:9999/callback"}, {"code": "x"}]
)
def test_code_refused(acme, changes):
    consent_id, verifier = acme.consent_made(), "a" * 43
    back = acme.authorize(acme.push(consent_id, verifier).json["request_uri"])
    answer = acme.exchange(
        changes.get("code", back["code"]), verifier, **{k: v for k, v in changes.items() if k != "code"}
    )
    assert answer.status == 400 and answer.json["error"] == "invalid_grant", answer


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None},
        {"code_challenge_method": "plain"},
        {"redirect_uri": "https://evil.example/"},
        {"response_type": "token"},
        {"scope": "openid payments nonsense"},
        {"claims": "{"},
        {"request_uri": "urn:x"},
        {"claims": None},
        {"client_id": "beta-tpp"},
    ],
)
def test_push_refused(acme, changes):
    answer = acme.push(acme.consent_made(), "a" * 43, **changes)
    assert answer.status in (400, 401) and answer.json["error"], answer


@pytest.mark.spec("uk/B2", "gateway/37")
def test_id_token_names_the_consent(acme):
    consent_id, verifier = acme.consent_made(), "a" * 43
    back = acme.authorize(acme.push(consent_id, verifier).json["request_uri"])
    token = acme.exchange(back["code"], verifier).json["id_token"]
    from bank import from_b64url

    claims = json.loads(from_b64url(token.split(".")[1]))
    assert claims["openbanking_intent_id"] == consent_id and claims["nonce"] == "nonce-1"
    assert claims["iss"] == acme.client.data["issuer"] and claims["aud"] == acme.client.name
