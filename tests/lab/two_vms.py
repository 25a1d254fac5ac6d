# SPDX-License-Identifier: GPL-2.0-or-later
"""Two VMs never share a unit, nor memory that only one of them can have. On topology `host` the unit are the two devices behind the PCIe-to-PCI bridge, on
`two-functions` the two functions of one slot, there also with a line of the map that says false. The second VM is refused,
and accepted after the first is off; a VM with both is accepted; a VM is refused while the host has the other member.

The VMs have no disk: power-on returns when QEMU runs, and no guest is waited for."""
import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import harness
import machine
from harness import directpath, driver

IN_USE = "DP3162"
SHORT = "DP4001"
MEMORY = ("0000:03:00.0", "0000:05:00.0")
NEED_MIB = 256 + 96 + 16  # the guest, the engine, the display
MAP = "/etc/directpath/passthru.map"
TWO_FUNCTIONS = os.path.exists(f"{harness.PCI}/0000:02:00.1")
FIRST, SECOND = ("0000:02:00.0", "0000:02:00.1") if TWO_FUNCTIONS else ("0000:07:01.0", "0000:07:02.0")


def ids(address):
    return [harness.read(f"{harness.PCI}/{address}/{name}").strip()[2:] for name in ("vendor", "device")]


def passthru(index, address):
    """The lines that give a function to a VM."""
    vendor, device = ids(address)
    _, bus, rest = address.split(":")
    slot, function = rest.split(".")
    return {f"pciPassthru{index}.present": "TRUE", f"pciPassthru{index}.vendorId": vendor,
            f"pciPassthru{index}.deviceId": device,
            f"pciPassthru{index}.id": f"00000:{int(bus, 16):03}:{int(slot, 16):02}.{function}"}


def vm(name, *addresses):
    changes = {"pciPassthru1.present": "FALSE"}
    for index, address in enumerate(addresses):
        changes.update(passthru(index, address))
    return machine.bare(name, 256, changes)


def refused(path, *says):
    result = directpath("vm", "power-on", path, expect=1)
    assert IN_USE in result.ids(), result.err
    for words in says:
        assert words in result.err, (words, result.err)
    assert directpath("--json", "vm", "status", path).json["state"] == "off"


def standing():
    """What a refusal must not touch, of a host where a VM runs: its interrupts and pages come and go."""
    return {key: value for key, value in machine.traces().items()
            if key in ("drivers", "processes", "run folders", "sockets", "VFIO nodes")}


def one_after_the_other(*rule):
    """The second is refused while the first runs, and accepted when it is off."""
    one, two = vm("one", FIRST), vm("two", SECOND)
    directpath("vm", "power-on", one)
    before = standing()
    refused(two, '"one"', FIRST, *rule)
    assert standing() == before
    assert directpath("--json", "vm", "status", one).json["state"] == "running"
    directpath("vm", "power-off", one)
    directpath("vm", "power-on", two)
    refused(one, '"two"', SECOND, *rule)
    directpath("vm", "power-off", two)


def test_the_two_are_one_unit():
    for address in (FIRST, SECOND):
        assert harness.device(address)["unit"] == [FIRST, SECOND], harness.device(address)
    directpath("device", "enable", FIRST, SECOND)
    assert (driver(FIRST), driver(SECOND)) == ("vfio-pci", "vfio-pci")


def test_the_second_vm_waits_for_the_first():
    one_after_the_other(f"iommu-group {harness.group(FIRST)}")


def test_both_in_one_vm_are_accepted():
    both = vm("both", FIRST, SECOND)
    directpath("vm", "power-on", both)
    for address in (FIRST, SECOND):
        assert harness.device(address)["used_by"] == "both", harness.device(address)
    directpath("vm", "power-off", both)


def test_a_member_with_the_host_refuses():
    directpath("device", "disable", SECOND)
    back = driver(SECOND)
    assert back not in (None, "vfio-pci"), back
    refused(vm("one", FIRST), SECOND, f"the host's driver {back}", f"directpath device enable {SECOND}")
    directpath("device", "enable", SECOND)


def test_a_line_with_false():
    """The line is about the first; on `host` the second is in another slot, which no line ties to it."""
    with open(MAP, "w", encoding="ascii") as stream:
        stream.write(f"# the functions of this card have one owner\n{' '.join(ids(FIRST))} default false\n")
    try:
        entry = directpath("--json", "map", "check").json["entries"][-1]
        assert FIRST in [function["address"] for function in entry["decides"]], entry
        assert (entry["line"], entry["shareable"]) == (2, False), entry
        assert harness.device(FIRST)["shareable"] is False
        if TWO_FUNCTIONS:
            one_after_the_other("not-shareable: line 2 of etc/directpath/passthru.map")
    finally:
        os.unlink(MAP)


class Scarce:
    """While it lasts @mib of the host's memory are available."""

    HOLD = "import sys; held = b'x' * int(sys.argv[1]); print('held', flush=True); sys.stdin.read()"

    def __init__(self, mib):
        self._bytes = (available() - mib) << 20

    def __enter__(self):
        self._holder = subprocess.Popen([sys.executable, "-c", self.HOLD, str(self._bytes)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        assert self._holder.stdout.readline() == b"held\n"

    def __exit__(self, *_):
        self._holder.communicate()


def available():
    return int(re.search(r"MemAvailable: +(\d+)", harness.read("/proc/meminfo")).group(1)) // 1024


def power_on(path):
    return subprocess.Popen([harness.DIRECTPATH, "vm", "power-on", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run_record(path):
    """The record of the VM's run, once an engine is in it."""
    for folder in os.listdir("/run/directpath/vm") if os.path.isdir("/run/directpath/vm") else []:
        try:
            state = json.loads(harness.read(f"/run/directpath/vm/{folder}/state.json"))
        except (OSError, ValueError):
            continue
        if state["vmx"] == path and state["engine"]["pid"]:
            return state
    return None


@contextlib.contextmanager
def before_it_pins(path):
    """The command that powers @path on, while its engine is held up before it has pinned anything."""
    command = power_on(path)
    engine = harness.wait_for("an engine", lambda: run_record(path), 60)["engine"]["pid"]
    os.kill(engine, signal.SIGSTOP)
    try:
        yield command
    finally:
        os.kill(engine, signal.SIGCONT)


def edit(path, changes):
    """Another hand than directpath's, at any time."""
    text = harness.read(path)
    for old, new in changes.items():
        assert old in text, (old, text)
        text = text.replace(old, new)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)


def too_little(text, other):
    assert f"error[{SHORT}]" in text and f"{NEED_MIB} MiB must be pinned" in text, text
    assert re.search(rf'\d+ MiB of this host\'s memory are available; the VM "{other}" has {NEED_MIB} MiB', text), text


def test_two_that_fit_alone_and_not_together():
    """Started at once: one runs, the other is refused before its device is touched, and told of the first."""
    directpath("device", "enable", *MEMORY)
    paths = {name: vm(name, address) for name, address in zip(("left", "right"), MEMORY)}
    with Scarce(NEED_MIB + 220):
        for path in paths.values():
            directpath("vm", "validate", path)
        commands = {name: power_on(path) for name, path in paths.items()}
        said = {name: command.communicate(timeout=240)[1] for name, command in commands.items()}
        runs = [name for name, command in commands.items() if command.returncode == 0]
        assert len(runs) == 1, said
        refused_one = next(name for name in commands if name not in runs)
        assert commands[refused_one].returncode == 1, said
        too_little(said[refused_one], runs[0])
        assert directpath("--json", "vm", "status", paths[refused_one]).json["state"] == "off"
        directpath("vm", "power-off", paths[runs[0]])
        directpath("vm", "power-on", paths[refused_one])
        directpath("vm", "power-off", paths[refused_one])


def test_the_second_waits_while_the_first_pins():
    """Longer than for any other command; then it is told what there is to be told, and not that it came at a bad time."""
    first, second = (vm(name, address) for name, address in zip(("left", "right"), MEMORY))
    with Scarce(NEED_MIB + 220):
        with before_it_pins(first) as command:
            waiting = power_on(second)
            time.sleep(20)
            assert waiting.poll() is None, waiting.communicate()
        assert command.wait(timeout=240) == 0, command.communicate()
        said = waiting.communicate(timeout=240)[1]
        assert waiting.returncode == 1, said
        too_little(said, "left")
        directpath("vm", "power-off", first)


def test_who_waited_reads_the_file_as_it_is_then():
    """Another VM's power-on held the lock, and the file was edited meanwhile: what runs is what it says now."""
    first, second = (vm(name, address) for name, address in zip(("left", "right"), MEMORY))
    with before_it_pins(first) as command:
        waiting = power_on(second)
        time.sleep(5)
        assert waiting.poll() is None, waiting.communicate()
        edit(second, {'displayName = "right"': 'displayName = "edited"', 'memsize = "256"': 'memsize = "260"',
                      'sched.mem.max = "256"': 'sched.mem.max = "260"'})
    assert command.wait(timeout=240) == 0, command.communicate()
    assert waiting.wait(timeout=240) == 0, waiting.communicate()
    status = directpath("--json", "vm", "status", second).json
    assert (status["name"], status["memory_mib"]) == ("edited", 260), status
    assert "DP3208" not in [diag["id"] for diag in status.get("diagnostics", [])], status
    for path in (first, second):
        directpath("vm", "power-off", path)


def test_one_that_cannot_be_ended_is_said():
    """A record whose command still lives and has no engine yet: shut-down of all says that this one is left."""
    path = vm("left", MEMORY[0])
    directpath("vm", "power-on", path)
    state = run_record(path)
    directpath("vm", "power-off", path)
    folder = f"/run/directpath/vm/{state['id']}"
    nothing = {"pid": 0, "start": 0}
    os.makedirs(folder)
    with open(f"{folder}/supervisor.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with open(f"{folder}/state.json", "w", encoding="utf-8") as stream:
            json.dump({**state, "phase": "starting", "engine": nothing, "supervisor": nothing}, stream)
        try:
            result = directpath("vm", "shut-down", "--all", expect=3)
            assert "DP4041" in result.ids() and "left" in result.err, result.err
            assert "directpath vm status" in result.err, result.err
        finally:
            shutil.rmtree(folder)
    assert directpath("--json", "vm", "list").json["vms"] == []


def test_what_is_promised_and_not_pinned_yet_counts():
    """The first one's command is killed and its engine stopped before it has pinned anything: what it was promised is not free."""
    first, second = (vm(name, address) for name, address in zip(("left", "right"), MEMORY))
    with Scarce(NEED_MIB + 220):
        with before_it_pins(first) as command:
            command.kill()
            command.communicate()
            assert available() > NEED_MIB, "it has pinned already"
            too_little(directpath("vm", "power-on", second, expect=1).err, "left")
        harness.wait_for("the first to run",
                         lambda: directpath("--json", "vm", "status", first).json["state"] == "running", 120)
        directpath("vm", "power-off", first)


def test_reserved_huge_pages_are_taken():
    """A pool that holds all of the guest's memory does; without one the VM has ordinary pages."""
    path = vm("left", MEMORY[0])
    pool = "/proc/sys/vm/nr_hugepages"
    for pages, page_kib in (("128", 2048), ("127", 0)):
        with open(pool, "w", encoding="ascii") as stream:
            stream.write(pages)
        directpath("vm", "power-on", path)
        status = directpath("--json", "vm", "status", path).json
        process = harness.process_status(status["pid"])
        assert status["page_kib"] == page_kib, status
        assert process["HugetlbPages"].split()[0] == str(262144 if page_kib else 0), process
        assert int(process["VmLck"].split()[0]) >= 262144 - 128, process  # not the hole for VGA
        directpath("vm", "power-off", path)
    with open(pool, "w", encoding="ascii") as stream:
        stream.write("0")


def test_nothing_is_left():
    directpath("device", "disable", FIRST, SECOND, *MEMORY)
    assert "vfio-pci" not in (driver(FIRST), driver(SECOND))
    assert directpath("--json", "vm", "list").json["vms"] == []


put_right = machine.end_all_vms


if __name__ == "__main__":
    harness.main(globals())
