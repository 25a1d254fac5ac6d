#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""EFI guests on this machine, without devices and under TCG: firmware starts a disk, with secure boot and without.

    efi.py --directpath PROGRAM      TAP; needs root, as powering on does
"""
import argparse
import hashlib
import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time

TREE = pathlib.Path(__file__).resolve().parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(TREE / "lab"))
from dplab import common, efi, guest, kernel  # noqa: E402

# Each boot is 40 s on an idle machine of two processors; a busy one takes a multiple.
BOOT_S = 900
ISOLATED = "DIRECTPATH_TEST_ISOLATED"
PORTS = "".join(f'pciBridge{n}.present = "TRUE"\npciBridge{n}.virtualDev = "pcieRootPort"\npciBridge{n}.functions = "8"\n'
                for n in (4, 5))
VMX = """config.version = "8"
virtualHW.version = "13"
guestOS = "{guest}"
memsize = "512"
firmware = "efi"
uefi.secureBoot.enabled = "{secure}"
nvram = "vm.nvram"
scsi0.present = "TRUE"
scsi0.virtualDev = "pvscsi"
scsi0.pciSlotNumber = "160"
scsi0:0.present = "TRUE"
scsi0:0.fileName = "{disk}"
ethernet0.present = "TRUE"
ethernet0.virtualDev = "e1000e"
ethernet0.startConnected = "FALSE"
ethernet0.addressType = "static"
ethernet0.address = "00:50:56:01:02:03"
ethernet0.pciSlotNumber = "192"
ethernet1.present = "TRUE"
ethernet1.virtualDev = "e1000"
ethernet1.startConnected = "FALSE"
ethernet1.addressType = "static"
ethernet1.address = "00:50:56:01:02:04"
ethernet1.pciSlotNumber = "33"
pciBridge0.present = "TRUE"
""" + PORTS + """serial0.present = "TRUE"
serial0.fileType = "file"
serial0.fileName = "serial0.txt"
"""
NVRAM = b"MRVN" + bytes(range(256)) * 34


class Vm:
    """One VM in a folder of its own."""

    def __init__(self, program, folder, disk, secure, guest_os):
        self.program, self.folder, self.vmx = program, folder, folder / "vm.vmx"
        folder.mkdir(exist_ok=True)
        self.vmx.write_text(VMX.format(guest=guest_os, secure="TRUE" if secure else "FALSE", disk=disk.name))
        if not (folder / disk.name).exists():
            shutil.copy(disk, folder)
            (folder / "vm.nvram").write_bytes(NVRAM)
        self.vars = folder / ("vm.ovmf-vars-secure.fd" if secure else "vm.ovmf-vars.fd")
        self.serial = folder / "serial0.txt"
        self.serial.unlink(missing_ok=True)

    def run(self, *words, status=0):
        done = subprocess.run([self.program, "--json", "vm", *words, str(self.vmx)], capture_output=True, text=True,
                              timeout=300)
        assert done.returncode == status, f"vm {' '.join(words)}: {done.returncode}: {done.stdout[-2000:]} {done.stderr}"
        return json.loads(done.stdout)

    def boot(self, until):
        """What the serial port said when UNTIL came."""
        self.run("power-on", "--accel", "tcg")
        try:
            deadline = time.monotonic() + BOOT_S
            while time.monotonic() < deadline:
                text = self.serial.read_text(errors="replace")
                if until in text:
                    return text
                time.sleep(0.5)
            raise AssertionError(f"no {until!r} on the serial port: {text[-2000:]!r}")
        finally:
            self.run("power-off")


def task(text, name):
    found = re.search(rf"^=== {name} begin\r?\n(.*?)^=== {name} end 0\r?$", text, re.M | re.S)
    assert found, f"no task {name} in {text[-3000:]!r}"
    return found.group(1).replace("\r", "").splitlines()


def ids(report):
    return [diag["id"] for diag in report["diagnostics"]]


def check_places(text):
    """Slots and buses are those of BIOS firmware: ens192, enp2s1."""
    slots = task(text, "slots")
    assert "160 0000:03:00" in slots and "192 0000:0b:00" in slots, slots
    lines = task(text, "lspci")
    for start in ("02:01.0 Ethernet controller", "03:00.0 ", "0b:00.0 Ethernet controller"):
        assert any(line.startswith(start) for line in lines), (start, lines)
    assert sorted(line.split()[0] for line in task(text, "names")) == ["enp2s1", "ens192"], task(text, "names")


class Tests:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        initrd = guest.make_initramfs(kernel.ensure(), folder)
        place = efi.loaders()
        tasks = ("efi", "slots", "names", "lspci")
        self.direct, self.signed = folder / "direct.vmdk", folder / "signed.vmdk"
        # GRUB of Debian bears Debian's signature, of which only shim knows; shim bears Microsoft's.
        efi.make_disk(folder, initrd, self.direct, {"BOOTX64.EFI": place / efi.GRUB}, tasks)
        efi.make_disk(folder, initrd, self.signed, {"BOOTX64.EFI": place / efi.SHIM, "grubx64.efi": place / efi.GRUB},
                      tasks)

    def plain(self, secure=False):
        return Vm(self.program, self.folder / "plain", self.direct, secure, "debian12-64")

    def test_guest_starts(self):
        vm = self.plain()
        report = vm.run("validate", "--accel", "tcg")
        assert report["valid"] and "DP3181" in ids(report), report["diagnostics"]
        text = vm.boot("=== guest done")
        assert not re.search("secureboot: .*enabled", "\n".join(task(text, "efi"))), task(text, "efi")
        assert "disk sda 0000:03:00.0" in task(text, "efi"), task(text, "efi")
        check_places(text)

    def test_variables_are_kept(self):
        vm = self.plain()
        status = vm.vars.stat()
        assert status.st_size == 540672 and stat.S_IMODE(status.st_mode) == 0o600, status
        assert "DP3181" not in ids(vm.run("validate", "--accel", "tcg"))
        before = hashlib.sha256(vm.vars.read_bytes()).digest()
        template = pathlib.Path("/usr/share/OVMF/OVMF_VARS_4M.fd").read_bytes()
        assert before != hashlib.sha256(template).digest(), "firmware wrote nothing into its variables"
        vm.boot("BdsDxe: starting Boot")
        assert (vm.folder / "vm.nvram").read_bytes() == NVRAM

    def test_secure_boot_refuses(self):
        vm = self.plain(secure=True)
        text = vm.boot("Access Denied")
        assert "GRUB" not in text and "=== guest" not in text, text
        assert (vm.folder / "vm.ovmf-vars.fd").exists() and vm.vars.exists()
        assert (vm.folder / "vm.nvram").read_bytes() == NVRAM

    def test_secure_boot_starts(self):
        vm = Vm(self.program, self.folder / "signed", self.signed, True, "windows9-64")
        text = vm.boot("=== guest done")
        assert "secureboot: Secure boot enabled" in task(text, "efi"), task(text, "efi")
        assert "disk sda 0000:03:00.0" in task(text, "efi"), task(text, "efi")
        check_places(text)

    def test_variables_of_another_kind(self):
        vm = self.plain()
        vm.vars.write_bytes(b"something else" * 40000)
        report = vm.run("power-on", "--accel", "tcg", status=1)
        assert "DP3182" in ids(report), report["diagnostics"]
        assert vm.vars.read_bytes() == b"something else" * 40000


def isolate():
    """State of VMs, and the list of known ones, in folders that only this test and its VMs see."""
    if os.environ.get(ISOLATED) or subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
        return
    mounts = "".join(f"mkdir -p {folder} && mount -t tmpfs -o mode=0755 tmpfs {folder} && "
                     for folder in ("/run/directpath", "/var/lib/directpath"))
    os.environ[ISOLATED] = "1"
    os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", "sh", "-c", mounts + 'exec "$@"', "sh",
                          sys.executable, *sys.argv])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--directpath", required=True)
    options = parser.parse_args()
    options.directpath = os.path.abspath(options.directpath)
    if os.geteuid() != 0:
        os.execvp("sudo", ["sudo", "-n", "--preserve-env=DIRECTPATH_CACHE", sys.executable, *sys.argv])
    isolate()
    names = [name for name in vars(Tests) if name.startswith("test_")]
    print(f"1..{len(names)}", flush=True)
    failed = False
    with tempfile.TemporaryDirectory(prefix="directpath-efi-") as folder:
        tests = Tests(options.directpath, pathlib.Path(folder))
        for number, name in enumerate(names, 1):
            words, began = name.removeprefix("test_").replace("_", " "), time.monotonic()
            try:
                getattr(tests, name)()
                print(f"ok {number} - {words}", flush=True)
            except (AssertionError, OSError, common.LabError, subprocess.TimeoutExpired) as error:
                failed = True
                print("#", str(error).replace("\n", "\n# "))
                print(f"not ok {number} - {words}", flush=True)
            print(f"# {time.monotonic() - began:.0f} s", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
