"""Fixtures that every part of the tests shares."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from bank import Bank  # noqa: E402  (its folder had to be on the path first)


@pytest.fixture(scope="session")
def bank():
    """One running bank for the tests that disturb nobody."""
    with Bank() as running:
        yield running.start()


@pytest.fixture(scope="session")
def spare():
    """Another one for the tests that change its configuration or start it anew.

    Each leaves it running; what a test has switched on may stay on: the others here do not meet it.
    """
    with Bank() as running:
        yield running.start()


@pytest.fixture
def partner(bank):
    return bank.client("embed-partner")


@pytest.fixture
def bench(bank):
    return bank.client("bench-client")


def pytest_configure(config):
    config.addinivalue_line("markers", "spec(*numbers): the numbered requirements that the test proves, fapi/A1")
    config.addinivalue_line("markers", "alone: it measures time, so nothing else of ours runs beside it")
