"""Signed tokens and what may be done to them: the inputs of tests/functional/test_jose_differential.py.

Everything comes from a seed. The signatures are made here, in plain numbers, because every library draws a salt or a
number k of its own (RFC 8017 section 9.1, FIPS 186-5 section 6.4) and none makes the wrong ones that are wanted: other
lengths of salt, r and s outside their range, DER. What the libraries have signed themselves is kept in
tests/jose_differential/tokens.tsv.
"""

import base64
import functools
import hashlib
import hmac
import json
import random
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "jose_differential"
KEYS = json.loads((FOLDER / "keys.json").read_text())["keys"]
ALGS = {"PS256": "rsa", "ES256": "ec", "EdDSA": "okp"}
PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "k"}
TOKEN_BYTES_MAX, HEADER_BYTES_MAX = 16 * 1024, 2 * 1024
PAYLOADS = (
    b'{"iss":"acme","sub":"acme","aud":"https://localhost:8444","exp":1800000300,"jti":"1"}',
    b"",
    bytes(range(256)),
)


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(jwk, name):
    return int.from_bytes(unb64(jwk[name]), "big")


def public_of(jwk):
    return {name: value for name, value in jwk.items() if name not in PRIVATE}


# ---- RSA (RFC 8017) ----


def mask(seed, length, digest):
    blocks = (digest(seed + i.to_bytes(4, "big")).digest() for i in range(length // digest().digest_size + 1))
    return b"".join(blocks)[:length]


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def pss_encode(message, bits, salt, digest, mask_digest):
    length = (bits + 7) // 8
    hashed = digest(bytes(8) + digest(message).digest() + salt).digest()
    block = bytes(length - len(salt) - len(hashed) - 2) + b"\x01" + salt
    masked = bytearray(xor(block, mask(hashed, len(block), mask_digest)))
    masked[0] &= 0xFF >> (8 * length - bits)
    return bytes(masked) + hashed + b"\xbc"


PKCS1_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")


def pkcs1_encode(message, length):
    info = PKCS1_SHA256 + hashlib.sha256(message).digest()
    return b"\x00\x01" + b"\xff" * (length - len(info) - 3) + b"\x00" + info


def rsa_power(jwk, block):
    """The private operation, by the primes."""
    p, q, value = number(jwk, "p"), number(jwk, "q"), int.from_bytes(block, "big")
    a, b = pow(value, number(jwk, "dp"), p), pow(value, number(jwk, "dq"), q)
    result = b + q * (number(jwk, "qi") * (a - b) % p)
    return result.to_bytes((number(jwk, "n").bit_length() + 7) // 8, "big")


# ---- ECDSA on P-256 (FIPS 186-5) and Ed25519 (RFC 8032) ----

P256_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
P256_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
P256_G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
ED_P = 2**255 - 19
ED_L = 2**252 + 27742317777372353535851937790883648493


def p256_add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % P256_P == 0:
            return None
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, P256_P) % P256_P
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P256_P) % P256_P
    x = (slope * slope - a[0] - b[0]) % P256_P
    return x, (slope * (a[0] - x) - a[1]) % P256_P


def p256_times(factor, point):
    result = None
    while factor:
        if factor & 1:
            result = p256_add(result, point)
        point = p256_add(point, point)
        factor >>= 1
    return result


@functools.lru_cache(maxsize=None)
def p256_drawn(which):
    """One of a few k with its r: a key that everybody knows loses nothing by a k that comes again."""
    k = int.from_bytes(hashlib.sha512(bytes([which])).digest(), "big") % (P256_N - 1) + 1
    return k, p256_times(k, P256_G)[0] % P256_N


def es256_numbers(jwk, message, digest=hashlib.sha256):
    """r and s."""
    d, hashed = number(jwk, "d"), digest(message).digest()
    k, r = p256_drawn(hashed[0] % 4)
    return r, pow(k, -1, P256_N) * (int.from_bytes(hashed[:32], "big") + r * d) % P256_N


def raw(r, s, length=32):
    return r.to_bytes(length, "big") + s.to_bytes(length, "big")


def der_integer(value, more=0):
    data = bytes(more) + value.to_bytes(value.bit_length() // 8 + 1, "big")
    return b"\x02" + bytes([len(data)]) + data


def der(r, s, more=0):
    body = der_integer(r, more) + der_integer(s, more)
    return b"\x30" + bytes([len(body)]) + body


def ed_sign(jwk, message):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(unb64(jwk["d"])).sign(message)  # there is nothing to draw


# ---- Tokens ----


def ps256(jwk, message, salt=32, digest=hashlib.sha256, mask_digest=None):
    drawn = mask(hashlib.sha256(message).digest(), salt, hashlib.sha512)
    bits = number(jwk, "n").bit_length() - 1
    return rsa_power(jwk, pss_encode(message, bits, drawn, digest, mask_digest or digest))


def signature_of(alg, jwk, message):
    if alg == "PS256":
        return ps256(jwk, message)
    if alg == "RS256":
        return rsa_power(jwk, pkcs1_encode(message, len(unb64(jwk["n"]))))
    if alg == "ES256":
        return raw(*es256_numbers(jwk, message))
    return ed_sign(jwk, message)


def token_of(alg, jwk, header, payload=PAYLOADS[0], sign=None):
    """header: a dict, or the bytes of one; sign: in place of the algorithm's signature."""
    text = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()
    message = b64(text) + b"." + b64(payload)
    return message + b"." + b64((sign or (lambda m: signature_of(alg, jwk, m)))(message))


class Case:
    """One input: the algorithm that is registered, the key, the token; name says what was done."""

    def __init__(self, name, alg, jwk, token):
        self.name, self.alg, self.token = name, alg, token
        self.jwk = jwk if isinstance(jwk, str) else json.dumps(jwk, separators=(",", ":"))

    def __repr__(self):
        return f"{self.name}: {self.alg} {self.jwk} {self.token!r}"


def kept_tokens():
    """What Giro, npm's jose and libcjose have signed: (maker, alg, token)."""
    for line in (FOLDER / "tokens.tsv").read_text().splitlines():
        if not line.startswith("#"):
            maker, alg, token = line.split("\t")
            yield maker, alg, token.encode()


ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
STRAYS = (b"\n", b"\r\n", b" ", b"\t", b"\0", b"=", b".", b"+", b"/", b"%", b"\x80", b"\xc3\xa9", b"A", b"AAAA", b"~")


def flips(random_, token, count):
    """One bit of the decoded bytes of a part, or one character, is another."""
    parts = token.split(b".")
    for _ in range(count):
        which = random_.randrange(3)
        data = bytearray(unb64(parts[which].decode()))
        if data and random_.random() < 0.7:
            at = random_.randrange(len(data))
            data[at] ^= 1 << random_.randrange(8)
            changed = parts[:which] + [b64(bytes(data))] + parts[which + 1 :]
            yield f"bit {at} of part {which}", b".".join(changed)
        else:
            at = random_.randrange(len(token))
            yield f"character {at}", token[:at] + bytes([random_.choice(ALPHABET)]) + token[at + 1 :]


def strays(random_, token):
    """What stands in a token that should not, at both ends, beside the points and somewhere."""
    points = [i for i, c in enumerate(token) if c == ord(".")]
    for stray in STRAYS:
        places = [0, len(token), random_.randrange(len(token)), random_.randrange(len(token))]
        for at in places + points + [point + 1 for point in points]:
            yield f"{stray!r} at {at}", token[:at] + stray + token[at:]


def shapes(random_, token):
    """Other numbers and forms of parts."""
    header, payload, signature = token.split(b".")
    yield "no signature", header + b"." + payload
    yield "empty signature", header + b"." + payload + b"."
    yield "empty header", b"." + payload + b"." + signature
    yield "no payload", header + b".." + signature
    yield "one part", header
    yield "points alone", b".."
    yield "nothing", b""
    yield "four parts", token + b"." + signature
    yield "five parts", b".".join((header, b"", b"", payload, signature))
    yield "five equal parts", b".".join([header] * 5)
    yield "parts the other way", b".".join((signature, payload, header))
    yield "twice", token + token
    yield "twice by a line end", token + b"\n" + token
    yield "upper case", token.upper()
    members = {"payload": payload.decode(), "protected": header.decode(), "signature": signature.decode()}
    yield "as JSON", json.dumps(members).encode()
    for which, part in enumerate((header, payload, signature)):
        parts = [header, payload, signature]
        for padding in (b"=", b"==", b"===="):
            parts[which] = part + padding
            yield f"{padding!r} after part {which}", b".".join(parts)
        if part:
            parts[which] = part[:-1] + bytes([ALPHABET[ALPHABET.index(part[-1:]) ^ 1]])
            yield f"last bit of part {which}", b".".join(parts)
            parts[which] = part.translate(bytes.maketrans(b"-_", b"+/"))
            yield f"part {which} in the other alphabet", b".".join(parts)
            parts[which] = part[: random_.randrange(len(part))]
            yield f"part {which} cut short", b".".join(parts)


ALG_NAMES = ("none", "None", "NONE", "nOnE", "", "HS256", "HS512", "RS256", "RS384", "PS384", "PS512", "ES384", "ES512")
ALG_NAMES += ("ES256K", "EdDSA", "eddsa", "Ed25519", "Ed448", "ps256", "Ps256", "es256", "PS256 ", " ES256", "PS256\0")
ALG_NAMES += ("PS256", "ES256", "RSA-OAEP", "dir", "A128KW", "ＰＳ256", None, 0, 256, True, [], ["PS256"], {}, 1.5)


def headers(alg, kid):
    """Headers under a good signature: (what, header)."""
    plain = {"alg": alg, "kid": kid}
    for name in ALG_NAMES:
        yield f"alg {name!r}", {"alg": name, "kid": kid}
    yield "no alg", {"kid": kid}
    yield "empty", {}
    for crit in (
        ["b64"],
        ["exp"],
        [],
        ["b64", "exp"],
        ["alg"],
        ["kid"],
        [""],
        [1],
        "b64",
        "",
        None,
        {},
        False,
        ["b64"] * 2,
    ):
        for more in ({}, {"b64": True, "exp": 1}):
            yield f"crit {crit!r} with {more}", {**plain, "crit": crit, **more}
    for member, value in (
        ("zip", "DEF"),
        ("zip", None),
        ("b64", True),
        ("b64", False),
        ("b64", "false"),
        ("jku", "https://attacker.example/keys"),
        ("x5u", "https://attacker.example/chain"),
        ("jwk", public_of(KEYS["ec_other"])),
        ("jwk", None),
        ("x5c", ["MIIB"]),
        ("x5t", "AAAA"),
        ("x5t#S256", "AAAA"),
        ("cty", "JWT"),
        ("typ", "JWT"),
        ("typ", ""),
        ("typ", 1),
        ("typ", None),
        ("typ", "t" * 300),
        ("enc", "A128GCM"),
        ("p2c", 2**31),
        ("epk", {}),
        ("nonce", "n"),
        ("unknown", {"a": [1, 2, {"b": None}]}),
        ("", ""),
        ("__proto__", {"alg": "none"}),
        ("kid", "another"),
        ("kid", ""),
        ("kid", 1),
        ("kid", None),
        ("kid", kid + "\0"),
        ("kid", kid.upper()),
        ("kid", "k" * 255),
        ("kid", "k" * 256),
        ("big", 10**400),
        ("deep", json.loads("[" * 6 + "]" * 6)),
        ("deeper", json.loads("[" * 8 + "]" * 8)),
        ("deepest", json.loads("[" * 300 + "]" * 300)),
        ("wide", "w" * 1900),
        ("wider", "w" * 2100),
        ("surrogate", "\ud800"),
    ):
        yield f"{member} {str(value)[:40]!r}", {**plain, member: value}
    yield "no kid", {"alg": alg}


def header_texts(alg, kid):
    """Headers that are no plain object of JSON, or a strange one, under a good signature."""
    text = json.dumps({"alg": alg, "kid": kid}, separators=(",", ":"))
    other = "none" if alg != "none" else "PS256"
    escaped = "".join(f"\\u{ord(c):04x}" for c in alg)
    for what, changed in (
        ("alg twice, the same", f'{{"alg":"{alg}","alg":"{alg}","kid":"{kid}"}}'),
        ("alg twice, the wrong one first", f'{{"alg":"{other}","alg":"{alg}","kid":"{kid}"}}'),
        ("alg twice, the wrong one last", f'{{"alg":"{alg}","alg":"{other}","kid":"{kid}"}}'),
        ("alg twice, once escaped", f'{{"alg":"{alg}","\\u0061lg":"{other}","kid":"{kid}"}}'),
        ("kid twice", f'{{"alg":"{alg}","kid":"{kid}","kid":"other"}}'),
        ("a member of a member twice", f'{{"alg":"{alg}","kid":"{kid}","x":{{"y":1,"y":2}}}}'),
        ("alg escaped", f'{{"alg":"{escaped}","kid":"{kid}"}}'),
        ("name of alg escaped", f'{{"\\u0061lg":"{alg}","kid":"{kid}"}}'),
        ("white space", f' \r\n\t{{ "alg" : "{alg}" , "kid" : "{kid}" }} \n'),
        ("a line end in it", text.replace(",", ",\n")),
        ("a mark before it", "\ufeff" + text),
        ("a byte 0 after it", text + "\0"),
        ("a byte 0 in it", text.replace(",", ",\0")),
        ("words after it", text + "x"),
        ("an object after it", text + text),
        ("a comma more", text[:-1] + ",}"),
        ("a comment", text[:-1] + "/* */}"),
        ("single quotes", text.replace('"', "'")),
        ("no quotes", "{alg:" + alg + "}"),
        ("not a number", text[:-1] + ',"x":NaN}'),
        ("a number with a zero before", text[:-1] + ',"x":01}'),
        ("an array", f"[{text}]"),
        ("a string", json.dumps(text)),
        ("null", "null"),
        ("nothing", ""),
        ("cut short", text[:-1]),
        ("a control character", text[:-1] + ',"x":"\x01"}'),
        ("an open escape", text[:-1] + ',"x":"\\u00"}'),
        ("half a pair", text[:-1] + ',"x":"\\ud800"}'),
        ("half a pair, backwards", text[:-1] + ',"x":"\\udc00\\ud800"}'),
    ):
        yield what, changed.encode()
    yield "no UTF-8", text[:-1].encode() + b',"x":"\xff"}'
    yield "too long UTF-8", text[:-1].encode() + b',"x":"\xc0\xaf"}'
    yield "UTF-16", text.encode("utf-16-le")


def wrong_signatures(alg, jwk):
    """(what, function of the message); some of them are right after all."""
    if alg == "PS256":
        for salt in (0, 1, 20, 31, 33, 64, 222):
            yield f"salt of {salt} bytes", lambda m, salt=salt: ps256(jwk, m, salt)
        yield "MGF1 with SHA-1", lambda m: ps256(jwk, m, mask_digest=hashlib.sha1)
        yield "PS384", lambda m: ps256(jwk, m, 48, hashlib.sha384)
        yield "PS512", lambda m: ps256(jwk, m, 64, hashlib.sha512)
        yield "PKCS #1 v1.5", lambda m: signature_of("RS256", jwk, m)
        yield "a byte 0 before", lambda m: b"\0" + ps256(jwk, m)
        yield "a byte less", lambda m: ps256(jwk, m)[:-1]
        modulus = number(jwk, "n")
        yield "the signature", lambda m: ps256(jwk, m)
        yield "n less it", lambda m: (modulus - int.from_bytes(ps256(jwk, m), "big")).to_bytes(256, "big")
        yield "n and it", lambda m: (modulus + int.from_bytes(ps256(jwk, m), "big")).to_bytes(257, "big")
        for value in (0, 1, modulus - 1, modulus):
            yield f"the number {value % 1000}", lambda m, value=value: value.to_bytes(256, "big")
    if alg == "ES256":
        yield "DER", lambda m: der(*es256_numbers(jwk, m))
        yield "DER with zeros", lambda m: der(*es256_numbers(jwk, m), more=3)
        yield "the signature", lambda m: raw(*es256_numbers(jwk, m))
        yield "n - s", lambda m: raw(es256_numbers(jwk, m)[0], P256_N - es256_numbers(jwk, m)[1])
        yield "s and r", lambda m: raw(*reversed(es256_numbers(jwk, m)))
        yield "66 bytes", lambda m: raw(*es256_numbers(jwk, m), length=33)
        yield "65 bytes", lambda m: raw(*es256_numbers(jwk, m)) + b"\0"
        yield "63 bytes", lambda m: raw(*es256_numbers(jwk, m))[:-1]
        yield "ES384's digest", lambda m: raw(*es256_numbers(jwk, m, hashlib.sha384))
        for r in (0, 1, P256_N - 1, P256_N, P256_N + 1, P256_P, 2**256 - 1):
            for s in (0, 1, P256_N - 1, P256_N, 2**256 - 1):
                yield f"r {r % 1000} s {s % 1000}", lambda m, r=r, s=s: raw(r, s)
    if alg == "EdDSA":
        yield "the signature", lambda m: ed_sign(jwk, m)
        yield "s + l", lambda m: ed_sign(jwk, m)[:32] + ed_add(ed_sign(jwk, m)[32:], ED_L)
        yield "s + 2 l", lambda m: ed_sign(jwk, m)[:32] + ed_add(ed_sign(jwk, m)[32:], 2 * ED_L)
        yield "a byte more", lambda m: ed_sign(jwk, m) + b"\0"
        yield "a byte less", lambda m: ed_sign(jwk, m)[:-1]
        yield "another sign of R", lambda m: bytes(x ^ (0x80 if i == 31 else 0) for i, x in enumerate(ed_sign(jwk, m)))
        yield "zeros", lambda m: bytes(64)
        yield "the neutral point", lambda m: b"\x01" + bytes(63)
        yield "halves the other way", lambda m: ed_sign(jwk, m)[32:] + ed_sign(jwk, m)[:32]


def ed_add(half, value):
    return ((int.from_bytes(half, "little") + value) % 2**256).to_bytes(32, "little")


def other_keys(alg):
    """(what, registered algorithm, JWK, the private key that signs, the algorithm it signs with)"""
    name = ALGS[alg]
    jwk = KEYS[name]
    public = public_of(jwk)
    for other, key in KEYS.items():
        yield f"the key {other}", alg, public_of(key), jwk, alg
        by = {"RSA": "PS256", "EC": "ES256", "OKP": "EdDSA"}[key["kty"]]
        yield f"registered for the key {other}", by, public_of(key), jwk, alg
        yield f"signed by {other}", alg, public_of(key), key, by
    yield "the private key", alg, jwk, jwk, alg
    for member, value in (
        ("use", "sig"),
        ("use", "enc"),
        ("use", ""),
        ("key_ops", ["verify"]),
        ("key_ops", ["sign"]),
        ("key_ops", []),
        ("alg", alg),
        ("alg", "RS256"),
        ("alg", "none"),
        ("x5u", "https://attacker.example/chain"),
        ("kid", "another"),
        ("kid", None),
        ("kty", jwk["kty"].lower()),
        ("kty", "oct"),
        ("crv", "P-384"),
        ("crv", "secp256k1"),
        ("crv", "Ed448"),
        ("x", ""),
        ("x", public.get("x", "A") + "="),
        ("x", "AA" + public.get("x", "")),
        ("y", b64(bytes(32)).decode()),
        ("n", b64(b"\0" + unb64(public.get("n", ""))).decode()),
        ("n", public.get("n", "A") + "="),
        ("e", "AQ"),
        ("e", "AA"),
        ("e", "Ag"),
        ("e", "AAEAAQ"),
    ):
        yield f"{member} {str(value)[:20]!r} in the key", alg, {**public, member: value}, jwk, alg
    if alg == "EdDSA":
        for point in (
            bytes(32),
            b"\x01" + bytes(31),
            b"\xec" + b"\xff" * 30 + b"\x7f",
            b"\xee" + b"\xff" * 30 + b"\x7f",
        ):
            yield f"the point {point[:1].hex()}", alg, {**public, "x": b64(point).decode()}, jwk, alg


def confusions(alg, jwk):
    """The public key as if it were a secret one, and algorithms of RSA that the profile has not."""
    public = public_of(jwk)
    texts = [b"", json.dumps(public).encode(), json.dumps(public, separators=(",", ":")).encode()]
    texts += [unb64(public.get("n", public.get("x")))]
    for i, secret in enumerate(texts):
        token = token_of("HS256", jwk, {"alg": "HS256"}, sign=lambda m, secret=secret: hmac.digest(secret, m, "sha256"))
        yield f"HS256 with the public key, {i}", alg, public, token
        if secret:
            oct_key = {"kty": "oct", "k": b64(secret).decode()}
            yield f"HS256 with a secret key, {i}", "HS256", oct_key, token
    if jwk["kty"] == "RSA":
        token = token_of("RS256", jwk, {"alg": "RS256", "kid": jwk["kid"]})
        yield "RS256", "RS256", public, token
        yield "RS256, marked so", "RS256", {**public, "alg": "RS256"}, token
        yield "RS256 where PS256 is registered", alg, public, token


def sizes(alg, jwk):
    """Around the limits of a token and of its header."""
    header = {"alg": alg, "kid": jwk["kid"]}
    empty = len(token_of(alg, jwk, header, b""))
    for length in (TOKEN_BYTES_MAX - 4, TOKEN_BYTES_MAX, TOKEN_BYTES_MAX + 4, 64 * 1024):
        yield f"a token of about {length} bytes", token_of(alg, jwk, header, b"p" * ((length - empty) * 3 // 4))
    for length in (HEADER_BYTES_MAX - 1, HEADER_BYTES_MAX, HEADER_BYTES_MAX + 1, HEADER_BYTES_MAX + 3):
        text = json.dumps(header, separators=(",", ":"))[:-1] + ',"x":"'
        yield f"a header of {length} bytes", token_of(alg, jwk, (text + "x" * (length - len(text) - 2) + '"}').encode())


def cases(seed=1, flips_per_token=30):
    """All of them, in an order that the seed alone decides."""
    random_ = random.Random(seed)
    for maker, alg, token in kept_tokens():
        public = public_of(KEYS[ALGS[alg]])
        yield Case(f"by {maker}", alg, public, token)
        for make in (lambda: flips(random_, token, flips_per_token), lambda: shapes(random_, token)):
            for what, changed in make():
                yield Case(f"by {maker}, {what}", alg, public, changed)
    for alg, name in ALGS.items():
        jwk = KEYS[name]
        public, header = public_of(jwk), {"alg": alg, "kid": jwk["kid"]}
        for payload in PAYLOADS:
            token = token_of(alg, jwk, header, payload)
            yield Case("made here", alg, public, token)
            for what, changed in strays(random_, token):
                yield Case(what, alg, public, changed)
        for what, changed in list(headers(alg, jwk["kid"])) + list(header_texts(alg, jwk["kid"])):
            yield Case(f"header: {what}", alg, public, token_of(alg, jwk, changed))
        for what, sign in wrong_signatures(alg, jwk):
            yield Case(f"signature: {what}", alg, public, token_of(alg, jwk, header, sign=sign))
        for what, registered, key, signer, by in other_keys(alg):
            token = token_of(by, signer, {"alg": by, "kid": signer["kid"]})
            yield Case(f"key: {what}", registered, key, token)
        for what, registered, key, token in confusions(alg, jwk):
            yield Case(what, registered, key, token)
        for what, token in sizes(alg, jwk):
            yield Case(what, alg, public, token)
