"""FAPI 2.0 with Message Signing: parameters come in a signed request object, responses may go back signed."""

import json
import time

import pytest
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

from authorization import PUSHED_PREFIX, Party, new_verifier, refused, shown
from bank import ec_raw, rsa_pss

MINUTES = 60


@pytest.fixture(scope="module")
def party(bank):
    return Party(bank.client("ms-tpp"))


@pytest.fixture(scope="module")
def other(bank):
    return Party(bank.client("ms2-tpp"))


@pytest.fixture(scope="module")
def waiting(party):
    return party.consent_made()


def push(party, waiting, header=None, sign=None, parameters=None, **claims):
    parameters = party.parameters(waiting, new_verifier(), **(parameters or {}))
    return party.post_pushed({"request": party.request_object(parameters, header, sign, **claims)})


# ---- request objects


@pytest.mark.spec("fapi/M1", "fapi/52", "gateway/26")
def test_unsigned_parameters_are_refused(party, waiting):
    parameters = party.parameters(waiting, new_verifier())
    refused(party.post_pushed(parameters), "invalid_request")
    refused(party.post_pushed({**parameters, "request": ""}), "invalid_request")
    assert party.push_parameters(parameters).status == 201
    shown(party.visit(request=party.request_object(parameters)))  # signed, but not pushed


def rs256(party):
    return lambda data: party.client.signing_key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def hs256(secret):
    def sign(data):
        mac = hmac.HMAC(secret, hashes.SHA256())
        mac.update(data)
        return mac.finalize()

    return sign


@pytest.mark.spec(
    "fapi/37", "fapi/38", "fapi/39", "fapi/40", "fapi/K1", "fapi/K2", "fapi/V14", "gateway/T1", "gateway/T2"
)
def test_signature_of_the_object(party, other, waiting):
    key, curve = party.client.signing_key, ec.generate_private_key(ec.SECP256R1())
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    wrong = {
        "none": ({"alg": "none"}, lambda data: b""),
        "None": ({"alg": "None"}, lambda data: b""),
        "no alg": ({"alg": None}, None),
        "RS256": ({"alg": "RS256"}, rs256(party)),
        "RS256 called PS256": ({}, rs256(party)),
        "HS256 by the public key": ({"alg": "HS256"}, hs256(pem)),
        "ES256 by a stranger": ({"alg": "ES256"}, lambda data: ec_raw(curve, data)),
        "bad signature": ({}, lambda data: rsa_pss(key, data + b"x")),
        "another client's key": ({}, lambda data: rsa_pss(other.client.signing_key, data)),
        "another client's key by its kid": (
            {"kid": other.client.data["kid"]},
            lambda data: rsa_pss(other.client.signing_key, data),
        ),
        "jwk": ({"jwk": {"kty": "RSA"}}, None),
        "crit": ({"crit": ["exp"]}, None),
    }
    for name, (header, sign) in wrong.items():
        answer = push(party, waiting, header, sign)
        assert answer.status == 400 and answer.json["error"] == "invalid_request_object", (name, answer)
    assert push(party, waiting).status == 201
    good = party.request_object(party.parameters(waiting, new_verifier()))
    for text in ("x", "..", good + ".x", good[:-1], " " + good, good.replace(".", "=.", 1)):
        refused(party.post_pushed({"request": text}), "invalid_request_object")


@pytest.mark.spec(
    *"fapi/41 fapi/42 fapi/43 fapi/44 fapi/45 fapi/46 fapi/47 fapi/48 fapi/V4 fapi/V5 fapi/M1".split(),
)
def test_times_and_audience_of_the_object(party, waiting):
    now = int(time.time())
    for claims in (
        {"exp": None},
        {"exp": "soon"},
        {"exp": now - 1},
        {"nbf": now - 50 * MINUTES, "exp": now - 1},
        {"exp": now + 61 * MINUTES},
        {"nbf": now - 30 * MINUTES, "exp": now + 31 * MINUTES},
        {"nbf": None},
        {"nbf": now - 61 * MINUTES, "exp": now + 60},
        {"nbf": now + 75},
        {"aud": None},
        {"aud": "https://other.example"},
        {"aud": party.pushed_url},
        {"aud": party.client.data["token_endpoint"]},
        {"aud": ["https://other.example"]},
        {"aud": party.issuer + "/"},
    ):
        refused(push(party, waiting, **claims), "invalid_request_object")
    for claims in (
        {"nbf": int(time.time()) + 8},
        {"nbf": now - 50 * MINUTES, "exp": now + 9 * MINUTES},
        {"exp": int(time.time()) + 59 * MINUTES},
        {"aud": [party.issuer, "https://other.example"]},
        {"iat": None},
    ):
        assert push(party, waiting, **claims).status == 201, claims


@pytest.mark.spec("fapi/53", "fapi/28", "fapi/A19", "fapi/V15")
def test_type_client_and_nesting_of_the_object(party, other, waiting):
    for typ in (None, "oauth-authz-req+jwt", "JWT"):
        assert push(party, waiting, {"typ": typ}).status == 201
    for typ in ("dpop+jwt", "at+jwt", "client-authentication+jwt"):
        refused(push(party, waiting, {"typ": typ}), "invalid_request_object")
    for claims in (
        {"iss": other.name},
        {"client_id": other.name},
        {"iss": None, "client_id": None},
        {"request_uri": PUSHED_PREFIX + "A" * 43},
        {"request": "a.b.c"},
        {"sub": 7},
    ):
        refused(push(party, waiting, **claims), "invalid_request_object")
    assert push(party, waiting, iss=None).status == 201
    assert push(party, waiting, client_id=None).status == 201
    request = party.request_object(party.parameters(waiting, new_verifier()))
    refused(party.post_pushed({"request": request, "request_uri": PUSHED_PREFIX + "A" * 43}), "invalid_request")
    refused(party.post_pushed({"request": request, "client_id": other.name}), "invalid_client")
    assert party.post_pushed({"request": request, "client_id": party.name}).status == 201


@pytest.mark.spec("fapi/19")
def test_a_request_object_is_no_assertion(party, waiting):
    parameters = party.parameters(waiting, new_verifier())
    request = party.request_object(parameters, jti="j-1", exp=int(time.time()) + 60)
    refused(party.client.ask_token(assertion=request), "invalid_client")
    refused(party.post_pushed({"request": request}, assertion=request), "invalid_client")


@pytest.mark.spec("fapi/49", "fapi/A5", "fapi/A6", "fapi/59", "fapi/60", "fapi/V3")
@pytest.mark.parametrize(
    "inside, outside, error",
    [
        ({"redirect_uri": None}, "redirect_uri", "invalid_request"),
        ({"scope": None}, "scope", "invalid_scope"),
        ({"code_challenge": None, "code_challenge_method": None}, "code_challenge", "invalid_request"),
        ({"code_challenge_method": "plain"}, None, "invalid_request"),
        ({"response_type": None}, "response_type", "invalid_request"),
        ({"response_type": "code id_token"}, None, "unsupported_response_type"),
        ({"response_mode": "fragment"}, None, "invalid_request"),
        ({"response_mode": "form_post.jwt"}, None, "invalid_request"),
        ({"claims": None}, "claims", "invalid_request"),
    ],
)
def test_what_is_missing_inside_is_missing(party, waiting, inside, outside, error):
    whole = party.parameters(waiting, new_verifier())
    request = party.request_object(party.parameters(waiting, new_verifier(), **inside))
    beside = {outside: whole[outside]} if outside else {}
    refused(party.post_pushed({"request": request, **beside}), error)
    assert party.push_parameters(whole).status == 201


@pytest.mark.spec("fapi/50", "fapi/51", "fapi/V3", "fapi/A21")
def test_what_stands_outside_does_not_count(party):
    verifier = new_verifier()
    parameters = party.parameters(party.consent_made(), verifier, state=None, response_mode="jwt")
    fields = {
        "request": party.request_object(parameters),
        "state": "outside",
        "nonce": "outside",
        "login_hint": "decline",
        "redirect_uri": "https://evil.example/",
        "response_mode": "query",
    }
    pushed = party.post_pushed(fields)
    assert pushed.status == 201, pushed
    said = party.response(party.visit(request_uri=pushed.json["request_uri"], state="outside"), parameters)
    assert set(said) == {"code"}
    token = party.exchange_code(said["code"], verifier).json
    claims = party.claims_of(token["id_token"])
    assert claims["nonce"] == parameters["nonce"] and "s_hash" not in claims


@pytest.mark.spec("fapi/66")
def test_consent_of_another_client(party, other, waiting):
    refused(other.push_parameters(other.parameters(waiting, new_verifier())), "invalid_request")


@pytest.mark.spec("fapi/A16", "fapi/31")
def test_request_of_another_client(party, other):
    pushed = party.push_parameters(party.parameters(party.consent_made(), new_verifier())).json["request_uri"]
    shown(other.visit(request_uri=pushed))
    assert party.visit(request_uri=pushed).status == 303


# ---- signed responses


@pytest.mark.spec("fapi/M2", "fapi/63", "fapi/A7", "fapi/64", "fapi/6", "gateway/27")
@pytest.mark.parametrize("mode", ["jwt", "query.jwt", "fragment.jwt"])
def test_signed_response(party, mode):
    verifier = new_verifier()
    parameters = party.parameters(party.consent_made(), verifier, response_mode=mode)
    said = party.authorize_pushed(parameters)
    assert set(said) == {"code", "state"} and said["state"] == parameters["state"]
    assert party.exchange_code(said["code"], verifier).status == 200
    parameters = party.parameters(party.consent_made(), new_verifier(), response_mode=mode, login_hint="decline")
    said = party.authorize_pushed(parameters)
    assert said == {"error": "access_denied", "state": parameters["state"]}


@pytest.mark.spec("fapi/55", "fapi/A7")
def test_plain_response(party):
    verifier = new_verifier()
    parameters = party.parameters(party.consent_made(), verifier)
    said = party.back(party.visit_pushed(parameters))
    assert said["iss"] == party.issuer and said["state"] == parameters["state"]
    assert party.exchange_code(said["code"], verifier).status == 200


@pytest.mark.spec("fapi/A14", "fapi/A15", "fapi/56", "fapi/57")
def test_state_and_nonce_intact(party):
    for changes in ({"state": "s" * 1000 + " &=%?#\"'", "nonce": "n" * 384}, {"state": None, "nonce": None}):
        verifier = new_verifier()
        parameters = party.parameters(party.consent_made(), verifier, response_mode="jwt", **changes)
        said = party.authorize_pushed(parameters)
        assert said.get("state") == parameters.get("state")
        claims = party.claims_of(party.exchange_code(said["code"], verifier).json["id_token"])
        assert claims.get("nonce") == parameters.get("nonce")


@pytest.mark.spec("fapi/G8", "fapi/15")
def test_assertion_is_for_the_issuer_alone(party, waiting):
    request = {"request": party.request_object(party.parameters(waiting, new_verifier()))}
    for audience in (party.pushed_url, party.client.data["token_endpoint"], [party.issuer]):
        refused(party.post_pushed(request, party.client.assertion(aud=audience)), "invalid_client")
    assert party.post_pushed(request).status == 201


def test_claims_as_a_string_are_the_same(party):
    verifier = new_verifier()
    parameters = party.parameters(party.consent_made(), verifier, response_mode="jwt")
    parameters["claims"] = json.dumps(parameters["claims"])
    assert "code" in party.authorize_pushed(parameters)


def test_the_object_may_be_large_but_not_too_large(party, waiting):
    assert push(party, waiting, padding="x" * 4000).status == 201
    refused(push(party, waiting, padding="x" * 20000), "invalid_request_object")
    many = {f"claim_{number}": "x" for number in range(100)}
    refused(push(party, waiting, **many), "invalid_request_object")
