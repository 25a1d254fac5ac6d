# SPDX-License-Identifier: GPL-2.0-or-later
"""The life of the Debian package on a Debian host with systemd and initramfs-tools: installed, enabled, rebooted, upgraded
while a VM runs, which the new program ends, removed, purged; after the next boot nothing is left of it."""
import os
import re

import debian_host as debian
import harness
import machine
from debian_host import sh
from harness import cgroup, directpath, driver, run
from machine import DISK, NIC

NEXT = "/root/next.deb"
FACTS = "/root/drivers"
FILES = "/root/files"
# What changes on any host by itself, and what this test and its kernel keep.
OWN = ("/var/lib/dpkg", "/var/log", "/var/cache/apt", "/var/cache/debconf", "/var/cache/ldconfig", "/var/cache/man", "/var/lib/systemd", "/var/tmp", "/root", "/tmp", "/vmfs")
# What stays after removal: the settings, AppArmor's profile as one of them, and that the administrator wants the units, as of
# any package of Debian.
KEPT = re.compile(r"/(etc|var/lib)/directpath(/|$)|/etc/apparmor\.d/(local/)?directpath-qemu$|/var/cache/apparmor/[^/]+/directpath-qemu$|/etc/systemd/system/[a-z-]+\.target\.wants/directpath-[a-z]+\.service$")
UNIT = "/lib/systemd/system/directpath-vms.service"
LOCAL = "/etc/apparmor.d/local/directpath-qemu"
VM = {}


def files():
    """Every file of the host's own file system but those of OWN."""
    skip = [word for path in OWN for word in ("-path", path, "-prune", "-o")]
    return sh("find", "/", "-xdev", *skip, "-print").out


def enabled(name):
    return run("systemctl", "is-enabled", name).out.strip()


def needs_reload():
    return sh("systemctl", "show", "--value", "-p", "NeedDaemonReload", os.path.basename(UNIT)).out.strip()


def supervisor():
    return directpath("--json", "vm", "status", VM["path"]).json["supervisor_pid"]


def assert_nothing_left():
    before, now = set(harness.read(FILES).splitlines()), set(files().splitlines())
    assert now == before, (sorted(now - before), sorted(before - now))
    left = run("find", "/run", "/var/lib/systemd", "/var/lib/dpkg/info", "-path", "/run/systemd", "-prune", "-o",
               "-iname", "*directpath*", "-print").out
    assert left == "", left
    assert debian.drivers() == harness.read(FACTS), debian.drivers()


def test_installed_and_enabled():
    debian.write(FACTS, debian.drivers())
    debian.write(FILES, files())
    debian.install()
    assert debian.drivers() == harness.read(FACTS)
    assert enabled("directpath-early.service") == enabled("directpath-apply.service") == "enabled"
    os.makedirs(os.path.dirname(debian.STORE))
    debian.write(debian.STORE, debian.UUID)
    directpath("device", "enable", NIC, DISK)
    debian.update_initramfs()


def reboot_after_enabling():
    return None


def test_claimed_after_the_boot():
    assert debian.unit("directpath-apply.service") == debian.DONE, debian.journal("-u", "directpath-apply.service")
    assert driver(NIC) == "vfio-pci" and driver(DISK) == "vfio-pci"
    assert harness.device(NIC)["state"] == "active" and harness.device(DISK)["state"] == "active"


def test_the_early_unit_claims_in_its_sandbox():
    """The initramfs left it nothing to do, and says so: a function that no driver has and nobody claims."""
    assert debian.unit("directpath-early.service")["ActiveState"] == "inactive"
    os.unlink(debian.CLAIMED)
    debian.write(f"{harness.PCI}/{NIC}/driver_override", "\n")
    debian.write(f"{harness.PCI}/{NIC}/driver/unbind", NIC)
    assert driver(NIC) is None
    sh("systemctl", "restart", "directpath-early.service")
    assert debian.unit("directpath-early.service") == debian.DONE, debian.journal("-u", "directpath-early.service")
    assert harness.read(f"{harness.PCI}/{NIC}/driver_override") == "vfio-pci\n"
    directpath("device", "apply")
    assert driver(NIC) == "vfio-pci"


def test_the_early_unit_is_confined():
    said = sh("systemd-analyze", "security", "--no-pager", "directpath-early.service").out.splitlines()[-1]
    assert float(re.search(r"exposure level for \S+: ([0-9.]+) ", said).group(1)) <= 2.0, said


def test_a_newer_package_is_made():
    """The same program by another version."""
    sh("dpkg-deb", "-R", debian.package(), "/root/next")
    control = harness.read("/root/next/DEBIAN/control")
    debian.write("/root/next/DEBIAN/control", control.replace("Version: 0.1.0", "Version: 0.1.1"))
    sh("dpkg-deb", "-Znone", "-b", "/root/next", NEXT)


def test_upgraded_while_a_vm_runs():
    VM["path"] = machine.variant("bare", {"scsi0.present": "FALSE", "scsi0:0.present": "FALSE", "ide0:0.present": "FALSE",
                                          "memsize": "256", "sched.mem.max": "256", "sched.mem.minsize": "256",
                                          "RemoteDisplay.vnc.enabled": "FALSE"})
    directpath("vm", "power-on", VM["path"])
    before = machine.processes("qemu-system")
    assert before.strip(), "QEMU runs"
    assert "/machine.slice/directpath-vm-" in cgroup(before.strip()), cgroup(before.strip())
    harness.wait_for("the supervisor in its unit", lambda: "/machine.slice/directpath-vm@" in cgroup(supervisor()), 180)
    watched = supervisor()
    os.utime(UNIT)  # systemd takes it for another one than that which it has read
    assert needs_reload() == "yes"
    debian.install(NEXT)
    assert needs_reload() == "no"
    assert run("dpkg-query", "-W", "-f", "${Version}", "directpath").out == "0.1.1"
    assert machine.processes("qemu-system") == before and supervisor() == watched
    status = directpath("--json", "vm", "status", VM["path"]).json
    assert status["state"] == "running", status
    assert harness.device(NIC)["state"] == "in-use", harness.device(NIC)


def test_removal_is_refused_while_it_runs():
    before = machine.processes("qemu-system")
    refused = sh("dpkg", "-r", "directpath", expect=None)
    assert refused.status != 0 and "a virtual machine runs" in refused.err, (refused.status, refused.out, refused.err)
    assert os.path.exists("/usr/bin/directpath") and machine.processes("qemu-system") == before
    assert enabled("directpath-apply.service") == "enabled"
    assert driver(NIC) == "vfio-pci" and harness.device(NIC)["state"] == "in-use"


def test_the_new_program_ends_it():
    directpath("vm", "power-off", VM["path"])
    assert machine.processes("qemu-system") == ""
    assert driver(NIC) == "vfio-pci" and driver(DISK) == "vfio-pci"


def test_removed():
    debian.write(LOCAL, "# what this host adds\n")
    sh("dpkg-reconfigure", "directpath")
    stored = harness.read(debian.STORE)
    sh("dpkg", "-r", "directpath")
    assert debian.drivers() == harness.read(FACTS), debian.drivers()
    assert harness.read(debian.STORE) == stored, "the owners stay"
    new = set(files().splitlines()) - set(harness.read(FILES).splitlines())
    assert "/etc/directpath/esx.conf" in new and [path for path in new if not KEPT.match(path)] == [], new
    assert not debian.initramfs_has("/usr/bin/directpath")
    assert not debian.initramfs_has("/scripts/init-top/00-directpath")


def test_purged():
    sh("dpkg", "-P", "directpath")
    assert_nothing_left()


def reboot_after_the_purge():
    return None


def test_every_device_is_with_its_own_driver_and_no_file_is_left():
    assert_nothing_left()


if __name__ == "__main__":
    harness.main(globals())
