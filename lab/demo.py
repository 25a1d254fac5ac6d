#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The main job, shown in the emulated host: every step is a command that anyone could type, and is checked.

Runs inside the emulated host (./demo starts it there). Exits with 0 only if all of it happened.
"""
import json
import os
import re
import subprocess
import sys
import time

DIRECTPATH = "/tree/build/cli/directpath"
VMX = "/vmfs/volumes/lab/passthru/passthru.vmx"
SERIAL = "/vmfs/volumes/lab/passthru/serial0.txt"
ROOT_DISK, NIC, DISK = "0000:01:00.0", "0000:02:00.0", "0000:03:00.0"
FACTS = json.load(open("/out/facts.json", encoding="utf-8"))


class Failed(Exception):
    pass


def heading(text):
    print(f"\n== {text}", flush=True)


def check(condition, text):
    """A line of proof, or the end of the demo."""
    if not condition:
        raise Failed(text)
    print(f"   [ok] {text}", flush=True)


def call(*arguments, status=0):
    """Runs directpath quietly and returns its standard output."""
    done = subprocess.run([DIRECTPATH, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240)
    if done.returncode != status:
        raise Failed(f"directpath {' '.join(arguments)}: exit status {done.returncode}, not {status}\n{done.stdout}{done.stderr}")
    return done.stdout


def show(*arguments, status=0):
    """Runs directpath as a person would, with its output for all to see."""
    print(f"# directpath {' '.join(arguments)}", flush=True)
    done = subprocess.run([DIRECTPATH, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=240)
    print(done.stdout.rstrip(), flush=True)
    if done.returncode != status:
        raise Failed(f"exit status {done.returncode}, not {status}")
    return done.stdout


def driver(address):
    try:
        return os.path.basename(os.readlink(f"/sys/bus/pci/devices/{address}/driver"))
    except FileNotFoundError:
        return None


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read().replace("\r", "")
    except FileNotFoundError:
        return ""


def wait_for_guest(pattern, seconds):
    """Waits until the guest's serial port has said @pattern."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = re.search(pattern, read(SERIAL), re.M)
        if found:
            return found
        time.sleep(0.2)
    raise Failed(f"the guest did not say {pattern!r} within {seconds} s; it said:\n{read(SERIAL)[-2000:]}")


def guest_task(name):
    """What the guest printed of one task."""
    text = read(SERIAL)
    found = re.search(rf"^=== {name} begin\n(.*?)^=== {name} end (\d+)$", text, re.M | re.S)
    if not found or found.group(2) != "0":
        raise Failed(f"the guest's task {name} did not succeed:\n{text[-2000:]}")
    return found.group(1)


def mmio_exits():
    """KVM's count of MMIO exits since it was loaded, over all VMs."""
    return int(read("/sys/kernel/debug/kvm/mmio_exits"))


def vfio_interrupts():
    """Line of /proc/interrupts -> count, for the interrupts of passed-through devices."""
    lines = [line.split() for line in read("/proc/interrupts").splitlines() if "vfio" in line]
    return {" ".join(line[-1:]): int(line[1]) for line in lines}


def without_ports(listing):
    """lspci's listing without the blocks of the root ports 00:15.0 to 00:18.7."""
    blocks = re.split(r"^(?=\S)", listing, flags=re.M)
    return "".join(block for block in blocks if "PCIe Root port" not in block)


def before_power_on():
    heading("1. Can this host pass devices through?")
    show("host", "check")
    heading("2. Its devices")
    show("device", "list")
    heading("3. The disk that this host has its root on: refused, with the chain")
    said = show("device", "enable", ROOT_DISK, status=1)
    check("sda, which holds / (ext4)" in said, "refused, and the message leads from the device to the file system")
    check(driver(ROOT_DISK) == "ahci", "the disk is still the host's")
    heading("4. Two devices for the guest: a network card and an NVMe disk")
    show("device", "enable", NIC, DISK)
    check(driver(NIC) == driver(DISK) == "vfio-pci", "both are bound to vfio-pci, at once, without a reboot")
    heading("5. The .vmx file: what becomes of each key")
    show("vm", "validate", VMX)


def power_on():
    heading("6. Power on")
    show("vm", "power-on", VMX)
    status = json.loads(call("--json", "vm", "status", VMX))
    facts = dict(line.split(":\t", 1) for line in read(f"/proc/{status['pid']}/status").splitlines() if ":\t" in line)
    check(facts["Uid"].split()[0] != "0" and int(facts["CapEff"], 16) == 0 and facts["NoNewPrivs"] == "1"
          and facts["Seccomp"] == "2",
          f"QEMU runs as uid {facts['Uid'].split()[0]}, without capabilities, with a seccomp filter")


def inside_the_guest():
    heading("7. Inside the guest")
    wait_for_guest(r"^=== nvme begin$", 180)
    print("# lspci -nn -k   (the 32 root ports are left out)")
    print(without_ports(guest_task("lspci")), end="")
    check(re.search(r"1b36:0010", guest_task("lspci")) and re.search(r"8086:10d3", guest_task("lspci")),
          "the guest sees both devices with their real ids")
    before = mmio_exits()
    wait_for_guest(r"^read_ms \d+$", 180)
    exits = mmio_exits() - before
    wait_for_guest(r"^=== nvme end \d+$", 180)
    print(guest_task("nvme"), end="")
    check(FACTS["payload_sha256"] in guest_task("nvme"), "256 MiB read from the NVMe, checksum right")
    wait_for_guest(r"^=== guest done", 180)
    print(guest_task("nic"), end="")
    check(FACTS["download_sha256"] in guest_task("nic"), "8 MiB downloaded through the network card, checksum right")
    print(guest_task("cdrom"), end="")
    return exits


def proof(exits):
    heading("8. Proof, on the host")
    for name, count in vfio_interrupts().items():
        print(f"   {name}: {count} interrupts")
    counts = {address: sum(n for name, n in vfio_interrupts().items() if address in name) for address in (NIC, DISK)}
    check(all(counts.values()), "interrupts of both devices arrived through VFIO")
    check(exits == 0, "KVM MMIO exits while the guest read its disk: 0")
    status = json.loads(call("--json", "vm", "status", VMX))
    for device in status["devices"]:
        print(f"   {device['address']}: reset before the guest got it: {device['reset']}, interrupts: {device['interrupt_mode']}")
    check({device["address"]: device["reset"] for device in status["devices"]} == {NIC: "bus", DISK: "flr"},
          "each device was reset by its own method")


def give_back():
    heading("9. Shut down, and everything back")
    show("vm", "shut-down", VMX)
    check(driver(NIC) == driver(DISK) == "vfio-pci", "the devices are as stored: enabled, free for the next VM")
    show("device", "disable", NIC, DISK)
    check((driver(NIC), driver(DISK)) == ("e1000e", "nvme"), "and back with the host's own drivers")


def main():
    before_power_on()
    power_on()
    proof(inside_the_guest())
    give_back()


try:
    main()
except Failed as failure:
    print(f"\nFAILED: {failure}\n", file=sys.stderr, flush=True)
    print(read("/vmfs/volumes/lab/passthru/directpath.log")[-3000:], file=sys.stderr)
    sys.exit(1)
