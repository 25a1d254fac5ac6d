# SPDX-License-Identifier: GPL-2.0-or-later
"""What a lab test needs inside the emulated host: run directpath, look at the kernel, report in TAP.

A test file calls `main(globals())`: its functions named test_* run in the order they stand in the file, share one boot,
and each prints one TAP line. A test that raises has failed; the next one still runs. A function named reboot_* between
them boots the host again, on the same disks: it is called last, and returns the name of the topology to boot, or None for
the same; it may cut_power(). The tests after it run in that boot, and their lines continue the same report. A function
named put_right is called after each test that has failed: what that one has left must not fail those after it.
"""
import json
import os
import subprocess
import sys
import time
import traceback

DIRECTPATH = "/tree/build/cli/directpath"
PCI = "/sys/bus/pci/devices"
REPORT = "/out/harness.json"


class Result:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    @property
    def json(self):
        return json.loads(self.out)

    def ids(self):
        """Diagnostic ids on standard error, in order."""
        return [word.split("[")[1].split("]")[0] for word in self.err.split() if "[DP" in word]


def run(*command, timeout=240, **options):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                          timeout=timeout, **options)
    return Result(done.returncode, done.stdout, done.stderr)


def directpath(*arguments, expect=0, **options):
    """Runs directpath; any other exit status than @expect is a failure that shows what it said."""
    result = run(DIRECTPATH, *arguments, **options)
    if expect is not None and result.status != expect:
        raise AssertionError(f"directpath {' '.join(arguments)}: exit status {result.status}, expected {expect}\n"
                             f"{result.out}\n{result.err}")
    return result


def driver(address):
    """The driver that a function is bound to, or None."""
    try:
        return os.path.basename(os.readlink(f"{PCI}/{address}/driver"))
    except FileNotFoundError:
        return None


def group(address):
    return int(os.path.basename(os.readlink(f"{PCI}/{address}/iommu_group")))


def device(address):
    """The entry of `device list --all --json` for @address."""
    for entry in directpath("--json", "device", "list", "--all").json["devices"]:
        if entry["address"] == address:
            return entry
    raise AssertionError(f"{address} is not in the device list")


def read(path):
    with open(path, encoding="utf-8", errors="replace") as stream:
        return stream.read()


def cgroup(pid):
    """The control group of a process; "" of one that has ended, between opening and reading too."""
    try:
        return read(f"/proc/{pid}/cgroup").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def wait_for(what, condition, seconds):
    """Waits until @condition() is true; fails loudly when the time is up, and it was not so after that either."""
    deadline = time.monotonic() + seconds
    while True:
        over = time.monotonic() >= deadline
        value = condition()
        if value:
            return value
        if over:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.2)


def process_status(pid):
    """/proc/PID/status as a dictionary."""
    return dict(line.split(":\t", 1) for line in read(f"/proc/{pid}/status").splitlines() if ":\t" in line)


def ended(pid):
    """Whether a process has ended, be it that its parent has not been told yet."""
    try:
        return process_status(pid)["State"].startswith("Z")
    except (FileNotFoundError, ProcessLookupError):
        return True


def cut_power():
    """Ends the host at once, as a power failure would; what was not written is lost."""
    sys.stdout.flush()
    with open("/proc/sysrq-trigger", "w", encoding="ascii") as trigger:
        trigger.write("b")
    time.sleep(60)


def _run_test(number, name, test):
    start = time.monotonic()
    title = name[5:].replace("_", " ")
    try:
        test()
        print(f"ok {number} - {title} ({time.monotonic() - start:.1f} s)", flush=True)
        return True
    except Exception:  # any exception is this test's failure, and no reason to stop the others
        for line in traceback.format_exc().splitlines():
            print(f"# {line}", flush=True)
        print(f"not ok {number} - {title}", flush=True)
        return False


def _put_right(step):
    """What comes of it is only shown: that the test has failed is said already."""
    try:
        step()
    except Exception:  # any
        for line in traceback.format_exc().splitlines():
            print(f"# put_right: {line}", flush=True)


def _again(topology):
    with open("/out/again", "w", encoding="ascii") as again:
        again.write(topology)


def _reboot(step, report):
    """Leaves word for the next boot and for the runner, and goes down."""
    with open(REPORT, "w", encoding="ascii") as stream:
        json.dump(report, stream)
    _again("")
    _again(step() or "")
    sys.exit(0)


def _resume(total):
    """Where the boot before this one stopped."""
    if os.path.exists(REPORT):
        return json.loads(read(REPORT))
    print(f"1..{total}", flush=True)
    return {"next": 0, "number": 0, "failed": 0}


def main(names):
    steps = [(name, value) for name, value in names.items()
             if name.startswith(("test_", "reboot_")) and callable(value)]
    if sys.argv[1:]:  # words to choose by, while working on one test
        steps = [(name, value) for name, value in steps
                 if name.startswith("reboot_") or any(word in name for word in sys.argv[1:])]
    report = _resume(sum(name.startswith("test_") for name, _ in steps))
    for position, (name, step) in list(enumerate(steps))[report["next"]:]:
        if name.startswith("reboot_"):
            _reboot(step, {**report, "next": position + 1})
        report["number"] += 1
        if not _run_test(report["number"], name, step):
            report["failed"] += 1
            _put_right(names.get("put_right", lambda: None))
    sys.exit(1 if report["failed"] else 0)
