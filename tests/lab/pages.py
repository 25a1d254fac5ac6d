# SPDX-License-Identifier: GPL-2.0-or-later
"""The commands in the documentation on topology `host`, each page one session, each line as it stands there: read from the page
by tests/golden/pages.py."""
import os
import shutil
import sys
import tarfile

import harness
import machine
from harness import directpath, driver, run
from machine import DISK, FOLDER, NIC, VMX

sys.path.insert(0, "/tree/tests/golden")
import pages  # noqa: E402

HOME = "/vmfs/volumes/store/web"
WEB = f"{HOME}/web.vmx"
SERIAL = f"{HOME}/serial0.txt"
DONE = set()


def put(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)
    os.chmod(path, mode)


def before(command):
    """What a person sees to: a guest hears the power button once it is up."""
    if " vm power-on /" in command and os.path.exists(SERIAL):
        os.unlink(SERIAL)
    if " vm shut-down " in command:
        machine.wait_for_guest(r"^=== guest done", path=SERIAL)


def session(page):
    """Every command of @page, in order."""
    steps = list(pages.commands(page))
    assert steps, page
    DONE.add(page)
    for command, wanted in steps:
        before(command)
        done = run("sh", "-c", command, timeout=600, cwd="/root")
        assert wanted is None or done.status == wanted, f"{command}: {done.status}, not {wanted}\n{done.out}\n{done.err}"


def test_the_host_of_the_pages():
    """The program and sudo by name, the VM, and the files that came from the ESX host."""
    put("/usr/local/bin/sudo", '#!/bin/sh\nexec "$@"\n', 0o755)
    os.symlink(harness.DIRECTPATH, "/usr/local/bin/directpath")
    os.environ["PATH"] = "/usr/local/bin:" + os.environ["PATH"]
    put(WEB, harness.read(VMX).replace('"RHEL3"', '"web"').replace(FOLDER, HOME))
    for name in ("passthru.vmdk", "guest.iso"):
        shutil.copyfile(f"{FOLDER}/{name}", f"{HOME}/{name}")
    put("/root/esx/esx.conf", pages.ESX_CONF)
    put("/root/esx/passthru.map", pages.ESX_MAP)
    assert run("directpath", "--version").status == 0


def test_devices():
    session("docs/devices.md")
    assert (driver(NIC), driver(DISK)) == ("e1000e", "nvme")


def test_from_esx():
    session("docs/from-esx.md")
    assert (driver(NIC), driver(DISK)) == ("e1000e", "nvme")


def test_a_backup_is_the_same_host():
    """What from-esx.md backs up, on a root without it, and `device apply`: the same devices."""
    directpath("device", "enable", NIC, DISK)
    before = directpath("--json", "device", "list", "--all").json["devices"]
    backup = [command for command, _ in pages.commands("docs/from-esx.md") if "directpath.tar" in command]
    assert len(backup) == 1, backup
    assert run("sh", "-c", backup[0]).status == 0
    directpath("device", "apply", "--release")
    assert (driver(NIC), driver(DISK)) == ("e1000e", "nvme")
    os.rename("/etc/directpath", "/etc/directpath.gone")
    fresh = directpath("--json", "device", "list", "--all").json["devices"]
    assert fresh != before and not [entry for entry in fresh if entry["owner"] == "passthru"]
    assert run("tar", "-C", "/", "-xf", "/root/directpath.tar").status == 0
    directpath("device", "apply")
    assert directpath("--json", "device", "list", "--all").json["devices"] == before
    directpath("device", "disable", NIC, DISK)


def test_readme():
    session("README.md")


def test_the_man_page():
    session("docs/directpath.1")


def test_pages_about_devices_that_are_enabled():
    directpath("device", "enable", NIC, DISK)
    for page in ("docs/troubleshooting.md", "docs/security.md", "docs/directpath-formats.5"):
        session(page)
    directpath("device", "disable", NIC, DISK)


def test_the_bundle_of_the_running_host():
    """Written by a command of troubleshooting.md: with what the kernel said, and the VM's log."""
    with tarfile.open("/root/support.tar") as archive:
        kernel = archive.extractfile("support/kernel.log").read().decode()
        logs = [name for name in archive.getnames() if name.endswith("/directpath.log")]
        text = archive.extractfile(logs[0]).read().decode()
    assert "DMAR" in kernel and "Command line" not in kernel, kernel[:2000]
    assert logs and "reset" in text and WEB not in text, text[:2000]


def test_no_page_was_left_out():
    assert DONE == {page for page in pages.PAGES if list(pages.commands(page))}, DONE


if __name__ == "__main__":
    harness.main(globals())
