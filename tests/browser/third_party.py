"""The payment initiator `acme-tpp`: makes a consent and pushes the request whose pages the customer then sees.

It sends no `login_hint`, so the sandbox approves nothing by itself and the real pages are shown.
"""

import dataclasses
import hashlib
import json
import secrets
import time
import uuid
from urllib.parse import urlencode

from bank import ASSERTION_TYPE, b64url, jws, rsa_pss

PISP = "/open-banking/v4.0/pisp"
AISP = "/open-banking/v4.0/aisp"
PERMISSIONS = ("ReadAccountsDetail", "ReadBalances", "ReadTransactionsDetail", "ReadTransactionsCredits")
EXPIRES = "2098-01-31T12:00:00+00:00"
CLAIM = "http://openbanking.org.uk/"
# Nobody serves this registered address: the browser shows an error, and its address bar holds the answer.
REDIRECT_URI = "https://localhost:9999/callback"


@dataclasses.dataclass(frozen=True)
class Payment:
    """payee is text that a page must escape."""

    payee: str = "O'Neil & <i>Söhne</i> Ltd"
    sort_code: str = "200415"
    account_number: str = "55779911"
    amount: str = "27.45"
    reference: str = "INV 2044"


@dataclasses.dataclass(frozen=True)
class Pushed:
    """A pushed request: the customer's browser is sent to url."""

    url: str
    consent_id: str
    state: str
    verifier: str


class ThirdParty:
    def __init__(self, client):
        self.client = client
        self.issuer = client.data["issuer"]

    def post_form(self, path, status, **form):
        """An authenticated form; what the JSON answer says."""
        form |= {
            "client_id": self.client.name,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.client.assertion(),
        }
        answer = self.client.call("POST", path, urlencode(form), {"Content-Type": "application/x-www-form-urlencoded"})
        assert answer.status == status, answer
        return answer.json

    def signature(self, body):
        """x-jws-signature: the payload is left out between the dots."""
        data, names = self.client.data, [f"{CLAIM}iat", f"{CLAIM}iss", f"{CLAIM}tan"]
        header = {
            "alg": "PS256",
            "kid": data["kid"],
            names[0]: int(time.time()),
            names[1]: f"{data['org_id']}/{data['software_id']}",
            names[2]: "openbanking.org.uk",
            "crit": names,
        }
        head, _, signature = jws(header, body, lambda text: rsa_pss(self.client.signing_key, text)).split(".")
        return f"{head}..{signature}"

    def make_consent(self, payment):
        """The id of a new domestic payment consent."""
        name = f"page-{uuid.uuid4().hex[:20]}"
        initiation = {
            "InstructionIdentification": name,
            "EndToEndIdentification": name,
            "InstructedAmount": {"Amount": payment.amount, "Currency": "GBP"},
            "CreditorAccount": {
                "SchemeName": "UK.OBIE.SortCodeAccountNumber",
                "Identification": payment.sort_code + payment.account_number,
                "Name": payment.payee,
            },
            "RemittanceInformation": {"Unstructured": [payment.reference]},
        }
        body = json.dumps({"Data": {"Initiation": initiation}, "Risk": {}}).encode()
        headers = {"x-idempotency-key": name, "x-jws-signature": self.signature(body), "Idempotency-Key": None}
        answer = self.client.post(f"{PISP}/domestic-payment-consents", body, "payments", headers)
        assert answer.status == 201, answer
        return answer.json["Data"]["ConsentId"]

    def make_access(self):
        """The id of a new consent to reads of accounts."""
        data = {"Permissions": PERMISSIONS, "ExpirationDateTime": EXPIRES}
        body = json.dumps({"Data": data, "Risk": {}})
        answer = self.client.post(f"{AISP}/account-access-consents", body, "accounts", {"Idempotency-Key": None})
        assert answer.status == 201, answer
        return answer.json["Data"]["ConsentId"]

    def access_status(self, consent_id):
        answer = self.client.get(f"{AISP}/account-access-consents/{consent_id}", "accounts")
        assert answer.status == 200, answer
        return answer.json["Data"]["Status"]

    def accounts_seen(self, token):
        """The status of a read of the accounts, and their ids."""
        answer = self.client.call("GET", f"{AISP}/accounts", None, {"Authorization": "Bearer " + token})
        seen = {account["AccountId"] for account in answer.json["Data"]["Account"]} if answer.status == 200 else set()
        return answer.status, seen

    def consent_status(self, consent_id):
        answer = self.client.get(f"{PISP}/domestic-payment-consents/{consent_id}", "payments")
        assert answer.status == 200, answer
        return answer.json["Data"]["Status"]

    def push(self, consent_id, scope="openid payments"):
        verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
        claims = {"id_token": {"openbanking_intent_id": {"value": consent_id, "essential": True}}}
        pushed = self.post_form(
            "/par",
            201,
            response_type="code",
            redirect_uri=REDIRECT_URI,
            scope=scope,
            state=state,
            nonce=secrets.token_urlsafe(24),
            code_challenge_method="S256",
            code_challenge=b64url(hashlib.sha256(verifier.encode()).digest()),
            claims=json.dumps(claims),
        )
        return Pushed(self.authorize_url(pushed["request_uri"]), consent_id, state, verifier)

    def authorize_url(self, request_uri):
        return f"{self.issuer}/authorize?{urlencode({'client_id': self.client.name, 'request_uri': request_uri})}"

    def exchange(self, pushed, code):
        return self.post_form(
            "/token",
            200,
            grant_type="authorization_code",
            code=code,
            redirect_uri=REDIRECT_URI,
            code_verifier=pushed.verifier,
        )
