# SPDX-License-Identifier: GPL-2.0-or-later
"""The emulated host of topology `host`: where things are, and VMX files for it."""
import os
import re

import harness

ROOT_DISK, NIC, DISK, MANAGEMENT = "0000:01:00.0", "0000:02:00.0", "0000:03:00.0", "0000:04:00.0"
FOLDER = "/vmfs/volumes/lab/passthru"
VMX = f"{FOLDER}/passthru.vmx"
SERIAL = f"{FOLDER}/serial0.txt"
GUEST_UP_S = 300  # ten times what it takes on an idle machine: others may be at work beside this host


def variant(name, changes, extra=""):
    """A copy of the sample VMX beside it, with lines replaced: {key: value, or None to leave the line out}."""
    lines = []
    for line in harness.read(VMX).splitlines():
        key = line.split("=")[0].strip()
        if key in changes:
            if changes[key] is not None:
                lines.append(f'{key} = "{changes[key]}"')
        else:
            lines.append(line)
    path = f"{FOLDER}/{name}.vmx"
    with open(path, "w", encoding="utf-8") as stream:
        stream.write("\n".join(lines) + "\n" + extra)
    return path


def bare(name, mib, changes, extra=""):
    """A VM of @mib MiB without disks and display: power-on returns when QEMU runs, and no guest is waited for."""
    lines = {"displayName": name, "scsi0.present": "FALSE", "scsi0:0.present": "FALSE", "ide0:0.present": "FALSE",
             "memsize": str(mib), "sched.mem.max": str(mib), "sched.mem.minsize": str(mib),
             "RemoteDisplay.vnc.enabled": "FALSE"}
    return variant(name, {**lines, **changes}, extra)


def networks(text):
    """What a name of ESX's networks is here: lines NAME = bridge:br0, user or none."""
    with open("/etc/directpath/networks", "w", encoding="utf-8") as stream:
        stream.write(text)


def serial(path=SERIAL):
    return harness.read(path).replace("\r", "") if os.path.exists(path) else ""


def wait_for_guest(pattern, seconds=GUEST_UP_S, path=SERIAL):
    return harness.wait_for(f"{pattern!r} from the guest",
                            lambda: re.search(pattern, serial(path), re.M), seconds)


def guest_task(name):
    """What the guest printed of one of its tasks; the task must have succeeded."""
    found = re.search(rf"^=== {name} begin\n(.*?)^=== {name} end (\d+)$", serial(), re.M | re.S)
    assert found, f"the guest has not finished {name}: {serial()[-1500:]}"
    assert found.group(2) == "0", f"the guest's {name} failed: {found.group(1)}"
    return found.group(1)


def end_all_vms():
    """After a test that failed, whatever it has left."""
    harness.directpath("vm", "shut-down", "--all", "--timeout", "0", expect=None)


def give_all_back(*addresses):
    """After a test that failed: no VM runs, and these functions are the host's."""
    end_all_vms()
    harness.directpath("device", "disable", *addresses, expect=None)


def processes(*pattern):
    """Lines of pgrep; without those that have ended and of whom only init, whose they are now, has still to be told."""
    def is_left(pid):
        try:
            facts = harness.process_status(pid)
        except (FileNotFoundError, ProcessLookupError):
            return False
        return not (facts["State"].startswith("Z") and facts["PPid"] == "1")
    lines = harness.run("pgrep", *pattern).out.splitlines(keepends=True)
    return "".join(line for line in lines if is_left(line.split()[0]))


def vfio_nodes():
    """Owner and mode of each; one may go between being listed and being looked at."""
    nodes = {}
    for name in sorted(os.listdir("/dev/vfio")) if os.path.isdir("/dev/vfio") else []:
        try:
            facts = os.stat(f"/dev/vfio/{name}")
        except FileNotFoundError:
            continue
        nodes[name] = (facts.st_uid, oct(facts.st_mode))
    return nodes


def traces():
    """Everything that a VM could leave behind: compared before and after."""
    with open("/proc/sys/vm/stat_refresh", "w", encoding="ascii") as refresh:
        refresh.write("1")  # each processor keeps the last few of a count to itself until asked
    vmstat = dict(line.split() for line in harness.read("/proc/vmstat").splitlines())
    runs = "/run/directpath/vm"
    return {
        "drivers": {address: harness.driver(address) for address in sorted(os.listdir(harness.PCI))},
        "processes": processes("-af", "qemu-system|directpath"),
        "run folders": sorted(os.listdir(runs)) if os.path.isdir(runs) else [],
        "sockets": sorted(line.split()[-1] for line in harness.read("/proc/net/unix").splitlines() if "directpath" in line),
        "pinned pages": int(vmstat["nr_foll_pin_acquired"]) - int(vmstat["nr_foll_pin_released"]),
        "VFIO nodes": vfio_nodes(),
        "VFIO interrupts": [line for line in harness.read("/proc/interrupts").splitlines() if "vfio" in line],
    }


def assert_nothing_left(before):
    """The host is as traces() saw it @before; what differs is in the message."""
    now = traces()
    assert now == before, {key: (now[key], before[key]) for key in now if now[key] != before[key]}
