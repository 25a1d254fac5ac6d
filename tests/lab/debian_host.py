# SPDX-License-Identifier: GPL-2.0-or-later
"""What tests in the Debian host share. The program there is the one of its package, which a test installs with dpkg."""
import glob
import os

import harness
from harness import driver, run

STORE = "/etc/directpath/esx.conf"
UUID = '/system/uuid = "48c4619b-6d5818db-2a0e-000423d1e6f6"\n'
CLAIMED = "/run/directpath/claimed"  # the initramfs has claimed all
PATIENCE_S = 600  # for dpkg and update-initramfs, which are many small programs under emulation
if os.environ["DIRECTPATH_TOPOLOGY"].startswith("debian"):
    harness.DIRECTPATH = "/usr/bin/directpath"


def package():
    [path] = glob.glob("/tree/build/packages/directpath_*.deb")
    return path


def sh(*command, expect=0):
    """Runs a tool of the host, however long it takes here; any other exit status than @expect is a failure."""
    done = run(*command, timeout=PATIENCE_S)
    assert expect is None or done.status == expect, (command, done.status, done.out[-3000:], done.err[-3000:])
    return done


def install(path=None, *options):
    return sh("dpkg", "-i", *options, path or package())


def update_initramfs():
    return sh("update-initramfs", "-u", "-k", "all")


def initramfs_has(name):
    listed = sh("lsinitramfs", f"/boot/initrd.img-{os.uname().release}").out.split()
    return name.lstrip("/") in listed


def drivers():
    return "".join(f"{address} {driver(address)}\n" for address in sorted(os.listdir(harness.PCI)))


def journal(*arguments):
    sh("journalctl", "--sync")  # what a unit that has ended said last may still be on its way
    return sh("journalctl", "-b", "-o", "cat", *arguments).out


# A unit that has done what it is there for; the "-" before its command would hide a status.
DONE = {"ActiveState": "active", "Result": "success", "ExecMainStatus": "0"}


def unit(name):
    """What DONE is compared with, once it has ended: no target waits for most of them."""
    def ended():
        shown = dict(line.split("=", 1) for line in sh("systemctl", "show", "-p", ",".join(["Job", *DONE]), name).out.splitlines())
        waits = shown.pop("Job", "") not in ("", "0") or shown["ActiveState"] == "activating"
        return None if waits else shown
    return harness.wait_for(f"the end of {name}", ended, PATIENCE_S)


def boot():
    """Which boot of the run this is: the first is 1."""
    return int(os.environ["DIRECTPATH_BOOT"])


def write(path, data):
    with open(path, "wb") as stream:
        stream.write(data if isinstance(data, bytes) else data.encode())
