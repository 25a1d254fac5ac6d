# SPDX-License-Identifier: GPL-2.0-or-later
"""The Debian host: a root of Debian's own packages with systemd, udev and initramfs-tools, which has made the initramfs
that the host boots with. Built once, kept under a hash of what went into it; needs root, but no loop device."""

import dataclasses
import hashlib
import os
import pathlib
import re
import shutil
import subprocess

from . import common, guest, image, kernel, modules, rootfs

HERE = common.LAB / "debian"
LABEL = "dplab-debian"
DISK = "debian.raw"  # in a run's folder
FREE_MIB = 512
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# Only what a host in the lab has no use for, and what would run beside its tests.
MASKED = """apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer
    getty.target getty-static.service serial-getty@ttyS0.service systemd-logind.service e2scrub_reap.service
    systemd-update-utmp.service systemd-update-utmp-runlevel.service systemd-user-sessions.service
    proc-sys-fs-binfmt_misc.automount systemd-ask-password-wall.path""".split()
# No manual, no translations of what Debian brings; the program's own package comes with all of its files.
LEFT_OUT = ["/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/info/*"]


@dataclasses.dataclass(frozen=True)
class Image:
    place: pathlib.Path

    @property
    def root(self):
        return self.place / "root.raw"


def _names(path):
    lines = (line.partition("#")[0].strip() for line in path.read_text().splitlines())
    return [line for line in lines if line]


def _sources():
    """(release, lines of sources.list): what apt is configured with here and comes from Debian."""
    shown = common.call("apt-get", "indextargets", "--format", "$(CODENAME)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)",
                        "Created-By: Packages", "Origin: Debian", "Architecture: amd64")
    rows = [line.split("|") for line in shown.splitlines()]
    names = [name for name, _, release, _ in rows if name == release]
    if not names:
        raise common.LabError("apt is configured here with no release of Debian, or has no lists: run apt-get update")
    return names[0], [f"deb [signed-by={KEYRING}] {uri} {release} {component}" for _, uri, release, component in rows]


def _apt_options():
    """How apt reaches its sources here: proxies, and clocks that are not to be believed."""
    shown = common.call("apt-config", "dump", "Acquire")
    wanted = re.findall(r'^(Acquire::(?:\S*Proxy|Check-Valid-Until|Check-Date)) "([^"]*)";$', shown, re.M)
    return [f'{name} "{value}"' for name, value in wanted]


def key(place):
    """Hash of the inputs: the packages' versions as apt would install them, the engine's, the kernel, the guest's udev, the lab's
    sources."""
    digest = hashlib.sha256(f"{place.name} {guest.udev().name}".encode())
    names = [*_names(HERE / "packages"), "base-files", "libc6", "dpkg"]
    shown = common.call("apt-cache", "show", "--no-all-versions", *names)
    digest.update("\n".join(re.findall(r"^(?:Package|Version): .*$", shown, re.M)).encode())
    digest.update(common.call("dpkg-query", "-W", "-f", "${Package} ${Version}\n", *rootfs.ENGINE).encode())
    own = [common.LAB / "dplab" / f"{name}.py" for name in ("cpio", "debian", "guest", "kernel", "modules", "rootfs", "unpacked")]
    folders = (common.LAB / "vmx", common.LAB / "l2", HERE)
    for path in [*own, *sorted(path for folder in folders for path in folder.iterdir() if path.is_file())]:
        digest.update(f"{path.name} {path.stat().st_size}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _with_own_mounts():
    """What the command behind these words mounts goes with its own name space, however it ends. In a chroot "/" is no mount point,
    and nothing can be said of whom its mounts are shared with."""
    with open("/proc/self/mountinfo", encoding="utf-8") as lines:
        points = [line.split()[4] for line in lines]
    return ["unshare", "--mount", *([] if "/" in points else ["--propagation", "unchanged"])]


def _bootstrap(root, work):
    release, lines = _sources()
    (work / "sources").write_text("\n".join(lines) + "\n")
    argv = [*_with_own_mounts(), common.tool("mmdebstrap"), "--quiet", "--mode=root", "--variant=minbase", "--format=directory",
            "--include=" + ",".join(_names(HERE / "packages"))]
    argv += [f"--aptopt={option}" for option in _apt_options()]
    argv += ["--dpkgopt=force-unsafe-io", *(f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT)]
    common.call(*argv, release, root, work / "sources", timeout_s=1800)
    (work / "sources").unlink()
    for name in ("etc/dpkg/dpkg.cfg.d/99mmdebstrap", "etc/apt/apt.conf.d/99mmdebstrap", "etc/apt/sources.list"):
        (root / name).unlink(missing_ok=True)


def _link(path, to):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(to)


def _files(root, place, work):
    """What packages do not bring: the job, the engine, a kernel without the drivers that no emulated machine has."""
    for name in ("tree", "out", "vmfs/volumes/lab/passthru"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "etc/hostname").write_text("lab\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost lab\n")
    (root / "etc/fstab").write_text(f"LABEL={LABEL} / ext4 noatime 0 0\n")
    (root / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    # Packing well takes longer here than all else.
    (root / "etc/initramfs-tools/conf.d/lab").write_text("COMPRESS=gzip\nCOMPRESSLEVEL=1\n")
    shutil.copy(HERE / "job", root / "usr/local/sbin/lab-job")
    units = root / "etc/systemd/system"
    for name in ("lab-job.service", "lab.target"):
        shutil.copy(HERE / name, units / name)
    _link(units / "default.target", "lab.target")
    for name in MASKED:
        _link(units / name, "/dev/null")
    rootfs.copy_packages(root, rootfs.ENGINE)
    volume = root / "vmfs/volumes/lab/passthru"
    guest.make_disk(place, work, volume / "passthru.vmdk")
    guest.make_cdrom(work, volume / "guest.iso")
    shutil.copy(common.LAB / "vmx/passthru.vmx", volume / "passthru.vmx")
    for path in (place / "boot").iterdir():
        shutil.copy(path, root / "boot" / path.name)
    modules.copy(place, modules.HOST, root)


def _chroot(root, *argv):
    done = subprocess.run([common.tool("chroot"), str(root), *argv], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}, timeout=600)
    if done.returncode:
        raise common.LabError(f"{' '.join(argv)}: {done.stderr.strip() or done.stdout.strip()}")


def _build(place, work):
    root = work / "root"
    _bootstrap(root, work)
    _files(root, place, work)
    _chroot(root, "systemctl", "disable", "cockpit.socket")  # a test that wants it starts it
    _chroot(root, "ldconfig")
    _chroot(root, "update-initramfs", "-c", "-k", kernel.release(place))
    rootfs.make_ext4(root, work / "root.raw", 0, FREE_MIB, LABEL)
    shutil.rmtree(root)


def ensure():
    """The image for the present inputs, built if it is not there."""
    cache = common.cache_dir()
    with common.locked(cache / "build.lock", "another build of the lab's image"):
        place = kernel.ensure()
        target = cache / f"debian-{key(place)}"
        if not target.exists() and os.geteuid():
            raise common.LabError("the Debian host's root is made by Debian's own packages, and that needs root")
        image.built(target, "debian-", lambda work: _build(place, work))
    return Image(target)


def provide(built, run):
    """The disk of one run: a copy, so that a boot can be given what the one before it wrote."""
    common.call("cp", "--sparse=always", "--reflink=auto", built.root, run / DISK)


def initrd(disk, release, target):
    """What a boot loader would read from the disk before each boot: the initramfs that the host has made."""
    target.unlink(missing_ok=True)
    common.call("debugfs", "-R", f"dump /boot/initrd.img-{release} {target}", disk)
    if not target.exists() or not target.stat().st_size:
        raise common.LabError(f"{disk} has no /boot/initrd.img-{release}")
    return target
