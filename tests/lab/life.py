# SPDX-License-Identifier: GPL-2.0-or-later
"""How a VM's life goes on and ends, on topology `host`: a guest that reboots finds its devices again, one that powers itself off
gives them back with no command, one that does not listen is powered off, and a host that loses its power meanwhile has every
device where the store says."""
import hashlib
import json
import os
import re
import time

import guests
import harness
import machine
import two_vms
from harness import directpath, driver
from machine import DISK, NIC

FACTS = json.loads(harness.read("/out/facts.json"))
STORE = "/etc/directpath/esx.conf"
NAME = "life"
SERIAL = f"{machine.FOLDER}/{NAME}.txt"
IMAGE = f"{machine.FOLDER}/{NAME}.iso"
IMAGE_BYTES = 4096
READ_MIB = 16
LOOK = r"""#!directpath-script
echo "=== NUMBER begin"
echo "disk $(dd if=/dev/nvme0n1 bs=1M count=16 iflag=direct 2>/dev/null | sha256sum)"
nic=$(ls /sys/class/net | grep -v '^lo$' | head -n 1)
udhcpc -i "$nic" -n -q -t 60 -T 1 -s /udhcpc.script
echo "net $(wget -q -O - "http://$(cat /tmp/gateway-net).100/payload.bin" | sha256sum)"
echo "=== NUMBER end"
sleep 20 # it is seen to run meanwhile
sync
THEN -f
"""
SMALL = {"memsize": "256", "sched.mem.max": "256", "sched.mem.minsize": "256"}
HOST = {}


def put_image(number, then):
    """In place: the engine has the file open, and the guest of the next boot reads what is in it by then."""
    text = LOOK.replace("NUMBER", number).replace("THEN", then).encode()
    with open(IMAGE, "r+b" if os.path.exists(IMAGE) else "wb") as stream:
        stream.write(text + b"\n" * (IMAGE_BYTES - len(text)))


def seen(number):
    machine.wait_for_guest(rf"^=== {number} end", path=SERIAL)
    text = re.search(rf"^=== {number} begin\n(.*?)^=== {number} end", machine.serial(SERIAL), re.M | re.S).group(1)
    return dict(re.findall(r"^(disk|net) ([0-9a-f]{64})", text, re.M)), text


def host_reads():
    """What the host's own driver reads of the disk."""
    node = f"/dev/{os.listdir(f'{harness.PCI}/{DISK}/nvme')[0]}n1"
    harness.wait_for(node, lambda: os.path.exists(node), 30)
    with open(node, "rb") as disk:
        return hashlib.sha256(disk.read(READ_MIB << 20)).hexdigest()


def test_a_guest_finds_its_devices():
    HOST["seen"] = {"disk": host_reads(), "net": FACTS["download_sha256"]}
    directpath("device", "enable", NIC, DISK)
    HOST["before"] = machine.traces()
    put_image("first", "reboot")
    HOST["vmx"] = guests.vmx(NAME, {"ide0:0.fileName": IMAGE, **SMALL}, [DISK, NIC])
    plan = directpath("--json", "vm", "power-on", HOST["vmx"], "--dry-run").json
    assert [device["guest_reset"] for device in plan["passthrough"]] == ["flr", "bus"], plan["passthrough"]
    directpath("vm", "power-on", HOST["vmx"], timeout=240)
    HOST["pid"] = directpath("--json", "vm", "status", HOST["vmx"]).json["pid"]
    found, text = seen("first")
    assert found == HOST["seen"], text


def test_it_reboots_and_finds_them_again():
    put_image("second", "poweroff")
    found, text = seen("second")
    assert found == HOST["seen"], text
    status = directpath("--json", "vm", "status", HOST["vmx"]).json
    assert (status["pid"], status["state"]) == (HOST["pid"], "running"), status
    assert {device["interrupt_mode"] for device in status["devices"]} == {"msix"}, status["devices"]
    assert "RESET: guest-reset" in directpath("vm", "log", HOST["vmx"]).out


def test_it_powers_itself_off_and_nothing_is_left():
    harness.wait_for("the guest's end",
                     lambda: directpath("--json", "vm", "status", HOST["vmx"]).json["state"] == "off", 120)
    harness.wait_for("its supervisor's end", lambda: machine.traces()["processes"] == HOST["before"]["processes"], 60)
    machine.assert_nothing_left(HOST["before"])
    log = directpath("vm", "log", HOST["vmx"]).out
    assert "reason: guest-shutdown" in log and "the VM is off" in log, log


def test_a_guest_that_does_not_listen():
    """It has no disk and waits in its firmware, which has no ear for the power button."""
    deaf = two_vms.vm("deaf", DISK)
    directpath("vm", "power-on", deaf)
    start = time.monotonic()
    refused = directpath("vm", "shut-down", deaf, "--timeout", "3", expect=1)
    assert refused.ids() == ["DP4014"] and "vm power-off" in refused.err, refused.err
    assert time.monotonic() - start < 60
    assert directpath("--json", "vm", "status", deaf).json["state"] == "running"
    directpath("vm", "power-off", deaf)
    machine.assert_nothing_left(HOST["before"])


def test_a_vm_runs():
    """While it does, somebody writes that the NIC is the host's again."""
    directpath("vm", "power-on", two_vms.vm("both", DISK, NIC))
    store = harness.read(STORE)
    with open(STORE, "w", encoding="utf-8") as stream:
        stream.write(store.replace('/device/002:00.0/owner = "passthru"', '/device/002:00.0/owner = "vmkernel"'))
    os.sync()


def reboot_by_a_power_failure():
    harness.cut_power()


def test_all_is_as_stored_after_a_power_failure():
    directpath("device", "apply")
    assert (driver(DISK), driver(NIC)) == ("vfio-pci", "e1000e")
    assert directpath("--json", "vm", "list").json["vms"] == []
    assert directpath("--json", "vm", "status", f"{machine.FOLDER}/both.vmx").json["state"] == "off"
    assert harness.device(DISK)["state"] == "active" and harness.device(NIC)["state"] == "available"


def test_a_vm_has_its_device_again():
    before = machine.traces()
    alone = two_vms.vm("alone", DISK)
    directpath("vm", "power-on", alone)
    directpath("vm", "power-off", alone)
    machine.assert_nothing_left(before)
    directpath("device", "disable", DISK)
    assert driver(DISK) == "nvme"


if __name__ == "__main__":
    harness.main(globals())
