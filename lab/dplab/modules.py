# SPDX-License-Identifier: GPL-2.0-or-later
"""A small modules tree for an image: the named modules and all they need."""

import re
import shutil

from . import common, kernel

# What the emulated host may meet: its own disk and NIC, everything a topology can hold, VFIO and KVM.
HOST = """
    virtio_pci 9pnet_virtio 9p virtio_console ext4 crc32c_generic crc32c_intel
    nvme e1000e e1000 8139cp 8139too igb igbvf ahci ata_piix sd_mod sr_mod
    xhci_pci ehci_pci uhci_hcd usb_storage uas usbhid hid_generic
    vfio_pci vfio_iommu_type1 kvm_amd kvm_intel
    dm_mod md_mod raid1 virtio_input i2c_i801 lpc_ich button evdev overlay loop tun isofs vfat nls_cp437 nls_ascii nls_utf8
    bridge ip_gre ipip vxlan wireguard
""".split()
HOST_EARLY = "virtio_pci nvme xhci_pci usb_storage uas sd_mod ahci dm_mod ext4 crc32c_generic crc32c_intel".split()
GUEST = """
    nvme e1000e e1000 8139cp 8139too igb igbvf xhci_pci
    ata_piix ahci sr_mod sd_mod sym53c8xx mptspi mptsas vmw_pvscsi isofs cdrom
    virtio_pci virtio_blk virtio_scsi virtio_net button evdev psmouse ext4 crc32c_generic
""".split()


def _parse_dep(text):
    """modules.dep as module name -> (path, paths it needs)."""
    table = {}
    for line in text.splitlines():
        path, _, needs = line.partition(":")
        name = re.sub(r"\.ko$", "", path.rsplit("/", 1)[-1]).replace("-", "_")
        table[name] = (path, needs.split())
    return table


def _depmod(root, release):
    common.call("depmod", "-b", root, release)


def copy(place, names, target):
    """Copy modules with their needs from an unpacked kernel to TARGET, and index them there."""
    release = kernel.release(place)
    source = place / "lib/modules" / release
    if not (source / "modules.dep").exists():
        _depmod(place, release)
    table = _parse_dep((source / "modules.dep").read_text())
    wanted = {"modules.order", "modules.builtin", "modules.builtin.modinfo"}
    for name in names:
        entry = table.get(name.replace("-", "_"))
        if not entry:
            builtin = (source / "modules.builtin").read_text().replace("-", "_")
            if f"/{name.replace('-', '_')}.ko" not in builtin:
                raise common.LabError(f"the kernel {release} has no module {name}")
            continue
        wanted.update([entry[0], *entry[1]])
    for path in sorted(wanted):
        to = target / "lib/modules" / release / path
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / path, to)
    _depmod(target, release)
