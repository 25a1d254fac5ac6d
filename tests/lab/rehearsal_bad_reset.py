# SPDX-License-Identifier: GPL-2.0-or-later
"""Topology `bad-reset`: the bus reset of 02:00.0 fails, one by power transition does not. The function is quarantined:
handed neither to the host nor to a VM until a reset succeeds."""
import json
import os
import signal

import harness
import machine
from harness import directpath, driver, ended

NIC = "0000:02:00.0"
MAP = "/etc/directpath/passthru.map"
RECORD = "/etc/directpath/quarantine.json"
VMX = "/tmp/bad.vmx"


def bus_master():
    with open(f"{harness.PCI}/{NIC}/config", "rb") as config:
        return config.read(6)[4] & 4 != 0


def errors(result):
    return [diagnostic["id"] for diagnostic in result["diagnostics"] if diagnostic["severity"] == "error"]


def reset_by(method):
    with open(MAP, "w", encoding="ascii") as file:
        file.write(f"8086 10d3 {method} default\n")


def release():
    """A reset that succeeds, and the host has it back."""
    reset_by("d3d0")
    done = directpath("--json", "device", "reset", NIC).json
    assert (done["reset"], done["changed"], done["quarantined"]) == ("pm", True, False), done
    assert "DP2107" in [diagnostic["id"] for diagnostic in done["diagnostics"]], done
    os.remove(MAP)
    directpath("device", "disable", NIC)
    assert driver(NIC) == "e1000e"


def expect_quarantined():
    assert driver(NIC) == "vfio-pci"
    assert not bus_master()
    with open(RECORD, encoding="utf-8") as file:
        assert NIC in json.load(file)["functions"]
    device = directpath("--json", "device", "show", NIC).json["device"]
    assert device["state"] == "unavailable" and "DP1322" in errors(device), device
    assert "DP1322" in directpath("device", "list").out
    assert "DP1322" in directpath("host", "status").ids()
    refused = directpath("device", "disable", NIC, expect=1)
    assert refused.ids() == ["DP2108"] and "device reset" in refused.err, refused.err
    assert directpath("device", "reset", NIC, "--power-cycled", expect=1).ids() == ["DP2109"]
    directpath("device", "apply")
    assert driver(NIC) == "vfio-pci"


def test_the_rehearsal_finds_it_out():
    lists = harness.read(f"{harness.PCI}/{NIC}/reset_method")
    result = directpath("--json", "device", "test", NIC, expect=1).json
    steps = {stage["step"]: stage["result"] for stage in result["stages"]}
    assert steps["reset"] == "failed" and steps["give-back"] == "passed", result
    assert not result["passed"] and not result["given_back"] and result["affected"] == [], result
    assert result["quarantined"] and result["changed"], result
    assert errors(result) == ["DP2033"], result
    assert harness.read(f"{harness.PCI}/{NIC}/reset_method") == lists
    assert not os.path.exists("/run/directpath/intent")
    expect_quarantined()
    assert "DP1322" in directpath("device", "enable", NIC, "--override", "DP1322", expect=1).ids()
    release()


def test_the_reset_says_that_nothing_was_reset():
    directpath("device", "enable", NIC)
    text = directpath("device", "reset", NIC, expect=3)
    assert "DP2033" in text.ids() and "DP2106" in text.ids() and "not reset" in text.out, (text.out, text.err)
    result = directpath("--json", "device", "reset", NIC, expect=3).json
    assert (result["changed"], result["affected"], result["quarantined"]) == (False, [], True), result
    expect_quarantined()


def test_no_vm_gets_it():
    ids = {key: harness.read(f"{harness.PCI}/{NIC}/{key}").strip() for key in ("vendor", "device")}
    with open(VMX, "w", encoding="utf-8") as file:
        file.write('config.version = "8"\nvirtualHW.version = "7"\ndisplayName = "bad"\nguestOS = "other"\n'
                   'memsize = "64"\nsched.mem.min = "64"\npciPassthru0.present = "TRUE"\n'
                   f'pciPassthru0.id = "00000:002:00.0"\npciPassthru0.vendorId = "{ids["vendor"]}"\n'
                   f'pciPassthru0.deviceId = "{ids["device"]}"\n' +
                   "".join(f'pciBridge{n}.present = "TRUE"\npciBridge{n}.virtualDev = "pcieRootPort"\n'
                           f'pciBridge{n}.functions = "8"\n' for n in range(4, 8)))
    refused = directpath("vm", "power-on", VMX, "--accel", "tcg", expect=1)
    assert "DP3160" in refused.ids() and "DP1322" in refused.err, refused.err
    release()


def test_a_power_on_that_finds_it_out():
    directpath("device", "enable", NIC)
    failed = directpath("vm", "power-on", VMX, "--accel", "tcg", expect=3)
    assert "DP2033" in failed.ids() and "DP2106" in failed.ids(), failed.err
    expect_quarantined()
    release()


def test_after_a_vm_nobody_gets_it():
    """It was reset by power management before; when engine and supervisor have died, the map has another word, which fails."""
    directpath("device", "enable", NIC)
    reset_by("d3d0")
    directpath("vm", "power-on", VMX, "--accel", "tcg")
    status = directpath("--json", "vm", "status", VMX).json
    assert status["devices"][0]["reset"] == "pm", status["devices"]
    os.remove(MAP)
    for pid in (status["supervisor_pid"], status["pid"]):
        os.kill(pid, signal.SIGKILL)
    harness.wait_for("both ends", lambda: ended(status["supervisor_pid"]) and ended(status["pid"]), 60)
    said = directpath("host", "status", expect=None)
    assert {"DP4011", "DP4013", "DP2106"} <= set(said.ids()), said.err
    expect_quarantined()
    refused = directpath("vm", "power-on", VMX, "--accel", "tcg", expect=1)
    assert "DP1322" in refused.err, refused.err
    release()


def put_right():
    """No VM has it, a reset that succeeds has ended its quarantine, and the host has it back."""
    machine.end_all_vms()
    reset_by("d3d0")
    directpath("device", "reset", NIC, expect=None)
    os.remove(MAP)
    directpath("device", "disable", NIC, expect=None)


if __name__ == "__main__":
    harness.main(globals())
