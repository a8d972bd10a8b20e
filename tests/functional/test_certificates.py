"""Client certificates at a running bank: trust lists by directory, roles, header forms, renewal without a restart."""

import base64
import http.client
import os
import re
import socket
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from bank import Bank, wait_for
from certificates import (
    ORGANIZATION_IDENTIFIER,
    Authority,
    Party,
    escaped,
    key_pem,
    log_lines,
    pem,
    put_file,
    reconfigure,
)

RELOAD_SECONDS_MAX = 1.5  # one second, and what this machine is busy with


@pytest.fixture(scope="module")
def obie():
    return Authority("OBIE test issuer")


@pytest.fixture(scope="module")
def eidas():
    return Authority("eIDAS test issuer")


@pytest.fixture(scope="module")
def own(obie, eidas):
    """A bank with the trust lists of two directories; its daemon also takes this user's connections."""
    with Bank() as running:
        running.start()
        trust = running.var / "trust"
        for name, authority in (("obie", obie), ("eidas", eidas)):
            (trust / name).mkdir(parents=True)
            put_file(trust / name / "ca.pem", pem(authority.certificate))
        lists = f'trust_directories:\n  obie: ["{trust}/obie"]\n  eidas: ["{trust}/eidas"]\n'
        users = f"users: [{os.geteuid()}, "
        reconfigure(running, lambda text: text.replace("users: [", users) + lists)
        yield running


@pytest.fixture(scope="module")
def aisp(own, eidas):
    """An account information provider with the certificate for it."""
    party = Party(own, "eidas-aisp", "PSDGB-FCA-700001", "eidasSoftware000000001", directory="eidas")
    return party.show(*eidas.client(party.org_id, party.software_id, roles=["PSP_AI"]))


def status(party, scope="accounts", path="/v1/accounts"):
    return party.get(path, scope).status


# ---- whom the lists trust


@pytest.mark.spec("gateway/2")
def test_a_directory_has_its_own_trust_list(own, aisp, obie, eidas):
    assert status(aisp) == 200
    good = aisp.context
    aisp.show(*obie.client(aisp.org_id, aisp.software_id))  # trusted by the bank, but not for this directory
    assert aisp.ask_token({"scope": "accounts"}).json["error"] == "invalid_client"
    anywhere = Party(own, "any-directory", "PSDGB-FCA-700002", "anySoftware00000000001")
    for authority in (obie, eidas):
        assert status(anywhere.show(*authority.client(anywhere.org_id, anywhere.software_id))) == 200
    assert anywhere.show(*Authority("nobody's").client(anywhere.org_id, anywhere.software_id)).ask_token().status == 401
    aisp.context = good
    aisp.drop()


@pytest.mark.spec("gateway/3", "uk/D3")
def test_roles_of_the_certificate_limit_scopes(own, aisp, eidas):
    aisp.show(*eidas.client(aisp.org_id, aisp.software_id, roles=["PSP_AI"]))
    assert aisp.ask_token({"scope": "accounts"}).json["scope"] == "accounts"
    for scope in ("payments", "fundsconfirmations", "accounts payments"):
        assert aisp.ask_token({"scope": scope}).json["error"] == "invalid_scope", scope
    assert aisp.ask_token().json["scope"] == "accounts"  # what is left of the registered scope
    aisp.show(*eidas.client(aisp.org_id, aisp.software_id, roles=["PSP_AI", "PSP_PI"]))
    assert aisp.ask_token({"scope": "payments"}).json["scope"] == "payments"
    aisp.show(*eidas.client(aisp.org_id, aisp.software_id, roles=[]))
    assert aisp.ask_token({"scope": "accounts"}).json["error"] == "invalid_scope"
    aisp.show(*eidas.client(aisp.org_id, aisp.software_id))  # no statement: nothing is limited
    assert aisp.ask_token({"scope": "payments"}).status == 200


@pytest.mark.spec("gateway/3", "uk/D3")
def test_registered_roles_limit_scopes_too(own, obie):
    party = Party(own, "registered-roles", "PSDGB-FCA-700003", "rolesSoftware000000001", roles="PSP_PI")
    party.show(*obie.client(party.org_id, party.software_id))
    assert party.ask_token({"scope": "payments"}).status == 200
    assert party.ask_token({"scope": "accounts"}).json["error"] == "invalid_scope"


@pytest.mark.spec("gateway/3", "gateway/T12")
def test_whose_certificate_it_is(own, obie, eidas):
    """OBIE's own form and the QWAC's; what looks like an id and is another's."""
    party = Party(own, "names-tpp", "0015800001NAMESAAA", "namesSoftware000000001")
    software, org = party.software_id, party.org_id
    organization, unit, name = NameOID.ORGANIZATION_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME, NameOID.COMMON_NAME
    rows = [
        ([(organization, org), (unit, software), (name, "x")], True),
        ([(organization, "Test"), (ORGANIZATION_IDENTIFIER, org), (name, software)], True),
        ([(organization, org), (ORGANIZATION_IDENTIFIER, "PSDGB-FCA-1"), (unit, software)], False),
        ([(organization, org), (unit, "another"), (name, software)], False),
        ([(organization, org), (unit, software + "\0"), (name, "x")], False),
        ([(organization, org), (unit, software + "\u200b"), (name, "x")], False),
        ([(organization, org.replace("A", "\u0410")), (unit, software), (name, "x")], False),
        ([(organization, org.lower()), (unit, software), (name, "x")], False),
        ([(organization, org), (unit, software), (unit, "another")], False),
        ([(organization, org), (unit, " " + software), (name, "x")], False),
    ]
    for subject, good in rows:
        answer = party.show(*obie.issue(subject)).ask_token({"scope": "accounts"})
        assert (answer.status == 200) == good, (subject, answer)


@pytest.mark.spec("gateway/T6")
def test_more_certificates_in_the_chain_change_nothing(own, aisp, obie, eidas):
    other = Party(own, "chain-tpp", "PSDGB-FCA-700004", "chainSoftware000000001")
    mine, key = obie.client(other.org_id, other.software_id)
    theirs, _ = eidas.client(aisp.org_id, aisp.software_id, roles=["PSP_AI"])
    other.show(mine, key, chain=[theirs, eidas.certificate])
    assert other.ask_token({"scope": "accounts"}).status == 200
    impostor = aisp.ask_token({"scope": "accounts"}, context=other.context)
    assert impostor.json["error"] == "invalid_client"


# ---- a client's new certificate


@pytest.mark.spec("uk/D4")
def test_a_renewed_certificate_keeps_the_client_and_ends_its_tokens(own, obie):
    party = Party(own, "renewing-tpp", "PSDGB-FCA-700005", "renewSoftware000000001")
    party.show(*obie.client(party.org_id, party.software_id))
    old = party.token("accounts")
    assert party.call("GET", "/v1/accounts", None, {"Authorization": "Bearer " + old}).status == 200
    party.show(*obie.client(party.org_id, party.software_id))
    assert party.call("GET", "/v1/accounts", None, {"Authorization": "Bearer " + old}).status == 401
    assert status(party) == 200  # the same client_id, a token of the new certificate


# ---- the forms of edges, at the daemon's own socket


def ask_socket(own, headers, path="/v1/accounts"):
    """One request as an edge would send it; its status."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(20)
        sock.connect(os.path.realpath(own.var / "run" / "giro.sock"))
        head = "".join(f"{name}: {value}\r\n" for name, value in headers)
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{head}\r\n".encode())
        return int(sock.makefile("rb").readline().split()[1])


def base64_der(certificate):
    return base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()


def aws(certificate):
    return escaped(certificate).replace("%2B", "+").replace("%3D", "=").replace("%2F", "/")


FORMS = {
    "nginx": lambda mine, other: [("X-OB-Client-Cert", escaped(mine))],
    "rfc9440": lambda mine, other: [
        ("Client-Cert", f":{base64_der(mine)}:"),
        ("Client-Cert-Chain", f":{base64_der(other)}:"),
    ],
    "xfcc": lambda mine, other: [
        ("x-forwarded-client-cert", f'Cert="{escaped(other)}",By=x;Cert="{escaped(mine)}";Subject="CN=\\"a,b;c"')
    ],
    "aws": lambda mine, other: [("X-Amzn-Mtls-Clientcert", aws(mine) + aws(other))],
    "aws-verify": lambda mine, other: [
        ("X-Amzn-Mtls-Clientcert-Leaf", aws(mine)),
        ("X-Amzn-Mtls-Clientcert-Subject", "CN=x"),
    ],
    "azure": lambda mine, other: [("X-ARR-ClientCert", base64_der(mine))],
}


@pytest.mark.spec("gateway/T4")
def test_forms_spoofed_through_nginx(own, aisp, obie, eidas):
    """What a caller says under an edge's name never makes him another."""
    aisp.show(*eidas.client(aisp.org_id, aisp.software_id, roles=["PSP_AI"]))
    token = aisp.token("accounts")
    own_context = aisp.context
    nobody = own.tls_context()
    stolen = x509.load_pem_x509_certificate((own.var / "party" / f"{aisp.name}.pem").read_bytes())
    for form in FORMS:
        for name, value in FORMS[form](stolen, stolen):
            for spelt in (name, name.lower(), name.upper(), name.replace("-", "_")):
                headers = {"Authorization": "Bearer " + token, spelt: value}
                answer = aisp.call("GET", "/v1/accounts", None, headers, context=nobody)
                assert answer.status in (400, 401), (spelt, answer)
                assert aisp.call("GET", "/v1/accounts", None, headers, context=own_context).status in (200, 400), spelt


# ---- files renewed while the bank runs


@pytest.mark.spec("gateway/10")
def test_trust_lists_are_read_again_within_a_second(own):
    fresh = Authority("A new issuer")
    party = Party(own, "reload-tpp", "PSDGB-FCA-700007", "reloadSoftware00000001", directory="obie")
    party.show(*fresh.client(party.org_id, party.software_id))
    assert party.ask_token({"scope": "accounts"}).status == 401
    place = own.var / "trust" / "obie" / "fresh.pem"
    put_file(place, pem(fresh.certificate))
    wait_for("the new list", RELOAD_SECONDS_MAX, lambda: party.ask_token({"scope": "accounts"}).status == 200)
    assert status(party) == 200
    put_file(place, b"-----BEGIN CERTIFICATE-----\nspoiled\n-----END CERTIFICATE-----\n")
    wait_for("an error in the log", 5, lambda: log_lines(own, "trust_not_reloaded"))
    line = log_lines(own, "trust_not_reloaded")[-1]
    assert line["level"] == "error" and "fresh.pem" in line["reason"] and "stay in force" in line["hint"], line
    assert status(party) == 200  # the old list stays
    place.unlink()
    wait_for("the list without it", RELOAD_SECONDS_MAX, lambda: party.ask_token({"scope": "accounts"}).status == 401)
    answer = party.call("GET", "/v1/accounts", None, {"Authorization": "Bearer x"})
    assert answer.code == "client_certificate_required"


def server_serial(own):
    """Of the certificate that the edge shows now."""
    with socket.create_connection(("localhost", own.port), 10) as sock:
        with own.tls_context().wrap_socket(sock, server_hostname="localhost") as tls:
            return x509.load_der_x509_certificate(tls.getpeercert(True)).serial_number


class Asking(threading.Thread):
    """Asks again and again on fresh connections; keeps what failed."""

    def __init__(self, party):
        super().__init__()
        self.party, self.done, self.count, self.failed = party, threading.Event(), 0, []

    def run(self):
        headers = {"Authorization": "Bearer " + self.party.token("accounts")}
        while not self.done.is_set():
            try:
                answer = self.party.call("GET", "/v1/accounts", None, headers, context=self.party.context)
                if answer.status != 200:
                    self.failed.append(answer)
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(error)
            self.count += 1


@pytest.mark.spec("gateway/10")
def test_the_edges_certificate_is_renewed_without_a_dropped_request(own):
    ca_key = serialization.load_pem_private_key((own.var / "pki" / "ca.key").read_bytes(), None)
    ca = Authority("unused")
    ca.key = ca_key
    ca.name = x509.load_pem_x509_certificate((own.var / "pki" / "ca.pem").read_bytes()).subject
    certificate, key = ca.issue(
        [(NameOID.COMMON_NAME, "localhost")],
        use=ExtendedKeyUsageOID.SERVER_AUTH,
        sans=[x509.DNSName("localhost")],
    )
    place, key_place = own.var / "pki" / "server.pem", own.var / "pki" / "server.key"
    before, old_key = place.read_bytes(), key_place.read_bytes()
    mode = key_place.stat()
    asking = Asking(own.client("embed-partner"))
    asking.start()
    try:
        put_file(place, pem(certificate))  # without its key: nothing must change
        wait_for("the complaint", 5, lambda: "keeps its certificate" in own.run_log())
        assert server_serial(own) != certificate.serial_number
        fresh = key_place.with_name("server.key.new")
        fresh.touch(0o600)
        os.chown(fresh, mode.st_uid, mode.st_gid)
        fresh.write_bytes(key_pem(key))
        os.rename(fresh, key_place)
        wait_for("the new certificate", 3, lambda: server_serial(own) == certificate.serial_number)
        wait_for("more requests", 20, lambda: asking.count > 20)
    finally:
        asking.done.set()
        asking.join()
        key_place.write_bytes(old_key)
        put_file(place, before)
    assert not asking.failed, asking.failed[:3]
    name = 'giro_certificate_expires_seconds{kind="edge",name="server.pem"}'
    wait_for("its end in the metrics", 10, lambda: 8 * 86400 < own.metrics()[name])
    assert own.metrics()['giro_certificate_expires_seconds{kind="trust",name="obie"}'] > 29 * 86400 - 3600
    ending = [line for line in log_lines(own, "certificate_expires") if line["kind"] == "trust"]
    assert {"OBIE test issuer", "eIDAS test issuer"} <= {line["name"] for line in ending}, ending


# ---- last, since each of them starts the daemon anew


@pytest.fixture(scope="module")
def formed(own, obie):
    """A client with a token, got in nginx's form; set(form) changes the daemon's."""
    party = Party(own, "form-tpp", "PSDGB-FCA-700006", "formSoftware0000000001")
    certificate, key = obie.client(party.org_id, party.software_id)
    token = party.show(certificate, key).token("accounts")

    def change(form):
        reconfigure(own, lambda text: re.sub(r"\nedge:\n(  form: .*\n)?", f"\nedge:\n  form: {form}\n", text))

    yield certificate, token, change
    change("nginx")


@pytest.mark.spec("gateway/5", "gateway/T4", "gateway/T6")
@pytest.mark.parametrize("form", FORMS)
def test_header_forms(own, obie, formed, form):
    """The token used in each form; no other form, no doubled or disguised header is taken."""
    certificate, token, change = formed
    other, _ = obie.client("PSDGB-FCA-1", "nobody")
    if form != "nginx":
        change(form)
    rest = [("X-OB-Listener", "mtls"), ("Authorization", "Bearer " + token)]
    mine = FORMS[form](certificate, other)
    assert ask_socket(own, mine + rest) == 200
    assert ask_socket(own, rest) == 401
    assert ask_socket(own, FORMS[form](other, certificate) + rest) == 401
    assert ask_socket(own, [mine[0], *mine, *rest]) == 400
    title, value = mine[0]
    assert ask_socket(own, [(title.replace("-", "_"), value), *rest]) == 400
    assert ask_socket(own, [(title.swapcase(), value), *rest]) == 400
    names = {row[0].lower() for row in mine}
    for foreign in FORMS:
        for row in FORMS[foreign](certificate, other):
            if row[0].lower() not in names and foreign != form:
                assert ask_socket(own, [*mine, row, *rest]) == 400, row[0]
                assert ask_socket(own, [row, *rest]) == 400, row[0]
