"""Numbers of the lists that no other test names: how callers are known, what consents outlive, keys, errors, days."""

import concurrent.futures
import contextlib
import http.client
import json
import threading
import time
import uuid

import pytest

from authorization import FORM, Party, new_verifier, refused
from bank import CALL_SECONDS_MAX, Bank, Client, encode_form, wait_for
from open_banking import PISP, ThirdParty, consent_body, initiation

SCA, CA = "urn:openbanking:psd2:sca", "urn:openbanking:psd2:ca"
AISP = "/open-banking/v4.0/aisp"


@pytest.fixture(scope="module")
def acme(bank):
    return Party(bank.client("acme-tpp"))


def codes_of(answer, status):
    assert answer.status == status, answer
    return [error["ErrorCode"] for error in answer.json["Errors"]]


def order_of(consent_id, body):
    return {"Data": {"ConsentId": consent_id, "Initiation": body["Data"]["Initiation"]}, "Risk": body["Risk"]}


# ---- tokens are bound, on every route


ROUTES = [
    ("embed-partner", "accounts", "GET", "/v1/accounts"),
    ("embed-partner", "payments", "POST", "/v1/payments"),
    ("acme-tpp", "payments", "GET", PISP + "/domestic-payment-consents/{consent}"),
    ("acme-tpp", "payments", "POST", PISP + "/domestic-payment-consents"),
    ("acme-tpp", "accounts", "POST", AISP + "/account-access-consents"),
]


@pytest.mark.spec("gateway/22", "fapi/R6", "fapi/116")
@pytest.mark.parametrize("name, scope, method, path", ROUTES)
def test_each_request_shows_the_tokens_certificate(bank, acme, name, scope, method, path):
    client, other = bank.client(name), bank.tls_context("gamma-tpp")
    path = path.replace("{consent}", acme.consent_made()) if "{consent}" in path else path
    headers = {"Authorization": "Bearer " + client.token(scope), "Content-Type": "application/json"}
    body = None if method == "GET" else "{}"
    for _ in range(2):  # a verdict of before is of no use to the next request
        own = client.call(method, path, body, headers)
        assert own.status in (200, 400), own  # past the token: the empty body is what is wrong
        for context in (other, bank.tls_context()):
            stolen = client.call(method, path, body, headers, context=context)
            assert stolen.status == 401, stolen


# ---- errors of OAuth


@pytest.mark.spec("uk/E5")
@pytest.mark.parametrize("path", ["/token", "/par", "/introspect", "/revoke"])
def test_oauth_endpoints_have_oauths_errors(acme, path):
    def told(answer, *statuses):
        assert answer.status in statuses, answer
        assert answer.headers["content-type"].startswith("application/json"), answer
        assert set(answer.json) <= {"error", "error_description", "error_uri"} and answer.json["error"], answer

    call = acme.client.call
    told(call("POST", path, "", FORM), 400, 401)
    told(call("POST", path, encode_form({"client_assertion": "x", "client_id": "nobody"}), FORM), 400, 401)
    told(call("POST", path, "{}", {"Content-Type": "application/json"}), 400, 401, 415)
    told(call("PUT", path, "", FORM), 405)
    told(call("POST", path, "a=" + "x" * 200_000, FORM), 413)
    assert "Errors" in acme.get("/foobar").json  # Open Banking's own, beside them


# ---- how the customer was authenticated


@pytest.mark.spec("uk/B4", "fapi/65", "gateway/17")
@pytest.mark.parametrize(
    "asked, said",
    [
        ({"essential": True, "values": [SCA]}, SCA),
        ({"essential": True, "value": SCA}, SCA),
        ({"essential": True, "values": [CA]}, CA),
        ({"essential": True, "values": [CA, SCA]}, SCA),
        ({"values": ["urn:mace:incommon:iap:silver"]}, SCA),
        (None, SCA),
        ({"essential": True, "values": ["urn:mace:incommon:iap:silver"]}, None),
        ({"essential": True, "value": "urn:openbanking:psd2:none"}, None),
    ],
)
def test_acr_is_what_was_asked_for_and_happened(bank, acme, asked, said):
    consent, verifier = acme.consent_made(), new_verifier()
    claims = {"openbanking_intent_id": {"value": consent, "essential": True}, **({"acr": asked} if asked else {})}
    parameters = acme.parameters(consent, verifier, claims={"id_token": claims})
    pushed = acme.push_parameters(parameters)
    if said is None:
        refused(pushed, "invalid_request")
        return
    code = acme.back(acme.visit(request_uri=pushed.json["request_uri"]))["code"]
    assert acme.claims_of(acme.exchange_code(code, verifier).json["id_token"])["acr"] == said
    metadata = bank.browser("GET", "/.well-known/openid-configuration").json
    assert set(metadata["acr_values_supported"]) == {SCA, CA}


@pytest.mark.spec("uk/X5", "uk/X6", "uk/Q5", "gateway/17")
def test_the_bank_asks_for_authentication(bank, acme):
    own = {"Authorization": "Bearer " + acme.client.token("accounts"), "Content-Type": "application/json"}
    body = json.dumps({"Data": {"Permissions": ["ReadAccountsBasic"]}, "Risk": {}})

    def made():
        answer = acme.client.call("POST", AISP + "/account-access-consents", body, own)
        assert answer.status == 201, answer
        return answer.json["Data"]["ConsentId"]

    def read(token):
        return acme.client.call("GET", AISP + "/accounts", None, {"Authorization": "Bearer " + token})

    consent, other = made(), made()
    token, others = (acme.authorized(which, scope="openid accounts") for which in (consent, other))
    assert read(token).status == 200
    bank.giro("consents", "authenticate", consent)
    assert codes_of(read(token), 403) == ["U028"]
    assert read(others).status == 200
    data = acme.client.call("GET", f"{AISP}/account-access-consents/{consent}", None, own).json["Data"]
    assert data["Status"] == "CANC"
    assert [reason["StatusReasonCode"] for reason in data["StatusReason"]] == ["TKSP", "U028"]
    assert bank.giro("consents", "authenticate", consent, check=False).returncode != 0  # it was asked already
    assert bank.giro("consents", "authenticate", str(uuid.uuid4()), check=False).returncode != 0
    fresh = acme.authorized(consent, scope="openid accounts")
    assert read(fresh).status == 200 and read(token).status == 401


# ---- a consent to a payment stays


@pytest.mark.spec("uk/P6")
def test_an_authorised_payment_is_not_taken_back(bank, acme):
    body = consent_body(initiation("1.20"))
    consent = acme.consent_made(body)
    token = acme.authorized(consent)
    assert bank.giro("consents", "revoke", consent, check=False).returncode != 0
    assert bank.giro("consents", "authenticate", consent, check=False).returncode != 0
    assert acme.client.call("DELETE", f"{PISP}/domestic-payment-consents/{consent}").status == 405
    refused(acme.push(consent, "v" * 43), ("invalid_request", "access_denied"))  # no authentication anew
    assert acme.consent_status(consent) == "AUTH"
    assert acme.post("/domestic-payments", order_of(consent, body), token).status == 201


# ---- idempotency keys


@pytest.mark.spec("uk/I4", "gateway/57")
def test_key_with_another_body(bank, acme):
    key, body = uuid.uuid4().hex, consent_body(initiation("1.30"))
    consent = acme.consent(body, key=key).json["Data"]["ConsentId"]
    path = "/domestic-payment-consents/" + consent
    before = acme.get(path).json
    interaction = str(uuid.uuid4())
    other = consent_body(initiation("1.31"))
    assert codes_of(acme.consent(other, key=key, headers={"x-fapi-interaction-id": interaction}), 400) == ["U006"]
    assert acme.get(path).json == before

    def look():
        rows = bank.giro_json("audit", "search", "--interaction-id", interaction)
        return [row["record"] for row in rows if row["record"]["outcome"] == "idempotency_key_reused"]

    record = wait_for("the audit record", 20, look, every=0.2)[0]
    assert record["client_id"] and record["check"] == "idempotency", record
    token = acme.authorized(consent)
    paid = acme.post("/domestic-payments", order_of(consent, body), token, key=key)
    assert paid.status == 201, paid  # the key of another endpoint is another key
    changed = order_of(consent, other)
    assert codes_of(acme.post("/domestic-payments", changed, token, key=key), 400) == ["U008"]  # not what was agreed to
    again = acme.post("/domestic-payments", order_of(consent, body), token, key=key)
    assert again.status == 201 and again.json["Data"]["DomesticPaymentId"] == paid.json["Data"]["DomesticPaymentId"]


def at_once(bank, count, ask):
    """ask(a client with a connection of its own), count times at the same moment."""
    start, name = threading.Barrier(count), "acme-tpp"

    def run(_):
        client = Client(bank, name)
        client.tokens = dict(bank.client(name).tokens)
        party = ThirdParty(client)
        client.call("GET", PISP + "/foobar")  # the handshake is behind it
        start.wait(CALL_SECONDS_MAX * count)
        return ask(party)

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.mark.spec("uk/I8", "gateway/57")
def test_the_same_at_once_is_one(bank, acme):
    acme.client.token("payments")
    for _ in range(3):
        key, body = uuid.uuid4().hex, consent_body(initiation("1.40"))
        answers = at_once(bank, 6, lambda party: party.consent(body, key=key))
        assert {answer.status for answer in answers} <= {201, 409}, answers
        made = {answer.json["Data"]["ConsentId"] for answer in answers if answer.status == 201}
        assert len(made) == 1, answers
        (consent,) = made
        token, order = acme.authorized(consent), order_of(consent, body)
        answers = at_once(bank, 6, lambda party: party.post("/domestic-payments", order, token, key=key))
        paid = {answer.json["Data"]["DomesticPaymentId"] for answer in answers if answer.status == 201}
        assert len(paid) == 1 and {answer.status for answer in answers} <= {201, 409}, answers


KILLS = 3
ASKED_AGAIN = (409, 429, 500, 502, 503, 504)


def until_made(party, key, body, heard):
    """The consent's id, asked for until it is heard; heard: what else was."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            answer = party.consent(body, key=key)
        except (OSError, http.client.HTTPException):
            heard.append("connection lost")
        else:
            if answer.status == 201:
                return answer.json["Data"]["ConsentId"]
            assert answer.status in ASKED_AGAIN, answer
            heard.append(answer.status)
        time.sleep(0.05)
    raise AssertionError(f"never made; heard {heard[-5:]}")


@pytest.mark.spec("uk/I9", "gateway/57")
def test_a_crash_before_the_answer_makes_no_second():
    with Bank() as bank:
        bank.start()
        bank.client("acme-tpp").token("payments")
        end, heard, made = threading.Event(), [], []

        def run(_):
            client = Client(bank, "acme-tpp")
            client.tokens = dict(bank.client("acme-tpp").tokens)
            party = ThirdParty(client)
            while not end.is_set():
                key, body = uuid.uuid4().hex, consent_body()
                first = until_made(party, key, body, heard)
                assert until_made(party, key, body, heard) == first
                made.append(first)

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            asking = [pool.submit(run, number) for number in range(4)]
            with contextlib.ExitStack() as stack:
                stack.callback(end.set)
                for _ in range(KILLS):
                    enough = len(made) + 8
                    wait_for("consents", 60, lambda: len(made) >= enough)
                    bank.kill("giro")
                    wait_for("the bank again", 60, bank.is_ready)
            for one in asking:
                one.result()
        assert heard, "no call met the crash"
        listed = bank.giro_json("consents", "list", "--limit", "1000")
        assert sorted(row["consent_id"] for row in listed) == sorted(made)
