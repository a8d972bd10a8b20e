"""T1, T2, T8 and T13 of the standing attacks at the door: signed texts that nobody signed, numbers out of all bounds.

Every signed text that a caller may bring (client assertion, request object, software statement and its request, DPoP
proof, message signature, access token) is forged the same ways; every integer that is read from a query, a header, a
cookie or a form is given the same nonsense. Each is beside its accepted twin, and the daemon that answers is the same
process to the end.
"""

import json
import time
import urllib.parse
import uuid
import zlib

import pytest
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from authorization import Party, new_verifier
from bank import b64url, ec_raw, from_b64url, rsa_pss
from customers import Visitor
from dpop import DpopClient
from open_banking import ThirdParty, consent_body
from software import Software, load_key
from test_smuggling import BODY, Daemon, Edge, statuses, talk

ZIP_BYTES = 4 * 2**20
BOMB_SECONDS_MAX = 10  # with all that lies between; the price of one is measured in src/wire/jose_test.c
PRESENT = {"x-fapi-customer-ip-address": "203.0.113.7"}


@pytest.fixture(scope="module", autouse=True)
def same_daemon(bank):
    """Nothing of this file ends the daemon."""
    before = bank.pid("giro")
    yield
    assert bank.pid("giro") == before and bank.is_ready()
    assert "Sanitizer" not in (bank.folder / "run.log").read_text("utf-8", "replace")


# ---- T1, T2, T8: signed texts


def mac_with(secret, algorithm=None):
    def sign(data):
        mac = hmac.HMAC(secret, algorithm or hashes.SHA256())
        mac.update(data)
        return mac.finalize()

    return sign


def public_texts(key):
    """What an attacker may take for the secret."""
    encodings, formats = serialization.Encoding, serialization.PublicFormat
    pem = key.public_bytes(encodings.PEM, formats.SubjectPublicKeyInfo)
    yield "its PEM", pem
    yield "its PEM without the last line end", pem.rstrip(b"\n")
    yield "its DER", key.public_bytes(encodings.DER, formats.SubjectPublicKeyInfo)
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        modulus = numbers.n.to_bytes((key.key_size + 7) // 8, "big")
        yield "its modulus", modulus
        yield "its JWK", json.dumps({"kty": "RSA", "n": b64url(modulus), "e": "AQAB"}, separators=(",", ":")).encode()


def bank_key(bank):
    jwk = next(key for key in bank.browser("GET", "/jwks").json["keys"] if key["kty"] == "RSA")
    numbers = [int.from_bytes(from_b64url(jwk[name]), "big") for name in ("e", "n")]
    return rsa.RSAPublicNumbers(*numbers).public_key()


class Signed:
    """One kind of signed text: how a good one is made, by which key, and what the bank says to it."""

    name, codes, statuses = "", (), (400, 401)

    def __init__(self, bank):
        self.bank = bank

    def sign(self, data):
        return rsa_pss(self.key, data)

    def payload(self, text):
        """What is signed behind the header, where the text does not carry it."""
        return text.split(".")[1]

    def changed(self, change, sign):
        """A good text with another header, signed anew; sign None: by the right key."""
        text = self.good()
        head, body, _ = text.split(".")
        header = change(json.loads(from_b64url(head)))
        head = b64url((header if isinstance(header, str) else json.dumps(header)).encode())
        signature = (sign or self.sign)(f"{head}.{self.payload(text)}".encode())
        return f"{head}.{body}.{b64url(signature)}"

    def refused(self, answer, name):
        assert answer.status in self.statuses, (self.name, name, answer)
        code = self.code_of(answer)
        assert code in self.codes, (self.name, name, code, answer)

    def code_of(self, answer):
        return answer.json["error"]


class Assertion(Signed):
    name, codes = "client assertion", ("invalid_client",)

    def __init__(self, bank):
        super().__init__(bank)
        self.client = bank.client("embed-partner")
        self.key = self.client.signing_key

    def good(self):
        return self.client.assertion()

    def send(self, text):
        return self.client.ask_token(assertion=text)

    def accepted(self, answer):
        return answer.status == 200


class RequestObject(Signed):
    name, codes = "request object", ("invalid_request_object",)

    def __init__(self, bank):
        super().__init__(bank)
        self.party = Party(bank.client("ms-tpp"))
        self.key, self.consent = self.party.client.signing_key, self.party.consent_made()

    def good(self):
        return self.party.request_object(self.party.parameters(self.consent, new_verifier()))

    def send(self, text):
        return self.party.post_pushed({"request": text})

    def accepted(self, answer):
        return answer.status == 201


def new_software(bank):
    """Known to the directory, and no client yet: it can register once."""
    return Software(bank, "attacks-" + uuid.uuid4().hex[:12])


class Statement(Signed):
    """The directory's, brought with a request that the software signs well."""

    name, codes = "software statement", ("invalid_software_statement",)

    def __init__(self, bank):
        super().__init__(bank)
        self.software, self.key = new_software(bank), load_key(bank.var / "pki" / "directory.key")

    def good(self):
        return self.software.statement()

    def send(self, text):
        return self.software.register(statement=text)

    def accepted(self, answer):
        return answer.status == 201


class Registration(Signed):
    name, codes = "registration request", ("invalid_client_metadata", "invalid_request", "invalid_software_statement")

    def __init__(self, bank):
        super().__init__(bank)
        self.software = new_software(bank)
        self.key = self.software.signing_key

    def good(self):
        return self.software.request()

    def send(self, text):
        return self.software.register(text)

    def accepted(self, answer):
        return answer.status == 201


class Proof(Signed):
    """A DPoP proof at the token endpoint."""

    name, codes = "DPoP proof", ("invalid_dpop_proof",)

    def __init__(self, bank):
        super().__init__(bank)
        self.client = DpopClient(bank.client("dpop-tpp"))
        self.key = self.client.key.key

    def sign(self, data):
        return ec_raw(self.key, data)

    def good(self):
        return self.client.key.proof("POST", self.client.url + "/token")

    def send(self, text):
        return self.client.ask_token([text])

    def accepted(self, answer):
        return answer.status == 200


class Message(Signed):
    """A detached signature over the body of a consent (x-jws-signature)."""

    name, codes, statuses = "message signature", ("U015", "U016", "U017", "U018"), (400,)

    def __init__(self, bank):
        super().__init__(bank)
        self.party, self.text = ThirdParty(bank.client("acme-tpp")), json.dumps(consent_body())
        self.key = self.party.client.signing_key

    def payload(self, text):
        return b64url(self.text.encode())

    def good(self):
        return self.party.sign(self.text)

    def send(self, text):
        return self.party.consent(self.text, signature=text)

    def accepted(self, answer):
        return answer.status == 201

    def code_of(self, answer):
        return answer.json["Errors"][0]["ErrorCode"]


KINDS = (Assertion, RequestObject, Statement, Registration, Proof, Message)


@pytest.fixture(params=KINDS, ids=[kind.name for kind in KINDS])
def signed(request, bank):
    return request.param(bank)


def with_alg(alg):
    return lambda header: {**header, "alg": alg}


def macs(signed):
    """(name, change of the header, sign): HS256 and its kin by what everybody knows."""
    for owner, key in (("the signer", signed.key.public_key()), ("the bank", bank_key(signed.bank))):
        for text, secret in public_texts(key):
            yield f"HS256 by {owner}'s key: {text}", with_alg("HS256"), mac_with(secret)
    pem = next(public_texts(signed.key.public_key()))[1]
    yield "HS384 by the PEM", with_alg("HS384"), mac_with(pem, hashes.SHA384())
    yield "HS512 by the PEM", with_alg("HS512"), mac_with(pem, hashes.SHA512())
    yield "a MAC called by the right name", lambda header: header, mac_with(pem)
    for empty in (b"", b"\0", b"\0" * 32):
        yield f"HS256 by {empty!r}", with_alg("HS256"), mac_with(empty)
    yield "HS256 without a signature", with_alg("HS256"), lambda data: b""


@pytest.mark.spec("gateway/T1", "gateway/r1")
def test_a_public_key_is_no_secret(signed):
    for name, change, sign in macs(signed):
        signed.refused(signed.send(signed.changed(change, sign)), name)
    assert signed.accepted(signed.send(signed.good())), signed.name


def algs(signed):
    """(name, change of the header, sign): the right key under every wrong name, and no key at all."""
    for alg in ("none", "None", "NONE", "nOnE"):
        yield f"{alg}, unsigned", with_alg(alg), lambda data: b""
        yield f"{alg}, signed", with_alg(alg), None
    right = "ES256" if isinstance(signed, Proof) else "PS256"
    for alg in (right.lower(), right.capitalize(), right + " ", " " + right, right + "\0", right + "x", right[:-1], ""):
        yield f"alg {alg!r}", with_alg(alg), None
    for alg in (None, 256, True, [right], {"alg": right}, {}):
        yield f"alg {alg!r}", with_alg(alg), None
    for alg in ("RS256", "PS384", "PS512", "ES256K", "ES512", "dir", "RSA-OAEP-256"):
        yield f"alg {alg}", with_alg(alg), None

    def without(header):
        return {name: value for name, value in header.items() if name != "alg"}

    yield "no alg", without, None
    yield "no alg, unsigned", without, lambda data: b""
    yield "Alg for alg", lambda header: {**without(header), "Alg": right}, None
    yield "alg twice", lambda header: json.dumps(header)[:-1] + f',"alg":"{right}"}}', None
    yield "alg twice, none last", lambda header: json.dumps(header)[:-1] + ',"alg":"none"}', lambda data: b""


@pytest.mark.spec("gateway/T2", "gateway/r2", "gateway/r3")
def test_names_of_algorithms(signed):
    for name, change, sign in algs(signed):
        signed.refused(signed.send(signed.changed(change, sign)), name)
    assert signed.accepted(signed.send(signed.good())), signed.name


def jwe(header, *parts):
    return ".".join([b64url(json.dumps(header).encode()), *(b64url(part) for part in parts)])


def bombs(signed):
    """(name, text): what would cost much to whoever believes it."""
    squeezed = zlib.compress(b"\0" * ZIP_BYTES, 9)[2:-4]
    pbes2 = {"alg": "PBES2-HS512+A256KW", "enc": "A256GCM", "p2c": 2**31, "p2s": "AAAA"}
    yield "PBES2", jwe(pbes2, b"k" * 40, b"i" * 12, b"text", b"t" * 16)
    yield "PBES2, three parts", signed.changed(lambda header: {**header, **pbes2}, None)
    for alg in ("dir", "RSA-OAEP-256"):
        yield f"compressed, {alg}", jwe(
            {"alg": alg, "enc": "A256GCM", "zip": "DEF"}, b"k" * 256, b"i" * 12, squeezed, b"t" * 16
        )
    yield "zip in the header", signed.changed(lambda header: {**header, "zip": "DEF"}, None)
    head, _, signature = signed.changed(lambda header: {**header, "zip": "DEF"}, None).split(".")
    yield "a compressed payload", f"{head}.{b64url(squeezed)}.{signature}"
    for size in (3000, 2**20):
        yield f"kid of {size}", signed.changed(lambda header, size=size: {**header, "kid": "k" * size}, None)
    yield "deep", signed.changed(lambda header: json.dumps(header)[:-1] + ',"x":' + "[" * 500 + "]" * 500 + "}", None)
    yield "long number", signed.changed(lambda header: json.dumps(header)[:-1] + ',"x":' + "9" * 1000 + "}", None)


@pytest.mark.spec("gateway/T8", "gateway/r2", "gateway/r3")
def test_bombs(signed):
    for name, text in bombs(signed):
        begin = time.monotonic()
        try:
            answer = signed.send(text)
        except (BrokenPipeError, ConnectionResetError):
            continue  # too large: the edge hung up while it was still being sent
        assert 400 <= answer.status < 500 and len(answer.body) < 4096, (signed.name, name, answer)
        assert time.monotonic() - begin < BOMB_SECONDS_MAX, (signed.name, name)
    assert signed.accepted(signed.send(signed.good())), signed.name


@pytest.mark.spec("gateway/T1", "gateway/T2", "gateway/T8")
def test_made_up_access_tokens(bank):
    """Signed like a token of this bank's, which are opaque here; by its published key, by nothing."""
    client, now = bank.client("embed-partner"), int(time.time())
    claims = {"iss": client.data["issuer"], "aud": client.data["issuer"], "sub": client.name, "client_id": client.name}
    body = b64url(json.dumps({**claims, "scope": "accounts", "iat": now, "exp": now + 60, "jti": "x"}).encode())
    kid = bank.browser("GET", "/jwks").json["keys"][0]["kid"]

    def ask(header, sign):
        head = b64url(json.dumps({"typ": "at+jwt", "kid": kid, **header}).encode())
        token = f"{head}.{body}.{b64url(sign(f'{head}.{body}'.encode()))}"
        return client.call("GET", "/v1/accounts", None, {"Authorization": "Bearer " + token})

    signers = [({"alg": "HS256"}, mac_with(secret)) for _, secret in public_texts(bank_key(bank))]
    signers += [({"alg": "HS256"}, mac_with(b"")), ({}, mac_with(b""))]
    signers += [({"alg": alg}, lambda data: b"") for alg in ("none", "None", "NONE", "", None)]
    signers += [({"alg": "PBES2-HS512+A256KW", "p2c": 2**31}, lambda data: b""), ({"zip": "DEF"}, lambda data: b"")]
    for header, sign in signers:
        answer = ask(header, sign)
        assert answer.status == 401 and answer.code == "invalid_token", (header, answer)
    assert client.get("/v1/accounts", "accounts").status == 200


# ---- T13: numbers

# Whatever stands here is no integer from 1 to 2^31 - 1.
WRONG = (
    *("-1", "-0", "00", "007", "+1", "1e3", "1E3", "1.0", "0x10", "1_0", "1,1", "1;", "NaN", "Infinity", "x"),
    *(" ", "1 2", " 1", "1 ", "1\t", "1\0", "\0", "\0001", "\u0661", "\uff11", "0"),
    *("9" * 400, "-" + "9" * 400, "0" * 400 + "1", "1." + "0" * 400, "-9223372036854775808", "18446744073709551616"),
)
LARGE = ("2147483648", "4294967295", "4294967296", "9223372036854775807")
OVER = ("9223372036854775808", "18446744073709551615", "18446744073709551617")


def in_query(path, **fields):
    return path + "?" + urllib.parse.urlencode(fields)


def refused_by_v1(answer, what):
    assert answer.status == 400 and answer.code == "invalid_request", (what, answer)


@pytest.mark.spec("gateway/T13")
def test_size_of_a_page(bank):
    client = bank.client("embed-partner")
    account = client.data["account_ids"][0]
    for path in ("/v1/accounts", f"/v1/accounts/{account}/transactions"):
        for limit in (*WRONG, *LARGE, *OVER, "", "101"):
            refused_by_v1(client.get(in_query(path, limit=limit), "accounts"), (path, limit))
        refused_by_v1(client.get(path + "?limit=1&limit=1", "accounts"), path)
        for limit in ("1", "25", "100"):
            assert client.get(in_query(path, limit=limit), "accounts").status == 200, (path, limit)


@pytest.mark.spec("gateway/T13")
def test_place_in_a_list(bank):
    client = bank.client("embed-partner")
    account = client.data["account_ids"][0]
    entries = f"/v1/accounts/{account}/transactions"
    for after in (*WRONG, *OVER):
        refused_by_v1(client.get(in_query(entries, after=after), "accounts"), after)
        refused_by_v1(client.get(in_query("/v1/accounts", after=after), "accounts"), after)
    for after in ("1", *LARGE):  # entries have numbers of 63 bits
        assert client.get(in_query(entries, after=after), "accounts").status == 200, after
    assert client.get(in_query("/v1/accounts", after=account), "accounts").status == 200


@pytest.fixture(scope="module")
def reading(bank):
    """A third party and its customer's token."""
    party = ThirdParty(bank.client("acme-tpp"))
    permissions = ["ReadAccountsBasic", "ReadTransactionsBasic", "ReadTransactionsCredits", "ReadTransactionsDebits"]
    path, body = "/open-banking/v4.0/aisp/account-access-consents", {"Data": {"Permissions": permissions}, "Risk": {}}
    made = party.client.post(path, body, "accounts", {"Idempotency-Key": None})
    assert made.status == 201, made
    token = party.authorized(made.json["Data"]["ConsentId"], scope="openid accounts")

    def get(path, headers=None):
        sent = {"Authorization": f"Bearer {token}", **PRESENT, **(headers or {})}
        return party.client.call("GET", "/open-banking/v4.0/aisp" + path, None, sent)

    return get


def refused_by_open_banking(answer, what):
    assert answer.status == 400 and answer.json["Errors"][0]["ErrorCode"].startswith("U"), (what, answer)


@pytest.mark.spec("gateway/T13")
def test_places_and_times_of_transactions(reading):
    account = reading("/accounts").json["Data"]["Account"][0]["AccountId"]
    path = f"/accounts/{account}/transactions"
    for name in ("after", "before"):
        for number in (*WRONG, *OVER, LARGE[-1], ""):
            answer = reading(in_query(path, **{name: f"{account}.{number}"}))
            refused_by_open_banking(answer, (name, number))
            refused_by_open_banking(reading(in_query(path, **{name: number})), (name, number))
        for number in ("1", *LARGE[:-1]):
            assert reading(in_query(path, **{name: f"{account}.{number}"})).status == 200, (name, number)
    for name in ("fromBookingDateTime", "toBookingDateTime"):
        for number in (*WRONG, *LARGE, *OVER):
            refused_by_open_banking(reading(in_query(path, **{name: number})), (name, number))
            refused_by_open_banking(reading(in_query(path, **{name: f"{number}-01-01T00:00:00"})), (name, number))
            timed = reading(in_query(path, **{name: f"2026-01-01T00:00:{number}"}))
            assert number == "00" or timed.status == 400, (name, number, timed)
        assert reading(in_query(path, **{name: "2026-01-01T00:00:00"})).status == 200


# Numbers in these are read by nobody, or the header is passed over when it is malformed (W3C trace context, RFC 9110).
PASSED_OVER = {
    "If-None-Match": "{}",
    "If-Modified-Since": "{}",
    "traceparent": "{}",
    "tracestate": "giro={}",
    "Range": "bytes={}-",
    "Accept": "application/json;q={}, */*",
    "Max-Forwards": "{}",
    "Keep-Alive": "timeout={}",
    "Last-Event-ID": "{}",
    "X-Forwarded-Port": "{}",
    "x-fapi-customer-last-logged-time": "{}",
    "Cookie": "__Host-giro-customer={0}; n={0}",
}


@pytest.mark.spec("gateway/T13")
@pytest.mark.parametrize("header", PASSED_OVER)
def test_numbers_in_headers(bank, reading, header):
    client = bank.client("embed-partner")
    for number in (*WRONG, *LARGE, *OVER, ""):
        value = PASSED_OVER[header].format(number).encode()
        for answer in (client.get("/v1/accounts", "accounts", {header: value}), reading("/accounts", {header: value})):
            allowed = {200} | ({400} if b"\0" in value else set())
            allowed |= {406} if header == "Accept" else set()  # q=0: JSON is not wanted
            assert answer.status in allowed, (header, number, answer)
    assert reading("/accounts", {header: PASSED_OVER[header].format(1)}).status == 200


@pytest.mark.spec("gateway/T13")
def test_headers_that_are_judged(reading):
    for number in (*WRONG, *LARGE, *OVER):
        refused = reading("/accounts", {"x-fapi-auth-date": number.encode()})
        assert refused.status == 400, (number, refused)
        dated = f"Sun, 22 Nov {number} 03:45:00 GMT".encode()
        assert reading("/accounts", {"x-fapi-auth-date": dated}).status == 400, number
        assert reading("/accounts", {"x-fapi-interaction-id": number.encode()}).status == 400, number
        spoken = reading("/accounts", {"x-fapi-customer-ip-address": number.encode()})
        assert spoken.status == 400, (number, spoken)
    good = {"x-fapi-auth-date": "Sun, 22 Nov 2026 03:45:00 GMT", "x-fapi-interaction-id": str(uuid.uuid4())}
    assert reading("/accounts", good).status == 200


@pytest.mark.spec("gateway/T13")
@pytest.mark.parametrize("door", [Edge, Daemon], ids=["edge", "daemon"])
def test_length_of_a_body(bank, door):
    door = door(bank)
    for number in (*WRONG, *LARGE, *OVER, ""):
        if number.strip(" \t") != number and number.strip():
            continue  # blanks around a value are none of it (RFC 9112 section 5)
        request = (
            f"POST /v1/accounts HTTP/1.1\r\n{door.own_headers}Content-Type: application/json\r\n"
            f"Idempotency-Key: {uuid.uuid4()}\r\nConnection: close\r\nContent-Length: {number}\r\n\r\n"
        ).encode() + BODY
        got = statuses(talk(door, request))
        zeros = isinstance(door, Edge) and number.startswith("0") and number.isascii() and number.isdigit()
        allowed = {400, 413} | ({201, 422} if zeros else set())  # nginx reads on past zeros in front
        assert len(got) == 1 and got[0] in allowed, (number[:40], got)
    request = (
        f"POST /v1/accounts HTTP/1.1\r\n{door.own_headers}Content-Type: application/json\r\n"
        f"Idempotency-Key: {uuid.uuid4()}\r\nConnection: close\r\nContent-Length: {len(BODY)}\r\n\r\n"
    ).encode() + BODY
    assert statuses(talk(door, request)) == [201]


@pytest.mark.spec("gateway/T13")
def test_numbers_in_cookies(bank):
    visitor = Visitor(bank)
    assert visitor.open().status == 200 and visitor.cookie
    for number in (*WRONG, *LARGE, *OVER, ""):
        cookie = f"__Host-giro-customer={number}; __Host-giro-session={number}".encode()
        for method, path, body in (
            ("GET", "/customer", None),
            ("GET", "/authorize", None),
            ("POST", "/customer/login", f"csrf=x&login={urllib.parse.quote(number)}&password=x&code=1"),
            ("POST", "/authorize/login", f"csrf=x&login={urllib.parse.quote(number)}&password=x&code=1"),
        ):
            headers = {"Cookie": cookie}
            if body:
                headers["Content-Type"] = "application/x-www-form-urlencoded"
            answer = bank.browser(method, path, body, headers)
            assert answer.status in (200, 303, 400, 401, 403, 404), (number, path, answer)  # 403: the firewall
    assert visitor.open().status == 200


@pytest.mark.spec("gateway/T13")
def test_age_that_is_asked_for(bank):
    """max_age is never too small: a customer logs in for every request (docs/authorization.md)."""
    party = ThirdParty(bank.client("acme-tpp"))
    consent = party.consent_made()
    for number in (*WRONG, *LARGE, *OVER, ""):
        pushed = party.push(consent, "v" * 43, max_age=number)
        assert pushed.status in (201, 400), (number, pushed)
        assert pushed.status == 201 or "\0" in number, (number, pushed)
    assert party.push(consent, "v" * 43, max_age="300").status == 201


# As JSON has numbers; what is none of them is no JSON.
MOMENTS = (
    *("-1", "-0", "007", "+1", "1e3", "1e400", "-1e400", "1.7976931348623157e308", "0x10", "NaN", "Infinity", "null"),
    *('"1"', "[1]", "{}", "true", "", " ", "0", "9" * 400, "-" + "9" * 400, "1." + "0" * 400),
    *(*LARGE, *OVER, "-9223372036854775808", "-9223372036854775809"),
)


PAST = ("1e3", "1." + "0" * 400)


def with_moment(signed, name, number):
    """A good text that says that moment, well signed."""
    head, body, _ = signed.good().split(".")
    if isinstance(signed, Message):
        text = json.dumps({**json.loads(from_b64url(head)), "http://openbanking.org.uk/iat": "@"})
        head, payload = b64url(text.replace('"@"', number).encode()), signed.payload("")
    else:
        text = json.dumps({**json.loads(from_b64url(body)), name: "@"})
        body = payload = b64url(text.replace('"@"', number).encode())
    return f"{head}.{body}.{b64url(signed.sign(f'{head}.{payload}'.encode()))}"


@pytest.mark.spec("gateway/T13")
def test_moments_in_signed_texts(signed):
    name = "iat" if isinstance(signed, (Statement, Proof, Message)) else "exp"
    for number in MOMENTS:
        if isinstance(signed, Message) and number in PAST:
            continue  # a message may have been signed long ago (uk/J5)
        signed.refused(signed.send(with_moment(signed, name, number)), number)
    now = str(int(time.time()) + (60 if name == "exp" else 0))
    assert signed.accepted(signed.send(with_moment(signed, name, now))), signed.name
