#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The commands in the documentation, read from it and run.

    pages.py --directpath PROGRAM

A command is a line of a block marked `sh` in a page of docs/ or the README, or a line of an example in a man page. Each page is one
session on a host of its own, here a captured one, where what acts on a running machine has to refuse with DP9003; on the emulated
host `tests/lab/pages.py` runs them all as they stand. A line may end in `# exit status N` (or `any`); it is 0 unless said.
Commands that are named within sentences are looked up with their options.
"""
import argparse
import json
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "tests/data"
PAGES = ["README.md", *sorted(f"docs/{path.name}" for pattern in ("*.md", "*.[0-9]") for path in (ROOT / "docs").glob(pattern))]
# What shows a command that is no step of a session, and the test that runs it: {command: (file, words in it)}.
ELSEWHERE = {
    "./demo": ("check", "./demo >"),
    "./check": ("check", "usage: ./check"),
    "./package": ("tests/package.sh", "./package $options --to build/packages"),
    "sudo apt install ./dist/directpath_*.deb ./dist/cockpit-directpath_*.deb": ("tests/lab/page_host.py", '"dpkg", "-i", *paths'),
    "lab/run": ("check", 'lab/run --lane "$2" --topology "$3" --timeout "$5" -- '),
    "directpath --root /mnt device disable 0000:01:00.0": ("tests/lab/debian_recovery.py", "for line in the_way_back()"),
    "for name in dev proc sys; do mount": ("tests/lab/debian_recovery.py", "for line in the_way_back()"),
    "chroot /mnt update-initramfs": ("tests/lab/debian_recovery.py", "for line in the_way_back()"),
    "docs/make-json.py": ("tests/golden/docs.py", "docs/make-json.py"),
    "docs/make-keys.py": ("tests/golden/docs.py", "docs/make-keys.py"),
}


def blocks(text):
    """The lines of blocks marked `sh`; those of examples in mdoc."""
    for block in re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S):
        yield from block.splitlines()
    if ".Sh EXAMPLES" in text:
        examples = text[text.index(".Sh EXAMPLES"):].split("\n.Sh ")[1 if text.startswith(".Sh EXAMPLES") else 0]
        for block in re.findall(r"^\.Bd -literal[^\n]*\n(.*?)^\.Ed$", examples, re.M | re.S):
            yield from block.splitlines()


def commands(page):
    """(command, wanted status or None for any) of a page, in order."""
    for line in blocks((ROOT / page).read_text()):
        command, _, comment = line.partition(" #")
        status = re.search(r"exit status (\d+|any)", comment)
        if command.strip():
            yield command.strip(), 0 if status is None else None if status.group(1) == "any" else int(status.group(1))


def bare_lines(page):
    """Lines of other blocks that look like commands, to be listed in ELSEWHERE."""
    text = re.sub(r"^```.*?^```$", "", (ROOT / page).read_text(), flags=re.M | re.S)
    for line in re.findall(r"^ {4,}(\S.*)$", text, re.M):
        if re.match(r"(sudo |chroot |for |directpath (--root \S+ )?[a-z]+ [a-z-]+( [^ ]|$)|\./(demo|check|package)|lab/run|apt|docs/make)", line):
            yield line


def mentioned(page):
    """Commands within sentences: their words."""
    text = re.sub(r"^```.*?^```$", "", (ROOT / page).read_text(), flags=re.M | re.S)
    for span in re.findall(r"`([^`\n]+)`", text):
        words = span.removeprefix("sudo ").removeprefix("directpath ").split()
        if span.startswith(("directpath ", "sudo directpath ")) or \
                re.match(r"(host|device|vm|map|import|esxcli|vsish|esxcfg-module|explain) [a-z-]+", span) and "=" not in words[1]:
            yield span, words


def check_mentioned(table, page):
    """A command that is named exists, with the options that it is named with."""
    options = {entry["command"]: {option["name"] for option in entry["options"]} for entry in table["commands"]}
    common = {option["name"] for option in table["common_options"]}
    for span, words in mentioned(page):
        given = {word.split("=")[0] for word in words if word.startswith("--")}
        plain = []
        for position, word in enumerate(words):
            if not word.startswith("--") and not (position and words[position - 1] in ("--root", "--host")):
                plain.append(word)
        if plain[:1] == ["COMMAND"]:
            continue
        names = [name for name in options if plain[:len(name.split())] == name.split()]
        groups = [name for name in options if name.split()[:len(plain)] == plain]
        if not names and not groups and plain:
            yield f"{page}: `{span}`: no such command"
        elif names and given - common - options[max(names, key=len)]:
            yield f"{page}: `{span}`: no such option"
        elif not names and given - common:
            yield f"{page}: `{span}`: no such option"


class Session:
    """A captured host in a folder, and the files that the pages name."""
    # The emulated host's addresses, and what is like them on the captured one.
    ALIKE = {"0000:02:00.0": "0000:04:00.0", "0000:04:00.0": "0000:02:00.0", "0000:07:01.0": "0000:05:01.0",
             "0000:07:02.0": "0000:05:02.0", "/002:00.0/": "/004:00.0/"}
    LIVE = r"directpath (vm (power-on|power-off|shut-down|reset)|device (reset|test|apply|confirm))\b"

    def __init__(self, program, tree, work):
        self.work, self.tree = work, work / "TREE"
        shutil.copytree(tree, self.tree, symlinks=True)
        wrapper = work / "bin/directpath"
        wrapper.parent.mkdir()
        wrapper.write_text(f'#!/bin/sh\ncase " $* " in *" --root "*) exec {program} "$@";; esac\n'
                           f'exec {program} --root {self.tree} "$@"\n')
        wrapper.chmod(0o755)
        for folder in ("root/esx", "tmp", "vmfs/volumes/store/web", "TREE/etc/directpath"):
            (work / folder).mkdir(parents=True, exist_ok=True)
        (work / "vmfs/volumes/store/web/web.vmx").write_text((ROOT / "tests/golden/vmx/two.vmx").read_text())
        (work / "root/esx/esx.conf").write_text(self.here(ESX_CONF))
        (work / "root/esx/passthru.map").write_text(ESX_MAP)

    def here(self, text):
        """With this host's addresses, and below the folder of this session."""
        text = re.sub("|".join(map(re.escape, self.ALIKE)), lambda found: self.ALIKE[found.group()], text)
        text = re.sub(r"(?<![\w./])/(vmfs|root|tmp)(?=/)", rf"{self.work}/\1", text)
        return text.replace("/etc/directpath", f"{self.tree}/etc/directpath").replace("tar -C / ", f"tar -C {self.tree} ")

    def run(self, command):
        words = self.here(re.sub(r"\bsudo ", "", command))
        return subprocess.run(["sh", "-c", words], cwd=self.work, capture_output=True, text=True, timeout=60,
                              env={"PATH": f"{self.work}/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"})

    def problem(self, command, wanted):
        """What is wrong with @command, or None."""
        done = self.run(command)
        live = re.search(self.LIVE, command) and "--dry-run" not in command
        if live and not (done.returncode == 1 and "DP9003" in done.stderr):
            return f"{command}: should act on the running machine only, but: {done.returncode} {done.stderr}"
        if " vm " in command and done.returncode in (0, 1):
            return None  # its disks are not here
        if not live and wanted is not None and done.returncode != wanted:
            return f"{command}: exit status {done.returncode}, not {wanted}\n{done.stdout}{done.stderr}"
        return None


ESX_CONF = """/adv/Misc/HostName = "esx.example"
/device/000:31.2/vmkname = "vmhba0"
/device/002:00.0/owner = "passthru"
/device/003:00.0/owner = "passthru"
/device/001:00.0/owner = "vmkernel"
/system/uuid = "48c4619b-6d5818db-2a0e-000423d1e6f6"
"""
ESX_MAP = """# vendor device resetMethod fptShareable
8086 10fb d3d0 default
1b36 0010 flr default
14e4 164e default false
"""


def elsewhere(line):
    """The entry of ELSEWHERE for @line holds."""
    if line.startswith("sudo apt-get install "):  # what ./check and ./package install, for the same purpose
        wanted = set(re.findall(r"^build (\S+)$", (ROOT / "tools/packages").read_text(), re.M)) - {"libc6-dev"}
        return set(line.split()[3:]) == wanted | {"qemu-system-x86", "ovmf"}
    for command, (file, words) in ELSEWHERE.items():
        if line.startswith(command):
            return words in (ROOT / file).read_text()
    return False


def checks(program, work):
    table = json.loads(subprocess.run([program, "help", "--json"], check=True, capture_output=True).stdout)
    tree = work / "lab"
    subprocess.run([sys.executable, DATA / "make-tree.py", DATA / "hosts/lab.json", tree], check=True, stdout=subprocess.DEVNULL)
    wrong, seen = [], 0
    for page in PAGES:
        wrong += check_mentioned(table, page)
        seen += len(list(mentioned(page)))
    yield f"commands within sentences exist, with their options ({seen})", wrong if seen > 100 else ["too few"]
    yield "blocks that are no sessions are run by another test", \
        [f"{page}: {line}" for page in PAGES for line in bare_lines(page) if not elsewhere(line)]
    for page in PAGES:
        steps = list(commands(page))
        if steps:
            folder = work / page.replace("/", "-")
            folder.mkdir()
            session = Session(program, tree, folder)
            yield f"{page}: {len(steps)} commands", [said for said in (session.problem(*step) for step in steps) if said]
    for page in ("README.md", "docs/from-esx.md", "docs/devices.md", "docs/troubleshooting.md", "docs/security.md",
                 "docs/directpath.1", "docs/directpath-formats.5"):
        yield f"{page} has commands", [] if list(commands(page)) else ["none were found"]
    targets = {page: re.findall(r"\]\(([\w./-]+?)(?:#[\w-]+)?\)", (ROOT / page).read_text()) for page in PAGES}
    yield "links lead somewhere", [f"{page}: {target}" for page, names in targets.items() for target in names
                                   if not ((ROOT / page).parent / target).exists()]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--directpath", required=True)
    program = shlex.quote(str(pathlib.Path(parser.parse_args().directpath).resolve()))
    failed = number = 0
    with tempfile.TemporaryDirectory(prefix="directpath-pages-") as work:
        for number, (what, problems) in enumerate(checks(program, pathlib.Path(work)), 1):
            failed += bool(problems)
            print(f"{'not ok' if problems else 'ok'} {number} - {what}", flush=True)
            for line in "\n".join(problems).splitlines():
                print(f"# {line}")
    print(f"1..{number}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
