# SPDX-License-Identifier: GPL-2.0-or-later
"""The main job on topology `host`: look, refuse, enable, power on, look from both sides, power off, nothing left."""
import json
import os
import re
import tarfile
import time

import harness
import machine
from harness import directpath, driver, run
from machine import DISK, MANAGEMENT, NIC, ROOT_DISK, VMX

FACTS = json.loads(harness.read("/out/facts.json"))
START = {}


def test_host_check_says_capable():
    host = directpath("--json", "host", "check").json
    assert host["capable"] is True and host["iommu"] == "vt-d" and host["interrupt_remapping"] is True, host
    assert host["kvm"] is True and host["vfio"] is True, host


def test_every_function_of_lspci_is_listed_with_its_ids():
    listed = {entry["address"]: entry for entry in directpath("--json", "device", "list", "--all").json["devices"]}
    lines = run("lspci", "-Dn").out.splitlines()
    assert len(lines) == len(listed) > 15, (len(lines), len(listed))
    for line in lines:
        address, _, ids = line.split()[:3]
        entry = listed[address]
        assert f"{entry['vendor_id']}:{entry['device_id']}" == ids, (line, entry)
        assert entry["driver"] == driver(address), (address, entry["driver"])


def test_an_ordinary_user_may_look():
    listed = run("setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups",
                 harness.DIRECTPATH, "--json", "device", "list")
    assert listed.status == 0, listed.err
    assert any(entry["address"] == DISK for entry in listed.json["devices"])
    refused = run("setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups",
                  harness.DIRECTPATH, "device", "enable", DISK)
    assert refused.status == 1 and "DP9001" in refused.ids(), (refused.status, refused.err)


def test_a_capture_is_the_same_host():
    directpath("host", "capture", "/tmp/host.tar")
    with tarfile.open("/tmp/host.tar") as archive:
        archive.extractall("/tmp/captured")
    here = directpath("--json", "device", "list", "--all").json["devices"]
    there = directpath("--root", "/tmp/captured", "--json", "device", "list", "--all").json["devices"]
    assert here == there, [pair for pair in zip(here, there) if pair[0] != pair[1]]


def test_reset_methods_come_from_the_topology():
    expected = {DISK: ("flr", True), NIC: ("bus", True)}
    for address, (method, alone) in expected.items():
        entry = harness.device(address)
        assert entry["reset"]["method"] == method, entry["reset"]
        assert (entry["unit"] == [address]) is alone, entry["unit"]
    behind_bridge = sorted(entry["address"] for entry in directpath("--json", "device", "list").json["devices"]
                           if entry["address"].startswith("0000:07:"))
    assert len(behind_bridge) == 2, behind_bridge
    for address in behind_bridge:
        assert harness.device(address)["unit"] == behind_bridge, harness.device(address)


def test_the_disk_with_the_root_is_refused_with_the_chain():
    before = machine.traces()
    refused = directpath("device", "enable", ROOT_DISK, expect=1)
    assert "DP1203" in refused.ids(), refused.err
    assert "sda, which holds / (ext4)" in refused.err, refused.err
    assert machine.traces() == before


def test_the_card_with_the_default_route_is_refused():
    refused = directpath("device", "enable", MANAGEMENT, expect=1)
    assert "default route" in refused.err and MANAGEMENT in refused.err, refused.err
    assert driver(MANAGEMENT) == "e1000e"


def test_a_function_without_a_reset_is_refused():
    refused = directpath("device", "enable", "0000:00:15.0", expect=1)
    assert "DP1210" in refused.ids(), refused.err


def test_part_of_a_unit_is_refused_and_the_whole_is_taken():
    members = harness.device("0000:08:01.0" if os.path.exists(f"{harness.PCI}/0000:08:01.0") else "0000:07:01.0")["unit"]
    before = {address: driver(address) for address in members}
    refused = directpath("device", "enable", members[0], expect=1)
    assert members[1] in refused.err, refused.err
    assert {address: driver(address) for address in members} == before
    directpath("device", "enable", members[0], "--with-unit")
    assert {driver(address) for address in members} == {"vfio-pci"}
    directpath("device", "disable", *members)
    assert {address: driver(address) for address in members} == before


def test_a_dry_run_changes_nothing():
    before = machine.traces(), harness.read("/etc/directpath/esx.conf")
    plan = directpath("--json", "device", "enable", NIC, "--dry-run").json
    assert plan["steps"], plan
    assert (machine.traces(), harness.read("/etc/directpath/esx.conf")) == before


def test_enable_binds_now_and_repeats_harmlessly():
    first = directpath("--json", "device", "enable", NIC, DISK).json
    assert first["changed"] is True, first
    assert driver(NIC) == driver(DISK) == "vfio-pci"
    assert harness.device(DISK)["state"] == "active" and harness.device(DISK)["owner"] == "passthru"
    assert '/device/003:00.0/owner = "passthru"' in harness.read("/etc/directpath/esx.conf")
    second = directpath("--json", "device", "enable", NIC, DISK).json
    assert second["changed"] is False, second
    directpath("device", "apply")


def test_device_reset_says_what_it_did():
    assert directpath("--json", "device", "reset", DISK).json["reset"] == "flr"
    assert directpath("--json", "device", "reset", NIC).json["reset"] == "bus"


def test_validate_accounts_for_every_line():
    report = directpath("--json", "vm", "validate", VMX).json
    assert report["valid"] is True, report["diagnostics"]
    keys = [line for line in harness.read(VMX).splitlines() if "=" in line and not line.startswith("#")]
    assert len(report["keys"]) == len(keys), (len(report["keys"]), len(keys))
    assert not [key for key in report["keys"] if key["effect"] == "unknown"], report["keys"]
    assert [entry["address"] for entry in report["passthrough"]] == [DISK, NIC], report["passthrough"]


def test_power_on():
    START.update(machine.traces())
    directpath("vm", "power-on", VMX)
    assert directpath("--json", "vm", "status", VMX).json["state"] == "running"


def test_qemu_has_no_rights():
    status = directpath("--json", "vm", "status", VMX).json
    facts = harness.process_status(status["pid"])
    assert facts["Uid"].split()[0] == str(status["uid"]) != "0", facts["Uid"]
    assert len(set(facts["Uid"].split() + facts["Gid"].split())) == 1, (facts["Uid"], facts["Gid"])
    assert int(facts["CapEff"], 16) == int(facts["CapPrm"], 16) == int(facts["CapBnd"], 16) == 0, facts
    assert facts["NoNewPrivs"] == "1" and facts["Seccomp"] == "2", facts
    arguments = harness.read(f"/proc/{status['pid']}/cmdline").split("\0")
    assert "-nodefaults" in arguments and "-no-user-config" in arguments and "-sandbox" in arguments


def test_another_vms_user_may_not_open_the_group():
    uid = directpath("--json", "vm", "status", VMX).json["uid"]
    node = f"/dev/vfio/{harness.group(DISK)}"
    other = run("setpriv", "--reuid", str(uid + 1), "--regid", str(uid + 1), "--clear-groups",
                "/usr/bin/python3", "-c", f"import os; os.open({node!r}, os.O_RDWR)")
    assert "PermissionError" in other.err and "Errno 13" in other.err, other.err
    assert os.stat(node).st_uid == uid and os.stat(node).st_mode & 0o777 == 0o600


def test_the_monitor_is_private():
    sockets = [os.path.join(folder, name) for folder, _, names in os.walk("/run/directpath/vm") for name in names
               if name.endswith(".sock")]
    assert sockets
    for path in sockets:
        assert os.stat(path).st_mode & 0o777 == 0o600, (path, oct(os.stat(path).st_mode))


def test_vnc_listens_on_loopback_only():
    listening = [line.split()[1] for line in harness.read("/proc/net/tcp").splitlines()[1:] if line.split()[3] == "0A"]
    assert "0100007F:170C" in listening, listening
    assert all(address.startswith("0100007F") for address in listening), listening


def test_the_device_is_refused_to_another_vm():
    other = machine.variant("other", {"displayName": "Other", "RemoteDisplay.vnc.port": "5901"})
    refused = directpath("vm", "power-on", other, expect=1)
    assert "RHEL3" in refused.err and DISK in refused.err, refused.err
    # Nor the disk, whoever else would have been told so by QEMU alone, after resets.
    assert "DP3133" in refused.ids() and 'the VM "RHEL3" has' in refused.err and "passthru.vmdk open" in refused.err, refused.err
    assert directpath("--json", "vm", "status", VMX).json["state"] == "running"


def test_disable_is_refused_while_the_vm_runs():
    before = harness.read("/etc/directpath/esx.conf")
    refused = directpath("device", "disable", DISK, expect=1)
    assert "RHEL3" in refused.err, refused.err
    assert driver(DISK) == "vfio-pci" and harness.read("/etc/directpath/esx.conf") == before
    assert harness.device(DISK)["state"] == "in-use" and harness.device(DISK)["used_by"] == "RHEL3"


def test_the_guest_sees_the_devices_where_the_vmx_asks():
    machine.wait_for_guest(r"^=== slots end")
    functions = machine.guest_task("lspci")
    for slot, ids in ((160, "1b36:0010"), (192, "8086:10d3")):
        found = re.search(rf"^{slot} 0000:([0-9a-f]{{2}}):00$", machine.guest_task("slots"), re.M)
        assert found, machine.guest_task("slots")
        assert re.search(rf"^{found.group(1)}:00\.0 .*\[{ids}\]", functions, re.M), functions
    for port in ("00:15.0", "00:16.0"):
        assert re.search(rf"^{port} PCI bridge", functions, re.M), functions
    ports = re.findall(r"^00:1[5678]\.[0-7] PCI bridge", functions, re.M)
    assert len(ports) == 32, len(ports)


def test_the_guest_reads_its_disk_without_an_exit():
    """Before any test that waits for more of the guest: what is counted must be the read."""
    machine.wait_for_guest(r"^=== nvme begin$")
    before = int(harness.read("/sys/kernel/debug/kvm/mmio_exits"))
    assert "\nread_ms " not in machine.serial(), "the guest had read its disk before anything was counted"
    machine.wait_for_guest(r"^read_ms \d+$")
    exits = int(harness.read("/sys/kernel/debug/kvm/mmio_exits")) - before
    machine.wait_for_guest(r"^=== nvme end")
    assert FACTS["payload_sha256"] in machine.guest_task("nvme"), machine.guest_task("nvme")
    assert exits == 0, exits


def test_the_guest_downloads_through_its_card():
    machine.wait_for_guest(r"^=== nic end")
    assert FACTS["download_sha256"] in machine.guest_task("nic"), machine.guest_task("nic")


def test_the_guest_calls_its_card_ens192():
    """As on ESX, where slot 192 gave it that name: systemd's udev in the guest has named it, by the slot that it sees."""
    machine.wait_for_guest(r"^=== nic end")
    name, place, mac = re.search(r"^nic (\S+) (0000:[0-9a-f:]+)\.0 (\S+)$", machine.guest_task("nic"), re.M).groups()
    slots = {address: slot for slot, address in (line.split() for line in machine.guest_task("slots").splitlines())}
    planned = {entry["device"]: entry["name"] for entry in directpath("--json", "vm", "validate", VMX).json["interfaces"]}
    assert (name, mac) == ("ens192", "52:54:00:00:00:02") and slots[place] == "192", (name, mac, slots, place)
    assert planned["pciPassthru1"] == name, planned


def test_the_guest_reads_its_cdrom_and_memory():
    machine.wait_for_guest(r"^=== guest done")
    assert machine.guest_task("cdrom").strip()
    total = int(re.search(r"MemTotal:\s+(\d+) kB", machine.guest_task("memory")).group(1))
    assert 440_000 < total < 524_288, total


def test_status_agrees_with_the_hosts_interrupts():
    devices = {entry["address"]: entry for entry in directpath("--json", "vm", "status", VMX).json["devices"]}
    assert devices[DISK]["reset"] == "flr" and devices[NIC]["reset"] == "bus", devices
    text = harness.read("/proc/interrupts")
    for address, entry in devices.items():
        assert entry["interrupt_mode"] == "msix", entry
        lines = [line.split() for line in text.splitlines() if f"vfio-msix" in line and address in line]
        assert len(lines) == len(entry["interrupts"]) > 0, (lines, entry)
        assert sum(int(line[1]) for line in lines) > 0, lines


def test_vm_list_and_log():
    vms = directpath("--json", "vm", "list").json["vms"]
    assert [vm["name"] for vm in vms] == ["RHEL3"], vms
    assert "qemu-system-x86_64" in directpath("vm", "log", VMX).out


def test_shut_down_asks_the_guest_and_gives_the_devices_back():
    start = time.monotonic()
    directpath("vm", "shut-down", VMX, "--timeout", "180")
    assert time.monotonic() - start < 180
    machine.assert_nothing_left(START)
    again = directpath("vm", "status", VMX)
    assert "off" in again.out, again.out


def test_five_power_cycles_leave_nothing():
    power_cycles(5)


def power_cycles(count):
    START.clear()
    START.update(machine.traces())
    for _ in range(count):
        directpath("vm", "power-on", VMX)
        directpath("vm", "power-off", VMX)
        machine.assert_nothing_left(START)


def test_disable_gives_the_host_its_drivers_back():
    directpath("device", "disable", NIC, DISK)
    assert (driver(NIC), driver(DISK)) == ("e1000e", "nvme")
    assert harness.device(DISK)["state"] == "available"
    assert directpath("--json", "device", "disable", NIC, DISK).json["changed"] is False


if __name__ == "__main__":
    harness.main(globals())
