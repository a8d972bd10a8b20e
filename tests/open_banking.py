"""What a third party does in UK Open Banking: signed consents, pushed requests, codes, payments."""

import json
import time
import urllib.parse
import uuid
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from bank import ASSERTION_TYPE, b64url, encode_form, from_b64url, rsa_pss

PISP = "/open-banking/v4.0/pisp"
CLAIM = "http://openbanking.org.uk/"
TRUST_ANCHOR = "openbanking.org.uk"


def initiation(value="165.88", creditor="20041555779911", **more):
    return {
        "InstructionIdentification": uuid.uuid4().hex[:20],
        "EndToEndIdentification": uuid.uuid4().hex[:20],
        "InstructedAmount": {"Amount": value, "Currency": "GBP"},
        "CreditorAccount": {
            "SchemeName": "UK.OBIE.SortCodeAccountNumber",
            "Identification": creditor,
            "Name": "Grocer Ltd",
        },
        **more,
    }


def consent_body(start=None, **more):
    return {"Data": {"Initiation": start or initiation(), **more}, "Risk": {}}


class ThirdParty:
    """A client seen as a third party. Answers' signatures are verified wherever one is due."""

    def __init__(self, client):
        self.client, self.bank = client, client.bank

    # ---- message signatures

    def header(self, **changes):
        claims = {
            "alg": "PS256",
            "kid": self.client.data["kid"],
            "typ": "JOSE",
            "cty": "application/json",
            CLAIM + "iat": int(time.time()) - 1,
            CLAIM + "tan": TRUST_ANCHOR,
            CLAIM + "iss": f"{self.client.data['org_id']}/{self.client.data['software_id']}",
            "crit": [CLAIM + "iat", CLAIM + "iss", CLAIM + "tan"],
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def sign(self, body, header=None, sign=None):
        head = b64url(json.dumps(header or self.header()).encode())
        data = f"{head}.{b64url(body.encode())}".encode()
        return f"{head}..{b64url((sign or (lambda what: rsa_pss(self.client.signing_key, what)))(data))}"

    def verify(self, answer):
        """The bank's signature over the very bytes of the answer."""
        head, empty, signature = answer.headers["x-jws-signature"].split(".")
        assert empty == ""
        header = json.loads(from_b64url(head))
        assert header["alg"] == "PS256" and sorted(header["crit"]) == [
            CLAIM + "iat",
            CLAIM + "iss",
            CLAIM + "tan",
        ], header
        assert "/" not in header[CLAIM + "iss"] and abs(header[CLAIM + "iat"] - time.time()) < 60, header
        jwk = next(key for key in self.bank.browser("GET", "/jwks").json["keys"] if key["kid"] == header["kid"])
        numbers = [int.from_bytes(from_b64url(jwk[name]), "big") for name in ("e", "n")]
        key = rsa.RSAPublicNumbers(*numbers).public_key()
        data = f"{head}.{b64url(answer.body)}".encode()
        try:
            key.verify(from_b64url(signature), data, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
        except InvalidSignature as wrong:
            raise AssertionError("the answer's signature does not verify") from wrong
        return answer

    # ---- calls

    def post(self, path, body, token, key=None, signature=None, headers=None):
        text = body if isinstance(body, str) else json.dumps(body)
        sent = {
            "Authorization": "Bearer " + token,
            "Content-Type": "application/json",
            "x-idempotency-key": key or str(uuid.uuid4()),
            "x-jws-signature": signature or self.sign(text),
            **(headers or {}),
        }
        return self.client.call(
            "POST", PISP + path, text, {name: value for name, value in sent.items() if value is not None}
        )

    def get(self, path, token=None):
        return self.client.call(
            "GET", PISP + path, None, {"Authorization": "Bearer " + (token or self.client.token("payments"))}
        )

    def consent(self, body=None, **more):
        return self.post("/domestic-payment-consents", body or consent_body(), self.client.token("payments"), **more)

    def consent_made(self, body=None):
        answer = self.consent(body)
        assert answer.status == 201, answer
        return self.verify(answer).json["Data"]["ConsentId"]

    def consent_status(self, consent_id):
        answer = self.get("/domestic-payment-consents/" + consent_id)
        assert answer.status == 200, answer
        return answer.json["Data"]["Status"]

    # ---- authorization

    def push(self, consent_id, verifier, **changes):
        claims = {"id_token": {"openbanking_intent_id": {"value": consent_id, "essential": True}}}
        fields = {
            "response_type": "code",
            "client_id": self.client.name,
            "redirect_uri": self.client.data["redirect_uris"][0],
            "scope": "openid payments",
            "state": "state-1",
            "nonce": "nonce-1",
            "claims": json.dumps(claims),
            "code_challenge": b64url(sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
            "login_hint": "mia",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.client.assertion(),
            **changes,
        }
        body = encode_form({name: value for name, value in fields.items() if value is not None})
        return self.client.call("POST", "/par", body, {"Content-Type": "application/x-www-form-urlencoded"})

    def authorize(self, request_uri):
        """The parameters of the redirect back to the third party."""
        query = encode_form({"client_id": self.client.name, "request_uri": request_uri})
        answer = self.bank.browser("GET", "/authorize?" + query)
        assert answer.status in (302, 303), answer
        location = urllib.parse.urlsplit(answer.headers["location"])
        assert answer.headers["location"].startswith(self.client.data["redirect_uris"][0])
        return dict(urllib.parse.parse_qsl(location.query))

    def exchange(self, code, verifier, **changes):
        return self.client.ask_token(
            {
                "grant_type": "authorization_code",
                "code": code,
                "code_verifier": verifier,
                "redirect_uri": self.client.data["redirect_uris"][0],
                **changes,
            }
        )

    def authorized(self, consent_id, **changes):
        """A token of the customer for this consent."""
        verifier = b64url(uuid.uuid4().bytes + uuid.uuid4().bytes)
        pushed = self.push(consent_id, verifier, **changes)
        assert pushed.status == 201, pushed
        back = self.authorize(pushed.json["request_uri"])
        assert back["iss"] == self.client.data["issuer"] and back["state"] == "state-1", back
        answer = self.exchange(back["code"], verifier)
        assert answer.status == 200, answer
        return answer.json["access_token"]
