"""A fresh Chromium profile for every test, and a picture of what it showed when the test fails."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bank import BUILD, Bank
from chromium import Browser, key_pin
from customers import Customers
from npm_packages import packages_of
from third_party import Payment, ThirdParty

PICTURES = BUILD / "browser"


@pytest.fixture(scope="session")
def bank():
    """One of its own: tests of other parts lock customers out."""
    with Bank() as running:
        yield running.start()


@pytest.fixture(scope="session")
def third_party(bank):
    return ThirdParty(bank.client("acme-tpp"))


@pytest.fixture(scope="session")
def customers(bank):
    return Customers(bank.customers().values())


@pytest.fixture(scope="session")
def pin(bank, third_party):
    address = urlsplit(third_party.issuer)
    return key_pin(address.hostname, address.port, bank.var / "pki" / "ca.pem")


@pytest.fixture(scope="session")
def axe():
    """The program text of axe-core."""
    folder = packages_of(Path(__file__).resolve().parent.parent / "axe")
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text()


@pytest.fixture
def access(third_party):
    """A pushed request for reads of accounts."""
    return third_party.push(third_party.make_access(), scope="openid accounts")


@pytest.fixture
def payment():
    return Payment()


@pytest.fixture
def pushed(third_party, payment):
    """A pushed request for a fresh consent."""
    return third_party.push(third_party.make_consent(payment))


@pytest.fixture
def open_browser(request, pin, tmp_path):
    """Makes browsers, and closes them after the test; of a failed test, the pictures are kept."""
    browsers = []

    def start(scripts=True):
        browsers.append(Browser(tmp_path / f"profile-{len(browsers)}", pin, scripts))
        return browsers[-1]

    yield start
    for index, browser in enumerate(browsers):
        try:
            if getattr(request.node, "failed", False):
                browser.picture(PICTURES / f"{request.node.name}-{index}.png")
                print(f"page at the end: {browser.url().split('?')[0]}\n{browser.text()}")
        finally:
            browser.close()


@pytest.fixture
def browser(open_browser):
    return open_browser()


@pytest.fixture
def picture():
    """Keeps a picture of each page that the walk comes to."""
    return lambda browser, name: browser.picture(PICTURES / "pages" / f"{name}.png")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    if report.when == "call":
        item.failed = report.failed
