# SPDX-License-Identifier: GPL-2.0-or-later
"""A NIC is claimed at boot by its address, before the driver comes that takes its twins; what the boot does with a broken store.

The script of Debian's initramfs runs where its init-top would: before any NIC's driver is loaded.
"""
import os
import shutil

import harness
from harness import directpath, driver
from machine import MANAGEMENT, NIC

TWIN = "0000:00:19.0"
STORE = "/etc/directpath/esx.conf"
KEPT = "/root/esx.conf"
SCRIPT = "/etc/lab-init-top"
LOG = "/run/init-top.log"


def sysfs(address, name):
    return harness.read(f"{harness.PCI}/{address}/{name}").strip()


def write(path, text):
    with open(path, "w", encoding="ascii") as stream:
        stream.write(text)


def power(address):
    """power/control and d3cold_allowed; None for a file that this kernel does not have."""
    return [sysfs(address, name) if os.path.exists(f"{harness.PCI}/{address}/{name}") else None
            for name in ("power/control", "d3cold_allowed")]


def probed_by_its_driver(address):
    log = harness.run("dmesg").out.splitlines()
    return [line for line in log if f"e1000e {address}" in line]


def assert_claimed_first():
    assert driver(NIC) == "vfio-pci" and sysfs(NIC, "driver_override") == "vfio-pci", harness.read(LOG)
    assert not probed_by_its_driver(NIC), probed_by_its_driver(NIC)
    for address in (TWIN, MANAGEMENT):
        assert sysfs(address, "device") == sysfs(NIC, "device")
        assert driver(address) == "e1000e" and sysfs(address, "driver_override") == "(null)", address
        assert probed_by_its_driver(address), address
    applied = directpath("--json", "device", "apply").json
    assert applied["diagnostics"] == [] and not applied["reboot_required"], applied


def test_enable():
    shutil.copy(harness.DIRECTPATH, "/usr/bin/directpath")
    shutil.copy("/tree/build/data/00-directpath", SCRIPT)
    os.chmod(SCRIPT, 0o755)
    assert harness.run(SCRIPT, "prereqs").out == "\n"
    write(f"{harness.PCI}/{NIC}/power/control", "auto")
    before = power(NIC)
    directpath("device", "enable", NIC)
    assert driver(NIC) == "vfio-pci" and power(NIC)[0] == "on" and power(NIC)[1] in (None, "0"), power(NIC)
    directpath("device", "disable", NIC)
    assert driver(NIC) == "e1000e" and power(NIC) == before, (power(NIC), before)
    directpath("device", "enable", NIC)


def reboot_once():
    return None


def test_claimed_before_its_driver():
    assert_claimed_first()
    assert power(NIC)[0] == "on" and power(NIC)[1] in (None, "0"), power(NIC)


def test_removed_and_rescanned():
    write(f"{harness.PCI}/{NIC}/remove", "1")
    assert not os.path.exists(f"{harness.PCI}/{NIC}")
    write("/sys/bus/pci/rescan", "1")
    harness.wait_for("the function", lambda: os.path.exists(f"{harness.PCI}/{NIC}"), 60)
    # The kernel has forgotten, and the driver is there: first the one that is too late, then the one that takes it.
    assert harness.wait_for("a driver", lambda: driver(NIC), 60) == "e1000e"
    directpath("device", "apply", "--early")
    assert driver(NIC) == "e1000e"
    directpath("device", "apply")
    assert driver(NIC) == "vfio-pci" and driver(TWIN) == "e1000e"


def reboot_twice():
    return None


def test_claimed_again():
    assert_claimed_first()


def reboot_by_a_power_failure():
    harness.cut_power()


def test_claimed_after_a_power_failure():
    assert_claimed_first()
    shutil.copy(STORE, KEPT)
    with open(STORE, "wb") as stream:
        stream.write(os.urandom(10 << 20))


def reboot_with_a_broken_store():
    return None


def test_a_broken_store_claims_nothing_and_the_host_boots():
    assert "DP2125" in harness.read(LOG), harness.read(LOG)
    assert driver(NIC) == "e1000e" and driver(TWIN) == "e1000e"
    told = directpath("device", "apply", expect=1)
    assert told.ids() == ["DP2125"], told.err
    assert driver(NIC) == "e1000e"
    shutil.copy(KEPT, STORE)
    directpath("device", "apply")
    assert driver(NIC) == "vfio-pci" and driver(TWIN) == "e1000e"


if __name__ == "__main__":
    harness.main(globals())
