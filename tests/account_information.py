"""A third party that reads accounts (UK Open Banking v4.0): consents, the customer's yes, reads."""

import uuid

from bank import b64url

AISP = "/open-banking/v4.0/aisp"
EVERYTHING = (
    "ReadAccountsDetail",
    "ReadBalances",
    "ReadTransactionsDetail",
    "ReadTransactionsCredits",
    "ReadTransactionsDebits",
)


class Reader:
    """party: the open_banking.ThirdParty that asks."""

    def __init__(self, party):
        self.party, self.client = party, party.client

    def consent_made(self, permissions=EVERYTHING, **data):
        body = {"Data": {"Permissions": list(permissions), **data}, "Risk": {}}
        answer = self.client.post(f"{AISP}/account-access-consents", body, "accounts", {"Idempotency-Key": None})
        assert answer.status == 201, answer
        assert answer.json["Data"]["Status"] == "AWAU", answer
        return answer.json["Data"]["ConsentId"]

    def consent(self, consent_id):
        answer = self.client.get(f"{AISP}/account-access-consents/{consent_id}", "accounts")
        assert answer.status == 200, answer
        return answer.json["Data"]

    def status(self, consent_id):
        return self.consent(consent_id)["Status"]

    def push(self, consent_id, verifier=None, **changes):
        verifier = verifier or b64url(uuid.uuid4().bytes + uuid.uuid4().bytes)
        return self.party.push(consent_id, verifier, scope="openid accounts", **changes)

    def authorized(self, consent_id, customer):
        """A token for this consent, which the sandbox lets that customer give at once."""
        return self.party.authorized(consent_id, scope="openid accounts", login_hint=customer)

    def accounts(self, token):
        return self.client.call("GET", f"{AISP}/accounts", None, {"Authorization": "Bearer " + token})

    def account_ids(self, token):
        answer = self.accounts(token)
        assert answer.status == 200, answer
        return {account["AccountId"] for account in answer.json["Data"]["Account"]}
