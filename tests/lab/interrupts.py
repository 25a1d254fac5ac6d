# SPDX-License-Identifier: GPL-2.0-or-later
"""Interrupts on topology `host`: in one guest the four cells of msiEnabled TRUE and FALSE, with and without MSI, where vm
status agrees with the host's and the guest's /proc/interrupts; conventional functions by INTx; the guest's lines and the
places of its interfaces as the plan says. The guest takes MSI from its two PCI Express devices half-way, which is what
pci=nomsi does to all."""
import json
import re

import harness
import machine
from harness import directpath
from machine import DISK, NIC

E1000, RTL8139 = "0000:07:01.0", "0000:07:02.0"  # behind the PCIe-to-PCI bridge: one unit, INTx only
SCRIPT = b"""#!directpath-script
show() {
	echo "phase $1 begin"
	cat /proc/interrupts
	echo "phase $1 end"
}
without_msi() {
	driver=$(basename "$(readlink -f "/sys/bus/pci/devices/$1/driver")")
	echo "$1" >"/sys/bus/pci/drivers/$driver/unbind"
	echo 0 >"/sys/bus/pci/devices/$1/msi_bus"
	echo "$1" >"/sys/bus/pci/drivers/$driver/bind"
}
lspci -nn
show messages
sleep 45 # the host's tests of this phase come meanwhile
for function in $(lspci -n | grep -E '1b36:0010|8086:10d3' | cut -d ' ' -f 1); do
	without_msi "0000:$function"
done
for nic in /sys/class/net/e*; do
	ip link set "${nic##*/}" up
done
dd if=/dev/nvme0n1 of=/dev/null bs=1M count=4 iflag=direct
sleep 3
show lines
exit 0
"""
VM = {}


def passthru(index, address, slot, **keys):
    vendor, device = (harness.read(f"{harness.PCI}/{address}/{name}").strip()[2:] for name in ("vendor", "device"))
    _, bus, rest = address.split(":")
    entry = {"present": "TRUE", "vendorId": vendor, "deviceId": device, "pciSlotNumber": slot,
             "id": f"00000:{int(bus, 16):03}:{int(rest[:2], 16):02}.{rest[3]}", **keys}
    return "".join(f'pciPassthru{index}.{key} = "{value}"\n' for key, value in entry.items())


def nic(slot):
    return ('ethernet0.present = "TRUE"\nethernet0.virtualDev = "e1000"\nethernet0.addressType = "static"\n'
            f'ethernet0.address = "00:50:56:00:00:33"\nethernet0.pciSlotNumber = "{slot}"\n')


def write_script():
    """What the guest runs in place of its tasks: a CD image that starts with it, and has ISO 9660's mark."""
    image = bytearray(20 * 2048)
    image[:len(SCRIPT)] = SCRIPT
    image[0x8001:0x8006] = b"CD001"
    with open(f"{machine.FOLDER}/script.iso", "wb") as stream:
        stream.write(image)


def write_vm(name, nic_slot):
    changes = {"virtualHW.version": "11", "ide0:0.fileName": "script.iso", "pciBridge0.pciSlotNumber": "17",
               "RemoteDisplay.vnc.enabled": "FALSE"}
    extra = ('pciPassthru1.msiEnabled = "FALSE"\n' + nic(nic_slot) + passthru(2, E1000, 32, virtualDev="pci") +
             passthru(3, RTL8139, 34, virtualDev="pci"))
    return machine.variant(name, changes, extra)


def status():
    return {entry["address"]: entry for entry in directpath("--json", "vm", "status", VM["path"]).json["devices"]}


def phase(name):
    """The guest's /proc/interrupts at one of its two stages."""
    found = machine.wait_for_guest(rf"^phase {name} begin\n(?:.*\n)*?phase {name} end$")
    return found.group(0)


def on_host(address):
    """Mode and number of vectors of a function in the host's /proc/interrupts."""
    modes = re.findall(rf"vfio-(msix|msi|intx)\S*\({re.escape(address)}\)", harness.read("/proc/interrupts"))
    assert len(set(modes)) == 1, (address, modes)
    return modes[0], len(modes)


def assert_agrees(address, mode):
    entry = status()[address]
    assert entry["interrupt_mode"] == entry["guest_interrupt_mode"] == mode, entry
    assert on_host(address) == (mode, len(entry["interrupts"])), (on_host(address), entry)


def test_enable():
    machine.networks("bridged = none\n")
    write_script()
    directpath("device", "enable", DISK, NIC, E1000, "--with-unit")


def test_a_shared_line_of_the_guest_is_named_and_gone_after_either_workaround():
    shared = write_vm("shared", 36)
    report = directpath("--json", "vm", "validate", shared).json
    named = [diag for diag in report["diagnostics"] if diag["id"] == "DP3350"]
    assert len(named) == 1 and "pciPassthru2" in named[0]["message"] and "ethernet0" in named[0]["message"], named
    text = harness.read(shared)
    for name, change in (("elsewhere", lambda: text.replace('ethernet0.pciSlotNumber = "36"', "")),
                         ("absent", lambda: text.replace('ethernet0.present = "TRUE"', 'ethernet0.present = "FALSE"'))):
        path = f"{machine.FOLDER}/{name}.vmx"
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(change())
        report = directpath("--json", "vm", "validate", path).json
        assert not [diag for diag in report["diagnostics"] if diag["id"] == "DP3350"], report["diagnostics"]


def test_power_on_says_what_msienabled_means():
    VM["path"] = write_vm("interrupts", 35)
    said = directpath("vm", "power-on", VM["path"])
    assert "DP3168" in said.ids() and "follows the guest's" in said.err, said.err


def test_messages_in_the_guest_are_messages_on_the_host():
    text = phase("messages")
    assert re.search(r"MSI.* nvme0q0", text), text
    for address in (DISK, NIC):  # msiEnabled TRUE and FALSE
        assert_agrees(address, "msix")
        assert status()[address]["line_users"] == [], status()[address]


def test_conventional_functions_interrupt_by_lines():
    for address in (E1000, RTL8139):
        assert_agrees(address, "intx")


def test_the_guest_sees_its_interface_where_the_plan_says():
    report = directpath("--json", "vm", "validate", VM["path"]).json
    card = next(entry for entry in report["interfaces"] if entry["device"] == "ethernet0")
    assert (card["esx_name"], card["name"]) == ("ens35", "enp2s3"), card
    assert re.search(r"^02:03\.0 .*\[8086:100f\]", machine.serial(), re.M), machine.serial()
    assert re.search(r"^02:00\.0 .*\[8086:100e\]", machine.serial(), re.M), machine.serial()


def test_lines_in_the_guest_are_lines_on_the_host():
    text = phase("lines")
    for driver, line in (("nvme0q0", 21), ("e1000e|eth|en", 22)):  # slots 160 and 192, as docs/vm.md says
        assert re.search(rf"^ *{line}: .*IO-APIC.*({driver})", text, re.M), (driver, text)
    for address in (DISK, NIC):
        assert_agrees(address, "intx")
    print("#", json.dumps(status()[DISK]))


def test_power_off_gives_back():
    directpath("vm", "power-off", VM["path"])
    directpath("device", "disable", DISK, NIC, E1000, RTL8139)


def test_unmaskable_on_a_shared_line_is_refused_before_power_on():
    assert harness.run("modprobe", "-r", "vfio_pci").status == 0
    assert harness.run("modprobe", "vfio_pci", "nointxmask=1").status == 0
    directpath("device", "enable", DISK, NIC, E1000, "--with-unit")
    lines = {address: harness.read(f"{harness.PCI}/{address}/irq").strip() for address in (DISK, NIC, E1000, RTL8139)}
    assert lines[DISK] == lines[E1000], lines
    before = machine.traces()
    refused = directpath("vm", "power-on", VM["path"], expect=1)
    assert "DP3352" in refused.ids() and DISK in refused.err and E1000 in refused.err, refused.err
    assert "remove nointxmask" in refused.err, refused.err
    machine.assert_nothing_left(before)
    directpath("device", "disable", DISK, NIC, E1000, RTL8139)


if __name__ == "__main__":
    harness.main(globals())
