"""A client whose tokens are bound to a key of its own (DPoP, RFC 9449), driven over the bank's real sockets."""

import http.client
import json
import time
import uuid
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec

from bank import ASSERTION_TYPE, CALL_SECONDS_MAX, Answer, b64url, ec_raw, encode_form, jws

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def number(value, size=32):
    return b64url(value.to_bytes(size, "big"))


class ProofKey:
    """A key pair on P-256 and the proofs that it signs."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        numbers = self.key.public_key().public_numbers()
        self.jwk = {"crv": "P-256", "kty": "EC", "x": number(numbers.x), "y": number(numbers.y)}
        text = json.dumps(self.jwk, sort_keys=True, separators=(",", ":"))
        self.thumbprint = b64url(sha256(text.encode()).digest())
        self.secret = number(self.key.private_numbers().private_value)

    def sign(self, data):
        return ec_raw(self.key, data)

    def proof(self, method, url, token=None, header=None, sign=None, **changes):
        """A good proof; header members and claims of value None are left out."""
        head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk, **(header or {})}
        claims = {"jti": str(uuid.uuid4()), "htm": method, "htu": url, "iat": int(time.time())}
        if token:
            claims["ath"] = b64url(sha256(token.encode()).digest())
        claims.update(changes)
        return jws(
            {name: value for name, value in head.items() if value is not None},
            {name: value for name, value in claims.items() if value is not None},
            sign or self.sign,
        )


class DpopClient:
    """The client's side: every call takes the proof that goes with it, or makes a good one."""

    def __init__(self, client):
        self.client, self.bank, self.key = client, client.bank, ProofKey()
        self.url = f"https://localhost:{self.bank.port}"

    def form(self, path, fields, proofs=None):
        """POST of a form with an assertion, and the headers DPoP that are given; None: one good one."""
        if proofs is None:
            proofs = [self.key.proof("POST", self.url + path)]
        fields = {
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.client.assertion(),
            **{name: value for name, value in fields.items() if value is not None},
        }
        return self.call("POST", path, encode_form(fields), dict(FORM), proofs)

    def ask_token(self, proofs=None, **fields):
        return self.form("/token", {"grant_type": "client_credentials", "scope": "accounts", **fields}, proofs)

    def call(self, method, path, body, headers, proofs):
        """http.client takes a header once; several go as they are through putheader."""
        connection = http.client.HTTPSConnection(
            "localhost", self.bank.port, timeout=CALL_SECONDS_MAX, context=self.client.context
        )
        try:
            connection.putrequest(method, path)
            data = (body or "").encode()
            for name, value in headers.items():
                connection.putheader(name, value)
            for proof in proofs:
                connection.putheader("DPoP", proof)
            connection.putheader("Content-Length", str(len(data)))
            connection.endheaders(data)
            response = connection.getresponse()
            return Answer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()

    def token(self):
        answer = self.ask_token()
        assert answer.status == 200, answer
        return answer.json["access_token"]

    def get(self, path, token, proofs=None, scheme="DPoP"):
        if proofs is None:
            proofs = [self.key.proof("GET", self.url + path, token)]
        return self.call("GET", path, None, {"Authorization": f"{scheme} {token}"}, proofs)
