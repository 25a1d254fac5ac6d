# SPDX-License-Identifier: GPL-2.0-or-later
"""ESX's words on topology `host`: `pcipassthru set` without -a waits for the boot, with it does not; what the lists say is so."""
import harness
from harness import directpath, driver
from machine import NIC

SET = ("esxcli", "hardware", "pci", "pcipassthru", "set", "-d", NIC, "-e")
LIST = ("--json", "esxcli", "hardware", "pci", "pcipassthru", "list")


def listed():
    return {entry["Device ID"]: entry["Enabled"] for entry in directpath(*LIST).json["devices"]}


def fields():
    devices = directpath("--json", "esxcli", "hardware", "pci", "list").json["devices"]
    return next(entry for entry in devices if entry["Address"] == NIC)


def test_set_is_stored_and_waits_for_the_boot():
    host_driver = driver(NIC)
    assert host_driver not in (None, "vfio-pci") and listed()[NIC] is False
    done = directpath("--json", *SET, "true").json
    assert done["changed"] and done["reboot_required"], done
    assert [entry["id"] for entry in done["diagnostics"]] == ["DP2015"], done["diagnostics"]
    assert listed()[NIC] is True and driver(NIC) == host_driver
    assert harness.device(NIC)["state"] == "reboot-required"
    seen = fields()
    assert seen["Configured Owner"] == "VM Passthru" and seen["Current Owner"] == "VMkernel", seen
    assert seen["Module Name"] == host_driver and driver(NIC) == host_driver, seen
    assert directpath("--json", *SET, "true").json["changed"] is False


def reboot_of_the_host():
    """The store is what is left."""


def test_the_boot_makes_it_so():
    assert listed()[NIC] is True and driver(NIC) != "vfio-pci"
    directpath("device", "apply")  # what the boot's unit does
    seen = fields()
    assert driver(NIC) == "vfio-pci" and harness.device(NIC)["state"] == "active"
    assert seen["Current Owner"] == "VM Passthru" and seen["Module Name"] == "vfio-pci", seen


def test_with_apply_now_nothing_waits():
    done = directpath("--json", *SET, "false", "-a").json
    assert done["changed"] and not done["reboot_required"], done
    assert listed()[NIC] is False and driver(NIC) not in (None, "vfio-pci")
    done = directpath("--json", *SET, "true", "--apply-now").json
    assert done["changed"] and not done["reboot_required"] and driver(NIC) == "vfio-pci", done


def test_giving_back_may_wait_too():
    done = directpath("--json", *SET, "false").json
    assert done["reboot_required"] and driver(NIC) == "vfio-pci", done
    assert harness.device(NIC)["state"] == "reboot-required"
    done = directpath("--json", *SET, "true").json  # back before anything was done: nothing waits
    assert done["changed"] and not done["reboot_required"], done
    directpath(*SET, "false", "-a")
    assert driver(NIC) not in (None, "vfio-pci")


def test_one_systemid_and_an_iommu():
    uuid = directpath("esxcli", "system", "uuid", "get").out
    assert uuid == directpath("vsish", "-e", "cat", "/system/systemUuid").out and len(uuid) == 37, uuid
    modules = directpath("--json", "esxcfg-module", "--list").json
    assert modules["enabled"] and modules["iommu"] == "vt-d", modules


if __name__ == "__main__":
    harness.main(globals())
