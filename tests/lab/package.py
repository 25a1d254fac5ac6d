# SPDX-License-Identifier: GPL-2.0-or-later
"""The life of the Debian package on a host: installed, upgraded while a VM runs, refused to be removed meanwhile, removed,
installed again, purged; after the next boot every device is with its own driver.

The host has neither systemd nor initramfs-tools, so what dpkg calls of them does nothing here. The VM has no disk: power-on
returns when QEMU runs, and no guest is waited for."""
import glob
import os

import harness
import machine
from harness import driver, run
from machine import DISK, NIC

[PACKAGE] = glob.glob("/tree/build/packages/directpath_*.deb")
NEXT = "/root/next.deb"
PROGRAM = harness.DIRECTPATH = "/usr/bin/directpath"  # from here on it is the installed one
FACTS = "/root/drivers"
STORE = "/etc/directpath/esx.conf"
VM = {}


def directpath(*arguments, **options):
    return harness.directpath(*arguments, **options)


def dpkg(*arguments, expect=0):
    done = run("dpkg", *arguments)
    assert (done.status == 0) == (expect == 0), (arguments, done.status, done.out, done.err)
    return done


def drivers():
    return "".join(f"{address} {driver(address)}\n" for address in sorted(os.listdir(harness.PCI)))


def left():
    """Files of the program anywhere on the host's own file system; the log beside a VM's files is the VM's."""
    return set(run("find", "/", "/run", "-xdev", "-iname", "*directpath*", "-not", "-path", "/vmfs/*").out.split())


def make_database():
    """dpkg's, in which another package owns the folders: what nobody else owns goes with the last package."""
    os.makedirs("/var/lib/dpkg/updates", exist_ok=True)
    os.makedirs("/var/lib/dpkg/info", exist_ok=True)
    with open("/var/lib/dpkg/status", "w", encoding="ascii") as stream:
        stream.write("Package: base-files\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n"
                     "Maintainer: none <none@base.example>\nDescription: the folders of this host\n")
    folders = run("find", "/", "-xdev", "(", "-type", "d", "-o", "-type", "l", ")", "-not", "-path", "/var/lib/dpkg/*").out
    with open("/var/lib/dpkg/info/base-files.list", "w", encoding="utf-8") as stream:
        stream.write("/.\n" + "".join(path + "\n" for path in folders.splitlines() if path != "/"))


def test_installed():
    with open(FACTS, "w", encoding="ascii") as stream:
        stream.write(drivers())
    make_database()
    dpkg("-i", "--force-depends", PACKAGE)
    assert directpath("--version").out == "directpath 0.1.0\n"
    for path in ("/usr/share/directpath/passthru.map", "/usr/lib/udev/rules.d/60-directpath.rules",
                 "/usr/lib/systemd/system/directpath-apply.service", "/usr/lib/systemd/system/directpath-vms.service",
                 "/usr/lib/systemd/system/directpath-autostart.service", "/usr/share/initramfs-tools/hooks/directpath"):
        assert os.path.exists(path), path
    assert drivers() == harness.read(FACTS)


def test_a_newer_package_is_made():
    """The same program by another version."""
    run("dpkg-deb", "-R", PACKAGE, "/root/next")
    control = harness.read("/root/next/DEBIAN/control")
    with open("/root/next/DEBIAN/control", "w", encoding="ascii") as stream:
        stream.write(control.replace("Version: 0.1.0", "Version: 0.1.1"))
    done = run("dpkg-deb", "-b", "/root/next", NEXT)
    assert done.status == 0, done.err
    run("rm", "-r", "/root/next")


def test_upgraded_while_a_vm_runs():
    directpath("device", "enable", NIC, DISK)
    VM["path"] = machine.variant("bare", {"scsi0.present": "FALSE", "scsi0:0.present": "FALSE", "ide0:0.present": "FALSE",
                                          "memsize": "256", "sched.mem.max": "256", "sched.mem.minsize": "256",
                                          "RemoteDisplay.vnc.enabled": "FALSE"})
    machine.networks("VM Network = none\nbridged = none\n")
    directpath("vm", "power-on", VM["path"])
    before = machine.processes("qemu-system")
    assert before.strip(), "QEMU runs"
    dpkg("-i", "--force-depends", NEXT)
    assert machine.processes("qemu-system") == before
    status = directpath("--json", "vm", "status", VM["path"]).json
    assert status["state"] == "running", status
    assert harness.device(NIC)["state"] == "in-use", harness.device(NIC)


def test_removal_is_refused_while_it_runs():
    before = machine.processes("qemu-system")
    refused = dpkg("-r", "directpath", expect=1)
    assert "a virtual machine runs" in refused.err, refused.err
    assert os.path.exists(PROGRAM) and machine.processes("qemu-system") == before
    assert driver(NIC) == "vfio-pci" and harness.device(NIC)["state"] == "in-use"


def test_the_new_program_ends_it():
    directpath("vm", "power-off", VM["path"])
    assert machine.processes("qemu-system") == ""
    assert driver(NIC) == "vfio-pci" and driver(DISK) == "vfio-pci"


def test_removed():
    stored = harness.read(STORE)
    dpkg("-r", "directpath")
    assert drivers() == harness.read(FACTS), drivers()
    assert harness.read(STORE) == stored, "the owners stay"
    kept = {path for path in left() if not path.startswith("/var/lib/dpkg/info/directpath.")}
    assert kept == {"/etc/directpath", "/var/lib/directpath", "/etc/apparmor.d/directpath-qemu"}, kept


def test_installed_again_it_is_as_stored():
    dpkg("-i", "--force-depends", NEXT)
    assert driver(NIC) == "e1000e", "nothing moves when a package comes"
    directpath("device", "apply")
    assert driver(NIC) == "vfio-pci" and driver(DISK) == "vfio-pci"


def test_purged():
    dpkg("-P", "directpath")
    assert drivers() == harness.read(FACTS), drivers()
    assert left() == set(), left()


def reboot_after_the_purge():
    return None


def test_every_device_is_with_its_own_driver():
    assert drivers() == harness.read(FACTS), drivers()
    assert left() == set(), left()


if __name__ == "__main__":
    harness.main(globals())
