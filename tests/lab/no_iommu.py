# SPDX-License-Identifier: GPL-2.0-or-later
"""A host without an IOMMU."""
import harness
import incapable
from machine import VMX


def test_host_check_names_it_with_a_remedy():
    incapable.host_check("DP1101", "IOMMU")


def test_enable_is_refused_and_changes_nothing():
    incapable.refuses("DP1101", "device", "enable", "0000:03:00.0")


def test_power_on_is_refused_and_changes_nothing():
    incapable.refuses("DP1101", "vm", "power-on", VMX)


if __name__ == "__main__":
    harness.main(globals())
