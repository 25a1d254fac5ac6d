# SPDX-License-Identifier: GPL-2.0-or-later
"""A VM with devices on a Debian host with AppArmor: its supervisor is a unit of systemd's with a sandbox, in which it resets the
devices and gives them back, and a killed one is followed by another; it hears of a DMA fault; its QEMU is under the package's profile, pins its
memory, asks the host's name server for its guest, and opens no file that the profile does not name, even where it may read it."""
import json
import os
import re
import signal
import socket
import struct
import subprocess
import threading

import debian_host as debian
import dma_faults
import harness
import machine
from debian_host import sh
from harness import cgroup, directpath, driver, run
from machine import DISK, NIC

OTHER = "/vmfs/volumes/lab/other/other.vmdk"  # another VM's disk, which everybody may read
FIRMWARE = "/usr/share/seabios/bios-256k.bin"  # what the profile lets QEMU read
MIB = 256
MAC = "00:0c:29:1a:2b:3c"
ASK = f"""#!directpath-script
card=$(grep -l {MAC} /sys/class/net/*/address | cut -d / -f 5)
ip addr add 10.0.2.15/24 dev $card && ip link set $card up
for n in 1 2 3 4 5 6 7 8 9 10; do
	nslookup directpath.example 10.0.2.3 && break
	sleep 1
done
echo "=== asked"
"""
# CAP_CHOWN, CAP_FOWNER, CAP_KILL, CAP_SYS_ADMIN (linux/capability.h)
CAPABILITIES = 1 << 0 | 1 << 3 | 1 << 5 | 1 << 21
EXPOSURE_MAX = 2.0
VM = {}


class Monitor:
    """QEMU's monitor of the VM, which root may talk to; an engine that a guest has taken over may do the same by itself."""

    def __init__(self):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(30)
        self._socket.connect(f"/run/directpath/vm/{VM['id']}/qmp.sock")
        self._lines = self._socket.makefile("r", encoding="utf-8")
        self._lines.readline()
        assert "return" in self.ask("qmp_capabilities")

    def ask(self, command, **arguments):
        self._socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        while True:
            answer = json.loads(self._lines.readline())
            if "event" not in answer:
                return answer

    def open(self, path):
        """What QEMU says to a file that it is to open as a disk."""
        answer = self.ask("blockdev-add", driver="file", filename=path, **{"node-name": "probe", "read-only": True})
        if "return" in answer:
            self.ask("blockdev-del", **{"node-name": "probe"})
        return answer

    def close(self):
        self._lines.close()
        self._socket.close()


def status():
    return directpath("--json", "vm", "status", VM["path"]).json


def log():
    return harness.read(f"{machine.FOLDER}/directpath.log")


def denied():
    return [line for line in run("dmesg").out.splitlines() if 'apparmor="DENIED"' in line and "directpath-qemu" in line]


def wait_for_the_unit():
    """The supervisor, once it is systemd's."""
    unit = f"0::/machine.slice/directpath-vm@{VM['id']}.service"
    harness.wait_for("a supervisor in its unit", lambda: cgroup(status()["supervisor_pid"]) == unit, 180)
    return status()["supervisor_pid"]


def test_powered_on():
    debian.install()
    os.makedirs(os.path.dirname(debian.STORE), exist_ok=True)
    debian.write(debian.STORE, debian.UUID)
    directpath("device", "enable", NIC, DISK)
    os.makedirs(os.path.dirname(OTHER))
    debian.write(OTHER, b"\0" * 65536)
    VM["path"] = machine.bare("confined", MIB, {})
    directpath("vm", "power-on", VM["path"])
    VM.update({key: status()[key] for key in ("id", "pid", "uid")})
    assert driver(NIC) == "vfio-pci" and harness.device(NIC)["state"] == "in-use"


def test_qemu_is_under_its_profile():
    assert "directpath-qemu (enforce)" in harness.read("/sys/kernel/security/apparmor/profiles").splitlines()
    assert harness.read(f"/proc/{VM['pid']}/attr/current").strip("\0\n") == "directpath-qemu (enforce)", log()
    assert denied() == [], "nothing that a VM needs is refused"


def test_its_memory_is_pinned():
    locked_kib = int(harness.process_status(VM["pid"])["VmLck"].split()[0])
    assert locked_kib >= MIB * 1023, locked_kib  # without the hole below 1 MiB


def test_it_opens_no_other_file():
    monitor = Monitor()
    try:
        allowed = monitor.open(FIRMWARE)
        assert "return" in allowed, allowed
        for path in ("/etc/passwd", OTHER):
            assert subprocess.run(["cat", path], user=VM["uid"], stdout=subprocess.DEVNULL, check=False).returncode == 0, path
            refused = monitor.open(path)
            assert "Permission denied" in refused.get("error", {}).get("desc", ""), (path, refused)
            # A thread of the kernel's writes that.
            harness.wait_for(f"the kernel's word of {path}",
                             lambda: any(f'name="{path}"' in line for line in denied()), 30)
        for path in ("/etc/shadow", debian.STORE, VM["path"], f"/run/directpath/vm/{VM['id']}/state.json"):
            refused = monitor.open(path)
            assert "Permission denied" in refused.get("error", {}).get("desc", ""), (path, refused)
    finally:
        monitor.close()


def test_its_supervisor_is_in_a_sandbox():
    pid = wait_for_the_unit()
    assert cgroup(VM["pid"]) == f"0::/machine.slice/directpath-vm-{VM['id']}.scope", cgroup(VM["pid"])
    shown = harness.process_status(pid)
    assert int(shown["CapBnd"], 16) == int(shown["CapEff"], 16) == CAPABILITIES, shown
    assert shown["NoNewPrivs"].strip() == "1" and shown["Seccomp"].strip() == "2", shown
    for name in ("mnt", "net"):
        assert os.readlink(f"/proc/{pid}/ns/{name}") != os.readlink(f"/proc/1/ns/{name}"), name
    said = sh("systemd-analyze", "security", "--no-pager", f"directpath-vm@{VM['id']}.service").out.splitlines()[-1]
    print(f"# {said}", flush=True)
    assert float(re.search(r"exposure level for \S+: ([0-9.]+) ", said).group(1)) <= EXPOSURE_MAX, said
    harness.wait_for("its word", lambda: "in systemd's sandbox, has taken over" in log(), 30)  # its record came before it
    assert "is not seen" not in log(), "it watches the kernel's log"


def test_a_killed_one_is_followed_by_another():
    old = wait_for_the_unit()
    os.kill(old, signal.SIGKILL)
    harness.wait_for("its end", lambda: not os.path.exists(f"/proc/{old}"), 60)
    assert "DP4010" in directpath("vm", "list").ids()
    assert wait_for_the_unit() != old
    assert status()["state"] == "running" and status()["pid"] == VM["pid"]


def test_the_sandbox_lets_it_reset_and_give_back():
    """One device was taken from the store meanwhile: it goes to its driver, which is the supervisor's to do."""
    stored = harness.read(debian.STORE)
    lines = [line for line in stored.splitlines() if not line.startswith("/device/003:00.0/")]
    assert len(lines) < len(stored.splitlines()), stored
    debian.write(debian.STORE, "\n".join(lines) + "\n")
    before = len(log().splitlines())
    directpath("vm", "power-off", VM["path"])
    said = "\n".join(log().splitlines()[before:])
    for address in (NIC, DISK):
        assert re.search(rf"{address}: reset by \w", said), said
    assert f"{DISK}: given back to the host" in said and "the VM is off" in said, said
    assert driver(DISK) == "nvme" and driver(NIC) == "vfio-pci", debian.drivers()
    assert not os.path.exists(f"/run/directpath/vm/{VM['id']}")
    # systemd hears of their end after whoever has waited for it.
    harness.wait_for("the end of its units", lambda: run("systemctl", "list-units", "--plain", "--no-legend",
                                                         "directpath-vm[@-]*").out == "", 60)
    assert machine.processes("-x", "directpath-vm") == ""


def test_reserved_huge_pages_are_taken():
    """They are a file to AppArmor, which ordinary pages are not."""
    VM["denied"] = denied()
    debian.write("/proc/sys/vm/nr_hugepages", str(MIB // 2))
    VM["path"] = machine.bare("huge", MIB, {"pciPassthru0.present": "FALSE"})
    directpath("vm", "power-on", VM["path"])
    shown = status()
    assert shown["page_kib"] == 2048, shown
    assert harness.process_status(shown["pid"])["HugetlbPages"].split()[0] == str(MIB * 1024)
    assert harness.read(f"/proc/{shown['pid']}/attr/current").strip("\0\n") == "directpath-qemu (enforce)", log()
    directpath("vm", "power-off", VM["path"])
    assert denied() == VM["denied"], denied()
    debian.write("/proc/sys/vm/nr_hugepages", "0")


def answer_names(server):
    """A name server of the host: each name is at 192.0.2.77."""
    while True:
        try:
            asked, peer = server.recvfrom(512)
        except OSError:
            return
        name = asked[12:asked.index(0, 12) + 1]
        address = name + struct.pack(">HHIH", 1, 1, 60, 4) + bytes((192, 0, 2, 77))
        found = asked[12 + len(name):14 + len(name)] == b"\0\1"
        server.sendto(asked[:2] + struct.pack(">5H", 0x8180, 1, found, 0, 0) + asked[12:16 + len(name)] + address * found, peer)


def test_its_guest_asks_the_hosts_name_server():
    """On a network of the kind `user` QEMU forwards the question, and reads in /etc/resolv.conf to whom."""
    debian.write("/etc/resolv.conf", "nameserver 127.0.0.1\n")
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    threading.Thread(target=answer_names, args=(server,), daemon=True).start()
    machine.networks("nat = user\n")
    VM["path"] = dma_faults.vm("asks", ASK, NIC, **{
        "ethernet0.present": "TRUE", "ethernet0.virtualDev": "e1000e", "ethernet0.connectionType": "nat",
        "ethernet0.addressType": "generated", "ethernet0.generatedAddress": MAC})
    directpath("vm", "power-on", VM["path"])
    machine.wait_for_guest(r"^=== asked", dma_faults.UP_S, f"{machine.FOLDER}/asks.txt")
    said = machine.serial(f"{machine.FOLDER}/asks.txt")
    directpath("vm", "power-off", VM["path"])
    server.close()
    assert "192.0.2.77" in said, said
    assert denied() == VM["denied"], denied()


def test_it_hears_of_a_dma_fault():
    """The kernel's log, which it may not open, was handed to it."""
    directpath("device", "enable", dma_faults.EDU, "--override", "DP1210")
    dma_faults.HOST["canary"] = dma_faults.canary()
    VM["path"] = dma_faults.rogue(1)
    dma_faults.console("begin")
    kernel = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    os.lseek(kernel, 0, os.SEEK_END)
    directpath("vm", "power-on", VM["path"])
    VM["id"] = status()["id"]
    pid = wait_for_the_unit()
    machine.wait_for_guest(r"^=== within", dma_faults.UP_S, f"{machine.FOLDER}/rogue.txt")
    said = status()
    assert said["supervisor_pid"] == pid and said["dma_faults_watched"] is True and said["dma_faults"] is None, said
    fault = dma_faults.wait_for_fault(kernel)
    os.close(kernel)
    harness.wait_for("the report", lambda: status()["dma_faults"], 60)
    seconds = dma_faults.told_at() - fault
    dma_faults.console("end")
    dma_faults.check_report(status(), seconds)
    harness.wait_for("the VM's end", lambda: status()["state"] == "off", 120)
    assert "Powering off the virtual machine." in log() and "the VM is off" in log(), log()
    assert dma_faults.HOST["canary"]["map"][:] == dma_faults.PATTERN * len(dma_faults.HOST["canary"]["map"])


if __name__ == "__main__":
    harness.main(globals())
