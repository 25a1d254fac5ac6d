# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest lets its device reach outside its memory, on topology `host`: the IOMMU refuses it, a page of the host that it aims
at keeps its bytes, the fault is reported against that VM within two seconds, and the VM is powered off, or runs on where its
file says so; a VM beside it goes on reading its disk. The device is `edu`, which has a DMA engine and no reset."""
import ctypes
import datetime
import mmap
import os
import re
import select
import shutil
import signal
import time

import guests
import harness
import machine
from harness import directpath
from machine import DISK

EDU = "0000:00:15.0"
PATTERN = b"\xa5"
# A guest of 256 MiB has its memory below, and its devices from 2 GiB to 4 GiB and high above.
LOWEST, HOLE, HIGHEST = 1 << 29, (2 << 30, 4 << 30), 16 << 30
FAULT = re.compile(rb"DMAR: \[DMA Write .*Request device \[00:15\.0\]")
ROGUE = f"""#!directpath-script
edu=0000:$(lspci -n | grep 1234:11e8 | cut -d ' ' -f 1)
folder=/sys/bus/pci/devices/$edu
printf '\\006\\000' | dd of=$folder/config bs=1 seek=4 conv=notrunc 2>/dev/null
bar=$(head -n 1 $folder/resource | cut -d ' ' -f 1)
dma() {{ # FROM TO COMMAND: 64 bytes
	devmem $((bar + 0x80)) 64 $1
	devmem $((bar + 0x88)) 64 $2
	devmem $((bar + 0x90)) 64 64
	devmem $((bar + 0x98)) 64 $3
	while [ $(($(devmem $((bar + 0x98)) 64) & 1)) = 1 ]; do :; done
}}
echo "edu $edu $(devmem $bar 32)"
dma 0x1000000 0x40000 1
echo "=== within"
sleep 10 # the host looks meanwhile that this was no fault
for n in $(seq 1 COUNT); do
	dma 0x40000 TARGET 3
done
echo "=== outside"
"""
BYSTANDER = """#!directpath-script
while :; do
	echo "beat $(dd if=/dev/nvme0n1 bs=1M count=1 iflag=direct 2>/dev/null | sha256sum)"
	sleep 2
done
"""
HOST = {}
UP_S = 2 * machine.GUEST_UP_S  # two guests share the one processor


def physical(pages, index):
    ctypes.CDLL(None).mlock(ctypes.c_void_p(pages["at"]), ctypes.c_size_t(len(pages["map"])))
    with open("/proc/self/pagemap", "rb") as pagemap:
        pagemap.seek((pages["at"] // mmap.PAGESIZE + index) * 8)
        return (int.from_bytes(pagemap.read(8), "little") & ((1 << 55) - 1)) * mmap.PAGESIZE


def canary():
    """Pages of this process, and the physical address of one that no memory or device of the guest has as its own."""
    pages = {"map": mmap.mmap(-1, 256 * mmap.PAGESIZE, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)}
    pages["map"][:] = PATTERN * len(pages["map"])
    pages["at"] = ctypes.addressof(ctypes.c_char.from_buffer(pages["map"]))
    for index in range(256):
        address = physical(pages, index)
        if LOWEST <= address < HIGHEST and not HOLE[0] <= address < HOLE[1]:
            return {**pages, "address": address}
    raise AssertionError("none of 256 pages lies where a guest of 256 MiB has nothing")


def write_image(name, script):
    text = script.encode()
    path = f"{machine.FOLDER}/{name}.iso"
    with open(path, "wb") as stream:
        stream.write(text + b"\n" * (-len(text) % 2048))
    return path


def vm(name, script, address, **more):
    """A VM of its own disk with one device, whose guest runs @script."""
    shutil.copyfile(f"{machine.FOLDER}/passthru.vmdk", f"{machine.FOLDER}/{name}.vmdk")
    changes = {"displayName": name, "scsi0:0.fileName": f"{machine.FOLDER}/{name}.vmdk",
               "ide0:0.fileName": write_image(name, script), "serial0.fileName": f"{machine.FOLDER}/{name}.txt",
               "RemoteDisplay.vnc.enabled": "FALSE", "memsize": "256", "sched.mem.max": "256",
               "sched.mem.minsize": "256", **guests.passthru(0, address), "pciPassthru1.present": "FALSE", **more}
    known = {line.split("=")[0].strip() for line in harness.read(machine.VMX).splitlines() if "=" in line}
    extra = "".join(f'{key} = "{value}"\n' for key, value in changes.items() if key not in known)
    return machine.variant(name, changes, extra)


def rogue(count, **more):
    """The VM that faults; what its guest is to reach is the canary."""
    script = ROGUE.replace("TARGET", hex(HOST["canary"]["address"])).replace("COUNT", str(count))
    return vm("rogue", script, EDU, **{"pciPassthru0.virtualDev": "pci", "pciPassthru0.pciSlotNumber": "35", **more})


def console(text):
    with open("/dev/kmsg", "w", encoding="ascii") as log:
        log.write(f"<1>directpath-lab: expect-dma-fault {text}\n")


def status(path):
    return directpath("--json", "vm", "status", path).json


def beats():
    return re.findall(r"^beat ([0-9a-f]{64})", machine.serial(f"{machine.FOLDER}/bystander.txt"), re.M)


def wait_for_fault(log):
    """Until the kernel says that the IOMMU has refused the device something; the time of that."""
    deadline = time.monotonic() + UP_S
    while time.monotonic() < deadline:
        select.select([log], [], [], 1)
        try:
            while not FAULT.search(os.read(log, 8192)):
                pass
            return time.time()
        except BlockingIOError:
            continue
    raise AssertionError(f"no fault: {machine.serial(f'{machine.FOLDER}/rogue.txt')[-1000:]}")


def told_at():
    """When the log of the VM that was powered on last told of its first fault; a `vm status` takes longer than that."""
    moment = re.search(r"^(\S+)Z .* caused an IOMMU fault", harness.read(f"{machine.FOLDER}/directpath.log"), re.M)
    return datetime.datetime.fromisoformat(f"{moment.group(1)}+00:00").timestamp()


def report_of_a_fault(path):
    """Powers the VM on, and returns what vm status says of its fault once it does, and after how long it was told."""
    serial = f"{machine.FOLDER}/rogue.txt"
    if os.path.exists(serial):
        os.unlink(serial)
    log = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    os.lseek(log, 0, os.SEEK_END)
    directpath("vm", "power-off", path, expect=None)  # a test that has failed may have left it
    directpath("vm", "power-on", path, timeout=240)
    assert status(path)["dma_faults"] is None
    machine.wait_for_guest(r"^=== within", UP_S, serial)
    assert status(path)["dma_faults"] is None, "DMA within the guest's memory is no fault"
    fault = wait_for_fault(log)
    os.close(log)
    harness.wait_for("the report", lambda: status(path)["dma_faults"], 60)
    return status(path), told_at() - fault


def check_report(said, seconds):
    faults = said["dma_faults"]
    assert faults is not None and seconds < 2, (faults, seconds)
    assert (faults["device"], faults["requester"], faults["access"]) == (EDU, EDU, "DMA write"), faults
    assert int(faults["address"], 16) == HOST["canary"]["address"], faults
    told = [diag for diag in said["diagnostics"] if diag["id"] == "DP4020"]
    assert len(told) == 1 and told[0]["subject"] == "rogue" and EDU in told[0]["message"], said["diagnostics"]


def check_harmless():
    """The page that the device aimed at, and the VM beside it."""
    assert HOST["canary"]["map"][:] == PATTERN * len(HOST["canary"]["map"])
    bystander = status(HOST["bystander"])
    assert bystander["state"] == "running" and bystander["dma_faults"] is None, bystander
    count = len(beats())
    harness.wait_for("the other VM to read on", lambda: len(beats()) >= count + 2, 120)
    assert len(set(beats())) == 1, beats()


def test_a_vm_reads_its_disk():
    directpath("device", "enable", DISK)
    directpath("device", "enable", EDU, "--override", "DP1210")
    HOST["canary"] = canary()
    HOST["bystander"] = vm("bystander", BYSTANDER, DISK)
    HOST["before"] = machine.traces()
    directpath("vm", "power-on", HOST["bystander"], timeout=240)
    harness.wait_for("the guest to read", lambda: len(beats()) >= 2, machine.GUEST_UP_S)


def test_the_plan_says_what_becomes_of_it():
    plan = directpath("--json", "vm", "power-on", rogue(1), "--dry-run").json
    steps = {step["action"]: step["detail"] for step in plan["steps"]}
    assert "powers it off" in steps["start the supervisor"], steps
    assert plan["passthrough"][0]["guest_reset"] == "none", plan["passthrough"]


def test_a_fault_is_reported_and_powers_the_vm_off():
    console("begin")
    HOST["rogue"] = rogue(1)
    said, seconds = report_of_a_fault(HOST["rogue"])
    console("end")
    check_report(said, seconds)
    assert said["dma_faults"]["powered_off"] is True, said["dma_faults"]
    harness.wait_for("the VM's end", lambda: status(HOST["rogue"])["state"] == "off", 60)
    check_report(status(HOST["rogue"]), 0)
    log = directpath("vm", "log", HOST["rogue"]).out
    assert f"PCI passthru device {EDU} caused an IOMMU fault type 5 at address" in log, log
    assert "Powering off the virtual machine." in log and "the VM is off" in log, log
    check_harmless()


def test_it_runs_on_where_the_file_says_so():
    console("begin")
    HOST["rogue"] = rogue(40, **{"directpath.dmaFaultPowersOff": "FALSE"})
    said, seconds = report_of_a_fault(HOST["rogue"])
    check_report(said, seconds)
    machine.wait_for_guest(r"^=== outside", UP_S, f"{machine.FOLDER}/rogue.txt")
    console("end")
    said = status(HOST["rogue"])
    assert said["state"] == "running" and said["dma_faults"]["powered_off"] is False, said
    lines = directpath("vm", "log", HOST["rogue"]).out.count("IOMMU fault")
    assert 1 <= lines <= 6, lines
    check_harmless()


def test_a_new_supervisor_reports_no_old_fault():
    harness.wait_for("all faults to be counted", lambda: status(HOST["rogue"])["dma_faults"]["count"] > 1, 30)
    before = status(HOST["rogue"])
    os.kill(before["supervisor_pid"], signal.SIGKILL)
    harness.wait_for("its end", lambda: harness.ended(before["supervisor_pid"]), 30)
    directpath("host", "status")
    time.sleep(1)
    after = status(HOST["rogue"])
    assert after["supervisor_pid"] not in (None, before["supervisor_pid"]), after
    assert after["dma_faults_watched"] is True and after["dma_faults"] == before["dma_faults"], (before, after)


def test_a_power_on_forgets_it_and_nothing_is_left():
    directpath("vm", "power-off", HOST["rogue"])
    path = rogue(0)
    directpath("vm", "power-on", path, timeout=240)
    said = status(path)
    assert said["dma_faults"] is None and said["dma_faults_watched"] is True, said
    for running in (path, HOST["bystander"]):
        directpath("vm", "power-off", running)
    machine.assert_nothing_left(HOST["before"])
    directpath("device", "disable", DISK, EDU)


def put_right():
    """A fault that comes later is nobody's."""
    console("end")


if __name__ == "__main__":
    harness.main(globals())
