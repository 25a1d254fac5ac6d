# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of hosts that lack something have in common."""
import harness
import machine
from harness import directpath


def host_check(diagnostic, word):
    """`host check` answers no, with @diagnostic, its cause and its remedy."""
    text = directpath("host", "check", expect=1)
    assert word.lower() in (text.out + text.err).lower(), text.out + text.err
    host = directpath("--json", "host", "check", expect=1).json
    found = [entry for entry in host["diagnostics"] if entry["id"] == diagnostic]
    assert host["capable"] is False and found, host
    assert found[0]["cause"] and found[0]["remedy"], found


def refuses(diagnostic, *command):
    before = machine.traces(), harness.read("/etc/directpath/esx.conf")
    result = directpath(*command, expect=1)
    assert diagnostic in result.ids(), result.err
    assert (machine.traces(), harness.read("/etc/directpath/esx.conf")) == before
