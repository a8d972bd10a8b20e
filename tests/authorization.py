"""What a third party does at the authorization server by the rules of its profile: plain, signed or by value, and what
comes back in the query, the fragment or a signed response. Answers are judged by `cryptography` alone."""

import json
import time
import urllib.parse
import uuid
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from bank import ASSERTION_TYPE, b64url, encode_form, from_b64url, jws, rsa_pss
from open_banking import ThirdParty

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PUSHED_PREFIX = "urn:ietf:params:oauth:request_uri:"


def new_verifier():
    return b64url(uuid.uuid4().bytes + uuid.uuid4().bytes)


def challenge_of(verifier):
    return b64url(sha256(verifier.encode()).digest())


def half_hash(text):
    return b64url(sha256(text.encode()).digest()[:16])


def present(fields):
    return {name: value for name, value in fields.items() if value is not None}


class Party(ThirdParty):
    """A third party of one profile. Every call takes `changes`: parameters changed, added, or left out (None)."""

    def __init__(self, client):
        super().__init__(client)
        self.name, self.profile = client.name, client.data["profile"]
        self.issuer, self.redirect_uri = client.data["issuer"], client.data["redirect_uris"][0]
        self.pushed_url = client.data["token_endpoint"].replace("/token", "/par")

    # ---- what is asked for

    def parameters(self, consent_id, verifier=None, **changes):
        fields = {
            "response_type": "code",
            "response_mode": "jwt" if self.profile == "fapi1" else None,
            "client_id": self.name,
            "redirect_uri": self.redirect_uri,
            "scope": "openid payments",
            "state": "state-" + uuid.uuid4().hex,
            "nonce": "nonce-" + uuid.uuid4().hex,
            "claims": {"id_token": {"openbanking_intent_id": {"value": consent_id, "essential": True}}},
            "code_challenge": challenge_of(verifier) if verifier else None,
            "code_challenge_method": "S256" if verifier else None,
            "login_hint": "mia",
            **changes,
        }
        return present(fields)

    def request_object(self, parameters, header=None, sign=None, **claims):
        """The parameters signed; claims (iss, aud, nbf, exp and others) changed or left out (None)."""
        now = int(time.time())
        head = {"alg": "PS256", "kid": self.client.data["kid"], "typ": "oauth-authz-req+jwt", **(header or {})}
        said = {"iss": self.name, "aud": self.issuer, "nbf": now, "iat": now, "exp": now + 300, **parameters, **claims}
        return jws(present(head), present(said), sign or (lambda data: rsa_pss(self.client.signing_key, data)))

    # ---- the two ways to ask

    def post_pushed(self, fields, assertion=None, context=None):
        proof = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion or self.client.assertion()}
        said = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in fields.items()}
        return self.client.call("POST", "/par", encode_form(present({**proof, **said})), FORM, context)

    def push_parameters(self, parameters):
        """Pushed as the profile has it: signed or as they are."""
        if self.profile == "fapi2":
            return self.post_pushed(parameters)
        return self.post_pushed({"request": self.request_object(parameters)})

    def visit(self, **query):
        return self.bank.browser("GET", "/authorize?" + encode_form({"client_id": self.name, **query}))

    def visit_pushed(self, parameters, **query):
        pushed = self.push_parameters(parameters)
        assert pushed.status == 201, pushed
        return self.visit(request_uri=pushed.json["request_uri"], **query)

    # ---- what comes back

    def back(self, answer, where="query"):
        """The parameters of the redirect, which are there and nowhere else."""
        assert answer.status == 303, answer  # A10, A11
        location = urllib.parse.urlsplit(answer.headers["location"])
        assert urllib.parse.urlunsplit(location._replace(query="", fragment="")) == self.redirect_uri
        assert bool(location.query) == (where == "query") and bool(location.fragment) == (where == "fragment"), location
        pairs = urllib.parse.parse_qsl(location.query or location.fragment, keep_blank_values=True)
        assert len(dict(pairs)) == len(pairs) and pairs[-1][0] != "code", pairs
        return dict(pairs)

    def key_of(self, kid):
        jwk = next(key for key in self.bank.browser("GET", "/jwks").json["keys"] if key["kid"] == kid)
        numbers = [int.from_bytes(from_b64url(jwk[name]), "big") for name in ("e", "n")]
        return rsa.RSAPublicNumbers(*numbers).public_key()

    def claims_of(self, token):
        """Of a token that the bank has signed with a published key."""
        head, body, signature = token.split(".")
        header = json.loads(from_b64url(head))
        assert header["alg"] == "PS256", header
        try:
            self.key_of(header["kid"]).verify(
                from_b64url(signature),
                f"{head}.{body}".encode(),
                padding.PSS(padding.MGF1(hashes.SHA256()), 32),
                hashes.SHA256(),
            )
        except InvalidSignature as wrong:
            raise AssertionError("the bank's signature does not verify") from wrong
        return json.loads(from_b64url(body))

    def signed_back(self, answer, where="query"):
        """The claims of a signed response (JARM), after a look at those that every one has."""
        outside = self.back(answer, where)
        assert set(outside) == {"response"}, outside
        claims = self.claims_of(outside["response"])
        assert claims.pop("iss") == self.issuer and claims.pop("aud") == self.name
        assert 0 < claims.pop("exp") - time.time() <= 600
        assert abs(claims.pop("iat") - time.time()) < 60
        return claims

    def response(self, answer, parameters):
        """The parameters of the response, however it travels."""
        hybrid = parameters["response_type"] != "code"
        where = "fragment" if hybrid or parameters.get("response_mode") == "fragment.jwt" else "query"
        if "jwt" in parameters.get("response_mode", ""):
            return self.signed_back(answer, where)
        said = self.back(answer, where)
        assert said.pop("iss") == self.issuer
        return said

    def authorize_pushed(self, parameters):
        """The response to a request pushed as the profile has it."""
        return self.response(self.visit_pushed(parameters), parameters)

    # ---- tokens

    def exchange_code(self, code, verifier=None, client=None, **changes):
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": verifier,
            **changes,
        }
        return (client or self.client).ask_token(fields)


def refused(answer, error, statuses=(400, 401)):
    """An OAuth error, told as JSON."""
    errors = error if isinstance(error, tuple) else (error,)
    assert answer.status in statuses, answer
    assert answer.headers["content-type"].startswith("application/json"), answer
    assert answer.headers["cache-control"] == "no-store", answer
    assert answer.json["error"] in errors, answer
    assert all(" " <= letter <= "~" and letter not in '"\\' for letter in answer.json["error_description"]), answer
    return answer


def shown(answer):
    """A page that says no, and no redirect (G7, 54)."""
    assert answer.status == 400 and "location" not in answer.headers, answer
    assert answer.headers["content-type"].startswith("text/html"), answer
    return answer
