# SPDX-License-Identifier: GPL-2.0-or-later
"""Rule, topology, expected diagnostic: each row is a command that this host must refuse (or a note that it must give), with
the words that prove that the reason was found and not guessed. Nothing may change. Rules that need more than a look
(a process that holds a device, a reset that fails, a window to confirm in, a second boot) have tests of their own, which STORIES names.

lab/verify runs the rows of each topology in the boot in which it looks at that topology.
"""
import importlib
import inspect
import os
import re
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
    ("multifunction: the second one, too", "two-functions", (*ENABLE, "02:00.1"), 1, "DP2003", ("0000:02:00.0",)),
    ("root ports without ACS", "no-acs", (*ENABLE, "06:00.0"), 1, "DP2003", ("0000:07:00.0",)),
]

# rule, topology, function, diagnostic of its verdict, words: reasons that do not refuse
VERDICTS = [
    ("which port lacks ACS", "no-acs", "0000:06:00.0", "DP1303", ("0000:00:07.0 (no ACS capability)",)),
    ("conventional bus", "host", "0000:07:01.0", "DP1303", ("0000:06:00.0 (a bridge to conventional PCI",)),
]

# rule, topology, stage of ./check, its test, the diagnostic that the test asks for: rules that a look cannot show
STORIES = [
    ("default route, overridden for a time only", "host", "confirm", "test_an_override_of_the_network_needs_a_time", "DP2050"),
    ("default route, session killed inside the window", "host", "confirm", "test_the_next_command_says_so_once", "DP2053"),
    ("default route, the process of the window killed", "host", "confirm",
     "test_without_the_process_the_next_command_takes_it_back", "DP2055"),
    ("default route, reboot inside the window", "host", "confirm", "test_after_the_boot_the_change_is_gone", None),
    ("swap on the NVMe", "host", "needs", "test_swap_on_the_NVMe", "DP1204"),
    ("a login over the NIC", "host", "needs", "test_the_way_to_whoever_is_logged_in", "DP1256"),
    ("a volume group on the NVMe", "host", "needs", "test_a_volume_group_idle_then_mounted", "DP1207"),
    ("a process holds the device, unbind blocks", "host", "faults", "test_a_stuck_unbind_hangs_nothing", "DP1391"),
    ("a reset that fails", "bad-reset", "rehearsal_bad_reset", "test_the_reset_says_that_nothing_was_reset", "DP2033"),
    ("card removed", "host", "drift", "test_a_card_that_was_taken_out_is_told_with_its_identity", "DP2020"),
    ("card moved, another in its place", "host", "drift",
     "test_a_card_that_moved_is_offered_and_another_in_its_place_is_not_taken", "DP2071"),
    ("card replaced by another model", "host", "drift", "test_another_model_is_never_taken", "DP2021"),
]


def check_story(topology, stage, name, diagnostic):
    """./check runs the stage on that topology, and the test asks for the diagnostic."""
    module = importlib.import_module(stage)
    test = getattr(module, name)
    assert diagnostic is None or diagnostic in inspect.getsource(test), f"{stage}.{name} does not ask for {diagnostic}"
    stages = harness.read(os.path.join(os.path.dirname(__file__), "../../check"))
    assert re.search(f'^    "{topology} {stage} [0-9]+"$', stages, re.M), f"./check does not run {stage} on {topology}"


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
    for rule, where, *rest in STORIES:
        if where == topology:
            tests[f"test_{rule}: {rest[0]}.py asks for it"] = lambda where=where, rest=rest: check_story(where, *rest)
    return tests


if __name__ == "__main__":
    mine = tests_of(os.environ["DIRECTPATH_TOPOLOGY"])
    if not mine:
        print("1..0")
        sys.exit(0)
    harness.main(mine)
