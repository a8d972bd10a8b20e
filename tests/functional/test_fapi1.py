"""FAPI 1.0 Advanced with the UK's additions: signed requests by value and pushed, the hybrid flow, signed responses."""

import time
import urllib.parse
import uuid

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from account_information import Reader
from authorization import Party, half_hash, new_verifier, refused, shown
from bank import encode_form, rsa_pss
from open_banking import PISP

HYBRID = {"response_type": "code id_token", "response_mode": None}
MINUTES = 60


@pytest.fixture(scope="module")
def party(bank):
    return Party(bank.client("beta-tpp"))


@pytest.fixture(scope="module")
def other(bank):
    return Party(bank.client("beta2-tpp"))


@pytest.fixture(scope="module")
def waiting(party):
    return party.consent_made()


def visit(party, parameters, header=None, sign=None, outside=None, **claims):
    """By value, with what OpenID Connect wants outside as well."""
    beside = {
        "response_type": parameters.get("response_type", "code"),
        "scope": parameters.get("scope", "openid"),
        **(outside or {}),
    }
    return party.visit(request=party.request_object(parameters, header, sign, **claims), **beside)


def error_of(party, answer, parameters):
    """The error of a refused request, by page or by redirect; never a code."""
    if answer.status == 400:
        shown(answer)
        return "page"
    said = party.response(answer, parameters)
    assert "code" not in said and set(said) <= {"error", "state"}, said
    assert said.get("state") == parameters.get("state")
    return said["error"]


# ---- the two flows


@pytest.mark.spec("fapi/V2", "fapi/V8", "fapi/V16", "fapi/61", "fapi/65", "fapi/77", "fapi/57", "fapi/68")
@pytest.mark.parametrize("way", ["by value", "pushed"])
def test_hybrid(party, way):
    verifier = new_verifier() if way == "pushed" else None
    consent = party.consent_made()
    parameters = party.parameters(consent, verifier, **HYBRID)
    answer = party.visit_pushed(parameters) if verifier else visit(party, parameters)
    said = party.back(answer, "fragment")
    assert set(said) == {"code", "id_token", "state", "iss"}, said
    assert said["state"] == parameters["state"] and said["iss"] == party.issuer
    front = party.claims_of(said["id_token"])
    assert front["c_hash"] == half_hash(said["code"]) and front["s_hash"] == half_hash(said["state"])
    assert front["nonce"] == parameters["nonce"] and front["aud"] == party.name and front["iss"] == party.issuer
    assert front["openbanking_intent_id"] == consent and front["acr"]
    personal = {"name", "email", "given_name", "family_name", "phone_number", "address", "birthdate"}
    assert not set(front) & personal and front["sub"] != "mia"  # V8
    token = party.exchange_code(said["code"], verifier)
    assert token.status == 200 and token.json["scope"] == "openid payments", token
    back = party.claims_of(token.json["id_token"])
    assert back["sub"] == front["sub"] and back["nonce"] == parameters["nonce"]
    assert back["openbanking_intent_id"] == consent and "c_hash" not in back


@pytest.mark.spec("fapi/V2", "fapi/V9", "fapi/63", "fapi/62", "fapi/64", "gateway/27")
@pytest.mark.parametrize("way", ["by value", "pushed"])
@pytest.mark.parametrize("mode", ["jwt", "query.jwt", "fragment.jwt"])
def test_signed_response(party, way, mode):
    verifier = new_verifier()
    parameters = party.parameters(party.consent_made(), verifier, response_mode=mode)
    answer = party.visit_pushed(parameters) if way == "pushed" else visit(party, parameters)
    said = party.response(answer, parameters)
    assert set(said) == {"code", "state"} and said["state"] == parameters["state"]
    assert party.exchange_code(said["code"], verifier).status == 200
    parameters = party.parameters(party.consent_made(), verifier, response_mode=mode, login_hint="decline")
    answer = party.visit_pushed(parameters) if way == "pushed" else visit(party, parameters)
    assert party.response(answer, parameters) == {"error": "access_denied", "state": parameters["state"]}


@pytest.mark.spec("fapi/V2", "fapi/V9")
def test_hybrid_inside_a_signed_response(party):
    parameters = party.parameters(party.consent_made(), None, response_type="id_token code", response_mode="jwt")
    said = party.response(visit(party, parameters), parameters)
    assert set(said) == {"code", "id_token", "state"}
    assert party.claims_of(said["id_token"])["c_hash"] == half_hash(said["code"])


@pytest.mark.spec("fapi/64", "fapi/54", "fapi/61")
def test_hybrid_declined(party):
    parameters = party.parameters(party.consent_made(), None, login_hint="decline", **HYBRID)
    said = party.back(visit(party, parameters), "fragment")
    assert said == {"error": "access_denied", "state": parameters["state"], "iss": party.issuer}


@pytest.mark.spec("fapi/V3", "fapi/50", "fapi/51", "fapi/56")
def test_what_stands_outside_does_not_count(party):
    parameters = party.parameters(party.consent_made(), None, state=None, **HYBRID)
    outside = {
        "state": "outside",
        "nonce": "outside",
        "redirect_uri": "https://evil.example/",
        "login_hint": "decline",
        "response_mode": "query",
    }
    said = party.back(visit(party, parameters, outside=outside), "fragment")
    assert set(said) == {"code", "id_token", "iss"}
    front = party.claims_of(said["id_token"])
    assert front["nonce"] == parameters["nonce"] and "s_hash" not in front


@pytest.mark.spec("fapi/A17", "fapi/33", "fapi/34")
def test_request_by_value_is_used_once(party):
    consent = party.consent_made()
    seen = party.request_object(party.parameters(consent, None, login_hint=None, **HYBRID))
    for _ in range(2):
        page = party.visit(request=seen)
        assert page.status == 200 and "Log in" in page.body.decode(), page
    parameters = party.parameters(consent, None, **HYBRID)
    request = party.request_object(parameters)
    assert "code" in party.response(party.visit(request=request), parameters)
    shown(party.visit(request=request))


@pytest.mark.spec("fapi/A17", "fapi/43")
def test_page_of_an_expired_request_is_loaded_again(party, bank):
    request = party.request_object(
        party.parameters(party.consent_made(), None, login_hint=None, **HYBRID), exp=int(time.time()) + 3
    )
    page = party.visit(request=request)
    assert page.status == 200, page
    cookie = {"Cookie": page.headers["set-cookie"].split(";")[0]}
    time.sleep(3.1)
    path = "/authorize?" + encode_form({"client_id": party.name, "request": request})
    assert bank.browser("GET", path, headers=cookie).status == 200  # came in time, goes on
    shown(bank.browser("GET", path))


# ---- the consent that is asked for


@pytest.mark.spec("uk/B1", "fapi/66")
def test_scope_and_consent_are_of_one_kind(party):
    """By value as pushed: a scope of payments goes with no consent to reads, nor the other way round."""
    for consent, fits in ((party.consent_made(), "payments"), (Reader(party).consent_made(), "accounts")):
        for kind in ("accounts", "payments"):
            parameters = party.parameters(consent, new_verifier(), scope="openid " + kind, login_hint=None)
            pushed = party.push_parameters(parameters)
            answer = visit(party, parameters)
            if kind == fits:
                assert pushed.status == 201 and answer.status == 200, (pushed, answer)
                continue
            refused(pushed, "invalid_scope")
            assert error_of(party, answer, parameters) == "invalid_scope"


# ---- what is refused


@pytest.mark.spec("fapi/V1", "fapi/36", "fapi/52", "fapi/A3", "gateway/26")
def test_without_a_request_object(party, waiting):
    parameters = party.parameters(waiting, new_verifier())
    shown(party.visit(**{name: value for name, value in parameters.items() if name not in ("client_id", "claims")}))
    shown(party.visit())
    shown(party.visit(request_uri="https://tpp.example/request.jwt"))
    refused(party.post_pushed(parameters), "invalid_request")
    refused(party.post_pushed({}), "invalid_request")
    assert party.push_parameters(parameters).status == 201


@pytest.mark.spec("fapi/V2", "fapi/59", "fapi/60")
@pytest.mark.parametrize(
    "changes, errors",
    [
        ({"response_mode": None}, ("unsupported_response_type", "invalid_request")),
        ({"response_mode": "query"}, ("invalid_request",)),
        ({"response_mode": "fragment"}, ("invalid_request",)),
        ({"response_mode": "form_post"}, ("invalid_request",)),
        ({"response_type": "token"}, ("unsupported_response_type",)),
        ({"response_type": "id_token"}, ("unsupported_response_type",)),
        ({"response_type": "code token"}, ("unsupported_response_type",)),
        ({"response_type": "code id_token", "response_mode": "query"}, ("invalid_request",)),
        ({"response_type": "code id_token", "response_mode": "query.jwt"}, ("invalid_request",)),
        ({"response_type": None}, ("invalid_request",)),
    ],
)
def test_response_type_and_mode(party, waiting, changes, errors):
    parameters = party.parameters(waiting, new_verifier(), **changes)
    refused(party.push_parameters(parameters), errors)
    said = party.back(visit(party, parameters))
    assert said["error"] in errors and said["state"] == parameters["state"], said
    assert set(said) == {"error", "state", "iss"}


@pytest.mark.spec("fapi/V6", "fapi/49")
@pytest.mark.parametrize("missing", ["redirect_uri", "scope", "nonce", "claims"])
def test_what_is_missing_inside_is_missing(party, waiting, missing):
    parameters = party.parameters(waiting, new_verifier(), **{missing: None})
    whole = party.parameters(waiting, new_verifier())
    outside = {missing: whole[missing]} if missing != "claims" else {}
    answer = visit(party, parameters, outside=outside)
    assert error_of(party, answer, parameters) != "access_denied"
    if missing == "redirect_uri":
        shown(answer)
    request = party.request_object(parameters)
    refused(party.post_pushed({"request": request, **outside}), ("invalid_request", "invalid_scope"))
    assert party.push_parameters(whole).status == 201


@pytest.mark.spec(
    *"fapi/V4 fapi/V5 fapi/41 fapi/42 fapi/43 fapi/44 fapi/45 fapi/46 fapi/47 fapi/48".split(),
)
def test_times_and_audience_of_the_object(party, waiting):
    now, parameters = int(time.time()), party.parameters(waiting, new_verifier())
    for claims in (
        {"exp": None},
        {"exp": now - 1},
        {"exp": now + 61 * MINUTES},
        {"nbf": None},
        {"nbf": now - 61 * MINUTES, "exp": now + 60},
        {"nbf": now + 75},
        {"aud": None},
        {"aud": "https://other.example"},
        {"aud": party.pushed_url},
        {"aud": ["https://other.example", party.pushed_url]},
    ):
        shown(visit(party, parameters, **claims))
        refused(party.post_pushed({"request": party.request_object(parameters, **claims)}), "invalid_request_object")
    for claims in (
        {"nbf": int(time.time()) + 8},
        {"aud": [party.issuer, "https://other.example"]},
        {"nbf": now - 50 * MINUTES, "exp": now + 9 * MINUTES},
    ):
        request = party.request_object(parameters, **claims)
        assert party.post_pushed({"request": request}).status == 201, claims
    accepted = party.parameters(party.consent_made(), None, **HYBRID)
    answer = visit(party, accepted, nbf=int(time.time()) + 8, aud=[party.issuer, "https://other.example"])
    assert "code" in party.response(answer, accepted)


@pytest.mark.spec("fapi/V14", "fapi/37", "fapi/38", "fapi/39", "fapi/40", "fapi/V15", "fapi/28")
def test_signature_and_client_of_the_object(party, other, waiting):
    parameters = party.parameters(waiting, new_verifier())

    def rs256(data):
        return party.client.signing_key.sign(data, padding.PKCS1v15(), hashes.SHA256())

    for header, sign, claims in (
        ({"alg": "none"}, lambda data: b"", {}),
        ({"alg": "RS256"}, rs256, {}),
        ({}, lambda data: rsa_pss(other.client.signing_key, data), {}),
        ({}, lambda data: rsa_pss(party.client.signing_key, data + b"x"), {}),
        ({}, None, {"iss": other.name}),
        ({}, None, {"client_id": other.name}),
        ({}, None, {"request_uri": "urn:x"}),
        ({"typ": "dpop+jwt"}, None, {}),
    ):
        shown(visit(party, parameters, header, sign, **claims))
        request = party.request_object(parameters, header, sign, **claims)
        refused(party.post_pushed({"request": request}), "invalid_request_object")
    request = party.request_object(parameters)
    shown(other.visit(request=request))
    refused(other.post_pushed({"request": request}), "invalid_request_object")
    refused(party.post_pushed({"request": request, "client_id": other.name}), "invalid_client")
    assert party.post_pushed({"request": request}).status == 201


@pytest.mark.spec("fapi/V7", "fapi/V19", "fapi/30", "fapi/54", "fapi/G7")
def test_redirect_uri_exactly_as_registered(party, waiting):
    uri = party.redirect_uri
    for wrong in (
        uri + "/more",
        uri + "?a=b",
        uri.replace("https://", "http://"),
        "https://evil.example/callback",
        "http://127.0.0.1:1/callback",
        "http://localhost/callback",
        "com.example.app:/callback",
    ):
        parameters = party.parameters(waiting, new_verifier(), redirect_uri=wrong)
        shown(visit(party, parameters))
        refused(party.push_parameters(parameters), "invalid_request")
    for right in party.client.data["redirect_uris"]:
        assert party.push_parameters(party.parameters(waiting, new_verifier(), redirect_uri=right)).status == 201


@pytest.mark.spec("fapi/66")
def test_consent_of_another_client(other, waiting):
    parameters = other.parameters(waiting, new_verifier())
    refused(other.push_parameters(parameters), "invalid_request")
    assert error_of(other, visit(other, parameters), parameters) in ("invalid_request", "access_denied")
    own = other.parameters(other.consent_made(), new_verifier())
    assert "code" in other.response(visit(other, own), own)


@pytest.mark.spec("fapi/V10", "fapi/26", "fapi/27", "fapi/72", "fapi/73", "gateway/25")
def test_proof_key(party, waiting):
    refused(party.push_parameters(party.parameters(waiting, None)), "invalid_request")
    plain = party.parameters(waiting, new_verifier(), code_challenge_method="plain")
    refused(party.push_parameters(plain), "invalid_request")
    assert error_of(party, visit(party, plain), plain) == "invalid_request"
    half = party.parameters(waiting, None, code_challenge_method="S256")
    assert error_of(party, visit(party, half), half) == "invalid_request"
    verifier = new_verifier()
    parameters = party.parameters(party.consent_made(), verifier)
    code = party.response(visit(party, parameters), parameters)["code"]
    for wrong in (None, new_verifier(), "short"):
        assert refused(party.exchange_code(code, wrong), "invalid_grant").status == 400
    assert party.exchange_code(code, verifier).status == 200
    parameters = party.parameters(party.consent_made(), None)
    code = party.response(visit(party, parameters), parameters)["code"]
    refused(party.exchange_code(code, verifier), "invalid_grant")  # a verifier for no challenge
    assert party.exchange_code(code, None).status == 200


@pytest.mark.spec("fapi/15")
def test_audiences_of_the_assertion(party, waiting):
    request = {"request": party.request_object(party.parameters(waiting, new_verifier()))}
    token_url, issuer = party.client.data["token_endpoint"], party.issuer
    for audience in (issuer, token_url, party.pushed_url, [issuer], ["https://other.example", token_url]):
        assert party.post_pushed(request, party.client.assertion(aud=audience)).status == 201, audience
        assert party.client.ask_token(assertion=party.client.assertion(aud=audience)).status == 200, audience
    for audience in (issuer + "/", issuer + "/token", "https://other.example", ["https://other.example"], [], None):
        refused(party.post_pushed(request, party.client.assertion(aud=audience)), "invalid_client")
        refused(party.client.ask_token(assertion=party.client.assertion(aud=audience)), "invalid_client")


@pytest.mark.spec("fapi/A16", "fapi/31")
def test_pushed_request_of_another_client(party, other):
    pushed = party.push_parameters(party.parameters(party.consent_made(), new_verifier())).json["request_uri"]
    shown(other.visit(request_uri=pushed))
    assert party.visit(request_uri=pushed).status == 303


# ---- codes, tokens, resources


@pytest.mark.spec("fapi/V11", "fapi/V15", "fapi/71", "fapi/74", "fapi/V18", "fapi/69", "fapi/21")
def test_code_for_whom_and_how_often(party, other):
    parameters = party.parameters(party.consent_made(), None, **HYBRID)
    code = party.response(visit(party, parameters), parameters)["code"]
    assert refused(party.exchange_code(code, client=other.client), "invalid_grant").status == 400
    refused(party.exchange_code(code, client_id=other.name), "invalid_client")
    refused(party.exchange_code(code, redirect_uri=party.client.data["redirect_uris"][1]), "invalid_grant")
    refused(party.exchange_code(code, client_assertion=None), "invalid_client")  # there are no public clients
    token = party.exchange_code(code)
    assert token.status == 200
    time.sleep(1)
    refused(party.exchange_code(code), "invalid_grant")
    assert party.get("/domestic-payment-consents/" + str(uuid.uuid4()), token.json["access_token"]).status == 401


@pytest.mark.spec("fapi/V12", "fapi/75", "fapi/116")
def test_token_is_bound_to_the_certificate(party, other, bank):
    parameters = party.parameters(party.consent_made(), None, **HYBRID)
    code = party.response(visit(party, parameters), parameters)["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": party.redirect_uri}
    refused(party.client.ask_token(form, context=bank.tls_context()), ("invalid_client", "invalid_request"))
    token = party.client.token("payments")
    path = PISP + "/domestic-payment-consents/" + party.consent_made()
    headers = {"Authorization": "Bearer " + token}
    assert party.client.call("GET", path, None, headers).status == 200
    for name in (other.name, None):
        answer = party.client.call("GET", path, None, headers, context=bank.tls_context(name))
        assert answer.status == 401, answer


@pytest.mark.spec("fapi/V20", "fapi/111", "fapi/115")
def test_resource(party):
    path = PISP + "/domestic-payment-consents/" + party.consent_made()
    for address in ("198.51.100.7", "2001:db8::7"):
        interaction = str(uuid.uuid4())
        headers = {
            "Authorization": "Bearer " + party.client.token("payments"),
            "x-fapi-interaction-id": interaction,
            "x-fapi-customer-ip-address": address,
            "x-fapi-auth-date": "Sun, 22 Nov 2026 10:00:00 GMT",
        }
        answer = party.client.call("GET", path, None, headers)
        assert answer.status == 200 and answer.headers["date"], answer
        assert answer.headers["content-type"].startswith("application/json") and answer.body.decode("utf-8")
        assert answer.headers["x-fapi-interaction-id"] == interaction


@pytest.mark.spec("fapi/67", "fapi/A11")
def test_redirects_are_to_https(party):
    parameters = party.parameters(party.consent_made(), None, **HYBRID)
    answer = visit(party, parameters)
    assert answer.status == 303 and urllib.parse.urlsplit(answer.headers["location"]).scheme == "https"
    assert answer.headers["cache-control"] == "no-store" and answer.headers["referrer-policy"] == "no-referrer"
