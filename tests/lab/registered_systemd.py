# SPDX-License-Identifier: GPL-2.0-or-later
"""The units, by systemd itself: brought into the emulated host, it is its init for one boot. It starts what starts with the host;
each VM is a scope of its own, the one that is powered on by hand too, and its new supervisor after the first was killed;
systemd's own shutdown asks the guests in reverse order before anything of theirs is killed.

The systemd is that of the machine that runs the lab, without journal, udev and D-Bus, so this says nothing about those."""
import os
import shutil
import signal

import harness
import machine
import registered
from harness import cgroup, directpath, run
from registered import BARE, NO_DEVICES, is_clean, log_of, make, make_guest, path_of, serial_of, when

UNITS = "/etc/systemd/system"
JOB = """[Unit]
Description=The test
After=directpath-autostart.service

[Service]
Type=oneshot
TimeoutStartSec=infinity
ExecStart=/bin/sh -c '/usr/sbin/init job; systemctl --no-block reboot'
"""


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as stream:
        stream.write(text)
    os.chmod(path, mode)


def status(name):
    return directpath("--json", "vm", "status", path_of(name)).json


def assert_in_its_scope(name):
    state = status(name)
    scope = f"0::/machine.slice/directpath-vm-{state['id']}.scope"
    assert cgroup(state["pid"]) == scope and cgroup(state["supervisor_pid"]) == scope, \
        (cgroup(state["pid"]), cgroup(state["supervisor_pid"]))
    assert run("systemctl", "is-active", f"directpath-vm-{state['id']}.scope").out == "active\n"


def test_systemd_is_brought():
    copied = run("cp", "-a", "-n", "/tree/build/lab-systemd/usr", "/")  # never over a library that is in use
    assert copied.status == 0, copied.err
    shutil.copy(harness.DIRECTPATH, "/usr/bin/directpath")
    write("/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
    write("/etc/fstab", "")
    write("/etc/lab-init", "#!/bin/sh\nexec /usr/lib/systemd/systemd --system --show-status=no --log-target=kmsg\n", 0o755)
    write(f"{UNITS}/lab-job.service", JOB)
    os.makedirs(f"{UNITS}/multi-user.target.wants")
    for name in ("apply", "vms", "autostart"):
        shutil.copy(f"/tree/build/data/directpath-{name}.service", UNITS)
    for name in ("lab-job", "directpath-apply", "directpath-vms", "directpath-autostart"):
        os.symlink(f"{UNITS}/{name}.service", f"{UNITS}/multi-user.target.wants/{name}.service")
    os.symlink("/usr/lib/systemd/system/multi-user.target", f"{UNITS}/default.target")
    make_guest("first", 5901, NO_DEVICES)
    make("byhand", {**BARE, **NO_DEVICES, "RemoteDisplay.vnc.enabled": "FALSE", "serial0.present": "FALSE"})
    for name in ("first", "byhand"):
        directpath("vm", "register", path_of(name))
    directpath("vm", "autostart", path_of("first"), "on", "--timeout", "120")
    directpath("vm", "autostart", path_of("byhand"), "off", "--timeout", "3")


def reboot_with_systemd():
    return None


def test_systemd_has_started_what_starts_with_the_host():
    assert os.readlink("/proc/1/exe") == "/usr/lib/systemd/systemd"
    for unit in ("directpath-vms.service", "directpath-autostart.service"):
        assert run("systemctl", "is-active", unit).out == "active\n", run("systemctl", "status", unit).out
    assert registered.running() == {"first"}
    assert_in_its_scope("first")


def test_one_by_hand_leaves_its_session():
    assert "lab-job.service" in cgroup(os.getpid())
    powered = directpath("--json", "vm", "power-on", path_of("byhand")).json
    assert "DP4040" not in {diag["id"] for diag in powered["diagnostics"]}, powered["diagnostics"]
    assert_in_its_scope("byhand")
    # Nor does it leave a thread of the kernel's there, which nobody could end before the VM: systemd would wait for it.
    session = cgroup(os.getpid()).removeprefix("0::")
    left = {pid: harness.read(f"/proc/{pid}/comm").strip() for pid in harness.read(f"/sys/fs/cgroup{session}/cgroup.procs").split()}
    assert not [name for name in left.values() if name.startswith("kvm")], left


def test_so_does_a_new_supervisor():
    old = status("byhand")["supervisor_pid"]
    os.kill(old, signal.SIGKILL)
    harness.wait_for("its end", lambda: not os.path.exists(f"/proc/{old}"), 60)
    assert "DP4010" in directpath("vm", "list").ids()
    assert status("byhand")["supervisor_pid"] not in (None, old)
    assert_in_its_scope("byhand")


def test_its_guest_is_up():
    machine.wait_for_guest(r"^=== boots 1$", 300, serial_of("first"))
    assert not is_clean("first")


def reboot_by_systemd():
    """The job ends, and its unit asks systemd to reboot; the next boot has the lab's own init again."""
    os.unlink("/etc/lab-init")
    os.sync()


def test_systemd_has_shut_them_down():
    assert os.readlink("/proc/1/exe") != "/usr/lib/systemd/systemd"
    assert is_clean("first"), machine.serial(serial_of("first"))
    assert "=== unmounted" in machine.serial(serial_of("first"))
    assert "ended with status 0" in log_of("first"), log_of("first")
    assert when("byhand", "the VM is off") < when("first", "POWERDOWN"), (log_of("byhand"), log_of("first"))
    assert registered.running() == set()


if __name__ == "__main__":
    harness.main(globals())
