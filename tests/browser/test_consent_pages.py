"""The consent pages as a customer meets them, in Chromium over the real edge."""

import base64
import json
from urllib.parse import urlsplit

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from third_party import REDIRECT_URI

LOGIN = "Log in to your bank"
ACCOUNT, CONFIRM = "Choose the account to pay from", "Confirm this payment"
PASSWORD_REFUSED = "Login or password are not right, or the login is locked for some minutes. Try again."
CODE_REFUSED = "The code is not right, or was used before, or the login is locked."
FAILURES_MAX = 5


# ---- what a customer does ----


def log_in(browser, customer, password=None):
    browser.fill("Login", customer.login)
    browser.fill("Password", password or customer.password)
    browser.press("Log in")


def choose(browser, account):
    browser.field(account["account_number"]).click()
    browser.press("Go on")


def go_to_confirm(browser, customer, account):
    log_in(browser, customer)
    choose(browser, account)
    assert browser.heading() == CONFIRM


def give_code(browser, code):
    browser.fill("One-time code", code)
    browser.press("Confirm payment")


def refused_login(browser, customer, password):
    log_in(browser, customer, password)
    assert browser.heading() == LOGIN
    return browser.notice()


# ---- what must hold ----


def check_payment_is_shown(browser, payment):
    text = browser.text()
    for fact in (payment.payee, payment.account_number, f"{payment.amount} GBP", payment.reference, "Acme Payments"):
        assert fact in text, (fact, text)


def check_page(browser, heading):
    assert browser.heading() == heading
    assert heading in browser.driver.title
    assert browser.page_faults() == []


def check_answer(browser, third_party, pushed, name):
    """The answer in the browser's address, of that name and nothing beside state and iss; its value."""
    assert browser.url().startswith(f"{REDIRECT_URI}?"), browser.url()
    answer = browser.parameters()
    assert set(answer) == {name, "state", "iss"}, set(answer)
    assert answer["state"] == pushed.state
    assert answer["iss"] == third_party.issuer
    return answer[name]


def check_code_is_good(third_party, pushed, code):
    tokens = third_party.exchange(pushed, code)
    payload = tokens["id_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["openbanking_intent_id"] == pushed.consent_id
    assert third_party.consent_status(pushed.consent_id) == "AUTH"


def check_headers(browser, issuer):
    """Of every page of the bank that this browser came to."""
    pages = [(url, status, headers) for url, status, headers in browser.documents() if url.startswith(issuer)]
    assert pages
    for url, status, headers in pages:
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy, (url, policy)
        assert "unsafe" not in policy and "*" not in policy and "data:" not in policy, (url, policy)
        assert "no-store" in headers["cache-control"], url
        assert headers["x-content-type-options"] == "nosniff", url
        assert headers["referrer-policy"] == "no-referrer", url
        assert "max-age=" in headers["strict-transport-security"], url
        assert "access-control-allow-origin" not in headers, url
        assert status in (200, 303), (url, status)


# ---- the walk ----


def test_confirm(browser, third_party, customers, payment, pushed, picture):
    customer = customers.take_any()
    account = customer.accounts[1]
    browser.open(pushed.url)
    check_page(browser, LOGIN)
    assert payment.payee not in browser.text(), "nothing of the payment before the password"
    picture(browser, "1-login")

    log_in(browser, customer)
    check_page(browser, ACCOUNT)
    check_payment_is_shown(browser, payment)
    for own in customer.accounts:
        assert own["account_number"] in browser.text()
    picture(browser, "2-account")

    choose(browser, account)
    check_page(browser, CONFIRM)
    check_payment_is_shown(browser, payment)
    assert account["account_number"] in browser.text()
    assert customer.accounts[0]["account_number"] not in browser.text()
    picture(browser, "3-confirm")
    [cookie] = browser.driver.get_cookies()
    assert cookie["httpOnly"] and cookie["secure"] and cookie["sameSite"] in ("Lax", "Strict"), cookie

    give_code(browser, customer.code())
    code = check_answer(browser, third_party, pushed, "code")
    check_code_is_good(third_party, pushed, code)
    check_headers(browser, third_party.issuer)
    redirects = [url for url, status, _ in browser.documents() if status == 303]
    assert redirects == [f"{third_party.issuer}/authorize/confirm"], redirects


def test_confirm_without_scripts(open_browser, third_party, customers, pushed):
    browser, customer = open_browser(scripts=False), customers.take_any()
    browser.open("data:text/html,<title>blocked</title><script>document.title = 'ran'</script>")
    assert browser.driver.title == "blocked"
    browser.open(pushed.url)
    go_to_confirm(browser, customer, customer.accounts[0])
    give_code(browser, customer.code())
    check_code_is_good(third_party, pushed, check_answer(browser, third_party, pushed, "code"))


def press_keys(browser, *keys):
    ActionChains(browser.driver).send_keys(*keys).perform()


def tab_to(browser, name):
    """Tab until the element of that name or text has the focus; every one on the way shows that it has it."""
    for _ in range(10):
        press_keys(browser, Keys.TAB)
        element = browser.focused()
        if element.tag_name == "body":
            continue
        assert element.value_of_css_property("outline-style") != "none", element.get_attribute("outerHTML")
        if name in (element.get_attribute("name"), element.text):
            return
    raise AssertionError(f"{name} is not reached by Tab")


def test_confirm_by_keyboard(browser, third_party, customers, pushed):
    customer = customers.take_any()
    browser.open(pushed.url)
    tab_to(browser, "login")
    press_keys(browser, customer.login)
    tab_to(browser, "password")
    browser.leave(lambda: press_keys(browser, customer.password, Keys.ENTER))
    assert browser.heading() == ACCOUNT
    tab_to(browser, "account_id")
    press_keys(browser, Keys.ARROW_DOWN)
    assert browser.field(customer.accounts[1]["account_number"]).is_selected()
    tab_to(browser, "Go on")
    browser.leave(lambda: press_keys(browser, Keys.ENTER))
    assert customer.accounts[1]["account_number"] in browser.text()
    tab_to(browser, "code")
    browser.leave(lambda: press_keys(browser, customer.code(), Keys.ENTER))
    check_code_is_good(third_party, pushed, check_answer(browser, third_party, pushed, "code"))


# ---- no ----


@pytest.mark.spec("fapi/64")
def test_reject_after_looking(browser, third_party, customers, pushed):
    customer = customers.take_any()
    browser.open(pushed.url)
    go_to_confirm(browser, customer, customer.accounts[0])
    browser.press("Reject")
    assert check_answer(browser, third_party, pushed, "error") == "access_denied"
    assert third_party.consent_status(pushed.consent_id) == "RJCT"


def test_reject_before_login(browser, third_party, pushed):
    browser.open(pushed.url)
    browser.press("Reject")
    assert check_answer(browser, third_party, pushed, "error") == "access_denied"
    assert third_party.consent_status(pushed.consent_id) == "RJCT"


# ---- wrong secrets ----


def test_wrong_password(browser, customers, pushed, picture):
    customer = customers.take_any()
    browser.open(pushed.url)
    assert browser.notice() is None
    assert refused_login(browser, customer, "not the password") == PASSWORD_REFUSED
    check_page(browser, LOGIN)
    assert browser.field("Password").get_attribute("value") == ""
    picture(browser, "5-wrong-password")
    log_in(browser, customer)
    assert browser.heading() == ACCOUNT


def test_unknown_login_reads_the_same(browser, pushed):
    class Nobody:
        login = "nobody-of-this-name"

    browser.open(pushed.url)
    assert refused_login(browser, Nobody, "not the password") == PASSWORD_REFUSED


def test_wrong_and_used_code(open_browser, third_party, customers, payment, pushed, picture):
    browser, customer = open_browser(), customers.take_any()
    browser.open(pushed.url)
    go_to_confirm(browser, customer, customer.accounts[0])
    give_code(browser, customer.wrong_code())
    check_page(browser, CONFIRM)
    assert browser.notice().startswith(CODE_REFUSED)
    picture(browser, "6-wrong-code")
    code = customer.code()
    give_code(browser, code)
    check_code_is_good(third_party, pushed, check_answer(browser, third_party, pushed, "code"))

    other = open_browser()
    other.open(third_party.push(third_party.make_consent(payment)).url)
    go_to_confirm(other, customer, customer.accounts[0])
    give_code(other, code)
    assert other.heading() == CONFIRM
    assert other.notice().startswith(CODE_REFUSED)


@pytest.mark.spec("uk/X1")
def test_code_is_bound_to_what_was_shown(browser, third_party, customers, pushed):
    """Another window of the same session chooses another account: the code of the first window approves nothing."""
    customer = customers.take_any()
    browser.open(pushed.url)
    go_to_confirm(browser, customer, customer.accounts[0])
    first = browser.driver.current_window_handle
    browser.driver.switch_to.new_window("tab")
    browser.open(pushed.url)
    assert browser.heading() == CONFIRM
    browser.press("Choose another account")
    choose(browser, customer.accounts[1])
    browser.driver.switch_to.window(first)
    give_code(browser, customer.code())
    check_page(browser, CONFIRM)
    assert "has changed in another window" in browser.notice()
    assert third_party.consent_status(pushed.consent_id) == "AWAU"
    assert customer.accounts[1]["account_number"] in browser.text()
    give_code(browser, customer.code())
    check_code_is_good(third_party, pushed, check_answer(browser, third_party, pushed, "code"))


def test_lock_out(open_browser, third_party, customers, payment, pushed):
    customer = customers.take("leo")
    browser = open_browser()
    browser.open(pushed.url)
    for _ in range(FAILURES_MAX):
        assert refused_login(browser, customer, "not the password") == PASSWORD_REFUSED
    assert refused_login(browser, customer, customer.password) == PASSWORD_REFUSED
    other = open_browser()
    other.open(third_party.push(third_party.make_consent(payment)).url)
    assert refused_login(other, customer, customer.password) == PASSWORD_REFUSED


# ---- the address of the request ----


@pytest.mark.spec("fapi/34", "fapi/A17")
def test_reload_before_login(browser, customers, pushed):
    customer = customers.take_any()
    browser.open(pushed.url)
    browser.reload()
    browser.open(pushed.url)
    assert browser.heading() == LOGIN
    log_in(browser, customer)
    browser.open(pushed.url)
    assert browser.heading() == ACCOUNT, "the walk goes on where it was"


def check_error_page(browser, third_party, url):
    """A page of the bank without any form; the browser was sent nowhere."""
    before = len(browser.documents())
    browser.open(url)
    check_page(browser, "This request cannot be shown")
    assert browser.url() == url
    assert [status for _, status, _ in browser.documents()[before:]] == [400]
    assert "<form" not in browser.driver.page_source


def test_used_request_shows_an_error(browser, third_party, pushed, picture):
    browser.open(pushed.url)
    browser.press("Reject")
    check_answer(browser, third_party, pushed, "error")
    check_error_page(browser, third_party, pushed.url)
    picture(browser, "7-used")


@pytest.mark.parametrize(
    "change",
    [
        lambda url: url.replace("client_id=acme-tpp", "client_id=gamma-tpp"),
        lambda url: url + "x",
        lambda url: url.split("&request_uri=")[0],
        lambda url: url.split("&request_uri=")[0] + f"&response_type=code&redirect_uri={REDIRECT_URI}",
    ],
    ids=["other client", "unknown request", "no request", "not pushed"],
)
def test_wrong_address_shows_an_error(browser, third_party, pushed, change):
    check_error_page(browser, third_party, change(pushed.url))
    assert urlsplit(browser.url()).netloc == urlsplit(third_party.issuer).netloc
