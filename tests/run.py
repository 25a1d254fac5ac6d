#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the stages of ./check and counts their TAP lines.

A stage is one command whose standard output is TAP, or `meson test`, whose log holds the TAP of every program. A
stage that dies, prints no plan or prints fewer results than planned counts as failed: silence never passes.

The stages of one lane run one after the other, the lanes beside each other once "first" is through: the emulated host ("lab")
keeps one processor busy, and the tests of this machine ("here") another. What a stage printed is shown whole when it has ended.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import threading
import time

TAP = re.compile(r"^(not ok|ok)\b(?:\s+\d+)?(?:\s+-)?\s*(.*)$")
PLAN = re.compile(r"^1\.\.(\d+)\s*(#.*)?$")
# A stage says so of a part of the program that it could not test at all; it is repeated at the very end.
NOT_TESTED = re.compile(r"^# NOT TESTED: (\w+)$", re.M)


class Count:
    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.skipped = 0
        self.failures = []
        self.not_tested = []

    def join(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures
        self.not_tested += other.not_tested

    def fail(self, what):
        self.failed += 1
        self.failures.append(what)

    def add_tap(self, name, text):
        """Counts one TAP stream; returns True if it was complete."""
        seen, plan = 0, None
        self.not_tested += NOT_TESTED.findall(text)
        for line in text.splitlines():
            planned = PLAN.match(line)
            if planned:
                plan = int(planned.group(1))
            result = TAP.match(line)
            if not result:
                continue
            seen += 1
            if re.search(r"#\s*SKIP", line, re.I):
                self.skipped += 1
            elif result.group(1) == "ok":
                self.passed += 1
            else:
                self.fail(f"{name}: {result.group(2)}")
        return plan is not None and plan == seen and seen > 0


def captured(command):
    """The exit status of a command, its output and its errors."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    return done.returncode, done.stdout, done.stderr


def run_meson(count, name, build, args):
    log = os.path.join(build, "meson-logs", "testlog.json")
    if os.path.exists(log):
        os.unlink(log)  # of an earlier run, which says nothing of one that does not begin
    status, text, errors = captured(["meson", "test", "-C", build, "--no-rebuild", "--print-errorlogs", "-t", "5", *args])
    programs, failed = 0, count.failed
    with open(log, encoding="utf-8") as lines:
        for line in lines:
            test = json.loads(line)
            programs += 1
            before = count.failed
            complete = count.add_tap(f"{name}: {test['name']}", test.get("stdout", ""))
            ended_well = test["result"] in ("OK", "EXPECTEDFAIL")
            if (not complete or not ended_well) and count.failed == before:
                count.fail(f"{name}: {test['name']}: {test['result']}, TAP {'complete' if complete else 'incomplete'}")
    if programs == 0:
        count.fail(f"{name}: no test ran (meson exit status {status})")
    elif status != 0 and count.failed == failed:
        count.fail(f"{name}: meson exit status {status}")
    return text + errors


def run_tap(count, name, command, timeout):
    """Counts the stage's output; timeout(1) ends a stage that has fallen silent."""
    status, text, errors = captured(["timeout", "-k", "10", str(timeout), *command])
    before = count.failed
    complete = count.add_tap(name, text)
    if (status != 0 or not complete) and count.failed == before:
        count.fail(f"{name}: exit status {status}, TAP {'complete' if complete else 'incomplete'}")
    return text + errors


def run_stage(name, kind, seconds, command):
    """One stage; a fault of this very program fails it, too."""
    count = Count()
    try:
        if kind == "meson":
            text = run_meson(count, name, command[0], command[1:])
        else:
            text = run_tap(count, name, command, int(seconds))
    except (OSError, ValueError, KeyError) as error:
        count.fail(f"{name}: {error!r}")
        text = ""
    return count, text


def run_lane(lane, stages, total, lock):
    if lane == "here":
        os.nice(5)  # of this thread and its children: the emulated host has deadlines, the others can wait
    for name, kind, seconds, command in stages:
        with lock:
            print(f"   begins: {name}", flush=True)
        start = time.monotonic()
        count, text = run_stage(name, kind, seconds, json.loads(command))
        with lock:
            total.join(count)
            print(f"\n== {name}")
            print("".join(f"  {line}\n" for line in text.splitlines()), end="")
            print(f"   {time.monotonic() - start:.0f} s", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("stages", help="file with one stage a line: LANE TAB NAME TAB KIND TAB SECONDS TAB COMMAND as JSON array")
    parser.add_argument("--not-tested", metavar="PART", action="append", default=[], help="was left out on purpose: say so at the end")
    options = parser.parse_args()
    lanes = {}
    with open(options.stages, encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                lane, *stage = line.rstrip("\n").split("\t")
                lanes.setdefault(lane, []).append(stage)
    count, lock = Count(), threading.Lock()
    run_lane("first", lanes.pop("first", []), count, lock)
    threads = [threading.Thread(target=run_lane, args=(lane, stages, count, lock)) for lane, stages in lanes.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if count.failures:
        print("\nFailed:")
        for failure in count.failures:
            print(f"  {failure}")
    print(f"\n{count.passed} passed, {count.failed} failed, {count.skipped} skipped")
    for part in dict.fromkeys(options.not_tested + count.not_tested):
        print(f"{part}: NOT TESTED")
    return 1 if count.failed or not count.passed else 0


if __name__ == "__main__":
    sys.exit(main())
