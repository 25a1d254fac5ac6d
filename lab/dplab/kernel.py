# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab's kernel: Debian's signed image, downloaded and unpacked, never installed."""

import lzma
import re
import shutil

from . import common, unpacked

META = "linux-image-amd64"
PREFIX = "kernel-"
# What no emulated machine has: nearly half of the unpacked size.
UNUSED = ("drivers/gpu", "drivers/media", "drivers/net/wireless", "drivers/infiniband", "drivers/iio", "drivers/staging",
          "drivers/isdn", "drivers/comedi", "sound", "net/wireless", "net/mac80211", "net/bluetooth")


def resolve():
    """Name of the image package that the meta package depends on today, its version and its download size."""
    depends = common.call("apt-cache", "depends", META)
    match = re.search(r"Depends: (linux-image-[0-9][0-9a-z.+-]*-amd64)$", depends, re.M)
    if not match:
        raise common.LabError(f"apt knows no kernel behind {META}: run apt-get update")
    return unpacked.describe(match.group(1))


def cached():
    """A kernel unpacked earlier, or None."""
    return unpacked.cached(PREFIX)


def ensure():
    """Folder of the unpacked kernel; downloads it at the first call."""
    return unpacked.ensure(PREFIX, lambda: [resolve()], _trim)


def _trim(root):
    shutil.rmtree(root / "usr", ignore_errors=True)
    for folder in UNUSED:
        for path in (root / "lib/modules").glob(f"*/kernel/{folder}"):
            shutil.rmtree(path)


def vmlinuz(place):
    (path,) = (place / "boot").glob("vmlinuz-*")
    return path


def release(place):
    return vmlinuz(place).name.removeprefix("vmlinuz-")


def make_vmlinux(place, target):
    """The kernel as ELF file, which QEMU starts directly: unpacking it under emulation would take seconds. The
    boot protocol's header says where in the file the payload is."""
    data = vmlinuz(place).read_bytes()
    payload = (data[0x1F1] + 1) * 512 + int.from_bytes(data[0x248:0x24C], "little")
    length = int.from_bytes(data[0x24C:0x250], "little")
    elf = lzma.LZMADecompressor().decompress(data[payload:payload + length])
    if elf[:4] != b"\x7fELF":
        raise common.LabError(f"{vmlinuz(place)} holds no ELF kernel packed with XZ")
    target.write_bytes(elf)
