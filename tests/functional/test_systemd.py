"""The units of deploy/systemd, by systemd's own judgement: well-formed, and the daemon fenced in."""

import re
import shutil
import subprocess

import pytest

from bank import ROOT

UNIT = ROOT / "deploy" / "systemd" / "giro.service"
EXPOSURE_MAX = 2.0  # of 10
NEEDED = {
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "AmbientCapabilities": "",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "MemoryDenyWriteExecute": "yes",
    "RestrictSUIDSGID": "yes",
    "RestrictNamespaces": "yes",
    "SystemCallArchitectures": "native",
    "User": "giro",
    "LimitCORE": "0",
}
needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not here")


@pytest.mark.spec("gateway/75")
def test_the_fence_stands():
    lines = [line.partition("=") for line in UNIT.read_text().splitlines() if "=" in line and not line.startswith("#")]
    said = {name: value for name, _, value in lines}
    for name, value in NEEDED.items():
        assert said.get(name) == value, name
    filters = [value for name, _, value in lines if name == "SystemCallFilter"]
    assert filters[0] == "@system-service" and "@privileged" in filters[1] and filters[1].startswith("~")


@needs_systemd
@pytest.mark.spec("gateway/75")
def test_systemd_reads_it(tmp_path):
    """Program and user do not exist on this machine; nothing else may be remarked."""
    text = UNIT.read_text()
    copy = tmp_path / "giro.service"
    copy.write_text(text.replace("/usr/bin/giro", "/bin/true").replace("User=giro\n", "User=root\n", 1))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True, timeout=60, check=False
    )
    remarks = [line for line in done.stderr.splitlines() if "giro.service" in line and "network-online" not in line]
    assert not remarks, done
    copy.write_text(text.replace("/usr/bin/giro", "/bin/true") + "\n[Service]\nNoSuchFence=yes\n")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True, timeout=60, check=False
    )
    assert "NoSuchFence" in done.stderr, "the twin: what is not understood is remarked"


@needs_systemd
@pytest.mark.spec("gateway/75")
def test_systemd_calls_it_safe():
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", UNIT],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    found = re.search(r"exposure level for giro\.service: ([0-9.]+)", done.stdout)
    assert found and float(found[1]) <= EXPOSURE_MAX, done.stdout[-3000:] + done.stderr
