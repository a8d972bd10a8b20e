"""The attacks meet a bank of their own, so that no other test does."""

import pytest

from bank import Bank


@pytest.fixture(scope="session")
def bank():
    with Bank() as running:
        yield running.start()
