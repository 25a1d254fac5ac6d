#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every diagnostic of a virtual machine (DP3000 to DP4999) is asked for by a test: by its name in the code of a C test, by its id in
a string of a Python test, or in an expected output. What a comment mentions does not count. One line a diagnostic. That the test holds
is the test's own affair."""
import ast
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FIRST, LAST = 3000, 4999
# Comments and strings of C, in the order in which they begin: a mark of one within the other is none.
LEXEMES = re.compile(r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""", re.S)
ID = re.compile(r"DP(\d{4})\b")


def rows():
    """{number: name} of the catalogue."""
    found = {}
    for path in (ROOT / "src/base/catalogue").glob("*.inc"):
        found.update((int(number), name) for number, name in re.findall(r"DP_ROW\((\d{4}), (\w+),", path.read_text()))
    return found


def c_code(text):
    """C without its comments."""
    return LEXEMES.sub(lambda found: " " if found.group().startswith("/") else found.group(), text)


def python_strings(text):
    """What the strings of a Python file hold, but those that stand alone and so are comments (of modules and functions)."""
    tree = ast.parse(text)
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return "\n".join(node.value for node in ast.walk(tree)
                     if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone)


def asked_for():
    """(names, numbers) that tests ask for."""
    names, numbers = set(), set()
    for folder, pattern, reading in (("unit", "*.c", c_code), ("lab", "*.py", python_strings), ("golden", "*.py", python_strings),
                                     ("golden/expected", "*", str)):
        for path in (ROOT / "tests" / folder).glob(pattern):
            if path == pathlib.Path(__file__).resolve():
                continue
            text = reading(path.read_text(errors="replace"))
            names.update(re.findall(r"\bDP_DIAG_(\w+)", text))
            numbers.update(int(number) for number in ID.findall(text))
    return names, numbers


def main():
    assert c_code('a /* DP_DIAG_X */ "/* b" // c') == 'a   "/* b"  ', "comments are not told from code"
    assert python_strings('"""DP1"""\nx = "DP2"  # DP3') == "DP2", "comments are not told from strings"
    names, numbers = asked_for()
    mine = sorted((number, name) for number, name in rows().items() if FIRST <= number <= LAST)
    assert len(mine) > 100, "the catalogue was not found"
    print(f"1..{len(mine)}")
    failed = 0
    for count, (number, name) in enumerate(mine, 1):
        good = name in names or number in numbers
        failed += not good
        print(f"{'ok' if good else 'not ok'} {count} - DP{number} {name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
