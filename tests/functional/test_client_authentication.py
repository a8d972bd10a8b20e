"""How clients prove who they are: keys by URL, certificates with a registered subject, certificates of their own."""

import base64
import datetime
import hashlib
import json
import ssl
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from bank import Bank, b64url, encode_form, rsa_pss, wait_for
from certificates import ORGANIZATION_IDENTIFIER, Authority, KeyServer, jwk_of, key_pem, log_lines, pem, reconfigure
from software import Software

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CALL_SECONDS = 3.5  # the longest that a first fetch is waited for


@pytest.fixture(scope="module")
def own():
    """A bank that fetches keys from hosts of ours."""
    with Bank() as running:
        running.start()
        running.authority = Authority("keys of clients")
        (running.var / "keys-ca.pem").write_bytes(pem(running.authority.certificate))
        lines = f'\nauth:\n  jwks_hosts: [localhost, 127.0.0.1]\n  jwks_ca: "{running.var}/keys-ca.pem"\n'
        reconfigure(running, lambda text: text.replace("\nauth:\n", lines))
        yield running


@pytest.fixture(scope="module")
def server(own):
    return KeyServer(own.authority, own.var)


def registered(bank, name, **terms):
    """Software of the directory that an operator has registered; a term may be a function of it."""
    new = Software(bank, name)
    terms = {term: value(new) if callable(value) else value for term, value in terms.items()}
    if "jwks_uri" not in terms and "jwks" not in terms:
        terms["jwks"] = {"keys": [jwk_of(new.signing_key, new.data["kid"])]}
    bank.admin(
        "client_register",
        **{
            "name": name,
            "display_name": name,
            "profile": "fapi2",
            "sender": "mtls",
            "tier": "open_banking_tpp",
            "org_id": new.data["org_id"],
            "software_id": new.data["software_id"],
            "scope": "openid payments accounts",
            "redirect_uris": ["https://party.example/callback"],
            **terms,
        },
    )
    new.name = name
    return new


def check_invalid(answer):
    assert answer.status == 401 and answer.json["error"] == "invalid_client", answer
    assert "access_token" not in answer.json


# ---- keys by URL


@pytest.mark.spec("gateway/16", "fapi/K5", "fapi/N4")
def test_keys_by_url(own, server):
    url = server.put("/simple", {})
    client = registered(own, "by-url", jwks_uri=url)
    server.put("/simple", jwk_of(client.signing_key, client.data["kid"]))
    for _ in range(3):
        assert client.ask_token({"scope": "accounts"}).status == 200
    assert server.count("/simple") == 1
    shown = own.giro_json("clients", "show", "by-url")
    assert "jwks" not in json.dumps(shown).replace("jwks_uri", "") and url in json.dumps(shown)


def calls_out(bank, url, **wanted):
    """What the journal keeps of the fetches of a URL, once there is one."""

    def look():
        rows = [row["record"] for row in bank.giro_json("audit", "export")]
        rows = [row for row in rows if row.get("event") == "call_out" and row["request"]["url"] == url]
        return [row for row in rows if all(row.get(name) == value for name, value in wanted.items())]

    return wait_for(f"the record of the call to {url}", 30, look, every=0.2)


@pytest.mark.spec("gateway/61", "gateway/65", "gateway/T10")
def test_a_fetch_of_keys_is_in_the_journal(own, server):
    """Beside the call that needed the keys; nothing secret of an address."""
    client = registered(own, "fetch-kept", jwks_uri=server.put("/kept", {}) + "?secret=sesame")
    server.pages["/kept?secret=sesame"] = json.dumps(
        {"keys": [jwk_of(client.signing_key, client.data["kid"])]}
    ).encode()
    answer = client.ask_token({"scope": "accounts"})
    assert answer.status == 200, answer
    (record,) = calls_out(own, server.url("/kept"))
    assert record["peer"] == f"localhost:{server.port}" and record["operation"] == "jwks", record
    assert record["outcome"] == "answered" and record["status"] == 200 and record["duration_us"] > 0
    assert record["interaction_id"] == answer.headers["x-fapi-interaction-id"] and len(record["id"]) == 36
    body = server.pages["/kept?secret=sesame"]
    assert record["response"] == {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    assert "sesame" not in json.dumps(record)
    server.pages["/not-there"] = lambda handler: handler.send_error(404)
    gone = registered(own, "fetch-gone", jwks_uri=server.url("/not-there"))
    check_invalid(gone.ask_token({"scope": "accounts"}))
    assert calls_out(own, server.url("/not-there"))[0]["outcome"] == "refused"
    inside = registered(own, "fetch-inside", jwks_uri="https://10.11.12.13/keys")
    check_invalid(inside.ask_token({"scope": "accounts"}))
    (record,) = calls_out(own, "https://10.11.12.13/keys")
    assert record["outcome"] == "unsent" and record["why"] == {"detail": "an internal address"}, record


@pytest.mark.spec("fapi/C7", "gateway/T9")
def test_an_unknown_key_has_them_fetched_once(own, server):
    client = registered(own, "turns-keys", jwks_uri=server.put("/turning", {}))
    server.put("/turning", jwk_of(client.signing_key, client.data["kid"]))
    assert client.ask_token({"scope": "accounts"}).status == 200
    fresh = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    server.put("/turning", jwk_of(client.signing_key, client.data["kid"]), jwk_of(fresh, "fresh"))

    def signed(kid, key):
        return client.ask_token({"scope": "accounts"}, client.assertion({"kid": kid}, lambda data: rsa_pss(key, data)))

    assert signed("fresh", fresh).status == 200
    assert server.count("/turning") == 2
    for number in range(20):
        check_invalid(signed(f"random-{number}", fresh))
    assert server.count("/turning") == 2  # none of the twenty asked again
    assert client.ask_token({"scope": "accounts"}).status == 200


@pytest.mark.spec("fapi/K6", "gateway/T9")
def test_one_kid_for_two_kinds_of_key(own, server):
    client = registered(own, "same-kids", jwks_uri=server.put("/kids", {}))
    kid, other = client.data["kid"], ec.generate_private_key(ec.SECP256R1())
    numbers = other.public_key().public_numbers()
    point = {"x": b64url(numbers.x.to_bytes(32, "big")), "y": b64url(numbers.y.to_bytes(32, "big"))}
    curve = {"kty": "EC", "crv": "P-256", "use": "sig", "kid": kid, **point}
    server.put("/kids", curve, jwk_of(client.signing_key, kid))
    assert client.ask_token({"scope": "accounts"}).status == 200
    double = registered(own, "double-kids", jwks_uri=server.put("/double", {}))
    one = jwk_of(double.signing_key, "twice")
    server.put("/double", one, jwk_of(client.signing_key, "twice"))
    check_invalid(double.ask_token(None, double.assertion({"kid": "twice"})))  # which of them is not to be guessed


@pytest.mark.spec("gateway/T9", "gateway/16")
def test_servers_that_mean_harm(own, server):
    """Each is given up in time, and costs its own client alone."""

    def redirect(handler):
        handler.send_response(302)
        handler.send_header("Location", server.url("/elsewhere"))
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    def huge(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(100 << 20))
        handler.end_headers()
        for _ in range(100 << 4):
            handler.wfile.write(b" " * 65536)

    def slow(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        for _ in range(30):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.5)  # a slow-loris: never silent for long

    pages = {
        "/redirect": redirect,
        "/huge": huge,
        "/slow": slow,
        "/empty": b"",
        "/private": json.dumps({"keys": [{"kty": "oct", "k": "AAAA"}]}).encode(),
        "/remote": json.dumps({"keys": [{"kty": "RSA", "x5u": "https://127.0.0.1/"}]}).encode(),
    }
    server.pages.update(pages)
    for path in pages:
        client = registered(own, "harm-" + path[1:], jwks_uri=server.url(path))
        server.put("/elsewhere", jwk_of(client.signing_key, client.data["kid"]))
        began = time.monotonic()
        check_invalid(client.ask_token())
        assert time.monotonic() - began < CALL_SECONDS + 2, path
        began = time.monotonic()
        check_invalid(client.ask_token())  # and is not asked again at once
        assert server.count(path) == 1 and time.monotonic() - began < 2, path
    assert server.count("/elsewhere") == 0


@pytest.mark.spec("gateway/T9", "fapi/N4", "fapi/K5")
def test_hosts_that_are_not_called(own, server):
    """Internal addresses, names that the certificate does not have, and anything but https."""
    server.put("/inside", {})
    for name, host in (("link-local", "169.254.169.254"), ("loopback", "127.0.0.2"), ("v6", "[::1]")):
        client = registered(own, "inside-" + name, jwks_uri=server.url("/inside", host))
        check_invalid(client.ask_token())
    named = registered(own, "wrong-name", jwks_uri=server.url("/inside", "127.0.0.1"))  # it is of localhost
    check_invalid(named.ask_token())
    assert server.count("/inside") == 0
    reasons = {line["url"]: line["reason"] for line in log_lines(own, "client_keys_not_fetched")}
    assert reasons[server.url("/inside", "127.0.0.2")] == "an internal address"
    with pytest.raises(AssertionError, match="invalid_keys"):
        registered(own, "no-tls", jwks_uri="http://localhost/keys")


@pytest.mark.spec("gateway/16", "gateway/18")
def test_registration_with_keys_by_url(own, server):
    new = Software(own, "keys-by-url")
    url = server.put("/registers", jwk_of(new.signing_key, new.data["kid"]))
    statement = new.statement(software_jwks=None, software_jwks_endpoint=url)
    new.registered(statement=statement)
    assert new.registration["jwks_uri"] == url and "jwks" not in new.registration
    assert new.ask_token({"scope": "accounts"}).status == 200
    stranger = Software(own, "keys-by-another-url")
    wrong = stranger.statement(software_jwks=None, software_jwks_endpoint=url)  # the keys there are not its own
    answer = stranger.register(statement=wrong)
    assert answer.status == 400 and answer.json["error"] == "invalid_client_metadata", answer


# ---- tls_client_auth


def ask(client, path="/token", **fields):
    """By the certificate of the connection alone."""
    form = {"client_id": client.name, **fields}
    return client.call("POST", path, encode_form({k: v for k, v in form.items() if v is not None}), FORM)


def ask_token(client, **fields):
    return ask(client, **{"grant_type": "client_credentials", "scope": "accounts", **fields})


def subject_of(client):
    return x509.load_pem_x509_certificate((client.folder / "transport.pem").read_bytes()).subject.rfc4514_string()


def check_served(client, token):
    """The token opens a resource, and is its own to look at and to give back."""
    bearer = {"Authorization": "Bearer " + token}
    assert client.call("GET", "/v1/accounts", None, bearer).status == 200
    seen = ask(client, "/introspect", token=token)
    assert seen.status == 200 and seen.json["active"] is True and seen.json["cnf"]["x5t#S256"], seen
    assert ask(client, "/revoke", token=token).status == 200
    assert client.call("GET", "/v1/accounts", None, bearer).status == 401


@pytest.mark.spec("gateway/12", "fapi/G6", "fapi/25")
def test_a_certificate_with_the_registered_subject(own):
    client = registered(own, "tls-client", auth="tls_client_auth", tls_subject=lambda new: "dn:" + subject_of(new))
    granted = ask_token(client)
    assert granted.status == 200, granted
    again = ask_token(client)
    assert again.status == 200  # nothing is spent
    check_served(client, granted.json["access_token"])
    pushed = ask(client, "/par", response_type="code")
    assert pushed.json["error"] not in ("invalid_client", "server_error"), pushed  # it was let in
    check_invalid(ask_token(client, client_id=None))
    check_invalid(ask_token(client, client_id="acme-tpp"))
    check_invalid(ask_token(client, client_secret="guess"))
    check_invalid(client.ask_token({"scope": "accounts"}))  # an assertion is not its method
    other = registered(own, "tls-other", auth="tls_client_auth", tls_subject="dn:" + subject_of(client))
    check_invalid(ask_token(other))


@pytest.mark.spec("fapi/G6")
def test_a_certificate_alone_is_not_enough_for_others(own):
    client = registered(own, "signs-alone")
    check_invalid(ask_token(client))
    assert client.ask_token({"scope": "accounts"}).status == 200
    check_invalid(client.ask_token({"scope": "accounts", "client_secret": "x"}))
    basic = {**FORM, "Authorization": "Basic " + base64.b64encode(b"signs-alone:x").decode()}
    check_invalid(client.call("POST", "/token", "grant_type=client_credentials", basic))


@pytest.mark.spec("fapi/G3")
def test_nobody_is_registered_without_credentials(own):
    for name, terms, error in (
        ("no-keys", {"jwks": {"keys": []}}, "invalid_keys"),
        ("no-subject", {"auth": "tls_client_auth"}, "invalid_authentication"),
        ("bad-subject", {"auth": "tls_client_auth", "tls_subject": "dns:*.example"}, "invalid_authentication"),
        ("no-method", {"auth": "none"}, "invalid_request"),
        ("own-no-keys", {"auth": "self_signed_tls_client_auth", "jwks": {"keys": []}}, "invalid_keys"),
    ):
        with pytest.raises(AssertionError, match=error):
            registered(own, name, **terms)
    new = Software(own, "dcr-nothing")
    for method in ("none", "client_secret_basic", "client_secret_post", "client_secret_jwt", "tls_client_auth"):
        answer = new.register(token_endpoint_auth_method=method)
        assert answer.status == 400 and answer.json["error"] == "invalid_client_metadata", answer


@pytest.mark.spec("gateway/12", "gateway/18")
def test_registration_for_tls_client_auth(own):
    new = Software(own, "dcr-tls")
    subject = subject_of(new)
    two = {"tls_client_auth_subject_dn": subject, "tls_client_auth_san_dns": "api.example"}
    assert new.register(token_endpoint_auth_method="tls_client_auth", **two).status == 400
    new.registered(token_endpoint_auth_method="tls_client_auth", tls_client_auth_subject_dn=subject)
    assert new.registration["token_endpoint_auth_method"] == "tls_client_auth"
    assert new.registration["tls_client_auth_subject_dn"] == subject
    assert ask_token(new).status == 200
    shown = json.dumps(own.giro_json("clients", "show", new.name))
    assert "tls_client_auth" in shown
    changed = new.request(token_endpoint_auth_method="tls_client_auth", tls_client_auth_san_dns="api.example")
    assert new.manage("PUT", changed).status == 200
    check_invalid(ask_token(new))


# ---- self_signed_tls_client_auth


def own_certificate(organization, unit, key=None, days=10, begin_days=-1):
    """A certificate that nobody vouches for, with any names in it."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    parts = [
        (NameOID.ORGANIZATION_NAME, "Test"),
        (ORGANIZATION_IDENTIFIER, organization),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
        (NameOID.COMMON_NAME, "own"),
    ]
    name = x509.Name([x509.NameAttribute(oid, text) for oid, text in parts])
    today = datetime.datetime.utcnow()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today + datetime.timedelta(days=begin_days))
        .not_valid_after(today + datetime.timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    return certificate, key


def jwk_with(certificate):
    numbers = certificate.public_key().public_numbers()
    der = certificate.public_bytes(serialization.Encoding.DER)
    return {
        "kty": "EC",
        "crv": "P-256",
        "use": "sig",
        "kid": b64url(certificate.fingerprint(hashes.SHA256())),
        "x": b64url(numbers.x.to_bytes(32, "big")),
        "y": b64url(numbers.y.to_bytes(32, "big")),
        "x5c": [base64.b64encode(der).decode()],
    }


def show(client, certificate, key):
    path = client.bank.var / f"{client.name}-own.pem"
    path.write_bytes(pem(certificate) + key_pem(key))
    client.context = ssl.create_default_context(cafile=client.bank.var / "pki" / "ca.pem")
    client.context.load_cert_chain(path)
    client.drop()
    return client


def self_signed(bank, name, **terms):
    certificate, key = own_certificate("nobody", "nothing")
    if "jwks_uri" not in terms:
        terms["jwks"] = {"keys": [jwk_with(certificate)]}
    client = registered(bank, name, auth="self_signed_tls_client_auth", **terms)
    return show(client, certificate, key), certificate


@pytest.mark.spec("gateway/12", "fapi/G6")
def test_a_certificate_of_its_own(own):
    client, certificate = self_signed(own, "own-certificate")
    granted = ask_token(client)
    assert granted.status == 200, granted
    token = granted.json["access_token"]
    thumbprint = b64url(certificate.fingerprint(hashes.SHA256()))
    seen = ask(client, "/introspect", token=token).json
    assert seen["cnf"]["x5t#S256"] == thumbprint
    assert ask(client, "/par", response_type="code").json["error"] != "invalid_client"
    check_served(client, token)
    check_invalid(client.ask_token({"scope": "accounts", "client_id": client.name}))  # an assertion is not its method


@pytest.mark.spec("gateway/12", "gateway/T6", "gateway/T12", "fapi/25")
def test_what_an_own_certificate_says_counts_for_nothing(own):
    """Names of other clients, in certificates that no list knows."""
    victim, partner = registered(own, "victim"), own.client("acme-tpp")
    token = victim.token("accounts")
    client, _ = self_signed(own, "claims-much")
    held = ask_token(client).json["access_token"]
    for org, unit in (
        (victim.data["org_id"], victim.data["software_id"]),
        (partner.data["org_id"], partner.data["software_id"]),
        (client.data["org_id"], client.data["software_id"]),
    ):
        show(client, *own_certificate(org, unit))
        for name in (client.name, victim.name, partner.name, None):
            assert ask_token(client, client_id=name).status == 401
        for bearer in (token, held):
            assert client.call("GET", "/v1/accounts", None, {"Authorization": "Bearer " + bearer}).status == 401
        assertion = victim.assertion()
        form = {"client_id": victim.name, "scope": "accounts"}
        assert client.ask_token(form, assertion).status == 401
        body = client.request()
        assert client.call("POST", "/register", body, {"Content-Type": "application/jwt"}).status == 401
    assert victim.get("/v1/accounts", "accounts").status == 200


@pytest.mark.spec("gateway/12", "fapi/116")
def test_tokens_of_own_certificates_are_bound_to_them(own):
    client, _ = self_signed(own, "binds-own")
    other, _ = self_signed(own, "binds-other")
    token = ask_token(client).json["access_token"]
    bearer = {"Authorization": "Bearer " + token}
    assert client.call("GET", "/v1/accounts", None, bearer).status == 200
    assert other.call("GET", "/v1/accounts", None, bearer).status == 401
    assert client.call("GET", "/v1/accounts").status == 401
    check_invalid(ask_token(other, client_id=client.name))
    both = registered(own, "not-of-this-method")  # its key is registered, but to sign with
    certificate, key = own_certificate("x", "y", key=ec.generate_private_key(ec.SECP256R1()))
    check_invalid(ask_token(show(both, certificate, key)))


@pytest.mark.spec("gateway/12")
def test_an_own_certificate_has_its_time(own):
    key = ec.generate_private_key(ec.SECP256R1())
    fits, _ = own_certificate("x", "y", key)
    client = registered(own, "own-times", auth="self_signed_tls_client_auth", jwks={"keys": [jwk_with(fits)]})
    for days, begin_days, status in ((10, -1, 200), (-1, -5, 401), (10, 5, 401)):
        show(client, *own_certificate("x", "y", key, days, begin_days))
        assert ask_token(client).status == status, (days, begin_days)


@pytest.mark.spec("gateway/12", "gateway/16")
def test_own_certificates_by_url(own, server):
    """The client puts a new certificate beside its URL and shows it: the keys are fetched anew, once."""
    client, certificate = self_signed(own, "own-by-url", jwks_uri=server.put("/own", {}))
    server.put("/own", jwk_with(certificate))
    assert ask_token(client).status == 200
    fresh, key = own_certificate("nobody", "nothing")
    server.put("/own", jwk_with(certificate), jwk_with(fresh))
    assert ask_token(show(client, fresh, key)).status == 200
    assert server.count("/own") == 2


@pytest.mark.spec("gateway/12", "gateway/18")
def test_registration_for_own_certificates(own):
    """With the certificate of the directory it registers; with its own it is a client."""
    new = Software(own, "dcr-own")
    certificate, key = own_certificate("nobody", "nothing")
    keys = {"keys": [jwk_of(new.signing_key, new.data["kid"]), jwk_with(certificate)]}
    new.registered(
        statement=new.statement(software_jwks=keys), token_endpoint_auth_method="self_signed_tls_client_auth"
    )
    directory = new.context
    check_invalid(ask_token(new))  # the directory's is not registered
    show(new, certificate, key)
    assert ask_token(new).status == 200
    assert new.manage("GET").status == 401
    assert new.manage("GET", context=directory).status == 200


@pytest.mark.spec("fapi/7", "fapi/G6")
def test_metadata_name_the_methods(own):
    document = own.client("acme-tpp").call("GET", "/.well-known/openid-configuration").json
    methods = {"private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"}
    for name in ("token", "revocation", "introspection"):
        assert set(document[name + "_endpoint_auth_methods_supported"]) == methods
    assert document["mtls_endpoint_aliases"]["token_endpoint"] == document["token_endpoint"]
