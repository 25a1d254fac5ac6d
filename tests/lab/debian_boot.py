# SPDX-License-Identifier: GPL-2.0-or-later
"""At boots of a Debian host with its own initramfs, udev and systemd, a NIC is claimed by its address before the driver
comes that takes its twins; it stays claimed over remove and rescan; and a store that is broken stops no boot."""
import os
import shutil

import debian_host as debian
import harness
from debian_host import STORE, journal
from harness import directpath, driver
from machine import MANAGEMENT, NIC

TWIN = "0000:00:19.0"
KEPT = "/root/esx.conf"
UNITS = ("directpath-early.service", "directpath-apply.service")


def sysfs(address, name):
    return harness.read(f"{harness.PCI}/{address}/{name}").strip()


def said_by_its_driver(address):
    return [line for line in harness.run("dmesg").out.splitlines() if f"e1000e {address}" in line]


def assert_claimed_first(by_owners_of_now=True):
    """@by_owners_of_now: the initramfs has the store as it is, so that the early unit has nothing left to do."""
    early, apply = UNITS
    assert debian.unit(apply) == debian.DONE, (debian.unit(apply), journal("-u", apply))
    assert driver(NIC) == "vfio-pci" and sysfs(NIC, "driver_override") == "vfio-pci", journal("-u", "directpath*")
    assert not said_by_its_driver(NIC), said_by_its_driver(NIC)
    for address in (TWIN, MANAGEMENT):
        assert sysfs(address, "device") == sysfs(NIC, "device")
        assert driver(address) == "e1000e" and sysfs(address, "driver_override") == "(null)", address
        assert said_by_its_driver(address), address
    assert os.path.exists(debian.CLAIMED) == by_owners_of_now
    if by_owners_of_now:
        assert debian.unit(early)["ActiveState"] == "inactive", journal("-u", early)
    else:
        assert debian.unit(early) == debian.DONE, (debian.unit(early), journal("-u", early))
    assert harness.device(NIC)["state"] == "active", harness.device(NIC)


def assert_nothing_claimed():
    """Once both units are through."""
    for name in UNITS:
        debian.unit(name)
    assert driver(NIC) == "e1000e" and driver(TWIN) == "e1000e", debian.drivers()
    assert said_by_its_driver(NIC)
    assert "vfio-pci" not in debian.drivers()


def test_installed_by_its_package_nothing_moves():
    before = debian.drivers()
    debian.install()
    assert debian.drivers() == before and driver(NIC) == "e1000e"
    for name in UNITS:
        assert harness.run("systemctl", "is-enabled", name).out == "enabled\n", name
        assert debian.unit(name)["ActiveState"] == "inactive", name
    assert debian.initramfs_has("/scripts/init-top/00-directpath")
    assert not debian.initramfs_has("/usr/bin/directpath")


def test_enabled():
    told = directpath("device", "enable", NIC)
    assert "DP2123" in told.ids() and "update-initramfs -u -k all" in told.err, told.err
    assert driver(NIC) == "vfio-pci"
    debian.update_initramfs()
    assert debian.initramfs_has("/usr/bin/directpath")


def reboot_once():
    return None


def test_claimed_before_its_driver():
    assert_claimed_first()


def test_removed_and_found_again_it_stays_claimed():
    debian.write(f"{harness.PCI}/{NIC}/remove", "1")
    assert not os.path.exists(f"{harness.PCI}/{NIC}")
    debian.write("/sys/bus/pci/rescan", "1")
    harness.wait_for("the rule and the unit", lambda: driver(NIC) == "vfio-pci", debian.PATIENCE_S)
    harness.wait_for("the state", lambda: harness.device(NIC)["state"] == "active", debian.PATIENCE_S)
    assert driver(TWIN) == "e1000e" and driver(MANAGEMENT) == "e1000e"


def reboot_with_a_store_that_is_newer_than_the_initramfs():
    debian.write(STORE, harness.read(STORE) + '/adv/Newer = "1"\n')


def test_claimed_before_its_driver_a_second_time():
    assert_claimed_first(by_owners_of_now=False)


def reboot_by_a_power_failure():
    debian.write(STORE, harness.read(STORE).replace('/adv/Newer = "1"\n', ""))
    harness.run("sync")
    harness.cut_power()


def test_claimed_before_its_driver_after_a_power_failure():
    assert_claimed_first()


def test_a_store_of_random_bytes_goes_into_no_initramfs():
    shutil.copy(STORE, KEPT)
    debian.write(STORE, os.urandom(65536))
    debian.update_initramfs()
    assert not debian.initramfs_has("/usr/bin/directpath")


def reboot_with_random_bytes():
    return None


def test_with_random_bytes_the_host_boots_and_says_so():
    assert_nothing_claimed()
    assert debian.unit("directpath-apply.service")["Result"] == "exit-code"
    for name in UNITS:
        assert "DP2125" in journal("-u", name), journal("-u", name)
    debian.write(STORE, b"")


def reboot_with_an_empty_store():
    return None


def test_with_an_empty_store_the_host_boots():
    assert_nothing_claimed()
    for name in UNITS:
        assert debian.unit(name) == debian.DONE, (debian.unit(name), journal("-u", name))
    debian.write(STORE, b'/device/000:02:00.0/owner = "passthru"\n' * (10 << 20 >> 5))
    assert os.path.getsize(STORE) > 10 << 20


def reboot_with_ten_megabytes():
    return None


def test_with_ten_megabytes_the_host_boots_and_says_so():
    assert_nothing_claimed()
    for name in UNITS:
        assert "DP2125" in journal("-u", name), journal("-u", name)
    shutil.copy(KEPT, STORE)
    directpath("device", "apply")
    assert driver(NIC) == "vfio-pci" and driver(TWIN) == "e1000e"


if __name__ == "__main__":
    harness.main(globals())
