# SPDX-License-Identifier: GPL-2.0-or-later
"""A disk that EFI firmware starts: an EFI system partition with Debian's signed loaders, the lab's kernel, its guest."""

from . import common, kernel, unpacked

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


def loaders():
    """Folder of the unpacked loaders; downloads them at the first call."""
    return unpacked.ensure("efi-loaders-", lambda: [unpacked.describe(name) for name in PACKAGES])


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
