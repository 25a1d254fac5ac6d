#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The published samples of an ESXi host's passthru configuration: its esx.conf on trees of its two machines must give
exactly its owners and names.

    seeds.py --directpath PROGRAM --trees TREES [--seed FILE]      TAP

With --seed the samples kept here are also held against the published text, line by line.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SAMPLES = pathlib.Path(__file__).resolve().parents[1] / "data/esxconf"

# Sample 1: the audio controller by its own line; what is behind the bridges 000:30.0 and 001:00.0 through them.
Q35 = {
    "host": "esx-q35", "conf": "sample-1.conf",
    "passthru": {"0000:00:1b.0": None,
                 "0000:02:00.0": "0000:01:00.0", "0000:02:00.1": "0000:01:00.0", "0000:02:00.2": "0000:01:00.0",
                 "0000:03:00.0": "0000:00:1e.0", "0000:03:01.0": "0000:00:1e.0"},
    "against_own_line": {"0000:02:00.0", "0000:02:00.1", "0000:02:00.2"},
    "names": {"0000:00:19.0": "vmnic0", "0000:00:1f.2": "vmhba0", "0000:00:1f.5": "vmhba1"},
    "not_read": 0,
    # What lspci of ESXi prints: decimal bus, device and function.
    "lspci": """00:00.00 00:02.00 00:03.00 00:03.02 00:03.03 00:25.00 00:26.00 00:26.01 00:26.02 00:26.07 00:27.00 00:28.00
                00:29.00 00:29.01 00:29.02 00:29.07 00:30.00 00:31.00 00:31.02 00:31.03 00:31.05 00:31.06 01:00.00 02:00.00
                02:00.01 02:00.02 03:00.00 03:01.00""",
}
# Sample 2: audio and the bridge 000:30.0; the line of 008:01.0 is misspelt and means nothing, so the bridge has it.
X8DT = {
    "host": "esx-x8dt", "conf": "sample-2.conf",
    "passthru": {"0000:00:1b.0": None, "0000:08:01.0": "0000:00:1e.0", "0000:08:03.0": "0000:00:1e.0",
                 "0000:08:03.1": "0000:00:1e.0"},
    "against_own_line": set(),
    "names": {"0000:00:1f.2": "vmhba0", "0000:00:1f.5": "vmhba1", "0000:06:00.0": "vmnic0", "0000:07:00.0": "vmnic1",
              "0000:08:03.0": "vmnic2", "0000:08:03.1": "vmnic3"},
    "not_read": 1,
    "lspci": None,
}


class Sample:
    def __init__(self, program, trees, want, folder):
        self.program, self.want = program, want
        self.tree = os.path.join(folder, want["host"])
        shutil.copytree(os.path.join(trees, want["host"]), self.tree, symlinks=True)
        os.makedirs(os.path.join(self.tree, "etc/directpath"), exist_ok=True)
        self.conf = os.path.join(self.tree, "etc/directpath/esx.conf")
        shutil.copyfile(SAMPLES / want["conf"], self.conf)
        self.devices = {entry["address"]: entry for entry in self.run("device", "list", "--all")["devices"]}
        self.shown = {name: self.run("device", "show", name)["device"] for name in self.devices
                      if self.devices[name]["owner"] == "passthru"}

    def run(self, *command):
        done = subprocess.run([self.program, "--root", self.tree, "--json", *command], capture_output=True, text=True,
                              timeout=60)
        return json.loads(done.stdout)

    def check_functions(self):
        """Each function that ESXi's lspci lists is there, and no other."""
        wanted = set((self.want["lspci"] or "").split())
        found = {"%02d:%02d.%02d" % tuple(int(part) for part in re.split("[:.]", entry["esx_address"]))
                 for entry in self.devices.values()}
        return [f"{name}: only {'listed' if name in wanted else 'found'}" for name in sorted(wanted ^ found) if wanted]

    def check_owners(self):
        found = {name: entry["owned_through"] for name, entry in self.shown.items()
                 if not entry["class"].startswith("0604")}
        wanted = self.want["passthru"]
        return [f"{name}: passthru through {found.get(name, 'nothing')}, wanted {wanted.get(name, 'nothing')}"
                for name in sorted(set(found) | set(wanted)) if found.get(name, 0) != wanted.get(name, 0)]

    def check_bridge_wins(self):
        noted = {name for name, entry in self.shown.items()
                 if any(diag["id"] == "DP1392" for diag in entry["diagnostics"])}
        return [f"{name}: noted or not, it should be the other" for name in noted ^ self.want["against_own_line"]]

    def check_names(self):
        found = {name: entry["vmkname"] for name, entry in self.devices.items() if entry["vmkname"]}
        return [] if found == self.want["names"] else [f"names: {found}, wanted {self.want['names']}"]

    def check_states(self):
        """What is stored as passthru and still with a driver of the host waits; nothing else does."""
        waiting = {name for name, entry in self.devices.items() if entry["state"] == "reboot-required"}
        return [f"{name}: reboot-required or not, it should be the other"
                for name in waiting ^ set(self.want["passthru"])]

    def check_lines(self):
        """A line that is not read is named; and none of them changes when an owner does."""
        left = [diag for diag in self.run("device", "list")["diagnostics"] if diag["id"] == "DP5002"]
        found = [] if len(left) == self.want["not_read"] else [f"lines not read: {left}"]
        before = pathlib.Path(self.conf).read_text()
        self.run("device", "disable", "00:1b.0")
        after = pathlib.Path(self.conf).read_text()
        expected = before.replace('000:27.0/owner = "passthru"', '000:27.0/owner = "vmkernel"')
        if after.split("\n/system/uuid")[0].rstrip() != expected.rstrip() or before == after:
            found.append("disabling 00:1b.0 changed more or less than its line:\n" + after)
        return found

    def checks(self):
        for name in ("functions", "owners", "bridge_wins", "names", "states", "lines"):
            if name != "functions" or self.want["lspci"]:
                yield f"{self.want['host']}: {name.replace('_', ' ')}", getattr(self, "check_" + name)()


def compare_published(path, wants):
    """The published lines, and only they, in the files here."""
    text = path.read_text()
    for want in wants:
        lines = (SAMPLES / want["conf"]).read_text().splitlines()[1:]
        missing = [line for line in lines if line not in text.splitlines()]
        yield f"published: {want['conf']}", [f"not in the text: {line}" for line in missing]
        if want["lspci"]:
            published = set(re.findall(r"^ *(\d\d:\d\d\.\d\d) ", text.split("Sample 2")[0], re.M))
            yield f"published: lspci of {want['host']}", sorted(published ^ set(want["lspci"].split()))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--directpath", required=True)
    parser.add_argument("--trees", required=True)
    parser.add_argument("--seed", type=pathlib.Path)
    options = parser.parse_args()
    results = []

    with tempfile.TemporaryDirectory(prefix="directpath-seeds-") as folder:
        for want in (Q35, X8DT):
            results += Sample(options.directpath, options.trees, want, folder).checks()
    if options.seed:
        results += compare_published(options.seed, (Q35, X8DT))
    print(f"1..{len(results)}")
    for number, (name, problems) in enumerate(results, 1):
        print(f"{'not ok' if problems else 'ok'} {number} - {name}")
        for line in problems:
            print(f"# {line}")
    return 1 if any(problems for _, problems in results) else 0


if __name__ == "__main__":
    sys.exit(main())
