"""POST /token with client credentials: assertions good and bad, jti used once, tokens bound to the certificate."""

import json
import time
import uuid

import pytest
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from bank import ASSERTION_TYPE, Bank, b64url, ec_raw, jws, rsa_pss


def check_refused(answer, error="invalid_client", statuses=(400, 401)):
    assert answer.status in statuses, answer
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json["error"] == error, answer
    assert "access_token" not in answer.json


@pytest.mark.spec("fapi/68", "fapi/82")
def test_granted(partner):
    answer = partner.ask_token({"scope": "payments"})
    assert answer.status == 200, answer
    assert answer.json["token_type"] == "Bearer" and answer.json["scope"] == "payments"
    assert 300 <= answer.json["expires_in"] <= 900 and "refresh_token" not in answer.json
    assert answer.headers["cache-control"] == "no-store"
    assert len(answer.json["access_token"]) >= 43  # 256 bits


def test_scope(partner):
    assert partner.ask_token({"scope": "accounts payments"}).json["scope"] == "accounts payments"
    check_refused(partner.ask_token({"scope": "payments fundsconfirmations"}), "invalid_scope")
    check_refused(partner.ask_token({"scope": "everything"}), "invalid_scope")


@pytest.mark.spec("fapi/C5", "fapi/24")
def test_assertion_is_used_once(partner):
    assertion = partner.assertion()
    assert partner.ask_token(assertion=assertion).status == 200
    check_refused(partner.ask_token(assertion=assertion))


def test_jti_is_used_once_whatever_the_rest(partner):
    jti = str(uuid.uuid4())
    assert partner.ask_token(assertion=partner.assertion(jti=jti)).status == 200
    check_refused(partner.ask_token(assertion=partner.assertion(jti=jti, exp=int(time.time()) + 100)))


@pytest.mark.spec("fapi/C5")
def test_refused_request_uses_the_jti_too(partner):
    assertion = partner.assertion()
    check_refused(partner.ask_token({"grant_type": "password"}, assertion), "unsupported_grant_type")
    check_refused(partner.ask_token(assertion=assertion))


@pytest.mark.spec("fapi/C3", "fapi/C4", "fapi/17", "gateway/14")
def test_exp(partner):
    now = int(time.time())
    assert partner.ask_token(assertion=partner.assertion(exp=now + 290)).status == 200
    check_refused(partner.ask_token(assertion=partner.assertion(exp=now + 400)))
    check_refused(partner.ask_token(assertion=partner.assertion(exp=now + 86400)))
    check_refused(partner.ask_token(assertion=partner.assertion(exp=now - 120)))


@pytest.mark.spec("fapi/C1", "fapi/C2", "fapi/19", "fapi/20", "fapi/23")
@pytest.mark.parametrize(
    "claims",
    [
        {"aud": ["https://issuer.example"]},
        {"aud": None},
        {"aud": "https://issuer.example"},
        {"iss": "acme-tpp"},
        {"sub": "acme-tpp"},
        {"iss": None},
        {"sub": None},
        {"jti": None},
        {"jti": ""},
        {"jti": "j" * 129},
        {"jti": 7},
        {"exp": None},
        {"exp": "soon"},
        {"nbf": 4102444800},
        {"iat": 4102444800},
    ],
)
def test_claim(partner, claims):
    check_refused(partner.ask_token(assertion=partner.assertion(**claims)))


@pytest.mark.spec("fapi/G8", "fapi/15", "fapi/18", "gateway/15")
def test_audience_is_the_issuer_as_a_string(partner):
    issuer, endpoint = partner.data["issuer"], partner.data["token_endpoint"]
    for audience in ([issuer], [issuer, "x"], endpoint, issuer + "/", issuer.upper()):
        check_refused(partner.ask_token(assertion=partner.assertion(aud=audience)))
    assert partner.ask_token(assertion=partner.assertion(aud=issuer)).status == 200


def rs256(key):
    return lambda data: key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def pss_salt(key, salt):
    return lambda data: key.sign(data, padding.PSS(padding.MGF1(hashes.SHA256()), salt), hashes.SHA256())


def hs256(secret):
    def sign(data):
        mac = hmac.HMAC(secret, hashes.SHA256())
        mac.update(data)
        return mac.finalize()

    return sign


def forgeries(client):
    """[name, header, sign]"""
    key = client.signing_key
    public_pem = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    stranger, curve = rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())
    yield "none", {"alg": "none"}, lambda data: b""
    yield "None", {"alg": "None"}, lambda data: b""
    yield "nOnE", {"alg": "nOnE"}, lambda data: b""
    yield "no alg", {"alg": None}, lambda data: rsa_pss(key, data)
    yield "ps256", {"alg": "ps256"}, lambda data: rsa_pss(key, data)
    yield "HS256 by the public key", {"alg": "HS256"}, hs256(public_pem)
    yield "HS256 by nothing", {"alg": "HS256"}, hs256(b"")
    yield "RS256", {"alg": "RS256"}, rs256(key)
    yield "RS256 called PS256", {}, rs256(key)
    yield "PS512", {"alg": "PS512"}, lambda data: rsa_pss(key, data)
    yield "ES256 over an RSA key", {"alg": "ES256"}, lambda data: ec_raw(curve, data)
    yield "salt of 20", {}, pss_salt(key, 20)
    yield "another key", {}, lambda data: rsa_pss(stranger, data)
    yield "another kid", {"kid": "other"}, lambda data: rsa_pss(key, data)
    yield "jwk", {"jwk": {"kty": "RSA"}}, lambda data: rsa_pss(key, data)
    yield "jku", {"jku": "https://localhost/keys"}, lambda data: rsa_pss(key, data)
    yield "x5u", {"x5u": "https://localhost/keys"}, lambda data: rsa_pss(key, data)
    yield "crit", {"crit": ["exp"]}, lambda data: rsa_pss(key, data)
    yield "zip", {"zip": "DEF"}, lambda data: rsa_pss(key, data)
    yield "kid of 3000", {"kid": "k" * 3000}, lambda data: rsa_pss(key, data)


@pytest.mark.spec("fapi/C6", "fapi/16", "fapi/K2", "gateway/r1", "gateway/r2", "gateway/T1", "gateway/T2")
def test_forged_signatures(partner):
    failed = []
    for name, header, sign in forgeries(partner):
        answer = partner.ask_token(assertion=partner.assertion(header=header, sign=sign))
        if answer.status not in (400, 401) or answer.json.get("error") != "invalid_client":
            failed.append((name, answer))
        assert partner.ask_token(assertion=partner.assertion()).status == 200, name
    assert not failed


@pytest.mark.spec("gateway/r3", "gateway/r4")
def test_malformed_assertions(partner):
    good = partner.assertion()
    head, body, signature = good.split(".")
    flipped = ("A" if signature[0] != "A" else "B") + signature[1:]
    padded = "=" * (-len(signature) % 4) or "="
    duplicate = json.dumps(partner.claims())[:-1] + ',"iss":"embed-partner"}'
    for text in (
        "",
        ".",
        "..",
        "...",
        "x",
        head,
        f"{head}.{body}",
        f"{head}.{body}.",
        f"{head}.{body}.{signature}.{signature}",
        f"{head}.{body}.{flipped}",
        f"{head}.{body}.{signature}{padded}",
        f" {good}",
        f"{good}\n",
        f"{head}..{signature}",
        jws(
            {"alg": "PS256", "kid": partner.data["kid"]},
            duplicate.encode(),
            lambda data: rsa_pss(partner.signing_key, data),
        ),
        jws({"alg": "PS256", "kid": partner.data["kid"]}, b"[]", lambda data: rsa_pss(partner.signing_key, data)),
        b64url(b"x" * 20000),
    ):
        answer = partner.ask_token({"client_assertion": text})
        assert answer.status in (400, 401) and answer.json["error"] in ("invalid_client", "invalid_request"), (
            text[:80],
            answer,
        )
    assert partner.ask_token(assertion=good).status == 200


@pytest.mark.spec("fapi/G2", "fapi/G6", "fapi/C8", "fapi/21", "fapi/25")
def test_form(partner):
    check_refused(partner.ask_token({"client_assertion_type": None}))
    check_refused(
        partner.ask_token({"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"})
    )
    check_refused(partner.ask_token({"client_assertion": None}))
    check_refused(partner.ask_token({"client_secret": "x"}))
    check_refused(partner.ask_token({"client_id": "acme-tpp"}))
    assert partner.ask_token({"client_id": partner.name}).status == 200
    check_refused(partner.ask_token({"grant_type": None}), "invalid_request")
    check_refused(partner.ask_token({"grant_type": "refresh_token"}), "invalid_request")
    twice = "grant_type=client_credentials&grant_type=client_credentials&client_assertion=" + partner.assertion()
    answer = partner.call("POST", "/token", twice, {"Content-Type": "application/x-www-form-urlencoded"})
    check_refused(answer, "invalid_request")


def test_media_and_method(partner):
    body = json.dumps({"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE})
    answer = partner.call("POST", "/token", body, {"Content-Type": "application/json"})
    assert answer.status == 415 and answer.json["error"] == "invalid_request"
    answer = partner.call("GET", "/token")
    assert answer.status == 405 and answer.headers["allow"] == "POST"


@pytest.mark.spec("fapi/G4", "fapi/75")
def test_certificate(bank, partner):
    none = partner.ask_token(context=bank.tls_context())
    check_refused(none)
    other = partner.ask_token(context=bank.tls_context("bench-client"))
    check_refused(other)


def test_not_on_the_browser_port(bank, partner):
    answer = partner.ask_token(context=bank.tls_context(), port=bank.port + 1)
    assert answer.status == 404, answer


def test_documents(bank, partner):
    there = bank.browser("GET", "/.well-known/openid-configuration")
    here = partner.call("GET", "/.well-known/openid-configuration", context=bank.tls_context())
    assert there.status == here.status == 200 and there.json == here.json
    metadata = there.json
    assert metadata["issuer"] == partner.data["issuer"]
    assert (
        metadata["token_endpoint"]
        == partner.data["token_endpoint"]
        == metadata["mtls_endpoint_aliases"]["token_endpoint"]
    )
    methods = ["private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"]
    assert metadata["token_endpoint_auth_methods_supported"] == methods
    assert metadata["tls_client_certificate_bound_access_tokens"] is True
    keys = bank.browser("GET", "/jwks").json["keys"]
    assert keys and all(not set(key) & {"d", "p", "q", "dp", "dq", "qi", "k"} for key in keys)


@pytest.mark.spec("fapi/C5", "gateway/13")
def test_jti_after_a_restart(spare):
    client = spare.client("embed-partner")
    assertion = client.assertion(exp=int(time.time()) + 280)
    token = client.ask_token({"scope": "accounts"}, assertion).json["access_token"]
    spare.stop()
    spare.start()
    client = spare.client("embed-partner")
    check_refused(client.ask_token(assertion=assertion))
    assert client.ask_token().status == 200
    headers = {"Authorization": "Bearer " + token}
    assert client.call("GET", "/v1/accounts", headers=headers).status == 200  # the token is in the store too
