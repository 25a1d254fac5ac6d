# SPDX-License-Identifier: GPL-2.0-or-later
"""Two VMs never share a unit. On topology `host` the unit are the two devices behind the PCIe-to-PCI bridge, on
`two-functions` the two functions of one slot, there also with a line of the map that says false. The second VM is refused,
and accepted after the first is off; a VM with both is accepted; a VM is refused while the host has the other member.

The VMs have no disk: power-on returns when QEMU runs, and no guest is waited for."""
import os

import harness
import machine
from harness import directpath, driver

IN_USE = "DP3162"
MAP = "/etc/directpath/passthru.map"
TWO_FUNCTIONS = os.path.exists(f"{harness.PCI}/0000:02:00.1")
FIRST, SECOND = ("0000:02:00.0", "0000:02:00.1") if TWO_FUNCTIONS else ("0000:07:01.0", "0000:07:02.0")


def ids(address):
    return [harness.read(f"{harness.PCI}/{address}/{name}").strip()[2:] for name in ("vendor", "device")]


def passthru(index, address):
    """The lines that give a function to a VM."""
    vendor, device = ids(address)
    _, bus, rest = address.split(":")
    slot, function = rest.split(".")
    return {f"pciPassthru{index}.present": "TRUE", f"pciPassthru{index}.vendorId": vendor,
            f"pciPassthru{index}.deviceId": device,
            f"pciPassthru{index}.id": f"00000:{int(bus, 16):03}:{int(slot, 16):02}.{function}"}


def vm(name, *addresses):
    changes = {"displayName": name, "scsi0.present": "FALSE", "scsi0:0.present": "FALSE", "ide0:0.present": "FALSE",
               "memsize": "256", "sched.mem.max": "256", "sched.mem.minsize": "256", "RemoteDisplay.vnc.enabled": "FALSE",
               "pciPassthru1.present": "FALSE"}
    for index, address in enumerate(addresses):
        changes.update(passthru(index, address))
    return machine.variant(name, changes)


def refused(path, *says):
    result = directpath("vm", "power-on", path, expect=1)
    assert IN_USE in result.ids(), result.err
    for words in says:
        assert words in result.err, (words, result.err)
    assert directpath("--json", "vm", "status", path).json["state"] == "off"


def standing():
    """What a refusal must not touch, of a host where a VM runs: its interrupts and pages come and go."""
    return {key: value for key, value in machine.traces().items()
            if key in ("drivers", "processes", "run folders", "sockets", "VFIO nodes")}


def one_after_the_other(*rule):
    """The second is refused while the first runs, and accepted when it is off."""
    one, two = vm("one", FIRST), vm("two", SECOND)
    directpath("vm", "power-on", one)
    before = standing()
    refused(two, '"one"', FIRST, *rule)
    assert standing() == before
    assert directpath("--json", "vm", "status", one).json["state"] == "running"
    directpath("vm", "power-off", one)
    directpath("vm", "power-on", two)
    refused(one, '"two"', SECOND, *rule)
    directpath("vm", "power-off", two)


def test_the_two_are_one_unit():
    for address in (FIRST, SECOND):
        assert harness.device(address)["unit"] == [FIRST, SECOND], harness.device(address)
    directpath("device", "enable", FIRST, SECOND)
    assert (driver(FIRST), driver(SECOND)) == ("vfio-pci", "vfio-pci")


def test_the_second_vm_waits_for_the_first():
    one_after_the_other(f"iommu-group {harness.group(FIRST)}")


def test_both_in_one_vm_are_accepted():
    both = vm("both", FIRST, SECOND)
    directpath("vm", "power-on", both)
    for address in (FIRST, SECOND):
        assert harness.device(address)["used_by"] == "both", harness.device(address)
    directpath("vm", "power-off", both)


def test_a_member_with_the_host_refuses():
    directpath("device", "disable", SECOND)
    back = driver(SECOND)
    assert back not in (None, "vfio-pci"), back
    refused(vm("one", FIRST), SECOND, f"the host's driver {back}", f"directpath device enable {SECOND}")
    directpath("device", "enable", SECOND)


def test_a_line_with_false():
    """The line is about the first; on `host` the second is in another slot, which no line ties to it."""
    with open(MAP, "w", encoding="ascii") as stream:
        stream.write(f"# the functions of this card have one owner\n{' '.join(ids(FIRST))} default false\n")
    try:
        entry = directpath("--json", "map", "check").json["entries"][-1]
        assert FIRST in [function["address"] for function in entry["decides"]], entry
        assert (entry["line"], entry["shareable"]) == (2, False), entry
        assert harness.device(FIRST)["shareable"] is False
        if TWO_FUNCTIONS:
            one_after_the_other("not-shareable: line 2 of etc/directpath/passthru.map")
    finally:
        os.unlink(MAP)


def test_nothing_is_left():
    directpath("device", "disable", FIRST, SECOND)
    assert "vfio-pci" not in (driver(FIRST), driver(SECOND))
    assert directpath("--json", "vm", "list").json["vms"] == []


if __name__ == "__main__":
    harness.main(globals())
