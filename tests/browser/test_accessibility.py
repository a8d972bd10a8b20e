"""WCAG 2.2 AA by axe-core (tests/axe): every page in every state that a customer can meet, light and dark, with more
contrast, at 320 px and at 200 %. Without npm or its registry these tests are skipped and counted so."""

from selenium.webdriver.common.by import By
from test_access_pages import ACCOUNTS, ALLOW, PERMISSIONS, choose
from test_consent_pages import ACCOUNT, CONFIRM, LOGIN, give_code, go_to_confirm, log_in, press_keys, tab_to
from selenium.webdriver.common.keys import Keys


def check(browser, axe, heading):
    assert browser.heading() == heading, browser.text()
    assert browser.accessibility_faults(axe) == []
    assert browser.page_faults() == []


def check_field_is_at_fault(browser, name):
    """The notice leads to the field, which says itself that it is wrong and points back."""
    assert browser.driver.title.startswith("Error: ")
    notice = browser.driver.find_element(By.CSS_SELECTOR, "[role=alert]")
    field = browser.driver.find_element(By.NAME, name)
    assert notice.find_element(By.TAG_NAME, "a").get_attribute("href").endswith(f"#{field.get_attribute('id')}")
    assert field.get_attribute("aria-invalid") == "true"
    assert field.get_attribute("aria-describedby") == notice.get_attribute("id")


def test_axe_finds_what_is_wrong(browser, axe):
    """The net has no hole: a page with faults is not let through."""
    browser.open("data:text/html,<title>x</title><main><h1>x</h1><input><p style='color:%23ccc'>pale</p></main>")
    faults = " ".join(browser.accessibility_faults(axe))
    assert "html-has-lang" in faults and "label" in faults and "color-contrast" in faults, faults


def test_payment(browser, axe, customers, pushed):
    customer = customers.take_any()
    browser.open(pushed.url)
    check(browser, axe, LOGIN)
    log_in(browser, customer, "not the password")
    check(browser, axe, LOGIN)
    check_field_is_at_fault(browser, "login")
    log_in(browser, customer)
    check(browser, axe, ACCOUNT)
    browser.field(customer.accounts[0]["account_number"]).click()
    browser.press("Go on")
    check(browser, axe, CONFIRM)
    give_code(browser, customer.wrong_code())
    check(browser, axe, CONFIRM)
    check_field_is_at_fault(browser, "code")
    browser.press("Reject")
    browser.open(pushed.url)
    check(browser, axe, "This request cannot be shown")


def test_access(browser, axe, customers, access):
    customer = customers.take_any()
    browser.open(access.url)
    check(browser, axe, LOGIN)
    log_in(browser, customer)
    check(browser, axe, ACCOUNTS)
    browser.press("Go on")
    check(browser, axe, ACCOUNTS)
    choose(browser, *customer.accounts)
    check(browser, axe, ALLOW)
    browser.press("Choose other accounts")
    check(browser, axe, ACCOUNTS)
    browser.press("Reject")


def test_customer_page_by_keyboard(browser, axe, third_party, customers, access):
    """The bank's own page, with an access and a payment on it, and nothing but keys from login to logout."""
    customer = customers.take_any()
    browser.open(access.url)
    log_in(browser, customer)
    choose(browser, *customer.accounts)
    browser.fill("One-time code", customer.code())
    browser.press("Allow access")
    browser.open(f"{third_party.issuer}/customer")
    check(browser, axe, LOGIN)
    browser.fill("Login", customer.login)
    browser.fill("Password", "not the password")
    browser.fill("One-time code", "123456")
    browser.press("Log in")
    check(browser, axe, LOGIN)
    check_field_is_at_fault(browser, "login")
    tab_to(browser, "login")
    press_keys(browser, customer.login)
    tab_to(browser, "password")
    press_keys(browser, customer.password)
    tab_to(browser, "code")
    browser.leave(lambda: press_keys(browser, customer.code(), Keys.ENTER))
    check(browser, axe, PERMISSIONS)
    browser.driver.find_element(By.TAG_NAME, "summary").click()
    check(browser, axe, PERMISSIONS)
    tab_to(browser, "all")
    browser.leave(lambda: press_keys(browser, Keys.ENTER))
    check(browser, axe, PERMISSIONS)
    assert third_party.access_status(access.consent_id) == "CANC"
    tab_to(browser, "Log out")
    browser.leave(lambda: press_keys(browser, Keys.ENTER))
    check(browser, axe, LOGIN)
