"""Certificates for the tests: authorities, eIDAS certificates with a PSD2 statement, lists of revoked ones, OCSP."""

import datetime
import http.server
import json
import os
import signal
import ssl
import threading
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from bank import START_SECONDS_MAX, Client, b64url, wait_for

ROLE_NUMBERS = {"PSP_AS": 1, "PSP_PI": 2, "PSP_AI": 3, "PSP_IC": 4}
ORGANIZATION_IDENTIFIER = x509.ObjectIdentifier("2.5.4.97")  # older packages have no name for it
QC_STATEMENTS = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.3")
HOUR = datetime.timedelta(hours=1)


def now():
    return datetime.datetime.utcnow().replace(microsecond=0)


def der(tag, *parts):
    body = b"".join(parts)
    length = bytes([len(body)]) if len(body) < 128 else bytes([0x82, len(body) >> 8, len(body) & 255])
    return bytes([tag]) + length + body


def psd2_statement(roles, nca="GB-FCA"):
    """QCStatements with the one of ETSI TS 119 495."""
    oid = bytes.fromhex("0400819827")
    entries = [der(0x30, der(0x06, oid + bytes([1, ROLE_NUMBERS[role]])), der(0x0C, role.encode())) for role in roles]
    info = der(0x30, der(0x30, *entries), der(0x0C, b"Authority"), der(0x0C, nca.encode()))
    return der(0x30, der(0x30, der(0x06, oid + bytes([2])), info))


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def key_pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


class Authority:
    """A CA with its key; what it has issued."""

    def __init__(self, name):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        self.certificate = (
            self.begin(self.name, self.key, days=30)
            .add_extension(x509.BasicConstraints(True, 0), True)
            .add_extension(usage, True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), False)
            .sign(self.key, hashes.SHA256())
        )

    def begin(self, subject, key, days):
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now() - HOUR)
            .not_valid_after(now() + datetime.timedelta(days=days))
        )

    def issue(self, subject, roles=None, crl=None, ocsp_url=None, use=ExtendedKeyUsageOID.CLIENT_AUTH, sans=()):
        """A certificate and its key; subject: [(oid, text)]."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(oid, text) for oid, text in subject])
        builder = self.begin(name, key, days=10)
        builder = builder.add_extension(x509.ExtendedKeyUsage([use]), False)
        if roles is not None:
            builder = builder.add_extension(x509.UnrecognizedExtension(QC_STATEMENTS, psd2_statement(roles)), False)
        if crl:
            point = x509.DistributionPoint([x509.UniformResourceIdentifier(crl)], None, None, None)
            builder = builder.add_extension(x509.CRLDistributionPoints([point]), False)
        if ocsp_url:
            place = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(ocsp_url))
            builder = builder.add_extension(x509.AuthorityInformationAccess([place]), False)
        if sans:
            builder = builder.add_extension(x509.SubjectAlternativeName(list(sans)), False)
        return builder.sign(self.key, hashes.SHA256()), key

    def client(self, org_id, software_id, **more):
        """As eIDAS has it: the organization in 2.5.4.97, the software in the OU."""
        subject = [
            (NameOID.ORGANIZATION_NAME, "Test"),
            (ORGANIZATION_IDENTIFIER, org_id),
            (NameOID.ORGANIZATIONAL_UNIT_NAME, software_id),
            (NameOID.COMMON_NAME, "test"),
        ]
        return self.issue(subject, **more)

    def crl(self, *revoked, seconds=3600, signer=None):
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.name)
            .last_update(now() - HOUR)
            .next_update(now() + datetime.timedelta(seconds=seconds))
        )
        for certificate in revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(certificate.serial_number)
                .revocation_date(now() - HOUR)
                .build()
            )
        return builder.sign(signer or self.key, hashes.SHA256())

    def ocsp_answer(self, request, revoked, seconds=3600, signer=None):
        asked = ocsp.load_der_ocsp_request(request).serial_number
        issued = next(certificate for certificate in self.known if certificate.serial_number == asked)
        bad = any(certificate.serial_number == asked for certificate in revoked)
        builder = ocsp.OCSPResponseBuilder().add_response(
            cert=issued,
            issuer=self.certificate,
            algorithm=hashes.SHA1(),
            cert_status=ocsp.OCSPCertStatus.REVOKED if bad else ocsp.OCSPCertStatus.GOOD,
            this_update=now() - HOUR,
            next_update=now() + datetime.timedelta(seconds=seconds),
            revocation_time=now() - HOUR if bad else None,
            revocation_reason=None,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, self.certificate)
        return builder.sign(signer or self.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


class Publisher:
    """Serves bytes under paths on loopback, over plain HTTP; counts what was asked."""

    def __init__(self):
        self.pages, self.asked = {}, []
        publisher = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer(b"")

            def do_POST(self):
                self.answer(self.rfile.read(int(self.headers["Content-Length"])))

            def answer(self, body):
                publisher.asked.append(self.path)
                page = publisher.pages.get(self.path)
                content = page(body) if callable(page) else page
                self.send_response(200 if content is not None else 404)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def url(self, path):
        return f"http://127.0.0.1:{self.server.server_address[1]}{path}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class KeyServer:
    """JWK sets over HTTPS on loopback, by path; a page may be bytes or a function that is given the handler.

    What is posted is the handler's form.
    """

    def __init__(self, authority, folder):
        certificate, key = authority.issue(
            [(NameOID.COMMON_NAME, "localhost")],
            use=ExtendedKeyUsageOID.SERVER_AUTH,
            sans=[x509.DNSName("localhost")],
        )
        path = folder / "key-server.pem"
        path.write_bytes(pem(certificate) + key_pem(key))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        self.pages, self.asked = {}, []
        pages, asked = self.pages, self.asked

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self.form = dict(urllib.parse.parse_qsl(body))
                self.do_GET()

            def do_GET(self):
                asked.append(self.path)
                page = pages.get(self.path, b"")
                try:
                    page(self) if callable(page) else self.give(page)
                except OSError:
                    pass  # who asked has gone

            def give(self, content, length=None, status=200):
                self.send_response(status)
                self.send_header("Content-Type", "application/jwk-set+json")
                self.send_header("Content-Length", str(length or len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path, host="localhost"):
        return f"https://{host}:{self.port}{path}"

    def put(self, path, *keys):
        self.pages[path] = json.dumps({"keys": list(keys)}).encode()
        return self.url(path)

    def count(self, path):
        return self.asked.count(path)


def jwk_of(key, kid):
    numbers = key.public_key().public_numbers()
    return {
        "kty": "RSA",
        "use": "sig",
        "alg": "PS256",
        "kid": kid,
        "n": b64url(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")),
        "e": b64url(numbers.e.to_bytes(3, "big")),
    }


class Party(Client):
    """A client of our own making, with the signing key of a sandbox client; shows whatever certificate it is given."""

    def __init__(self, bank, name, org_id, software_id, **registered):
        super().__init__(bank, "acme-tpp")
        self.name, self.org_id, self.software_id = name, org_id, software_id
        bank.admin(
            "client_register",
            name=name,
            display_name=name,
            profile="fapi2",
            sender="mtls",
            tier="open_banking_tpp",
            org_id=org_id,
            software_id=software_id,
            scope="openid payments accounts fundsconfirmations",
            redirect_uris=["https://party.example/callback"],
            jwks={"keys": [jwk_of(self.signing_key, self.data["kid"])]},
            **registered,
        )

    def show(self, certificate, key, chain=()):
        """From now on its connections show this certificate."""
        folder = self.bank.var / "party"
        folder.mkdir(exist_ok=True)
        path = folder / f"{self.name}.pem"
        path.write_bytes(pem(certificate) + b"".join(pem(other) for other in chain) + key_pem(key))
        self.context = ssl.create_default_context(cafile=self.bank.var / "pki" / "ca.pem")
        self.context.load_cert_chain(path)
        self.drop()
        self.tokens = {}
        return self


def put_file(path, content):
    """As one should: written beside it, then renamed."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(content)
    os.chmod(fresh, 0o644)
    os.rename(fresh, path)


def reconfigure(bank, change):
    """change(text of giro.yaml) gives the new text; the daemon starts anew with it."""
    path = bank.var / "giro.yaml"
    path.write_text(change(path.read_text()))
    before = wait_for("the daemon", START_SECONDS_MAX, lambda: bank.pid("giro"))
    os.kill(before, signal.SIGTERM)
    wait_for("another daemon", START_SECONDS_MAX, lambda: bank.pid("giro") not in (0, before))
    wait_for("the bank ready again", START_SECONDS_MAX, bank.look_ready)


def log_lines(bank, event):
    lines = (bank.var / "log" / "giro.jsonl").read_text().splitlines()
    return [line for line in map(json.loads, lines) if line["event"] == event]


def escaped(certificate):
    """As nginx and Envoy escape a PEM."""
    return urllib.parse.quote(pem(certificate).decode(), safe="")
