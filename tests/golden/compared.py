# SPDX-License-Identifier: GPL-2.0-or-later
"""TAP of comparisons: one line each, and what differs."""


def report(rows):
    """Prints (what, got, wanted) as they come; the exit status."""
    failed = number = 0
    for number, (what, got, wanted) in enumerate(rows, 1):
        good = got == wanted
        failed += not good
        print(f"{'ok' if good else 'not ok'} {number} - {what}")
        if not good:
            print(f"# got    {got}\n# wanted {wanted}")
    print(f"1..{number}")
    return 1 if failed else 0
