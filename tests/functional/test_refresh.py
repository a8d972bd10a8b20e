"""Refresh tokens, and what a code becomes: granted, used again, bound, revoked with their grant."""

import json
import time
import uuid

import pytest

from bank import ASSERTION_TYPE, Bank, b64url, encode_form, from_b64url
from open_banking import PISP, ThirdParty, consent_body, initiation

EXPIRES = "http://openbanking.org.uk/refresh_token_expires_at"


@pytest.fixture(scope="module")
def party(bank):
    return ThirdParty(bank.client("acme-tpp"))


@pytest.fixture(scope="module")
def other(bank):
    return ThirdParty(bank.client("gamma-tpp"))


def fresh_verifier():
    return b64url(uuid.uuid4().bytes + uuid.uuid4().bytes)


class Grant:
    """A consent of mia's, and the code for it."""

    def __init__(self, party, **changes):
        self.party, self.verifier = party, fresh_verifier()
        self.body = consent_body(initiation("1.10"))
        self.consent_id = party.consent_made(self.body)
        pushed = party.push(self.consent_id, self.verifier, **changes)
        assert pushed.status == 201, pushed
        self.code = party.authorize(pushed.json["request_uri"])["code"]

    def exchange(self, **changes):
        return self.party.exchange(self.code, self.verifier, **changes)

    def tokens(self):
        answer = self.exchange()
        assert answer.status == 200, answer
        return answer.json

    def pay(self, token):
        order = {
            "Data": {"ConsentId": self.consent_id, "Initiation": self.body["Data"]["Initiation"]},
            "Risk": {},
        }
        return self.party.post("/domestic-payments", order, token)


def refresh(party, token, **fields):
    return party.client.ask_token({"grant_type": "refresh_token", "refresh_token": token, **fields})


def revoke(party, token, **fields):
    return form(party, "/revoke", token=token, **fields)


def form(party, path, **fields):
    """A POST of fields with a fresh assertion; those of value None are left out."""
    sent = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": party.client.assertion(), **fields}
    body = encode_form({name: value for name, value in sent.items() if value is not None})
    return party.client.call("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded"})


def check_grant_over(answer, error="invalid_grant"):
    assert answer.status == 400 and answer.json["error"] == error, answer
    assert "access_token" not in answer.json


def claims_of(token):
    return json.loads(from_b64url(token.split(".")[1]))


def active(party, token):
    answer = form(party, "/introspect", token=token)
    assert answer.status == 200, answer
    return answer.json["active"]


@pytest.mark.spec("fapi/68", "fapi/77", "uk/B2", "uk/B5", "uk/B6")
def test_a_code_becomes_tokens(party):
    grant = Grant(party)
    answer = grant.exchange()
    assert answer.status == 200 and answer.headers["cache-control"] == "no-store", answer
    assert answer.headers["content-type"].startswith("application/json")
    tokens = answer.json
    assert tokens["token_type"] == "Bearer" and 300 <= tokens["expires_in"] <= 900
    assert len(tokens["access_token"]) >= 43 and len(tokens["refresh_token"]) >= 43
    claims, now = claims_of(tokens["id_token"]), time.time()
    assert claims["iss"] == party.client.data["issuer"] and claims["aud"] == "acme-tpp" and claims["sub"]
    assert now - 300 <= claims["iat"] <= now + 1 < claims["exp"] and claims["nonce"] == "nonce-1"
    assert claims["acr"] == "urn:openbanking:psd2:sca" and claims["openbanking_intent_id"] == grant.consent_id
    assert now + 23 * 3600 < claims[EXPIRES] < now + 25 * 3600  # a payment's is for a day


@pytest.mark.spec("fapi/G9", "fapi/78", "fapi/79", "fapi/80", "gateway/33")
def test_refresh(party, other):
    grant = Grant(party)
    first = grant.tokens()
    second = refresh(party, first["refresh_token"])
    assert second.status == 200, second
    assert second.json["refresh_token"] == first["refresh_token"]  # no rotation
    assert second.json["access_token"] != first["access_token"] and second.json["scope"] == "openid payments"
    before, after = claims_of(first["id_token"]), claims_of(second.json["id_token"])
    for name in ("iss", "sub", "aud", "acr", "auth_time", "openbanking_intent_id", EXPIRES):
        assert before[name] == after[name], name
    assert "nonce" not in after
    assert refresh(party, first["refresh_token"]).status == 200  # and again
    check_grant_over(refresh(other, first["refresh_token"]))
    no_proof = refresh(party, first["refresh_token"], client_assertion=None)
    assert no_proof.status == 401 and no_proof.json["error"] == "invalid_client", no_proof
    for text in ("x", first["access_token"], first["refresh_token"][:-1]):
        check_grant_over(refresh(party, text))
    check_grant_over(refresh(party, None), "invalid_request")
    assert grant.pay(second.json["access_token"]).status == 201


@pytest.mark.spec("fapi/81", "fapi/G14")
def test_scope_is_never_widened(party):
    tokens = Grant(party).tokens()
    narrow = refresh(party, tokens["refresh_token"], scope="payments")
    assert narrow.status == 200 and narrow.json["scope"] == "payments", narrow
    assert "id_token" not in narrow.json
    assert refresh(party, tokens["refresh_token"]).json["scope"] == "openid payments"
    for scope in ("openid payments accounts", "accounts", "everything"):
        check_grant_over(refresh(party, tokens["refresh_token"], scope=scope), "invalid_scope")


@pytest.mark.spec("fapi/82")
def test_client_credentials_have_no_refresh_token(party):
    answer = party.client.ask_token({"scope": "payments"})
    assert answer.status == 200 and "refresh_token" not in answer.json
    assert "refresh_token" in Grant(party).tokens()


@pytest.mark.spec("fapi/A9", "fapi/69", "fapi/V18", "fapi/R4", "fapi/117")
def test_code_reuse_ends_the_grant(party):
    grant = Grant(party)
    tokens = grant.tokens()
    later = refresh(party, tokens["refresh_token"]).json
    assert active(party, tokens["access_token"]) and active(party, later["access_token"])
    time.sleep(1.1)  # the list asks for a second between
    check_grant_over(grant.exchange())
    for token in (tokens["access_token"], later["access_token"], tokens["refresh_token"]):
        assert not active(party, token)
    assert grant.pay(later["access_token"]).status == 401
    check_grant_over(refresh(party, tokens["refresh_token"]))


@pytest.mark.spec("fapi/71", "fapi/72", "fapi/73", "fapi/74", "fapi/A5")
def test_codes_are_claimed_by_who_got_them(party, other):
    grant = Grant(party)
    check_grant_over(other.exchange(grant.code, grant.verifier))
    check_grant_over(grant.exchange(code_verifier=None))
    check_grant_over(grant.exchange(code_verifier=fresh_verifier()))
    check_grant_over(grant.exchange(redirect_uri=None))
    check_grant_over(grant.exchange(redirect_uri=party.client.data["redirect_uris"][0] + "/x"))
    assert grant.exchange().status == 200


@pytest.mark.spec("uk/B3", "fapi/117", "gateway/37")
def test_a_token_is_bound_to_its_consent(party):
    one, two = Grant(party), Grant(party)
    token = one.tokens()["access_token"]
    order = {"Data": {"ConsentId": two.consent_id, "Initiation": two.body["Data"]["Initiation"]}, "Risk": {}}
    assert party.post("/domestic-payments", order, token).status in (400, 403)
    assert one.pay(token).status == 201


@pytest.mark.spec("uk/P4")
def test_a_consumed_consent_is_refreshed_no_more(party):
    grant = Grant(party)
    tokens = grant.tokens()
    assert refresh(party, tokens["refresh_token"]).status == 200
    assert grant.pay(tokens["access_token"]).status == 201
    check_grant_over(refresh(party, tokens["refresh_token"]))
    assert not active(party, tokens["refresh_token"])


# ---- revocation


@pytest.mark.spec("fapi/R4", "fapi/117", "gateway/32")
def test_revoked_access_token(party, other):
    grant = Grant(party)
    tokens = grant.tokens()
    kept = refresh(party, tokens["refresh_token"]).json
    answer = revoke(other, tokens["access_token"])  # another's: the answer is the same, nothing happens
    assert answer.status == 200, answer
    assert active(party, tokens["access_token"])
    assert revoke(party, tokens["access_token"], token_type_hint="refresh_token").status == 200
    assert grant.pay(tokens["access_token"]).status == 401  # the very next request
    assert not active(party, tokens["access_token"]) and active(party, kept["access_token"])
    assert revoke(party, tokens["access_token"]).status == 200  # again, and what never was
    assert revoke(party, "unknown").status == 200
    assert grant.pay(kept["access_token"]).status == 201


@pytest.mark.spec("fapi/R4", "gateway/32")
def test_revoked_refresh_token_ends_the_grant(party):
    grant = Grant(party)
    tokens = grant.tokens()
    later = refresh(party, tokens["refresh_token"]).json
    assert revoke(party, tokens["refresh_token"]).status == 200
    check_grant_over(refresh(party, tokens["refresh_token"]))
    assert grant.pay(tokens["access_token"]).status == grant.pay(later["access_token"]).status == 401


@pytest.mark.spec("fapi/G6")
def test_revocation_needs_the_client(party):
    answer = revoke(party, "x", client_assertion=None)
    assert answer.status == 401 and answer.json["error"] == "invalid_client", answer
    answer = form(party, "/revoke")
    assert answer.status == 400 and answer.json["error"] == "invalid_request", answer
    assertion = party.client.assertion()
    assert revoke(party, "x", client_assertion=assertion).status == 200
    assert revoke(party, "x", client_assertion=assertion).json["error"] == "invalid_client"  # spent
    assert party.client.call("GET", "/revoke").status == 405


# ---- rotation of certificates and of refresh tokens


@pytest.mark.spec("uk/D4", "fapi/R6", "fapi/116")
def test_another_certificate_of_the_client(bank, party):
    """The tokens of the old certificate die with it, the refresh token goes on."""
    grant = Grant(party)
    tokens = grant.tokens()
    context = renewed_certificate(bank, "acme-tpp")
    if context is None:
        pytest.skip("the sandbox's CA key is not at hand")
    headers = {"Authorization": "Bearer " + party.client.token("payments")}
    path = f"{PISP}/domestic-payment-consents/{grant.consent_id}"
    assert party.client.call("GET", path, None, headers).status == 200
    answer = party.client.call("GET", path, None, headers, context=context)
    assert answer.status == 401, answer
    body = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    renewed = party.client.ask_token(body, context=context)
    assert renewed.status == 200, renewed
    told = form(party, "/introspect", token=renewed.json["access_token"]).json
    old = form(party, "/introspect", token=tokens["access_token"]).json
    assert told["cnf"]["x5t#S256"] != old["cnf"]["x5t#S256"]


def renewed_certificate(bank, name):
    """A TLS context with a second certificate of the client, by the same CA."""
    import datetime
    import ssl

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    folder, pki = bank.var / "clients" / name, bank.var / "pki"
    keys = [path for path in sorted(pki.glob("*.key")) if "ca" in path.stem]
    if not keys:
        return None
    ca_key = serialization.load_pem_private_key(keys[0].read_bytes(), None)
    ca = x509.load_pem_x509_certificate((pki / "ca.pem").read_bytes())
    old = x509.load_pem_x509_certificate((folder / "transport.pem").read_bytes())
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(old.subject)
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
    )
    for extension in old.extensions:
        if extension.oid._name not in ("subjectKeyIdentifier", "authorityKeyIdentifier"):
            builder = builder.add_extension(extension.value, extension.critical)
    certificate = builder.sign(ca_key, hashes.SHA256())
    (bank.folder / "renewed.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (bank.folder / "renewed.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.create_default_context(cafile=pki / "ca.pem")
    context.load_cert_chain(bank.folder / "renewed.pem", bank.folder / "renewed.key")
    return context


@pytest.mark.spec("fapi/G9", "fapi/79", "gateway/33")
def test_rotation_where_it_is_switched_on(spare):
    spare.configure("auth", refresh_retry="2s", refresh_rotation="true")
    party = ThirdParty(spare.client("acme-tpp"))
    first = Grant(party).tokens()
    second = refresh(party, first["refresh_token"])
    assert second.status == 200 and second.json["refresh_token"] != first["refresh_token"], second
    retry = refresh(party, first["refresh_token"])  # the answer was lost
    assert retry.status == 200, retry
    assert refresh(party, second.json["refresh_token"]).status == 200
    time.sleep(2.5)  # the time for a retry, by the bank's own clock
    check_grant_over(refresh(party, first["refresh_token"]))
    assert refresh(party, retry.json["refresh_token"]).status == 200


# ---- authorization_details


def details_of(consent_id, **changes):
    element = {"type": "payment_initiation", "openbanking_intent_id": consent_id, **changes}
    return json.dumps([element])


class DetailedGrant(Grant):
    """The consent is named by authorization_details alone."""

    def __init__(self, party, **changes):
        self.party, self.verifier = party, fresh_verifier()
        self.body = consent_body(initiation("1.10"))
        self.consent_id = party.consent_made(self.body)
        self.details = details_of(self.consent_id, **changes)
        pushed = party.push(self.consent_id, self.verifier, claims=None, authorization_details=self.details)
        assert pushed.status == 201, pushed
        self.code = party.authorize(pushed.json["request_uri"])["code"]


@pytest.mark.spec("fapi/G14", "gateway/28")
def test_authorization_details(party):
    amount = {"currency": "GBP", "amount": "1.10"}
    grant = DetailedGrant(party, instructedAmount=amount)
    tokens = grant.tokens()
    assert tokens["authorization_details"] == json.loads(grant.details)
    assert claims_of(tokens["id_token"])["openbanking_intent_id"] == grant.consent_id
    told = form(party, "/introspect", token=tokens["access_token"]).json
    assert told["authorization_details"] == json.loads(grant.details)
    again = refresh(party, tokens["refresh_token"], authorization_details=grant.details)
    assert again.status == 200 and again.json["authorization_details"] == tokens["authorization_details"], again
    more = details_of(grant.consent_id, instructedAmount={"currency": "GBP", "amount": "9999.00"})
    check_grant_over(
        refresh(party, tokens["refresh_token"], authorization_details=more), "invalid_authorization_details"
    )
    assert grant.pay(tokens["access_token"]).status == 201


@pytest.mark.spec("fapi/G14", "gateway/28")
def test_details_that_are_refused(party, other):
    consent_id = party.consent_made(consent_body(initiation("1.10")))
    wrong_amount = {"instructedAmount": {"currency": "GBP", "amount": "1.11"}}
    for text in (
        "x",
        "{}",
        "[]",
        "[{}]",
        json.dumps([1]),
        details_of(consent_id, type="openid_credential"),
        details_of(consent_id, type="account_information"),
        details_of(consent_id, actions=["initiate"]),
        details_of("x"),
        details_of(consent_id)[:-1] + "," + details_of(consent_id)[1:],
        details_of(consent_id, **wrong_amount),
        details_of(consent_id, instructedAmount={"currency": "GBP"}),
    ):
        answer = party.push(consent_id, fresh_verifier(), claims=None, authorization_details=text)
        assert answer.status == 400 and answer.json["error"] == "invalid_authorization_details", (text, answer)
    stranger = other.push(consent_id, fresh_verifier(), claims=None, authorization_details=details_of(consent_id))
    assert stranger.status == 400 and stranger.json["error"] == "invalid_request", stranger
    second = party.consent_made(consent_body(initiation("1.10")))
    differs = party.push(consent_id, fresh_verifier(), authorization_details=details_of(second))
    assert differs.status == 400 and differs.json["error"] == "invalid_request", differs
    both = party.push(consent_id, fresh_verifier(), authorization_details=details_of(consent_id))
    assert both.status == 201, both


@pytest.mark.spec("fapi/K4", "gateway/29")
def test_nothing_can_be_guessed(party):
    """Tokens, codes and request URIs have 256 bits each, and none comes twice."""
    seen = set()
    for _ in range(3):
        verifier, consent_id = fresh_verifier(), party.consent_made()
        pushed = party.push(consent_id, verifier)
        code = party.authorize(pushed.json["request_uri"])["code"]
        tokens = party.exchange(code, verifier).json
        uri = pushed.json["request_uri"].rsplit(":", 1)[1]
        for text in (uri, code, tokens["access_token"], tokens["refresh_token"]):
            assert len(from_b64url(text)) == 32, text
            seen.add(text)
    assert len(seen) == 12
