"""Access tokens of other authorization servers: JWTs (RFC 9068) by issuer, key and claim.

Those of a second Giro and of a server of ours by asking them (RFC 7662). Unbound ones stay out.
"""

import json
import os
import signal
import subprocess
import threading
import time
import uuid

import pytest
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from account_information import Reader
from bank import ASSERTION_TYPE, Bank, Client, b64url, ec_raw, encode_form, from_b64url, jws, wait_for
from certificates import Authority, KeyServer, key_pem, log_lines, pem, reconfigure
from dpop import DpopClient, ProofKey, number
from open_banking import ThirdParty
from test_introspection import introspect

ISSUER = "https://login.partner.example"
URL_ISSUER, GONE_ISSUER, INNER_ISSUER = (f"https://{name}.partner.example" for name in ("url", "gone", "inner"))
LOCAL_ISSUER = "https://local.partner.example"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
KEPT_SECONDS = 5  # what an issuer answered (external_lookup.h)
STEP_SECONDS_MAX = 60


class Issuer:
    """The other server: a key and the tokens that it signs."""

    def __init__(self, audience):
        self.audience = audience
        self.take_key("k1")

    def take_key(self, kid):
        self.key, self.kid = ec.generate_private_key(ec.SECP256R1()), kid
        numbers = self.key.public_key().public_numbers()
        self.jwk = {"kty": "EC", "crv": "P-256", "kid": kid, "x": number(numbers.x), "y": number(numbers.y)}
        self.jwks = {"keys": [self.jwk]}

    def token(self, client, header=None, sign=None, **changes):
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": self.audience,
            "sub": client.name,
            "tpp": client.name,
            "scope": "accounts payments",
            "iat": now,
            "exp": now + 600,
            "jti": str(uuid.uuid4()),
            "cnf": {"x5t#S256": b64url(client.certificate().fingerprint(hashes.SHA256()))},
            **changes,
        }
        head = {"typ": "at+jwt", "alg": "ES256", "kid": self.kid, **(header or {})}
        claims = {name: value for name, value in claims.items() if value is not None}
        return jws(head, claims, sign or (lambda data: ec_raw(self.key, data)))


def give_file(bank, name, content, mode=0o600):
    """A file in the folder of a bank, its daemon's."""
    path, owner = bank.var / name, os.stat(bank.var / "giro.yaml")
    path.write_bytes(content)
    path.chmod(mode)
    os.chown(path, owner.st_uid, owner.st_gid)
    return path


def entry(name, **settings):
    return f"  {name}:\n" + "".join(f'    {key}: "{value}"\n' for key, value in settings.items())


def asking(bank, peer):
    """How the first bank asks the second: as that one's client bench-client."""
    folder = peer.var / "clients" / "bench-client"
    copies = {name: give_file(bank, "peer-" + name, (folder / name).read_bytes()) for name in os.listdir(folder)}
    return {
        "issuer": f"https://localhost:{peer.port + 1}",
        "introspection_endpoint": f"https://localhost:{peer.port}/introspect",
        "introspection_client_id": "bench-client",
        "introspection_certificate": copies["transport.pem"],
        "introspection_key": copies["transport.key"],
        "introspection_signing_key": copies["signing.key"],
        "introspection_signing_kid": json.loads((folder / "client.json").read_text())["kid"],
    }


@pytest.fixture(scope="module")
def authority():
    return Authority("clients of both banks")


@pytest.fixture(scope="module")
def peer(spare, authority):
    """The second Giro: it knows the certificates of our authority, and bench-client may ask about all tokens."""
    ca = give_file(spare, "both.pem", pem(authority.certificate), 0o644)
    reconfigure(
        spare,
        lambda text: text.replace("trust:\n  clients: [", f'trust:\n  clients: ["{ca}", ').replace(
            "\nauth:\n", "\nauth:\n  resource_servers: [bench-client]\n"
        ),
    )
    return spare


@pytest.fixture(scope="module")
def issuer(authority, peer):
    with Bank() as bank:
        bank.start()
        other = Issuer(f"https://localhost:{bank.port}")
        other.bank, other.server = bank, KeyServer(authority, bank.var)
        keys = give_file(bank, "partner.jwks.json", json.dumps(other.jwks).encode(), 0o644)
        other.server.put("/jwks", other.jwk)
        other.server.pages["/introspect"] = lambda handler: handler.give(b'{"active":false}')
        ca = give_file(bank, "both.pem", pem(authority.certificate), 0o644)
        servers = give_file(bank, "servers.pem", ca.read_bytes() + (peer.var / "pki" / "ca.pem").read_bytes(), 0o644)
        signing = give_file(bank, "local-signing.key", key_pem(other.key))
        common = {"audience": other.audience}
        section = "issuers:\n" + "".join(
            entry(name, **common, **settings)
            for name, settings in {
                "partner": {"issuer": ISSUER, "jwks_file": keys, "client_claim": "tpp"},
                "url": {"issuer": URL_ISSUER, "jwks_uri": other.server.url("/jwks"), "client_claim": "tpp"},
                "gone": {"issuer": GONE_ISSUER, "jwks_uri": other.server.url("/none"), "client_claim": "tpp"},
                "inner": {
                    "issuer": INNER_ISSUER,
                    "jwks_uri": other.server.url("/inner", "127.0.0.1"),
                    "client_claim": "tpp",
                },
                "giro": asking(bank, peer),
                "local": {
                    "issuer": LOCAL_ISSUER,
                    "introspection_endpoint": other.server.url("/introspect"),
                    "introspection_client_id": "giro",
                    "introspection_signing_key": signing,
                },
            }.items()
        )
        auth = f'\nauth:\n  issuer_hosts: [localhost]\n  issuer_ca: "{servers}"\n'
        reconfigure(
            bank,
            lambda text: text.replace("trust:\n  clients: [", f'trust:\n  clients: ["{ca}", ').replace(
                "\nauth:\n", auth
            )
            + section,
        )
        yield other


@pytest.fixture
def client(issuer):
    return issuer.bank.client("embed-partner")


def get(client, token, path="/v1/accounts"):
    return client.call("GET", path, None, {"Authorization": "Bearer " + token})


def payment(client, token):
    body, key = json.dumps(client.order("1.00")), str(uuid.uuid4())
    headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json", "Idempotency-Key": key}
    return client.call("POST", "/v1/payments", body, headers)


@pytest.mark.spec("gateway/30")
def test_a_token_of_the_issuer(issuer, client):
    token = issuer.token(client)
    assert get(client, token).status == 200
    assert payment(client, token).status == 201
    assert get(client, issuer.token(client, aud=["https://x.example", issuer.audience])).status == 200
    assert get(client, client.token("accounts")).status == 200  # ours beside it
    narrow = get(client, issuer.token(client, scope="payments"))
    assert narrow.status == 403 and narrow.code == "insufficient_scope", narrow


@pytest.mark.spec("fapi/120", "fapi/R3", "fapi/116", "fapi/117")
def test_what_is_no_token_of_the_issuer(issuer, client):
    stranger, now = ec.generate_private_key(ec.SECP256R1()), int(time.time())
    other = issuer.bank.client("bench-client")
    for name, token in {
        "another issuer": issuer.token(client, iss="https://evil.example"),
        "no issuer": issuer.token(client, iss=None),
        "another audience": issuer.token(client, aud="https://x.example"),
        "no audience": issuer.token(client, aud=None),
        "expired": issuer.token(client, exp=now - 1),
        "no exp": issuer.token(client, exp=None),
        "for a day": issuer.token(client, exp=now + 86400),
        "from the future": issuer.token(client, iat=now + 3600),
        "not yet": issuer.token(client, nbf=now + 3600),
        "no jti": issuer.token(client, jti=None),
        "another client": issuer.token(client, tpp=other.name),
        "no client": issuer.token(client, tpp=None),
        "another certificate": issuer.token(client, cnf={"x5t#S256": b64url(b"x" * 32)}),
        "a malformed binding": issuer.token(client, cnf={"x5t#S256": "x"}),
        "bound to what is not known": issuer.token(client, cnf={"kid": "x"}),
        "an ID token": issuer.token(client, header={"typ": "JWT"}),
        "no customer": issuer.token(client, customer_id="mia"),
        "another key": issuer.token(client, sign=lambda data: ec_raw(stranger, data)),
        "its own key": issuer.token(client, header={"jwk": issuer.jwks["keys"][0]}),
        "unknown kid": issuer.token(client, header={"kid": "k2"}),
        "none": issuer.token(client, header={"alg": "none"}, sign=lambda data: b""),
        "HS256": issuer.token(client, header={"alg": "HS256"}),
        "RS256": issuer.token(client, header={"alg": "RS256"}),
    }.items():
        answer = get(client, token)
        assert answer.status == 401 and answer.code == "invalid_token", (name, answer)
    assert get(other, issuer.token(client)).status == 401
    assert get(client, issuer.token(client)).status == 200


def mac_with(secret):
    def sign(data):
        mac = hmac.HMAC(secret, hashes.SHA256())
        mac.update(data)
        return mac.finalize()

    return sign


@pytest.mark.spec("gateway/T1", "gateway/T2", "gateway/T8", "gateway/r1", "gateway/r2")
def test_forged_tokens_of_the_issuer(issuer, client):
    public, encodings = issuer.key.public_key(), serialization.Encoding
    pem, der = (
        public.public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
        for encoding in (encodings.PEM, encodings.DER)
    )
    point = public.public_bytes(encodings.X962, serialization.PublicFormat.UncompressedPoint)
    jwk = json.dumps(issuer.jwks["keys"][0], separators=(",", ":")).encode()
    forged = [({"alg": "HS256"}, mac_with(secret)) for secret in (pem, pem.strip(), der, point, jwk, b"", b"\0" * 32)]
    forged += [({}, mac_with(pem)), ({"alg": "HS512"}, mac_with(pem))]
    for alg in ("none", "None", "NONE", "nOnE", "", None, 0, ["ES256"], "es256", "Es256", "ES256 ", "ES256\0", "ES384"):
        forged += [({"alg": alg}, lambda data: b""), ({"alg": alg}, None)]
    forged += [
        ({"alg": "PBES2-HS512+A256KW", "p2c": 2**31}, None),
        ({"zip": "DEF"}, None),
        ({"kid": "k" * 3000}, None),
    ]
    for header, sign in forged:
        answer = get(client, issuer.token(client, header=header, sign=sign))
        assert answer.status == 401 and answer.code == "invalid_token", (header, answer)
    assert get(client, issuer.token(client)).status == 200


def test_a_token_that_is_bound_to_nobody(issuer, client):
    token = issuer.token(client, cnf=None)
    assert get(client, token).status == 200  # neither money nor what customers share
    assert payment(client, token).status == 401
    assert get(client, token, "/v1/payments/" + str(uuid.uuid4())).status == 401
    path = "/open-banking/v4.0/pisp/domestic-payment-consents/" + str(uuid.uuid4())
    assert get(client, token, path).status == 401
    assert get(client, issuer.token(client), path).status in (400, 403)  # bound: let in


@pytest.mark.spec("fapi/105", "fapi/107")
def test_a_token_that_is_bound_to_a_key(issuer, client):
    sender = DpopClient(client)
    token = issuer.token(client, cnf={"jkt": sender.key.thumbprint})
    assert sender.get("/v1/accounts", token).status == 200
    assert get(client, token).status == 401
    proof = ProofKey().proof("GET", sender.url + "/v1/accounts", token)
    assert sender.get("/v1/accounts", token, [proof]).status == 401
    assert sender.get("/v1/accounts", issuer.token(client)).status == 401  # bound to the certificate


def test_a_configuration_that_is_wrong_is_refused(issuer, tmp_path):
    path, text = tmp_path / "giro.yaml", (issuer.bank.var / "giro.yaml").read_text()
    for changed, want in (
        (text, None),
        (text.replace("    audience:", "    audiences:"), 'unknown key "issuers.partner.audiences"'),
        (text.replace("    audience:", "    scope_claim:"), "an issuer wants audience"),
        (text.replace("    jwks_file:", "    scope_claim:"), "an issuer wants one of jwks_file, jwks_uri and"),
        (text.replace('jwks_uri: "https', 'jwks_uri: "http'), "jwks_uri must be an https URL"),
        (text.replace("    introspection_key:", "    scope_claim:"), "introspection_key go together"),
        (text.replace("    introspection_client_id:", "    scope_claim:"), "wants introspection_client_id"),
    ):
        path.write_text(changed)
        done = subprocess.run(
            [issuer.bank.program, "check-config", path], capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode == 0) == (want is None), done
        assert want is None or want in done.stdout + done.stderr, done
    for key, lines in (("issuers", 14), ("issuers.partner.jwks_uri", 1), ("auth.issuer_hosts", 1), ("issuers.x", 0)):
        command = [issuer.bank.program, "check-config", "--explain", key]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert len(done.stdout.splitlines()) == lines and (done.returncode == 0) == (lines > 0), (key, done)


# ---- keys by URL


@pytest.mark.spec("gateway/30", "fapi/C7")
def test_keys_at_a_url_and_their_change(issuer, client):
    asked = issuer.server.count("/jwks")
    assert get(client, issuer.token(client, iss=URL_ISSUER)).status == 200
    assert get(client, issuer.token(client, iss=URL_ISSUER)).status == 200
    assert issuer.server.count("/jwks") == asked + 1
    stranger = ec.generate_private_key(ec.SECP256R1())
    forged = issuer.token(client, iss=URL_ISSUER, sign=lambda data: ec_raw(stranger, data))
    assert get(client, forged).status == 401
    other = Issuer(issuer.audience)
    other.take_key("k2")
    issuer.server.put("/jwks", issuer.jwk, other.jwk)
    assert get(client, other.token(client, iss=URL_ISSUER)).status == 200  # a key that is not there: fetched anew
    for _ in range(3):
        assert get(client, other.token(client, iss=URL_ISSUER, header={"kid": "k3"})).status == 401
    assert issuer.server.count("/jwks") == asked + 2  # and not for each that somebody makes up
    unbound = issuer.token(client, iss=URL_ISSUER, cnf=None)
    assert get(client, unbound).status == 200 and payment(client, unbound).status == 401


@pytest.mark.spec("gateway/30")
def test_keys_that_cannot_be_had_say_nothing(issuer, client):
    issuer.server.put("/inner", issuer.jwk)  # good keys, but at an address that may not be called
    for name in (GONE_ISSUER, INNER_ISSUER):
        answer = get(client, issuer.token(client, iss=name))
        assert answer.status == 503 and answer.headers["retry-after"], (name, answer)
    assert issuer.server.count("/none") >= 1 and issuer.server.count("/inner") == 0
    reasons = {line["reason"] for line in log_lines(issuer.bank, "issuer_keys_not_fetched")}
    assert "an internal address" in reasons, reasons
    assert get(client, issuer.token(client)).status == 200


# ---- a second Giro is asked


class PeerClient:
    """The same client at both banks, by one certificate of the authority that both trust."""

    def __init__(self, issuer, peer, authority):
        self.here, self.there = (Client(bank, "embed-partner") for bank in (issuer.bank, peer))
        certificate, key = authority.client(self.here.data["org_id"], self.here.data["software_id"])
        path = issuer.bank.var / "both-client.pem"
        path.write_bytes(pem(certificate) + key_pem(key))
        for client in (self.here, self.there):
            client.context = client.bank.tls_context()
            client.context.load_cert_chain(path)

    def token(self, scope="accounts payments"):
        answer = self.there.ask_token({"scope": scope})
        assert answer.status == 200, answer
        return answer.json["access_token"]

    def revoke(self, token):
        sent = {
            "token": token,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.there.assertion(),
        }
        answer = self.there.call("POST", "/revoke", encode_form(sent), FORM)
        assert answer.status == 200, answer


@pytest.fixture(scope="module")
def both(issuer, peer, authority):
    return PeerClient(issuer, peer, authority)


def check_asked(bank, interaction, token):
    """The journal keeps the question beside the call, and nothing of the token."""

    def look():
        rows = bank.giro_json("audit", "search", "--interaction-id", interaction)
        return [row["record"] for row in rows if row["record"].get("event") == "call_out"]

    (record,) = wait_for("the record of the question", 30, look, every=0.2)
    assert record["operation"] == "introspection" and record["outcome"] == "answered", record
    assert record["request"]["url"].endswith("/introspect") and set(record["response"]) == {"bytes"}, record
    assert token not in json.dumps(record)


@pytest.mark.spec("gateway/31", "gateway/61", "gateway/65")
def test_a_token_of_a_second_giro(issuer, both, client):
    token = both.token()
    assert get(both.there, token).status == 200  # at home
    answer = get(both.here, token)
    assert answer.status == 200
    check_asked(issuer.bank, answer.headers["x-fapi-interaction-id"], token)
    assert payment(both.here, token).status == 201
    path = "/open-banking/v4.0/pisp/domestic-payment-consents/" + str(uuid.uuid4())
    assert get(both.here, token, path).status in (400, 403)  # let in: bound to the certificate
    narrow = payment(both.here, both.token("accounts"))
    assert narrow.status == 403 and narrow.code == "insufficient_scope", narrow
    assert get(both.here, client.token("accounts")).status == 401  # ours, but of another certificate
    assert get(client, client.token("accounts")).status == 200
    for caller in (client, issuer.bank.client("bench-client")):  # another certificate; another client
        answer = get(caller, token)
        assert answer.status == 401 and answer.code == "invalid_token", answer
    for text in (token[:-1], token + "A", "x"):
        assert get(both.here, text).status == 401, text


@pytest.mark.spec("gateway/31")
def test_a_token_that_is_revoked_at_the_second_giro(both):
    token, other = both.token(), both.token()
    assert get(both.here, token).status == 200
    both.revoke(token)
    wait_for("the token refused", KEPT_SECONDS + STEP_SECONDS_MAX, lambda: get(both.here, token).status == 401)
    assert get(both.here, other).status == 200
    fresh = both.token()
    both.revoke(fresh)
    assert get(both.here, fresh).status == 401  # never seen here before: at once


@pytest.mark.spec("gateway/31")
def test_a_second_giro_that_does_not_answer(issuer, peer, both, client):
    token, pid = both.token(), peer.pid("giro")
    os.kill(pid, signal.SIGSTOP)
    try:
        answer = get(both.here, token)
        assert answer.status == 503 and answer.headers["retry-after"], answer  # not known, so not refused
        assert get(client, client.token("accounts")).status == 200
        assert get(client, issuer.token(client)).status == 200
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_for("the token taken", STEP_SECONDS_MAX, lambda: get(both.here, token).status == 200)
    assert log_lines(issuer.bank, "issuer_not_asked")


@pytest.mark.spec("gateway/31")
def test_what_a_resource_server_hears_of_other_clients(peer):
    """Of access tokens what it needs; of refresh tokens nothing, and any other client nothing at all."""
    reader = Reader(ThirdParty(peer.client("acme-tpp")))
    consent_id, verifier = reader.consent_made(), b64url(os.urandom(48))
    pushed = reader.push(consent_id, verifier, login_hint="mia")
    back = reader.party.authorize(pushed.json["request_uri"])
    tokens = reader.party.exchange(back["code"], verifier).json
    server, nobody = peer.client("bench-client"), peer.client("embed-partner")
    told = introspect(server, tokens["access_token"]).json
    assert told["active"] is True and told["client_id"] == "acme-tpp" and told["token_type"] == "Bearer", told
    assert told["openbanking_intent_id"] == consent_id and told["sub"] == peer.customers()["mia"]["customer_id"], told
    assert told["cnf"] == {"x5t#S256": b64url(reader.client.certificate().fingerprint(hashes.SHA256()))}, told
    for client, token in (
        (server, tokens["refresh_token"]),
        (server, "unknown"),
        (nobody, tokens["access_token"]),
        (nobody, tokens["refresh_token"]),
    ):
        assert introspect(client, token).json == {"active": False}, (client.name, token)
    assert introspect(reader.client, tokens["refresh_token"]).json["active"] is True  # its own


# ---- an issuer of ours is asked


class LocalIssuer:
    """What the server of the tests answers about tokens, by token."""

    def __init__(self, issuer):
        self.issuer, self.known, self.free = issuer, {}, threading.Event()
        self.free.set()
        issuer.server.pages["/introspect"] = self.answer

    def answer(self, handler):
        self.form = handler.form
        self.free.wait(STEP_SECONDS_MAX)
        told = self.known.get(handler.form["token"], {"active": False})
        handler.give(told if isinstance(told, bytes) else json.dumps(told).encode(), status=200)

    def token(self, client, **changes):
        now, token = int(time.time()), b64url(os.urandom(32))
        told = {
            "active": True,
            "client_id": client.name,
            "token_type": "Bearer",
            "scope": "accounts payments",
            "iat": now,
            "exp": now + 600,
            "cnf": {"x5t#S256": b64url(client.certificate().fingerprint(hashes.SHA256()))},
            **changes,
        }
        self.known[token] = {name: value for name, value in told.items() if value is not None}
        return token


@pytest.fixture(scope="module")
def local(issuer):
    return LocalIssuer(issuer)


@pytest.mark.spec("gateway/31")
def test_an_answer_that_binds_nobody(local, client):
    bound, token = local.token(client), local.token(client, cnf=None)
    assert get(client, bound).status == 200 and payment(client, bound).status == 201
    assert get(client, token).status == 200  # neither money nor what customers share
    assert payment(client, token).status == 401
    path = "/open-banking/v4.0/pisp/domestic-payment-consents/" + str(uuid.uuid4())
    assert get(client, token, path).status == 401
    assert get(client, bound, path).status in (400, 403)
    sender = DpopClient(client)
    by_key = local.token(client, cnf={"jkt": sender.key.thumbprint}, token_type="DPoP")
    assert sender.get("/v1/accounts", by_key).status == 200
    assert get(client, by_key).status == 401
    claims = json.loads(from_b64url(local.form["client_assertion"].split(".")[1]))
    assert claims["iss"] == claims["sub"] == local.form["client_id"] == "giro", local.form
    assert claims["aud"] == LOCAL_ISSUER and 0 < claims["exp"] - time.time() < 120, claims


@pytest.mark.spec("gateway/31", "fapi/R3")
def test_answers_that_are_not_for_us(local, client):
    now = int(time.time())
    for name, changes in {
        "another issuer": {"iss": ISSUER},
        "another audience": {"aud": "https://x.example"},
        "another client": {"client_id": "bench-client"},
        "no client": {"client_id": None},
        "over": {"exp": now - 1},
        "a refresh token": {"token_type": None},
        "another certificate": {"cnf": {"x5t#S256": b64url(b"x" * 32)}},
        "not active": {"active": False},
    }.items():
        answer = get(client, local.token(client, **changes))
        assert answer.status == 401 and answer.code == "invalid_token", (name, answer)
    good = local.token(client, iss=LOCAL_ISSUER, aud=[local.issuer.audience])
    assert get(client, good).status == 200
    local.known["nonsense"] = b"?"
    assert get(client, "nonsense").status == 503


def served_beside(local, client):
    """Whether our own tokens are served while 24 requests wait for the issuer, who has 3 s."""
    waiting, own, answers = local.token(client), client.token("accounts"), []
    threads = [threading.Thread(target=lambda: answers.append(get(client, waiting).status)) for _ in range(24)]
    local.free.clear()
    try:
        for thread in threads:
            thread.start()
        wait_for("the question", STEP_SECONDS_MAX, lambda: local.form["token"] == waiting)
        assert get(client, own).status == 200 and get(client, local.issuer.token(client)).status == 200
        served = not answers
    finally:
        local.free.set()
        for thread in threads:
            thread.join(STEP_SECONDS_MAX)
    assert len(answers) == 24 and set(answers) <= {200, 503}, answers
    return served


@pytest.mark.spec("gateway/31")
def test_who_waits_for_an_issuer_keeps_no_worker(local, client):
    """More requests than there are workers (16) wait; everybody else is served."""
    token = local.token(client)
    wait_for("the issuer is asked again", STEP_SECONDS_MAX, lambda: get(client, token).status == 200)
    wait_for("others served meanwhile", STEP_SECONDS_MAX, lambda: served_beside(local, client))
