# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line of the emulated host: a topology, an image and one run's folder become QEMU's arguments."""

import json
import shutil

from . import common, debian

MEMORY_MIB = 3072
APPEND = "console=ttyS0,115200 loglevel=5 panic=-1 oops=panic mitigations=off no_timer_check net.ifnames=0"
CHANNELS = ("job.out", "job.err", "control")


def _json(option, value):
    return [option, json.dumps(value, separators=(",", ":"))]


def _drive(node, backing, run, inside=None):
    """One drive, or what is INSIDE of it (offset, size), over a base image that the run never changes; every boot of the run finds what the one before wrote."""
    overlay = run / f"{node}.qcow2"
    if not overlay.exists():
        common.call("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", backing, overlay)
    drive = {"driver": "qcow2", "discard": "unmap",
             "file": {"driver": "file", "filename": str(overlay), "cache": {"direct": False, "no-flush": True}}}
    if inside:
        drive = {"driver": "raw", "offset": inside[0], "size": inside[1], "discard": "unmap", "file": drive}
    return _json("-blockdev", {**drive, "node-name": node})


def _root(topology, image, run):
    """Drives with what the host boots from and has beside it, kernel and initramfs: of the latter the disk's own where it has one."""
    disk, argv = run / debian.DISK, []
    if topology.has_debian:
        argv += _json("-blockdev", {"driver": "raw", "discard": "unmap", "node-name": "debian", "file": {
            "driver": "file", "filename": str(disk), "cache": {"direct": False, "no-flush": True}}})
    if topology.system == "debian":
        initrd = debian.initrd(disk, image.facts["kernel"], run / "initrd")
    else:
        initrd = image.initrd_lvm if topology.lvm else image.initrd
        argv += _drive("root", image.root, run, None if topology.lvm else image.root_inside)
    return [*argv, "-kernel", str(image.vmlinux), "-initrd", str(initrd)]


def _network(name, net, www, forwarded=None):
    """A network without a way out: a gateway, DHCP, and one web server that runs per connection. FORWARDED (ours, the host's)
    is a port of this machine's loopback address that leads to one of the host."""
    server = f"{shutil.which('busybox') or '/bin/busybox'} httpd -i -h {www}"
    into = {"hostfwd": [{"str": f"tcp:127.0.0.1:{forwarded[0]}-{net}.15:{forwarded[1]}"}]} if forwarded else {}
    return _json("-netdev", {
        "type": "user", "id": name, "restrict": True, "net": f"{net}.0/24",
        "guestfwd": [{"str": f"tcp:{net}.100:80-cmd:{server}"}], **into})


def _share(tag, path, readonly):
    share = f"local,id={tag},path={str(path).replace(',', ',,')},security_model=none"
    return ["-fsdev", share + (",readonly=on" if readonly else ""),
            *_json("-device", {"driver": "virtio-9p-pci", "fsdev": tag, "mount_tag": tag, "bus": "pcie.0",
                               "addr": "1b.0" if readonly else "1c.0"})]


def _channels(sockets):
    """The console on a serial port, job output and control on ports of their own."""
    argv = ["-chardev", f"socket,id=console,fd={sockets['console'].fileno()}", "-serial", "chardev:console"]
    argv += _json("-device", {"driver": "virtio-serial-pci", "bus": "pcie.0", "addr": "1d.0"})
    for name in CHANNELS:
        argv += ["-chardev", f"socket,id={name},fd={sockets[name].fileno()}"]
        argv += _json("-device", {"driver": "virtserialport", "chardev": name, "name": name})
    return argv


def arguments(topology, name, image, run, sockets, append="", memory_mib=MEMORY_MIB, forwarded=None):
    """QEMU's whole command line for one boot of a run."""
    argv = [common.tool("qemu-system-x86_64"), "-nodefaults", "-no-user-config", "-M", "q35", "-cpu", topology.cpu,
            "-accel", "tcg,thread=multi,tb-size=1024", "-smp", "1", "-m", str(memory_mib), "-display", "none",
            "-no-reboot", "-action", "panic=shutdown", "-append", f"{APPEND} dplab.topology={name} {topology.append} {append}".strip()]
    if topology.iommu:
        argv += _json("-device", topology.iommu)
    argv += _root(topology, image, run) + _drive("payload", image.payload, run)
    argv += _network("mgmt", "10.0.2", image.www, forwarded) + _network("payload", "10.0.3", image.www)
    argv += _channels(sockets)
    argv += _share("tree", common.TREE, True) + _share("out", run / "out", False)
    for device in topology.devices:
        argv += _json("-device", device)
    return argv
