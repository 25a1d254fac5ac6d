# SPDX-License-Identifier: GPL-2.0-or-later
"""One VMX on three hosts. On the machine that was its ESX host, with that host's esx.conf imported, it runs as it is; the same
machine without the import refuses it with ESXi's sentence and the remedy, as a host of its own would; on a third, where the NIC
sits in another slot, it is refused too, and after vm relocate the guest has its devices."""
import json
import os
import re
import shutil

import harness
import machine
from harness import directpath, driver
from machine import DISK, NIC

FACTS = json.loads(harness.read("/out/facts.json"))
STORE = "/etc/directpath/esx.conf"
ESX_CONF = "/root/esx.conf"
SYSTEM_ID = "48c4619b-6d58-18db-2a0e-000423d1e6f6"
MOVED = "0000:08:00.0"  # the NIC, on the third host
TASKS = f"{machine.FOLDER}/tasks.iso"
SENTENCE = ("The systemId does not match the current system or the deviceId and vendorId do not match the device currently at "
            "003:00.0.")


def vmx(name):
    """As it came from ESX."""
    tasks = b"#directpath-tasks\nnvme\nnic\n"
    with open(TASKS, "wb") as stream:
        stream.write(tasks + b"\n" * (2048 - len(tasks)))
    return machine.variant(name, {"displayName": name, "ide0:0.fileName": TASKS, "memsize": "256", "sched.mem.max": "256",
                                  "sched.mem.minsize": "256", "serial0.fileName": f"{machine.FOLDER}/{name}.txt"})


def runs(path, name):
    """The guest reads its disk and downloads through its NIC."""
    serial = f"{machine.FOLDER}/{name}.txt"
    directpath("vm", "power-on", path, timeout=240)
    machine.wait_for_guest(r"^=== guest done", path=serial)
    text = machine.serial(serial)
    assert re.search(r"^=== nvme end 0$", text, re.M) and re.search(r"^=== nic end 0$", text, re.M), text
    assert FACTS["payload_sha256"] in text and FACTS["download_sha256"] in text, text
    directpath("vm", "power-off", path)


def new_host():
    """A host that no ESX was before: its systemId is made when the first device is enabled."""
    shutil.rmtree("/etc/directpath")


def refused(path):
    before = harness.read(path)
    said = directpath("vm", "power-on", path, expect=1)
    assert "DP3155" in said.ids() and SENTENCE in " ".join(said.err.split()), said.err
    assert f"vm relocate {path}" in " ".join(said.err.split()), said.err
    assert harness.read(path) == before


def relocated(path, addresses):
    before = harness.read(path)
    proposed = directpath("--json", "vm", "relocate", path).json
    assert proposed["changed"] is False and harness.read(path) == before, proposed
    assert [(entry["result"], entry["address"]) for entry in proposed["entries"]] == [
        ("proposed", address) for address in addresses], proposed["entries"]
    done = directpath("--json", "vm", "relocate", path, "--yes").json
    assert done["changed"] is True and {entry["result"] for entry in done["entries"]} == {"moved"}, done
    after = harness.read(path)
    assert SYSTEM_ID not in after, after
    assert [entry["address"] for entry in directpath("--json", "vm", "validate", path).json["passthrough"]] == addresses


def test_the_converted_host_runs_it():
    new_host()
    with open(ESX_CONF, "w", encoding="ascii") as stream:
        stream.write(f'/system/uuid = "{SYSTEM_ID}"\n/device/003:00.0/owner = "passthru"\n'
                     '/device/002:00.0/owner = "passthru"\n')
    directpath("import", "esx-conf", ESX_CONF, "--yes")
    assert (driver(NIC), driver(DISK)) == ("vfio-pci", "vfio-pci")
    original = vmx("first")
    before = harness.read(original)
    runs(original, "first")
    added = set(harness.read(original).splitlines()) - set(before.splitlines())
    assert all(".pciSlotNumber = " in line for line in added), added  # where it had no place; nothing else is touched
    directpath("device", "disable", NIC, DISK)


def test_without_the_import_it_is_refused():
    new_host()
    directpath("device", "enable", NIC, DISK)
    assert SYSTEM_ID not in harness.read(STORE)
    refused(vmx("second"))


def test_after_relocate_it_is_powered_on():
    path = f"{machine.FOLDER}/second.vmx"
    relocated(path, [DISK, NIC])
    directpath("vm", "power-on", path, timeout=240)
    assert directpath("--json", "vm", "status", path).json["state"] == "running"
    directpath("vm", "power-off", path)
    directpath("device", "disable", NIC, DISK)


def reboot_as_another_host():
    new_host()
    return "nic-moved"


def test_the_third_host_refuses_it():
    assert not os.path.exists(STORE) and os.path.exists(f"{harness.PCI}/{MOVED}")
    directpath("device", "enable", MOVED, DISK)
    refused(vmx("third"))


def test_after_relocate_the_guest_has_its_devices():
    path = f"{machine.FOLDER}/third.vmx"
    relocated(path, [DISK, MOVED])
    runs(path, "third")
    directpath("device", "disable", MOVED, DISK)


if __name__ == "__main__":
    harness.main(globals())
