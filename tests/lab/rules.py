# SPDX-License-Identifier: GPL-2.0-or-later
"""Rule, topology, expected diagnostic: each row is a command that this host must refuse (or a note that it must give), with
the words that prove that the reason was found and not guessed. Nothing may change. Rules that need more than a look
(a process that holds a device, a reset that fails, a window to confirm in, a second boot) have tests of their own.

lab/verify runs the rows of each topology in the boot in which it looks at that topology.
"""
import os
import sys

import harness
import machine
from harness import directpath

ENABLE, CHECK = ("device", "enable"), ("host", "check")
STORE = "/etc/directpath/esx.conf"

# rule, topologies, command, exit status, diagnostic, words in what it says
ROWS = [
    ("no IOMMU", "no-iommu", CHECK, 1, "DP1101", ("IOMMU",)),
    ("no IOMMU", "no-iommu", (*ENABLE, "03:00.0"), 1, "DP1101", ("0000:03:00.0",)),
    ("no interrupt remapping", "no-intremap", CHECK, 1, "DP1105", ("interrupt",)),
    ("no interrupt remapping", "no-intremap", (*ENABLE, "03:00.0"), 1, "DP1105", ("0000:03:00.0",)),
    ("no VFIO", "no-vfio", (*ENABLE, "03:00.0"), 1, "DP1107", ("0000:03:00.0",)),
    ("no KVM", "no-kvm", CHECK, 1, "DP1109", ("/dev/kvm",)),
    ("AMD-Vi is labelled", "amd-vi", CHECK, 0, "DP1104", ("experimental on ESX 4",)),
    ("no reset", "host amd-vi", (*ENABLE, "00:15.0"), 1, "DP1210", ("root bus",)),
    ("PM reset only", "host", (*ENABLE, "00:19.0"), 1, "DP1211", ("8086 10d3 d3d0",)),
    ("part of the platform", "host", (*ENABLE, "00:1f.0"), 1, "DP2002", ("0000:00:1f.0",)),
    ("group with a function of the platform", "host", (*ENABLE, "00:1f.2"), 1, "DP1302", ("0000:00:1f.0",)),
    ("root on SATA", "host amd-vi two-functions", (*ENABLE, "01:00.0"), 1, "DP1203", ("sda, which holds / (ext4)",)),
    ("root on USB storage", "usb-root", (*ENABLE, "00:14.0"), 1, "DP1203", ("usb ", "sda, which holds / (ext4)")),
    ("root on LVM over NVMe", "lvm-root", (*ENABLE, "01:00.0"), 1, "DP1203", ("nvme", "dm-0, which holds / (ext4)")),
    ("the only keyboard", "usb-root", (*ENABLE, "00:16.0"), 1, "DP1258", ("a keyboard, and the host has no other",)),
    ("default route", "host amd-vi", (*ENABLE, "04:00.0"), 1, "DP1205", ("default route",)),
    ("two conventional devices", "host", (*ENABLE, "07:01.0"), 1, "DP2003", ("0000:07:02.0",)),
    ("two functions of a slot, bus reset shared", "two-functions", (*ENABLE, "02:00.0"), 1, "DP2003", ("0000:02:00.1",)),
    ("root ports without ACS", "no-acs", (*ENABLE, "06:00.0"), 1, "DP2003", ("0000:07:00.0",)),
]

# rule, topology, function, diagnostic of its verdict, words: reasons that do not refuse
VERDICTS = [
    ("which port lacks ACS", "no-acs", "0000:06:00.0", "DP1303", ("0000:00:07.0 (no ACS capability)",)),
    ("conventional bus", "host", "0000:07:01.0", "DP1303", ("0000:06:00.0 (a bridge to conventional PCI",)),
]


def state():
    return machine.traces(), harness.read(STORE)


def check_row(command, status, diagnostic, words):
    before = state()
    result = directpath(*command, expect=status)
    said = result.out + result.err
    assert diagnostic in said, said
    for word in words:
        assert word in said, f"{word!r} is not in:\n{said}"
    assert state() == before


def check_verdict(address, diagnostic, words):
    found = [entry["message"] for entry in harness.device(address)["diagnostics"] if entry["id"] == diagnostic]
    assert found, harness.device(address)["diagnostics"]
    for word in words:
        assert word in found[0], f"{word!r} is not in: {found[0]}"


def row_test(rows, index, check):
    rule, _, *rest = rows[index]
    return f"test_{rule} ({' '.join(rest[0]) if isinstance(rest[0], tuple) else rest[0]})", lambda: check(*rest)


def tests_of(topology):
    tests = {}
    for rows, check in ((ROWS, check_row), (VERDICTS, check_verdict)):
        for index, row in enumerate(rows):
            if topology in row[1].split():
                name, test = row_test(rows, index, check)
                tests[name] = test
    return tests


if __name__ == "__main__":
    mine = tests_of(os.environ["DIRECTPATH_TOPOLOGY"])
    if not mine:
        print("1..0")
        sys.exit(0)
    harness.main(mine)
