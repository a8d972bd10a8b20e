"""Introspection (RFC 7662, RFC 9701), what the token endpoint says, and how resources judge tokens."""

import json
import re
import time
import uuid

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from bank import ASSERTION_TYPE, b64url, encode_form, from_b64url
from open_banking import PISP, ThirdParty

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JWT = "application/token-introspection+jwt"
GRAMMAR = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]+\Z")  # RFC 6749 section 5.2


def introspect(client, token, headers=None, **fields):
    sent = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": client.assertion(), "token": token, **fields}
    body = encode_form({name: value for name, value in sent.items() if value is not None})
    return client.call("POST", "/introspect", body, {**FORM, **(headers or {})})


def thumbprint(client):
    return b64url(client.certificate().fingerprint(hashes.SHA256()))


@pytest.fixture(scope="module")
def party(bank):
    return ThirdParty(bank.client("acme-tpp"))


@pytest.fixture(scope="module")
def customer_token(party):
    return party.authorized(party.consent_made())


@pytest.mark.spec("fapi/G5", "gateway/31")
def test_a_token_of_ones_own(partner):
    token = partner.token("payments")
    answer = introspect(partner, token)
    assert answer.status == 200 and answer.headers["cache-control"] == "no-store", answer
    told, now = answer.json, time.time()
    assert told["active"] is True and told["cnf"] == {"x5t#S256": thumbprint(partner)}, told
    assert told["client_id"] == told["sub"] == partner.name and told["scope"] == "payments"
    assert told["token_type"] == "Bearer" and told["iss"] == partner.data["issuer"]
    assert now - 3600 < told["iat"] <= now + 1 and now < told["exp"] <= told["iat"] + 900


@pytest.mark.spec("fapi/G5", "uk/B3")
def test_a_customers_token(bank, party, customer_token):
    told = introspect(party.client, customer_token).json
    assert told["active"] and told["openbanking_intent_id"] and told["sub"] != party.client.name, told
    assert told["sub"] == bank.customers()["mia"]["customer_id"] and told["scope"] == "openid payments"


@pytest.mark.spec("gateway/31")
def test_of_others_nothing_is_told(bank, partner, customer_token):
    token = partner.token("payments")
    for client, text in ((bank.client("gamma-tpp"), token), (partner, customer_token), (partner, "unknown")):
        answer = introspect(client, text)
        assert answer.status == 200 and answer.json == {"active": False}, answer
    assert introspect(partner, token).json["active"] is True


@pytest.mark.spec("fapi/G6")
def test_the_client_is_asked_first(bank, partner):
    token = partner.token("payments")
    for fields in (
        {"client_assertion": None},
        {"client_assertion": partner.assertion(aud="x")},
        {"client_secret": "x"},
    ):
        answer = introspect(partner, token, **fields)
        assert answer.status == 401 and answer.json["error"] == "invalid_client", (fields, answer)
    stolen = introspect(partner, token, client_assertion=bank.client("gamma-tpp").assertion())
    assert stolen.status == 401, stolen
    assert introspect(partner, None).json["error"] == "invalid_request"
    assertion = partner.assertion()
    assert introspect(partner, token, client_assertion=assertion).status == 200
    assert introspect(partner, token, client_assertion=assertion).json["error"] == "invalid_client"
    assert partner.call("GET", "/introspect?token=" + token).status == 405


@pytest.mark.spec("fapi/M3", "gateway/31")
def test_signed_answer(bank, partner):
    answer = introspect(partner, partner.token("payments"), {"Accept": JWT})
    assert answer.status == 200 and answer.headers["content-type"] == JWT, answer
    head, body, signature = answer.body.decode().split(".")
    header, claims = json.loads(from_b64url(head)), json.loads(from_b64url(body))
    assert header["typ"] == "token-introspection+jwt" and header["alg"] == "PS256", header
    jwk = next(key for key in bank.browser("GET", "/jwks").json["keys"] if key["kid"] == header["kid"])
    numbers = [int.from_bytes(from_b64url(jwk[name]), "big") for name in ("e", "n")]
    rsa.RSAPublicNumbers(*numbers).public_key().verify(
        from_b64url(signature),
        f"{head}.{body}".encode(),
        padding.PSS(padding.MGF1(hashes.SHA256()), 32),
        hashes.SHA256(),
    )
    assert claims["iss"] == partner.data["issuer"] and claims["aud"] == partner.name
    assert abs(claims["iat"] - time.time()) < 60 and claims["token_introspection"]["active"] is True
    assert claims["token_introspection"]["cnf"] == {"x5t#S256": thumbprint(partner)}
    over = introspect(partner, "unknown", {"Accept": JWT}).body.decode().split(".")[1]
    assert json.loads(from_b64url(over))["token_introspection"] == {"active": False}
    assert introspect(partner, "unknown", {"Accept": "application/json"}).json == {"active": False}


def test_metadata_names_the_endpoints(bank, partner):
    metadata = bank.browser("GET", "/.well-known/openid-configuration").json
    base = f"https://localhost:{bank.port}"
    for name, path in (("revocation_endpoint", "/revoke"), ("introspection_endpoint", "/introspect")):
        assert metadata[name] == metadata["mtls_endpoint_aliases"][name] == base + path
    assert "refresh_token" in metadata["grant_types_supported"]
    assert metadata["dpop_signing_alg_values_supported"] == ["PS256", "ES256"]
    assert metadata["authorization_details_types_supported"] == ["payment_initiation", "account_information"]


# ---- the token endpoint


@pytest.mark.spec("fapi/G2", "fapi/G4", "fapi/G6", "fapi/75", "fapi/76", "fapi/21")
def test_refusals_are_json_in_the_characters_of_oauth(bank, partner):
    refused = [
        (partner.ask_token({"grant_type": "password", "username": "mia", "password": "x"}), "unsupported_grant_type"),
        (partner.ask_token({"client_secret": "x"}), "invalid_client"),
        (partner.ask_token({"client_assertion": None, "client_assertion_type": None}), "invalid_client"),
        (partner.ask_token({"scope": 'a"b\\c\r\n\t'}), "invalid_scope"),
        (partner.ask_token({"grant_type": "authorization_code", "code": "\x7f\u00e9"}), "invalid_grant"),
        (partner.ask_token(context=bank.tls_context()), "invalid_client"),  # no certificate
    ]
    for answer, error in refused:
        assert answer.status in (400, 401) and answer.json["error"] == error, answer
        assert answer.headers["content-type"].startswith("application/json"), answer
        assert GRAMMAR.match(answer.json["error_description"]), answer
    assert partner.ask_token().status == 200


# ---- resources


@pytest.mark.spec("fapi/R1", "fapi/111", "fapi/112", "fapi/114", "fapi/115", "fapi/V20")
def test_what_is_accepted(partner):
    token, minted = partner.token("accounts"), set()
    for scheme in ("Bearer", "bearer", "bEARER", "BEARER"):
        answer = partner.call("GET", "/v1/accounts", None, {"Authorization": f"{scheme} {token}"})
        assert answer.status == 200 and answer.headers["content-type"].startswith("application/json"), answer
        assert re.match(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT\Z", answer.headers["date"])
        minted.add(str(uuid.UUID(answer.headers["x-fapi-interaction-id"])))
    assert len(minted) == 4
    sent = str(uuid.uuid4())
    more = [
        {"Accept": accept} for accept in ("application/json; charset=utf-8", "*/*", "application/*;q=0.5, text/html")
    ]
    more += [{"x-fapi-customer-ip-address": address} for address in ("198.51.100.7", "2001:db8::1")]
    more += [{"x-fapi-auth-date": "Tue, 11 Sep 2012 19:43:31 GMT"}, {"x-fapi-interaction-id": sent}]
    for headers in more:
        answer = partner.get("/v1/accounts", "accounts", headers)
        assert answer.status == 200, (headers, answer)
    assert answer.headers["x-fapi-interaction-id"] == sent


@pytest.mark.spec("fapi/R2", "fapi/113")
def test_tokens_elsewhere_than_in_the_header(partner):
    token = partner.token("payments")
    assert partner.call("GET", "/v1/accounts?access_token=" + token).status in (400, 401)
    body = encode_form({"access_token": token})
    assert partner.call("POST", "/v1/payments", body, FORM).status in (400, 401, 415)
    assert partner.get("/v1/payments/" + str(uuid.uuid4()), "payments").status == 404  # known, and let in


@pytest.mark.spec("fapi/R3", "fapi/R6", "fapi/116", "fapi/117", "fapi/119")
def test_tokens_that_are_not_good_here(bank, partner, customer_token):
    token = partner.token("accounts")
    bad = [token[:-1], token + "A", "x", customer_token, bank.client("bench-client").token("accounts")]
    for text in bad:
        answer = partner.call("GET", "/v1/accounts", None, {"Authorization": "Bearer " + text})
        assert answer.status == 401 and 'error="invalid_token"' in answer.headers["www-authenticate"], (text, answer)
    other = partner.call(
        "GET", "/v1/accounts", None, {"Authorization": "Bearer " + token}, context=bank.tls_context("bench-client")
    )
    assert other.status == 401 and 'error="invalid_token"' in other.headers["www-authenticate"], other
    bare = partner.call("GET", "/v1/accounts", None, {"Authorization": "Bearer " + token}, context=bank.tls_context())
    assert bare.status == 401, bare
    none = partner.call("GET", "/v1/accounts")
    assert none.status == 401 and "error=" not in none.headers["www-authenticate"], none
    assert partner.call("GET", "/v1/accounts", None, {"Authorization": "Bearer " + token}).status == 200


@pytest.mark.spec("fapi/R5", "fapi/118")
def test_scope(partner, party):
    accounts, payments = partner.token("accounts"), partner.token("payments")
    path = "/v1/payments/" + str(uuid.uuid4())
    answer = partner.call("GET", path, None, {"Authorization": "Bearer " + accounts})
    assert answer.status == 403 and answer.code == "insufficient_scope", answer
    assert 'error="insufficient_scope", scope="payments"' in answer.headers["www-authenticate"], answer
    assert partner.call("GET", path, None, {"Authorization": "Bearer " + payments}).status == 404
    consent = f"{PISP}/domestic-payment-consents/{party.consent_made()}"
    headers = {"Authorization": "Bearer " + party.client.token("accounts")}
    assert party.client.call("GET", consent, None, headers).status == 403
    assert party.get(consent.removeprefix(PISP)).status == 200
