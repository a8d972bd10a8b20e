"""Health, metrics, logs and books of a running bank."""

import concurrent.futures
import json
import re

import pytest

from bank import Bank, Client, other_bank, wait_for
from open_banking import ThirdParty

CANARY = {
    "number": "48151623",
    "sort_code": "424242",
    "name": "Zyxwvut Canaryperson",
    "iban": "DE89370400440532013000",
    "reference": "Canary reference 108",
}


@pytest.fixture(scope="module")
def own():
    """A bank that nobody else uses, so that counts are known."""
    with Bank() as running:
        yield running.start()


def test_pages(own):
    assert own.operations("/healthz").json == {"status": "ok"}
    assert own.operations("/readyz").json == {"status": "ready"}
    assert own.operations("/nothing").status == 404
    assert own.operations("/metrics", "POST").status == 405


def families_of(page):
    """{family: type}: TYPE before samples, one block a family."""
    types, seen, last = {}, set(), None
    for line in page.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert name not in types, f"twice: {name}"
            types[name] = kind
        elif line and not line.startswith("#"):
            name = re.match(r"[a-zA-Z_:][a-zA-Z0-9_:]*", line)[0]
            family = name if name in types else re.sub(r"_(bucket|sum|count|total|created)$", "", name)
            assert family in types, f"no TYPE before {line}"
            assert family == last or family not in seen, f"family in two blocks: {family}"
            seen.add(family)
            last = family
    return types


def test_metrics(own):
    partner = own.client("embed-partner")
    account = partner.open_account()
    before = own.metrics()

    def grown(name):
        return own.metrics().get(name, 0) - before.get(name, 0)

    for number in range(5):
        answer = partner.pay(f"1.0{number}")
        partner.wait_final(answer.json["payment_id"])
    partner.pay("9.00", creditor={"name": "Me", "iban": account["iban"]})
    refused = partner.pay("1.00", creditor=other_bank("55555555", "X", "202015"))
    assert refused.json["reason"] == "fraud"
    label = 'payment_type="{}",status="{}",currency="GBP"'
    expected = {("domestic", "completed"): 5, ("on_us", "completed"): 1, ("domestic", "rejected"): 1}
    for (kind, status), count in expected.items():
        name = "banking_payments_total{" + label.format(kind, status) + "}"
        wait_for(name, 10, lambda: grown(name) == count)  # noqa: B023  (looked at within the turn)
    page = own.operations("/metrics")
    assert page.headers["content-type"].startswith("text/plain")
    types = families_of(page.body.decode())
    for family, kind in {
        "banking_payments_total": "counter",
        "banking_payment_duration_seconds": "histogram",
        "banking_fraud_duration_seconds": "histogram",
        "banking_api_duration_seconds": "histogram",
        "banking_payments_unknown": "gauge",
        "banking_unknown_oldest_seconds": "gauge",
    }.items():
        assert types.get(family) == kind, (family, types.get(family))
    for family in types:
        assert family.startswith(("banking_", "giro_", "process_")), family
    samples = own.metrics()
    assert samples["banking_payments_unknown"] == 0
    check_histograms(samples)
    bounds = {
        re.search('le="([^"]+)"', name)[1]
        for name in samples
        if name.startswith("banking_payment_duration_seconds_bucket")
    }
    assert bounds == {"0.1", "0.25", "0.5", "1", "2", "3", "5", "10", "30", "+Inf"}, bounds
    assert grown('banking_payment_duration_seconds_count{payment_type="domestic"}') == 6


def check_histograms(samples):
    buckets = {}
    for name, value in samples.items():
        found = re.match(r'(.*)_bucket\{(.*?),?le="([^"]+)"\}$', name)
        if found:
            buckets.setdefault((found[1], found[2].rstrip(",")), []).append(
                (float(found[3].replace("+Inf", "inf")), value)
            )
    assert buckets
    for (family, labels), steps in buckets.items():
        values = [value for _, value in sorted(steps)]
        assert values == sorted(values), (family, labels)
        count = samples[f"{family}_count" + ("{" + labels + "}" if labels else "")]
        assert values[-1] == count, (family, labels)


def files_below(folder):
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


def test_nothing_personal_in_the_logs(own):
    partner = own.client("embed-partner")
    secrets = [
        partner.token("payments"),
        partner.token("accounts"),
        CANARY["number"],
        CANARY["name"],
        CANARY["iban"],
        CANARY["reference"],
    ]
    assertion = partner.assertion()
    secrets += [partner.ask_token(assertion=assertion).json["access_token"], assertion, assertion.split(".")[2]]
    paid = partner.pay(
        "1.00",
        creditor=other_bank(CANARY["number"], CANARY["name"], CANARY["sort_code"]),
        reference=CANARY["reference"],
    )
    partner.wait_final(paid.json["payment_id"])
    partner.wait_final(
        partner.pay("1.00", creditor={"name": CANARY["name"], "iban": CANARY["iban"]}).json["payment_id"]
    )
    for broken in (
        {"creditor": {"name": CANARY["name"], "iban": CANARY["iban"][:-1] + "1"}},
        {CANARY["number"]: CANARY["iban"]},
    ):
        assert partner.post("/v1/payments", {**partner.order(), **broken}, "payments").status == 400
    partner.call(
        "GET",
        f"/v1/accounts/{CANARY['iban']}?access_token={secrets[0]}",
        headers={"Authorization": "Bearer " + secrets[1]},
    )
    partner.call("GET", f"/v1/payments?iban={CANARY['iban']}")
    accounts = own.customers()["mia"]["accounts"] + [
        partner.get("/v1/accounts/" + account, "accounts").json for account in partner.data["account_ids"]
    ]
    secrets += [account[name] for account in accounts for name in ("iban", "account_number")]
    mia = own.customers()["mia"]
    secrets += [mia["password"], mia["totp_secret"]]
    logs = files_below(own.var / "log")
    assert any(path.name == "giro.jsonl" for path in logs), logs
    found = [(path.name, secret) for path in logs for secret in secrets if secret.encode() in path.read_bytes()]
    assert not found, found
    assert not [secret for secret in secrets if secret in own.operations("/metrics").body.decode()]


def test_log_is_lines_of_json(own):
    partner = own.client("embed-partner")
    partner.get("/v1/accounts", "accounts")
    lines = (own.var / "log" / "giro.jsonl").read_text().splitlines()
    assert lines
    for line in lines:
        assert isinstance(json.loads(line), dict), line


def test_journal_has_no_secret(own):
    """Tokens are stored hashed, whatever the file: the store and its log hold none in clear."""
    partner = own.client("embed-partner")
    token = partner.ask_token().json["access_token"]
    assertion = partner.assertion()
    partner.ask_token(assertion=assertion)
    files = files_below(own.var / "store")
    assert files
    for path in files:
        data = path.read_bytes()
        assert token.encode() not in data and assertion.split(".")[2].encode() not in data, path


def test_books(own):
    verified = own.verify()
    assert (
        verified["transactions"] > 0
        and verified["entries"] >= 2 * verified["transactions"]
        and verified["balances_checked"] > 0
    )


def test_status_and_a_second_start(own):
    status = json.loads(own.giro("run", "--status", "--json").stdout)
    assert status["ready"] is True
    assert {process["name"] for process in status["processes"]} >= {"giro", "nginx", "core"}
    second = own.giro("run", "--port-base", str(own.port), check=False)
    assert second.returncode == 5 and "runs on" in second.stderr, second
    assert own.is_ready()


def test_money_is_there_after_a_restart(spare):
    partner = spare.client("embed-partner")
    paid = partner.wait_final(partner.pay("7.77").json["payment_id"])
    before = partner.balances()
    assert spare.stop() == 0
    spare.start()
    partner = spare.client("embed-partner")
    assert partner.balances() == before
    assert partner.payment(paid["payment_id"]) == paid
    spare.verify()


def test_open_banking_leaves_no_trace_either(own):
    acme = ThirdParty(own.client("acme-tpp"))
    answer = acme.consent()
    assert answer.status == 201, answer
    found = [path.name for path in files_below(own.var / "log") if b"20041555779911" in path.read_bytes()]
    assert not found, found


def test_a_tier_has_a_rate(own):
    """open_banking_tpp: 50 a second, burst 100; partner_embedded_finance (100, 200) is not moved by it."""
    noisy, other = own.client("acme-tpp"), own.client("embed-partner")
    token, theirs = noisy.token("payments"), other.token("accounts")
    noisy.patient = other.patient = False
    path, nobody = "/open-banking/v4.0/pisp/domestic-payments/", "00000000-0000-7000-8000-000000000000"

    def ask(count):
        """One connection's calls; several at once, so that the rate is passed on a slow machine too."""
        caller = Client(own, "acme-tpp")
        caller.patient = False
        return [caller.call("GET", path + nobody, headers={"Authorization": f"Bearer {token}"}) for _ in range(count)]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = [answer for part in pool.map(ask, [75] * 8) for answer in part]
    refused = [answer for answer in answers if answer.status == 429]
    assert {answer.status for answer in answers} == {400, 429} and refused, {answer.status for answer in answers}
    assert int(refused[0].headers["retry-after"]) >= 1
    assert "ratelimit" in refused[0].headers and "ratelimit-policy" in refused[0].headers
    assert other.call("GET", "/v1/accounts", headers={"Authorization": f"Bearer {theirs}"}).status == 200
    noisy.patient = True
    assert noisy.call("GET", path + nobody, headers={"Authorization": f"Bearer {token}"}).status == 400
