"""The customer's own page over the real edge, by a browser without scripts: what was allowed is seen and taken back."""

import html
import re

import pytest

from account_information import Reader
from bank import encode_form
from customers import Customers, Visitor
from open_banking import ThirdParty, consent_body

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
REFUSED = "Login, password or code are not right"


@pytest.fixture(scope="module")
def customers(bank):
    return Customers(bank.customers().values())


@pytest.fixture(scope="module")
def raj(bank, customers):
    """One customer who is logged in, for all tests that need no more: a one-time code is good once."""
    return Visitor(bank).enter(customers.take("raj"))


@pytest.fixture
def reader(bank):
    return Reader(ThirdParty(bank.client("acme-tpp")))


@pytest.mark.spec("uk/Q10", "uk/Q2", "uk/X6", "uk/B7", "fapi/V17", "fapi/R4", "gateway/40")
def test_revoked_access_is_dead_at_once_and_may_be_given_anew(raj, reader):
    consent_id = reader.consent_made()
    token = reader.authorized(consent_id, "raj")
    assert reader.accounts(token).status == 200
    said = raj.consent(consent_id)
    for fact in ("Acme Payments", "Active", "How much money is in the accounts", "you take it back"):
        assert fact in said, (fact, said)

    assert raj.withdraw(consent_id, all="1").status == 303
    assert reader.accounts(token).status == 401
    data = reader.consent(consent_id)
    assert data["Status"] == "CANC" and data["StatusReason"], data
    assert "The access has ended" in raj.follow().body.decode()
    assert raj.consent(consent_id) is None, "nothing to press any more"
    assert "Taken back by you" in raj.text()

    fresh = reader.authorized(consent_id, "raj")
    assert reader.status(consent_id) == "AUTH"
    assert reader.accounts(fresh).status == 200
    assert reader.accounts(token).status == 401


@pytest.mark.spec("uk/Q9", "gateway/40")
def test_one_account_less(bank, raj, reader):
    consent_id = reader.consent_made()
    token = reader.authorized(consent_id, "raj")
    everything = reader.account_ids(token)
    assert len(everything) > 1
    gone, *left = [account["account_id"] for account in bank.customers()["raj"]["accounts"]]
    assert {gone, *left} == everything

    assert raj.withdraw(consent_id, account_id=gone).status == 303
    assert reader.account_ids(token) == set(left)
    assert reader.status(consent_id) == "AUTH"
    again = raj.withdraw(consent_id, account_id=gone)
    assert again.status == 200 and "had ended already" in raj.text()
    for account in left:
        assert raj.withdraw(consent_id, account_id=account).status == 303
    assert reader.accounts(token).status == 401
    assert reader.status(consent_id) == "CANC"


def test_nobody_elses_access(raj, reader):
    """Another customer's consent, also with the id known, is neither seen nor ended."""
    consent_id = reader.consent_made()
    token = reader.authorized(consent_id, "ada")
    assert raj.consent(consent_id) is None
    assert raj.withdraw(consent_id, all="1").status == 200
    assert "had ended already" in raj.text()
    assert raj.withdraw("nonsense", all="1").status == 400
    assert reader.accounts(token).status == 200
    assert reader.status(consent_id) == "AUTH"


def test_payments_are_listed(bank, raj):
    party = ThirdParty(bank.client("acme-tpp"))
    consent_id = party.consent_made(consent_body())
    party.authorized(consent_id, login_hint="raj")
    raj.open()
    said = html.unescape(re.sub(r"<[^>]+>", " ", raj.text()))
    assert "165.88 GBP" in said and "Agreed to, not made yet" in said


@pytest.mark.spec("fapi/N5", "fapi/N6", "fapi/A11", "fapi/67")
def test_session_and_headers(bank, customers):
    visitor, customer = Visitor(bank), customers.take("leo")
    answer = visitor.open()
    policy, cookie = answer.headers["content-security-policy"], answer.headers["set-cookie"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
    assert "max-age=" in answer.headers["strict-transport-security"]
    assert answer.headers["x-frame-options"] == "DENY" and "no-store" in answer.headers["cache-control"]
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
    assert cookie.startswith("__Host-giro-customer=") and "Domain" not in cookie
    for word in ("Path=/", "Secure", "HttpOnly", "SameSite=Strict"):
        assert word in cookie, cookie

    planted = visitor.cookie
    assert visitor.log_in(customer.login, customer.password, customer.code()).status == 303
    assert visitor.answer.headers["location"] == "/customer"
    assert visitor.cookie != planted, "the cookie from before the login is worth nothing"
    inside = visitor.cookie
    assert "Your permissions" in visitor.follow().body.decode()
    visitor.cookie = planted
    assert "Log in to your bank" in visitor.open().body.decode()

    visitor.cookie = inside
    visitor.open()
    assert visitor.post("/customer/logout").status == 303
    visitor.cookie = inside
    assert "Log in to your bank" in visitor.open().body.decode(), "logged out on the server, not only here"


def test_forms_need_their_token(bank, raj, reader):
    consent_id = reader.consent_made()
    token = reader.authorized(consent_id, "raj")
    kept, stranger = raj.cookie, Visitor(bank)
    stranger.open()
    for forged in ("", "x", stranger.csrf()):
        body = encode_form({"csrf": forged, "consent_id": consent_id, "all": "1"})
        answer = bank.browser("POST", "/customer/withdraw", body, {**FORM, "Cookie": kept})
        assert answer.status == 200 and "Log in to your bank" in answer.body.decode()
    assert bank.browser("GET", "/customer/withdraw?consent_id=" + consent_id, None, {"Cookie": kept}).status == 405
    assert reader.accounts(token).status == 200
    raj.cookie = kept
    assert raj.withdraw(consent_id, all="1").status == 303


def test_wrong_secrets_read_the_same(bank, customers):
    """Unknown login, wrong password, wrong code, used code, locked login: one text, and no session."""
    customer, texts = customers.take("zoe"), []
    code = customer.code()
    attempts = [
        ("nobody-of-this-name", customer.password, code),
        (customer.login, "not the password", code),
        (customer.login, customer.password, customer.wrong_code()),
        (customer.login, customer.password, "not a code"),
        (customer.login, "not the password", "1"),
        (customer.login, "not the password", "2"),
        (customer.login, customer.password, code),  # right, but locked by now
    ]
    for attempt in attempts:
        visitor = Visitor(bank)
        answer = visitor.log_in(*attempt)
        assert answer.status == 200 and REFUSED in visitor.text(), attempt
        texts.append(re.sub(r'name="csrf" value="[^"]+"', "", visitor.text()))
    assert len(set(texts)) == 1


def test_addresses_do_not_lead_away(raj):
    for query in ("done=https://evil.example", "accesses=%00", "payments=x&payments=y", "done=%3Cscript%3E"):
        answer = raj.open("/customer?" + query)
        assert answer.status in (200, 400, 403), answer  # 403: the firewall before the pages
        assert "evil" not in raj.text() and "<script" not in raj.text()
