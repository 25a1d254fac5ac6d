#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Prints docs/diagnostics.md from the catalogue in src/base/catalogue.

    docs/make-diagnostics.py >docs/diagnostics.md
"""
import pathlib
import re

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "src/base/catalogue"
STRING = r'"(?:[^"\\]|\\.)*"'
ROW = re.compile(rf"DP_ROW\((\d+), (\w+), DP_(\w+),((?:\s*{STRING},?)+)\)")
# What the numbers of a room are about.
ROOMS = {1000: "Looking at the host", 1100: "What the host is capable of", 1200: "One function", 1300: "Units",
         2000: "Owners, resets, boots", 3000: "VMX files and plans", 4000: "Running virtual machines",
         5000: "esx.conf, passthru.map and other lists", 9000: "The command"}
FIELDS = ("cause", "what to do", "why", "how it is seen", "where from")

HEAD = """\
<!-- SPDX-License-Identifier: GPL-2.0-or-later -->
<!-- Made by docs/make-diagnostics.py from src/base/catalogue; edit those. -->
# Every diagnostic

Each problem that Directpath reports has an id, which never changes its meaning. An error refuses or means failure; warnings and notes do
not. `directpath explain DP1203` prints the same text as here; an occurrence has its subject, its evidence, and often a cause and a remedy of
its own.
"""


def text(literals):
    """The C strings of a row, one behind the other where they are only separated by white space."""
    parts = [[]]
    for literal, comma in re.findall(rf"({STRING})\s*(,?)", literals):
        parts[-1].append(literal[1:-1].replace('\\"', '"').replace("\\\\", "\\"))
        if comma:
            parts.append([])
    return ["".join(part) for part in parts]


def rows():
    found = []
    for path in sorted(set(FOLDER.glob("*.inc")) - {FOLDER / "catalogue.inc"}):
        source = path.read_text()
        there = ROW.findall(source)
        assert len(there) == source.count("DP_ROW("), f"a row of {path.name} is not of the usual form"
        found += there
    return sorted((int(number), severity, text(literals)) for number, _, severity, literals in found)


def sentence(part):
    part = part[0].upper() + part[1:] if re.fullmatch("[a-z-]+,?", part.split()[0]) else part
    part = re.sub(r"([<>*])", r"\\\1", part)
    return part if part.endswith(".") else part + "."


def main():
    print(HEAD, end="")
    room = None
    for number, severity, parts in rows():
        assert len(parts) == 6, number
        now = max(first for first in ROOMS if first <= number)
        if now != room:
            room = now
            print(f"\n## {ROOMS[room]}")
        print(f"\n### DP{number} {severity.lower().removesuffix('_severity')}: {parts[0]}\n")
        for field, part in zip(FIELDS, (parts[1], parts[2], *parts[3:])):
            print(f"- **{field}**: {sentence(part)}")


main()
