# SPDX-License-Identifier: GPL-2.0-or-later
"""The emulated host's root: files of this machine's own Debian packages, and an ext4 image of them."""

import fnmatch
import os
import pathlib
import re
import shutil
import subprocess

from . import common

ALL = ["*"]

# Package -> which of its files (patterns on the path) the host gets.
PACKAGES = {
    "base-files": ["/etc/debian_version", "/usr/lib/os-release", "/etc/os-release"],
    "bash": ALL,
    "dash": ALL,
    "busybox-static": ALL,
    "coreutils": ALL,
    "findutils": ALL,
    "grep": ALL,
    "sed": ALL,
    "mawk": ALL,
    "diffutils": ALL,
    "tar": ["*/bin/*"],
    "gzip": ["*/bin/*"],
    "dpkg": ["*/bin/dpkg*", "*/sbin/start-stop-daemon", "/usr/share/dpkg/*"],
    "procps": ALL,
    "util-linux": ["*/bin/*", "*/sbin/*"],
    "mount": ["*/bin/*"],
    "libc-bin": ["*/bin/getent", "*/sbin/ldconfig", "/etc/*", "*/C.utf8/*"],
    "kmod": ALL,
    "lvm2": ["*/sbin/lvm"],
    "pciutils": ["*/bin/*"],
    "pci.ids": ALL,
    "iproute2": ["*/bin/*", "*/sbin/*", "/etc/*"],
    "strace": ["*/bin/strace"],
    "qemu-system-x86": ["*/bin/qemu-system-x86_64"],
    "qemu-system-common": ["*/qemu/accel-tcg-x86_64.so"],
    "qemu-system-data": ["*/keymaps/en-us", "*/kvmvapic.bin", "*/linuxboot*.bin", "*/multiboot*.bin", "*/pvh.bin"],
    "qemu-utils": ["*/bin/qemu-img", "*/bin/qemu-io"],
    "seabios": ["*/bios-256k.bin", "*/bios.bin", "*/vgabios*"],
    "libpci3": ALL,
    "libglib2.0-0": ALL,
    "libjansson4": ALL,
    "python3-minimal": ["*/bin/python3"],
    "python3.11-minimal": ["*/bin/*"],
    "libpython3.11-minimal": ALL,
    "libpython3.11-stdlib": ALL,
}
# What a VM needs of them.
ENGINE = ["qemu-system-x86", "qemu-system-common", "qemu-system-data", "qemu-utils", "seabios"]
OPTIONAL = {"libasan8": ALL, "libubsan1": ALL, "libudev1": ALL, "diffutils": ALL, "libc-bin": ALL}
NEVER = ["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*", "/usr/share/lintian/*",
         "/usr/share/bash-completion/*", "/usr/share/bug/*", "/usr/share/python3*", "*/pydoc_data/*",
         "*/libbrlapi*", "/usr/share/gtk-doc/*", "/usr/share/systemd/*", "/lib/systemd/*", "/etc/init.d/*", "/etc/apparmor*"]
MERGED = ("bin", "sbin", "lib", "lib64")


def _match(path, patterns):
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def listed(package):
    """Files and links of an installed package, at the places where they really are."""
    done = subprocess.run(["dpkg", "-L", package], capture_output=True, text=True, check=False)
    if done.returncode:
        raise common.LabError(f"the package {package} is not installed; the lab's packages are in lab/packages")
    for path in done.stdout.splitlines():
        where = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
        if not path.startswith("/") or _match(path, NEVER) or _match(where, NEVER):
            continue
        if os.path.islink(where) or os.path.isfile(where):
            yield where


def _copy(path, root):
    target = pathlib.Path(str(root) + path)
    if target.exists() or target.is_symlink() or not os.access(path, os.R_OK):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(path, target, follow_symlinks=False)
    cache = pathlib.Path(path).parent / "__pycache__"
    if path.endswith(".py") and cache.is_dir():
        for compiled in cache.glob(pathlib.Path(path).stem + ".cpython-*.pyc"):
            _copy(str(compiled), root)


def _needed(root, paths):
    """Shared libraries that the ELF files among PATHS need, by the dynamic linker's own word."""
    elf = []
    for path in paths:
        with open(path, "rb") as file:
            if file.read(4) == b"\x7fELF":
                elf.append(path)
    done = subprocess.run(["ldd", *elf], capture_output=True, text=True, check=False)
    missing = re.findall(r"^\s+(\S+) => not found", done.stdout, re.M)
    if missing:
        raise common.LabError(f"libraries that are not installed: {', '.join(sorted(set(missing)))}; the lab's packages are in lab/packages")
    found = set(re.findall(r"^\s+(?:\S+ => )?(/\S+) \(0x", done.stdout, re.M))
    return sorted(found)


def copy_libraries(path, root):
    """Copy the libraries that the program PATH needs; they are this machine's."""
    for needed in _needed(root, [path]):
        copy_chain(needed, root)


def copy_binary(path, root):
    """Copy one program with the libraries it needs."""
    copy_chain(path, root)
    copy_libraries(path, root)


def copy_chain(path, root):
    """Copy a file and, when its name is a link, the links on the way to it."""
    where = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    _copy(where, root)
    if os.path.islink(where):
        copy_chain(os.path.join(os.path.dirname(where), os.readlink(where)), root)


def skeleton(root):
    """The folders and merged-/usr links that Debian has."""
    for name in MERGED:
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(f"usr/{name}")
    for name in "dev proc sys run tmp root home mnt out tree etc var/lib var/tmp var/log".split():
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "var/run").symlink_to("/run")


def busybox_links(root):
    """Applets under their own names where no real program is."""
    for applet in common.call("busybox", "--list").split():
        if not any((root / "usr" / folder / applet).exists() for folder in ("bin", "sbin")):
            (root / "usr/bin" / applet).symlink_to("busybox")


def copy_packages(root, names):
    """Copy what PACKAGES and OPTIONAL say of the packages NAMES, with the libraries it needs, where the folder ROOT lacks it."""
    taken = []
    for package in names:
        patterns = PACKAGES.get(package) or OPTIONAL[package]
        try:
            paths = [path for path in listed(package) if _match(path, patterns)]
        except common.LabError:
            if package in OPTIONAL:
                continue
            raise
        for path in paths:
            _copy(path, root)
        taken += [path for path in paths if not os.path.islink(path)]
    for library in _needed(root, taken):
        copy_chain(library, root)


def stage(root):
    """Copy everything of the packages and what it needs into the folder ROOT."""
    skeleton(root)
    copy_packages(root, dict.fromkeys([*PACKAGES, *OPTIONAL]))
    copy_chain("/lib64/ld-linux-x86-64.so.2", root)
    if not (root / "usr/bin/awk").exists():
        (root / "usr/bin/awk").symlink_to("mawk")
    busybox_links(root)


def _own_by_root(image, root, offset):
    """What an ordinary user staged belongs to that user; in the image it belongs to root."""
    script = []
    for folder, names, files in os.walk(root):
        for name in names + files:
            inside = "/" + os.path.relpath(os.path.join(folder, name), root)
            script += [f'sif "{inside}" uid 0', f'sif "{inside}" gid 0']
    common.call("debugfs", "-w", "-f", "-", f"{image}?offset={offset}", stdin="\n".join(script) + "\n")


def make_ext4(root, image, offset, free_mib=384, label="dplab-root"):
    """An ext4 file system of the folder ROOT, at OFFSET of the sparse file IMAGE, without mounting anything; its size."""
    used_kib = int(common.call("du", "-sk", root).split()[0])
    size_kib = used_kib * 115 // 100 + free_mib * 1024
    common.call("mke2fs", "-q", "-t", "ext4", "-F", "-L", label, "-m", "0", "-E", f"root_owner=0:0,nodiscard,offset={offset}",
                "-d", root, image, f"{size_kib}k")
    if os.geteuid():
        _own_by_root(image, root, offset)
    return size_kib << 10
