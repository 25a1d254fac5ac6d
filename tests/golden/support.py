#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`host support` over a host that is full of secrets: none is in the tar, and what a helper needs is.

    support.py --directpath PROGRAM
"""
import argparse
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import cases  # noqa: E402
import compared  # noqa: E402
import schemas  # noqa: E402

# What must not be in the bundle: {what it is: its spellings}. Each is planted below, or by make-tree.py.
SECRETS = {
    "host name": ["kaperle", "kaperle.hafen.example", "hafen.example"],
    "other hosts": ["speicherhaus", "nachbarin", "10.77.1.9", "2001:db8:77::9", "aussen.example"],
    "user names": ["hubertus", "Zweifel", "ldapina", "schichtleiter"],
    "passwords": ["geheimnis1", "geheimnis2", "geheimnis3", "geheimnis4", "geheimnis5"],
    "MACs": ["00:50:56:aa:bb:01", "00-50-56-aa-bb-01", "005056aabb01", "0c:c4:7a:aa:bb:02", "0cc47aaabb02",
             "52:54:00:5e:c7:e7", "5254005ec7e7", "0cc47aaabb03"],
    "systemId": ["48c4619b-6d58-18db-2a0e-0cc47aaabb03", "48c4619b-6d5818db-2a0e-0cc47aaabb03"],
    "serial numbers": ["S5GXNX0T777777", "CZJ7770042", "BRD7770042", "wd-7770042", "eui.0025388777700421",
                       "5000c50077700421", "7770042c0ffee7770042c0ffee777004", "SERIAL-5EC7E7", "5ec7e700", "VPD7770042",
                       "5e-c7-e7-00-5e-c7-e7-00"],
    "names of VMs": ["Buchhaltung", "buchungen", "rechnung", "verschollen", "Lagerhalle"],
    "uuid.bios": ["56 4d 77 70", "564d7770"],
}
BINARY = {"Device Serial Number": bytes.fromhex("00e7c75e00e7c75e")}

VMX = """#!/usr/bin/vmware
# for schichtleiter, password geheimnis4
displayName = "Buchhaltung 2"
annotation = "ask hubertus, geheimnis4"
guestOS = "debian12-64"
virtualHW.version = "11"
memsize = "512"
numvcpus = "2"
scsi0.present = "TRUE"
scsi0.virtualDev = "pvscsi"
scsi0:0.present = "TRUE"
scsi0:0.fileName = "rechnung.vmdk"
ethernet0.present = "TRUE"
ethernet0.virtualDev = "vmxnet3"
ethernet0.address = "00:50:56:aa:bb:01"
ethernet0.networkName = "VM Network"
guestinfo.hostname = "nachbarin"
guestinfo.secret.of.it = "geheimnis5"
RemoteDisplay.vnc.enabled = "TRUE"
RemoteDisplay.vnc.password = "geheimnis1"
uuid.bios = "56 4d 77 70 04 2c 0f fe-e7 77 00 42 c0 ff ee 77"
serialNumber = "wd-7770042"
pciPassthru0.present = "TRUE"
pciPassthru0.id = "00000:003:00.0"
pciPassthru0.vendorId = "0x1b36"
pciPassthru0.deviceId = "0x10"
pciPassthru0.systemId = "48c4619b-6d58-18db-2a0e-0cc47aaabb03"
pciPassthru0.pciSlotNumber = "160"
"""
FOLDER = "vmfs/volumes/store/buchungen"
LOG = """2026-11-27T20:00:00.000Z Buchhaltung 2: /vmfs/volumes/store/buchungen/buchungen.vmx
2026-11-27T20:00:00.001Z 0000:03:00.0: reset before the guest got it: flr
2026-11-27T20:00:00.002Z qemu-system-x86_64 {"driver":"vmxnet3","mac":"00:50:56:aa:bb:01","netdev":"n0"}
2026-11-27T20:00:00.003Z {"driver":"nvme","serial":"S5GXNX0T777777"} password=geheimnis2
2026-11-27T20:00:00.004Z tap of 00-50-56-aa-bb-01, for ldapina's /home/ldapina/x; ssh schichtleiter@aussen.example
2026-11-27T20:00:00.005Z the server 10.77.1.9 or [2001:db8:77::9] on speicherhaus.hafen.example does not answer
2026-11-27T20:00:00.006Z kaperle: the guest ended, status 0, run ID
"""
KMSG = """6,1,100000,-;Linux version 6.1.0-28-amd64 (debian-kernel@lists.debian.org)
6,2,100001,-;Command line: root=/dev/x intel_iommu=on rd.luks.key=geheimnis3
6,3,200002,-;DMAR: IOMMU enabled
 SUBSYSTEM=pci
4,4,300003,-;vfio-pci 0000:03:00.0: not ready 1023ms after FLR; waiting
6,5,400004,-;usb 1-1: SerialNumber: wd-7770042
3,6,500005,-;DMAR: [DMA Read] Request device [03:00.0] of kaperle, nic 0c:c4:7a:aa:bb:02
"""
FILES = {
    "proc/sys/kernel/hostname": "kaperle\n",
    "etc/hostname": "kaperle.hafen.example\n",
    "etc/hosts": "127.0.0.1 localhost\n10.77.1.9 speicherhaus nachbarin\n",
    "etc/resolv.conf": "search hafen.example\nnameserver 10.77.1.9\n",
    "etc/os-release": 'NAME="Debian GNU/Linux"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    "etc/passwd": "root:x:0:0:root:/root:/bin/bash\nhubertus:x:1000:1000:Hubertus Zweifel,,,:/home/hubertus:/bin/sh\n"
                  "schichtleiter:x:1001:1001::/home/schichtleiter:/bin/sh\n",
    "etc/machine-id": "7770042c0ffee7770042c0ffee777004\n",
    "run/systemd/sessions/7": "USER=ldapina\nREMOTE=1\nREMOTE_HOST=10.77.1.9\n",
    "run/udev/data/b8:0": "E:ID_SERIAL_SHORT=CZJ7770042\nE:ID_WWN=0x5000c50077700421\n",
    "sys/class/dmi/id/product_serial": "CZJ7770042\n",
    "sys/class/dmi/id/board_serial": "BRD7770042\n",
    "sys/class/nvme/nvme9/serial": "S5GXNX0T777777      \n",
    "sys/class/net/lo/address": "00:00:00:00:00:00\n",
    "sys/class/net/eth0/address": "0c:c4:7a:aa:bb:02\n",
    "etc/directpath/esx.conf": '/device/003:00.0/owner = "passthru"\n'
                               '/system/uuid = "48c4619b-6d5818db-2a0e-0cc47aaabb03"\n'
                               '/net/pnic/child[0000]/mac = "0c:c4:7a:aa:bb:02"\n/adv/Password = "geheimnis3"\n',
    "etc/directpath/passthru.map": "# hubertus says geheimnis4 of kaperle\n1b36 0010 flr default # geheimnis4\n",
    "etc/directpath/datastores": "store = /vmfs/volumes/store\nold = /srv/kaperle/old\n",
    "etc/directpath/networks": "VM Network = none\n",
    "etc/directpath/devices.json": json.dumps({"version": 1, "devices": {"0000:03:00.0": {
        "vendor": "1b36", "device": "0010", "serial": "5e-c7-e7-00-5e-c7-e7-00", "mac": "0c:c4:7a:aa:bb:02",
        "name": "Optane of hubertus"}}}),
    "var/lib/directpath/last-good.json": json.dumps({"any": [{"serial": "BRD7770042", "mac": "0c:c4:7a:aa:bb:02"}]}),
    "var/lib/directpath/vms": f"/{FOLDER}/buchungen.vmx\n",
    "etc/directpath/vms.json": json.dumps({"version": 1, "vms": [
        {"vmx": f"/{FOLDER}/buchungen.vmx", "name": "Buchhaltung 2", "uuid": "56 4d 77 70 04 2c 0f fe-e7 77 00 42 c0 ff ee 77"},
        {"vmx": "/srv/verschollen/lagerhalle.vmx", "name": "Lagerhalle", "uuid": None}]}),
    "dev/kmsg": KMSG,
    f"{FOLDER}/buchungen.vmx": VMX,
    f"{FOLDER}/directpath.log": LOG,
    f"{FOLDER}/directpath-1.log": "2026-11-26T20:00:00.000Z eui.0025388777700421 the run before\n",
}


def put(tree, name, content):
    path = tree / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def plant(tree):
    run = hashlib.sha256(f"/{FOLDER}/buchungen.vmx".encode()).hexdigest()[:16]
    for name, content in FILES.items():
        put(tree, name, content.replace("run ID", f"run {run}"))
    state = cases.running(run, f"/{FOLDER}/buchungen.vmx", "Buchhaltung 2", hashlib.sha256(VMX.encode()).hexdigest())
    put(tree, f"run/directpath/vm/{run}/state.json", state)
    put(tree, "sys/bus/pci/devices/0000:03:00.0/vpd", b"\x82\x04\x00Disk\x90\x0d\x00SN\x0aVPD7770042\x78")
    # Debian's installer calls a volume group after the host.
    dm = tree / "sys/class/block/dm-0/dm/name"
    dm.write_text("kaperle--vg-root\n")
    for name in ("proc/self/mountinfo", "proc/cmdline"):
        text = (tree / name).read_text().replace("vg-root", "kaperle--vg-root")
        if name.endswith("mountinfo"):
            text += "99 1 0:41 / /home/hubertus/Mein\\040Laufwerk rw - nfs speicherhaus.hafen.example:/x rw,addr=10.77.1.9\n"
        put(tree, name, text)
    return run


def holds(folder):
    """All that is in @folder, as bytes: names, targets, contents."""
    parts = []
    for path in sorted(folder.rglob("*")):
        parts.append(str(path.relative_to(folder)).encode())
        if path.is_symlink():
            parts.append(str(path.readlink()).encode())
        elif path.is_file():
            parts.append(path.read_bytes())
    return b"\n".join(parts)


def found(blob):
    lower = blob.lower()
    return {what: spelling for what, spellings in SECRETS.items() for spelling in spellings
            if spelling.lower().encode() in lower} | {what: "bytes" for what, raw in BINARY.items() if raw in blob}


# Spellings that occur on the host in another form only: what makes them look alike is the mask's business.
DERIVED = {"5ec7e700", "564d7770", "00-50-56-aa-bb-01", "005056aabb01", "0cc47aaabb02", "5e-c7-e7-00-5e-c7-e7-00", "48c4619b-6d58-18db-2a0e-0cc47aaabb03"}


def judge(program, work):
    tree, out, bundle = work / "host", work / "out", work / "support.tar"
    subprocess.run([sys.executable, HERE.parent / "data/make-tree.py", HERE.parent / "data/hosts/lvm.json", tree],
                   check=True, stdout=subprocess.DEVNULL)
    with_dsn = work / "dsn"
    subprocess.run([sys.executable, HERE.parent / "data/make-tree.py", HERE.parent / "data/hosts/lab.json", with_dsn],
                   check=True, stdout=subprocess.DEVNULL)
    # A function with a Device Serial Number, in the place of the other host's.
    for path in sorted(with_dsn.glob("sys/devices/pci*/**/config")):
        raw = path.read_bytes()
        if BINARY["Device Serial Number"] in raw:
            put(tree, "sys/bus/pci/devices/0000:05:00.0/config", raw)
            break
    run = plant(tree)

    def directpath(*words):
        return subprocess.run([program, *words], capture_output=True, text=True, cwd=work, timeout=60)

    planted = holds(tree).lower()
    missing = [spelling for spellings in SECRETS.values() for spelling in spellings
               if spelling.lower().encode() not in planted and spelling not in DERIVED]
    yield "every secret is planted", missing + [what for what, raw in BINARY.items() if raw not in holds(tree)], []
    before = hashlib.sha256(holds(tree)).hexdigest()
    done = directpath("--root", str(tree), "host", "support", str(bundle), "--json")
    yield "the command ends well", (done.returncode, done.stderr), (0, "")
    document = json.loads(done.stdout)
    yield "its document is as described", schemas.problems("host-support", document), []
    yield "and says what was written", (document["bytes"], document["vms"], document["diagnostics"]), \
        (bundle.stat().st_size, 1, [])
    yield "the host is as before", hashlib.sha256(holds(tree)).hexdigest() == before, True
    yield "nobody else may read it", oct(bundle.stat().st_mode & 0o777), oct(0o600)
    yield "no secret is in the bytes of the tar", found(bundle.read_bytes()), {}
    with tarfile.open(bundle) as tar:
        tar.extractall(out)
    yield "nor in the files", found(holds(out)), {}

    text = {str(path.relative_to(out)): path.read_text(errors="replace") for path in out.rglob("support/**/*")
            if path.is_file()}
    yield "the parts are there", sorted(text), sorted(
        ["support/README", "support/about.json", "support/device-list.json", "support/host-check.json",
         "support/host-drift.json", "support/host-status.json", "support/kernel.log", "support/map-check.json",
         "support/vm-list.json", "support/vm/1/vm.vmx", "support/vm/1/directpath.log", "support/vm/1/directpath-1.log"])
    for name in ("device-list", "host-check", "host-status", "map-check", "vm-list"):
        yield f"{name}.json is as the command's", schemas.problems(name, json.loads(text[f"support/{name}.json"])), []
    about = json.loads(text["support/about.json"])
    yield "versions", (about["version"], about["kernel"], about["distribution"], about["live"]), \
        (directpath("--version").stdout.split()[1], "6.1.0-28-amd64", "Debian GNU/Linux 12 (bookworm)", False)

    kernel = text["support/kernel.log"]
    yield "the kernel's lines, and no others", [line.split("] ", 1)[1][:34] for line in kernel.splitlines()], \
        ["DMAR: IOMMU enabled", "vfio-pci 0000:03:00.0: not ready 1", "DMAR: [DMA Read] Request device [0"]
    yield "with their times", kernel.splitlines()[0], "[0.200002] DMAR: IOMMU enabled"
    log = text["support/vm/1/directpath.log"].splitlines()
    yield "the log's lines", len(log), len(LOG.splitlines())
    yield "what is no secret stays in it", log[1], LOG.splitlines()[1]
    yield "the run's id stays", log[-1].endswith(f"status 0, run {run}"), True
    vmx = text["support/vm/1/vm.vmx"]
    kept = dict(re.findall(r'^(\S+) = "(.*)"$', vmx, re.M))
    yield "keys stay on their lines", vmx.splitlines()[VMX.splitlines().index('memsize = "512"')], 'memsize = "512"'
    yield "passthrough entries stay", [kept[f"pciPassthru0.{key}"] for key in ("id", "vendorId", "deviceId")], \
        ["00000:003:00.0", "0x1b36", "0x10"]
    yield "of a disk the kind of file", kept["scsi0:0.fileName"][-5:], ".vmdk"
    yield "of the rest that there is something", [kept[key] for key in ("annotation", "RemoteDisplay.vnc.password")], \
        ["(masked)", "(masked)"]
    conf = (out / "etc/directpath/esx.conf").read_text()
    uuid = re.search('uuid = "(.*)"', conf).group(1)
    yield "VMX and store still name one systemId", kept["pciPassthru0.systemId"].replace("-", ""), uuid.replace("-", "")

    mine, theirs = (json.loads(directpath("--root", str(place), "device", "list", "--all", "--json").stdout)
                    for place in (tree, out))
    facts = [[(d["address"], d["state"], d["owner"], d["driver"], d["unit"], [x["id"] for x in d["diagnostics"]])
              for d in listing["devices"]] for listing in (mine, theirs)]
    yield "the bundle is a host for --root, with the same verdicts", facts[1], facts[0]
    yield "and one with a running VM in it", [d["state"] for d in theirs["devices"] if d["address"] == "0000:03:00.0"], \
        ["in-use"]


def check_unreadable(program, work):
    """Logs that are links, and a host without a kernel's log: told or left out, never followed."""
    tree, bundle = work / "bare", work / "bare.tar"
    for name in ("sys/bus/pci/devices", "proc", "vms"):
        (tree / name).mkdir(parents=True)
    put(tree, "etc/shadow", "root:geheimnis1:1::::::\n")
    put(tree, "var/lib/directpath/vms", "/vms/a.vmx\n/absent/b.vmx\n")
    put(tree, "vms/a.vmx", 'memsize = "4"\n')
    (tree / "vms/directpath.log").symlink_to("/etc/shadow")
    (tree / "vms/directpath-1.log").hardlink_to(tree / "etc/shadow")
    done = subprocess.run([program, "--root", tree, "host", "support", bundle], capture_output=True, text=True, timeout=60)
    yield "a bare host is bundled, too", done.returncode, 0
    yield "a log that is a link is not followed", b"geheimnis1" in bundle.read_bytes(), False
    yield "what is missing is told with its remedy", \
        re.findall(r"^(note\[DP9013\] host: what the kernel|  remedy: run 'host support' as root)", done.stderr, re.M), \
        ["note[DP9013] host: what the kernel", "  remedy: run 'host support' as root"]
    nowhere = subprocess.run([program, "--root", tree, "host", "support", work / "absent/x.tar"], capture_output=True,
                             text=True, timeout=60)
    yield "a folder that is not there is told", (nowhere.returncode, "error[DP9005]" in nowhere.stderr), (1, True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--directpath", required=True)
    program = str(pathlib.Path(parser.parse_args().directpath).resolve())
    with tempfile.TemporaryDirectory(prefix="directpath-support-") as work:
        return compared.report([*judge(program, pathlib.Path(work)), *check_unreadable(program, pathlib.Path(work))])


if __name__ == "__main__":
    sys.exit(main())
