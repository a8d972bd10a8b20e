"""Revoked client certificates at a running bank: CRLs in files and at distribution points, OCSP, the policies."""


import pytest

from bank import Bank, wait_for
from certificates import Authority, Party, Publisher, log_lines, pem, put_file, reconfigure
from cryptography.hazmat.primitives import serialization

KNOWN_SECONDS_MAX = 15  # the next fetch is at most a second away; the machine may be busy


def crl_der(crl):
    return crl.public_bytes(serialization.Encoding.DER)


def crl_pem(crl):
    return crl.public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="module")
def issuer():
    return Authority("Issuer with lists")


@pytest.fixture(scope="module")
def published():
    publisher = Publisher()
    yield publisher
    publisher.close()


def settings(folder, policy):
    return f"revocation:\n  policy: {policy}\n  refresh: 1s\n  hosts: [127.0.0.1]\n" f'  lists: ["{folder}/lists"]\n'


@pytest.fixture(scope="module")
def own(issuer):
    """A bank that wants to know of every certificate whether it is revoked."""
    with Bank() as running:
        running.start()
        folder = running.var / "trust"
        (folder / "lists").mkdir(parents=True)
        put_file(folder / "ca.pem", pem(issuer.certificate))
        lists = f'trust_directories:\n  listed: ["{folder}/ca.pem"]\n' + settings(folder, "require")
        reconfigure(running, lambda text: text + lists)
        yield running


@pytest.fixture(scope="module")
def numbers():
    return iter(range(800001, 900000))


@pytest.fixture
def party(own, numbers):
    number = next(numbers)
    return Party(own, f"revoked-{number}", f"PSDGB-FCA-{number}", f"revokedSoftware{number}")


def shown(party, issuer, **more):
    certificate, key = issuer.client(party.org_id, party.software_id, **more)
    party.show(certificate, key)
    return certificate


def works(party):
    return party.ask_token({"scope": "accounts"}).status == 200


@pytest.mark.spec("gateway/4")
def test_nothing_to_be_had_is_refused(own, party, issuer):
    """Policy require: no list, no OCSP."""
    shown(party, issuer)
    assert party.ask_token({"scope": "accounts"}).json["error"] == "invalid_client"


@pytest.mark.spec("gateway/4")
def test_a_list_in_a_file(own, party, issuer):
    certificate = shown(party, issuer)
    place = own.var / "trust" / "lists" / "issuer.crl"
    assert not works(party)
    put_file(place, crl_pem(issuer.crl()))
    wait_for("the list read", KNOWN_SECONDS_MAX, lambda: works(party))
    token = party.token("accounts")
    headers = {"Authorization": "Bearer " + token}
    assert party.call("GET", "/v1/accounts", None, headers).status == 200
    put_file(place, b"no list at all")
    wait_for("the complaint", 5, lambda: log_lines(own, "revocation_lists_not_reloaded"))
    assert "issuer.crl" in log_lines(own, "revocation_lists_not_reloaded")[-1]["reason"]
    assert party.call("GET", "/v1/accounts", None, headers).status == 200  # the list before stays
    put_file(place, crl_pem(issuer.crl(certificate, signer=Authority("somebody").key)))
    wait_for("another", 5, lambda: len(log_lines(own, "revocation_lists_not_reloaded")) > 1)
    assert party.call("GET", "/v1/accounts", None, headers).status == 200  # signed by nobody
    put_file(place, crl_der(issuer.crl(certificate)))
    wait_for("revoked", KNOWN_SECONDS_MAX, lambda: party.call("GET", "/v1/accounts", None, headers).status == 401)
    assert not works(party)
    place.unlink()
    wait_for("the list gone", KNOWN_SECONDS_MAX, lambda: log_lines(own, "revocation_lists_reloaded"))


def check_called(bank, url, operation):
    """The journal keeps the call."""

    def look():
        rows = [row["record"] for row in bank.giro_json("audit", "export")]
        return [row for row in rows if row.get("event") == "call_out" and row["request"]["url"] == url]

    record = wait_for(f"the record of the call to {url}", 30, look, every=0.2)[0]
    assert record["peer"] == url.split("/")[2] and record["operation"] == operation, record
    assert record["status"] == 200 and record["outcome"] == "answered" and record["response"]["bytes"] > 0, record


@pytest.mark.spec("gateway/4", "gateway/61")
def test_a_list_from_the_certificates_distribution_point(own, party, issuer, published):
    published.pages["/issuer.crl"] = crl_der(issuer.crl())
    certificate = shown(party, issuer, crl=published.url("/issuer.crl"))
    assert works(party)  # the first request waits for the first call
    check_called(own, published.url("/issuer.crl"), "crl")
    token = party.token("accounts")
    published.pages["/issuer.crl"] = crl_der(issuer.crl(certificate, signer=Authority("somebody").key))
    asked = len(published.asked)
    wait_for("two more fetches", 8, lambda: len(published.asked) > asked + 1)
    assert works(party)  # a forged list changes nothing
    published.pages["/issuer.crl"] = crl_der(issuer.crl(certificate))
    headers = {"Authorization": "Bearer " + token}
    wait_for("revoked", KNOWN_SECONDS_MAX, lambda: party.call("GET", "/v1/accounts", None, headers).status == 401)
    published.pages["/issuer.crl"] = None
    assert not works(party)  # and stays so when the list cannot be had


@pytest.mark.spec("gateway/4")
def test_a_list_out_of_date_proves_nothing(own, party, issuer, published):
    published.pages["/old.crl"] = crl_der(issuer.crl(seconds=-60))
    shown(party, issuer, crl=published.url("/old.crl"))
    assert not works(party)
    published.pages["/old.crl"] = crl_der(issuer.crl())
    wait_for("a fresh list", KNOWN_SECONDS_MAX, lambda: works(party))


@pytest.mark.spec("gateway/4", "gateway/61")
def test_ocsp(own, party, issuer, published):
    revoked, forger = [], []
    issuer.known = []

    def answer(request):
        return issuer.ocsp_answer(request, revoked, signer=forger[0] if forger else None)

    published.pages["/ocsp"] = answer
    certificate, key = issuer.client(party.org_id, party.software_id, ocsp_url=published.url("/ocsp"))
    issuer.known.append(certificate)
    party.show(certificate, key)
    assert works(party)
    check_called(own, published.url("/ocsp"), "ocsp")
    forger.append(Authority("somebody").key)
    revoked.append(certificate)
    asked = len(published.asked)
    wait_for("two more questions", 8, lambda: len(published.asked) > asked + 1)
    assert works(party)
    forger.clear()
    wait_for("revoked", KNOWN_SECONDS_MAX, lambda: not works(party))


@pytest.mark.spec("gateway/4", "gateway/T9")
def test_internal_hosts_are_not_called(own, party, issuer, published):
    """Only what revocation.hosts names may be internal; the same server under its other name is not."""
    published.pages["/guarded.crl"] = crl_der(issuer.crl())
    url = published.url("/guarded.crl").replace("127.0.0.1", "localhost")
    shown(party, issuer, crl=url)
    assert not works(party)
    assert "/guarded.crl" not in published.asked
    lines = [line for line in log_lines(own, "revocation_not_fetched") if line["url"] == url]
    assert lines and "internal" in lines[0]["reason"], lines


@pytest.mark.spec("gateway/4")
def test_policy_soft_and_off(own, party, issuer, published):
    """Soft accepts what nobody can tell, and still refuses what is revoked; off asks nobody."""
    certificate = shown(party, issuer, crl=published.url("/soft.crl"))
    published.pages["/soft.crl"] = None
    assert not works(party)
    reconfigure(own, lambda text: text.replace("policy: require", "policy: soft"))
    assert works(party)
    published.pages["/soft.crl"] = crl_der(issuer.crl(certificate))
    wait_for("revoked", KNOWN_SECONDS_MAX, lambda: not works(party))
    reconfigure(own, lambda text: text.replace("policy: soft", 'policy: "off"'))
    asked = len(published.asked)
    for _ in range(5):
        assert works(party)
    assert len(published.asked) == asked
