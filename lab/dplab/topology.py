# SPDX-License-Identifier: GPL-2.0-or-later
"""The emulated hosts as data: every topology is the table HOST with rows left out, changed or added."""

import dataclasses

RP = {"driver": "pcie-root-port", "x-speed": "5"}


@dataclasses.dataclass(frozen=True)
class Topology:
    about: str
    devices: tuple
    iommu: dict | None
    cpu: str = "EPYC,+svm,+npt"
    append: str = "intel_iommu=on"
    system: str = "lab"  # or "debian": the root, and the initramfs that it holds, of lab/dplab/debian.py
    lvm: bool = False  # the root's disk is an LVM physical volume; in the others only what is inside of it


    @property
    def has_debian(self):
        """Whether the Debian host's disk is attached, as root or as another one."""
        return any(row.get("drive") == "debian" for row in self.devices)


def port(number, slot, **extra):
    """A root port at 00:SLOT.0; what sits behind it gets bus NUMBER on a host that has all the ports before it."""
    return {**RP, "id": f"rp{number}", "chassis": number, "slot": number, "bus": "pcie.0", "addr": slot, **extra}


VTD = {"driver": "intel-iommu", "intremap": "on", "caching-mode": True}

DEBIAN = {"system": "debian", "append": "root=LABEL=dplab-debian ro systemd.show_status=0 intel_iommu=on"}

# id -> device; order is the order on the command line. Bus numbers follow the root ports' slots.
HOST = {
    "rp1": port(1, "02.0"),
    # Not an NVMe: docs/LAB.md, "The root is on SATA".
    "sata": {"driver": "ich9-ahci", "id": "sata", "bus": "rp1"},
    "root": {"driver": "ide-hd", "drive": "root", "serial": "LAB-ROOT", "bus": "sata.0"},
    "rp2": port(2, "03.0"),
    "nic": {"driver": "e1000e", "netdev": "payload", "mac": "52:54:00:00:00:02", "bus": "rp2", "romfile": ""},
    "rp3": port(3, "04.0"),
    "disk": {"driver": "nvme", "drive": "payload", "serial": "LAB-PASSTHRU", "bus": "rp3"},
    "rp4": port(4, "05.0"),
    "mgmt": {"driver": "e1000e", "netdev": "mgmt", "mac": "52:54:00:00:00:01", "bus": "rp4", "romfile": ""},
    "rp5": port(5, "06.0"),
    "subsys": {"driver": "nvme-subsys", "id": "subsys"},
    "sriov": {"driver": "nvme", "serial": "LAB-SRIOV", "subsys": "subsys", "bus": "rp5", "sriov_max_vfs": 4,
              "sriov_vq_flexible": 8, "sriov_vi_flexible": 8, "max_ioqpairs": 10, "msix_qsize": 11},
    "rp6": port(6, "07.0"),
    "bridge": {"driver": "pcie-pci-bridge", "id": "bridge", "bus": "rp6"},
    "e1000": {"driver": "e1000", "bus": "bridge", "addr": "01.0", "mac": "52:54:00:00:00:03", "romfile": ""},
    "rtl8139": {"driver": "rtl8139", "bus": "bridge", "addr": "02.0", "mac": "52:54:00:00:00:04", "romfile": ""},
    "xhci": {"driver": "qemu-xhci", "id": "xhci", "bus": "pcie.0", "addr": "14.0"},
    "noreset": {"driver": "edu", "bus": "pcie.0", "addr": "15.0", "dma_mask": 0xFFFFFFFFFFFFFFFF},
    "pmonly": {"driver": "e1000e", "bus": "pcie.0", "addr": "19.0", "mac": "52:54:00:00:00:05", "romfile": ""},
}


# Each on the root bus, so a group of its own: behind ports, they would want more I/O space than there is (64 KiB, 4 a port).
FREE_SLOTS = ("08", "09", "0a", "0b", "0c", "0d", "0e", "0f", "10", "11", "12", "13", "16", "17", "18", "1a")
MANY = {f"nic{slot}": {"driver": "e1000e", "bus": "pcie.0", "addr": f"{slot}.0", "mac": f"52:54:00:00:01:{slot}", "romfile": ""}
        for slot in FREE_SLOTS}


def host(about, without=(), change=None, **fields):
    """The table HOST without some rows, with some changed or added."""
    rows = {name: row for name, row in HOST.items() if name not in without}
    rows.update(change or {})
    fields.setdefault("iommu", VTD)
    return Topology(about, tuple(rows.values()), **fields)


TOPOLOGIES = {
    "host": host("the default: VT-d with interrupt remapping, nested KVM, one device of every kind"),
    "no-iommu": host("no IOMMU device: no groups, vfio-pci refuses", iommu=None),
    "no-intremap": host("VT-d without interrupt remapping: VFIO refuses", iommu={**VTD, "intremap": "off"}),
    "no-kvm": host("a processor without SVM: no /dev/kvm", cpu="EPYC,-svm,-npt"),
    "no-vfio": host("a kernel without VFIO's modules", append="intel_iommu=on dplab.novfio"),
    # QEMU 7.2 translates for VFIO's mappings there, not for those of the host's own drivers.
    "amd-vi": host("AMD's IOMMU in place of VT-d", append="iommu=pt", iommu={"driver": "amd-iommu", "intremap": "on"}),
    "two-functions": host(
        "two functions in one slot, behind the port of bus 2", without=("nic",),
        change={"disk": {**HOST["disk"], "addr": "00.0"},
                "nic0": {**HOST["nic"], "addr": "00.0", "multifunction": True},
                "nic1": {"driver": "e1000e", "mac": "52:54:00:00:00:12", "bus": "rp2", "addr": "00.1", "romfile": ""}}),
    "switch": host(
        "a switch without ACS in place of the PCIe-to-PCI bridge, a NIC behind each of its ports",
        without=("bridge", "e1000", "rtl8139"),
        change={"up": {"driver": "x3130-upstream", "id": "up", "bus": "rp6"},
                "down1": {"driver": "xio3130-downstream", "id": "down1", "bus": "up", "chassis": 21, "slot": 1, "addr": "00.0"},
                "down2": {"driver": "xio3130-downstream", "id": "down2", "bus": "up", "chassis": 22, "slot": 2, "addr": "01.0"},
                "nic1": {"driver": "e1000e", "mac": "52:54:00:00:00:21", "bus": "down1", "romfile": ""},
                "nic2": {"driver": "e1000e", "mac": "52:54:00:00:00:22", "bus": "down2", "romfile": ""}}),
    "no-acs": host(
        "two root ports of one slot without ACS, a NIC behind each", without=("bridge", "e1000", "rtl8139"),
        change={"rp6": port(6, "07.0", multifunction=True, **{"disable-acs": True}),
                "rp7": port(7, "07.1", **{"disable-acs": True}),
                "nic1": {"driver": "e1000e", "mac": "52:54:00:00:00:21", "bus": "rp6", "romfile": ""},
                "nic2": {"driver": "e1000e", "mac": "52:54:00:00:00:22", "bus": "rp7", "romfile": ""}}),
    "bad-reset": host(
        "the NIC's root port runs at the default speed, where a bus reset fails",
        change={"rp2": {k: v for k, v in HOST["rp2"].items() if k != "x-speed"}}),
    # What a host may look like at its next boot; the netdev goes to another card, or QEMU complains that nobody has it.
    "nic-gone": host("the NIC taken out of its slot", without=("nic",),
                     change={"rtl8139": {**HOST["rtl8139"], "netdev": "payload"}}),
    "nic-moved": host(
        "the NIC in a slot of its own behind the others, and another card of its model in its old place",
        change={"nic": {key: value for key, value in {**HOST["nic"], "mac": "52:54:00:00:00:22"}.items() if key != "netdev"},
                "rp7": port(7, "08.0"), "moved": {**HOST["nic"], "bus": "rp7"}}),
    "nic-other": host("an NVMe in the place of the NIC",
                      change={"nic": {"driver": "nvme", "serial": "LAB-OTHER", "bus": "rp2"},
                              "rtl8139": {**HOST["rtl8139"], "netdev": "payload"}}),
    "lvm-root": host(
        "the root in a logical volume on an NVMe", without=("sata",), append="intel_iommu=on dplab.lvm", lvm=True,
        change={"root": {"driver": "nvme", "drive": "root", "serial": "LAB-ROOT", "bus": "rp1"}}),
    # No USB keyboard: SeaBIOS would leave the controller writing into memory that is the kernel's by then.
    "usb-root": host(
        "the root on a USB stick behind the xHCI controller, the only keyboard a function of its own",
        without=("sata", "root"), append="intel_iommu=on i8042.nokbd",
        change={"stick": {"driver": "usb-storage", "drive": "root", "bus": "xhci.0", "serial": "LAB-ROOT"},
                "keyboard": {"driver": "virtio-keyboard-pci", "bus": "pcie.0", "addr": "16.0"}}),
    "debian": host("the same devices in a host of Debian's own packages: systemd, udev, its own initramfs",
                   change={"root": {**HOST["root"], "drive": "debian"}}, **DEBIAN),
    "debian-many": host("the Debian host with sixteen NICs more on the root bus",
                        change={"root": {**HOST["root"], "drive": "debian"}, **MANY}, **DEBIAN),
    "rescue": host("the lab's own host, with the Debian host's disk beside its own",
                   change={"other": {**HOST["root"], "drive": "debian", "serial": "LAB-DEBIAN", "bus": "sata.1"}}),
}
