# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab's kernel: Debian's signed image, downloaded and unpacked, never installed."""

import lzma
import pathlib
import re
import shutil
import tempfile

from . import common

META = "linux-image-amd64"
# What no emulated machine has: nearly half of the unpacked size.
UNUSED = ("drivers/gpu", "drivers/media", "drivers/net/wireless", "drivers/infiniband", "drivers/iio", "drivers/staging",
          "drivers/isdn", "drivers/comedi", "sound", "net/wireless", "net/mac80211", "net/bluetooth")


def resolve():
    """Name of the image package that the meta package depends on today, its version and its download size."""
    depends = common.call("apt-cache", "depends", META)
    match = re.search(r"Depends: (linux-image-[0-9][0-9a-z.+-]*-amd64)$", depends, re.M)
    if not match:
        raise common.LabError(f"apt knows no kernel behind {META}: run apt-get update")
    name = match.group(1)
    show = common.call("apt-cache", "show", "--no-all-versions", name)
    version = re.search(r"^Version: (\S+)$", show, re.M).group(1)
    size = int(re.search(r"^Size: (\d+)$", show, re.M).group(1))
    return name, version, size


def cached():
    """A kernel unpacked earlier, for a machine whose package lists are gone."""
    places = sorted(common.cache_dir().glob("kernel-linux-image-*"), key=lambda p: p.stat().st_mtime)
    return places[-1] if places else None


def ensure():
    """Folder of the unpacked kernel; downloads it at the first call."""
    try:
        name, version, _ = resolve()
    except common.LabError:
        place = cached()
        if place:
            common.note(f"apt cannot name the current kernel; using {place.name}")
            return place
        raise
    place = common.cache_dir() / f"kernel-{name}_{version.replace(':', '%3a')}"
    if place.is_dir():
        return place
    common.note(f"downloading {name} {version}")
    temporary = pathlib.Path(tempfile.mkdtemp(prefix="download-", dir=common.cache_dir()))
    try:
        _unpack(name, temporary, place)
        for old in common.cache_dir().glob("kernel-linux-image-*"):
            if old != place:
                shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return place


def _unpack(name, temporary, place):
    common.call("apt-get", "download", "-o", "APT::Sandbox::User=root", name, cwd=temporary, timeout_s=900)
    (package,) = temporary.glob("*.deb")
    common.call("dpkg-deb", "-x", package, temporary / "root")
    package.unlink()
    shutil.rmtree(temporary / "root/usr", ignore_errors=True)
    for folder in UNUSED:
        for path in (temporary / "root/lib/modules").glob(f"*/kernel/{folder}"):
            shutil.rmtree(path)
    (temporary / "root").rename(place)


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
