#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What is installed for the boot: the hook and script of initramfs-tools, the units and the rule of udev.

    bootfiles.py --data FOLDER     where meson has made them
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

PROGRAM = "/usr/bin/directpath"
STORE = '/device/003:00.0/owner = "passthru"\n'
# The scripts of Debian's packages that name no other, and one that comes after udev.
INIT_TOP = ["all_generic_ide", "blacklist", "console_setup", "framebuffer", "keymap", "plymouth", "udev"]
STUB_FUNCTIONS = """
copy_file() { [ -f "$2" ] || return 2; [ -e "$DESTDIR/${2##*/}" ] && return 1; cp "$2" "$DESTDIR/${2##*/}"; }
copy_exec() { echo "$1" >>"$DESTDIR/programs"; }
"""


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60, **options)


def with_paths(text, paths, folder):
    """A copy of the script @text in @folder with other paths in it; each of them has to be there."""
    for old, new in paths.items():
        assert old in text, old
        text = text.replace(old, str(new))
    script = folder / "script"
    script.write_text(text)
    script.chmod(0o755)
    return script


def hook(text, folder, files):
    """What a run of the hook copies, with these @files in the store."""
    store, made = folder / "store", folder / "made"
    for path in (store, made):
        path.mkdir()
    for name, content in files.items():
        (store / name).write_bytes(content)
    functions = folder / "hook-functions"
    functions.write_text(STUB_FUNCTIONS)
    script = with_paths(text, {"/etc/directpath": store, "/usr/share/initramfs-tools/hook-functions": functions}, folder)
    done = run("sh", "-e", script, env={"DESTDIR": str(made), "PATH": os.environ["PATH"]})
    assert done.returncode == 0 and not done.stderr, done
    programs = made / "programs"
    copied = {path.name for path in made.iterdir()} - {"programs"}
    return copied, programs.read_text().split() if programs.exists() else []


def check_hook(data):
    text = (data / "initramfs-hook").read_text()
    rows = [
        ({}, set(), []),
        ({"esx.conf": b'/device/003:00.0/owner = "vmkernel"\n'}, set(), []),
        ({"esx.conf": STORE.encode()}, {"esx.conf"}, [PROGRAM]),
        ({"esx.conf": STORE.encode(), "devices.json": b"{}", "passthru.map": b"x"}, {"esx.conf", "devices.json"}, [PROGRAM]),
        ({"quarantine.json": b"{}"}, {"quarantine.json"}, [PROGRAM]),
        ({"esx.conf": os.urandom(65536)}, set(), []),
        ({"esx.conf": STORE.encode() * 300000}, set(), [PROGRAM]),  # larger than is read
    ]
    for files, copied, programs in rows:
        with tempfile.TemporaryDirectory() as folder:
            assert hook(text, pathlib.Path(folder), files) == (copied, programs), (list(files), copied)
    assert run("sh", data / "initramfs-hook", "prereqs").stdout == "\n"


def check_order(data):
    """initramfs-tools: pairs of each script with itself and with those it names, through tsort."""
    assert run("sh", data / "00-directpath", "prereqs").stdout == "\n"
    names = sorted(INIT_TOP + ["00-directpath"])
    pairs = "".join(f"{name} {name}\n" for name in names) + "udev zz-after-udev\n"
    order = subprocess.run(["tsort"], input=pairs, capture_output=True, text=True, check=True).stdout.split()
    assert order[0] == "00-directpath", order


def check_script(data):
    """Whatever the program does, the script ends well; with directpath=off it is not even run. The mark says that it did all."""
    text = (data / "00-directpath").read_text()
    rows = [
        ("exit 0", "quiet", True),
        ("exit 3", "", True),
        ("kill -SEGV $$", "ro quiet", True),
        ("exit 0", "quiet directpath=off", False),
        ("exit 0", "directpath=offline", True),
    ]
    for body, cmdline, runs in rows:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            program, words, said, state = folder / "program", folder / "cmdline", folder / "said", folder / "run"
            program.write_text(f"#!/bin/sh\necho \"$@\" >{said}\n{body}\n")
            program.chmod(0o755)
            words.write_text(cmdline + "\n")
            script = with_paths(text, {PROGRAM: program, "/proc/cmdline": words, "/run/directpath": state}, folder)
            assert run("sh", "-e", script).returncode == 0, body
            assert (state / "claimed").exists() == (runs and body == "exit 0"), (body, cmdline)
            assert said.exists() == runs, (body, cmdline)
            assert not runs or said.read_text() == "--quiet device apply --early\n", said.read_text()
            program.unlink()
            assert run("sh", "-e", script).returncode == 0


def check_mark(data):
    """The mark stays only where the store on the mounted root is the copy's, byte by byte."""
    text = (data / "initramfs-bottom").read_text()
    rows = [
        ({"esx.conf": STORE}, {"esx.conf": STORE}, True),
        ({"esx.conf": STORE, "devices.json": "{}"}, {"esx.conf": STORE, "devices.json": "{}", "vms.json": "x"}, True),
        ({"esx.conf": STORE}, {}, False),
        ({"esx.conf": STORE}, {"esx.conf": STORE * 2}, False),
        ({"esx.conf": STORE}, {"esx.conf": STORE, "quarantine.json": "[]"}, False),
        ({"esx.conf": STORE, "devices.json": "{}"}, {"esx.conf": STORE}, False),
        ({"esx.conf": STORE}, {"esx.conf": "\x01" * 65536}, False),
    ]
    for copy, stored, stays in rows:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            root, store, state = folder / "root", folder / "store", folder / "run"
            for path, files in ((store, copy), (root / str(store).lstrip("/"), stored)):
                path.mkdir(parents=True)
                for file, content in files.items():
                    (path / file).write_text(content)
            script = with_paths(text, {"/etc/directpath": store, "/run/directpath": state}, folder)
            environment = {"rootmnt": str(root), "PATH": os.environ["PATH"]}
            assert run("sh", "-e", script, env=environment).returncode == 0
            assert not state.exists(), "without a mark none is made"
            state.mkdir()
            (state / "claimed").touch()
            assert run("sh", "-e", script, env=environment).returncode == 0
            assert (state / "claimed").exists() == stays, (copy, stored)
    assert run("sh", data / "initramfs-bottom", "prereqs").stdout == "\n"


def keys_of(unit):
    found = {}
    for line in unit.read_text().splitlines():
        if line and line[0] not in "#[":
            key, value = line.split("=", 1)
            found.setdefault(key, []).append(value)
    return found


def assert_no_target_waits(unit):
    """A target comes after what it wants, unless that has no default dependencies (systemd.target(5))."""
    assert unit["DefaultDependencies"] == ["no"] and unit["Before"] == unit["Conflicts"] == ["shutdown.target"], unit
    assert {"sysinit.target", "basic.target"} <= set(" ".join(unit["After"]).split()), unit


def check_units(data):
    early, apply, hotplug = (keys_of(data / f"directpath-{name}.service") for name in ("early", "apply", "hotplug@"))
    for unit in (early, apply, hotplug):
        assert unit["Type"] == ["oneshot"], unit
        assert unit["ConditionPathExists"][0] == "/etc/directpath/esx.conf", unit
        assert " device apply" in unit["ExecStart"][0] and PROGRAM in unit["ExecStart"][0], unit
        assert "Requires" not in unit and "RequiredBy" not in unit, unit  # nothing hangs on it
    assert int(early["TimeoutStartSec"][0]) <= 60, early  # udev waits for it
    for unit in (apply, hotplug):  # the command's own deadlines count: the wait for the store's lock may be longer than any here
        assert unit["TimeoutStartSec"] == ["infinity"], unit
    assert early["Before"][0].split() == ["systemd-modules-load.service", "systemd-udev-trigger.service"], early
    assert early["DefaultDependencies"] == ["no"], early
    assert early["ExecStart"][0].endswith(" --early"), early
    assert early["ConditionPathExists"][1:] == ["!/run/directpath/claimed"] and len(apply["ConditionPathExists"]) == 1
    assert apply["WantedBy"] == ["multi-user.target"], apply
    assert_no_target_waits(apply)
    for word in ("Wants", "After"):  # nobody can tell what the network needs before it is up
        assert "network-online.target" in " ".join(apply[word]).split(), apply
    for unit in (apply, hotplug):  # supervisors of VMs, and what waits for a driver, outlive the command
        assert unit["KillMode"] == ["process"], unit


def check_rule(data):
    text = (data / "60-directpath.rules").read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    labels = set(re.findall(r'GOTO="([^"]+)"', text))
    assert labels == set(re.findall(r'LABEL="([^"]+)"', text)), labels
    for line in lines:
        assert re.fullmatch(r'(?:[A-Z]+(?:\{[A-Za-z_]+\})?(?:==|!=|\+=|=)"[^"]*"(?:, )?)+', line), line
    assert 'ENV{SYNTH_UUID}=="?*", GOTO="directpath_end"' in lines, "the coldplug is the boot's"
    assert (data / "directpath-hotplug@.service").exists() and "directpath-hotplug@$kernel.service" in text


def check_vm_units(data):
    """The virtual machines start after their devices are theirs, and are asked before anything that they need goes."""
    guard, start = (keys_of(data / f"directpath-{name}.service") for name in ("vms", "autostart"))
    assert guard["ExecStop"] == [f"{PROGRAM} vm shut-down --all"] and guard["ExecStart"] == ["/bin/true"], guard
    assert start["ExecStart"] == [f"{PROGRAM} vm autostart --all"] and "ExecStop" not in start, start
    for unit in (guard, start):
        assert unit["Type"] == ["oneshot"] and unit["RemainAfterExit"] == ["yes"], unit  # else it is never stopped
        assert unit["KillMode"] == ["process"] and unit["WantedBy"] == ["multi-user.target"], unit
        assert "Requires" not in unit and "RequiredBy" not in unit, unit
    assert guard["TimeoutStopSec"] == ["infinity"] and start["TimeoutStartSec"] == ["infinity"]
    assert not [key for key in guard if key.startswith(("Condition", "Assert"))], guard  # one that is skipped is not stopped
    assert "remote-fs.target" in " ".join(guard["After"]).split()
    assert "directpath-apply.service" not in " ".join(guard["After"]).split(), "multi-user.target waits for this one"
    assert {"directpath-vms.service", "directpath-apply.service"} <= set(" ".join(start["After"]).split())
    assert_no_target_waits(start)
    watch = keys_of(data / "directpath-vm@.service")
    assert watch["ExecStart"][0].endswith("/directpath/directpath-supervisor %i") and "WantedBy" not in watch, watch
    assert watch["Before"] == watch["Wants"] == ["directpath-vms.service"] and watch["RefuseManualStop"] == ["yes"], watch


CHECKS = [check_hook, check_order, check_script, check_mark, check_units, check_vm_units, check_rule]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=pathlib.Path, required=True)
    args = parser.parse_args()
    failed = 0
    print(f"1..{len(CHECKS)}")
    for number, check in enumerate(CHECKS, 1):
        try:
            check(args.data)
            print(f"ok {number} - {check.__name__[6:]}")
        except AssertionError as error:
            print(f"# {error}\nnot ok {number} - {check.__name__[6:]}")
            failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
