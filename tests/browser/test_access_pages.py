"""Access to accounts as a customer gives it and takes it back, in Chromium over the real edge, without scripts."""

import pytest
from test_consent_pages import LOGIN, check_answer, check_headers, check_page, log_in

ACCOUNTS, ALLOW, PERMISSIONS = "Choose the accounts to share", "Confirm access to your accounts", "Your permissions"


def choose(browser, *accounts):
    for account in accounts:
        browser.field(account["account_number"]).click()
    browser.press("Go on")


def check_access_is_shown(browser):
    """fapi/A13: who asks, for what, until when."""
    text = browser.text()
    for fact in ("Acme Payments", "How much money is in the accounts", "Payments into the accounts", "31 January 2098"):
        assert fact in text, (fact, text)
    assert "Payments out of the accounts" not in text, "only what was asked for"


def log_in_at_home(browser, issuer, customer):
    browser.open(f"{issuer}/customer")
    browser.fill("Login", customer.login)
    browser.fill("Password", customer.password)
    browser.fill("One-time code", customer.code())
    browser.press("Log in")
    assert browser.heading() == PERMISSIONS, browser.text()


@pytest.mark.spec("fapi/A13", "fapi/65", "uk/Q9", "uk/Q10", "uk/X1")
def test_given_and_taken_back(open_browser, third_party, customers, access, picture):
    browser, customer = open_browser(scripts=False), customers.take_any()
    first, second = customer.accounts[:2]
    browser.open(access.url)
    check_page(browser, LOGIN)
    assert "Payments into" not in browser.text(), "nothing of what is asked before the password"
    log_in(browser, customer)
    check_page(browser, ACCOUNTS)
    check_access_is_shown(browser)
    picture(browser, "access-accounts")
    browser.press("Go on")
    check_page(browser, ACCOUNTS)
    assert browser.notice() == "Choose one of the accounts shown."
    choose(browser, first, second)
    check_page(browser, ALLOW)
    check_access_is_shown(browser)
    for account in (first, second):
        assert account["account_number"] in browser.text()
    picture(browser, "access-confirm")
    browser.fill("One-time code", customer.code())
    browser.press("Allow access")
    tokens = third_party.exchange(access, check_answer(browser, third_party, access, "code"))
    assert third_party.access_status(access.consent_id) == "AUTH"
    both = {first["account_id"], second["account_id"]}
    assert third_party.accounts_seen(tokens["access_token"]) == (200, both)
    check_headers(browser, third_party.issuer)

    log_in_at_home(browser, third_party.issuer, customer)
    check_page(browser, PERMISSIONS)
    picture(browser, "customer")
    browser.press("Remove account")
    check_page(browser, PERMISSIONS)
    status, left = third_party.accounts_seen(tokens["access_token"])
    assert status == 200 and len(left) == 1 and left < both
    browser.press("Revoke access")
    check_page(browser, PERMISSIONS)
    assert "The access has ended" in browser.text()
    assert third_party.accounts_seen(tokens["access_token"])[0] == 401
    assert third_party.access_status(access.consent_id) == "CANC"
    browser.press("Log out")
    check_page(browser, LOGIN)
    assert "You are logged out" in browser.text()


@pytest.mark.spec("uk/Q3", "fapi/64")
def test_rejected(browser, third_party, customers, access):
    browser.open(access.url)
    log_in(browser, customers.take_any())
    browser.press("Reject")
    assert check_answer(browser, third_party, access, "error") == "access_denied"
    assert third_party.access_status(access.consent_id) == "RJCT"
