"""The Open Banking payment of an independent client: npm's openid-client (tests/openid_client/flow.mjs).

Its packages are fetched once for a lock file, into the test build; without Node, npm or a registry that answers, the
tests are skipped and counted so.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from npm_packages import packages_of

SOURCE = Path(__file__).resolve().parent.parent / "openid_client"
FLOW_SECONDS_MAX = 120
# Debian 12's Node; the one that runs is a newer one only where no 18 is there.
NODE_MAJOR_WANTED, NODE_MAJOR_MIN = 18, 18
NODES = ("/usr/bin/nodejs", "/usr/bin/node", "node")


def node_major(program):
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    found = re.match(r"v(\d+)\.", done.stdout)
    return int(found[1]) if found else 0


def find_node():
    """The program and its major version; skips the test when there is none."""
    found = {}
    for name in NODES:
        program = shutil.which(name)
        if program:
            found.setdefault(node_major(program), program)
    usable = [major for major in found if major >= NODE_MAJOR_MIN]
    if not usable:
        pytest.skip(f"no Node {NODE_MAJOR_MIN} or later on this machine")
    major = NODE_MAJOR_WANTED if NODE_MAJOR_WANTED in usable else min(usable)
    return found[major]


@pytest.fixture(scope="module")
def client_folder():
    """A copy of tests/openid_client with its packages, in the test build."""
    folder = packages_of(SOURCE)
    shutil.copyfile(SOURCE / "flow.mjs", folder / "flow.mjs")
    return folder


@pytest.fixture(scope="module")
def flow(request, bank, client_folder):
    """Runs flow.mjs against the sandbox and gives what it prints; the report names the Node that runs it."""
    node = find_node()
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    request.config.get_terminal_writer().line(f"\nopenid-client runs on {node} {version}")

    def run(login_hint, client="acme-tpp", response="plain"):
        payee = bank.customers()["sam"]["accounts"][0]
        command = [node, "flow.mjs", bank.var, payee["sort_code"] + payee["account_number"], login_hint]
        command += [client, response]
        done = subprocess.run(
            [str(word) for word in command],
            cwd=client_folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=FLOW_SECONDS_MAX,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        assert len(lines) == 1, lines
        return json.loads(lines[0])

    return run


WAYS = [
    ("acme-tpp", "plain"),
    ("ms-tpp", "plain"),
    ("ms-tpp", "signed"),
    ("beta-tpp", "signed"),
    ("beta-tpp", "hybrid"),
]


@pytest.mark.parametrize("client, response", WAYS)
def test_payment_is_made(flow, client, response):
    result = flow("mia", client, response)
    assert result["outcome"] == "paid", result
    assert result["payment_status"] == "ACSC"
    assert result["consent_status"] == "COND"
    assert result["code_used_twice"] == "invalid_grant"


@pytest.mark.parametrize("client, response", [WAYS[0], WAYS[2], WAYS[4]])
def test_customer_declines(flow, client, response):
    assert flow("decline", client, response) == {"outcome": "access_denied", "consent_status": "RJCT"}


def test_lock_names_no_host():
    lock = json.loads((SOURCE / "package-lock.json").read_text())
    for name, package in lock["packages"].items():
        assert "resolved" not in package, name
        assert name == "" or package["integrity"].startswith("sha512-"), name
