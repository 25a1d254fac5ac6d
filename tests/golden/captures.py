#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Another host's capture as an archive: --host answers as its unpacked folder does; what no capture holds is refused.

    captures.py --directpath PROGRAM --trees TREES      TAP
"""
import argparse
import io
import json
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import schemas  # noqa: E402

SAMPLE = (HERE / "vmx/two.vmx").read_text()
EFI = SAMPLE + 'firmware = "efi"\n'


class Place:
    def __init__(self, program, trees, folder):
        self.program, self.trees, self.folder = program, trees, folder
        self.unpacked = folder / "tmp"  # where archives are unpacked: empty again afterwards
        self.unpacked.mkdir()

    def run(self, *words, status=0):
        done = subprocess.run([self.program, "--json", *map(str, words)], capture_output=True, text=True, timeout=120,
                              env={**os.environ, "TMPDIR": str(self.unpacked)})
        assert done.returncode == status, f"{words}: {done.returncode}: {done.stdout[-1500:]}"
        left = list(self.unpacked.iterdir())
        assert not left, f"{left} is left"
        return json.loads(done.stdout)

    def tree(self, name="lab-enabled"):
        tree = self.folder / "host"
        shutil.copytree(f"{self.trees}/{name}", tree, symlinks=True)
        (tree / "etc/directpath").mkdir(parents=True, exist_ok=True)
        (tree / "etc/directpath/datastores").write_text("store = /vmfs/volumes/store\n")
        return tree

    def capture(self, tree):
        archive = self.folder / "host.tar"
        self.run("--root", tree, "host", "capture", archive)
        return archive

    def vmx(self, text=SAMPLE):
        path = self.folder / "vm.vmx"
        path.write_text(text.replace("/vmfs/volumes/store/", ""))
        return path

    def validate(self, host, text=SAMPLE, status=0, *more):
        report = self.run("vm", "validate", self.vmx(text), "--host", host, *more, status=status)
        problems = list(schemas.problems("vm-validate", report))
        assert not problems, problems
        return report


def answers(report):
    return {check["check"]: check["answer"] for check in report["host"]["checks"]}


def ids(report):
    return {diag["id"] for diag in report["diagnostics"]}


def test_archive_and_folder(place):
    """The archive, what tar(1) makes of it, and what other writers make of the folder."""
    archive = place.capture(place.tree())
    folder = place.folder / "again"
    folder.mkdir()
    subprocess.run(["tar", "-C", folder, "-xf", archive], check=True)
    wanted = place.validate(folder)
    assert wanted["valid"] and answers(wanted) == {
        "pciPassthru0": "yes", "pciPassthru1": "yes", "memory": "yes", "addresses": "yes", "firmware": "yes",
        "processor": "yes", "files": "unknown"}, wanted["host"]
    assert place.validate(archive) == wanted
    for kind in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        other = place.folder / f"other-{kind}.tar"
        with tarfile.open(other, "w", format=kind) as out:
            out.add(folder, ".")
        assert place.validate(other) == wanted, kind


def test_long_names(place):
    """Names and links longer than a header has room for."""
    tree = place.tree()
    deep = tree / "sys" / "d" / "/".join(["e" * 60] * 5)
    deep.mkdir(parents=True)
    (deep / "link").symlink_to("../" * 40 + "f" * 120)
    for kind in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        archive = place.folder / f"long-{kind}.tar"
        with tarfile.open(archive, "w", format=kind) as out:
            out.add(tree, ".")
        assert answers(place.validate(archive))["pciPassthru0"] == "yes"


def test_other_hosts(place):
    """What is in the way there is said, and where: a device that is not there, memory, KVM, firmware."""
    tree = place.tree()
    report = place.validate(place.capture(tree), SAMPLE.replace("00000:003:00.0", "00000:099:00.0"), 1)
    assert answers(report)["pciPassthru0"] == "no" and answers(report)["pciPassthru1"] == "yes", report["host"]
    report = place.validate(place.capture(tree), SAMPLE.replace('"512"', '"524288"'), 1)
    assert answers(report)["memory"] == "no" and "DP4001" in ids(report), report["host"]
    (tree / "proc/cpuinfo").write_text((tree / "proc/cpuinfo").read_text().replace(": fpu", ": no").replace(" svm", "")
                                       .replace(" vmx", ""))
    report = place.validate(place.capture(tree), SAMPLE, 1)
    assert answers(report)["processor"] == "no" and "DP1110" in ids(report), report["host"]
    assert answers(place.validate(place.capture(tree), SAMPLE, 0, "--accel", "tcg"))["processor"] == "yes"


def test_address_bits(place):
    """A processor whose addresses end before the BARs do."""
    tree = place.tree()
    cpuinfo = tree / "proc/cpuinfo"
    lines = [line for line in cpuinfo.read_text().splitlines() if not line.startswith("address sizes")]
    cpuinfo.write_text("\n".join(["address sizes\t: 32 bits physical, 48 bits virtual", *lines]) + "\n")
    (tree / "proc/meminfo").write_text("MemTotal: 99999999 kB\nMemAvailable: 99999999 kB\n")
    report = place.validate(place.capture(tree), SAMPLE.replace('"512"', '"4096"'), 1)
    assert answers(report)["addresses"] == "no" and "DP3173" in ids(report), report["host"]
    assert [diag["remedy"] for diag in report["diagnostics"] if diag["id"] == "DP3173"][0].startswith("give the VM less")


def test_firmware(place):
    """A capture says whether guests can have EFI there; one that was not asked does not know."""
    tree = place.tree()
    assert answers(place.validate(place.capture(tree), EFI))["firmware"] == "unknown"
    folder = tree / "usr/share/OVMF"
    folder.mkdir(parents=True)
    report = place.validate(place.capture(tree), EFI, 1)
    assert answers(report)["firmware"] == "no" and "DP3180" in ids(report), report["host"]
    for name in ("CODE_4M.fd", "VARS_4M.fd", "CODE_4M.ms.fd", "VARS_4M.ms.fd"):
        (folder / f"OVMF_{name}").write_text("")
    report = place.validate(place.capture(tree), EFI)
    assert answers(report)["firmware"] == "yes" and "DP3180" not in ids(report), report["host"]


def test_relocate(place):
    """Proposals for the other host, and written for it before the VM is moved."""
    archive = place.capture(place.tree())
    text = SAMPLE.replace("48c4619b", "58c4619b")
    vmx = place.vmx(text)
    report = place.run("vm", "relocate", vmx, "--host", archive)
    assert [entry["result"] for entry in report["entries"]] == ["proposed"] * 2, report["entries"]
    assert "58c4619b" in vmx.read_text()
    place.run("vm", "relocate", vmx, "--host", archive, "--yes")
    assert "58c4619b" not in vmx.read_text() and vmx.read_text().count("48c4619b") == 2
    assert place.run("vm", "validate", vmx, "--host", archive)["valid"]


def member(name, kind=tarfile.REGTYPE, link="", data=b""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, len(data)
    return info, data


def archive_of(*members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def renumbered(data, size):
    """The first header with another size, in any bytes, and the checksum that fits."""
    header = bytearray(data[:512])
    header[124:136] = size
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + data[512:]


GOOD = archive_of(member("sys/a", data=b"x" * 600))
HOSTILE = {
    "a name with ..": archive_of(member("sys/../../x")),
    "a name from the root": archive_of(member("/etc/x")),
    "a name with an empty part": archive_of(member("sys//x")),
    "a name with a control character": archive_of(member("sys/\x1b[31m")),
    "no name": archive_of(member("")),
    "a device node": archive_of(member("dev/kvm", tarfile.CHRTYPE)),
    "a FIFO": archive_of(member("proc/cpuinfo", tarfile.FIFOTYPE)),
    "a hard link": archive_of(member("a"), member("b", tarfile.LNKTYPE, "/etc/passwd")),
    "an unknown type": archive_of(member("a", b"V")),
    "a file twice": archive_of(member("a"), member("a")),
    "a file within a file": archive_of(member("a"), member("a/b")),
    "a link twice": archive_of(member("a", tarfile.SYMTYPE, "b"), member("a", tarfile.SYMTYPE, "/")),
    "a link below a link": archive_of(member("a", tarfile.SYMTYPE, "/tmp"), member("a/b", tarfile.SYMTYPE, "c")),
    "a link to nothing": archive_of(member("a", tarfile.SYMTYPE, "")),
    "nothing": b"",
    "no archive": b"#!/bin/vmx\n" * 200,
    "a damaged checksum": GOOD[:100] + b"1" + GOOD[101:],
    "cut in a header": GOOD[:300],
    "cut in a file": GOOD[:900],
    "cut before its end": GOOD[:1536],
    "a file of eight gigabytes": renumbered(GOOD, b"77777777777\0"),
    "a size in binary": renumbered(GOOD, b"\x80" + b"\0" * 10 + b"\1"),
    "a size with other digits": renumbered(GOOD, b"00000001289\0"),
}


def test_links_lead_nowhere(place):
    """Links out of the folder are made and never followed: the file outside is neither read nor written."""
    outside = place.folder / "outside"
    outside.mkdir()
    (outside / "cmdline").write_text("secret\n")
    tree = place.tree()
    with tarfile.open(place.folder / "x.tar", "w") as out:
        for info, data in (member("proc", tarfile.SYMTYPE, str(outside)), member("proc/meminfo", data=b"MemTotal: 1 kB\n")):
            out.addfile(info, io.BytesIO(data))
        out.add(tree / "sys", "sys")
    report = place.run("vm", "validate", place.vmx(), "--host", place.folder / "x.tar", status=1)
    assert "DP9014" in ids(report) and sorted(os.listdir(outside)) == ["cmdline"], report
    with tarfile.open(place.folder / "y.tar", "w") as out:
        out.addfile(member("proc", tarfile.SYMTYPE, str(outside))[0])
        out.add(tree / "sys", "sys")
    report = place.validate(place.folder / "y.tar", SAMPLE, 1)
    assert answers(report)["addresses"] == "unknown", report["host"]
    assert (outside / "cmdline").read_text() == "secret\n"


def test_hostile(place):
    for name, data in HOSTILE.items():
        archive = place.folder / "bad.tar"
        archive.write_bytes(data)
        report = place.run("vm", "validate", place.vmx(), "--host", archive, status=1)
        found = [diag for diag in report["diagnostics"] if diag["id"] == "DP9014"]
        assert len(found) == 1 and found[0]["subject"] == str(archive), f"{name}: {report['diagnostics']}"
        assert "host capture" in found[0]["remedy"], name


def test_no_capture(place):
    """What is neither a file nor a folder, and what is not there."""
    os.mkfifo(place.folder / "fifo")
    for path in (place.folder / "fifo", "/dev/null", place.folder / "absent"):
        report = place.run("vm", "validate", place.vmx(), "--host", path, status=1)
        assert "DP9014" in ids(report), report["diagnostics"]


def stranger_file(part, _):
    part.write_text("")
    part.chmod(0o666)
    if os.geteuid() == 0:
        os.chown(part, 65534, 65534)


def test_a_part_of_somebody_else(place):
    """In the place where the file is written until it is whole: neither taken over nor written through."""
    tree, other = place.tree(), place.folder / "other"
    ways = {"file": stranger_file, "symbolic link": lambda part, other: part.symlink_to(other),
            "hard link": lambda part, other: part.hardlink_to(other), "dangling link": lambda part, _: part.symlink_to("none")}
    for verb in ("capture", "support"):
        for way, put in ways.items():
            archive, part = place.folder / "host.tar", place.folder / "host.tar.part"
            other.write_text("untouched")
            other.chmod(0o644)
            put(part, other)
            place.run("--root", tree, "host", verb, archive)
            found = archive.lstat()
            assert stat.S_ISREG(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o600, f"{verb}, {way}: {found}"
            assert found.st_uid == os.geteuid() and found.st_nlink == 1 and found.st_size > 1024, f"{verb}, {way}: {found}"
            assert other.read_text() == "untouched" and stat.S_IMODE(other.stat().st_mode) == 0o644, f"{verb}, {way}"
            assert not os.path.lexists(part) and not (place.folder / "none").exists(), f"{verb}, {way}"
            archive.unlink()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--directpath", required=True)
    parser.add_argument("--trees", required=True)
    options = parser.parse_args()
    tests = [(name, call) for name, call in sorted(globals().items()) if name.startswith("test_")]
    print(f"1..{len(tests)}")
    failed = False
    for number, (name, call) in enumerate(tests, 1):
        words, error = name.removeprefix("test_").replace("_", " "), None
        with tempfile.TemporaryDirectory() as folder:
            try:
                call(Place(os.path.abspath(options.directpath), options.trees, pathlib.Path(folder)))
            except (AssertionError, OSError, subprocess.SubprocessError) as problem:
                error = problem
                print("#", str(problem).replace("\n", "\n# "))
        print("ok" if error is None else "not ok", number, "-", words, flush=True)
        failed = failed or error is not None
    sys.exit(failed)


if __name__ == "__main__":
    main()
