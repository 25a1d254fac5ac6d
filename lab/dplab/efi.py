# SPDX-License-Identifier: GPL-2.0-or-later
"""A disk that EFI firmware starts: an EFI system partition with Debian's signed loaders, the lab's kernel, its guest."""

import pathlib
import re
import shutil
import tempfile

from . import common, kernel

# Downloaded and unpacked, never installed: their scripts would write to this machine's own EFI system partition.
PACKAGES = ("shim-signed", "grub-efi-amd64-signed")
SHIM = "usr/lib/shim/shimx64.efi.signed"
GRUB = "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed"
FIRST_SECTOR = 2048
SECTOR = 512
MENU = """linux /vmlinuz console=ttyS0 quiet panic=-1 mitigations=off nokaslr pci=noaer pcie_ports=native \
8250.nr_uarts=1 dplab.tasks={tasks}
initrd /initrd
boot
"""


def _versions():
    shown = (common.call("apt-cache", "show", "--no-all-versions", name) for name in PACKAGES)
    return [re.search(r"^Version: (\S+)$", text, re.M).group(1).replace(":", "%3a") for text in shown]


def loaders():
    """Folder of the unpacked loaders; downloads them at the first call."""
    try:
        place = common.cache_dir() / "-".join(["efi-loaders", *_versions()])
    except common.LabError:
        found = sorted(common.cache_dir().glob("efi-loaders-*"), key=lambda path: path.stat().st_mtime)
        if not found:
            raise
        return found[-1]
    if place.is_dir():
        return place
    common.note(f"downloading {' and '.join(PACKAGES)}")
    temporary = pathlib.Path(tempfile.mkdtemp(prefix="download-", dir=common.cache_dir()))
    try:
        common.call("apt-get", "download", "-o", "APT::Sandbox::User=root", *PACKAGES, cwd=temporary, timeout_s=900)
        for package in temporary.glob("*.deb"):
            common.call("dpkg-deb", "-x", package, temporary / "root")
        if not place.is_dir():
            (temporary / "root").rename(place)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return place


def _partition_table(sectors):
    """A DOS table with one EFI system partition (type 0xef) from FIRST_SECTOR on."""
    entry = bytes([0x00, 0xFE, 0xFF, 0xFF, 0xEF, 0xFE, 0xFF, 0xFF])
    entry += FIRST_SECTOR.to_bytes(4, "little") + (sectors - FIRST_SECTOR).to_bytes(4, "little")
    return b"\0" * 446 + entry + b"\0" * 48 + b"\x55\xaa"


def make_disk(work, initrd, target, programs, tasks):
    """TARGET, a monolithic sparse VMDK. PROGRAMS: what the firmware and shim find in EFI/BOOT, by name. INITRD: made by
    guest.make_initramfs."""
    vmlinuz = kernel.vmlinuz(kernel.ensure())
    used = vmlinuz.stat().st_size + initrd.stat().st_size + sum(path.stat().st_size for path in programs.values())
    sectors = FIRST_SECTOR + (used // SECTOR * 110 // 100 + 16384) // 2048 * 2048
    raw, menu = work / "efi.raw", work / "grub.cfg"
    raw.write_bytes(_partition_table(sectors))
    with open(raw, "r+b") as file:
        file.truncate(sectors * SECTOR)
    menu.write_text(MENU.format(tasks=",".join(tasks)))
    partition = f"{raw}@@{FIRST_SECTOR * SECTOR}"
    common.call("mformat", "-i", partition, "-c", 16, "-T", sectors - FIRST_SECTOR, "-H", FIRST_SECTOR, "-h", 255, "-s", 63,
                "::")
    common.call("mmd", "-i", partition, "::EFI", "::EFI/BOOT", "::EFI/debian")
    for source, name in [(menu, "EFI/debian/grub.cfg"), (vmlinuz, "vmlinuz"), (initrd, "initrd"),
                         *((path, f"EFI/BOOT/{name}") for name, path in programs.items())]:
        common.call("mcopy", "-i", partition, source, f"::{name}")
    common.call("qemu-img", "convert", "-O", "vmdk", "-o", "subformat=monolithicSparse", raw, target)
    raw.unlink()
