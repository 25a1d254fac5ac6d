# SPDX-License-Identifier: GPL-2.0-or-later
"""Registered VMs over a reboot of the host: two start in their order, with a device of the host in one of them; when the host
shuts down, guests are asked in reverse order, what does not listen is powered off, and the guests' file systems are clean. Then
the reset button, with what QEMU does to each passed-through device watched, and the console.

This host has no systemd: the test calls what the units call (`device apply`, `vm autostart --all`, `vm shut-down --all`), as init
scripts would; it reboots as root does, by the kernel. The deaf VM has no disk: firmware does not listen to the power button."""
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import time

import harness
import machine
from harness import directpath, driver
from machine import DISK, NIC

FOLDER = "/vmfs/volumes/lab"
VMS = "/etc/directpath/vms.json"
DATA_BYTES = 8 << 20
EXT2_VALID_FS = 1  # s_state of an ext2 file system that was unmounted
SCRIPT = r"""#!directpath-script
modprobe -a sd_mod ext4 crc32c_generic
data=""
for second in $(seq 1 60); do
	for disk in sda sdb; do [ "$(cat /sys/block/$disk/size 2>/dev/null)" = 16384 ] && data=/dev/$disk; done
	[ -n "$data" ] && break
	sleep 1
done
[ "$(dd if="$data" bs=1 skip=1080 count=2 2>/dev/null | od -An -tx2 | tr -d ' ')" = ef53 ] || mke2fs "$data" >/dev/null
mount -t ext4 -o errors=panic "$data" /mnt || echo "no mount"
cat >/etc/acpi/PWRF/00000080 <<'END'
#!/bin/busybox sh
exec >/dev/ttyS0 2>&1 # acpid has none of its own
echo "=== power button"
for try in $(seq 1 60); do umount /mnt 2>/dev/null && echo "=== unmounted" && break; usleep 100000; done
exec /bin/busybox poweroff -f
END
echo boot >>/mnt/boots
( while echo "$(cat /proc/uptime)" >>/mnt/work; do usleep 200000; done ) 2>/dev/null &
echo "=== boots $(wc -l </mnt/boots)"
echo "=== guest done"
"""
BARE = {"scsi0.present": "FALSE", "scsi0:0.present": "FALSE", "ide0:0.present": "FALSE", "memsize": "256",
        "sched.mem.max": "256", "sched.mem.minsize": "256"}
NO_DEVICES = {"pciPassthru0.present": "FALSE", "pciPassthru1.present": "FALSE"}


def path_of(name):
    return f"{FOLDER}/{name}/{name}.vmx"


def serial_of(name):
    return f"{FOLDER}/{name}/serial.txt"


def log_of(name):
    return harness.read(f"{FOLDER}/{name}/directpath.log")


def make(name, changes):
    """A VM in a folder of its own."""
    os.makedirs(f"{FOLDER}/{name}", exist_ok=True)
    os.replace(machine.variant(name, {"displayName": name, **changes}, changes.get("extra", "")), path_of(name))


def make_guest(name, port, devices):
    """A guest with a boot disk and a data disk of its own, which it formats, mounts and writes to all the time."""
    folder = f"{FOLDER}/{name}"
    data = SCRIPT.encode()
    os.makedirs(folder, exist_ok=True)
    shutil.copy(f"{machine.FOLDER}/passthru.vmdk", f"{folder}/boot.vmdk")
    with open(f"{folder}/script.iso", "wb") as stream:
        stream.write(data + b"\n" * (-len(data) % 2048))
    with open(f"{folder}/data-flat.vmdk", "wb") as stream:
        stream.truncate(DATA_BYTES)
    with open(f"{folder}/data.vmdk", "w", encoding="ascii") as stream:
        stream.write("# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType=\"monolithicFlat\"\n"
                     f"RW {DATA_BYTES // 512} FLAT \"data-flat.vmdk\" 0\n")
    make(name, {"scsi0:0.fileName": f"{folder}/boot.vmdk", "ide0:0.fileName": f"{folder}/script.iso",
                "serial0.fileName": serial_of(name), "memsize": "256", "sched.mem.max": "256", "sched.mem.minsize": "256",
                "RemoteDisplay.vnc.port": str(port), **devices,
                "extra": f'scsi0:1.present = "TRUE"\nscsi0:1.fileName = "{folder}/data.vmdk"\n'
                         'scsi0:1.deviceType = "scsi-hardDisk"\n'
                         f'uuid.bios = "56 4d 1c 3a 02 5b 11 90-8f 22 6a 3e 4d c0 15 {port % 100:02d}"\n'})


def is_clean(name):
    """The state that the guest left its file system in, read from the disk's bytes."""
    with open(f"{FOLDER}/{name}/data-flat.vmdk", "rb") as stream:
        stream.seek(1024 + 56)
        magic, state = struct.unpack("<HH", stream.read(4))
    assert magic == 0xEF53, hex(magic)
    return state == EXT2_VALID_FS


def when(name, pattern):
    """The moment of a line of the VM's log."""
    found = re.search(rf"^(\S+Z) .*{pattern}", log_of(name), re.M)
    assert found, log_of(name)
    return found.group(1)


def running():
    return {vm["name"] for vm in directpath("--json", "vm", "list").json["vms"]}


def start_all():
    """What the host does when it has booted."""
    directpath("device", "apply")
    return directpath("--json", "vm", "autostart", "--all", timeout=240).json


def wait_for_guests(boots):
    for name in ("first", "second"):
        machine.wait_for_guest(rf"^=== boots {boots}$", 300, serial_of(name))


def assert_started(started):
    assert [(vm["name"], vm["order"], vm["state"], vm["started"]) for vm in started["vms"]] == \
        [("first", 1, "running", True), ("second", 2, "running", True)], started
    assert when("first", "power-on of") < when("second", "power-on of")


def test_two_are_registered():
    directpath("device", "enable", NIC)
    make_guest("second", 5902, NO_DEVICES)
    make_guest("first", 5901, {"pciPassthru0.present": "FALSE"})
    for name in ("second", "first"):
        assert directpath("--json", "vm", "register", path_of(name)).json["changed"]
        assert not directpath("--json", "vm", "register", path_of(name)).json["changed"]
    directpath("vm", "autostart", path_of("second"), "on", "--order", "2", "--timeout", "90")
    directpath("vm", "autostart", path_of("first"), "on", "--order", "1", "--timeout", "90")
    assert not directpath("--json", "vm", "autostart", path_of("first"), "on").json["changed"]
    stored = json.loads(harness.read(VMS))["vms"]
    assert [(vm["vmx"], vm["order"], vm["timeout"]) for vm in stored] == \
        [(path_of("second"), 2, 90), (path_of("first"), 1, 90)], stored


def test_they_start_in_their_order():
    assert_started(start_all())
    again = directpath("--json", "vm", "autostart", "--all").json
    assert not again["changed"] and [vm["started"] for vm in again["vms"]] == [False, False], again
    wait_for_guests(1)
    assert not is_clean("first") and not is_clean("second")  # mounted, so the next test shows something


def test_one_that_runs_stays_registered():
    assert "DP9002" in directpath("vm", "shut-down", expect=2).ids()  # which one, or all of them
    assert "DP9002" in directpath("vm", "shut-down", path_of("first"), "--all", expect=2).ids()
    assert "DP4033" in directpath("vm", "unregister", path_of("first"), expect=1).ids()
    assert {vm["name"]: vm["state"] for vm in directpath("--json", "vm", "list").json["registered"]} == \
        {"first": "running", "second": "running"}


def reboot_the_host():
    """As an init script would: the VMs first. The deaf one starts with no host, so it is the first to go."""
    make("deaf", {**BARE, **NO_DEVICES, "RemoteDisplay.vnc.enabled": "FALSE", "serial0.present": "FALSE"})
    directpath("vm", "register", path_of("deaf"))
    directpath("vm", "autostart", path_of("deaf"), "off", "--timeout", "3")
    directpath("vm", "power-on", path_of("deaf"))
    with open("/root/stopped", "w", encoding="ascii") as stream:
        stream.write(directpath("--json", "vm", "shut-down", "--all", timeout=300).out)
    os.sync()


def test_they_were_stopped_in_reverse_order():
    stopped = json.loads(harness.read("/root/stopped"))
    assert [(vm["name"], vm["how"]) for vm in stopped["vms"]] == \
        [("deaf", "forced"), ("second", "guest"), ("first", "guest")], stopped
    assert [diag["id"] for diag in stopped["diagnostics"]] == ["DP4039"], stopped
    assert when("deaf", "the VM is off") < when("second", "POWERDOWN")
    assert when("second", "the VM is off") < when("first", "POWERDOWN"), (log_of("first"), log_of("second"))


def test_their_file_systems_are_clean():
    for name in ("first", "second"):
        assert is_clean(name), name
        assert re.search(r"^=== power button.*=== unmounted$", machine.serial(serial_of(name)), re.M | re.S), \
            machine.serial(serial_of(name))[-1500:]


def test_they_start_with_the_next_boot():
    assert os.environ["DIRECTPATH_BOOT"] == "2" and running() == set(), os.environ["DIRECTPATH_BOOT"]
    assert_started(start_all())
    assert driver(NIC) == "vfio-pci" and harness.device(NIC)["used_by"] == "first"
    wait_for_guests(2)
    for name in ("first", "second"):
        assert "no mount" not in machine.serial(serial_of(name))


def test_one_that_is_refused_keeps_nobody_back():
    directpath("vm", "shut-down", "--all", timeout=300)
    assert running() == set() and is_clean("first") and is_clean("second")
    os.rename(path_of("first"), f"{path_of('first')}.gone")
    result = directpath("vm", "autostart", "--all", expect=4)
    assert "DP4038" in result.ids() and path_of("first") in result.err, result.err
    assert running() == {"second"}
    assert "DP4030" in directpath("vm", "list").ids()
    os.rename(f"{path_of('first')}.gone", path_of("first"))
    directpath("vm", "power-off", path_of("second"))


def test_a_rescue_boot_starts_nothing():
    """What the kernel was booted with is another file for the length of this test."""
    with open("/root/cmdline", "w", encoding="ascii") as stream:
        stream.write(harness.read("/proc/cmdline").strip() + " directpath=off\n")
    assert harness.run("mount", "--bind", "/root/cmdline", "/proc/cmdline").status == 0
    try:
        result = directpath("--json", "vm", "autostart", "--all").json
    finally:
        harness.run("umount", "/proc/cmdline")
    assert result["vms"] == [] and [diag["id"] for diag in result["diagnostics"]] == ["DP1114"], result
    assert running() == set()


def test_one_that_moved_keeps_its_place():
    os.rename(f"{FOLDER}/first/first.vmx", f"{FOLDER}/first/moved.vmx")
    result = directpath("vm", "register", f"{FOLDER}/first/moved.vmx")
    assert result.ids() == ["DP4031"], result.err
    entry = json.loads(harness.read(VMS))["vms"][1]
    assert (entry["vmx"], entry["order"], entry["timeout"]) == (f"{FOLDER}/first/moved.vmx", 1, 90), entry
    directpath("vm", "unregister", f"{FOLDER}/first/moved.vmx")
    assert not directpath("--json", "vm", "unregister", f"{FOLDER}/first/moved.vmx").json["changed"]


def watch(pid):
    """QEMU's main thread, which resets devices, under strace."""
    tracer = subprocess.Popen(["strace", "-p", str(pid), "-e", "trace=ioctl", "-X", "raw", "-o", "/tmp/ioctls"],
                              stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    harness.wait_for("strace", lambda: harness.process_status(pid)["TracerPid"].strip() == str(tracer.pid), 60)
    return tracer


def resets_seen():
    """Descriptors of VFIO_DEVICE_RESET and of VFIO_DEVICE_PCI_HOT_RESET of the kernel's linux/vfio.h, once no more come:
    five seconds after the last one."""
    seen, since = None, time.monotonic()
    deadline = since + 120
    while time.monotonic() - since < 5:
        assert time.monotonic() < deadline, seen
        calls = harness.read("/tmp/ioctls")
        now = [re.findall(rf"ioctl\((\d+), {call}\b", calls) for call in ("0x3b6f", "0x3b71")]
        if now != seen:
            seen, since = now, time.monotonic()
        time.sleep(0.2)
    return seen


def test_the_reset_button():
    """By passthru.map the NIC has a reset of its own kind; QEMU resets its bus all the same, and the disk by FLR."""
    with open("/etc/directpath/passthru.map", "w", encoding="ascii") as stream:
        stream.write("8086 10d3 d3d0 default\n")
    directpath("device", "enable", DISK)
    make("bare", {**BARE, "serial0.fileName": serial_of("bare")})
    assert "DP4036" in directpath("vm", "reset", path_of("bare"), expect=1).ids()
    directpath("vm", "power-on", path_of("bare"), timeout=240)
    status = directpath("--json", "vm", "status", path_of("bare")).json
    assert [device["reset"] for device in status["devices"]] == ["flr", "pm"], status
    tracer = watch(status["pid"])
    reset = directpath("--json", "vm", "reset", path_of("bare")).json
    function, bus = resets_seen()
    tracer.send_signal(signal.SIGINT)
    tracer.wait(60)
    assert reset["changed"] and [device["reset"] for device in reset["devices"]] == ["flr", "bus"], reset
    assert [diag["id"] for diag in reset["diagnostics"]] == ["DP3169"], reset
    calls = harness.read("/tmp/ioctls")
    # Each for one of the two, and again when the firmware, which finds itself reset without a power-on, resets the
    # machine once more.
    assert len(function) == len(bus) >= 1 and len(set(function)) == len(set(bus)) == 1, calls
    assert function[0] != bus[0], calls
    assert "RESET: host-qmp-system-reset" in log_of("bare"), log_of("bare")
    after = directpath("--json", "vm", "status", path_of("bare")).json
    assert (after["state"], after["pid"]) == ("running", status["pid"]), after


def test_the_console():
    console = directpath("--json", "vm", "console", path_of("bare")).json
    assert console["vnc"] == {"address": "127.0.0.1", "port": 5900, "password": False}, console
    assert console["serial"] == [serial_of("bare")], console
    with socket.create_connection((console["vnc"]["address"], console["vnc"]["port"]), 60) as viewer:
        assert viewer.recv(4) == b"RFB "
    directpath("vm", "power-off", path_of("bare"))
    assert "DP4036" in directpath("vm", "console", path_of("bare"), expect=1).ids()


def test_nothing_is_left():
    os.unlink("/etc/directpath/passthru.map")
    directpath("device", "disable", NIC, DISK)
    assert running() == set() and "vfio-pci" not in (driver(NIC), driver(DISK))


if __name__ == "__main__":
    harness.main(globals())
