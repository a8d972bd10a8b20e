"""The sandbox's customers and their one-time codes.

A one-time code is good once, and none before it; it is taken in its 30 seconds and in those before and after. So
whoever logs in takes the customer whose last code is oldest, and waits only when that one has used the next code too.
"""

import base64
import hmac
import html
import re
import struct
import time

from bank import encode_form

STEP_SECONDS = 30
DIGITS = 6
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def one_time_code(secret, step):
    """RFC 6238 with SHA-1."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, struct.pack(">Q", step), "sha1")
    offset = digest[-1] & 0x0F
    return f"{(struct.unpack('>I', digest[offset:offset + 4])[0] & 0x7FFFFFFF) % 10**DIGITS:0{DIGITS}}"


class Customer:
    def __init__(self, described):
        self.login, self.password = described["login"], described["password"]
        self.secret, self.accounts = described["totp_secret"], described["accounts"]
        self.step_used = 0

    def step(self):
        """The next step whose code was not used: this one or the one to come, waiting when it must."""
        while True:
            now, passed = divmod(time.time(), STEP_SECONDS)
            step = max(int(now), self.step_used + 1)
            if step <= now + 1:
                self.step_used = step
                return step
            time.sleep(STEP_SECONDS - passed + 0.1)

    def code(self):
        return one_time_code(self.secret, self.step())

    def wrong_code(self):
        """Six digits that are none of the codes around now."""
        now = int(time.time()) // STEP_SECONDS
        good = {one_time_code(self.secret, step) for step in range(now - 4, now + 5)}
        return next(text for text in (f"{number:06}" for number in range(1000)) if text not in good)


class Customers:
    def __init__(self, described):
        self.all = {customer["login"]: Customer(customer) for customer in described}
        self.lent = set()

    def take(self, login):
        """That one, for this test alone."""
        self.lent.add(login)
        return self.all[login]

    def take_any(self):
        free = [customer for login, customer in self.all.items() if login not in self.lent]
        return min(free, key=lambda customer: customer.step_used)


class Visitor:
    """A browser at /customer: its cookie, and the page it is on."""

    def __init__(self, bank):
        self.bank, self.cookie, self.answer = bank, None, None

    def send(self, method, path, body=None, headers=None):
        sent = {**(FORM if body is not None else {}), **({"Cookie": self.cookie} if self.cookie else {})}
        self.answer = self.bank.browser(method, path, body, {**sent, **(headers or {})})
        cookie = self.answer.headers.get("set-cookie")
        if cookie:
            self.cookie = cookie.split(";")[0]
        return self.answer

    def open(self, path="/customer"):
        return self.send("GET", path)

    def follow(self):
        assert self.answer.status == 303, self.answer
        return self.open(self.answer.headers["location"])

    def text(self):
        return self.answer.body.decode()

    def csrf(self):
        return re.search(r'name="csrf" value="([^"]+)"', self.text())[1]

    def post(self, path, csrf=None, **fields):
        return self.send("POST", path, encode_form({"csrf": csrf or self.csrf(), **fields}))

    def log_in(self, login, password, code):
        self.open()
        return self.post("/customer/login", login=login, password=password, code=code)

    def enter(self, customer):
        assert self.log_in(customer.login, customer.password, customer.code()).status == 303, self.answer
        assert self.follow().status == 200
        assert "Your permissions" in self.text()
        return self

    def withdraw(self, consent_id, **more):
        self.open()
        return self.post("/customer/withdraw", consent_id=consent_id, **more)

    def consent(self, consent_id):
        """What the page says of an active consent, as text."""
        self.open()
        for section in re.findall(r"<section.*?</section>", self.text(), re.S):
            if consent_id in section:
                return html.unescape(re.sub(r"<[^>]+>", " ", section))
        return None
