# SPDX-License-Identifier: GPL-2.0-or-later
"""The controller of the root disk was forced into the store of a Debian host, which does not come up any more; each of two
ways ends that: a word on the kernel's command line, and a rescue system that has the host's disk."""
import os
import re
import shutil

import debian_host as debian
import harness
from debian_host import sh
from harness import directpath, driver
from machine import ROOT_DISK

STORE = "/etc/directpath"
FORCED = "/root/forced"
FILES = ("esx.conf", "devices.json")
# The boot that must fail: after half a minute its initramfs gives up waiting for the root.
FAILS = "debian\n"


def force():
    """What `device enable` of this device would store, made on a capture of this host: there is no disk to lose there."""
    directpath("host", "capture", "/root/host.tar")
    os.makedirs(FORCED, exist_ok=True)
    sh("tar", "-xf", "/root/host.tar", "-C", FORCED)
    refused = directpath("--root", FORCED, "device", "enable", ROOT_DISK, expect=1)
    errors = sorted({line.split("[")[1].split("]")[0] for line in refused.err.splitlines() if line.startswith("error[")})
    assert "DP1203" in errors, refused.err
    overrides = [word for name in errors for word in ("--override", name)]
    directpath("--root", FORCED, "device", "enable", ROOT_DISK, *overrides)


def store_the_forced():
    os.makedirs(STORE, exist_ok=True)
    for name in FILES:
        shutil.copy(f"{FORCED}{STORE}/{name}", f"{STORE}/{name}")
    assert '"passthru"' in harness.read(f"{STORE}/esx.conf")


def keep_or_restore_the_initramfs():
    """Made once of the forced store; the second time the same bytes are put back."""
    kept, current = f"{FORCED}/initrd.img", f"/boot/initrd.img-{os.uname().release}"
    if os.path.exists(kept):
        shutil.copy(kept, current)
    else:
        debian.update_initramfs()
        assert debian.initramfs_has(f"{STORE}/devices.json")
        shutil.copy(current, kept)
    sh("sync")


def the_way_back():
    """The commands of the documentation, as they stand there; its device is this host's."""
    page = harness.read("/tree/docs/ownership.md")
    lines = re.findall(r"^ {6}(\S.*)$", page[page.index("## The way back"):page.index("## From an ESX host")], re.M)
    assert len(lines) == 3 and lines[0].endswith(f"disable {ROOT_DISK}"), lines
    return lines


def assert_came_up_as_usual():
    assert "directpath=off" not in harness.read("/proc/cmdline")
    assert driver(ROOT_DISK) == "ahci" and "vfio-pci" not in debian.drivers(), debian.drivers()
    assert harness.device(ROOT_DISK)["owner"] == "host"


def test_forced_into_the_store():
    debian.install(None, "--no-triggers")  # the initramfs is made below
    force()
    store_the_forced()
    keep_or_restore_the_initramfs()
    assert driver(ROOT_DISK) == "ahci"


def reboot_in_vain_and_then_with_the_word():
    return FAILS + "debian directpath=off"


def test_the_word_lets_the_host_come_up():
    assert debian.boot() == 3, "the boot before this one did not get as far as its job"
    assert driver(ROOT_DISK) == "ahci"
    shown = harness.device(ROOT_DISK)
    assert shown["owner"] == "passthru" and shown["state"] == "reboot-required", shown
    debian.unit("directpath-apply.service")
    assert "DP1114" in debian.journal("-u", "directpath-apply.service")


def test_disabled():
    told = directpath("device", "disable", ROOT_DISK)
    assert "DP2123" in told.ids(), told.err
    debian.update_initramfs()


def reboot_as_usual():
    return "debian"


def test_after_the_word_the_host_comes_up_as_usual():
    assert_came_up_as_usual()
    store_the_forced()
    keep_or_restore_the_initramfs()


def reboot_in_vain_and_then_a_rescue_system():
    return FAILS + "rescue"


def test_disabled_from_a_rescue_system():
    assert debian.boot() == 6, "the boot before this one did not get as far as its job"
    sh("mount", sh("busybox", "findfs", "LABEL=dplab-debian").out.strip(), "/mnt")
    os.makedirs("/root/bin")
    os.symlink(harness.DIRECTPATH, "/root/bin/directpath")
    os.environ["PATH"] = "/root/bin:" + os.environ["PATH"]
    said = ""
    for line in the_way_back():
        said += sh("sh", "-e", "-c", line).err
    assert "DP2123" in said and "chroot /mnt update-initramfs -u -k all" in said, said
    sh("umount", "/mnt/dev", "/mnt/proc", "/mnt/sys", "/mnt")


def reboot_from_its_own_disk():
    return "debian"


def test_after_the_rescue_the_host_comes_up_as_usual():
    assert_came_up_as_usual()


if __name__ == "__main__":
    harness.main(globals())
