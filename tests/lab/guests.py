# SPDX-License-Identifier: GPL-2.0-or-later
"""Whole guests of other makes than the sample's, on topology `host`: eight devices in one VM of hardware version 11 that boots from
pvscsi, conventional devices with INTx among them; a PCI Express device on a conventional bus; a guest that boots from lsisas1068.
What the guest itself sees is compared with the file."""
import hashlib
import re
import struct
import time

import harness
import machine
from harness import directpath, driver
from machine import DISK, NIC

UUID = "56 4d 1c 3a 02 5b 11 90-8f 22 6a 3e 4d c0 15 77"
UUID_IN_GUEST = "3a1c4d56-5b02-9011-8f22-6a3e4dc01577"  # the first three fields are little-endian, as VMware has them
MAC = "00:0c:29:1a:2b:3c"
SRIOV = "0000:05:00.0"
VIRTUAL = ["0000:05:00.1", "0000:05:00.2", "0000:05:00.3", "0000:05:00.4"]
CONVENTIONAL = ["0000:07:01.0", "0000:07:02.0"]
EIGHT = [DISK, NIC, *CONVENTIONAL, *VIRTUAL]
SCRIPT = f"{machine.FOLDER}/script.iso"
LOOK = r"""#!directpath-script
begin() { echo "=== $1 begin"; }
begin lspci; lspci -nn; echo "=== lspci end $?"
begin tree; lspci -tnn; echo "=== tree end $?"
begin slots
for slot in /sys/bus/pci/slots/*; do echo "${slot##*/} $(cat "$slot/address")"; done
echo "=== slots end 0"
begin uuid; cat /sys/class/dmi/id/product_uuid; echo "=== uuid end $?"
begin nics
for nic in /sys/class/net/*; do
	[ -e "$nic/device" ] && echo "$(basename "$(readlink -f "$nic/device")") $(cat "$nic/address") $(readlink -f "$nic/device/driver")"
done
echo "=== nics end 0"
begin names # which udev gave
for nic in /sys/class/net/*; do
	[ -e "$nic/device" ] && echo "${nic##*/} $(cat "$nic/address")"
done
echo "=== names end 0"
begin disks
modprobe sd_mod # nobody loads it here: udev is there for network cards alone
for second in $(seq 1 60); do [ -b /dev/sda ] || sleep 1; done # a SAS controller looks for its disks for a while
for disk in /sys/block/*; do [ -e "$disk/device" ] && echo "${disk##*/} $(readlink -f "$disk")"; done
dd if=/dev/sda of=/tmp/head bs=1M count=4 2>/dev/null
status=$?
echo "sha256 $(sha256sum /tmp/head)"
echo "=== disks end $status"
begin interrupts; cat /proc/interrupts; echo "=== interrupts end $?"
echo "=== guest done"
"""


def write_script():
    text = LOOK.encode()
    with open(SCRIPT, "wb") as stream:
        stream.write(text + b"\n" * (-len(text) % 2048))


def passthru(index, address):
    _, bus, rest = address.split(":")
    slot, function = rest.split(".")
    vendor, device = (harness.device(address)[key] for key in ("vendor_id", "device_id"))
    return {f"pciPassthru{index}.present": "TRUE", f"pciPassthru{index}.vendorId": vendor,
            f"pciPassthru{index}.deviceId": device, f"pciPassthru{index}.systemId": "48c4619b-6d58-18db-2a0e-000423d1e6f6",
            f"pciPassthru{index}.id": f"00000:{int(bus, 16):03}:{int(slot, 16):02}.{function}"}


def vmx(name, changes, addresses):
    """A variant of the sample with these devices, the script as its CD, a serial file of its own."""
    write_script()
    lines = {"displayName": name, "ide0:0.fileName": SCRIPT, "serial0.fileName": f"{machine.FOLDER}/{name}.txt", **changes}
    for index, address in enumerate(addresses):
        lines.update(passthru(index, address))
    known = {line.split("=")[0].strip() for line in harness.read(machine.VMX).splitlines() if "=" in line}
    extra = "".join(f'{key} = "{value}"\n' for key, value in lines.items() if key not in known)
    return machine.variant(name, lines, extra)


def boot(path, name, *options, seconds=machine.GUEST_UP_S):
    directpath("vm", "power-on", path, *options, timeout=240)
    machine.wait_for_guest(r"^=== guest done", seconds, f"{machine.FOLDER}/{name}.txt")


def task(name, what):
    text = machine.serial(f"{machine.FOLDER}/{name}.txt")
    found = re.search(rf"^=== {what} begin\n(.*?)^=== {what} end (\d+)$", text, re.M | re.S)
    assert found and found.group(2) == "0", text[-2000:]
    return found.group(1)


def plan_of(name):
    """What the file of a VM says of its devices now: places are written into it at power-on."""
    return directpath("--json", "vm", "validate", f"{machine.FOLDER}/{name}.vmx").json


def head_of_disk(path, count):
    """The SHA-256 of the first @count bytes that a guest reads from a monolithicSparse VMDK."""
    with open(path, "rb") as disk:
        header = disk.read(512)
        assert header[:4] == b"KDMV", header[:4]
        grain, = struct.unpack_from("<Q", header, 20)
        entries, = struct.unpack_from("<I", header, 44)
        directory, = struct.unpack_from("<Q", header, 56)

        def number(sector, index):
            disk.seek(sector * 512 + index * 4)
            return struct.unpack("<I", disk.read(4))[0]

        content = bytearray()
        while len(content) < count:
            index = len(content) // (grain * 512)
            at = number(number(directory, index // entries), index % entries)
            disk.seek(at * 512)
            content += disk.read(grain * 512) if at > 1 else bytes(grain * 512)
    assert any(content[:count])
    return hashlib.sha256(content[:count]).hexdigest()


def reads_its_disk(name):
    """The guest has read the beginning of the disk that the VMX names, and it is what lies there."""
    found = re.search(r"^sha256 ([0-9a-f]{64}) ", task(name, "disks"), re.M)
    path = f"{machine.FOLDER}/passthru.vmdk"
    assert re.search(r"^sda /sys/devices/pci", task(name, "disks"), re.M), task(name, "disks")
    assert found and found.group(1) == head_of_disk(path, 4 << 20), task(name, "disks")


def test_eight_devices_are_enabled():
    machine.networks("nat = none\n")
    with open(f"{harness.PCI}/{SRIOV}/sriov_numvfs", "w", encoding="ascii") as stream:
        stream.write("4")
    time.sleep(1)
    directpath("device", "enable", *EIGHT)
    assert {driver(address) for address in EIGHT} == {"vfio-pci"}


def test_a_guest_with_eight_devices_boots_from_pvscsi():
    path = vmx("eight", {"virtualHW.version": "11", "scsi0.virtualDev": "pvscsi", "uuid.bios": UUID, "memsize": "384",
                         "sched.mem.max": "384", "sched.mem.minsize": "384", "ethernet0.present": "TRUE",
                         "ethernet0.virtualDev": "e1000", "ethernet0.addressType": "generated",
                         "ethernet0.generatedAddress": MAC, "ethernet0.connectionType": "nat"}, EIGHT)
    boot(path, "eight")


def test_it_sees_all_of_them():
    functions = task("eight", "lspci")
    for address in EIGHT:
        entry = harness.device(address)
        ids = f"[{entry['vendor_id']}:{entry['device_id']}]"
        wanted = sum((harness.device(other)["vendor_id"], harness.device(other)["device_id"]) ==
                     (entry["vendor_id"], entry["device_id"]) for other in EIGHT)
        assert functions.count(ids) == wanted, (address, ids, functions)
        assert entry["state"] == "in-use" and entry["used_by"] == "eight", entry


def test_it_has_the_files_uuid_and_mac():
    assert task("eight", "uuid").strip().lower() == UUID_IN_GUEST, task("eight", "uuid")
    assert MAC in task("eight", "nics"), task("eight", "nics")
    assert re.search(r"\[15ad:07c0\]", task("eight", "lspci")), task("eight", "lspci")


def test_it_reads_the_disk_it_boots_from():
    reads_its_disk("eight")


def test_the_tree_is_the_plans():
    """Each PCI Express device is behind the port that the plan names, and has the slot number of the file."""
    express = [entry for entry in plan_of("eight")["passthrough"] if not entry["guest_address"].startswith("pciBridge0 ")]
    assert len(express) == 6, express
    for entry in express:
        port, place = re.fullmatch(r"pciBridge\d \(00:([0-9a-f.]+)\) device ([0-9a-f.]+)", entry["guest_address"]).groups()
        found = re.search(rf"-{port}-\[([0-9a-f]{{2}})\]-+{place}$", task("eight", "tree"), re.M)
        assert found, (entry, task("eight", "tree"))
        device = harness.device(entry["address"])
        ids = rf"\[{device['vendor_id']}:{device['device_id']}\]"
        assert re.search(rf"^{found.group(1)}:{place} .*{ids}", task("eight", "lspci"), re.M), (entry, task("eight", "lspci"))
        assert f"{entry['slot']} 0000:{found.group(1)}:00\n" in task("eight", "slots"), (entry, task("eight", "slots"))


def test_its_interfaces_have_the_plans_names():
    """Systemd's udev in the guest names them by the places and slots that it sees."""
    planned = {entry["device"]: entry["name"] for entry in plan_of("eight")["interfaces"]}
    seen = dict(line.split()[:2] for line in task("eight", "names").splitlines())
    assert planned["pciPassthru1"] == "ens192", planned
    assert set(seen) == set(planned.values()) and len(seen) == 4, (seen, planned)
    assert seen[planned["ethernet0"]] == MAC and seen["ens192"] == "52:54:00:00:00:02", (seen, planned)


def test_conventional_devices_are_on_a_conventional_bus():
    functions = task("eight", "lspci")
    bridge = re.search(r"^(00:[0-9a-f.]+) .*\[1b36:0001\]", functions, re.M)
    behind = set(re.findall(r"^([0-9a-f]{2}):[0-9a-f.]+ .*\[(?:8086:100e|10ec:8139)\]", functions, re.M))
    assert bridge and len(behind) == 1 and behind != {"00"}, functions


def test_status_says_how_they_interrupt():
    entries = {entry["address"]: entry for entry in directpath("--json", "vm", "status", f"{machine.FOLDER}/eight.vmx").json["devices"]}
    text = harness.read("/proc/interrupts")
    assert entries[CONVENTIONAL[0]]["interrupt_mode"] == "intx", entries[CONVENTIONAL[0]]
    assert f"vfio-intx({CONVENTIONAL[0]})" in text, text
    assert entries[DISK]["interrupt_mode"] == "msix", entries[DISK]


def test_it_ends():
    directpath("vm", "power-off", f"{machine.FOLDER}/eight.vmx")
    assert {driver(address) for address in EIGHT} == {"vfio-pci"}
    with open(f"{harness.PCI}/{SRIOV}/sriov_numvfs", encoding="ascii") as stream:
        assert stream.read().strip() == "4"


def test_a_device_on_a_conventional_bus():
    path = vmx("conventional", {"pciPassthru0.virtualDev": "pci", "pciPassthru0.pciSlotNumber": None,
                                "pciPassthru1.present": "FALSE"}, [DISK])
    boot(path, "conventional")
    functions = task("conventional", "lspci")
    bus = re.search(r"^([0-9a-f]{2}):[0-9a-f.]+ .*\[1b36:0010\]", functions, re.M)
    assert bus and bus.group(1) == "02" and "[1000:0012]" in functions, functions
    directpath("vm", "power-off", path)


def test_a_guest_boots_from_lsisas1068():
    """Without passthrough and nested KVM, under which the boot from it stops (docs/LAB.md)."""
    bridges = {f"pciBridge{n}.present": "FALSE" for n in (4, 5, 6, 7)}
    path = vmx("sas", {"scsi0.virtualDev": "lsisas1068", "pciPassthru0.present": "FALSE", "pciPassthru1.present": "FALSE",
                       "memsize": "256", **bridges}, [])
    boot(path, "sas", "--accel", "tcg", seconds=900)
    assert "[1000:0054]" in task("sas", "lspci"), task("sas", "lspci")
    reads_its_disk("sas")
    directpath("vm", "power-off", path)


def test_all_goes_back():
    directpath("device", "disable", *EIGHT)
    assert "vfio-pci" not in {driver(address) for address in EIGHT}


def put_right():
    """The VMs of one test each; that of all the others stays."""
    for name in ("conventional", "sas"):
        directpath("vm", "power-off", f"{machine.FOLDER}/{name}.vmx", expect=None)


if __name__ == "__main__":
    harness.main(globals())
