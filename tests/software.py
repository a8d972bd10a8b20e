"""Software that the sandbox's directory knows, and what it takes to register it; servers of clients' keys."""

import json
import ssl
import subprocess
import threading
import time

from cryptography.hazmat.primitives import serialization

from bank import ROOT, Client, from_b64url, jws, rsa_pss

REDIRECT = "https://localhost:9999/callback"


def load_key(path):
    return serialization.load_pem_private_key(path.read_bytes(), None)


class Software(Client):
    """Software that is known to the directory; a client once it has registered."""

    def __init__(self, bank, name, *options):
        command = [bank.program, "sandbox", "software", name, "--var", bank.var, *options]
        subprocess.run(command, check=True, cwd=ROOT, env=bank.environment(), stdout=subprocess.DEVNULL)
        self.bank, self.folder = bank, bank.var / "software" / name
        self.data = json.loads((self.folder / "software.json").read_text())
        self.signing_key = load_key(self.folder / "signing.key")
        self.context = ssl.create_default_context(cafile=bank.var / "pki" / "ca.pem")
        self.context.load_cert_chain(self.folder / "transport.pem", self.folder / "transport.key")
        self.local, self.patient, self.tokens = threading.local(), True, {}
        self.name, self.registration = None, None

    def statement(self, key=None, **changes):
        """The statement; changed, it is signed anew by the directory, or by another key."""
        token = (self.folder / "statement.jwt").read_text()
        if not changes and not key:
            return token
        head, body, _ = token.split(".")
        claims = {**json.loads(from_b64url(body)), **changes}
        claims = {name: value for name, value in claims.items() if value is not None}
        key = key or load_key(self.bank.var / "pki" / "directory.key")
        return jws(json.loads(from_b64url(head)), claims, lambda data: rsa_pss(key, data))

    def request(self, statement=None, key=None, alg="PS256", **changes):
        now = int(time.time())
        claims = {
            "iss": self.data["software_id"],
            "iat": now,
            "exp": now + 300,
            "aud": self.data["issuer"],
            "jti": str(time.monotonic_ns()),
            "redirect_uris": [REDIRECT],
            "scope": "openid accounts payments",
            "token_endpoint_auth_method": "private_key_jwt",
            "grant_types": ["authorization_code", "client_credentials"],
            "response_types": ["code"],
            "software_statement": statement or self.statement(),
            **changes,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        head = {"alg": alg, "kid": self.data["kid"], "typ": "JWT"}
        return jws(head, claims, lambda data: rsa_pss(key or self.signing_key, data))

    def register(self, body=None, media="application/jwt", **changes):
        return self.call("POST", "/register", body or self.request(**changes), {"Content-Type": media})

    def registered(self, **changes):
        answer = self.register(**changes)
        assert answer.status == 201, answer
        self.take(answer)
        return self

    def take(self, answer):
        self.registration = answer.json
        self.name = answer.json["client_id"]

    def manage(self, method, body=None, token=None, path=None, context=None):
        headers = {"Authorization": "Bearer " + (token or self.registration["registration_access_token"])}
        if body:
            headers["Content-Type"] = "application/jwt"
        return self.call(method, path or f"/register/{self.name}", body, headers, context)
