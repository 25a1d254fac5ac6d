#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs directpath over captured hosts and compares what it prints, and how it ends, with expected/.

    run.py --directpath PROGRAM [--update] [NAME...]
"""
import argparse
import difflib
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import cases  # noqa: E402
import schemas  # noqa: E402

MAKE_TREE = HERE.parent / "data/make-tree.py"
HOSTS = HERE.parent / "data/hosts"
VMX = HERE / "vmx"
LIMIT = 60
VM_ID = re.compile("(?<=directpath/vm/)[0-9a-f]{16}")  # of the path of the VMX
RANDOM_UUID = re.compile("(?<=uuid = \")[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{12}")
VMX_UUID = re.compile("([0-9a-f]{2}[ -]){15}[0-9a-f]{2}")


def link(source, target):
    """A copy that costs nothing; whoever changes the file replaces it."""
    if os.path.islink(source):
        os.symlink(os.readlink(source), target)
    else:
        os.link(source, target)


class Runner:
    def __init__(self, program, work):
        self.program = program
        self.work = pathlib.Path(work)
        self.trees = {}

    def tree(self, host):
        """The pristine tree of @host, made once."""
        if host not in self.trees:
            tree = self.work / "pristine" / host
            if host == "empty":
                tree.mkdir(parents=True)
            else:
                tree.parent.mkdir(exist_ok=True)
                subprocess.run([sys.executable, MAKE_TREE, HOSTS / f"{host}.json", tree], check=True,
                               stdout=subprocess.DEVNULL)
            self.trees[host] = tree
        return self.trees[host]

    def prepare(self, case):
        """A folder to run in: TREE beside the files of the case."""
        folder = self.work / case["name"]
        folder.mkdir()
        if case["host"]:
            tree = self.tree(case["host"])
            if {"store", "keep", "tree_files", "running", "vmx"} & case.keys():
                shutil.copytree(tree, folder / "TREE", symlinks=True, copy_function=link)
            else:
                (folder / "TREE").symlink_to(tree)
            if "store" in case:
                self.put(folder / "TREE/etc/directpath/esx.conf", case["store"])
            if "vmx" in case:
                self.put(folder / "TREE/etc/directpath/datastores", "store = /vmfs/volumes/store\n")
                self.put(folder / "TREE/etc/directpath/networks", "bridged = none\n")
            for name, content in case.get("tree_files", {}).items():
                self.put(folder / "TREE" / name, content)
        if "vmx" in case:
            text = (VMX / "two.vmx").read_text()
            for old, new in case["vmx"]:
                assert old in text, (case["name"], old)
                text = text.replace(old, new)
            self.put(folder / "vm.vmx", text[:len(text) - case.get("cut", 0)])
        if "running" in case:
            vmx = folder / case["running"]
            name = hashlib.sha256(str(vmx).encode()).hexdigest()[:16]
            content = hashlib.sha256(vmx.read_bytes() if case.get("unchanged") else b"").hexdigest()
            self.put(folder / f"TREE/run/directpath/vm/{name}/state.json", cases.running(name, vmx, vmx_sum=content, vnc=case.get("vnc")))
            if case.get("gone"):
                vmx.unlink()
        if "fifo" in case:
            os.mkfifo(folder / case["fifo"])
        for name, content in case.get("files", {}).items():
            self.put(folder / name, content)
        for name, size in case.get("sparse", {}).items():
            with open(folder / name, "wb") as file:
                file.write(b'memsize = "512"\n')
                file.truncate(size)
        return folder

    @staticmethod
    def put(path, content):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    def run(self, case):
        """What happened, as text; and the problems that need no expected file to be seen."""
        folder = self.prepare(case)
        edited = folder / case.get("diff", "vm.vmx")
        before = edited.read_bytes() if edited.is_file() else b""
        args = case["args"] if case.get("bare") else ["--root", "TREE"] + case["args"]
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(folder)}
        env.update({key: value for key, value in os.environ.items() if key.endswith("SAN_OPTIONS")})
        done = subprocess.run([self.program] + args, cwd=folder, env=env, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=LIMIT)
        out, err = (text.decode(errors="backslashreplace").replace(str(folder), "WORK")
                    for text in (done.stdout, done.stderr))
        out = VM_ID.sub("ID", out)
        shown = re.sub(case["mask"], "...", out) if "mask" in case else out
        text = f"$ directpath {' '.join(args)!r}\n" if not " ".join(args).isprintable() else \
            f"$ directpath {' '.join(args)}\n"
        text += f"exit {done.returncode}\n-- stdout\n{shown}-- stderr\n{err}"
        if "keep" in case:
            kept = folder / "TREE" / case["keep"]
            content = kept.read_text() if kept.exists() else "(none)\n"
            text += f"-- {case['keep']}\n{RANDOM_UUID.sub('RANDOM', content)}"
        if "diff" in case:
            text += f"-- {case['diff']}\n{self.diff(before, edited.read_bytes() if edited.is_file() else b'')}"
        return text, self.check(case, done.returncode, out, err)

    @staticmethod
    def diff(before, after):
        """The lines that are gone and those that are new, with their numbers."""
        old, new = (VMX_UUID.sub("RANDOM", text.decode(errors="backslashreplace")).splitlines(True)
                    for text in (before, after))
        lines = list(difflib.unified_diff(old, new, n=0))[2:]
        return "".join(repr(line)[1:-1].removesuffix("\\n") + "\n" for line in lines) or "(unchanged)\n"

    @staticmethod
    def check(case, status, out, err):
        found = []
        if "--json" in case["args"]:
            try:
                name = case.get("schema") if status in (0, 1) else "failure"
                found += schemas.problems(name or "failure", json.loads(out))
            except json.JSONDecodeError as error:
                found.append(f"no JSON: {error}")
            if err:
                found.append("something on standard error beside JSON")
        else:
            found += [f"longer than 80 columns: {line}" for line in out.splitlines() if len(line) > 80
                      and "wide" not in case]
            if status in (1, 2, 3) and "error[DP" not in err:
                found.append("it failed and printed no diagnostic")
        if any(ord(c) < 32 and c != "\n" for c in out + err):
            found.append("a control character in the output")
        return found


def compare(case, text, update):
    path = HERE / "expected" / case["name"]
    if update:
        path.write_text(text)
        return []
    if not path.exists():
        return ["there is no expected file; run with --update and look at it"]
    expected = path.read_text()
    return list(difflib.unified_diff(expected.splitlines(), text.splitlines(), "expected", "got", lineterm=""))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--directpath", required=True)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    chosen = [case for case in cases.CASES if not options.names or case["name"] in options.names]
    failed = 0

    print(f"1..{len(chosen)}")
    with tempfile.TemporaryDirectory(prefix="directpath-golden-") as work:
        runner = Runner(str(pathlib.Path(options.directpath).resolve()), work)
        for number, case in enumerate(chosen, 1):
            text, problems = runner.run(case)
            problems += compare(case, text, options.update)
            failed += bool(problems)
            print(f"{'not ok' if problems else 'ok'} {number} - {case['name']}", flush=True)
            for line in problems:
                print(f"# {line}")
    stale = {path.name for path in (HERE / "expected").iterdir()} - {case["name"] for case in cases.CASES}
    for name in sorted(stale):
        print(f"# expected/{name} belongs to no case")
    return 1 if failed or stale else 0


if __name__ == "__main__":
    sys.exit(main())
