# SPDX-License-Identifier: GPL-2.0-or-later
"""A host whose processor does not virtualize: passthrough is refused under KVM, and nothing falls back silently."""
import harness
import incapable
from harness import directpath
from machine import DISK, NIC, VMX


def test_host_check_names_it_with_a_remedy():
    incapable.host_check("DP1109", "KVM")


def test_power_on_is_refused_with_kvm_and_changes_nothing():
    directpath("device", "enable", NIC, DISK)
    incapable.refuses("DP1109", "vm", "power-on", VMX)


def test_power_on_works_where_tcg_is_asked_for():
    directpath("vm", "power-on", VMX, "--accel", "tcg")
    assert directpath("--json", "vm", "status", VMX).json["accel"] == "tcg"
    directpath("vm", "power-off", VMX)


if __name__ == "__main__":
    harness.main(globals())
