"""Tokens bound to a key (DPoP, RFC 9449): proofs at the token endpoint, at PAR and at resources, good and bad."""

import json
import time
import uuid
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from bank import Bank, b64url, jws, wait_for
from dpop import DpopClient, ProofKey
from open_banking import PISP, ThirdParty, consent_body, initiation

PATH = "/v1/accounts"


@pytest.fixture(scope="module")
def sender(bank):
    return DpopClient(bank.client("dpop-tpp"))


@pytest.fixture(scope="module")
def token(sender):
    return sender.token()


def check_refused(answer, *errors):
    assert answer.status in (400, 401), answer
    assert answer.json["error"] in (errors or ("invalid_dpop_proof",)), answer
    assert "access_token" not in answer.json


def check_unauthorized(answer, error=None):
    assert answer.status == 401, answer
    challenge = answer.headers["www-authenticate"]
    assert "DPoP" in challenge or "Bearer" in challenge, answer
    assert error is None or f'error="{error}"' in challenge, answer


@pytest.mark.spec("fapi/G4", "fapi/G5", "fapi/68", "fapi/75", "fapi/102", "gateway/23")
def test_token_is_bound_to_the_key(sender):
    answer = sender.ask_token()
    assert answer.status == 200 and answer.json["token_type"] == "DPoP", answer
    assert len(answer.json["access_token"]) >= 43 and answer.headers["cache-control"] == "no-store"
    told = sender.form("/introspect", {"token": answer.json["access_token"]}, []).json
    assert told["active"] is True and told["cnf"] == {"jkt": sender.key.thumbprint}, told
    check_refused(sender.ask_token([]))
    for seconds in (-10, 10):
        proof = sender.key.proof("POST", sender.url + "/token", iat=int(time.time()) + seconds)
        assert sender.ask_token([proof]).status == 200, seconds


@pytest.mark.spec("fapi/83", "fapi/106", "fapi/112", "fapi/R1")
def test_names_and_schemes_in_any_case(sender, token):
    assert sender.get(PATH, token).status == 200
    assert sender.get(PATH, token, scheme="dPOP").status == 200
    proof = sender.key.proof("GET", sender.url + PATH, token, color="blue", exp=int(time.time()) + 60)
    headers = {"AUTHORIZATION": f"DPoP {token}", "DPOP": proof}
    assert sender.call("GET", PATH, None, headers, []).status == 200


def bad_proofs(key, method, url, token=None):
    """(number of the list, the headers DPoP)"""
    good = key.proof(method, url, token)
    stranger = rsa.generate_private_key(65537, 2048)
    numbers = stranger.public_key().public_numbers()
    rsa_jwk = {"kty": "RSA", "n": b64url(numbers.n.to_bytes(256, "big")), "e": "AQAB"}
    head, body, signature = good.split(".")
    flipped = ("A" if signature[0] != "A" else "B") + signature[1:]
    now = int(time.time())

    def rs256(data):
        return stranger.sign(data, padding.PKCS1v15(), hashes.SHA256())

    def made(**changes):
        return [key.proof(method, url, token, **changes)]

    yield 84, [good, key.proof(method, url, token)]
    yield 85, ["no.jwt"]
    yield 85, [f"{head}.{body}"]
    yield 86, made(header={"typ": None})
    yield 87, made(header={"alg": None})
    yield 88, made(header={"jwk": None})
    for at, name in enumerate(("jti", "htm", "htu", "iat")):
        yield 89 + at, made(**{name: None})
    yield 94, made(header={"typ": "JWT"})
    yield 94, made(header={"typ": "at+jwt"})
    yield 95, made(header={"alg": "RS256", "jwk": rsa_jwk}, sign=rs256)
    yield 96, made(header={"alg": "none"}, sign=lambda data: b"")
    yield 97, [f"{head}.{body}.{flipped}"]
    yield 98, made(header={"jwk": {**key.jwk, "d": key.secret}})
    yield 99, made(htm="PUT")
    yield 99, made(htm=method.lower())
    yield 100, made(htu=url + "x")
    yield 100, made(htu="https://localhost/")
    yield 102, made(iat=now - 3600)
    yield 102, made(iat=now + 3600)
    yield 89, made(jti="")
    yield 89, made(jti="j" * 129)
    yield 102, made(exp=now - 60)
    yield 102, made(nbf=now + 3600)
    if token:
        yield 93, made(ath=None)
        yield 104, made(ath=b64url(b"x" * 32))
        yield 105, [ProofKey().proof(method, url, token)]


@pytest.mark.spec(
    "fapi/84",
    "fapi/85",
    "fapi/86",
    "fapi/87",
    "fapi/88",
    "fapi/89",
    "fapi/90",
    "fapi/91",
    "fapi/92",
    "fapi/94",
    "fapi/95",
    "fapi/96",
    "fapi/97",
    "fapi/98",
    "fapi/99",
    "fapi/100",
    "fapi/102",
    "fapi/G4",
    "fapi/75",
)
def test_bad_proofs_at_the_token_endpoint(sender):
    for number, proofs in bad_proofs(sender.key, "POST", sender.url + "/token"):
        answer = sender.ask_token(proofs)
        assert answer.status == 400 and answer.json["error"] == "invalid_dpop_proof", (number, answer)
    assert sender.ask_token().status == 200


@pytest.mark.spec(
    "fapi/84",
    "fapi/85",
    "fapi/86",
    "fapi/87",
    "fapi/88",
    "fapi/89",
    "fapi/90",
    "fapi/91",
    "fapi/92",
    "fapi/94",
    "fapi/95",
    "fapi/96",
    "fapi/97",
    "fapi/98",
    "fapi/99",
    "fapi/100",
    "fapi/102",
    "fapi/93",
    "fapi/104",
    "fapi/105",
    "fapi/R7",
    "fapi/119",
)
def test_bad_proofs_at_a_resource(sender, token):
    for number, proofs in bad_proofs(sender.key, "GET", sender.url + PATH, token):
        answer = sender.get(PATH, token, proofs)
        assert answer.status == 401 and answer.code == "invalid_token", (number, answer)
        assert 'error="invalid_dpop_proof"' in answer.headers["www-authenticate"], (number, answer)
    assert sender.get(PATH, token).status == 200


@pytest.mark.spec("fapi/101")
def test_address_is_compared_in_its_normal_form(sender, token):
    for url in (
        f"{sender.url}{PATH}?after=1#x",
        f"HTTPS://LOCALHOST:{sender.bank.port}{PATH}",
        f"{sender.url}/v1/%61ccounts",
    ):
        assert sender.get(PATH, token, [sender.key.proof("GET", url, token)]).status == 200, url
    with_query = sender.call(
        "GET",
        PATH + "?limit=5",
        None,
        {"Authorization": f"DPoP {token}"},
        [sender.key.proof("GET", sender.url + PATH, token)],
    )
    assert with_query.status == 200, with_query
    for url in (f"http://localhost:{sender.bank.port}{PATH}", f"{sender.url}/V1/accounts", f"{sender.url}{PATH}/"):
        assert sender.get(PATH, token, [sender.key.proof("GET", url, token)]).status == 401, url


@pytest.mark.spec("fapi/103", "fapi/R7")
def test_proof_is_good_once(sender, token):
    proof = sender.key.proof("GET", sender.url + PATH, token)
    assert sender.get(PATH, token, [proof]).status == 200
    check_unauthorized(sender.get(PATH, token, [proof]), "invalid_dpop_proof")
    proof = sender.key.proof("POST", sender.url + "/token")
    assert sender.ask_token([proof]).status == 200
    check_refused(sender.ask_token([proof]))
    jti = str(uuid.uuid4())  # the same one of another key is that key's own
    assert sender.ask_token([sender.key.proof("POST", sender.url + "/token", jti=jti)]).status == 200
    assert sender.ask_token([ProofKey().proof("POST", sender.url + "/token", jti=jti)]).status == 200


@pytest.mark.spec("fapi/107", "fapi/119", "fapi/R6", "gateway/23")
def test_scheme_and_proof_belong_together(bank, sender, token):
    assert sender.get(PATH, token).status == 200
    check_unauthorized(sender.get(PATH, token, scheme="Bearer"), "invalid_token")
    check_unauthorized(sender.get(PATH, token, [], scheme="Bearer"), "invalid_token")
    check_unauthorized(sender.get(PATH, token, []), "invalid_dpop_proof")
    partner = bank.client("embed-partner")  # a token bound to a certificate is no DPoP token
    other, bearer = DpopClient(partner), partner.token("accounts")
    assert other.get(PATH, bearer, [], scheme="Bearer").status == 200
    check_unauthorized(other.get(PATH, bearer), "invalid_token")
    check_unauthorized(other.get(PATH, token), "invalid_token")  # another client's


@pytest.mark.spec("fapi/113", "fapi/R2")
def test_token_in_the_address_is_refused(sender, token):
    path = f"{PATH}?access_token={token}"
    answer = sender.call("GET", path, None, {}, [sender.key.proof("GET", sender.url + PATH, token)])
    assert answer.status in (400, 401), answer
    assert sender.get(PATH, token).status == 200


# ---- refusals say the scheme, and the journal says the rule

AISP = "/open-banking/v4.0/aisp"


def check_challenge(answer, status, error):
    """In the scheme that the token is used in, with the algorithms of proofs (RFC 9449, section 7.1)."""
    assert answer.status == status, answer
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith('DPoP realm="giro", algs="PS256 ES256", ') and f'error="{error}"' in challenge, answer


@pytest.mark.spec("fapi/119", "fapi/R5", "gateway/23")
def test_challenge_is_in_the_scheme_of_the_call(bank, sender, token):
    order = sender.call(
        "POST",
        "/v1/payments",
        "{}",
        {"Authorization": f"DPoP {token}", "Content-Type": "application/json"},
        [sender.key.proof("POST", sender.url + "/v1/payments", token)],
    )
    check_challenge(order, 403, "insufficient_scope")
    check_challenge(sender.get(PATH, "none of ours"), 401, "invalid_token")
    check_challenge(sender.get(PATH, token, []), 401, "invalid_dpop_proof")
    answer = bank.client("embed-partner").get(PATH, "payments")
    assert answer.status == 403 and answer.headers["www-authenticate"].startswith('Bearer realm="giro", error=')


@pytest.mark.spec("fapi/119", "gateway/23")
def test_challenge_of_a_consent_that_ended(sender, token):
    def call(method, path, bearer, body=None):
        headers = {"Authorization": f"DPoP {bearer}", "Content-Type": "application/json"}
        if body is None:
            del headers["Content-Type"]
        return sender.call(
            method, AISP + path, body, headers, [sender.key.proof(method, sender.url + AISP + path, bearer)]
        )

    wanted = {"Data": {"Permissions": ["ReadAccountsBasic"]}, "Risk": {}}
    asked = call("POST", "/account-access-consents", token, json.dumps(wanted))
    assert asked.status == 201, asked
    flow = Flow(sender, asked.json["Data"]["ConsentId"])
    bound = flow.exchange(flow.code(scope="openid accounts")).json["access_token"]
    assert call("GET", "/accounts", bound).status == 200
    assert call("DELETE", f"/account-access-consents/{flow.consent_id}", token).status == 204
    check_challenge(call("GET", "/accounts", bound), 401, "invalid_token")
    check_challenge(call("GET", "/accounts", token), 401, "invalid_token")  # of no customer


@pytest.mark.spec("gateway/81", "fapi/103", "fapi/105", "fapi/107")
def test_journal_says_which_rule_a_proof_broke(bank, sender, token):
    url, used = sender.url + PATH, sender.key.proof("GET", sender.url + PATH, token)
    assert sender.get(PATH, token, [used]).status == 200
    cases = [
        ([used], "dpop_proof_seen_before"),
        ([], "dpop_not_one_proof"),
        ([sender.key.proof("GET", url, token), sender.key.proof("GET", url, token)], "dpop_not_one_proof"),
        ([sender.key.proof("POST", url, token)], "dpop_htm_is_not_the_method_of_the_request"),
        ([sender.key.proof("GET", url + "/x", token)], "dpop_htu_is_not_the_address_of_the_request"),
        ([sender.key.proof("GET", url, token, iat=int(time.time()) - 3600)], "dpop_iat_too_old"),
        ([sender.key.proof("GET", url)], "dpop_ath_missing"),
        ([sender.key.proof("GET", url, token, {"typ": "JWT"})], "dpop_typ_must_be_dpop_jwt"),
        ([ProofKey().proof("GET", url, token)], "dpop_key_is_not_the_tokens"),
    ]
    refused = [(sender.get(PATH, token, proofs), rule) for proofs, rule in cases]
    bearer = sender.get(PATH, token, [], scheme="Bearer")
    for answer, rule in refused + [(bearer, "token_of_a_key_in_scheme_bearer")]:
        assert answer.status == 401, (rule, answer)
        interaction = answer.headers["x-fapi-interaction-id"]
        (row,) = wait_for(
            f"the record of {rule}", 30, lambda: bank.giro_json("audit", "search", "--interaction-id", interaction)
        )
        assert row["record"]["check"] == "check_token" and row["record"]["rule"] == rule, row


# ---- codes bound to a key


class Flow:
    """A consent and its code; pushed requests and exchanges carry what they are told to."""

    def __init__(self, sender, consent_id=None):
        self.sender, self.party = sender, DpopParty(sender)
        self.consent_id = consent_id or self.party.consent_made()
        self.verifier = b64url(uuid.uuid4().bytes + uuid.uuid4().bytes)

    def push(self, proofs=(), **changes):
        claims = {"id_token": {"openbanking_intent_id": {"value": self.consent_id, "essential": True}}}
        fields = {
            "response_type": "code",
            "client_id": self.sender.client.name,
            "redirect_uri": self.sender.client.data["redirect_uris"][0],
            "scope": "openid payments",
            "claims": json.dumps(claims),
            "code_challenge": b64url(sha256(self.verifier.encode()).digest()),
            "code_challenge_method": "S256",
            "login_hint": "mia",
            **changes,
        }
        return self.sender.form("/par", fields, list(proofs))

    def code(self, *proofs, **changes):
        pushed = self.push(proofs, **changes)
        assert pushed.status == 201, pushed
        return self.party.authorize(pushed.json["request_uri"])["code"]

    def exchange(self, code, key=None):
        proof = (key or self.sender.key).proof("POST", self.sender.url + "/token")
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": self.verifier,
            "redirect_uri": self.sender.client.data["redirect_uris"][0],
        }
        return self.sender.form("/token", fields, [proof])


class DpopParty(ThirdParty):
    """A third party whose calls prove its key."""

    def __init__(self, sender):
        super().__init__(sender.client)
        self.sender = sender

    def post(self, path, body, token, key=None, signature=None, headers=None):
        text = json.dumps(body)
        sent = {
            "Authorization": "DPoP " + token,
            "Content-Type": "application/json",
            "x-idempotency-key": key or str(uuid.uuid4()),
            "x-jws-signature": self.sign(text),
        }
        proof = self.sender.key.proof("POST", self.sender.url + PISP + path, token)
        return self.sender.call("POST", PISP + path, text, sent, [proof])

    def consent_made(self, body=None):
        token = self.sender.ask_token(scope="payments").json["access_token"]
        answer = self.post("/domestic-payment-consents", body or consent_body(), token)
        assert answer.status == 201, answer
        return self.verify(answer).json["Data"]["ConsentId"]


@pytest.mark.spec("fapi/G12", "fapi/108")
def test_dpop_jkt_binds_the_code(sender):
    flow, other = Flow(sender), ProofKey()
    code = flow.code(dpop_jkt=sender.key.thumbprint)
    answer = flow.exchange(code, other)
    assert answer.status == 400 and answer.json["error"] == "invalid_grant", answer
    answer = flow.exchange(code)
    assert answer.status == 200 and answer.json["token_type"] == "DPoP", answer
    proof = sender.key.proof("POST", sender.url + "/par")
    check_refused(Flow(sender).push([proof], dpop_jkt=other.thumbprint))
    for text in ("x", other.thumbprint[:-1], other.thumbprint + "A"):
        check_refused(Flow(sender).push(dpop_jkt=text), "invalid_request")


@pytest.mark.spec("fapi/G12", "fapi/109")
def test_proof_at_par_binds_the_code(sender):
    flow = Flow(sender)
    code = flow.code(sender.key.proof("POST", sender.url + "/par"))
    answer = flow.exchange(code, ProofKey())
    assert answer.status == 400 and answer.json["error"] == "invalid_grant", answer
    assert flow.exchange(code).status == 200
    check_refused(Flow(sender).push([sender.key.proof("POST", sender.url + "/token")]))
    free = Flow(sender)  # bound to nothing in particular: any key may claim it
    assert free.exchange(free.code(), ProofKey()).status == 200


def test_dpop_jkt_is_not_for_clients_bound_to_certificates(bank):
    party = ThirdParty(bank.client("gamma-tpp"))
    answer = party.push(party.consent_made(), "v" * 43, dpop_jkt=ProofKey().thumbprint)
    check_refused(answer, "invalid_request")


@pytest.mark.spec("fapi/105", "fapi/107")
def test_payment_with_a_bound_token(sender):
    flow = Flow(sender)
    body = consent_body(initiation("1.25"))
    flow.consent_id = flow.party.consent_made(body)
    token = flow.exchange(flow.code()).json["access_token"]
    order = {"Data": {"ConsentId": flow.consent_id, "Initiation": body["Data"]["Initiation"]}, "Risk": {}}
    answer = flow.party.post("/domestic-payments", order, token)
    assert answer.status == 201, answer


# ---- nonces


@pytest.mark.spec("fapi/G10", "fapi/102", "fapi/110")
def test_nonce_of_the_server(spare):
    spare.configure("auth", dpop_nonce="true")
    sender = DpopClient(spare.client("dpop-tpp"))
    url = sender.url + "/token"
    assertion = sender.client.assertion()
    refused = sender.ask_token(client_assertion=assertion)
    assert refused.status == 400 and refused.json["error"] == "use_dpop_nonce", refused
    nonce = refused.headers["dpop-nonce"]
    jti = str(uuid.uuid4())  # the same assertion may be tried again; an hour wrong does not matter to a fresh nonce
    proof = sender.key.proof("POST", url, nonce=nonce, jti=jti, iat=int(time.time()) - 3600)
    granted = sender.ask_token([proof], client_assertion=assertion)
    assert granted.status == 200 and granted.headers["dpop-nonce"], granted
    check_refused(sender.ask_token([sender.key.proof("POST", url, nonce=nonce, jti=jti)]))
    for bad in ("x" * 32, nonce[:-1], ""):
        check_refused(sender.ask_token([sender.key.proof("POST", url, nonce=bad)]), "use_dpop_nonce")
    token = granted.json["access_token"]
    answer = sender.get(PATH, token)
    check_unauthorized(answer, "use_dpop_nonce")
    proof = sender.key.proof("GET", sender.url + PATH, token, nonce=answer.headers["dpop-nonce"])
    assert sender.get(PATH, token, [proof]).status == 200


# ---- tokens that are no token of ours


@pytest.mark.spec("fapi/120", "fapi/R3")
def test_forged_jwt_access_tokens(bank, sender, token):
    key, keys = bank.client("dpop-tpp").signing_key, bank.browser("GET", "/jwks").json["keys"]
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def hs256(data):
        mac = hmac.HMAC(public, hashes.SHA256())
        mac.update(data)
        return mac.finalize()

    claims = {"iss": sender.client.data["issuer"], "sub": "mia", "scope": "accounts", "exp": int(time.time()) + 600}
    forged = [
        jws({"alg": "none", "typ": "at+jwt"}, claims, lambda data: b""),
        jws({"alg": "HS256", "typ": "at+jwt", "kid": keys[0]["kid"]}, claims, hs256),
        jws({"alg": "ES256", "typ": "at+jwt", "jwk": sender.key.jwk}, claims, sender.key.sign),
    ]
    for text in forged:
        check_unauthorized(sender.get(PATH, text), "invalid_token")
        check_unauthorized(sender.get(PATH, text, [], scheme="Bearer"), "invalid_token")
    assert sender.get(PATH, token).status == 200
