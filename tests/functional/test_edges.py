"""The configurations of deploy/: nginx takes its own; HAProxy stands in front of a real bank."""

import base64
import contextlib
import os
import re
import shutil
import socket
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization

from bank import ROOT, Bank, free_port_base, wait_for
from certificates import escaped, reconfigure

PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"
HAPROXY, NGINX = shutil.which("haproxy", path=PATH), shutil.which("nginx", path=PATH)


@pytest.mark.spec("gateway/8")
def test_nginx_takes_its_configuration(tmp_path):
    """The files as they are, with only their places changed."""
    places = {
        "/var/lib/giro/nginx": tmp_path / "nginx",
        "/var/log/giro": tmp_path,
        "/run/giro": tmp_path,
        "/etc/giro/edge": tmp_path,
    }
    (tmp_path / "nginx").mkdir()
    for name in ("nginx.conf", "headers.conf", "errors.conf", "firewall.conf"):
        text = (ROOT / "deploy" / "nginx" / name).read_text()
        for place, here in places.items():
            text = text.replace(place, str(here))
        (tmp_path / "nginx" / name).write_text(re.sub(r"^user .*;$", "", text, flags=re.M))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        + ["-subj", "/CN=localhost", "-out", tmp_path / "server.pem", "-keyout", tmp_path / "server.key"],
        check=True,
        capture_output=True,
    )
    conf = tmp_path / "nginx" / "nginx.conf"
    done = subprocess.run(
        [NGINX, "-t", "-p", tmp_path / "nginx", "-c", conf, "-e", tmp_path / "error.log"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


class Haproxy:
    """deploy/haproxy/haproxy.cfg with other places and ports, in front of a bank whose edge form is rfc9440."""

    def __init__(self, bank):
        self.bank, self.port = bank, free_port_base()
        pki = bank.var / "pki"
        self.folder = bank.var / "haproxy"
        self.folder.mkdir()
        pair = self.folder / "pair.pem"
        pair.touch(0o600)
        pair.write_text((pki / "server.pem").read_text() + (pki / "server.key").read_text())
        text = (ROOT / "deploy" / "haproxy" / "haproxy.cfg").read_text()
        places = {
            "/etc/giro/edge/haproxy.pem": pair,
            "/etc/giro/edge/any-ca.pem": pki / "server.pem",
            "/run/giro/giro.sock": os.path.realpath(bank.var / "run" / "giro.sock"),
            "bind :8443": f"bind 127.0.0.1:{self.port}",
            "bind :8444": f"bind 127.0.0.1:{self.port + 1}",
        }
        for place, here in places.items():
            assert place in text, place
            text = text.replace(place, str(here))
        self.conf = self.folder / "haproxy.cfg"
        self.conf.write_text(text)
        checked = subprocess.run([HAPROXY, "-c", "-f", self.conf], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr
        self.log = (self.folder / "log").open("wb")
        self.process = subprocess.Popen([HAPROXY, "-db", "-f", self.conf], stdout=self.log, stderr=self.log)
        wait_for("haproxy", 20, self.answers)

    def answers(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", self.port)) == 0

    def raw(self, request, context, port=None):
        """One request as bytes; the status, or 0 when the connection ended without one."""
        with socket.create_connection(("localhost", port or self.port), 20) as sock:
            with context.wrap_socket(sock, server_hostname="localhost") as tls:
                line = b""
                with contextlib.suppress(OSError):  # refused before all of it was sent
                    tls.sendall(request)
                    line = tls.makefile("rb").readline()
        return int(line.split()[1]) if line else 0

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()


@pytest.fixture(scope="module")
def haproxy():
    if not HAPROXY:
        pytest.skip("haproxy is not installed")
    with Bank() as bank:
        bank.start()
        users = f"users: [{os.geteuid()}, "
        reconfigure(
            bank,
            lambda text: text.replace("users: [", users).replace("\nedge:\n", "\nedge:\n  form: rfc9440\n"),
        )
        running = Haproxy(bank)
        yield running
        running.close()


@pytest.mark.spec("gateway/5", "gateway/2")
def test_an_authenticated_call_through_haproxy(haproxy):
    partner = haproxy.bank.client("embed-partner")
    answer = partner.ask_token({"scope": "accounts"}, port=haproxy.port)
    assert answer.status == 200, answer
    headers = {"Authorization": "Bearer " + answer.json["access_token"]}
    answer = partner.call("GET", "/v1/accounts", None, headers, port=haproxy.port)
    assert answer.status == 200 and answer.json["accounts"], answer
    assert "client-cert" not in answer.headers
    other = haproxy.bank.client("acme-tpp")  # bound to another certificate
    assert other.call("GET", "/v1/accounts", None, headers, port=haproxy.port).status == 401
    nobody = haproxy.bank.tls_context()
    answer = partner.call("GET", "/v1/accounts", None, headers, context=nobody, port=haproxy.port)
    assert answer.code == "client_certificate_required"
    metadata = partner.call("GET", "/.well-known/openid-configuration", context=nobody, port=haproxy.port + 1)
    assert metadata.status == 200 and metadata.json["issuer"], metadata


@pytest.mark.spec("gateway/T4", "gateway/5")
def test_spoofed_headers_do_not_pass_haproxy(haproxy):
    """Whoever shows no certificate stays nobody, whatever he says; whoever shows one stays himself."""
    partner = haproxy.bank.client("embed-partner")
    answer = partner.ask_token({"scope": "accounts"}, port=haproxy.port)
    authorization = f"Authorization: Bearer {answer.json['access_token']}\r\n"
    nobody = haproxy.bank.tls_context()
    certificate = partner.certificate()
    der = base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()
    spoofed = {
        "Client-Cert": f":{der}:",
        "Client-Cert-Chain": f":{der}:",
        "X-OB-Client-Cert": escaped(certificate),
        "X-OB-Listener": "mtls",
        "X-OB-Client-Address": "127.0.0.1",
        "X-Forwarded-Client-Cert": f'Cert="{escaped(certificate)}"',
        "X-Amzn-Mtls-Clientcert": escaped(certificate),
        "X-Amzn-Mtls-Clientcert-Leaf": escaped(certificate),
        "X-ARR-ClientCert": der,
    }
    for name, value in spoofed.items():
        for spelt in (name, name.lower(), name.upper(), name.replace("-", "_")):
            for more in ("", f"Connection: {spelt}\r\n"):
                head = f"GET /v1/accounts HTTP/1.1\r\nHost: localhost\r\n{authorization}{spelt}: {value}\r\n{more}\r\n"
                assert haproxy.raw(head.encode(), nobody) == 401, spelt
                assert haproxy.raw(head.encode(), partner.context) == 200, spelt
                assert haproxy.raw(head.encode(), nobody, haproxy.port + 1) == 404, spelt  # no API on the pages' port


@pytest.mark.spec("gateway/T3", "gateway/9")
def test_haproxy_lets_no_smuggling_through(haproxy):
    nobody = haproxy.bank.tls_context()
    start = b"POST /v1/accounts HTTP/1.1\r\nHost: localhost\r\n"
    bodies = [
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Content-Length : 1\r\n\r\nx",
        b"X: a\r\n b\0\r\n\r\n",
        b"Content-Length: 99999\r\n\r\n" + 99999 * b"x",
    ]
    for body in bodies:
        assert haproxy.raw(start + body, nobody) in ((400,) if len(body) < 1000 else (413, 0)), body
