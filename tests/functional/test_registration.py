"""Software registers itself: POST /register with a statement of the directory, and looks after its registration."""

import subprocess
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from bank import ROOT
from software import REDIRECT, Software


def check_refused(answer, error):
    assert answer.status in (400, 401), answer
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json["error"] == error, answer
    assert "client_id" not in answer.json


@pytest.fixture(scope="module")
def software(bank):
    return Software(bank, "newcomer")


@pytest.mark.spec("gateway/18", "uk/D2", "uk/D1")
def test_a_client_registers_and_is_served(bank):
    new = Software(bank, "registers")
    answer = new.register()
    assert answer.status == 201, answer
    assert answer.headers["cache-control"] == "no-store"
    document = answer.json
    assert document["redirect_uris"] == [REDIRECT] and document["scope"] == "openid accounts payments"
    assert document["token_endpoint_auth_method"] == "private_key_jwt" and document["software_id"]
    assert len(document["registration_access_token"]) >= 43
    assert document["registration_client_uri"].endswith("/register/" + document["client_id"])
    assert abs(document["client_id_issued_at"] - time.time()) < 60
    new.take(answer)
    granted = new.ask_token({"scope": "accounts"})
    assert granted.status == 200 and granted.json["scope"] == "accounts", granted


def test_once_only(bank):
    new = Software(bank, "twice").registered()
    check_refused(new.register(), "invalid_client_metadata")
    assert new.manage("GET").status == 200


@pytest.mark.spec("uk/D1")
def test_statement(bank, software):
    now = int(time.time())
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for statement in (
        software.statement(key=stranger),
        software.statement(iat=now - 3600),
        software.statement(iat=now + 600),
        software.statement(iat=None),
        software.statement(exp=now - 1),
        software.statement(iss="Another Directory"),
        software.statement(software_id=None),
        software.statement(software_roles=[]),
        software.statement(software_jwks=None),
        software.statement()[:-8] + "AAAAAAAA",
        "no.token.atall",
    ):
        check_refused(software.register(statement=statement), "invalid_software_statement")
    check_refused(software.register(body=software.request(software_statement="")), "invalid_software_statement")
    other = Software(bank, "some-other")
    check_refused(software.register(statement=other.statement()), "unapproved_software_statement")
    assert Software(bank, "statement-good").register().status == 201


@pytest.mark.spec("uk/D2")
def test_request(bank, software):
    now = int(time.time())
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for changes in (
        {"iss": "somebody"},
        {"aud": "https://elsewhere.example"},
        {"exp": now - 60},
        {"exp": None},
        {"iat": None},
        {"key": stranger},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "none"},
        {"token_endpoint_auth_method": "tls_client_auth"},
        {"grant_types": ["password"]},
        {"response_types": ["token"]},
        {"id_token_signed_response_alg": "RS256"},
        {"request_object_signing_alg": "none"},
        {"tls_client_certificate_bound_access_tokens": False},
        {"jwks_uri": "https://elsewhere.example/jwks"},
        {"application_type": "native"},
        {"giro_profile": "fapi3"},
    ):
        check_refused(software.register(**changes), "invalid_client_metadata")
    for uris in (
        ["https://elsewhere.example/cb"],
        [REDIRECT + "/more"],
        [],
        "https://localhost:9999/callback",
        [REDIRECT, 1],
    ):
        check_refused(software.register(redirect_uris=uris), "invalid_redirect_uri")
    check_refused(software.register(body="{}"), "invalid_request")
    assert software.register(media="application/json").status == 415
    assert software.call("GET", "/register").status == 405


def test_a_redirect_uri_is_one(bank):
    """URIs are kept with blanks between them: a statement that allows this string allows no second URI."""
    new = Software(bank, "two-in-one")
    two = REDIRECT + " https://elsewhere.example/cb"
    signed = new.statement(software_redirect_uris=[REDIRECT, two])
    check_refused(new.register(redirect_uris=[two], statement=signed), "invalid_redirect_uri")
    assert new.register(redirect_uris=[REDIRECT], statement=signed).status == 201


@pytest.mark.spec("uk/D3")
def test_roles_bound_the_scopes(bank):
    new = Software(bank, "reads-only", "--roles", "AISP")
    check_refused(new.register(scope="openid accounts payments"), "invalid_client_metadata")
    new.registered(scope="openid accounts")
    assert new.ask_token({"scope": "accounts"}).status == 200
    check_refused(new.ask_token({"scope": "payments"}), "invalid_scope")


def test_management(bank, software):
    new, other = Software(bank, "managed").registered(), Software(bank, "manages-too").registered()
    answer = new.manage("GET")
    assert answer.status == 200 and answer.json["client_id"] == new.name, answer
    assert answer.json["redirect_uris"] == [REDIRECT] and "registration_access_token" not in answer.json
    for wrong in (
        new.manage("GET", token="x" * 43),
        new.manage("GET", token=other.registration["registration_access_token"]),
        new.manage("GET", context=other.context),
        new.manage("GET", path="/register/nobody"),
        other.manage("DELETE", path=f"/register/{new.name}"),
        software.call("GET", f"/register/{new.name}"),
    ):
        check_refused(wrong, "invalid_token")
        assert wrong.headers["www-authenticate"].startswith("Bearer")
    changed = new.manage("PUT", new.request(scope="openid accounts", statement=new.statement()))
    assert changed.status == 200 and changed.json["scope"] == "openid accounts", changed
    assert changed.json["client_id"] == new.name
    check_refused(new.ask_token({"scope": "payments"}), "invalid_scope")
    check_refused(new.manage("PUT", new.request(redirect_uris=["https://else.example/"])), "invalid_redirect_uri")
    assert new.manage("GET").json["scope"] == "openid accounts"


def test_removed_is_gone(bank):
    new = Software(bank, "leaves").registered()
    token = new.token("accounts")
    answer = new.manage("DELETE")
    assert answer.status == 204 and answer.body == b"", answer
    assert new.get("/v1/accounts", "accounts").status == 401 and token
    check_refused(new.manage("GET"), "invalid_token")
    assert new.register().status == 201  # as a new client


def test_without_a_certificate_of_software(bank, software):
    context = bank.tls_context()
    answer = software.call("POST", "/register", software.request(), {"Content-Type": "application/jwt"}, context)
    assert answer.status == 401, answer


def test_operator_suspends_and_resumes(bank):
    new = Software(bank, "suspended").registered()
    assert new.get("/v1/accounts", "accounts").status == 200
    token = new.token("accounts")

    def operate(word):
        command = [bank.program, "clients", word, new.name, "--var", bank.var, "--json"]
        subprocess.run(command, check=True, cwd=ROOT, env=bank.environment(), stdout=subprocess.DEVNULL)

    operate("suspend")
    assert new.call("GET", "/v1/accounts", None, {"Authorization": "Bearer " + token}).status == 401
    assert new.ask_token({"scope": "accounts"}).status == 401
    operate("resume")
    assert new.call("GET", "/v1/accounts", None, {"Authorization": "Bearer " + token}).status == 200


def test_metadata_name_the_endpoint(bank, software):
    answer = software.call("GET", "/.well-known/openid-configuration")
    assert answer.json["registration_endpoint"] == software.data["registration_endpoint"]
