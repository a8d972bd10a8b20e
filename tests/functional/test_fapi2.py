"""FAPI 2.0 as a third party meets it: metadata, pushed requests, authorize, what comes back, codes and ID tokens."""

import json
import time
import uuid

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from authorization import FORM, PUSHED_PREFIX, Party, new_verifier, refused, shown
from bank import ASSERTION_TYPE, encode_form, from_b64url
from open_banking import PISP

SAFE_ALGORITHMS = {"PS256", "ES256", "EdDSA", "Ed25519"}
# RFC 8414, RFC 8705, RFC 9101, RFC 9126, RFC 9207, RFC 9396, RFC 9449, RFC 7009, RFC 7662, RFC 9701, JARM
KNOWN_METADATA = set(
    """issuer authorization_endpoint token_endpoint pushed_authorization_request_endpoint jwks_uri mtls_endpoint_aliases
    require_pushed_authorization_requests authorization_response_iss_parameter_supported
    tls_client_certificate_bound_access_tokens claims_parameter_supported request_parameter_supported
    request_uri_parameter_supported response_types_supported response_modes_supported grant_types_supported
    code_challenge_methods_supported token_endpoint_auth_methods_supported
    token_endpoint_auth_signing_alg_values_supported id_token_signing_alg_values_supported subject_types_supported
    scopes_supported claims_supported acr_values_supported request_object_signing_alg_values_supported
    authorization_signing_alg_values_supported require_signed_request_object registration_endpoint
    introspection_endpoint introspection_endpoint_auth_methods_supported
    introspection_endpoint_auth_signing_alg_values_supported introspection_signing_alg_values_supported
    revocation_endpoint revocation_endpoint_auth_methods_supported
    revocation_endpoint_auth_signing_alg_values_supported dpop_signing_alg_values_supported
    authorization_details_types_supported userinfo_endpoint end_session_endpoint service_documentation op_policy_uri
    op_tos_uri ui_locales_supported prompt_values_supported request_object_encryption_alg_values_supported
    request_object_encryption_enc_values_supported id_token_encryption_alg_values_supported
    id_token_encryption_enc_values_supported claim_types_supported claims_locales_supported
    display_values_supported""".split()
)


@pytest.fixture(scope="module")
def party(bank):
    return Party(bank.client("acme-tpp"))


@pytest.fixture(scope="module")
def other(bank):
    return Party(bank.client("gamma-tpp"))


@pytest.fixture(scope="module")
def waiting(party):
    """A consent that nobody decides on: for requests that are refused."""
    return party.consent_made()


def metadata_of(bank):
    return bank.browser("GET", "/.well-known/openid-configuration").json


# ---- metadata and keys


@pytest.mark.spec("fapi/G1", "fapi/1", "fapi/V21", "fapi/N7", "gateway/35")
def test_metadata_names_its_own_address(bank, party):
    for path in ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"):
        answer = bank.browser("GET", path)
        assert answer.status == 200 and answer.headers["content-type"].startswith("application/json"), answer
        metadata = answer.json
        assert metadata["issuer"] == party.issuer == f"https://localhost:{bank.port + 1}"
        assert not set(metadata) - KNOWN_METADATA, set(metadata) - KNOWN_METADATA
        assert all(value not in ([], "", None) for value in metadata.values())
        assert metadata["jwks_uri"].startswith(party.issuer)
        assert metadata["authorization_endpoint"] == party.issuer + "/authorize"
        for name, url in metadata["mtls_endpoint_aliases"].items():
            assert url == metadata[name] and url.startswith(f"https://localhost:{bank.port}/")


@pytest.mark.spec("fapi/2", "fapi/3", "fapi/4", "fapi/5", "fapi/6", "fapi/7", "fapi/8")
def test_metadata_promises(bank):
    metadata = metadata_of(bank)
    assert {"code", "code id_token"} <= set(metadata["response_types_supported"])
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert metadata["pushed_authorization_request_endpoint"].endswith("/par")
    assert isinstance(metadata["require_pushed_authorization_requests"], bool)
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert metadata["tls_client_certificate_bound_access_tokens"] is True
    for name, value in metadata.items():
        if name.endswith("_signing_alg_values_supported"):
            assert {"PS256", "ES256"} & set(value) and set(value) <= SAFE_ALGORITHMS, (name, value)
    assert "jwt" in metadata["response_modes_supported"]
    assert "private_key_jwt" in metadata["token_endpoint_auth_methods_supported"]
    assert not [method for method in metadata["token_endpoint_auth_methods_supported"] if "secret" in method]
    assert metadata["claims_parameter_supported"] is True and metadata["request_parameter_supported"] is True
    assert {"acr", "openbanking_intent_id"} <= set(metadata["claims_supported"])
    assert {"authorization_code", "client_credentials"} <= set(metadata["grant_types_supported"])
    assert {"openid", "accounts"} <= set(metadata["scopes_supported"])


@pytest.mark.spec("fapi/9", "fapi/K3", "fapi/K5")
def test_published_keys(bank):
    keys = bank.browser("GET", "/jwks").json["keys"]
    assert keys and len({key["kid"] for key in keys}) == len(keys)
    for key in keys:
        assert not set(key) & {"d", "p", "q", "dp", "dq", "qi", "oth", "k", "x5u", "jku"}
        assert key["use"] == "sig" and key["alg"] == "PS256" and key["kty"] == "RSA"
        assert len(from_b64url(key["n"])) >= 256


# ---- pushed requests


@pytest.mark.spec("fapi/A2", "fapi/A12", "fapi/13", "gateway/24")
def test_pushed(party, waiting):
    seen = set()
    for _ in range(2):
        answer = party.push_parameters(party.parameters(waiting, new_verifier()))
        assert answer.status == 201 and answer.headers["content-type"].startswith("application/json"), answer
        assert answer.headers["cache-control"] == "no-store"
        assert set(answer.json) == {"request_uri", "expires_in"}
        assert type(answer.json["expires_in"]) is int and 5 <= answer.json["expires_in"] < 600
        secret = answer.json["request_uri"].removeprefix(PUSHED_PREFIX)
        assert len(from_b64url(secret)) >= 16
        seen.add(secret)
    assert len(seen) == 2


@pytest.mark.spec("fapi/A20", "fapi/14")
def test_pushed_by_post_alone(party, waiting):
    fields = encode_form({"client_id": party.name})
    for method, body in (("GET", None), ("PUT", fields), ("DELETE", None), ("PATCH", fields)):
        answer = party.client.call(method, "/par", body, FORM if body else None)
        assert answer.status == 405 and answer.headers["allow"] == "POST", answer
    assert party.push_parameters(party.parameters(waiting, new_verifier())).status == 201


@pytest.mark.spec(
    *"fapi/A4 fapi/21 fapi/C1 fapi/C2 fapi/C3 fapi/C4 fapi/C8 fapi/17 fapi/19 fapi/20 fapi/25 fapi/V15 fapi/G6".split()
)
def test_pushed_by_whom(party, other, waiting):
    fields, now = party.parameters(waiting, new_verifier()), int(time.time())
    said = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in fields.items()}
    refused(party.client.call("POST", "/par", encode_form(said), FORM), "invalid_client")
    secret = {**said, "client_secret": "x"}
    refused(party.client.call("POST", "/par", encode_form(secret), FORM), "invalid_client")
    for claims in (
        {"iss": None},
        {"sub": None},
        {"aud": None},
        {"exp": None},
        {"jti": None},
        {"iss": other.name},
        {"sub": other.name},
        {"exp": now - 300},
        {"exp": now + 360},
    ):
        answer = party.post_pushed(fields, party.client.assertion(**claims))
        refused(answer, "invalid_client")
        assert answer.status == 401
    refused(party.post_pushed({**fields, "client_id": other.name}), "invalid_client")
    refused(party.post_pushed(fields, other.client.assertion()), "invalid_client")
    refused(party.post_pushed(fields, context=party.bank.tls_context()), "invalid_client")
    assert party.post_pushed(fields).status == 201
    assert party.post_pushed({**fields, "client_id": None}).status == 201


@pytest.mark.spec("fapi/G8", "fapi/15", "fapi/18")
def test_assertion_is_for_the_issuer_alone(party, waiting):
    fields, token_url = party.parameters(waiting, new_verifier()), party.client.data["token_endpoint"]
    for audience in (party.pushed_url, token_url, [party.issuer], [party.issuer, token_url], party.issuer + "/", ""):
        refused(party.post_pushed(fields, party.client.assertion(aud=audience)), "invalid_client")
    assert party.post_pushed(fields, party.client.assertion(aud=party.issuer)).status == 201


@pytest.mark.spec("fapi/G13", "fapi/22", "fapi/23")
def test_assertion_of_a_clock_that_differs(party, waiting):
    fields, now = party.parameters(waiting, new_verifier()), int(time.time())
    for name in ("iat", "nbf"):
        assert party.post_pushed(fields, party.client.assertion(**{name: int(time.time()) + 8})).status == 201
        late = party.client.assertion(**{name: now + 75, "exp": now + 120})
        refused(party.post_pushed(fields, late), "invalid_client")


@pytest.mark.spec("fapi/C5", "fapi/24", "gateway/13")
def test_assertion_is_used_once_at_any_endpoint(party, waiting):
    fields, assertion = party.parameters(waiting, new_verifier()), party.client.assertion()
    assert party.post_pushed(fields, assertion).status == 201
    refused(party.post_pushed(fields, assertion), "invalid_client")
    refused(party.client.ask_token(assertion=assertion), "invalid_client")


@pytest.mark.spec("fapi/C6", "fapi/16")
def test_assertion_by_rs256(party, waiting):
    def rs256(data):
        return party.client.signing_key.sign(data, padding.PKCS1v15(), hashes.SHA256())

    fields = party.parameters(waiting, new_verifier())
    refused(party.post_pushed(fields, party.client.assertion({"alg": "RS256"}, rs256)), "invalid_client")
    refused(party.post_pushed(fields, party.client.assertion(sign=rs256)), "invalid_client")
    assert party.post_pushed(fields).status == 201


NOT_PUSHED = [
    ("response_type token", {"response_type": "token"}, "unsupported_response_type"),
    ("response_type code id_token", {"response_type": "code id_token"}, "unsupported_response_type"),
    ("response_type id_token", {"response_type": "id_token"}, "unsupported_response_type"),
    ("response_type none", {"response_type": None}, "invalid_request"),
    ("response_mode fragment", {"response_mode": "fragment"}, "invalid_request"),
    ("no challenge", {"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
    ("challenge without its method", {"code_challenge_method": None}, "invalid_request"),
    ("plain", {"code_challenge_method": "plain"}, "invalid_request"),
    ("no redirect_uri", {"redirect_uri": None}, "invalid_request"),
    ("request_uri inside", {"request_uri": PUSHED_PREFIX + "x" * 43}, "invalid_request"),
    ("request object", {"request": "a.b.c"}, ("request_not_supported", "invalid_request")),
    ("scope not registered", {"scope": "openid payments everything"}, "invalid_scope"),
    ("no scope", {"scope": None}, "invalid_scope"),
    ("state of 4,000", {"state": "s" * 4000}, "invalid_request"),
]


@pytest.mark.spec(
    "gateway/25",
    *"fapi/A1 fapi/A5 fapi/A6 fapi/A19 fapi/26 fapi/27 fapi/28 fapi/29 fapi/59 fapi/G14".split(),
)
@pytest.mark.parametrize("changes, error", [case[1:] for case in NOT_PUSHED], ids=[case[0] for case in NOT_PUSHED])
def test_not_pushed(party, waiting, changes, error):
    refused(party.push_parameters(party.parameters(waiting, new_verifier(), **changes)), error)
    assert party.push_parameters(party.parameters(waiting, new_verifier())).status == 201


@pytest.mark.spec("fapi/A8", "fapi/30", "fapi/V7", "fapi/V19", "gateway/T15")
def test_redirect_uri_exactly_as_registered(party, waiting):
    uri = party.redirect_uri
    for wrong in (
        uri + "/more",
        uri + "?a=b",
        uri + "#x",
        uri[:-1],
        uri + "/../callback",
        uri.replace("https://", "http://"),
        uri.replace("https://", "https://user@"),
        uri.replace("https://", "app:/"),
        uri.upper(),
        "https://evil.example/callback",
        "http://127.0.0.1:1/callback",
        "com.example.app:/callback",
        uri + " " + party.client.data["redirect_uris"][1],
    ):
        refused(party.push_parameters(party.parameters(waiting, new_verifier(), redirect_uri=wrong)), "invalid_request")
    for right in party.client.data["redirect_uris"]:
        assert party.push_parameters(party.parameters(waiting, new_verifier(), redirect_uri=right)).status == 201, right


@pytest.mark.spec("fapi/66")
def test_consent_of_another_client(party, other, waiting):
    refused(
        other.push_parameters(other.parameters(waiting, new_verifier())), ("invalid_request", "access_denied")
    )  # the other one's own passes everywhere else here
    assert party.push_parameters(party.parameters(waiting, new_verifier())).status == 201


# ---- authorize


@pytest.mark.spec("fapi/A3", "fapi/36", "fapi/G7", "gateway/24")
def test_authorize_takes_nothing_that_was_not_pushed(party, waiting):
    plain = party.parameters(waiting, new_verifier())
    plain["claims"] = json.dumps(plain["claims"])
    shown(party.visit(**plain))
    shown(party.visit(redirect_uri="https://evil.example/"))
    shown(party.visit(request_uri="https://evil.example/request.jwt"))
    shown(party.visit(request_uri=PUSHED_PREFIX + "A" * 43, redirect_uri=party.redirect_uri))
    shown(party.visit(request=party.request_object(plain)))
    for name in ("redirect_uri", "next", "url", "return_to", "state", "error_uri", "post_logout_redirect_uri"):
        shown(party.visit(**{name: "https://evil.example/"}))


@pytest.mark.spec("fapi/A16", "fapi/31")
def test_request_of_another_client(party, other):
    pushed = party.push_parameters(party.parameters(party.consent_made(), new_verifier())).json["request_uri"]
    shown(other.visit(request_uri=pushed))
    assert party.visit(request_uri=pushed).status == 303  # and it was not used up


@pytest.mark.spec("fapi/A17", "fapi/33", "fapi/34", "fapi/N5", "fapi/N6")
def test_request_is_used_by_the_decision_not_by_the_page(party, bank):
    consent = party.consent_made()
    pushed = party.push_parameters(party.parameters(consent, new_verifier(), login_hint=None)).json["request_uri"]
    for _ in range(2):
        page = party.visit(request_uri=pushed)
        assert page.status == 200 and page.headers["content-type"].startswith("text/html"), page
        assert "max-age=" in page.headers["strict-transport-security"]
        assert not [name for name in page.headers if name.startswith("access-control-")]
    parameters = party.parameters(consent, new_verifier())
    pushed = party.push_parameters(parameters).json["request_uri"]
    assert "code" in party.response(party.visit(request_uri=pushed), parameters)
    shown(party.visit(request_uri=pushed))
    crossed = bank.browser(
        "GET", "/authorize?" + encode_form({"client_id": party.name}), headers={"Origin": "https://a.example"}
    )
    assert not [name for name in crossed.headers if name.startswith("access-control-")]


@pytest.mark.spec("fapi/A18", "fapi/A21", "fapi/35", "fapi/50")
def test_only_what_was_pushed_counts(party):
    verifier = new_verifier()
    parameters = party.parameters(party.consent_made(), verifier, state=None)
    answer = party.visit_pushed(
        parameters,
        state="outside",
        redirect_uri="https://evil.example/",
        response_type="token",
        response_mode="fragment",
        scope="everything",
        nonce="outside",
    )
    said = party.back(answer)
    assert set(said) == {"code", "iss"}, said
    token = party.exchange_code(said["code"], verifier).json
    assert token["scope"] == "openid payments"
    assert party.claims_of(token["id_token"])["nonce"] == parameters["nonce"]
    parameters = party.parameters(party.consent_made(), new_verifier())
    assert set(party.authorize_pushed(parameters)) == {"code", "state"}  # client_id and request_uri alone


@pytest.mark.spec(
    "fapi/A7", "fapi/A10", "fapi/A11", "fapi/54", "fapi/55", "fapi/62", "fapi/64", "fapi/67", "gateway/35"
)
def test_response(party):
    parameters = party.parameters(party.consent_made(), new_verifier())
    said = party.back(party.visit_pushed(parameters))
    assert set(said) == {"code", "state", "iss"} and said["iss"] == party.issuer
    assert said["state"] == parameters["state"] and len(from_b64url(said["code"])) >= 16
    parameters = party.parameters(party.consent_made(), new_verifier(), login_hint="decline")
    said = party.back(party.visit_pushed(parameters))
    assert said == {"error": "access_denied", "state": parameters["state"], "iss": party.issuer}


@pytest.mark.spec("fapi/A14", "fapi/A15", "fapi/56", "fapi/57", "fapi/58")
def test_state_and_nonce_intact(party):
    for changes in (
        {"state": "s" * 1000 + " &=%?#+/~\"'", "nonce": "n" * 64},
        {"state": "s" * 128, "nonce": "n" * 384},
        {"state": None, "nonce": None},
        {"scope": "payments openid"},
    ):
        verifier = new_verifier()
        parameters = party.parameters(party.consent_made(), verifier, **changes)
        said = party.authorize_pushed(parameters)
        assert said.get("state") == parameters.get("state")
        token = party.exchange_code(said["code"], verifier)
        assert token.status == 200, token
        assert party.claims_of(token.json["id_token"]).get("nonce") == parameters.get("nonce")


# ---- codes and tokens


@pytest.mark.spec("fapi/68", "fapi/77", "fapi/65", "fapi/V16", "fapi/76", "gateway/17")
def test_token_and_id_token(party):
    verifier, consent = new_verifier(), party.consent_made()
    claims = {
        "id_token": {
            "openbanking_intent_id": {"value": consent, "essential": True},
            "acr": {"essential": True, "values": ["urn:openbanking:psd2:sca"]},
        }
    }
    parameters = party.parameters(consent, verifier, claims=claims)
    code = party.authorize_pushed(parameters)["code"]
    answer = party.exchange_code(code, verifier)
    assert answer.status == 200 and answer.headers["content-type"].startswith("application/json"), answer
    assert answer.headers["cache-control"] == "no-store"
    token = answer.json
    assert token["token_type"] == "Bearer" and token["expires_in"] > 0
    assert token["scope"].split() == ["openid", "payments"]
    assert len(from_b64url(token["access_token"])) >= 16
    said = party.claims_of(token["id_token"])
    assert said["iss"] == party.issuer and said["aud"] == party.name and said["nonce"] == parameters["nonce"]
    assert -60 <= said["iat"] - time.time() <= 1 and said["exp"] > time.time()
    assert said["acr"] == "urn:openbanking:psd2:sca" and said["openbanking_intent_id"] == consent and said["sub"]
    refused(party.exchange_code("\r\n\t", verifier), ("invalid_grant", "invalid_request"))


@pytest.mark.spec("fapi/A9", "fapi/69", "fapi/V18")
def test_code_is_used_once_and_takes_its_token_along(party):
    verifier, consent = new_verifier(), party.consent_made()
    code = party.authorize_pushed(party.parameters(consent, verifier))["code"]
    token = party.exchange_code(code, verifier).json["access_token"]
    body = {"Data": {"ConsentId": consent, "Initiation": {}}, "Risk": {}}
    assert party.post("/domestic-payments", body, token).status == 400  # the token is good, the body is not
    time.sleep(1)
    assert refused(party.exchange_code(code, verifier), "invalid_grant").status == 400
    assert party.post("/domestic-payments", body, token).status == 401


@pytest.mark.spec("fapi/71", "fapi/72", "fapi/73", "fapi/74", "fapi/A5")
def test_code_for_whom_and_where(party, other):
    verifier = new_verifier()
    code = party.authorize_pushed(party.parameters(party.consent_made(), verifier))["code"]
    for answer in (
        party.exchange_code(code, verifier, client=other.client),
        party.exchange_code(code, None),
        party.exchange_code(code, ""),
        party.exchange_code(code, new_verifier()),
        party.exchange_code(code, "short"),
        party.exchange_code(code, verifier, redirect_uri=party.client.data["redirect_uris"][1]),
        party.exchange_code(code, verifier, redirect_uri=None),
        party.exchange_code("A" * 43, verifier),
    ):
        assert refused(answer, "invalid_grant").status == 400
    assert party.exchange_code(code, verifier).status == 200


@pytest.mark.spec("fapi/G4", "fapi/75", "fapi/116")
def test_token_needs_the_certificate(party, other):
    verifier, consent = new_verifier(), party.consent_made()
    code = party.authorize_pushed(party.parameters(consent, verifier))["code"]
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": party.redirect_uri,
        "code_verifier": verifier,
    }
    refused(party.client.ask_token(form, context=party.bank.tls_context()), ("invalid_client", "invalid_request"))
    token = party.client.ask_token(form).json["access_token"]
    path = PISP + "/domestic-payment-consents/" + consent
    headers = {"Authorization": "Bearer " + token}
    stolen = party.client.call("GET", path, None, headers, context=party.bank.tls_context(other.name))
    assert stolen.status == 401, stolen


@pytest.mark.spec("fapi/G2", "fapi/G6")
def test_grants_and_secrets_of_old(party):
    fields = {"username": "mia", "password": "x", "scope": "payments"}
    for grant in ("password", "implicit", "urn:ietf:params:oauth:grant-type:device_code"):
        refused(party.client.ask_token({**fields, "grant_type": grant}), "unsupported_grant_type")
    basic = {**FORM, "Authorization": "Basic " + "YWNtZS10cHA6c2VjcmV0"}
    body = encode_form({"grant_type": "client_credentials", "scope": "payments"})
    refused(party.client.call("POST", "/token", body, basic), "invalid_client")
    refused(party.client.ask_token({"client_secret": str(uuid.uuid4())}), "invalid_client")
    proof = {"client_assertion_type": ASSERTION_TYPE.replace("jwt-bearer", "client_secret_jwt")}
    refused(party.client.ask_token(proof), "invalid_client")
    assert party.client.ask_token({"scope": "payments"}).status == 200
