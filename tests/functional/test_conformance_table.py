"""tools/conformance itself: what it sees, and what it does not let pass."""

import shutil
import subprocess
from pathlib import Path

import pytest

from bank import ROOT

LISTS = ("gateway", "fapi", "open-banking-uk", "ledger")
NUMBERS = (("gateway/1",), ("fapi/A1", "fapi/A2"), ("uk/H1", "uk/H2"), ("ledger/1",))
PYTHON_TEST = """import pytest


@pytest.mark.spec("gateway/1", *"fapi/A1 fapi/A2".split())
def test_two():
    pass
"""
C_TEST = """/* spec: uk/H1,
 * uk/H2 */
static void both(void **state) {
}

/* spec: ledger/1 */
enum { A_PROGRAM_THAT_PROVES_IT = 1 };
"""


@pytest.fixture
def tree(tmp_path):
    """A small project that the tool is content with."""
    for folder in ("tools", "docs", "src/app", "tests/conformance"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(ROOT / "tools" / "conformance", tmp_path / "tools")
    for name, numbers in zip(LISTS, NUMBERS):
        (tmp_path / f"tests/conformance/{name}.tsv").write_text("".join(f"{number}\tit\n" for number in numbers))
    (tmp_path / "tests/test_it.py").write_text(PYTHON_TEST)
    (tmp_path / "src/app/it_test.c").write_text(C_TEST)
    assert run(tmp_path, "write").returncode == 0
    return tmp_path


def run(tree, *words):
    return subprocess.run([tree / "tools/conformance", *words], capture_output=True, text=True, check=False)


def test_every_form_of_mark_is_seen(tree):
    done = run(tree, "check")
    assert done.returncode == 0 and done.stdout == "6 numbers, 0 missing\n", done
    text = (tree / "docs/conformance.md").read_text()
    for row in ("| gateway/1 | it | `test_it.test_two` |", "| fapi/A2 | it | `test_it.test_two` |"):
        assert row in text
    assert "| uk/H2 | it | `both` |" in text
    assert "| ledger/1 | it | `it_test` |" in text


@pytest.mark.parametrize(
    "path, text, fault",
    [
        ("tests/conformance/gateway.tsv", "gateway/2\tmore\n", "gateway/2: no test names it"),
        ("src/app/it_test.c", "/* spec: uk/H9 */\n", "uk/H9: named by it_test, but not in the lists"),
        ("src/app/it_test.c", "/* Words before it. spec: uk/H1 */\n", "it_test.c: a mark stands at the start"),
        ("tests/test_it.py", '\n\n@pytest.mark.spec("uk/H1")\ndef test_more():\n    pass\n', "names other tests"),
    ],
)
def test_what_is_missing_is_said(tree, path, text, fault):
    assert run(tree, "check").returncode == 0
    with open(tree / path, "a") as file:
        file.write(text)
    done = run(tree, "check")
    assert done.returncode == 1 and fault in done.stdout, done


def test_what_is_later_says_why(tree):
    with open(tree / "tests/conformance/gateway.tsv", "a") as file:
        file.write("gateway/2\tmore\tof a later issue\n")
    assert run(tree, "write").returncode == 0 and run(tree, "check").returncode == 0
    assert "| gateway/2 | more | of a later issue | later |" in (tree / "docs/conformance.md").read_text()


@pytest.mark.spec("gateway/82")
def test_lists_tests_and_attacks_are_shipped():
    done = run(ROOT, "check")
    assert "but not in the lists" not in done.stdout, done
    table = (ROOT / "docs" / "conformance.md").read_text()
    for name, first in zip(LISTS, ("gateway/1", "fapi/N1", "uk/H1", "ledger/1")):
        rows = (ROOT / "tests" / "conformance" / f"{name}.tsv").read_text().splitlines()
        assert len(rows) > 40 and rows[0].split("\t")[0] == first
        missing = [row.split("\t")[0] for row in rows if f"\n| {row.split(chr(9))[0]} | " not in table]
        assert not missing, missing
    assert list(Path(ROOT / "tests" / "attack").glob("test_*.py"))
    refused = subprocess.run([ROOT / "test", "attacks"], capture_output=True, text=True, check=False)
    assert refused.returncode == 2 and "fuzz browser attack (default" in refused.stderr, refused
