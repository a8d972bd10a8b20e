"""Access tokens of another authorization server (RFC 9068): by issuer, key and claim; unbound ones stay out."""

import json
import os
import subprocess
import time
import uuid

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from bank import START_SECONDS_MAX, Bank, b64url, ec_raw, jws, wait_for
from dpop import DpopClient, ProofKey, number

ISSUER = "https://login.partner.example"


class Issuer:
    """The other server: a key and the tokens that it signs."""

    def __init__(self, audience):
        self.audience = audience
        self.key = ec.generate_private_key(ec.SECP256R1())
        numbers = self.key.public_key().public_numbers()
        jwk = {"kty": "EC", "crv": "P-256", "kid": "k1", "x": number(numbers.x), "y": number(numbers.y)}
        self.jwks = {"keys": [jwk]}

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
        head = {"typ": "at+jwt", "alg": "ES256", "kid": "k1", **(header or {})}
        claims = {name: value for name, value in claims.items() if value is not None}
        return jws(head, claims, sign or (lambda data: ec_raw(self.key, data)))


@pytest.fixture(scope="module")
def issuer():
    with Bank() as bank:
        bank.start()
        other = Issuer(f"https://localhost:{bank.port}")
        other.bank = bank
        keys = bank.var / "partner.jwks.json"
        keys.write_text(json.dumps(other.jwks))
        keys.chmod(0o644)
        config = bank.var / "giro.yaml"
        section = {"issuer": ISSUER, "jwks_file": str(keys), "audience": other.audience, "client_claim": "tpp"}
        lines = [f'    {name}: "{value}"' for name, value in section.items()]
        config.write_text(config.read_text() + "issuers:\n  partner:\n" + "\n".join(lines) + "\n")
        before = wait_for("the daemon", START_SECONDS_MAX, lambda: bank.pid("giro"))
        os.kill(before, 15)
        wait_for("another daemon", START_SECONDS_MAX, lambda: bank.pid("giro") not in (0, before))
        wait_for("the bank ready again", START_SECONDS_MAX, bank.look_ready)
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
    ):
        path.write_text(changed)
        done = subprocess.run(
            [issuer.bank.program, "check-config", path], capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode == 0) == (want is None), done
        assert want is None or want in done.stdout + done.stderr, done
