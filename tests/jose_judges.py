"""The three who judge and make signed tokens: Giro, npm's jose and libcjose, each a program that reads lines.

python3 tests/jose_judges.py makes tests/jose_differential/tokens.tsv anew (in the test build, npm's packages fetched).
"""

import json
import shutil
import subprocess

import pytest
from bank import BUILD
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jose_inputs import ALGS, FOLDER, KEYS, PAYLOADS, number, unb64
from npm_packages import packages_of

SECONDS_MAX = 300
MAKERS = {"giro": tuple(ALGS), "npm": tuple(ALGS), "cjose": ("PS256", "ES256")}
LETTERS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


def escape(field):
    data = field if isinstance(field, bytes) else field.encode()
    return "".join(chr(c) if c in LETTERS else f"%{c:02X}" for c in data)


def command_of(name):
    """Skips the test when a judge cannot be had."""
    if name == "npm":
        node = shutil.which("node")
        if not node:
            pytest.skip("no Node on this machine")
        folder = packages_of(FOLDER)
        shutil.copyfile(FOLDER / "jose_npm.mjs", folder / "jose_npm.mjs")
        return [node, folder / "jose_npm.mjs"]
    program = BUILD / f"jose_{name}"
    if not program.exists():
        pytest.skip(f"{program.name} is not built: its library is not on this machine")
    return [program]


class Judge:
    """One of the three."""

    def __init__(self, name):
        self.name, self.command = name, command_of(name)

    def ask(self, mode, lines):
        text = "".join("\t".join(map(escape, line)) + "\n" for line in lines)
        done = subprocess.run(
            [str(word) for word in [*self.command, mode]],
            input=text.encode(),
            capture_output=True,
            timeout=SECONDS_MAX,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()[-4000:]
        answers = done.stdout.decode().splitlines()
        assert len(answers) == len(lines)
        return answers

    def verify(self, cases):
        """For each case the payload when it was accepted, and the rule when it was refused: one of them is None."""
        found = []
        for answer in self.ask("verify", [(case.alg, case.jwk, case.token) for case in cases]):
            said, _, what = answer.partition("\t")
            assert said in ("accept", "refuse")
            found.append((bytes.fromhex(what), None) if said == "accept" else (None, what))
        return found

    def sign_all(self):
        """Each payload with each algorithm that it has: (alg, payload, token)."""
        wanted = [(alg, payload) for alg in MAKERS[self.name] for payload in PAYLOADS]
        lines = []
        for alg, payload in wanted:
            jwk = KEYS[ALGS[alg]]
            lines.append((pem_of(jwk), jwk["kid"], payload) if self.name == "giro" else (alg, json.dumps(jwk), payload))
        return [(alg, payload, token) for (alg, payload), token in zip(wanted, self.ask("sign", lines))]


def pem_of(jwk):
    """The private key in PKCS #8."""
    if jwk["kty"] == "RSA":
        public = rsa.RSAPublicNumbers(number(jwk, "e"), number(jwk, "n"))
        numbers = [number(jwk, name) for name in ("p", "q", "d", "dp", "dq", "qi")]
        key = rsa.RSAPrivateNumbers(*numbers, public).private_key()
    elif jwk["kty"] == "EC":
        key = ec.derive_private_key(number(jwk, "d"), ec.SECP256R1())
    else:
        key = ed25519.Ed25519PrivateKey.from_private_bytes(unb64(jwk["d"]))
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def main():
    lines = ["# MAKER ALG TOKEN: made by tests/jose_judges.py with keys.json"]
    for name in MAKERS:
        lines += [f"{name}\t{alg}\t{token}" for alg, _, token in Judge(name).sign_all()]
    (FOLDER / "tokens.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
