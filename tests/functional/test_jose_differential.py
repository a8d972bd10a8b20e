"""Some thousand signed tokens, good and spoilt, before three judges: Giro, npm's jose and libcjose (gateway/r9).

Giro may accept nothing that both others refuse. Where it refuses what another accepts, the reason must stand in
REASONS: a rule of Giro's own, and what this file finds in the input by itself.
"""

import base64
import json
import re

import pytest
from jose_inputs import ALGS, HEADER_BYTES_MAX, KEYS, PAYLOADS, TOKEN_BYTES_MAX, Case, cases, public_of, unb64
from jose_judges import MAKERS, Judge

CASES_MIN = 3000
ACCEPTED_MIN = 100
DEPTH_MAX = 8
KID_BYTES_MAX = 255


# ---- What an input is, read without any of the three ----


def parts_of(case):
    return case.token.split(b".")


def is_strict(part):
    """base64url in its one form: the alphabet alone, no padding, no stray bits."""
    if not re.fullmatch(rb"[A-Za-z0-9_-]*", part) or len(part) % 4 == 1:
        return False
    return base64.urlsafe_b64encode(unb64(part.decode())).rstrip(b"=") == part


def header_bytes(case):
    return base64.urlsafe_b64decode(parts_of(case)[0] + b"==")


def members_of(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise ValueError("a member twice")
    return dict(pairs)


def depth_of(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth_of, inner), default=0)


def header_of(case):
    """The header's object, or None when it is none of strict JSON."""
    try:
        text = header_bytes(case).decode("utf-8")
        header = json.loads(text, object_pairs_hook=members_of)
        json.dumps(header, ensure_ascii=False).encode("utf-8")  # half a pair of surrogates is no text
    except ValueError:
        return None
    return header if isinstance(header, dict) and depth_of(header) <= DEPTH_MAX else None


def is_name(value):
    return isinstance(value, str) and 0 < len(value) <= KID_BYTES_MAX


def header_is_odd(case):
    header = header_of(case)
    if header is None or "\0" in str(header.get("kid")):
        return True
    return not all(is_name(header[name]) for name in ("kid", "typ") if name in header)


def has(case, *members):
    header = header_of(case)
    return header is not None and any(member in header for member in members)


def jwk_of(case):
    return json.loads(case.jwk)


def key_is_for_nothing(case):
    """The key says of itself that it verifies no signature of this algorithm."""
    jwk = jwk_of(case)
    if jwk.get("use", "sig") != "sig" or "verify" not in jwk.get("key_ops", ["verify"]):
        return True
    return jwk.get("alg", case.alg) != case.alg


def key_is_weak(case):
    """Fewer than 2048 bits, an exponent below 65537, or numbers in more than one form."""
    jwk = jwk_of(case)
    if not all(is_strict(jwk[name].encode()) for name in ("n", "e", "x", "y") if name in jwk):
        return True
    numbers = [unb64(jwk[name]) for name in ("n", "e") if name in jwk]
    if any(data[:1] == b"\0" for data in numbers):
        return True
    if jwk["kty"] != "RSA":
        return any(len(unb64(jwk[name])) != 32 for name in ("x", "y") if name in jwk)
    return len(numbers[0]) < 256 or int.from_bytes(numbers[1], "big") < 65537


def key_is_private(case):
    return any(name in jwk_of(case) for name in ("d", "k"))


# Why Giro refuses what another accepts: (reason, the rule it names, whether the input shows it).
REASONS = (
    ("strict base64url", "JOSE_E_SYNTAX", lambda case: not all(map(is_strict, parts_of(case)))),
    ("a token over 16 KiB", "JOSE_E_SIZE", lambda case: len(case.token) > TOKEN_BYTES_MAX),
    ("a header over 2 KiB", "JOSE_E_SIZE", lambda case: len(header_bytes(case)) > HEADER_BYTES_MAX),
    ("a number of no use", "JOSE_E_SIZE", lambda case: re.search(rb"[0-9]{309}", header_bytes(case))),
    ("a header that is not strict JSON, or kid or typ no name", "JOSE_E_HEADER", header_is_odd),
    ("an algorithm of no profile", "JOSE_E_ALG", lambda case: (header_of(case) or {}).get("alg") in ("RS256", "HS256")),
    ("zip, b64, jku, x5u or jwk", "JOSE_E_MEMBER", lambda case: has(case, "zip", "b64", "jku", "x5u", "jwk")),
    ("crit", "JOSE_E_CRIT", lambda case: has(case, "crit")),
    (
        "the kid of another key",
        "JOSE_E_KEY",
        lambda case: has(case, "kid") and header_of(case)["kid"] != jwk_of(case)["kid"],
    ),
    ("a key for something else", "JOSE_E_KEY", key_is_for_nothing),
    (
        "an ES256 signature that is not 64 bytes",
        "JOSE_E_SIGNATURE",
        lambda case: len(unb64(parts_of(case)[2].decode())) != 64,
    ),
    ("a key too weak, or in a second form", "JWKS_E_KEY", key_is_weak),
    ("a private or secret key", "JWKS_E_PRIVATE", key_is_private),
    ("a key that points elsewhere", "JWKS_E_REMOTE", lambda case: "x5u" in jwk_of(case)),
    ("a kid that is no name", "JWKS_E_SYNTAX", lambda case: not is_name(jwk_of(case)["kid"])),
)


def reason_of(case, rule):
    return next((reason for reason, named, shows in REASONS if named == rule and shows(case)), None)


@pytest.fixture(scope="module")
def judges():
    return {name: Judge(name) for name in MAKERS}


def accepts(verdict):
    return verdict[1] is None


@pytest.mark.spec("gateway/r9")
def test_giro_is_never_the_only_one_to_accept(judges):
    inputs = list(cases())
    verdicts = {name: judge.verify(inputs) for name, judge in judges.items()}
    alone, unread, unnamed, used, accepted = [], [], [], set(), {name: 0 for name in judges}
    for i, case in enumerate(inputs):
        said = {name: verdicts[name][i] for name in judges}
        others = [name for name in judges if name != "giro" and accepts(said[name])]
        for name in judges:
            accepted[name] += accepts(said[name])
        if accepts(said["giro"]):
            alone += [] if others else [case]
            unread += [case for name in others if said[name] != said["giro"]]
        elif others:
            reason = reason_of(case, said["giro"][1])
            used.add(reason)
            unnamed += [] if reason else [(said["giro"][1], others, case)]
    assert not alone, alone[:5]  # both others refuse it
    assert not unread, unread[:5]  # the same token, another payload
    assert not unnamed, unnamed[:5]
    assert used - {None} == {reason for reason, _, _ in REASONS}  # no reason stands there for nothing
    assert len(inputs) >= CASES_MIN
    assert min(accepted.values()) >= ACCEPTED_MIN, accepted


@pytest.mark.spec("gateway/r9")
def test_each_reads_what_each_signs(judges):
    """Signed now, with what each draws now; libcjose has no EdDSA."""
    made = [(name, *signed) for name, judge in judges.items() for signed in judge.sign_all()]
    assert len(made) == len(PAYLOADS) * sum(map(len, MAKERS.values()))
    for name, judge in judges.items():
        known = [one for one in made if one[1] in MAKERS[name]]
        inputs = [
            Case(f"by {maker}", alg, public_of(KEYS[ALGS[alg]]), token.encode()) for maker, alg, _, token in known
        ]
        assert judge.verify(inputs) == [(payload, None) for _, _, payload, _ in known], name
