# SPDX-License-Identifier: GPL-2.0-or-later
"""Topology `bad-reset`: the bus reset of 02:00.0 fails. It is said, and the host has the device back."""
import os

import harness
from harness import directpath, driver

NIC = "0000:02:00.0"


def test_the_rehearsal_finds_it_out():
    lists = harness.read(f"{harness.PCI}/{NIC}/reset_method")
    result = directpath("--json", "device", "test", NIC, expect=1).json
    steps = {stage["step"]: stage["result"] for stage in result["stages"]}
    assert steps["reset"] == "failed" and steps["give-back"] == "passed", result
    assert not result["passed"] and result["given_back"] and result["affected"] == [], result
    assert [diagnostic["id"] for diagnostic in result["diagnostics"] if diagnostic["severity"] == "error"] == ["DP2033"]
    assert driver(NIC) == "e1000e"
    assert harness.read(f"{harness.PCI}/{NIC}/reset_method") == lists
    assert not os.path.exists("/run/directpath/intent")


def test_the_reset_says_that_nothing_was_reset():
    directpath("device", "enable", NIC)
    text = directpath("device", "reset", NIC, expect=3)
    assert "DP2033" in text.ids() and "not reset" in text.out, (text.out, text.err)
    result = directpath("--json", "device", "reset", NIC, expect=3).json
    assert (result["changed"], result["affected"]) == (False, []), result
    assert driver(NIC) == "vfio-pci"
    directpath("device", "disable", NIC)
    assert driver(NIC) == "e1000e"


if __name__ == "__main__":
    harness.main(globals())
