"""One sandbox for all pages; a fresh Chromium profile for every test; a picture of what it showed when a test fails."""

import dataclasses
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from chromium import Browser, key_pin
from customers import Customers
from third_party import ThirdParty

PICTURES = Path(os.environ["GIRO_BUILD"]) / "browser"
# Nobody serves this registered address: the browser shows an error, and its address bar holds the answer.
REDIRECT_URI = "https://localhost:9999/callback"


@dataclasses.dataclass(frozen=True)
class Payment:
    payee: str = "Harbour Books & Söhne"
    sort_code: str = "990001"
    account_number: str = "10000300"
    amount: str = "27.45"
    reference: str = "INV 2044"


@pytest.fixture(scope="session")
def third_party(bank):
    return ThirdParty(bank.var)


@pytest.fixture(scope="session")
def customers(bank):
    return Customers(bank.customers())


@pytest.fixture(scope="session")
def pin(bank, third_party):
    address = urlsplit(third_party.issuer)
    return key_pin(address.hostname, address.port, Path(bank.var) / "pki" / "ca.pem")


@pytest.fixture
def payment():
    return Payment()


@pytest.fixture
def pushed(third_party, payment):
    """A pushed request for a fresh consent, as the third party sends the customer's browser with it."""
    return third_party.push(third_party.make_consent(payment), REDIRECT_URI)


@pytest.fixture
def open_browser(request, pin, tmp_path):
    """Makes browsers, and closes them after the test; of a failed test, the pictures are kept."""
    browsers = []

    def start(scripts=True):
        browsers.append(Browser(tmp_path / f"profile-{len(browsers)}", pin, scripts))
        return browsers[-1]

    yield start
    failed = getattr(request.node, "failed", False)
    for index, browser in enumerate(browsers):
        try:
            if failed:
                browser.picture(PICTURES / f"{request.node.name}-{index}.png")
                print(f"page at the end: {browser.url().split('?')[0]}\n{browser.text()}")
        finally:
            browser.close()


@pytest.fixture
def browser(open_browser):
    return open_browser()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    if report.when == "call":
        item.failed = report.failed
