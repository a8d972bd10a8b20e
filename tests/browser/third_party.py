"""The payment initiator `acme-tpp`: makes a consent and pushes the request whose page the customer then sees.

Signs its assertions and messages itself (PS256, private_key_jwt, x-jws-signature) over mTLS. Without `login_hint`, so that
the real pages are shown.
"""

import base64
import hashlib
import json
import secrets
import time
import uuid
from pathlib import Path
from urllib.parse import urlencode

import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

CLIENT = "acme-tpp"
REQUEST_SECONDS_MAX = 30
ASSERTION_SECONDS = 60
CLAIM = "http://openbanking.org.uk/"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def json_part(value):
    return base64url(json.dumps(value).encode())


class ThirdParty:
    def __init__(self, var):
        folder = Path(var) / "clients" / CLIENT
        self.described = json.loads((folder / "client.json").read_text())
        self.client_id = self.described["client_id"]
        self.issuer = self.described["issuer"]
        self.token_url = self.described["token_endpoint"]
        self.api_url = self.token_url.rsplit("/", 1)[0]
        self.signing_key = serialization.load_pem_private_key((folder / "signing.key").read_bytes(), None)
        self.http = requests.Session()
        self.http.cert = (str(folder / "transport.pem"), str(folder / "transport.key"))
        self.http.verify = str(Path(var) / "pki" / "ca.pem")

    def sign(self, header, payload):
        """The signature over two parts that are base64url already."""
        pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
        return base64url(self.signing_key.sign(f"{header}.{payload}".encode(), pss, hashes.SHA256()))

    def assertion(self):
        now = int(time.time())
        header = json_part({"alg": "PS256", "kid": self.described["kid"], "typ": "JWT"})
        payload = json_part({"iss": self.client_id, "sub": self.client_id, "aud": self.issuer, "iat": now,
                             "exp": now + ASSERTION_SECONDS, "jti": str(uuid.uuid4())})
        return f"{header}.{payload}.{self.sign(header, payload)}"

    def post_form(self, url, status, **form):
        form |= {"client_id": self.client_id, "client_assertion": self.assertion(),
                 "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}
        answer = self.http.post(url, data=form, timeout=REQUEST_SECONDS_MAX)
        assert answer.status_code == status, (url, answer.status_code, answer.text)
        return answer.json()

    def client_token(self):
        return self.post_form(self.token_url, 200, grant_type="client_credentials", scope="payments")["access_token"]

    def signature(self, body):
        names = [f"{CLAIM}iat", f"{CLAIM}iss", f"{CLAIM}tan"]
        issuer = f"{self.described['org_id']}/{self.described['software_id']}"
        header = json_part({"alg": "PS256", "kid": self.described["kid"], names[0]: int(time.time()), names[1]: issuer,
                            names[2]: "openbanking.org.uk", "crit": names})
        return f"{header}..{self.sign(header, base64url(body))}"

    def make_consent(self, payment):
        """The id of a new domestic payment consent."""
        name = f"page-{uuid.uuid4().hex[:20]}"
        initiation = {"InstructionIdentification": name, "EndToEndIdentification": name,
                      "InstructedAmount": {"Amount": payment.amount, "Currency": "GBP"},
                      "CreditorAccount": {"SchemeName": "UK.OBIE.SortCodeAccountNumber",
                                          "Identification": payment.sort_code + payment.account_number,
                                          "Name": payment.payee},
                      "RemittanceInformation": {"Unstructured": [payment.reference]}}
        body = json.dumps({"Data": {"Initiation": initiation}, "Risk": {}}).encode()
        headers = {"Authorization": f"Bearer {self.client_token()}", "Content-Type": "application/json",
                   "x-idempotency-key": str(uuid.uuid4()), "x-jws-signature": self.signature(body)}
        answer = self.http.post(f"{self.api_url}/open-banking/v4.0/pisp/domestic-payment-consents", data=body,
                                headers=headers, timeout=REQUEST_SECONDS_MAX)
        assert answer.status_code == 201, (answer.status_code, answer.text)
        return answer.json()["Data"]["ConsentId"]

    def consent_status(self, consent_id):
        url = f"{self.api_url}/open-banking/v4.0/pisp/domestic-payment-consents/{consent_id}"
        answer = self.http.get(url, headers={"Authorization": f"Bearer {self.client_token()}"},
                               timeout=REQUEST_SECONDS_MAX)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return answer.json()["Data"]["Status"]

    def push(self, consent_id, redirect_uri):
        """A pushed request for that consent."""
        verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
        claims = {"id_token": {"openbanking_intent_id": {"value": consent_id, "essential": True}}}
        pushed = self.post_form(
            f"{self.api_url}/par", 201, response_type="code", redirect_uri=redirect_uri, scope="openid payments",
            state=state, nonce=secrets.token_urlsafe(24), code_challenge_method="S256",
            code_challenge=base64url(hashlib.sha256(verifier.encode()).digest()), claims=json.dumps(claims))
        query = urlencode({"client_id": self.client_id, "request_uri": pushed["request_uri"]})
        return Pushed(f"{self.issuer}/authorize?{query}", consent_id, redirect_uri, state, verifier)

    def exchange(self, pushed, code):
        return self.post_form(self.token_url, 200, grant_type="authorization_code", code=code,
                              redirect_uri=pushed.redirect_uri, code_verifier=pushed.verifier)


class Pushed:
    """A pushed request: url is where the customer's browser is sent."""

    def __init__(self, url, consent_id, redirect_uri, state, verifier):
        self.url, self.consent_id, self.redirect_uri = url, consent_id, redirect_uri
        self.state, self.verifier = state, verifier
