# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest's disk (a bootable VMDK) and CD-ROM, made by an ordinary user without mounting anything."""

import pathlib
import shutil

from . import common, cpio, kernel, modules, rootfs, unpacked

L2 = common.LAB / "l2"
FIRST_SECTOR = 2048
SECTOR = 512


UDEV_PREFIX = "guest-"
# What gives network cards their names.
UDEV_FILES = ("bin/udevadm", "lib/systemd/systemd-udevd", "lib/systemd/network/99-default.link",
        "lib/udev/rules.d/75-net-description.rules", "lib/udev/rules.d/80-net-setup-link.rules")


def resolve_udev():
    """Name, version and download size of the package that the guest's udev is of."""
    return unpacked.describe("udev")


def udev():
    """Folder of that package, unpacked."""
    return unpacked.ensure(UDEV_PREFIX, lambda: [resolve_udev()])


def _copy_udev(root):
    place = udev()
    for name in UDEV_FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(place / name, root / name, follow_symlinks=False)
    rootfs.copy_libraries(place / UDEV_FILES[0], root)


def make_initramfs(place, work):
    root = work / "guest-root"
    rootfs.skeleton(root)
    rootfs.copy_chain("/bin/busybox", root)
    rootfs.copy_binary("/usr/bin/lspci", root)
    rootfs.copy_chain("/usr/share/misc/pci.ids", root)
    _copy_udev(root)
    modules.copy(place, modules.GUEST, root)
    for name in ("init", "selftest", "udhcpc.script"):
        shutil.copy(L2 / name, root / name)
        (root / name).chmod(0o755)
    (root / "etc/acpi/PWRF").mkdir(parents=True)
    handler = root / "etc/acpi/PWRF/00000080"
    handler.write_text("#!/bin/busybox sh\necho '=== power button'\nsync\nexec /bin/busybox poweroff -f\n")
    handler.chmod(0o755)
    cpio.pack(root, work / "guest-initrd")
    shutil.rmtree(root)
    return work / "guest-initrd"


def _partition_table(sectors):
    """A DOS table with one active FAT16 partition (type 0x0e) from FIRST_SECTOR on."""
    entry = bytes([0x80, 0xFE, 0xFF, 0xFF, 0x0E, 0xFE, 0xFF, 0xFF])
    entry += FIRST_SECTOR.to_bytes(4, "little") + (sectors - FIRST_SECTOR).to_bytes(4, "little")
    return entry + b"\0" * 48 + b"\x55\xaa"


def _boot_code():
    for path in ("/usr/lib/SYSLINUX/mbr.bin", "/usr/lib/syslinux/mbr/mbr.bin"):
        if pathlib.Path(path).exists():
            return pathlib.Path(path).read_bytes()[:440]
    raise common.LabError("syslinux has no mbr.bin here; the lab's packages are in lab/packages")


def make_disk(place, work, target):
    """The guest's disk as monolithic sparse VMDK: boot code, one FAT partition, syslinux, kernel, initramfs."""
    vmlinuz, initrd = kernel.vmlinuz(place), make_initramfs(place, work)
    raw = work / "guest.raw"
    used = vmlinuz.stat().st_size + initrd.stat().st_size
    sectors = FIRST_SECTOR + (used // SECTOR * 110 // 100 + 8192) // 2048 * 2048 + 2048
    raw.write_bytes(_boot_code().ljust(446, b"\0") + _partition_table(sectors))
    with open(raw, "r+b") as file:
        file.truncate(sectors * SECTOR)
    partition = f"{raw}@@{FIRST_SECTOR * SECTOR}"
    common.call("mformat", "-i", partition, "-T", sectors - FIRST_SECTOR, "-H", FIRST_SECTOR, "-h", 255, "-s", 63, "::")
    common.call("syslinux", "--install", "--offset", FIRST_SECTOR * SECTOR, raw)
    common.call("mcopy", "-i", partition, L2 / "syslinux.cfg", "::syslinux.cfg")
    common.call("mcopy", "-i", partition, vmlinuz, "::vmlinuz")
    common.call("mcopy", "-i", partition, initrd, "::initrd")
    common.call("qemu-img", "convert", "-O", "vmdk", "-o", "subformat=monolithicSparse", raw, target)
    raw.unlink()
    initrd.unlink()


def make_cdrom(work, target):
    folder = work / "cd"
    folder.mkdir()
    shutil.copy(L2 / "readme.txt", folder)
    common.call("xorriso", "-as", "mkisofs", "-quiet", "-V", "DIRECTPATH", "-R", "-J", "-o", target, folder)
    shutil.rmtree(folder)
