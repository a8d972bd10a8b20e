"""How long ./test fuzz gives each door, and that the short run is the same each time."""

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def run_tests():
    spec = importlib.util.spec_from_file_location("run_tests", ROOT / "tools" / "run_tests.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("minutes, seconds", [(0, 10), (1, 60), (10, 600)])
def test_minutes_are_of_each_door(minutes, seconds):
    options = SimpleNamespace(minutes=minutes)
    command, grown = run_tests().door_command("cidr_fuzz", "cidr_fuzz", options)
    assert f"-max_total_time={seconds}" in command
    assert ("-seed=1" in command) == (minutes == 0)  # the long run looks elsewhere each time
    kept = ROOT / "tests" / "fuzz" / "corpus" / "cidr"
    assert command[-2:] == [grown, kept]  # libFuzzer writes into the first: never into what is kept
    assert grown.parent.name == ("corpus" if minutes else "short")


def test_each_door_has_a_kept_corpus_and_a_dictionary_has_a_door():
    doors = {path.name.removesuffix(".c") for path in ROOT.glob("src/**/*_fuzz.c")}
    kept = {folder.name for folder in (ROOT / "tests" / "fuzz" / "corpus").iterdir() if any(folder.iterdir())}
    assert doors
    assert kept == {door.removesuffix("_fuzz") for door in doors}
    assert {path.stem for path in (ROOT / "tests" / "fuzz").glob("*.dict")} <= doors
