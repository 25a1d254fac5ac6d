# SPDX-License-Identifier: GPL-2.0-or-later
"""Everything a lab run needs, built once and kept under a name that is a hash of all that went into it."""

import dataclasses
import hashlib
import json
import pathlib
import random
import shutil
import sys
import tempfile
import time

from . import common, cpio, guest, kernel, lvm, modules, rootfs, unpacked

PAYLOAD_MIB = 256
DOWNLOAD_MIB = 8
SYSTEM_ID = "48c4619b-6d5818db-2a0e-000423d1e6f6"
USERS = """root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
tester:x:1000:1000:an ordinary user:/tmp:/bin/bash
"""
GROUPS = """root:x:0:
daemon:x:1:
tty:x:5:
disk:x:6:
kvm:x:104:
nogroup:x:65534:
tester:x:1000:
"""


@dataclasses.dataclass(frozen=True)
class Image:
    place: pathlib.Path
    facts: dict

    @property
    def vmlinux(self):
        return self.place / "vmlinux"

    @property
    def initrd(self):
        return self.place / "initrd"

    @property
    def initrd_lvm(self):
        return self.place / "initrd-lvm"

    @property
    def root(self):
        return self.place / "root.raw"

    @property
    def root_inside(self):
        """(offset, size) of the file system in the physical volume that `root` is."""
        return lvm.HEADER, self.facts["root_bytes"]

    @property
    def payload(self):
        return self.place / "payload.raw"

    @property
    def www(self):
        return self.place / "www"


def packages():
    """The names in lab/packages."""
    lines = (common.LAB / "packages").read_text().splitlines()
    return [name for name in (line.partition("#")[0].strip() for line in lines) if name]


def sources():
    """What of the lab goes into an image; the runner and the topologies do not."""
    for name in ("cpio", "guest", "image", "kernel", "lvm", "modules", "rootfs", "unpacked"):
        yield common.LAB / "dplab" / f"{name}.py"
    for folder in ("l1", "l2", "vmx"):
        yield from sorted(path for path in (common.LAB / folder).iterdir() if path.is_file())


def key(place):
    """Hash of the inputs: versions of the installed packages, the kernel, the guest's udev, the lab's own sources."""
    digest = hashlib.sha256(f"{place.name} {guest.udev().name}".encode())
    digest.update(common.call("dpkg-query", "-W", "-f", "${Package} ${Version} ${Architecture}\n").encode())
    for path in sources():
        digest.update(f"{path.name} {path.stat().st_size}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _random_file(path, mib, seed):
    """The same bytes on every machine; returns their SHA-256."""
    source, digest = random.Random(seed), hashlib.sha256()
    with open(path, "wb") as file:
        for _ in range(mib):
            block = source.randbytes(1 << 20)
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


def _host_files(root, place, work):
    """What packages do not bring: init, users, the guest, the store of a host converted from ESX."""
    (root / "etc/passwd").write_text(USERS)
    (root / "etc/group").write_text(GROUPS)
    (root / "etc/hostname").write_text("lab\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost lab\n")
    (root / "etc/fstab").write_text("LABEL=dplab-root / ext4 noatime 0 1\n")
    (root / "etc/nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n")
    store = root / "etc/directpath"
    store.mkdir()
    (store / "esx.conf").write_text(f'/system/uuid = "{SYSTEM_ID}"\n')
    init = root / "usr/sbin/init"
    init.unlink(missing_ok=True)
    shutil.copy(common.LAB / "l1/init", init)
    init.chmod(0o755)
    volume = root / "vmfs/volumes/lab/passthru"
    volume.mkdir(parents=True)
    guest.make_disk(place, work, volume / "passthru.vmdk")
    guest.make_cdrom(work, volume / "guest.iso")
    shutil.copy(common.LAB / "vmx/passthru.vmx", volume / "passthru.vmx")
    modules.copy(place, modules.HOST, root)


def _host_initrd(place, work, target, programs=()):
    root = work / "early"
    rootfs.skeleton(root)
    rootfs.copy_chain("/bin/busybox", root)
    for program in programs:
        rootfs.copy_binary(common.tool(program), root)
        rootfs.copy_chain("/lib64/ld-linux-x86-64.so.2", root)
    modules.copy(place, modules.HOST_EARLY, root)
    (root / "modules").write_text("\n".join(modules.HOST_EARLY) + "\n")
    shutil.copy(common.LAB / "l1/initramfs-init", root / "init")
    (root / "init").chmod(0o755)
    (root / "usr/bin/sh").symlink_to("busybox")
    cpio.pack(root, target, level=1)
    shutil.rmtree(root)


def _build(place, work):
    root = work / "root"
    root.mkdir()
    rootfs.stage(root)
    _host_files(root, place, work)
    root_bytes = rootfs.make_ext4(root, work / "root.raw", lvm.HEADER)
    lvm.write(work / "root.raw", root_bytes)
    shutil.rmtree(root)
    _host_initrd(place, work, work / "initrd")
    _host_initrd(place, work, work / "initrd-lvm", programs=["lvm"])
    kernel.make_vmlinux(place, work / "vmlinux")
    (work / "www").mkdir()
    facts = {
        "kernel": kernel.release(place),
        "root_bytes": root_bytes,
        "payload_mib": PAYLOAD_MIB,
        "payload_sha256": _random_file(work / "payload.raw", PAYLOAD_MIB, "directpath payload"),
        "download_sha256": _random_file(work / "www/payload.bin", DOWNLOAD_MIB, "directpath download"),
    }
    (work / "facts.json").write_text(json.dumps(facts, indent=1) + "\n")


def forget_old(cache, prefix):
    """Keep the newest image beside the one to be built: a run may still use it."""
    images = sorted(cache.glob(f"{prefix}*"), key=lambda path: path.stat().st_mtime)
    for old in [*images[:-1], *cache.glob("building-*")]:
        shutil.rmtree(old, ignore_errors=True)


def built(target, prefix, build):
    """@target, made by build(work) in a folder beside it if it is not there; the one before the last is given up."""
    cache = target.parent
    if target.exists():
        return target
    begin = time.monotonic()
    forget_old(cache, prefix)
    work = pathlib.Path(tempfile.mkdtemp(prefix="building-", dir=cache))
    try:
        work.chmod(0o755)
        build(work)
        work.rename(target)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    common.note(f"image built in {time.monotonic() - begin:.1f} s: {target}")
    return target


def ensure(rebuild=False):
    """The image for the present inputs, built if it is not there."""
    cache = common.cache_dir()
    with common.locked(cache / "build.lock", "another build of the lab's image"):
        place = kernel.ensure()
        target = cache / f"image-{key(place)}"
        if rebuild and target.exists():
            shutil.rmtree(target)
        built(target, "image-", lambda work: _build(place, work))
    return Image(target, json.loads((target / "facts.json").read_text()))


def sizes():
    """What a machine must have: MiB to download beside the packages, on disk, and in memory while the lab runs."""
    try:
        download = kernel.resolve()[2] + guest.resolve_udev()[2]
    except common.LabError:
        download = 73 << 20
    have = kernel.cached() and unpacked.cached(guest.UDEV_PREFIX)
    return {"download_mib": 0 if have else (download >> 20) + 1, "disk_mib": 1500, "memory_mib": 3584,
            "image_build_seconds": 20}


def main(argv):
    if argv == ["--list-packages"]:
        print("\n".join(packages()))
    elif argv == ["--sizes"]:
        print(json.dumps(sizes()))
    elif argv in ([], ["--rebuild"]):
        image = ensure(rebuild=bool(argv))
        print(json.dumps({"place": str(image.place), **image.facts}))
    else:
        print("usage: lab/image [--list-packages | --sizes | --rebuild | --debian]", file=sys.stderr)
        return 2
    return 0
