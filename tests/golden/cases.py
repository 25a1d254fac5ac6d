# SPDX-License-Identifier: GPL-2.0-or-later
"""What is run, over which host, with which files. `args` follow `directpath --root TREE`; with `bare` nothing is put
before them. `schema` names the document of a --json run; one that ends otherwise than with 0 or 1 is a `failure`.

  store               the content of TREE/etc/directpath/esx.conf
  vmx                 writes vm.vmx: vmx/two.vmx with these replacements, and without its last `cut` bytes
  files, sparse, fifo write others: content, size, a pipe
  tree_files          others beneath TREE
  keep                a file of TREE whose content afterwards counts, too
  diff                a file beside TREE of which the lines that changed count, too
  running             the file beside TREE whose VM is powered on, from another content unless it is `unchanged`, with
                      a display at `vnc`; if it is `gone`, it was removed while the VM ran
  mask                a pattern of what may differ on standard output
"""
import hashlib
import json
import pathlib

MAPS = pathlib.Path(__file__).resolve().parents[1] / "data/map"


def case(name, args, host=None, **more):
    return {"name": name, "args": args.split() if isinstance(args, str) else args, "host": host, **more}


PASSTHRU = '/device/003:00.0/owner = "passthru"\n/device/004:00.0/owner = "passthru"\n'
# The root controller, forced.
RESCUE = '/device/001:00.0/owner = "passthru"\n'
OFF = {"proc/cmdline": "BOOT_IMAGE=/vmlinuz root=/dev/sda1 ro directpath=off quiet\n"}
# 64 KiB that look like nothing, the same each time.
NOISE = b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(2048))
SYSTEM = '/system/uuid = "48c4619b-6d5818db-2a0e-000423d1e6f6"\n'

USAGE = [
    case("no-command", "", bare=True),
    case("help", "help", bare=True),
    case("help-json", "help --json", bare=True, schema="help"),
    case("help-option", "device enable --help", bare=True),
    case("version", "--version", bare=True),
    case("version-json", "--version --json", bare=True, schema="version"),
    case("help-group", "help vm", bare=True),
    case("unknown-command", "frobnicate", bare=True),
    case("unknown-command-json", "--json frobnicate", bare=True),
    case("group-alone", "device", bare=True),
    case("unknown-option", "device list --frobnicate", bare=True),
    case("strange-option", "device list --with-unit", bare=True),
    case("hostile-command", ["device", "\x1b[31mlist\u202e"], bare=True),
    case("missing-argument", "device show", bare=True),
    case("extra-argument", "host check now", bare=True),
    case("two-addresses", "device show 03:00.0 04:00.0", bare=True),
    case("bad-address", "device show 3:0", "lab"),
    case("explain", "explain DP1203", bare=True),
    case("explain-json", "explain 1203 --json", bare=True, schema="explain"),
    case("explain-all", "explain --all", bare=True, mask=r"(?s).+"),
    case("explain-none", "explain DP9999", bare=True),
    case("explain-nonsense", "explain nonsense", bare=True),
    case("live-only", "device reset 03:00.0", "lab"),
    case("live-only-test", "device test 03:00.0", "lab"),
    case("live-only-json", "vm power-on x.vmx --json", "lab", schema="failure"),
    case("root-absent", "--root /nowhere/at/all device list", bare=True),
    case("root-empty", "device list --json", "empty", schema="failure"),
]

HOST = [
    case("check-lab", "host check", "lab"),
    case("check-lab-json", "host check --json", "lab", schema="host-check"),
    case("check-no-iommu", "host check", "no-iommu"),
    case("check-no-intremap", "host check", "no-intremap"),
    case("check-rmrr-off", "host check", "rmrr-off"),
    case("check-intremap-firmware", "host check", "intremap-firmware"),
    case("check-bad-tables", "host check", "bad-tables"),
    case("check-no-vfio", "host check", "no-vfio"),
    case("check-no-kvm", "host check", "no-kvm"),
    case("check-many", "host check", "esx-q35"),
    case("check-quiet", "host check --quiet", "esx-q35"),
    case("check-ordinary-user", "host check", "ordinary-user"),
    case("check-ordinary-user-json", "host check --json", "ordinary-user", schema="host-check"),
    case("capture", "host capture host.tar", "lab", mask=r"\d+ (B|KiB)"),
    case("capture-json", "host capture host.tar --json", "lab", schema="host-capture", mask=r'(?<="bytes": )\d+'),
    case("support", "host support support.tar", "lab", mask=r"\d+ (B|KiB)"),
    case("support-json", "host support support.tar --json", "lab", schema="host-support", mask=r'(?<="bytes": )\d+'),
    case("capture-nowhere", "host capture absent/host.tar", "lab"),
    case("status-lab", "host status", "lab"),
    case("status-stored", "host status", "lab", store=PASSTHRU),
    case("status-absent-json", "host status --json", "lab",
         store=SYSTEM + '/device/123:04.5/owner = "passthru"\n', schema="host-status"),
]

DEVICE = [
    case("list-lab", "device list", "lab"),
    case("list-lab-verbose", "device list --verbose", "lab"),
    case("list-lab-quiet", "device list --quiet", "lab"),
    case("list-lab-all", "device list --all", "lab"),
    case("list-lab-json", "device list --json", "lab", store=SYSTEM, schema="device-list"),
    case("list-no-iommu", "device list", "no-iommu"),
    case("list-vmd", "device list", "vmd"),
    case("list-ordinary-user-json", "device list --json --all", "ordinary-user", schema="device-list"),
    case("show-nvme", "device show 03:00.0", "lab"),
    case("show-nvme-json", "device show 00000:003:00.0 --json", "lab", schema="device-show"),
    case("show-root-disk", "device show 0000:01:00.0", "lab"),
    case("show-conventional", "device show 005:01.0", "lab"),
    case("show-bridge", "device show 00:01.0", "lab"),
    case("show-long-name", "device show 00:1f.2", "esx-q35"),
    case("show-reserved", "device show 0000:06:01.0", "rmrr"),
    case("show-big-bars", "device show 0000:01:00.0", "big-bars"),
    case("enable-framebuffer", "device enable 0000:03:00.0", "big-bars"),
    case("show-absent", "device show 7f:00.0", "lab"),
    case("enable-dry", "device enable 03:00.0 --dry-run", "lab"),
    case("enable-dry-json", "device enable 03:00.0 04:00.0 --dry-run --json", "lab", schema="device-change"),
    case("enable-stores", "device enable 03:00.0", "lab", keep="etc/directpath/esx.conf"),
    case("enable-root-disk", "device enable 01:00.0", "lab"),
    case("enable-management-override", "device enable 02:00.0 --override DP1205", "lab", keep="etc/directpath/esx.conf"),
    case("enable-armed-folder", "device enable 03:00.0 --confirm-within 60", "lab"),
    case("enable-armed-dry", "device enable 02:00.0 --override DP1205 --confirm-within 60 --dry-run", "lab"),
    case("enable-armed-too-long", "device enable 02:00.0 --confirm-within 3601", bare=True),
    case("confirm-folder", "device confirm", "lab"),
    case("confirm-nothing-json", "device confirm --dry-run --json", "lab", schema="device-change"),
    case("enable-management", "device enable 02:00.0 --json", "lab", schema="failure"),
    case("enable-absent", "device enable 7f:00.0", "lab"),
    case("enable-part-of-unit", "device enable 05:01.0", "lab"),
    case("enable-no-iommu", "device enable 03:00.0", "no-iommu"),
    case("disable-stored", "device disable 003:00.0", "lab", store=PASSTHRU, keep="etc/directpath/esx.conf"),
    case("test-dry", "device test 03:00.0 --dry-run", "lab"),
    case("test-dry-unit-json", "device test 05:01.0 --with-unit --dry-run --json", "lab", schema="device-test"),
    case("test-unit", "device test 05:01.0 --dry-run", "lab"),
    case("test-host-needs", "device test 01:00.0 --dry-run", "lab"),
    case("test-bridge", "device test 00:02.0 --dry-run", "lab"),
    case("test-no-reset-json", "device test 00:1f.2 --dry-run --json", "lab", schema="device-test"),
    case("reset-dry", "device reset 03:00.0 --dry-run", "lab"),
    case("reset-dry-json", "device reset 04:00.0 --dry-run --json", "lab", schema="device-reset"),
    # At boot: whatever the store is, nothing is guessed at, and it is told.
    case("apply-random", "device apply --dry-run", "lab", store=NOISE),
    case("apply-random-text", "device apply --dry-run", "lab", store=NOISE.replace(b"\0", b"")[:400]),
    case("apply-empty", "device apply --dry-run", "lab", store=""),
    case("apply-absent", "device apply --dry-run", "lab"),
    case("apply-10-mb", "device apply --dry-run --json", "lab", store=NOISE * 160, schema="failure"),
    case("apply-early-dry", "device apply --early --dry-run", bare=True),
    case("apply-early-root", "device apply --early", "lab"),
    case("apply-folder", "device apply --dry-run", "lab", tree_files={"etc/directpath/esx.conf/x": ""}),
    case("disable-rescue", "device disable 001:00.0", "empty", store=RESCUE, keep="etc/directpath/esx.conf",
         tree_files={"usr/share/initramfs-tools/hooks/directpath": "#!/bin/sh\n"}),
    case("disable-rescue-json", "device disable 01:00.0 --json", "empty", store=RESCUE, schema="device-change",
         tree_files={"etc/initramfs-tools/hooks/directpath": "#!/bin/sh\n"}),
    case("disable-rescue-not-stored", "device disable 05:01.0", "empty", store=RESCUE, keep="etc/directpath/esx.conf"),
    case("enable-rescue", "device enable 01:00.0", "empty", store=RESCUE, keep="etc/directpath/esx.conf"),
    case("disable-initramfs", "device disable 03:00.0", "lab", store=PASSTHRU,
         tree_files={"usr/share/initramfs-tools/hooks/directpath": "#!/bin/sh\n"}),
    case("off-list", "device list", "lab", store=PASSTHRU, tree_files=OFF),
    case("off-show-json", "device show 03:00.0 --json", "lab", store=PASSTHRU, tree_files=OFF, schema="device-show"),
    case("off-status", "host status", "lab", store=PASSTHRU, tree_files=OFF),
    case("disable-twice", "device disable 03:00.0", "lab", keep="etc/directpath/esx.conf"),
]



VMKNAME = '/device/004:00.0/vmkname = "vmnic1"\n/device/002:00.0/owner = "vmkernel"\n'
SET = "esxcli hardware pci pcipassthru set "
OLD_WORDS = [
    case("esxcli-pci-list", "esxcli hardware pci list", "lab-enabled", store=SYSTEM + PASSTHRU + VMKNAME, wide=True),
    case("esxcli-pci-list-bridges", "esxcli hardware pci list", "esx-q35", wide=True),
    case("esxcli-pci-list-json", "esxcli hardware pci list --json", "lab", schema="esxcli-pci-list"),
    case("esxcli-passthru-list", "esxcli hardware pci pcipassthru list", "lab", store=PASSTHRU),
    case("esxcli-passthru-list-json", "esxcli hardware pci pcipassthru list --json", "lab",
         schema="esxcli-passthru-list"),
    case("esxcli-set", SET + "-d 0000:03:00.0 -e true -a", "lab", keep="etc/directpath/esx.conf"),
    case("esxcli-set-off", SET + "--device-id=0000:03:00.0 --enable=false", "lab", store=PASSTHRU,
         keep="etc/directpath/esx.conf"),
    case("esxcli-set-off-json", SET + "-d 0000:03:00.0 -e false --json", "lab-enabled", schema="device-change",
         tree_files={"vmfs/one.vmx": 'pciPassthru0.present = "TRUE"\npciPassthru0.id = "00000:003:00.0"\n',
                     "var/lib/directpath/vms": "/vmfs/one.vmx\n"}),
    case("esxcli-set-json", SET + "-d 03:00.0 -e true --dry-run --json", "lab", schema="device-change"),
    case("esxcli-set-refused", SET + "-d 0000:01:00.0 -e true -a", "lab"),
    case("esxcli-set-half", SET + "-e true", "lab"),
    case("esxcli-set-maybe", SET + "-d 03:00.0 -e maybe", "lab"),
    case("esxcli-set-help", SET + "--help", bare=True),
    case("esxcli-foreign-option", "esxcli hardware pci list -d 03:00.0", "lab"),
    case("esxcli-option-elsewhere", "device list -d 03:00.0", "lab"),
    case("esxcli-option-before", "-d 03:00.0 " + SET + "-e true", "lab"),
    case("esxcli-group", "esxcli hardware pci", bare=True),
    case("esxcli-unknown", "esxcli hardware cpu list", bare=True),
    case("help-esxcli-hardware", "help esxcli hardware", bare=True),
    case("esxcli-uuid", "esxcli system uuid get", "lab", store=SYSTEM),
    case("esxcli-uuid-json", "esxcli system uuid get --json", "lab", store=SYSTEM, schema="system-id"),
    case("esxcli-uuid-none", "esxcli system uuid get", "lab"),
    case("vsish", "vsish -e cat /system/systemUuid", "lab", store=SYSTEM),
    case("vsish-other", "vsish -e cat /hardware/cpu", "lab"),
    case("vsish-json", "vsish -e cat /system/systemUuid --json", "lab", store=SYSTEM, schema="system-id"),
    case("esxcfg-module", "esxcfg-module --list", "lab-enabled"),
    case("esxcfg-module-short", "esxcfg-module -l", "no-iommu"),
    case("esxcfg-module-json", "esxcfg-module --list --json", "lab", schema="esxcfg-module"),
    case("esxcfg-module-bare", "esxcfg-module", "lab"),
]


def stored_cards(**cards):
    """etc/directpath/devices.json: {"b05": {...}} becomes the entry of 0000:05:00.0."""
    return {"etc/directpath/devices.json": json.dumps({"version": 1, "devices": {
        f"0000:{at[1:3]}:00.0": {"line_added": True, "overrides": [], **card} for at, card in cards.items()}})}


# A card that was at 06:00.0 and is at 04:00.0 now, and another model where one was stored.
NIC_CARD = {"vendor": "8086", "device": "10d3", "subsystem_vendor": "8086", "subsystem_device": "0000",
            "serial": "5e-c7-e7-00-5e-c7-e7-00", "path": "0000:00:1c.0/00.0", "name": "Some \u001b[31mNIC"}
GONE = '/device/119:00.0/owner = "passthru"\n/device/003:00.0/owner = "passthru"\n'
CARDS = stored_cards(b77=NIC_CARD, b03={"vendor": "144d", "device": "a808", "path": "0000:00:03.0/00.0"})
MAC = {"sys/class/net/eth1/addr_assign_type": "0\n"}
MOVED = MAC | stored_cards(b77={**NIC_CARD, "serial": None, "mac": "52:54:00:5E:C7:E7"})


def known_vms(**ids):
    """VMX files that were powered on, each with one NIC."""
    files = {f"vmfs/{name}.vmx": "".join(f'pciPassthru0.{key} = "{value}"\n' for key, value in {
        "present": "TRUE", "id": at, "vendorId": "0x8086", "deviceId": "10d3"}.items()) for name, at in ids.items()}
    return files | {"var/lib/directpath/vms": "".join(f"/{path}\n" for path in files)}


def good_boot(*changes, boots=1):
    """last-good.json of the lab host, as if it had been like this: (address, {key: value, None to remove}) or (old, new)
    for another address."""
    functions = {}

    def add(entry, above):
        path = f"{above}/{entry['at'][8:]}" if above else entry["at"]
        functions[entry["at"]] = {key: value for key, value in {
            "vendor": entry["id"][:4], "device": entry["id"][5:], "path": path, "group": entry.get("group"),
            "driver": entry.get("driver"), "bridge": True if "below" in entry else None,
            "serial": "5e-c7-e7-00-5e-c7-e7-00" if "dsn" in entry.get("caps", "") else None}.items() if value is not None}
        for child in entry.get("below", ()):
            add(child, path)

    for entry in json.loads((MAPS.parent / "hosts/lab.json").read_text())["functions"]:
        add(entry, None)
    for at, change in changes:
        if change is None:
            del functions[at]
        elif isinstance(change, str):
            functions[change] = functions.pop(at)
        else:
            functions[at] = {key: value for key, value in {**functions.get(at, {}), **change}.items() if value is not None}
    boot = {"boot_id": "5d2ac3bb-98c4-4eb3-8c6a-4d1d57a4b9c5", "time": "2026-11-21T02:24:31Z", "kernel": "6.1.0-27-amd64",
            "functions": functions}
    return {"var/lib/directpath/last-good.json": json.dumps({"version": 1, "boots": [boot] * boots})}


# Of these one names the NVMe and one the NIC; one has been switched off, one names another model, and some cannot be read.
KNOWN_VMS = {
    "vmfs/both\u00e9.vmx": 'pciPassthru0.present = "TRUE"\npciPassthru0.id = "00000:003:00.0"\n'
                       'pciPassthru7.present = "TRUE"\npciPassthru7.id = "4:0.0"\npciPassthru7.deviceId = "0x10d3"\n',
    "vmfs/off.vmx": 'pciPassthru0.present = "FALSE"\npciPassthru0.id = "00000:003:00.0"\n',
    "vmfs/other.vmx": 'pciPassthru0.present = "TRUE"\npciPassthru0.id = "003:00.0"\npciPassthru0.vendorId = "0x10de"\n',
    "vmfs/binary.vmx": b"\x00\xff" * 99, "vmfs/folder.vmx/x": "",
    "var/lib/directpath/vms": "/vmfs/both\u00e9.vmx\n/vmfs/gone.vmx\nno path\n/vmfs/off.vmx\n/vmfs/other.vmx\n"
                              "/vmfs/binary.vmx\n/vmfs/folder.vmx\n/vmfs/both\u00e9.vmx\n/\n\n"}
# A NIC came from another slot, a disk is another model, one function is gone and one is new, a driver is another.
DRIFTED = good_boot(("0000:04:00.0", "0000:08:00.0"), ("0000:08:00.0", {"path": "0000:00:1c.0/00.0", "serial": None, "mac": "52:54:00:5e:c7:e7"}),
                    ("0000:03:00.0", {"vendor": "144d", "device": "a808", "name": "Some \x1b[31mdisk"}),
                    ("0000:00:1f.3", None), ("0000:77:00.0", {"vendor": "10de", "device": "2204", "group": 77, "driver": "nouveau"}),
                    ("0000:05:01.0", {"driver": "e1000_old"})) | MAC
LIFE = [
    case("status-moved-json", "host status --json", "lab", store=SYSTEM + '/device/119:00.0/owner = "passthru"\n',
         tree_files=MOVED, schema="host-status"),
    case("show-moved", "device show 04:00.0", "lab", store='/device/119:00.0/owner = "passthru"\n', tree_files=MOVED),
    case("status-gone", "host status", "lab", store=GONE, tree_files=CARDS),
    case("status-gone-json", "host status --json", "lab", store=SYSTEM + GONE, schema="host-status",
         tree_files=CARDS | known_vms(a="00000:119:00.0", b="77:00.0", c="119:01.0", d="00000:003:00.0")),
    case("list-other-model", "device list", "lab", store=GONE, tree_files=CARDS),
    case("disable-names-vms", "device disable 03:00.0 04:00.0", "lab", store=PASSTHRU, tree_files=KNOWN_VMS),
    case("disable-names-vms-json", "device disable 03:00.0 004:00.0 --json", "lab-enabled", tree_files=KNOWN_VMS,
         schema="device-change"),
    case("disable-bridge-json", "device disable 00:07.0 --json", "lab", store='/device/000:07.0/owner = "passthru"\n',
         schema="device-change"),
    case("drift-none", "host drift", "lab", tree_files=good_boot()),
    case("drift-none-json", "host drift --json", "lab", tree_files=good_boot(boots=2), schema="host-drift"),
    case("drift-no-record", "host drift", "lab"),
    case("drift-broken", "host drift --json", "lab", tree_files={"var/lib/directpath/last-good.json": "{\"version\": 1}"},
         schema="failure"),
    case("drift", "host drift", "lab", store=PASSTHRU, tree_files=KNOWN_VMS | DRIFTED),
    case("drift-json", "host drift --json", "lab", store=PASSTHRU, tree_files=KNOWN_VMS | DRIFTED, schema="host-drift"),
    # What the store explains is no drift, and numbers of groups mean nothing.
    case("drift-enabled", "host drift", "lab-enabled", tree_files=good_boot()),
    case("drift-disabled", "host drift", "lab", tree_files=good_boot(("0000:03:00.0", {"driver": "vfio-pci"}))),
    case("drift-groups", "host drift --json", "lab", schema="host-drift", tree_files=good_boot(
        ("0000:03:00.0", {"group": 60}), ("0000:00:03.0", {"group": 50}), ("0000:06:00.2", {"group": 15}))),
    case("drift-no-iommu", "host drift", "no-iommu", tree_files=good_boot(("0000:03:00.0", {"driver": "vfio-pci"})),
         store=PASSTHRU),
    case("forget-names-vms-json", "device forget 0000:77:00.0 --json", "lab", store=GONE, schema="device-change",
         tree_files=CARDS | known_vms(a="00000:119:00.0", b="77:00.0", c="119:01.0", d="00000:003:00.0")),
    case("forget-gone", "device forget 0000:77:00.0", "lab", store=SYSTEM + GONE, tree_files=CARDS,
         keep="etc/directpath/esx.conf"),
    case("forget-other-model", "device forget 03:00.0 --json", "lab", store=SYSTEM + GONE, tree_files=CARDS,
         keep="etc/directpath/esx.conf", schema="device-change"),
    case("forget-dry", "device forget 0000:77:00.0 --dry-run", "lab", store=SYSTEM + GONE, tree_files=CARDS,
         keep="etc/directpath/esx.conf"),
    case("forget-present", "device forget 03:00.0", "lab", store=SYSTEM + GONE, keep="etc/directpath/esx.conf"),
    case("forget-nothing", "device forget 06:00.0 --json", "lab", store=SYSTEM, keep="etc/directpath/esx.conf",
         schema="device-change"),
]


# Another VM that has the NVMe.
def running(name, vmx, title="web\x1b[1m", vmx_sum=None, vnc=None):
    """The state of a VM that runs and has 0000:03:00.0."""
    return json.dumps({
        "version": 1, "id": name, "name": title, "vmx": str(vmx),
        "accel": "kvm", "started": "2026-11-21T02:24:31Z", "vnc": vnc, "uid": 1893728256, "phase": "running",
        "starter": {"pid": 0, "start": 0}, "supervisor": {"pid": 0, "start": 0}, "engine": {"pid": 0, "start": 0},
        "memory": 536870912, "memlock": 1073741824, "vmx_sum": vmx_sum,
        "functions": [{"name": "0000:03:00.0", "index": 0, "slot": 160, "group": 6, "msi_enabled": True, "reset": "flr",
                       "saved": True, "node_uid": 0, "node_gid": 0, "node_mode": 384}]})


RUNNING = {"run/directpath/vm/0123456789abcdef/state.json":
           running("0123456789abcdef", "/vmfs/volumes/store/web/web.vmx")}


# Two VMs in a datastore of the host, and what is registered.
VM_FILE = 'config.version = "8"\ndisplayName = "%s"\nuuid.bios = "56 4d %s"\n'
ONE, TWO = "TREE/vmfs/one.vmx", "TREE/vmfs/two.vmx"
VM_FILES = {"vmfs/one.vmx": VM_FILE % ("one", "aa"), "vmfs/two.vmx": VM_FILE % ("two\x1b[1m", "bb")}
VMS = "etc/directpath/vms.json"


def registered(name, args, *vms, files=VM_FILES, **more):
    """A command about VMs of which @vms are registered: (path, uuid, order[, name])."""
    if "--json" in args:
        more.setdefault("schema", "vm-list" if "list" in args else "vm-register")
    entries = [{"vmx": path, "name": (*rest, "its name")[0], "uuid": uuid, "order": order, "timeout": 60}
               for path, uuid, order, *rest in vms]
    store = {VMS: json.dumps({"version": 1, "vms": entries})} if vms else {}
    return case(name, args, "lab-enabled", tree_files={**files, **store}, **{"keep": VMS, **more})


SERIAL = [("memsize = ", 'serial0.present = "TRUE"\nserial0.fileType = "file"\nserial0.fileName = "out.txt"\n'
           'RemoteDisplay.vnc.password = "secret"\nmemsize = ')]
FIRST, SECOND = ("/vmfs/one.vmx", "56 4d aa", 1), ("/vmfs/two.vmx", "56 4d bb", 2)
REGISTERED = [
    registered("register", f"vm register {ONE}"),
    registered("register-json", f"vm register {ONE} --json"),
    registered("register-again", f"vm register {ONE}", FIRST, SECOND),
    registered("register-again-json", f"vm register {ONE} --json",
               ("/vmfs/one.vmx", "56 4d aa", 1, "one")),
    registered("register-absent", "vm register TREE/vmfs/three.vmx"),
    registered("register-outside", "vm register vm.vmx", vmx=[]),
    registered("register-moved", f"vm register {TWO}", FIRST, ("/vmfs/old/two.vmx", "56 4d bb", 7)),
    registered("register-copy", f"vm register {TWO}", ("/vmfs/one.vmx", "56 4d bb", 7)),
    registered("register-moved-below-a-file", f"vm register {TWO}", FIRST, ("/vmfs/one.vmx/two.vmx", "56 4d bb", 7)),
    registered("register-copy-of-a-pipe", f"vm register {TWO}", ("/vmfs/old.vmx", "56 4d bb", 7), fifo="TREE/vmfs/old.vmx"),
    registered("register-copy-of-no-vmx", f"vm register {TWO}", ("/vmfs/old.vmx", "56 4d bb", 7),
               files={**VM_FILES, "vmfs/old.vmx": "\0" * 64}),
    registered("register-broken", f"vm register {ONE} --json", files={**VM_FILES, VMS: '{"version": 1, "vms": [{}]}'},
               schema="failure"),
    registered("unregister", f"vm unregister {ONE}", FIRST, SECOND),
    registered("unregister-json", f"vm unregister {ONE} --json", FIRST, SECOND),
    registered("unregister-again", f"vm unregister {ONE}", SECOND),
    registered("unregister-gone", "vm unregister TREE/vmfs/gone/vm.vmx", ("/vmfs/gone/vm.vmx", "56 4d cc", 0)),
    registered("unregister-running", f"vm unregister {ONE}", FIRST,
               files={**VM_FILES, "run/directpath/vm/0123456789abcdef/state.json":
                      running("0123456789abcdef", "/vmfs/one.vmx")}),
    registered("autostart-on", f"vm autostart {ONE} on", ("/vmfs/one.vmx", "56 4d aa", 0), SECOND),
    registered("autostart-order-json", f"vm autostart {TWO} on --order 1 --timeout 5 --json", FIRST, SECOND),
    registered("autostart-again-json", f"vm autostart {TWO} on --json", FIRST, SECOND),
    registered("autostart-off", f"vm autostart {TWO} off", FIRST, SECOND),
    registered("autostart-unregistered", f"vm autostart {TWO} on", FIRST),
    registered("autostart-nothing", f"vm autostart {TWO}", FIRST),
    registered("autostart-order-zero", f"vm autostart {TWO} on --order 0", FIRST),
    registered("autostart-all-root", "vm autostart --all", FIRST),
    registered("autostart-all-file", f"vm autostart {ONE} --all", FIRST),
    registered("autostart-off-order", f"vm autostart {TWO} off --order 1", FIRST),
    registered("vm-list-registered", "vm list", FIRST, SECOND, ("/vmfs/gone.vmx", "56 4d cc", 0)),
    registered("vm-list-registered-json", "vm list --json", FIRST, ("/vmfs/gone.vmx", "56 4d cc", 0)),
    registered("vm-list-broken", "vm list", files={VMS: "["}),
    registered("vm-list-no-file", "vm list", files={VMS + "/x": ""}, keep=VMS + "/x"),
    registered("register-no-file-json", f"vm register {ONE} --json", files={**VM_FILES, VMS + "/x": ""}, keep=VMS + "/x",
               schema="failure"),
]

# Lines of every kind: two that are accepted, a bridge, one that the host needs, half a unit, the platform, one that is absent.
ESX_CONF = b"""\
/adv/Misc/HostName = "esx01.example.com"
/device/003:00.0/owner = "passthru"
   /device/000:07.0/owner = "passthru"
/device/0000:04:00.0/owner = "passthru"
/device/001:00.0/owner = "passthru"
/device/000:31.3/owner = "passthru"
/device/000:00.0/owner = "passthru"
/device/119:00.0/owner = "passthru"
/device/002:00.0/owner = "vmkernel"
/device/002:00.0/vmkname = "vmnic0"
/device/119:00.0/vmkname = "vmnic1"
/device/003:00.0/vmkname = "vmhba\x1b[31m"
/devcie/005:01.0/owner = "passthru"
/system/uuid = "473027ac-5705f21d-6d09-000c2918f3dd"
"""
EDGE = b'/device/005:01.0/owner = "passthru"\n'
SAMPLE = (MAPS.parent / "esxconf/bridge-owned.conf").read_bytes()
IMPORT = [
    case("import", "import esx-conf esx.conf", "lab", files={"esx.conf": ESX_CONF}, keep="etc/directpath/esx.conf"),
    case("import-json", "import esx-conf esx.conf --json", "lab", files={"esx.conf": ESX_CONF}, store=SYSTEM + PASSTHRU,
         keep="etc/directpath/esx.conf", schema="import-esx-conf"),
    case("import-yes", "import esx-conf esx.conf --yes", "lab", files={"esx.conf": ESX_CONF}, store="# mine\n",
         keep="etc/directpath/esx.conf"),
    case("import-take-system-id-json", "import esx-conf esx.conf --yes --take-system-id --json", "lab", files={"esx.conf": ESX_CONF},
         store=SYSTEM, keep="etc/directpath/esx.conf", schema="import-esx-conf"),
    case("import-yes-json", "import esx-conf esx.conf --yes --json", "lab", files={"esx.conf": ESX_CONF}, store=SYSTEM,
         keep="etc/directpath/esx.conf", schema="import-esx-conf"),
    case("import-again-json", "import esx-conf TREE/etc/directpath/esx.conf --yes --json", "lab", store=SYSTEM + PASSTHRU,
         keep="etc/directpath/esx.conf", schema="import-esx-conf"),
    case("import-half-unit", "import esx-conf esx.conf --yes", "lab", files={"esx.conf": EDGE},
         keep="etc/directpath/esx.conf"),
    case("import-in-use", "import esx-conf esx.conf --yes", "lab", files={"esx.conf": ESX_CONF}, tree_files=RUNNING,
         store=SYSTEM, keep="etc/directpath/esx.conf"),
    case("import-sample", "import esx-conf esx.conf", "esx-q35", files={"esx.conf": SAMPLE}),
    case("import-no-iommu", "import esx-conf esx.conf --yes", "no-iommu", files={"esx.conf": ESX_CONF},
         keep="etc/directpath/esx.conf"),
    case("import-binary", "import esx-conf esx.conf", "lab", files={"esx.conf": b"/a\x00"}),
    case("import-absent", "import esx-conf nowhere", "lab"),
    case("import-folder", "import esx-conf TREE --json", "lab", schema="failure"),
]


NIC_33 = "".join(f'ethernet0.{key} = "{value}"\n' for key, value in {
    "present": "TRUE", "virtualDev": "e1000", "addressType": "static", "address": "00:50:56:01:02:03",
    "pciSlotNumber": "33"}.items())
ETHERNET = 'ethernet0.present = "TRUE"\nethernet0.virtualDev = "e1000"\nethernet0.networkName = "VM Network"\n' \
           'ethernet0.generatedAddress = "00:0c:29:01:02:03"\n'


DYNAMIC = [("pciPassthru0.id", "# "), ("pciPassthru0.vendorId", "# "),
           ("pciPassthru0.deviceId", 'pciPassthru0.allowedDevices = "0x10de:0x20f1, 0x1b36:0x0010"\n#')]


# The reset of the NVMe failed, in an earlier boot; that of one of two functions behind a bridge in this one.
QUARANTINE = {"etc/directpath/quarantine.json": json.dumps({"version": 1, "functions": {
    "0000:03:00.0": {"vendor": "1b36", "device": "0010", "since": "2026-11-21T02:24:31Z", "boot_id": "another",
                     "reason": "flr reset of 0000:03:00.0: \x1b[31mit did not come back"},
    "0000:04:00.0": {"vendor": "10de", "device": "2204", "since": "2026-11-21T02:24:31Z", "boot_id": "",
                     "reason": "of another card"},
    "0000:05:01.0": {"since": "2026-11-22T02:24:31Z", "boot_id": "", "reason": 7}}})}
BROKEN_QUARANTINE = {"etc/directpath/quarantine.json": "{}"}
QUARANTINED = [
    case("list-quarantined", "device list", "lab-enabled", tree_files=QUARANTINE),
    case("show-quarantined", "device show 03:00.0", "lab-enabled", tree_files=QUARANTINE),
    case("show-quarantined-json", "device show 05:02.0 --json", "lab", tree_files=QUARANTINE, schema="device-show"),
    case("status-quarantined", "host status", "lab-enabled", tree_files=QUARANTINE),
    case("status-quarantined-json", "host status --json", "lab", tree_files=QUARANTINE, store=SYSTEM,
         schema="host-status"),
    case("check-quarantined", "host check", "lab-enabled", tree_files=QUARANTINE),
    case("enable-quarantined", "device enable 03:00.0 --override DP1322", "lab", tree_files=QUARANTINE,
         keep="etc/directpath/esx.conf"),
    case("disable-quarantined", "device disable 03:00.0", "lab-enabled", tree_files=QUARANTINE,
         keep="etc/directpath/esx.conf"),
    case("test-quarantined", "device test 03:00.0 --dry-run", "lab", tree_files=QUARANTINE),
    case("power-on-quarantined", "vm power-on vm.vmx --dry-run", "lab-enabled", vmx=[], tree_files=QUARANTINE),
    case("power-cycled-dry-json", "device reset 03:00.0 --power-cycled --dry-run --json", "lab-enabled",
         tree_files=QUARANTINE, schema="device-reset"),
    case("power-cycled-not-dry", "device reset 05:01.0 --power-cycled --dry-run", "lab-enabled", tree_files=QUARANTINE),
    case("power-cycled-nothing-dry", "device reset 04:00.0 --power-cycled --dry-run", "lab-enabled",
         tree_files=QUARANTINE),
    case("list-quarantine-broken", "device list --quiet", "lab-enabled", tree_files=BROKEN_QUARANTINE),
    case("show-quarantine-broken", "device show 03:00.0", "lab-enabled", tree_files=BROKEN_QUARANTINE),
    case("power-on-quarantine-broken", "vm power-on vm.vmx --dry-run", "lab-enabled", vmx=[], tree_files=BROKEN_QUARANTINE),
]


def validate(name, host="lab-enabled", vmx=(), as_json=False, **more):
    return case(f"validate-{name}", "vm validate vm.vmx" + (" --json" if as_json else ""), host, vmx=list(vmx),
                schema="vm-validate", **more)


def no_file(name, **more):
    return case(f"validate-{name}", "vm validate vm.vmx", "lab-enabled", **more)


NVME = [("pciPassthru0", "# ciPassthru0"), ("pciPassthru1", "# ciPassthru1")]  # two.vmx without its devices
ONE = [("pciPassthru1", "# ciPassthru1")]


def edit(name, args, host="lab-enabled", vmx=(), **more):
    more.setdefault("schema", "vm-edit")
    return case(name, args, host, vmx=list(vmx), diff="vm.vmx", **more)


STATUS_ID = r'(?<="id": ")[0-9a-f]{16}'  # of the path of the VMX


def create(name, args):
    return case(name, args, "lab-enabled", diff="new.vmx", schema="vm-edit", mask="([0-9a-f]{2}[ -]){15}[0-9a-f]{2}")


EDIT = [
    edit("vm-set", "vm set vm.vmx memsize=1024 MEMSIZE=2048"),
    edit("vm-set-json", ["vm", "set", "vm.vmx", "displayName=a|b \"c\" \u00e9", "pciPassthru1.msiEnabled=FALSE", "new.key=", "--json"]),
    edit("vm-set-same-json", "vm set vm.vmx memsize=512 --json"),
    edit("vm-set-dry", "vm set vm.vmx memsize=1024 --dry-run"),
    edit("vm-set-memory-and-reservation", "vm set vm.vmx memsize=1024 sched.mem.minsize=256"),
    edit("vm-set-memory-without-devices", "vm set vm.vmx memsize=1024", vmx=NVME),
    edit("vm-set-secret-json", "vm set vm.vmx RemoteDisplay.vnc.key=c2VjcmV0 --json"),
    edit("vm-set-encoding", ["vm", "set", "vm.vmx", "displayName=\u4e2d"], vmx=[("#!/bin/vmx", '.encoding = "GBK"')]),
    edit("vm-set-not-in-encoding", ["vm", "set", "vm.vmx", "displayName=\u4e2d"],
         vmx=[("#!/bin/vmx", '.encoding = "windows-1252"')]),
    edit("vm-set-no-value", "vm set vm.vmx memsize"),
    edit("vm-set-bad-key", ["vm", "set", "vm.vmx", "mem size=4"]),
    edit("vm-set-running", "vm set vm.vmx memsize=1024", running="vm.vmx"),
    edit("vm-set-broken", "vm set vm.vmx memsize=1024", vmx=[("memsize = ", 'MEMSIZE = "1024"\nmemsize = ')]),
    edit("vm-set-absent", "vm set nowhere.vmx memsize=1024"),
    edit("vm-add", "vm add-device vm.vmx 03:00.0", vmx=NVME),
    edit("vm-add-json", "vm add-device vm.vmx 003:00.0 --json", vmx=NVME),
    edit("vm-add-second", "vm add-device vm.vmx 04:00.0", vmx=ONE),
    edit("vm-add-again-json", "vm add-device vm.vmx 04:00.0 --json"),
    edit("vm-add-dry", "vm add-device vm.vmx 03:00.0 --dry-run", vmx=NVME),
    edit("vm-add-reservation", "vm add-device vm.vmx 03:00.0",
         vmx=NVME + [('sched.mem.minsize = "512"', 'Sched.Mem.MinSize =  "0"   # kept')]),
    edit("vm-add-bridges", "vm add-device vm.vmx 03:00.0",
         vmx=NVME + [("pciBridge", "# ciBridge"), ("sched.mem.minsize", "# ched.mem.minsize")]),
    edit("vm-add-stub", "vm add-device vm.vmx 03:00.0",
         vmx=NVME + [("memsize = ", 'pciPassthru0.present = "FALSE"\npciPassthru0.pciSlotNumber = "-1"\nmemsize = ')]),
    edit("vm-add-running", "vm add-device vm.vmx 03:00.0", vmx=NVME, running="vm.vmx"),
    edit("vm-add-in-use", "vm add-device vm.vmx 03:00.0", vmx=NVME, tree_files=RUNNING),
    edit("vm-add-not-enabled", "vm add-device vm.vmx 03:00.0", host="lab", vmx=NVME, store=SYSTEM),
    edit("vm-add-pending", "vm add-device vm.vmx 03:00.0", host="lab", vmx=NVME, store=SYSTEM + PASSTHRU),
    edit("vm-add-no-system-id", "vm add-device vm.vmx 03:00.0", vmx=NVME, store=PASSTHRU),
    edit("vm-add-twice", "vm add-device vm.vmx 03:00.0", vmx=[("48c4619b", "58c4619b")]),
    edit("vm-add-third", "vm add-device vm.vmx 03:00.0",
         vmx=[("00000:003:00.0", "00000:099:00.0")]),
    edit("vm-add-version-4", "vm add-device vm.vmx 03:00.0",
         vmx=NVME + [('virtualHW.version = "7"', 'virtualHW.version = "4"')]),
    edit("vm-add-limit", "vm add-device vm.vmx 03:00.0", vmx=NVME + [('sched.mem.max = "512"', 'sched.mem.max = "256"')]),
    edit("vm-add-absent", "vm add-device vm.vmx 7f:00.0", vmx=NVME),
    edit("vm-remove", "vm remove-device vm.vmx 0"),
    edit("vm-remove-json", "vm remove-device vm.vmx 1 --json"),
    edit("vm-remove-none-json", "vm remove-device vm.vmx 9 --json"),
    edit("vm-remove-running", "vm remove-device vm.vmx 0", running="vm.vmx"),
    edit("vm-remove-nonsense", "vm remove-device vm.vmx 1x"),
    edit("vm-upgrade-none-json", "vm upgrade vm.vmx --json"),
    edit("vm-upgrade-4", "vm upgrade vm.vmx",
         vmx=[('virtualHW.version = "7"', 'virtualHW.version = "4"'), ("pciBridge", "# ciBridge")]),
    edit("vm-upgrade-by-hand", "vm upgrade vm.vmx", vmx=[("pciBridge", "# ciBridge")]),
    edit("vm-upgrade-bridge5", "vm upgrade vm.vmx", vmx=[("pciBridge5", "# ciBridge5")]),
    edit("vm-upgrade-place-taken", "vm upgrade vm.vmx",
         vmx=[("pciBridge0", "# ciBridge0"), ("scsi0.virtualDev", 'scsi0.pciSlotNumber = "17"\nscsi0.virtualDev')]),
    create("vm-create", "vm create new.vmx"),
    create("vm-create-keys-json", ["vm", "create", "new.vmx", "memsize=2048", "displayName=\u00e9", "ethernet0.present=TRUE",
                                    "ethernet0.startConnected=FALSE", "--json"]),
    create("vm-create-old", "vm create new.vmx virtualHW.version=4"),
    create("vm-create-invalid", "vm create new.vmx memsize=510"),
    create("vm-create-dry", "vm create new.vmx --dry-run"),
    create("vm-create-nowhere", "vm create absent/new.vmx"),
    edit("vm-create-same-json", "vm create vm.vmx memsize=512 --json"),
    edit("vm-create-exists", "vm create vm.vmx memsize=1024"),
    edit("vm-relocate", "vm relocate vm.vmx", vmx=[("48c4619b", "58c4619b")]),
    edit("vm-relocate-yes", "vm relocate vm.vmx --yes", vmx=[("48c4619b", "58c4619b")]),
    edit("vm-relocate-yes-json", "vm relocate vm.vmx --yes --json", schema="vm-relocate",
         vmx=[("48c4619b", "58c4619b"), ("00000:003:00.0", "00000:009:00.0"), ("00000:004:00.0", "004:00.0")]),
    edit("vm-relocate-none-json", "vm relocate vm.vmx --yes --json", schema="vm-relocate"),
    edit("vm-relocate-partly", "vm relocate vm.vmx --yes",
         vmx=[("00000:003:00.0", "00000:009:00.0"), ('"10d3"', '"10d4"')]),
    edit("vm-relocate-absent", "vm relocate vm.vmx --yes", vmx=[('"10d3"', '"10d4"')]),
    edit("vm-relocate-not-enabled", "vm relocate vm.vmx --yes", host="lab", store=SYSTEM),
    edit("vm-relocate-other-card", "vm relocate vm.vmx --yes",
         tree_files=stored_cards(b04={**NIC_CARD, "serial": "00-1b-21-ff-ff-aa-bb-cc", "name": "A NIC"})),
    edit("vm-relocate-in-use", "vm relocate vm.vmx --yes", vmx=[("00000:003:00.0", "00000:009:00.0")],
         tree_files=RUNNING),
    edit("vm-relocate-no-ids", "vm relocate vm.vmx --yes", vmx=[("pciPassthru0.vendorId", "# "), ("48c4619b", "58c4619b")]),
    edit("vm-relocate-kinds", "vm relocate vm.vmx", vmx=[("48c4619b-6d58-18db-2a0e-000423d1e6f6", "BYPASS")]),
    edit("vm-relocate-no-system-id", "vm relocate vm.vmx --yes", store=PASSTHRU),
    edit("vm-relocate-running", "vm relocate vm.vmx --yes", running="vm.vmx"),
    edit("validate-running", "vm validate vm.vmx", running="vm.vmx"),
    edit("validate-same-name", "vm validate vm.vmx", tree_files={
        "run/directpath/vm/0123456789abcdef/state.json": running("0123456789abcdef", "/vmfs/other.vmx", title="RHEL3")}),
    edit("vm-status-changed", "vm status vm.vmx", running="vm.vmx"),
    edit("vm-status-changed-json", "vm status vm.vmx --json", running="vm.vmx", schema="vm-status", mask=STATUS_ID),
    edit("vm-status-unchanged-json", "vm status vm.vmx --json", running="vm.vmx", unchanged=True, schema="vm-status", mask=STATUS_ID),
    edit("vm-upgrade-running", "vm upgrade vm.vmx", running="vm.vmx"),
]


VM = [
    validate("good"),
    validate("good-json", as_json=True),
    validate("not-enabled", host="lab", store=SYSTEM),
    validate("pending", host="lab", store=SYSTEM + PASSTHRU),
    validate("absent-device", vmx=[("00000:003:00.0", "00000:099:00.0")]),
    validate("other-device", vmx=[('"0010"', '"0011"')]),
    validate("other-system", vmx=[("48c4619b", "58c4619b")]),
    validate("same-device-twice",
             vmx=[("00000:004:00.0", "00000:003:00.0"), ('"10d3"', '"0010"'), ('"8086"', '"1b36"')]),
    validate("interface-renamed", vmx=[("memsize = ", NIC_33 + "memsize = ")]),
    validate("interface-renamed-json", as_json=True, vmx=[("memsize = ", NIC_33 + "memsize = ")]),
    validate("dynamic", vmx=DYNAMIC),
    validate("dynamic-none", vmx=[("00000:003:00.0", ""), ("pciPassthru0.id", "pciPassthru0.x"),
                                  ("pciPassthru0.deviceId", 'pciPassthru0.allowedDevices = "0x8086:0x10d3"\n#')]),
    case("power-on-dry-dynamic-json", "vm power-on vm.vmx --dry-run --json", "lab-enabled", vmx=DYNAMIC, schema="vm-plan"),
    validate("shared-line", vmx=[("memsize = ", NIC_33 + 'pciPassthru1.msiEnabled = "FALSE"\nmemsize = '),
                                 ('"33"', '"35"')]),
    validate("old-linux", vmx=[('guestOS = "linux"', 'guestOS = "rhel4"')]),
    *[case(f"refused-{verb}-{kind}", f"vm {verb} vm.vmx --json", "lab-enabled", vmx=edits, schema="failure")
      for verb in ("suspend", "resume", "snapshot", "migrate", "hot-add", "hot-remove")
      for kind, edits in (("passthru", []), ("plain", [('pciPassthru0.present = "TRUE"', 'pciPassthru0.present = "FALSE"'),
                                                       ('pciPassthru1.present = "TRUE"', 'pciPassthru1.present = "FALSE"')]))],
    case("export", "vm export vm.vmx --format libvirt", "lab-enabled", vmx=[], wide=True),
    case("export-json", "vm export vm.vmx --format libvirt --json", "lab-enabled", vmx=[], schema="vm-export"),
    case("export-no-format", "vm export vm.vmx", "lab-enabled", vmx=[]),
    case("export-other-format", "vm export vm.vmx --format ovf", "lab-enabled", vmx=[]),
    case("export-refused", "vm export vm.vmx --format libvirt --json", "lab", vmx=[], schema="failure"),
    validate("hardware-version-4", vmx=[('virtualHW.version = "7"', 'virtualHW.version = "4"')]),
    validate("without-bridges", vmx=[("pciBridge", "# ciBridge")]),
    validate("memory-limit", vmx=[('sched.mem.max = "512"', 'sched.mem.max = "256"')]),
    validate("not-boolean", vmx=[('pciPassthru1.present = "TRUE"', 'pciPassthru1.present = "maybe"')]),
    validate("duplicate-key", vmx=[("memsize = ", 'MEMSIZE = "1024"\nmemsize = ')]),
    validate("no-datastore", tree_files={"etc/directpath/datastores": "other = /srv\n"}),
    validate("strange-datastores", tree_files={"etc/directpath/datastores": "store /srv\nstore = srv\n"}),
    validate("unreadable-datastores", tree_files={"etc/directpath/datastores": b"store = /srv\0\n"}),
    validate("no-network", vmx=[("memsize = ", ETHERNET + "memsize = ")]),
    validate("network", vmx=[("memsize = ", ETHERNET + "memsize = ")],
             tree_files={"etc/directpath/networks": "VM Network = none\n"}),
    case("power-on-dry-network", "vm power-on vm.vmx --dry-run", "lab-enabled", wide=True,
         vmx=[("memsize = ", ETHERNET + "memsize = ")],
         tree_files={"etc/directpath/networks": "VM Network = bridge:br0\n"}),
    validate("unknown-keys", vmx=[("memsize = ", 'frobnicate.level = "9"\nmemsize = ')]),
    validate("hostile-values",
             vmx=[('"RHEL3"', '"a,guest=b |1B[31m \u202e"'), ("memsize = ", "x|0A\u0007y = \"1\"\nmemsize = ")]),
    validate("hostile-values-json", as_json=True, vmx=[('"RHEL3"', '"a,guest=b |1B[31m \u202e"')]),
    validate("no-iommu", host="no-iommu", store=SYSTEM + PASSTHRU),
    validate("no-intremap", host="no-intremap", store=SYSTEM + PASSTHRU),
    validate("no-vfio", host="no-vfio", store=SYSTEM + PASSTHRU),
    validate("no-kvm", host="no-kvm", store=SYSTEM + PASSTHRU),
    no_file("absent-file"),
    no_file("empty", files={"vm.vmx": ""}),
    no_file("truncated", vmx=[('"192"', '"19')], cut=1),
    no_file("binary", files={"vm.vmx": bytes(range(256)) * 64}),
    no_file("huge", sparse={"vm.vmx": 100 << 20}),
    no_file("folder", files={"vm.vmx/x": ""}),
    no_file("fifo", fifo="vm.vmx"),
    case("validate-empty-json", "vm validate vm.vmx --json", "lab-enabled", files={"vm.vmx": ""}, schema="vm-validate"),
    case("power-on-dry", "vm power-on vm.vmx --dry-run", "lab-enabled", vmx=[], wide=True),
    case("power-on-dry-json", "vm power-on vm.vmx --dry-run --json", "lab-enabled", vmx=[], schema="vm-plan"),
    case("power-on-dry-tcg", "vm power-on vm.vmx --dry-run --accel tcg --json", "no-kvm", vmx=[("pciPassthru", "# ")],
         schema="vm-plan"),
    case("power-on-dry-refused", "vm power-on vm.vmx --dry-run --json", "lab", vmx=[], schema="failure"),
    case("power-off-root", "vm power-off vm.vmx", "lab-enabled", vmx=[]),
    case("vm-status-off", "vm status vm.vmx", "lab-enabled", vmx=[]),
    case("vm-status-off-json", "vm status vm.vmx --json", "lab-enabled", vmx=[], schema="vm-status"),
    case("vm-status-absent", "vm status nowhere.vmx", "lab-enabled"),
    case("vm-list", "vm list", "lab-enabled"),
    case("vm-list-json", "vm list --json", "lab-enabled", schema="vm-list"),
    case("vm-log", "vm log vm.vmx", "lab-enabled", vmx=[], files={"directpath.log": b"one\n\x1b[31mtwo\n\xff\n"}),
    case("vm-log-json", "vm log vm.vmx --json", "lab-enabled", vmx=[], files={"directpath.log": "one\n"}, schema="vm-log"),
    case("vm-log-none", "vm log vm.vmx", "lab-enabled", vmx=[]),
    case("vm-list-running", "vm list", "lab-enabled", tree_files=RUNNING),
    case("vm-list-running-json", "vm list --json", "lab-enabled", tree_files=RUNNING, schema="vm-list"),
    *REGISTERED,
    case("console-off", "vm console vm.vmx", "lab-enabled", vmx=[]),
    case("console", "vm console vm.vmx", "lab-enabled", vmx=SERIAL, running="vm.vmx", unchanged=True, vnc="127.0.0.1:5901"),
    case("console-json", "vm console vm.vmx --json", "lab-enabled", vmx=SERIAL, running="vm.vmx", vnc="[::1]:5901",
         schema="vm-console"),
    case("console-none", "vm console vm.vmx", "lab-enabled", vmx=[], running="vm.vmx", unchanged=True),
    case("console-no-file", "vm console vm.vmx", "lab-enabled", vmx=SERIAL, running="vm.vmx", gone=True, vnc="127.0.0.1:5901"),
    case("console-no-file-json", "vm console vm.vmx --json", "lab-enabled", vmx=SERIAL, running="vm.vmx", gone=True,
         vnc="[::1]:5901", schema="vm-console"),
    case("console-no-file-no-display", "vm console vm.vmx", "lab-enabled", vmx=[], running="vm.vmx", gone=True),
    case("console-off-no-file", "vm console nowhere.vmx", "lab-enabled"),
    case("reset-vm-root", "vm reset vm.vmx", "lab-enabled", vmx=[]),
    case("power-on-dry-map", "vm power-on vm.vmx --dry-run --json", "lab-enabled", vmx=[], schema="vm-plan",
         tree_files={"etc/directpath/passthru.map": "1b36 0010 link true\n8086 10d3 d3d0 default\n"}),
    case("list-in-use", "device list", "lab-enabled", tree_files=RUNNING),
    case("show-in-use-json", "device show 03:00.0 --json", "lab-enabled", tree_files=RUNNING, schema="device-show"),
    case("status-in-use", "host status", "lab-enabled", tree_files=RUNNING),
    case("disable-in-use", "device disable 03:00.0", "lab-enabled", tree_files=RUNNING, keep="etc/directpath/esx.conf"),
    case("test-in-use", "device test 03:00.0 --dry-run", "lab-enabled", tree_files=RUNNING),
    case("reset-in-use", "device reset 03:00.0 --dry-run", "lab-enabled", tree_files=RUNNING),
    validate("in-use", tree_files=RUNNING),
    case("validate-host", "vm validate vm.vmx --host TREE --json", "lab-enabled", vmx=[], bare=True, schema="vm-validate"),
    case("validate-host-tar", "vm validate vm.vmx --host host.tar", bare=True, vmx=[], files={"host.tar": "x"}),
    case("list-enabled", "device list", "lab-enabled"),
    case("status-enabled", "host status", "lab-enabled"),
]

CONFS = MAPS.parent / "esxconf"
SAMPLE = {n: (CONFS / f"sample-{n}.conf").read_text() for n in (1, 2)}
SEEDS = [
    case("seed-1-status", "host status", "esx-q35", store=SAMPLE[1]),
    case("seed-1-list", "device list", "esx-q35", store=SAMPLE[1]),
    case("seed-1-behind-a-bridge", "device show 002:00.0", "esx-q35", store=SAMPLE[1]),
    case("seed-1-vmnic0", "device show 000:25.0", "esx-q35", store=SAMPLE[1]),
    case("seed-1-disable-behind-a-bridge", "device disable 002:00.0", "esx-q35", store=SAMPLE[1],
         keep="etc/directpath/esx.conf"),
    case("seed-1-disable-the-bridge", "device disable 001:00.0", "esx-q35", store=SAMPLE[1],
         keep="etc/directpath/esx.conf"),
    case("seed-2-status", "host status", "esx-x8dt", store=SAMPLE[2]),
    case("seed-2-boot-stick", "device enable 000:29.7", "esx-x8dt", store=SAMPLE[2], keep="etc/directpath/esx.conf"),
]


def check_map(path):
    """The map check of a file of tests/data/map, on a host that has 1b36:0010 and 8086:10d3."""
    return case(f"map-{path.stem}", f"map check {path.name}", "lab", files={path.name: path.read_bytes()})


OWN_MAP = {"usr/share/directpath/passthru.map": "1b36 ffff bridge false\n8086 10d3 d3d0 default\n",
           "etc/directpath/passthru.map": "8086 10d3 link default\nffff 0010 flr true\n8086 10d3 d3do true\n",
           "etc/directpath/compatibility": "8086 10d3 suported\n1b36 0010 experimental # the lab's disk\n"}
MAP = [check_map(path) for path in sorted(MAPS.glob("*.map"))] + [
    case("map-effective", "map check", "lab", tree_files=OWN_MAP),
    case("map-effective-json", "map check --json", "lab", tree_files=OWN_MAP, schema="map-check"),
    case("map-none", "map check", "lab"),
    case("map-no-host-json", "map check one.map --json", "empty", files={"one.map": "10de ffff bridge false\n"},
         schema="map-check"),
    case("map-hostile", "map check one.map", "lab",
         files={"one.map": b"8086 10d3 \x1b[31mflr \xe2\x80\xae\n\xff\xfe 1b36 0010 flr true\n"}),
    case("map-binary", "map check one.map", "lab", files={"one.map": b"8086 \x00 10d3"}),
    case("map-absent", "map check nowhere.map --json", "lab", schema="failure"),
    case("map-folder", "map check folder", "lab", files={"folder/x": ""}),
    case("show-own-map-json", "device show 04:00.0 --json", "lab", tree_files=OWN_MAP, schema="device-show"),
    case("show-listed", "device show 03:00.0", "lab", tree_files=OWN_MAP),
]

CASES = USAGE + HOST + DEVICE + OLD_WORDS + LIFE + IMPORT + QUARANTINED + MAP + SEEDS + VM + EDIT
