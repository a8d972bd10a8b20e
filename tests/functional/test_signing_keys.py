"""The bank changes its signing keys under its callers: what was signed before verifies, the new key was announced."""

import pytest

from authorization import Party, new_verifier
from bank import wait_for


def published(bank):
    return {key["kid"] for key in bank.browser("GET", "/jwks").json["keys"]}


def states(bank, action="list"):
    return {key["state"]: key["kid"] for key in bank.giro_json("auth", "keys", action)["keys"]}


def id_token(party):
    verifier = new_verifier()
    code = party.authorize_pushed(party.parameters(party.consent_made(), verifier))["code"]
    return party.exchange_code(code, verifier).json["id_token"]


@pytest.mark.spec("gateway/34")
def test_keys_change_without_a_restart(spare):
    party, ms = Party(spare.client("acme-tpp")), Party(spare.client("ms-tpp"))
    first = states(spare)
    assert set(first) == {"current", "next"} and published(spare) == set(first.values())
    before = id_token(party)
    changed = spare.giro_json("auth", "keys", "rotate")
    assert changed["rotated"] is True
    second = states(spare)
    assert second["current"] == first["next"] and second["previous"] == first["current"]
    assert second["next"] not in first.values() and published(spare) == set(second.values())
    after = id_token(party)
    assert party.claims_of(before)["iss"] == party.claims_of(after)["iss"]  # both verify by what is published now
    assert before.split(".")[0] != after.split(".")[0]
    assert party.consent_made()  # messages are signed by the new key too: verified there
    assert "code" in ms.authorize_pushed(ms.parameters(ms.consent_made(), new_verifier(), response_mode="jwt"))
    assert states(spare, "reload") == second
    wait_for("the audit record", 10, lambda: "signing_keys_rotate" in spare.giro("audit", "export").stdout)


@pytest.mark.spec("gateway/34")
def test_keys_after_a_restart(spare):
    kept = states(spare)
    spare.stop()
    spare.start()
    assert states(spare) == kept
    party = Party(spare.client("acme-tpp"))
    before = id_token(party)
    assert spare.giro_json("auth", "keys", "rotate")["rotated"] is True
    party.claims_of(before)
    spare.giro_json("auth", "keys", "rotate")
    with pytest.raises(StopIteration):
        party.claims_of(before)  # two changes later nobody needs it any more
    assert spare.giro("auth", "keys", "nonsense", check=False).returncode == 2
