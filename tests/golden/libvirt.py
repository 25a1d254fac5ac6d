#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What vm export prints, against libvirt itself: its schema, and its test driver, which defines the domain and gives it
back; and against the plan: every function at the address that the guest sees here.

    libvirt.py --directpath PROGRAM --trees TREES      TAP
"""
import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

HERE = pathlib.Path(__file__).resolve().parent
SCHEMA = "/usr/share/libvirt/schemas/domain.rng"
SAMPLE = (HERE / "vmx/two.vmx").read_text()

EXTRA = "".join(f'{line}\n' for line in (
    'ethernet0.present = "TRUE"', 'ethernet0.virtualDev = "e1000"', 'ethernet0.addressType = "static"',
    'ethernet0.address = "00:50:56:01:02:03"', 'ethernet0.pciSlotNumber = "33"', 'ethernet0.startConnected = "FALSE"',
    'ethernet1.present = "TRUE"', 'ethernet1.virtualDev = "vmxnet3"', 'ethernet1.addressType = "static"',
    'ethernet1.address = "00:50:56:01:02:04"', 'ethernet1.networkName = "LAN"',
    'usb.present = "TRUE"', 'ehci.present = "TRUE"', 'usb_xhci.present = "TRUE"', 'usb_xhci:4.present = "TRUE"',
    'usb_xhci:4.deviceType = "hid"', 'sound.present = "TRUE"', 'sound.virtualDev = "hdaudio"',
    'sata0.present = "TRUE"', 'nvme0.present = "TRUE"', 'scsi1.present = "TRUE"', 'scsi1.virtualDev = "pvscsi"',
    'serial1.present = "TRUE"', 'serial1.fileType = "thinprint"', 'floppy0.present = "TRUE"',
    'uuid.bios = "56 4d 8a 0c 1b 2d 3e 4f-50 61 72 83 94 a5 b6 c7"', 'hypervisor.cpuid.v0 = "FALSE"'))

SAS = "".join(f'{line}\n' for line in (
    'scsi0:1.present = "TRUE"', 'scsi0:1.fileName = "/vmfs/volumes/store/rhel3/second.vmdk"', 'scsi0:1.virtualSSD = "1"',
    'scsi0:5.present = "TRUE"', 'scsi0:5.deviceType = "cdrom-raw"', 'scsi1.present = "TRUE"', 'scsi1.virtualDev = "pvscsi"',
    'scsi1:0.present = "TRUE"', 'scsi1:0.fileName = "/vmfs/volumes/store/rhel3/third.vmdk"'))

# name: replacements in the sample, lines added, diagnostics that are said of the export
CASES = {
    "the sample": ([], "", {"DP3371"}),
    "every kind of device": ([('numvcpus', '# numvcpus')], EXTRA + 'numvcpus = "4"\ncpuid.coresPerSocket = "2"\n',
                             {"DP3370", "DP3371"}),
    "a name with XML in it": ([('"RHEL3"', '"a/b <x/> & \'q\' |22"')], "", {"DP3371"}),
    "a conventional bus": ([('pciPassthru1.present', 'pciPassthru1.virtualDev = "pci"\npciPassthru1.present'),
                            ('pciPassthru1.pciSlotNumber = "192"', 'pciPassthru1.pciSlotNumber = "34"')], "", {"DP3371"}),
    "EFI": ([('guestOS = "linux"', 'guestOS = "debian12-64"')], 'firmware = "efi"\npciPassthru.64bitMMIOSizeGB = "128"\n', {"DP3371"}),
    "EFI with secure boot": ([('guestOS = "linux"', 'guestOS = "windows9-64"')],
                             'firmware = "efi"\nuefi.secureBoot.enabled = "TRUE"\n', {"DP3371"}),
    "SAS disks, one solid, and a drive": ([('"lsilogic"', '"lsisas1068"')], SAS, {"DP3371"}),
    "SAS in place of lsilogic": ([('guestOS = "linux"', 'guestOS = "debian12-64"')], SAS + 'hpet0.present = "TRUE"\n', {"DP3371"}),
    "a solid disk on SATA": ([], 'sata0.present = "TRUE"\nsata0:3.present = "TRUE"\nsata0:3.virtualSSD = "1"\n'
                             'sata0:3.fileName = "/vmfs/volumes/store/rhel3/third.vmdk"\n', {"DP3371"}),
    "huge pages": ([], "", {"DP3371"}),
    "without devices": ([("pciPassthru", "# ")], "", {"DP3371"}),
}


def run(*command):
    return subprocess.run(command, capture_output=True, text=True)


def host(trees, folder):
    """The made host whose devices are enabled, with what stands for ESX's datastores and networks."""
    tree = f"{folder}/host"
    shutil.copytree(f"{trees}/lab-enabled", tree, symlinks=True)
    for name, line in (("datastores", "store = /vmfs/volumes/store"), ("networks", "LAN = bridge:br0")):
        pathlib.Path(tree, "etc/directpath", name).write_text(line + "\n")
    return tree


def address(element):
    at = {key: int(value, 16) for key, value in element.attrib.items() if key in ("domain", "bus", "slot", "function")}
    return f"{at['domain']:04x}:{at['bus']:02x}:{at['slot']:02x}.{at['function']:x}"


def problems(options, folder, name):
    changes, extra, expected = CASES[name]
    text = SAMPLE
    for old, new in changes:
        text = text.replace(old, new)
    vmx = folder / "vm.vmx"
    vmx.write_text(text + extra)
    command = [options.directpath, "--root", options.tree, "--json", "vm", "export", str(vmx),
               "--format", "libvirt"]
    done = run(*command)
    document = json.loads(done.stdout)
    if done.returncode != 0:
        yield f"exit status {done.returncode}: {document}"
        return
    said = {diag["id"] for diag in document["diagnostics"]} & {"DP3370", "DP3371"}
    if said != expected:
        yield f"{sorted(said)} is said, and {sorted(expected)} expected"
    path = folder / "vm.xml"
    path.write_text(document["text"])
    for tool in (("xmllint", "--noout", "--relaxng", SCHEMA, str(path)),
                 ("virsh", "-q", "-c", "test:///default", f"define {path} --validate; dumpxml --inactive " +
                  "'" + xml.etree.ElementTree.fromstring(document["text"]).findtext("name").replace("'", "'\\''") + "'")):
        result = run(*tool)
        if result.returncode != 0:
            yield f"{tool[0]}: {result.stderr}"
    yield from placement(options, vmx, document["text"])
    yield from same_machine(options, vmx, document["text"])


def same_machine(options, vmx, text):
    """What the guest is told of its disks and its clock, and which pages hold its memory, against the plan's arguments."""
    argv = json.loads(run(options.directpath, "--root", options.tree, "--json", "vm", "power-on", "--dry-run",
                          str(vmx)).stdout)["engine"]
    domain = xml.etree.ElementTree.fromstring(text)
    values = [(option, value) for option, value in zip(argv, argv[1:]) if option.startswith("-")]
    devices = [json.loads(value) for option, value in values if option == "-device"]
    drives = [device for device in devices if device["driver"] in ("scsi-hd", "scsi-cd", "ide-hd", "ide-cd")]
    planned = [(device.get("wwn"), device.get("rotation_rate")) for device in drives]
    seen = []
    for disk in domain.iterfind("devices/disk"):
        wwn, rate = disk.findtext("wwn"), disk.find("target").get("rotation_rate")
        seen.append((wwn and int(wwn, 16), rate and int(rate)))
    if seen[:len(planned)] != planned:
        yield f"wwn and rotation rate of the drives are {seen}, and the plan has {planned}"
    sas = {device["id"] for device in devices if device["driver"] == "mptsas1068"}
    on_sas = [device["bus"].split(".")[0] in sas for device in drives]
    if [wwn is not None for wwn, _ in seen[:len(planned)]] != on_sas:
        yield f"the drives of {sorted(sas)} have a wwn, and no others: {seen}"
    machine = next(value for option, value in values if option == "-machine" and value.startswith("q35,"))
    timer = domain.find("clock/timer[@name='hpet']")
    hpet = re.search(",hpet=(on|off)", machine).group(1)
    if timer is None or timer.get("present") != {"on": "yes", "off": "no"}[hpet]:
        yield f"the plan has hpet={hpet}, and the XML another"
    sizes = [json.loads(value)["hugetlbsize"] for option, value in values if option == "-object" and "hugetlbsize" in value]
    pages = [int(page.get("size")) * 1024 for page in domain.iterfind("memoryBacking/hugepages/page")]
    if pages != sizes or (options.huge and not pages):
        yield f"pages of {pages} bytes, and the plan has {sizes}"


def placement(options, vmx, text):
    """Each passed-through function behind the same bridge and at the same place as in the plan."""
    plan = json.loads(run(options.directpath, "--root", options.tree, "--json", "vm", "validate",
                          str(vmx)).stdout)
    domain = xml.etree.ElementTree.fromstring(text)
    buses = {controller.get("index"): address(controller.find("address"))
             for controller in domain.iter("controller")
             if controller.get("type") == "pci" and controller.find("address") is not None}
    seen = {}
    for device in domain.iter("hostdev"):
        at = device.find("address")
        bridge = buses.get(str(int(at.get("bus"), 16)))
        seen[address(device.find("source/address"))] = (bridge, int(at.get("slot"), 16))
    bridges = [source.get("bridge") for source in domain.iterfind("devices/interface[@type='bridge']/source")]
    if bridges != ["br0"] * ("ethernet1" in vmx.read_text()):
        yield f"interfaces are ports of {bridges}"
    for entry in plan["passthrough"]:
        found = re.fullmatch(r"pciBridge\d+ \(([0-9a-f.:]+)\) device ([0-9a-f]+)\.0", entry["guest_address"])
        if seen.get(entry["address"]) != (f"0000:{found.group(1)}", int(found.group(2), 16)):
            yield f"{entry['address']} is at {seen.get(entry['address'])}, not {entry['guest_address']}"
    if len(seen) != len(plan["passthrough"]):
        yield f"{len(seen)} functions, not {len(plan['passthrough'])}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--directpath", required=True)
    parser.add_argument("--trees", required=True)
    options = parser.parse_args()
    print(f"1..{len(CASES)}")
    failed = False
    for number, name in enumerate(CASES, 1):
        with tempfile.TemporaryDirectory() as folder:
            options.tree = host(options.trees, folder)
            options.huge = name == "huge pages"
            if options.huge:
                pool = pathlib.Path(options.tree, "sys/kernel/mm/hugepages/hugepages-2048kB")
                pool.mkdir(parents=True)
                (pool / "free_hugepages").write_text("256\n")
            wrong = list(problems(options, pathlib.Path(folder), name))
        for line in wrong:
            print("#", line.replace("\n", "\n# "))
        print("not ok" if wrong else "ok", number, "-", name, flush=True)
        failed = failed or bool(wrong)
    sys.exit(failed)


if __name__ == "__main__":
    main()
