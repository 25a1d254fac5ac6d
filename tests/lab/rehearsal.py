# SPDX-License-Identifier: GPL-2.0-or-later
"""device test on topology `host`: each kind of reset, refusals, and a device that somebody holds."""
import os
import subprocess

import faults
import harness
import machine
from harness import directpath, driver
from machine import DISK, MANAGEMENT, NIC, ROOT_DISK

E1000, RTL = "0000:07:01.0", "0000:07:02.0"
STEPS = ["bind", "open", "read", "reset", "read-back", "map", "interrupts", "close", "give-back"]


def traces(*names):
    """What a rehearsal must leave as it was: driver, override and list of resets of each function, and the store."""
    names = names or sorted(os.listdir(harness.PCI))
    attributes = {(name, attribute): harness.read(f"{harness.PCI}/{name}/{attribute}")
                  for name in names for attribute in ("driver_override", "reset_method")
                  if os.path.exists(f"{harness.PCI}/{name}/{attribute}")}
    store = [harness.read(path) for path in ("/etc/directpath/esx.conf", "/etc/directpath/devices.json")
             if os.path.exists(path)]
    return {name: driver(name) for name in names}, attributes, store, os.path.exists("/run/directpath/intent")


def rehearse(address, *options, look_at=()):
    before = traces(*look_at)
    result = directpath("--json", "device", "test", address, *options).json
    assert result["passed"] and result["given_back"] and not result["changed"], result
    assert [stage["step"] for stage in result["stages"]] == STEPS, result
    assert all(stage["result"] == "passed" for stage in result["stages"]), result
    assert traces(*look_at) == before
    return result


def test_nvme_is_reset_alone_by_flr():
    result = rehearse(DISK)
    assert (result["reset"], result["affected"]) == ("flr", [DISK]), result
    assert result["read_back"]["before"] == result["read_back"]["after"], result
    assert result["interrupts"]["msix"] > 1, result
    assert [region["mapped"] > 0 for region in result["regions"] if region["bar"] == 0] == [True], result


def test_the_nic_is_reset_by_its_bus():
    result = rehearse(NIC)
    assert (result["reset"], result["affected"]) == ("bus", [NIC]), result
    # Two memory BARs, one of I/O ports, the MSI-X table: what cannot be mapped is told as such.
    assert any(region["mapped"] == 0 for region in result["regions"]), result
    assert any(region["mapped"] == region["size"] for region in result["regions"]), result


def test_both_behind_the_bridge_go_together():
    before = traces()
    alone = directpath("device", "test", E1000, expect=1)
    assert alone.ids() == ["DP2003"], alone.err
    assert traces() == before
    for address in (E1000, RTL):
        result = rehearse(address, "--with-unit")
        assert (result["reset"], result["affected"]) == ("bus", [E1000, RTL]), result


def test_what_the_host_needs_is_refused():
    before = traces()
    for address in (ROOT_DISK, MANAGEMENT):
        result = directpath("device", "test", address, expect=1)
        assert result.ids() and "remedy:" in result.err, result.err
    assert "DP1210" in directpath("device", "test", "0000:00:15.0", expect=1).ids()
    assert traces() == before


def test_an_enabled_device_stays_enabled():
    directpath("device", "enable", DISK)
    rehearse(DISK)
    assert driver(DISK) == "vfio-pci"
    done = directpath("--json", "device", "reset", DISK).json
    assert (done["reset"], done["affected"], done["changed"]) == ("flr", [DISK], True), done
    assert done["read_back"]["before"] == done["read_back"]["after"], done
    holder = faults.hold(DISK)
    try:
        busy = directpath("device", "test", DISK, expect=1)
        assert busy.ids() == ["DP2038"], busy.err
        assert driver(DISK) == "vfio-pci"
    finally:
        faults.end(holder)
    directpath("device", "disable", DISK)
    assert driver(DISK) == "nvme"


def test_a_device_whose_unbind_is_stuck_is_left_alone():
    directpath("device", "enable", DISK)
    holder = faults.hold(DISK)
    try:
        stuck = faults.begin_unbind(DISK)
        result = directpath("device", "test", DISK, expect=1)
        assert result.ids() == ["DP2103"], result.err
        # Another device can be worked with meanwhile; the overrides of the stuck one cannot be read.
        rehearse(NIC, look_at=[NIC])
    finally:
        faults.end(holder)
    stuck.wait(timeout=60)
    directpath("device", "apply")
    assert driver(DISK) == "vfio-pci"
    rehearse(DISK)
    directpath("device", "disable", DISK)
    assert driver(DISK) == "nvme"


def killed_at(step):
    """Kills a rehearsal of two functions at its @step-th system call around the children that write and visit."""
    calls = "pipe2,poll,wait4,renameat,unlinkat,fsync"
    traced = subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={calls}",
                             "-e", f"inject={calls}:signal=KILL:when={step}",
                             harness.DIRECTPATH, "device", "test", E1000, "--with-unit"],
                            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240)
    return traced.returncode in (-9, 137)


def test_killed_in_the_middle_the_next_command_gives_it_back():
    before = traces()
    killed = 0
    for step in range(2, 120, 6):
        if not killed_at(step):
            break
        killed += 1
        directpath("device", "list")
        harness.wait_for(f"the functions to be as before (killed at call {step})", lambda: traces() == before, 60)
    assert killed >= 5, killed


def put_right():
    machine.give_all_back(NIC, DISK, E1000, RTL)


if __name__ == "__main__":
    harness.main(globals())
