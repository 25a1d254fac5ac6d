# SPDX-License-Identifier: GPL-2.0-or-later
"""Three rounds of a VM whose engine, supervisor or command is killed at a random moment: the next command puts right what was
left, every device ends where the store says, and nothing leaks. With the word `seed=N` as first argument, the rounds of that seed."""
import json
import os
import random
import signal
import subprocess
import sys
import time

import harness
import machine
import two_vms
from harness import directpath, driver
from machine import DISK, NIC

STORE = "/etc/directpath/esx.conf"
RUNS = "/run/directpath/vm"
NATIVE = {DISK: "nvme", NIC: "e1000e"}
LINE = {DISK: "003:00.0", NIC: "002:00.0"}
POWER_ON_S = 6  # what a power-on takes here, about
WHO = ("engine", "supervisor", "command")
HOST = {}


def processes():
    """The VM's, as far as they are recorded: {"engine": pid, "supervisor": pid}."""
    found = {}
    for name in os.listdir(RUNS) if os.path.isdir(RUNS) else []:
        try:
            with open(f"{RUNS}/{name}/state.json", encoding="utf-8") as stream:
                state = json.load(stream)
        except FileNotFoundError:
            continue
        found.update({who: state[who]["pid"] for who in ("engine", "supervisor") if state[who]["pid"] > 0})
    return found


def kill(victims, command):
    """Those of @victims that there are; what was killed."""
    alive = {**processes(), "command": command.pid if command.poll() is None else 0}
    killed = []
    for who in victims:
        if alive.get(who, 0) > 0:
            try:
                os.kill(alive[who], signal.SIGKILL)
                killed.append(who)
            except ProcessLookupError:
                pass
    return killed


def state():
    return directpath("--json", "vm", "status", HOST["vmx"]).json["state"]


def say_owner(address, owner):
    """What somebody writes into the store while the VM has the device."""
    store = harness.read(STORE)
    old, new = ("passthru", "vmkernel") if owner == "host" else ("vmkernel", "passthru")
    key = f'/device/{LINE[address]}/owner = '
    with open(STORE, "w", encoding="utf-8") as stream:
        stream.write(store.replace(f'{key}"{old}"', f'{key}"{new}"'))


def engine_is_there():
    """Not ended, or not yet noticed to have ended by its supervisor, which reads the store only after that."""
    return os.path.exists(f"/proc/{processes().get('engine', 'none')}")


def begin(dice):
    """A command on its way, and a time within it."""
    if dice.random() < 0.5:
        return subprocess.Popen([harness.DIRECTPATH, "vm", "power-on", HOST["vmx"]], stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL), dice.uniform(0, POWER_ON_S)
    directpath("vm", "power-on", HOST["vmx"])
    return subprocess.Popen([harness.DIRECTPATH, "vm", "power-off", HOST["vmx"]], stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL), dice.uniform(0, 1.5)


def assert_as_stored(owners):
    for address, owner in owners.items():
        expected = "vfio-pci" if owner == "passthru" else NATIVE[address]
        assert driver(address) == expected, (address, owner, driver(address))
    assert not os.path.exists("/run/directpath/intent")


def one_round(dice):
    command, delay = begin(dice)
    victims = dice.sample(WHO, dice.randint(1, len(WHO)))
    given_back = dice.random() < 0.5
    time.sleep(delay)
    killed = kill(victims, command) or kill(WHO, command)
    command.wait(timeout=240)
    said = directpath("host", "status")
    harness.wait_for("the end of a power-on whose command is gone", lambda: state() != "starting", 180)
    too_late = False
    if given_back and processes():
        say_owner(DISK, "host")
        too_late = "supervisor" not in killed and not engine_is_there()
    else:
        given_back = False
    directpath("vm", "power-off", HOST["vmx"])
    harness.wait_for("the supervisor's end", lambda: not processes(), 60)
    if too_late:  # the supervisor may have read the store already: then it is a hand edit like any other
        directpath("device", "apply")
    owners = {DISK: "host" if given_back else "passthru", NIC: "passthru"}
    try:
        assert_as_stored(owners)
        if given_back:
            say_owner(DISK, "passthru")
            directpath("device", "apply")
        harness.wait_for("nothing to be left", lambda: machine.traces() == HOST["before"], 60)
    except AssertionError as error:
        left = {key: value for key, value in machine.traces().items() if value != HOST["before"][key]}
        raise AssertionError(f"killed {killed} after {delay:.2f} s, given back: {given_back}\n{said.err}\n{left}") from error
    return killed


def rounds(count):
    seed = int(sys.argv.pop(1)[5:]) if sys.argv[1:] and sys.argv[1].startswith("seed=") else random.randrange(1 << 32)
    print(f"# seed={seed}", flush=True)
    dice = random.Random(seed)
    directpath("device", "enable", NIC, DISK)
    HOST["vmx"] = two_vms.vm("victim", DISK, NIC)
    HOST["before"] = machine.traces()
    killed = [one_round(dice) for _ in range(count)]
    print(f"# killed: {killed}", flush=True)
    assert any(killed), killed


def test_killed_at_random_moments():
    rounds(3)


def test_all_goes_back():
    directpath("device", "disable", NIC, DISK)
    assert (driver(NIC), driver(DISK)) == ("e1000e", "nvme")


put_right = machine.end_all_vms


if __name__ == "__main__":
    harness.main(globals())
