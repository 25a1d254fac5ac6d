# SPDX-License-Identifier: GPL-2.0-or-later
"""What refuses a power-on, or is only warned of, although the file is good: the engine, /dev/kvm, a port that is taken, a
folder that cannot be written; and what only a live host can be warned of. The VM has no disk and no device, so that each takes a moment.

An engine that is too old, or does not put itself in its sandbox, is played by a script in QEMU's place that answers on the
monitor as QEMU does."""
import contextlib
import os
import socket
import stat

import harness
import machine
from harness import directpath, run

ENGINE = "/usr/bin/qemu-system-x86_64"
NETWORKS = "/etc/directpath/networks"
PLAYED = """#!/usr/bin/python3
import json, re, socket, sys, threading, time
greeting = {{"QMP": {{"version": {{"qemu": {{"major": {major}, "minor": {minor}, "micro": 0}}, "package": ""}}, "capabilities": []}}}}

def monitor(number):
    connection = socket.socket(fileno=number).accept()[0]
    connection.sendall(json.dumps(greeting).encode() + b"\\r\\n")
    for line in connection.makefile():
        connection.sendall(json.dumps({{"return": {{}}, "id": json.loads(line).get("id")}}).encode() + b"\\r\\n")

for word in sys.argv:
    for found in re.findall(r"socket,.*fd=([0-9]+)", word):
        threading.Thread(target=monitor, args=(int(found),), daemon=True).start()
time.sleep(120)
"""


def vm(name="refused", changes=None, extra=""):
    return machine.bare(name, 128, {"pciPassthru0.present": "FALSE", "pciPassthru1.present": "FALSE", **(changes or {})}, extra)


def refused(path, diagnostic, *says):
    """Power-on ends with status 1 and @diagnostic about this VM; nothing runs and nothing is left."""
    result = directpath("--json", "vm", "power-on", path, expect=1)
    found = [entry for entry in result.json["diagnostics"] if entry["id"] == diagnostic]
    assert found, result.out
    text = " ".join(found[0][part] for part in ("subject", "message", "cause", "remedy"))
    assert found[0]["remedy"] and found[0]["cause"], found
    for words in says:
        assert words in text, (words, text)
    assert directpath("--json", "vm", "status", path).json["state"] == "off"
    assert machine.processes("-af", "qemu-system") == ""
    folder = "/run/directpath/vm"
    assert not os.path.isdir(folder) or os.listdir(folder) == []


@contextlib.contextmanager
def aside(path, instead=None):
    """@path is not there, or is a program with the text @instead."""
    os.rename(path, path + ".aside")
    try:
        if instead is not None:
            with open(path, "w", encoding="utf-8") as stream:
                stream.write(instead)
            os.chmod(path, 0o755)
        yield
    finally:
        os.rename(path + ".aside", path)


def test_no_engine():
    with aside(ENGINE):
        refused(vm(), "DP4002", "qemu-system-x86_64")


def test_an_engine_that_is_too_old():
    with aside(ENGINE, PLAYED.format(major=5, minor=2)):
        refused(vm(), "DP4003", "QEMU 5.2")


def test_an_engine_outside_its_sandbox():
    with aside(ENGINE, PLAYED.format(major=7, minor=2)):
        refused(vm(), "DP4005", "Seccomp")


def test_kvm_is_closed_to_the_vms_user():
    mode = stat.S_IMODE(os.stat("/dev/kvm").st_mode)
    os.chmod("/dev/kvm", 0o600)
    try:
        refused(vm(), "DP4006", "/dev/kvm", "0600")
    finally:
        os.chmod("/dev/kvm", mode)


def test_the_display_port_is_taken():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 5931))
        taken.listen()
        path = vm(changes={"RemoteDisplay.vnc.enabled": "TRUE", "RemoteDisplay.vnc.port": "5931"})
        refused(path, "DP4008", "127.0.0.1:5931")


def test_the_bridge_is_gone():
    kept = harness.read(NETWORKS) if os.path.exists(NETWORKS) else None
    machine.networks("lab = bridge:br77\n")
    try:
        lines = 'ethernet0.present = "TRUE"\nethernet0.virtualDev = "e1000"\nethernet0.networkName = "lab"\n'
        refused(vm(extra=lines), "DP3253", "br77")
    finally:
        if kept is None:
            os.unlink(NETWORKS)
        else:
            machine.networks(kept)


def test_a_disk_that_cannot_be_read():
    path = f"{machine.FOLDER}/folder.vmdk"
    os.mkdir(path)
    try:
        refused(vm(changes={"scsi0.present": "TRUE", "scsi0:0.present": "TRUE", "scsi0:0.fileName": "folder.vmdk"}),
                "DP3122", "folder.vmdk")
    finally:
        os.rmdir(path)


def test_a_folder_that_cannot_be_written_is_a_warning():
    """Neither the log nor the places that were chosen can be written; the VM runs all the same."""
    path = vm("folder", changes={"serial0.present": "FALSE"},
              extra='ethernet0.present = "TRUE"\nethernet0.virtualDev = "e1000"\nethernet0.startConnected = "FALSE"\n')
    before = harness.read(path)
    run("mount", "--bind", machine.FOLDER, machine.FOLDER)
    run("mount", "-o", "remount,bind,ro", machine.FOLDER)
    try:
        result = directpath("vm", "power-on", path)
        assert {"DP4009", "DP3207"} <= set(result.ids()), result.err
        assert "Read-only file system" in result.err, result.err
        assert directpath("--json", "vm", "status", path).json["state"] == "running"
        directpath("vm", "power-off", path)
    finally:
        run("umount", machine.FOLDER)
    assert harness.read(path) == before


def test_a_systemd_that_makes_no_unit_is_a_warning():
    """A host that systemd has booted has this folder; nothing of systemd is here that could make a unit."""
    path = vm("unit")
    os.makedirs("/run/systemd/system")
    try:
        result = directpath("vm", "power-on", path)
        # The kernel has AppArmor, and no package has brought the profile: that is told, too.
        assert sorted(result.ids()) == ["DP4040", "DP4045"], result.err
        assert "directpath vm shut-down" in result.err, result.err
        directpath("vm", "power-off", path)
    finally:
        os.rmdir("/run/systemd/system")


def test_a_guest_that_does_not_hear_the_power_button():
    path = vm("deaf")
    directpath("vm", "power-on", path)
    result = directpath("--json", "vm", "shut-down", path, "--timeout", "1", expect=None)
    assert result.status in (1, 3), result.out
    assert "DP4014" in [entry["id"] for entry in result.json["diagnostics"]], result.out
    assert directpath("--json", "vm", "status", path).json["state"] == "running"
    directpath("vm", "power-off", path)


def test_relocate_says_that_another_of_the_model_would_do():
    other = "0000:05:00.0"
    directpath("device", "enable", machine.DISK, other)
    path = vm("moved", changes={"pciPassthru0.present": "TRUE", "pciPassthru0.id": "00000:099:00.0"})
    before = harness.read(path)
    result = directpath("vm", "relocate", path)
    assert result.ids() == ["DP3206"], result.err
    assert "pciPassthru0" in result.err and "1 more of the same model" in result.err, result.err
    assert harness.read(path) == before
    directpath("device", "disable", machine.DISK, other)


def put_right():
    machine.give_all_back(machine.DISK)


if __name__ == "__main__":
    harness.main(globals())
