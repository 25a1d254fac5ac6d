#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Prints docs/vmx-keys.md from the table of keys in src/vm/keys.

    docs/make-keys.py >docs/vmx-keys.md
"""
import pathlib
import re

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "src/vm/keys"
ROW = re.compile(r'DP_KEY(_SEEN|_SEEN_ON|)\("((?:[^"\\]|\\.)*)",\s*(\w+),\s*"((?:[^"\\]|\\.)*)"\)')
TITLE = re.compile(r"/\* (?!SPDX)(.*?)\.? \*/")
SEEN = {"": "", "_SEEN": ", told", "_SEEN_ON": ", told unless FALSE"}

HEAD = """\
<!-- SPDX-License-Identifier: GPL-2.0-or-later -->
<!-- Made by docs/make-keys.py from src/vm/keys; edit those. -->
# The keys of a VMX, and what becomes of each

`directpath vm validate FILE.vmx` says of every line of a file which of these holds:

- **honoured**: the guest gets what the line says, or power-on is refused with a diagnostic.
- **substituted**: by something similar, or the line is not applied; the text says by what. Where the guest could miss it, a
  warning says so as well: one of its own, or DP3118, which names all lines that are marked "told".
- **ignored**: nothing is lost; the text says why.
- **unknown**: the key has no row here. It stays in the file, and nothing acts on it.

Keys compare without case. `#` is a number, `*` any ending. The first row that fits holds. The settings of a device whose
`present` is not TRUE are ignored, whatever the row says.
"""


def text(literal):
    return literal.replace('\\"', '"').replace("\\\\", "\\").replace("|", "\\|")


def rows(source):
    """All rows of one file; a row that the pattern does not take would be lost silently."""
    found = ROW.findall(source)
    assert len(found) == len(re.findall(r"^DP_KEY", source, re.M)), "a row of the table is not of the usual form"
    return found


def main():
    print(HEAD, end="")
    for path in sorted(FOLDER.glob("*.inc")):
        source = path.read_text()
        print(f"\n## {TITLE.search(source).group(1)}\n\n| key | effect | what |\n|---|---|---|")
        for seen, key, effect, note in rows(source):
            print(f"| `{text(key)}` | {effect.lower()}{SEEN[seen]} | {text(note)} |")


main()
