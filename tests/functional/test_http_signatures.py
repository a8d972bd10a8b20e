"""HTTP message signatures (RFC 9421) by FAPI 2.0 HTTP Signatures, through the edge: made and judged by `cryptography`.

What a client signs and what the bank signs is put together here, from the standard, and not by the bank's own words.
"""

import base64
import json
import re
import time
from hashlib import sha256

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from authorization import Party
from bank import rsa_pss
from software import Software

PATH = "/v1/accounts"
COVERED = ("@method", "@target-uri", "authorization", "content-digest")


def digest_of(body):
    return f"sha-256=:{base64.b64encode(sha256(body).digest()).decode()}:"


class Signer:
    """A client's signatures; what is given by name differs from what is right."""

    def __init__(self, client):
        self.client, self.url = client, f"https://localhost:{client.bank.port}"
        self.token = client.token("accounts")

    def values(self, method, path, body):
        return {
            "@method": method,
            "@target-uri": self.url + path,
            "authorization": "Bearer " + self.token,
            "content-digest": digest_of(body),
        }

    def headers(self, method, path, body=b"", covered=COVERED, label="sig1", key=None, sign_body=None, **parameters):
        values = self.values(method, path, body if sign_body is None else sign_body)
        said = {"created": int(time.time()), "keyid": self.client.data["kid"], "tag": "fapi-2-request", **parameters}
        listed = " ".join(f'"{name}"' for name in covered)
        shown = "".join(f";{name}={json.dumps(value)}" for name, value in said.items() if value is not None)
        inside = f"({listed}){shown}"
        base = "".join(f'"{name}": {values[name]}\n' for name in covered) + f'"@signature-params": {inside}'
        signature = base64.b64encode(rsa_pss(key or self.client.signing_key, base.encode())).decode()
        return {
            "Authorization": values["authorization"],
            "Content-Digest": values["content-digest"],
            "Signature-Input": f"{label}={inside}",
            "Signature": f"{label}=:{signature}:",
        }

    def call(self, method, path, body=b"", headers=None, **changes):
        sent = {"Content-Type": "application/json"} if body else {}
        sent |= headers or self.headers(method, path, body, **changes)
        return self.client.call(method, path, body or None, sent)

    # ---- what comes back

    def check_answer(self, answer, method, path, sent=None):
        """Signed by a published key over what this side knows; sent: the headers that the signature names."""
        label, _, inside = answer.headers["signature-input"].partition("=")
        covered = re.match(r"\(([^)]*)\)", inside).group(1).split(" ")
        values = self.values(method, path, b"")
        known = {
            '"@status"': str(answer.status),
            '"content-digest"': answer.headers["content-digest"],
            '"@method";req': method,
            '"@target-uri";req': values["@target-uri"],
        }
        if sent:
            mine = sent["Signature-Input"].partition("=")[0]
            known |= {f'"{name}";req': sent[name.title()] for name in ("authorization", "content-digest")}
            for name in ("Signature-Input", "Signature"):
                known[f'"{name.lower()}";req;key="{mine}"'] = sent[name].partition("=")[2]
        assert set(covered) == set(known) and len(covered) == len(known), covered
        assert 'tag="fapi-2-response"' in inside and ";alg=" not in inside, inside
        assert abs(int(re.search(r";created=(\d+)", inside).group(1)) - time.time()) < 60
        assert answer.headers["content-digest"] == digest_of(answer.body if method != "HEAD" else b"")
        base = "".join(f"{name}: {known[name]}\n" for name in covered) + f'"@signature-params": {inside}'
        signature = re.fullmatch(f"{label}=:([^:]*):", answer.headers["signature"]).group(1)
        public = Party.key_of(self.client, re.search(r';keyid="([^"]*)"', inside).group(1))
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        public.verify(base64.b64decode(signature), base.encode(), pss, hashes.SHA256())
        with pytest.raises(InvalidSignature):
            public.verify(base64.b64decode(signature), base.encode() + b"x", pss, hashes.SHA256())


@pytest.fixture(scope="module")
def signer(bank):
    return Signer(bank.client("ms-tpp"))


def check_refused(answer, code="http_signature_invalid"):
    assert answer.status == 401 and answer.code == code, answer
    assert answer.headers["www-authenticate"].startswith("Bearer"), answer.headers
    assert 'tag="fapi-2-request"' in answer.headers["accept-signature"], answer.headers


@pytest.mark.spec("fapi/M4")
def test_request_and_answer(signer):
    plain = signer.client.get(PATH, "accounts")
    assert plain.status == 200 and "signature" not in plain.headers  # who need not sign may leave it
    for method, path in (("GET", PATH), ("GET", PATH + "?limit=5"), ("HEAD", PATH), ("GET", PATH + "/nobody")):
        sent = signer.headers(method, path, label="mine")
        answer = signer.call(method, path, headers=sent)
        assert answer.status == (404 if path.endswith("nobody") else 200), answer
        signer.check_answer(answer, method, path, sent)
    body = json.dumps({"name": "Signed", "currency": "GBP"}).encode()
    sent = {"Idempotency-Key": "signed-once", **signer.headers("POST", PATH, body)}
    answer = signer.call("POST", PATH, body, sent)
    assert answer.status == 201, answer
    signer.check_answer(answer, "POST", PATH, sent)


def wrong_requests(signer):
    """(why, the headers of a GET)"""

    def made(**changes):
        return signer.headers("GET", PATH, **changes)

    good, now = made(), int(time.time())
    stranger = rsa.generate_private_key(65537, 2048)
    twice = made(label="sig2")
    yield "no tag", made(tag=None)
    yield "the answer's tag", made(tag="fapi-2-response")
    yield "an old one", made(created=now - 120)
    yield "one of tomorrow", made(created=now + 86400)
    yield "no time", made(created=None)
    yield "no key", made(keyid=None)
    yield "an unknown key", made(keyid="nobody")
    yield "another's key", made(key=stranger)
    yield "an algorithm", made(alg="rsa-pss-sha512")
    for name in COVERED[:3]:
        yield f"without {name}", made(covered=[other for other in COVERED if other != name])
    yield "of another method", signer.headers("DELETE", PATH)
    yield "of another target", signer.headers("GET", PATH + "?limit=5")
    yield "of another body", made(sign_body=b"{}")
    yield "two", {**good, **{name: good[name] + ", " + twice[name] for name in ("Signature-Input", "Signature")}}
    yield "no input", {name: value for name, value in good.items() if name != "Signature-Input"}
    yield "no structured field", {**good, "Signature-Input": good["Signature-Input"] + ";"}


@pytest.mark.spec("fapi/M4")
def test_wrong_signatures(signer):
    assert signer.call("GET", PATH).status == 200
    for why, headers in wrong_requests(signer):
        answer = signer.call("GET", PATH, headers=headers)
        assert answer.status == 401, (why, answer)
        check_refused(answer)
        signer.check_answer(answer, "GET", PATH)
    body = json.dumps({"name": "Signed", "currency": "GBP"}).encode()
    for headers in (
        signer.headers("POST", PATH, body, covered=COVERED[:3]),
        signer.headers("POST", PATH, body.replace(b"Signed", b"Forged")),
    ):
        check_refused(signer.call("POST", PATH, body, {"Idempotency-Key": "never-done", **headers}))


@pytest.mark.spec("fapi/M4")
def test_who_must_sign(bank):
    new = Software(bank, "signs-messages")
    for changes in ({"giro_http_signatures": "always"}, {"giro_profile": "fapi2"}):
        answer = new.register(**{"giro_profile": "fapi2-ms", "giro_http_signatures": "required", **changes})
        assert answer.status == 400 and answer.json["error"] == "invalid_client_metadata", answer
    new.registered(giro_profile="fapi2-ms", giro_http_signatures="required")
    assert new.registration["giro_http_signatures"] == "required"
    signer = Signer(new)
    check_refused(new.get(PATH, "accounts"), "http_signature_required")
    sent = signer.headers("GET", PATH)
    signer.check_answer(signer.call("GET", PATH, headers=sent), "GET", PATH, sent)
    changed = new.manage("PUT", new.request(giro_profile="fapi2-ms"))
    assert changed.status == 200 and "giro_http_signatures" not in changed.json, changed
    assert new.get(PATH, "accounts").status == 200
    for wanted, status in (("required", 401), ("optional", 200)):  # the operator's word
        bank.giro("clients", "signatures", new.name, wanted)
        assert new.get(PATH, "accounts").status == status, wanted
        assert bank.giro_json("clients", "show", new.name)["http_signatures"] == wanted
    assert bank.giro("clients", "signatures", new.name, "perhaps", check=False).returncode != 0
