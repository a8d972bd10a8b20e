"""Runs the parts of ./test against what it has built, counts every case, and prints the sum as the last line.

A cmocka program counts its cases (TAP), a fuzz door and a check of the sources count one each, pytest counts by its
JUnit file. A program that crashes, hangs or stops early counts its missing cases as failed, at least one.
"""

import argparse
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("GIRO_BUILD", ROOT / "build-test"))
BUILD_FUZZ = ROOT / "build-fuzz"
RESULTS = BUILD / "results"
PROGRAM_SECONDS_MAX = 300
CHECK_SECONDS_MAX = 600
DOOR_SECONDS = 10
DOOR_SEED = 1
# Of one input, by the wall: libFuzzer's -timeout is an ITIMER_REAL alarm without a twin in CPU time; RLIMIT_CPU counts
# the whole process, not one input. On a busy machine a door gets no processor for seconds.
DOOR_UNIT_SECONDS_MAX = 60
SIM_SEEDS = 200
SIM_SECONDS_PER_SEED = 2
OUTPUT_LINES_SHOWN = 60
# Unit programs of these names belong to a part of their own; all others to "unit".
PROGRAM_PARTS = {"store": "store_"}
# The folders of pytest; what takes longest stands first.
PYTEST_PARTS = ("crash", "functional", "browser", "attack")
SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}


# What each test said, for tools/conformance: {"test_of_it": "passed"}.
seen = {}


class Count:
    """Cases passed, failed and skipped."""

    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def say(text):
    print(text, flush=True)


def show(name, output):
    lines = output.splitlines()
    say(f"---- {name}: the last {min(len(lines), OUTPUT_LINES_SHOWN)} lines")
    say("\n".join(lines[-OUTPUT_LINES_SHOWN:]))
    say("----")


def run(command, seconds, **more):
    """The exit code (None when stopped for time) and all output of a command."""
    try:
        done = subprocess.run(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds,
            check=False,
            **more,
        )
        return done.returncode, done.stdout.decode("utf-8", "replace")
    except subprocess.TimeoutExpired as expired:
        return None, (expired.stdout or b"").decode("utf-8", "replace") + f"\nstopped after {seconds} s\n"


def count_tap(output, code):
    """Cases of a cmocka program; one that plans none (a script) counts once, by its exit code.

    cmocka writes a skipped case as "not ok 3 # SKIP name".
    """
    count, planned = Count(), 0
    for line in output.splitlines():
        plan = re.match(r"1\.\.(\d+)$", line)
        planned += int(plan[1]) if plan else 0
        if re.match(r"(not )?ok \d+ # SKIP", line):
            count.skipped += 1
        elif re.match(r"ok \d+ ", line):
            count.passed += 1
        elif re.match(r"not ok \d+ ", line):
            count.failed += 1
    missing = planned - count.passed - count.failed - count.skipped
    count.failed += max(missing, 0)
    if code != 0 and count.failed == 0:
        count.failed = 1
    if planned == 0 and code == 0:
        count.passed = 1
    return count


def remember(name, result):
    """The worst result of all tests of that name."""
    worst = {"failed": 0, "skipped": 1, "passed": 2}
    if name not in seen or worst[result] < worst[seen[name]]:
        seen[name] = result


def remember_tap(program, output, count):
    """By test function, and for the program as a whole."""
    for line in output.splitlines():
        match = re.match(r"(ok|not ok) \d+ (?:- )?(# SKIP )?(\w+)", line)
        if match:
            remember(match[3], "skipped" if match[2] else "passed" if match[1] == "ok" else "failed")
    remember(program, "failed" if count.failed else "passed")


def introspect(folder, what):
    code, output = run(["meson", "introspect", what, folder], CHECK_SECONDS_MAX)
    if code != 0:
        raise SystemExit(f"meson introspect {what} {folder} failed:\n{output}")
    return json.loads(output)


def matches(name, path, wanted):
    return not wanted or wanted in name or (path and wanted.encode() in Path(path).read_bytes())


def run_program(test):
    environment = {**os.environ, **SANITIZERS, **test["env"], "CMOCKA_MESSAGE_OUTPUT": "TAP"}
    begin = time.monotonic()
    code, output = run(test["cmd"], PROGRAM_SECONDS_MAX, env=environment, cwd=test["workdir"] or ROOT)
    return test["name"], count_tap(output, code), output, time.monotonic() - begin


def run_programs(part, options):
    """The unit programs of a part, as many at a time as there are processors."""
    tests = []
    for test in introspect(BUILD, "--tests"):
        owner = next((name for name, prefix in PROGRAM_PARTS.items() if test["name"].startswith(prefix)), "unit")
        if owner == part and matches(test["name"], test["cmd"][0], options.k):
            tests.append(test)
    total = Count()
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for future in concurrent.futures.as_completed([pool.submit(run_program, test) for test in tests]):
            name, count, output, seconds = future.result()
            total.add(count)
            remember_tap(name, output, count)
            say(f"  {name}: {count} ({seconds:.1f} s)")
            for line in re.findall(r"^conformance: .*", output, re.MULTILINE):
                say(f"    {line}")
            if count.failed:
                show(name, output)
    return total


def run_simulation(options):
    """Histories from seeds, as many programs at a time as there are processors; a case per group of seeds."""
    seeds = options.seeds or SIM_SEEDS
    programs = min(os.cpu_count() or 1, seeds)
    bounds = [1 + seeds * i // programs for i in range(programs + 1)]

    def run_seeds(first, end):
        command = [BUILD / "sim", "--first", first, "--seeds", end - first]
        seconds = CHECK_SECONDS_MAX + SIM_SECONDS_PER_SEED * (end - first)
        return run(command, seconds, cwd=ROOT, env={**os.environ, **SANITIZERS})

    total = Count()
    digests = {run([BUILD / "sim", "--seed", 1, "--digest"], CHECK_SECONDS_MAX, cwd=ROOT)[1] for _ in range(2)}
    total.add(Count(passed=1) if len(digests) == 1 else Count(failed=1))
    say(f"  sim: one seed twice {'is one history' if len(digests) == 1 else 'gave two histories'}")
    with concurrent.futures.ThreadPoolExecutor(max_workers=programs) as pool:
        for code, output in pool.map(run_seeds, bounds, bounds[1:]):
            count = count_tap(output, code)
            total.add(count)
            if count.failed:
                show("sim", output)
            else:
                say("\n".join(f"  sim: {line[2:]}" for line in output.splitlines() if line.startswith("# ")))
    remember("sim", "failed" if total.failed else "passed")
    return total


def run_check(name, command, options, **more):
    """One check that passes or fails as a whole."""
    if options.k and options.k not in name:
        return Count()
    code, output = run(command, CHECK_SECONDS_MAX, cwd=ROOT, **more)
    if code == 0:
        last = output.strip().splitlines()[-1:] or [""]
        say(f"  {name}: passed  {last[0][:100]}")
        return Count(passed=1)
    show(name, output)
    return Count(failed=1)


def doors_of(folder):
    """Fuzz doors are the programs named x_fuzz."""
    found = []
    for target in introspect(folder, "--targets"):
        if target["type"] == "executable" and target["name"].endswith("_fuzz"):
            found.append((target["name"], Path(target["filename"][0])))
    return sorted(found)


def corpus_of(door):
    folder = ROOT / "tests" / "fuzz" / "corpus" / door.removesuffix("_fuzz")
    return folder if folder.is_dir() else None


def replay_doors(options):
    """Kept corpora and past crashes, once through the doors of the test build."""
    total = Count()
    for door, program in doors_of(BUILD):
        corpus = corpus_of(door)
        if corpus:
            total.add(run_check(f"{door} corpus", [program, corpus], options, env={**os.environ, **SANITIZERS}))
    return total


def door_seconds(options):
    """How long each door is fuzzed: --minutes is of one door, not of all of them together."""
    return options.minutes * 60 if options.minutes else DOOR_SECONDS


def door_command(door, program, options):
    """The command of a door, and the folder where what it finds grows.

    The short run is the same each time: it begins with the kept corpus alone, and with one seed. The long one goes on
    where the last one stopped.
    """
    grown = BUILD_FUZZ / ("corpus" if options.minutes else "short") / door
    words = ROOT / "tests" / "fuzz" / f"{door}.dict"
    command = [
        program,
        f"-max_total_time={door_seconds(options)}",
        f"-timeout={DOOR_UNIT_SECONDS_MAX}",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
        f"-artifact_prefix={BUILD_FUZZ / 'crashes'}/{door}-",
    ]
    command += [] if options.minutes else [f"-seed={DOOR_SEED}"]
    command += [f"-dict={words}"] if words.exists() else []
    command += [grown] + ([corpus_of(door)] if corpus_of(door) else [])
    return command, grown


def fuzz_door(door, program, options):
    """One door: 1 passed when it is clean."""
    seconds = door_seconds(options)
    command, grown = door_command(door, program, options)
    if not options.minutes:
        shutil.rmtree(grown, ignore_errors=True)
    grown.mkdir(parents=True, exist_ok=True)
    code, output = run(command, seconds + 120, cwd=ROOT, env={**os.environ, **SANITIZERS})
    if code == 0:
        runs = re.search(r"stat::number_of_executed_units:\s*(\d+)", output)
        say(f"  {door}: passed  {runs[1] if runs else '?'} runs in {seconds} s")
    else:
        show(door, output)
    remember(door, "passed" if code == 0 else "failed")
    return Count(passed=1) if code == 0 else Count(failed=1)


def run_fuzz(options):
    doors = [(door, program) for door, program in doors_of(BUILD_FUZZ) if matches(door, None, options.k)]
    workers = max(1, min(os.cpu_count() or 1, len(doors)))
    (BUILD_FUZZ / "crashes").mkdir(exist_ok=True)
    total = Count()
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:  # one door a core
        for count in pool.map(lambda door: fuzz_door(*door, options), doors):
            total.add(count)
    return total


def count_junit(path, counts):
    """Adds the cases of a report to the counts of their parts, which are the folders below tests/."""
    for case in xml.etree.ElementTree.parse(path).iter("testcase"):
        told = {child.tag for child in case}
        result = "failed" if told & {"failure", "error"} else "skipped" if "skipped" in told else "passed"
        stem, name = case.get("classname", "").rsplit(".", 1)[-1], case.get("name", "").split("[")[0]
        part = next((part for part in counts if f"tests.{part}." in case.get("classname", "")), next(iter(counts)))
        setattr(counts[part], result, getattr(counts[part], result) + 1)
        remember(f"{stem}.{name}", result)
        remember(stem, result)


def pytest_pass(parts, options, name, words):
    """One run of pytest over the folders of some parts: {part: Count}, by its JUnit file."""
    report = RESULTS / f"{name}.xml"
    command = [
        "/usr/bin/python3",
        "-m",
        "pytest",
        "-ra",
        "-v",
        "--color=auto",
        "-p",
        "no:cacheprovider",
        f"--junitxml={report}",
        f"--rootdir={ROOT}",
        *words,
        *(ROOT / "tests" / part for part in parts),
    ]
    command += ["-k", options.k] if options.k else []
    environment = {**os.environ, **SANITIZERS, "PYTHONDONTWRITEBYTECODE": "1"}
    if options.seeds:
        environment["GIRO_SEEDS"] = str(options.seeds)
    if options.minutes:
        environment["GIRO_MINUTES"] = str(options.minutes)
    done = subprocess.run(
        [str(word) for word in command], stdin=subprocess.DEVNULL, cwd=ROOT, env=environment, check=False
    )
    counts = {part: Count() for part in parts}
    if report.exists():
        count_junit(report, counts)
    if done.returncode not in (0, 5) and not any(count.failed for count in counts.values()):
        counts[parts[0]].failed = 1  # 5: nothing was selected
    return counts


def run_pytest(parts, options):
    """The files of all these parts side by side: most of a test's time is waiting, so there is one worker more than
    there are processors. What measures time is marked "alone" and runs after the others."""
    parts = [part for part in PYTEST_PARTS if part in parts and any((ROOT / "tests" / part).glob("**/test_*.py"))]
    if not parts:
        return {}
    workers = (os.cpu_count() or 1) + 1
    say(f"== {' '.join(parts)}, {workers} files at a time")
    counts = pytest_pass(parts, options, "pytest", ["-n", workers, "--dist", "loadfile", "-m", "not alone"])
    for part, count in pytest_pass(parts, options, "pytest-alone", ["-m", "alone"]).items():
        counts[part].add(count)
    return counts


def run_part(part, options):
    total = Count()
    if part == "unit":
        total.add(run_check("tidy", [BUILD / "tidy", ROOT], options, env={**os.environ, **SANITIZERS}))
        total.add(run_check("header_check", [ROOT / "tools" / "header_check"], options))
        total.add(run_check("doc_check", [ROOT / "tools" / "doc_check"], options))
        total.add(run_check("api_reference", [ROOT / "tools" / "api_reference", "check"], options))
        total.add(run_check("conformance", [ROOT / "tools" / "conformance", "check"], options))
        total.add(replay_doors(options))
    if part == "unit" or part in PROGRAM_PARTS:
        total.add(run_programs(part, options))
    if part == "sim":
        total.add(run_simulation(options))
    if part == "fuzz":
        total.add(run_fuzz(options))
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-k", default="")
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--minutes", type=int, default=0)
    parser.add_argument("parts", nargs="+")
    options = parser.parse_args()
    if options.seeds:
        os.environ["GIRO_SEEDS"] = str(options.seeds)
    shutil.rmtree(RESULTS, ignore_errors=True)
    RESULTS.mkdir(parents=True)
    total = Count()
    for part in options.parts:
        if part not in PYTEST_PARTS:
            say(f"== {part}")
            count = run_part(part, options)
            say(f"== {part}: {count}")
            total.add(count)
    for part, count in run_pytest(options.parts, options).items():
        say(f"== {part}: {count}")
        total.add(count)
    (RESULTS / "spec.json").write_text(json.dumps(seen, indent=1, sort_keys=True))
    say(str(total))
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
