#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`map check` over whole files: each line must be told about, none twice, and nothing may end it.

    maps.py --directpath PROGRAM --tree TREE FILE|FOLDER...     TAP: a line for each file
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import schemas  # noqa: E402

LEFT_OUT = "DP5052"


def expected(path):
    """Numbers of the lines that are neither blank nor a comment."""
    text = path.read_bytes().decode("utf-8", "replace")
    return [number for number, line in enumerate(re.split("\r\n|\r|\n", text), 1) if line.split("#")[0].strip(" \t")]


def check(program, tree, path):
    """What is wrong with what is said of @path."""
    command = [os.path.abspath(program), "--root", os.path.abspath(tree), "map", "check", path.name]
    done = subprocess.run(command + ["--json"], capture_output=True, text=True, timeout=60, cwd=path.parent)
    if done.returncode != 0:
        return [f"exit status {done.returncode}: {done.stdout}{done.stderr}"]
    document = json.loads(done.stdout)
    found = list(schemas.problems("map-check", document))
    left_out = [entry for entry in document["diagnostics"] if entry["id"] == LEFT_OUT]
    told = [entry["line"] for entry in document["entries"]] + [int(e["subject"].rsplit(":", 1)[1]) for e in left_out]
    if sorted(told) != expected(path):
        found.append(f"lines told of: {sorted(told)}, lines that say something: {expected(path)}")
    found += [f"no remedy: {entry['message']}" for entry in left_out if not entry["remedy"]]
    text = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=path.parent)
    found += [f"longer than 80 columns: {line}" for line in text.stdout.splitlines() if len(line) > 80]
    found += [f"not in the text: line {entry['line']}" for entry in document["entries"]
              if f"  line {entry['line']}: " not in text.stdout]
    found += [f"not in the text: {entry['subject']}" for entry in left_out if entry["subject"] not in text.stderr]
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--directpath", required=True)
    parser.add_argument("--tree", required=True)
    parser.add_argument("paths", nargs="+", type=pathlib.Path)
    options = parser.parse_args()
    files = [file for path in options.paths for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
    good = True

    print(f"1..{len(files)}")
    for number, file in enumerate(files, 1):
        problems = check(options.directpath, options.tree, file)
        good = good and not problems
        print(f"{'not ok' if problems else 'ok'} {number} - {file.name}")
        for line in problems:
            print(f"# {line}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
