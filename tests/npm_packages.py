"""Packages of npm for the tests: exactly what a lock file names, fetched once for it into the test build.

Without npm or a registry that answers, the tests that want them are skipped and counted so.
"""

import re
import shutil
import subprocess

import pytest

from bank import BUILD

FETCH_SECONDS_MAX = 300
UNREACHABLE = re.compile(
    r"\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH"
    r"|ERR_SOCKET_TIMEOUT|E407|E429|E5\d\d)\b"
)


def fetch_packages(folder):
    """npm ci, exactly what the lock file names."""
    npm = shutil.which("npm")
    if not npm:
        pytest.skip("npm is not on this machine")
    command = [
        npm,
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--no-update-notifier",
        "--fetch-retries=2",
        "--fetch-retry-mintimeout=1000",
        "--fetch-retry-maxtimeout=5000",
    ]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=FETCH_SECONDS_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm's registry gave no packages in {FETCH_SECONDS_MAX} s")
    if done.returncode == 0:
        return
    if UNREACHABLE.search(done.stdout):
        pytest.skip("npm's registry cannot be reached")
    pytest.fail(f"npm ci failed:\n{done.stdout}")


def packages_of(source):
    """A folder of the test build with the packages that source/package-lock.json names."""
    folder = BUILD / source.name
    lock, fetched = source / "package-lock.json", folder / "fetched-lock.json"
    if not fetched.exists() or fetched.read_bytes() != lock.read_bytes():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(source / name, folder / name)
        fetch_packages(folder)
        shutil.copyfile(lock, fetched)
    return folder
