# SPDX-License-Identifier: GPL-2.0-or-later
"""Topology `two-functions`: 02:00.0 and 02:00.1 share a slot, so that a bus reset of one is a reset of both."""
import harness
from harness import directpath, driver

FIRST, SECOND = "0000:02:00.0", "0000:02:00.1"


def test_one_alone_is_refused():
    for address in (FIRST, SECOND):
        assert directpath("device", "test", address, expect=1).ids() == ["DP2003"]
    assert (driver(FIRST), driver(SECOND)) == ("e1000e", "e1000e")


def test_the_pair_is_reset_together():
    for address in (FIRST, SECOND):
        result = directpath("--json", "device", "test", address, "--with-unit").json
        assert result["passed"] and result["reset"] == "bus" and result["affected"] == [FIRST, SECOND], result
        assert (driver(FIRST), driver(SECOND)) == ("e1000e", "e1000e")


def test_reset_says_whom_it_hit():
    directpath("device", "enable", FIRST, SECOND)
    result = directpath("--json", "device", "reset", SECOND).json
    assert (result["reset"], result["affected"]) == ("bus", [FIRST, SECOND]), result
    directpath("device", "disable", FIRST, SECOND)
    assert (driver(FIRST), driver(SECOND)) == ("e1000e", "e1000e")


if __name__ == "__main__":
    harness.main(globals())
