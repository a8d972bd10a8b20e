"""UK Open Banking account information, v4.0 and v3.1: consents, what they let be read, and what ends them. Bodies are
held against the published documents where these are."""

import json
import uuid
from datetime import datetime, timedelta, timezone

import pytest

from bank import wait_for
from obie_schema import check_body
from open_banking import ThirdParty

PUBLISHED = {"4.0": "v4.0", "3.1": "v3.1.11"}
EVERYTHING = [
    "ReadAccountsDetail",
    "ReadBalances",
    "ReadTransactionsDetail",
    "ReadTransactionsCredits",
    "ReadTransactionsDebits",
    "ReadParty",
    "ReadPartyPSU",
    "ReadPAN",
]
BASIC = ["ReadAccountsBasic"]
PRESENT = {"x-fapi-customer-ip-address": "203.0.113.7"}


class Reader(ThirdParty):
    """A third party that reads accounts, in one version of the API; its customer is there unless a test says else."""

    def __init__(self, client, version="4.0"):
        super().__init__(client)
        self.version = version

    def call(self, method, path, token=None, body=None, headers=None, present=True):
        sent = {**({"Authorization": f"Bearer {token}"} if token else {}), **(PRESENT if present else {})}
        if body is not None:
            sent["Content-Type"] = "application/json"
        return self.client.call(
            method,
            f"/open-banking/v{self.version}/aisp{path}",
            body if body is None or isinstance(body, (str, bytes)) else json.dumps(body),
            {**sent, **(headers or {})},
        )

    def own(self, method, path, body=None, **more):
        return self.call(method, path, self.client.token("accounts"), body, **more)

    def ask(self, permissions, **more):
        return self.own("POST", "/account-access-consents", {"Data": {"Permissions": permissions, **more}, "Risk": {}})

    def asked(self, permissions, **more):
        answer = self.ask(permissions, **more)
        assert answer.status == 201, answer
        return answer.json["Data"]["ConsentId"]

    def agreed(self, permissions, **more):
        """A consent that mia gave, and a token for it."""
        consent_id = self.asked(permissions, **more)
        return consent_id, self.authorized(consent_id, scope="openid accounts")

    def status(self, consent_id):
        answer = self.own("GET", f"/account-access-consents/{consent_id}")
        assert answer.status == 200, answer
        return answer.json["Data"]["Status"]

    def checked(self, path, token, template=None):
        """The answer of a GET, fit for the published document."""
        answer = self.call("GET", path, token)
        assert answer.status == 200, answer
        return check_body(PUBLISHED[self.version], template or path.split("?")[0], "get", answer)


@pytest.fixture(params=["4.0", "3.1"])
def reader(bank, request):
    return Reader(bank.client("acme-tpp"), request.param)


@pytest.fixture
def acme(bank):
    return Reader(bank.client("acme-tpp"))


def codes_of(answer, status):
    assert answer.status == status, answer
    return [error["ErrorCode"] for error in answer.json["Errors"]]


def later(**what):
    return (datetime.now(timezone.utc) + timedelta(**what)).isoformat(timespec="milliseconds")


# ---- consents


@pytest.mark.spec("uk/Q1", "uk/Q2", "uk/Q5", "uk/Q6", "uk/S6", "uk/rule1", "uk/rule10", "gateway/36")
def test_life_of_a_consent(reader):
    new, given = {"4.0": ("AWAU", "AUTH"), "3.1": ("AwaitingAuthorisation", "Authorised")}[reader.version]
    expires = later(days=90)
    made = reader.ask(EVERYTHING, ExpirationDateTime=expires)
    assert made.status == 201 and made.json["Data"]["Status"] == new, made
    check_body(PUBLISHED[reader.version], "/account-access-consents", "post", made)
    assert made.json["Data"]["ExpirationDateTime"] == expires and made.json["Data"]["Permissions"] == EVERYTHING
    consent_id = made.json["Data"]["ConsentId"]
    path = f"/account-access-consents/{consent_id}"
    assert made.json["Links"]["Self"].endswith(f"/open-banking/v{reader.version}/aisp{path}")
    if reader.version == "4.0":
        assert made.json["Data"]["StatusReason"][0]["StatusReasonCode"] == "U036"
    token = reader.authorized(consent_id, scope="openid accounts")
    assert reader.status(consent_id) == given
    check_body(PUBLISHED[reader.version], "/account-access-consents/{ConsentId}", "get", reader.own("GET", path))
    assert reader.call("GET", "/accounts", token).status == 200
    gone = reader.own("DELETE", path)
    assert gone.status == 204 and gone.body == b"", gone
    dead = reader.call("GET", "/accounts", token)
    assert dead.status == 401 and dead.body == b"", dead
    assert reader.own("GET", path).status == 400 and reader.own("DELETE", path).status == 400
    assert reader.push(consent_id, "v" * 43, scope="openid accounts").status == 400  # terminal (Q3)


@pytest.mark.spec("uk/Q8", "uk/rule8", "uk/E1", "uk/E2", "uk/E4", "uk/rule4", "gateway/53")
@pytest.mark.parametrize(
    "permissions, fits",
    [
        (["ReadAccountsBasic", "ReadAccountsDetail"], True),
        (["ReadAccountsBasic", "ReadTransactionsBasic", "ReadTransactionsCredits"], True),
        ([], False),
        (["ReadBalances"], False),
        (["ReadAccountsBasic", "ReadTheMind"], False),
        (["ReadAccountsBasic", "ReadTransactionsBasic"], False),
        (["ReadAccountsBasic", "ReadTransactionsDebits"], False),
    ],
)
def test_permissions_asked_for(reader, permissions, fits):
    answer = reader.ask(permissions)
    assert answer.status == (201 if fits else 400), answer
    if fits:
        return
    check_body(PUBLISHED[reader.version], "/account-access-consents", "post", answer)
    for error in answer.json["Errors"]:
        assert error["ErrorCode"] == {"4.0": "U002", "3.1": "UK.OBIE.Field.Invalid"}[reader.version], answer
        assert error["Path"].startswith("Data.Permissions"), answer


@pytest.mark.spec("uk/I1", "uk/I7")
def test_key_and_signature_are_not_looked_at(acme):
    body = {"Data": {"Permissions": BASIC}, "Risk": {}}
    headers = {"x-idempotency-key": "k" * 60, "x-jws-signature": "nonsense"}
    first, second = (acme.own("POST", "/account-access-consents", body, headers=headers) for _ in range(2))
    assert first.status == second.status == 201
    assert first.json["Data"]["ConsentId"] != second.json["Data"]["ConsentId"]
    assert "x-jws-signature" not in first.headers


@pytest.mark.spec("uk/H6", "uk/H7", "uk/H8", "uk/S10", "uk/rule2", "uk/rule17")
def test_form_of_requests(acme):
    good = json.dumps({"Data": {"Permissions": BASIC}, "Risk": {}})
    for headers, status in (
        ({}, 201),
        ({"Content-Type": "application/json; charset=utf-8"}, 201),
        ({"Content-Type": "text/plain"}, 415),
        ({"Accept": "application/json"}, 201),
        ({"Accept": "application/xml"}, 406),
    ):
        assert acme.own("POST", "/account-access-consents", good, headers=headers).status == status, headers
    wrong = acme.own("PUT", "/account-access-consents", good)
    assert wrong.status == 405 and "POST" in wrong.headers["allow"], wrong
    broken = good.replace("Basic", "Basic\udcff").encode("utf-8", "surrogateescape")
    assert acme.own("POST", "/account-access-consents", broken).status == 400


# ---- what is read


@pytest.mark.spec("uk/S7", "uk/rule5", "uk/rule7", "gateway/39")
def test_everything_that_is_read(reader):
    _, token = reader.agreed(EVERYTHING)
    accounts = reader.checked("/accounts", token).json["Data"]["Account"]
    assert accounts and all(len(account["Account"]) == 2 for account in accounts), accounts
    one = accounts[0]["AccountId"]
    for path, template in (
        (f"/accounts/{one}", "/accounts/{AccountId}"),
        (f"/accounts/{one}/balances", "/accounts/{AccountId}/balances"),
        (f"/accounts/{one}/transactions", "/accounts/{AccountId}/transactions"),
        (f"/accounts/{one}/party", "/accounts/{AccountId}/party"),
        (f"/accounts/{one}/parties", "/accounts/{AccountId}/parties"),
        ("/balances", None),
        ("/transactions", None),
        ("/party", None),
    ):
        answer = reader.checked(path, token, template)
        assert answer.json["Links"]["Self"].endswith(path) and answer.json["Meta"] == {}, answer
        assert reader.call("GET", path + "/", token).status == 200  # a slash behind it
    assert reader.checked("/party", token).json["Data"]["Party"]["Name"]


@pytest.mark.spec("uk/S4", "uk/rule3", "gateway/39")
def test_permission_for_each_endpoint(acme):
    needs = {
        "/accounts": set(),
        "/balances": {"ReadBalances"},
        "/transactions": {"ReadTransactionsBasic", "ReadTransactionsCredits"},
        "/party": {"ReadPartyPSU"},
    }
    for path, extra in needs.items():
        _, token = acme.agreed(BASIC + sorted(extra))
        for other, wanted in needs.items():
            want = 200 if wanted <= extra else 403
            answer = acme.call("GET", other, token)
            assert answer.status == want, (path, other, answer)
            if want == 403:
                assert codes_of(answer, 403) == ["U000"]


@pytest.mark.spec("uk/S7", "gateway/39")
def test_basic_hides_names_and_numbers(reader):
    _, token = reader.agreed(BASIC)
    answer = reader.checked("/accounts", token)
    assert answer.json["Data"]["Account"]
    for account in answer.json["Data"]["Account"]:
        assert "Account" not in account and "Nickname" not in account, account
    assert b"GIRO" not in answer.body and b"UK.OBIE" not in answer.body


@pytest.mark.spec("uk/S1", "uk/S2", "uk/S4", "uk/S5", "gateway/41")
def test_what_is_not_there_or_not_hers(reader, bank):
    _, token = reader.agreed(EVERYTHING)
    one = reader.call("GET", "/accounts", token).json["Data"]["Account"][0]["AccountId"]
    hers = {account["AccountId"] for account in reader.call("GET", "/accounts", token).json["Data"]["Account"]}
    foreign = next(row["account_id"] for row in bank.giro_json("accounts", "list") if row["account_id"] not in hers)
    unknown = {"4.0": "U011", "3.1": "UK.OBIE.Resource.NotFound"}[reader.version]
    for rest in ("", "/balances", "/transactions", "/party", "/parties"):
        assert reader.call("GET", f"/accounts/{one}{rest}", token).status == 200
        assert codes_of(reader.call("GET", f"/accounts/foobar{rest}", token), 400) == [unknown]
        assert codes_of(reader.call("GET", f"/accounts/{uuid.uuid4()}{rest}", token), 400) == [unknown]
        assert reader.call("GET", f"/accounts/{foreign}{rest}", token).status == 403
    for path in ("/foobar", f"/accounts/{one}/foobar", f"/accounts/{one}/beneficiaries", "/statements"):
        assert codes_of(reader.call("GET", path, token), 404) == [unknown]
    for dead in (None, "nonsense", reader.client.token("accounts")):
        answer = reader.call("GET", "/accounts", dead)
        assert answer.status == 401 and answer.body == b"", answer
    assert reader.call("GET", "/accounts", reader.client.token("payments")).status == 401
    gamma = Reader(bank.client("gamma-tpp"), reader.version)
    assert gamma.call("GET", "/accounts", token).status == 401  # bound to acme's certificate


@pytest.mark.spec("uk/H1", "uk/H2", "uk/H3", "gateway/65")
def test_headers(acme):
    _, token = acme.agreed(BASIC)
    mine = str(uuid.uuid4())
    for headers, status in (
        ({"x-fapi-interaction-id": mine}, 200),
        ({"x-fapi-interaction-id": "abc"}, 400),
        ({"x-fapi-auth-date": "Sun, 10 Sep 2017 19:43:31 GMT"}, 200),
        ({"x-fapi-auth-date": "yesterday"}, 400),
    ):
        answer = acme.call("GET", "/accounts", token, headers=headers)
        assert answer.status == status, (headers, answer)
        uuid.UUID(answer.headers["x-fapi-interaction-id"])
        if headers.get("x-fapi-interaction-id") == mine:
            assert answer.headers["x-fapi-interaction-id"] == mine


# ---- transactions


@pytest.mark.spec("uk/S3", "uk/S8", "uk/S9", "uk/rule5", "uk/Q7", "uk/rule9")
def test_transactions_of_a_window(reader):
    rows = ["ReadAccountsBasic", "ReadTransactionsBasic", "ReadTransactionsCredits", "ReadTransactionsDebits"]
    _, token = reader.agreed(rows)
    everything = reader.checked("/transactions", token).json["Data"]["Transaction"]
    assert everything, "mia's accounts were opened with money"
    for query, want in (
        ("fromBookingDateTime=20160101T104012.567+01", everything),
        ("fromBookingDateTime=2016-01-01T10:40:12Z&toBookingDateTime=2150-01-01", everything),
        ("toBookingDateTime=2016-01-01", []),
        ("toBookingDateTime=2016-01-01T00:00:00", []),
    ):
        answer = reader.checked(f"/transactions?{query}", token)
        assert answer.json["Data"]["Transaction"] == want, query
        assert "Next" not in answer.json["Links"] and "Prev" not in answer.json["Links"], answer
    bad = {"4.0": "U003", "3.1": "UK.OBIE.Field.InvalidDate"}[reader.version]
    assert codes_of(reader.call("GET", "/transactions?fromBookingDateTime=nonsense", token), 400) == [bad]
    _, late = reader.agreed(rows, TransactionFromDateTime=later(days=1))
    assert reader.checked("/transactions", late).json["Data"]["Transaction"] == []
    _, debits = reader.agreed(["ReadAccountsBasic", "ReadTransactionsDetail", "ReadTransactionsDebits"])
    kept = reader.checked("/transactions", debits).json["Data"]["Transaction"]
    assert all(row["CreditDebitIndicator"] == "Debit" for row in kept)
    assert len(kept) == sum(row["CreditDebitIndicator"] == "Debit" for row in everything)


@pytest.mark.spec("uk/H4", "uk/H9", "gateway/49")
def test_reads_without_the_customer_are_four_a_day(reader):
    _, token = reader.agreed(BASIC)
    for _ in range(4):
        assert reader.call("GET", "/accounts", token, present=False).status == 200
    refused = reader.call("GET", "/accounts", token, present=False)
    assert refused.status == 429 and 0 < int(refused.headers["retry-after"]) <= 86400, refused
    assert reader.call("GET", "/accounts", token).status == 200
    _, another = reader.agreed(BASIC)
    assert reader.call("GET", "/accounts", another, present=False).status == 200


# ---- what ends a consent


@pytest.mark.spec("uk/Q10", "uk/B7", "gateway/38")
def test_revoked_at_the_bank(acme, bank):
    consent_id, token = acme.agreed(BASIC)
    assert acme.call("GET", "/accounts", token).status == 200
    bank.giro("consents", "revoke", consent_id)
    dead = acme.call("GET", "/accounts", token)
    assert dead.status == 401 and dead.body == b"", dead
    assert acme.status(consent_id) == "CANC"
    shown = bank.giro_json("consents", "show", consent_id)
    assert shown["kind"] == "accounts" and shown["status"] == "CANC" and shown["permissions"] == "ReadAccountsBasic"
    again = acme.authorized(consent_id, scope="openid accounts")
    assert acme.status(consent_id) == "AUTH"
    assert acme.call("GET", "/accounts", again).status == 200
    assert acme.call("GET", "/accounts", token).status == 401  # the old one stays dead
    assert consent_id in [row["consent_id"] for row in bank.giro_json("consents", "list")]
    assert bank.giro("consents", "revoke", str(uuid.uuid4()), check=False).returncode != 0


@pytest.mark.spec("uk/S5", "uk/rule9", "uk/Q5")
def test_expired(acme):
    consent_id, token = acme.agreed(BASIC, ExpirationDateTime=later(seconds=4))
    assert acme.call("GET", "/accounts", token).status == 200
    answer = wait_for("the consent's end", 20, lambda: ended(acme, token))
    assert codes_of(answer, 401) == ["U009"]
    data = acme.own("GET", f"/account-access-consents/{consent_id}").json["Data"]
    assert data["Status"] == "EXPD" and data["StatusReason"][0]["StatusReasonCode"] == "TKXP", data


def ended(acme, token):
    answer = acme.call("GET", "/accounts", token)
    return answer if answer.status != 200 else None


@pytest.mark.spec("uk/Q2", "uk/Q5")
def test_customer_says_no(acme):
    consent_id = acme.asked(BASIC)
    pushed = acme.push(consent_id, "v" * 43, scope="openid accounts", login_hint="decline")
    assert pushed.status == 201, pushed
    assert acme.authorize(pushed.json["request_uri"])["error"] == "access_denied"
    data = acme.own("GET", f"/account-access-consents/{consent_id}").json["Data"]
    assert data["Status"] == "RJCT" and data["StatusReason"][0]["StatusReasonCode"] == "CUST", data


# ---- beside each other


@pytest.mark.spec("uk/P9", "uk/rule13", "gateway/59")
def test_versions_side_by_side(bank):
    old, new = (Reader(bank.client("acme-tpp"), version) for version in ("3.1", "4.0"))
    consent_id, token = old.agreed(BASIC)
    assert new.call("GET", "/accounts", token).status == 200 and new.status(consent_id) == "AUTH"
    body = json.dumps({"Data": {"Initiation": old_initiation()}, "Risk": {}})
    made = old.client.call("POST", "/open-banking/v3.1/pisp/domestic-payment-consents", body, signed(old, body))
    assert made.status == 201, made
    check_body("v3.1.11", "/domestic-payment-consents", "post", made, "payment-initiation")
    path = "/domestic-payment-consents/" + made.json["Data"]["ConsentId"]
    headers = {"Authorization": "Bearer " + old.client.token("payments")}
    there = old.client.call("GET", "/open-banking/v3.1/pisp" + path, None, headers)
    assert there.status == 200 and there.json["Data"]["Status"] == "AwaitingAuthorisation", there
    assert codes_of(old.client.call("GET", "/open-banking/v4.0/pisp" + path, None, headers), 400) == ["U008"]


def old_initiation():
    return {
        "InstructionIdentification": uuid.uuid4().hex[:20],
        "EndToEndIdentification": uuid.uuid4().hex[:20],
        "InstructedAmount": {"Amount": "1.00", "Currency": "GBP"},
        "CreditorAccount": {
            "SchemeName": "UK.OBIE.SortCodeAccountNumber",
            "Identification": "20041555779911",
            "Name": "Grocer Ltd",
        },
        "RemittanceInformation": {"Unstructured": "thanks", "Reference": "FRESCO-101"},
    }


def signed(party, body):
    return {
        "Authorization": "Bearer " + party.client.token("payments"),
        "Content-Type": "application/json",
        "x-idempotency-key": str(uuid.uuid4()),
        "x-jws-signature": party.sign(body),
    }


@pytest.mark.spec("gateway/60")
def test_nothing_personal_in_a_shared_cache(acme):
    _, token = acme.agreed(EVERYTHING)
    for path in ("/accounts", "/balances", "/transactions", "/party"):
        answer = acme.call("GET", path, token)
        control = answer.headers["cache-control"]
        assert "public" not in control and ("no-store" in control or "private" in control), (path, control)
        if "etag" in answer.headers:
            again = acme.call("GET", path, token, headers={"If-None-Match": answer.headers["etag"]})
            assert again.status == 304 and again.body == b"", again
            assert acme.call("GET", path, None, headers={"If-None-Match": answer.headers["etag"]}).status == 401


@pytest.mark.spec("uk/H11", "gateway/59")
def test_end_of_v3(spare):
    old, new = (Reader(spare.client("acme-tpp"), version) for version in ("3.1", "4.0"))
    _, token = old.agreed(BASIC)
    assert "deprecation" not in old.call("GET", "/accounts", token).headers
    spare.configure("api", v3_sunset="2098-01-01", v3_deprecated="2025-01-01")
    _, token = old.agreed(BASIC)
    answer = old.call("GET", "/accounts", token)
    assert answer.status == 200 and answer.headers["deprecation"] == "@1735689600", answer
    assert answer.headers["sunset"] == "Wed, 01 Jan 2098 00:00:00 GMT", answer
    assert "deprecation" not in new.call("GET", "/accounts", token).headers
