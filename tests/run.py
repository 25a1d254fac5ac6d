#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the stages of ./check and counts their TAP lines.

A stage is one command whose standard output is TAP, or `meson test`, whose log holds the TAP of every program. A
stage that dies, prints no plan or prints fewer results than planned counts as failed: silence never passes.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import time

TAP = re.compile(r"^(not ok|ok)\b(?:\s+\d+)?(?:\s+-)?\s*(.*)$")
PLAN = re.compile(r"^1\.\.(\d+)\s*(#.*)?$")


class Count:
    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.skipped = 0
        self.failures = []

    def fail(self, what):
        self.failed += 1
        self.failures.append(what)

    def add_tap(self, name, text):
        """Counts one TAP stream; returns True if it was complete."""
        seen, plan = 0, None
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


def run_meson(count, name, build, args):
    command = ["meson", "test", "-C", build, "--no-rebuild", "--print-errorlogs", "-t", "5", *args]
    status = subprocess.run(command, stdin=subprocess.DEVNULL).returncode
    log = os.path.join(build, "meson-logs", "testlog.json")
    programs = 0
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


def run_tap(count, name, command, timeout):
    """Streams the stage's output and counts it; timeout(1) ends a stage that has fallen silent."""
    lines = []
    limited = ["timeout", "-k", "10", str(timeout), *command]
    process = subprocess.Popen(limited, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace")
    for line in process.stdout:
        lines.append(line)
        sys.stdout.write("  " + line)
        sys.stdout.flush()
    status = process.wait()
    before = count.failed
    complete = count.add_tap(name, "".join(lines))
    if (status != 0 or not complete) and count.failed == before:
        count.fail(f"{name}: exit status {status}, TAP {'complete' if complete else 'incomplete'}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("stages", help="file with one stage a line: NAME TAB KIND TAB SECONDS TAB COMMAND as JSON array")
    options = parser.parse_args()
    count = Count()
    with open(options.stages, encoding="utf-8") as lines:
        stages = [line.rstrip("\n").split("\t") for line in lines if line.strip()]
    for name, kind, seconds, command in stages:
        print(f"\n== {name}", flush=True)
        start = time.monotonic()
        arguments = json.loads(command)
        if kind == "meson":
            run_meson(count, name, arguments[0], arguments[1:])
        else:
            run_tap(count, name, arguments, int(seconds))
        print(f"   {time.monotonic() - start:.0f} s", flush=True)
    if count.failures:
        print("\nFailed:")
        for failure in count.failures:
            print(f"  {failure}")
    print(f"\n{count.passed} passed, {count.failed} failed, {count.skipped} skipped")
    return 1 if count.failed or not count.passed else 0


if __name__ == "__main__":
    sys.exit(main())
