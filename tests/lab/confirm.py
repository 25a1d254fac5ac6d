# SPDX-License-Identifier: GPL-2.0-or-later
"""The administrator's own network card on topology `host`: enabled only for a time, and back by itself unless confirmed."""
import os
import signal
import subprocess
import time

import harness
from harness import directpath, driver
from machine import DISK, MANAGEMENT, NIC

STORE = "/etc/directpath/esx.conf"
RECORD = "/run/directpath/armed"
SESSION = "/sys/fs/cgroup/session"
ARM = ("device", "enable", MANAGEMENT, "--override", "DP1205", "--confirm-within")
BEFORE = {}
SHORT_S = 15  # what is armed for so long is seen armed first, also where each command takes seconds


def network_up():
    """What lab/l1/init does, and what the host's network configuration does when a card is plugged."""
    for name in os.listdir("/sys/class/net"):
        if harness.read(f"/sys/class/net/{name}/address").strip() == "52:54:00:00:00:01":
            harness.run("ip", "link", "set", name, "up")
            harness.run("ip", "addr", "add", "10.0.2.15/24", "dev", name)
            harness.run("ip", "route", "add", "default", "via", "10.0.2.2", "dev", name)
    assert "default via" in harness.run("ip", "route").out


def opens(pid, path):
    """Whether a process has @path open. One that has just begun closes what it inherited while it is looked at."""
    try:
        numbers = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return False
    for number in numbers:
        try:
            if os.readlink(f"/proc/{pid}/fd/{number}") == path:
                return True
        except OSError:
            pass
    return False


def waiting():
    """Pid of the process that takes the change back: it holds the lock's file open."""
    return next((int(pid) for pid in filter(str.isdigit, os.listdir("/proc"))
                 if opens(pid, "/run/directpath/armed.lock")), None)


def stored():
    return "/device/004:00.0/owner" in harness.read(STORE)


def wait_for_its_end():
    harness.wait_for("the end of the process that waits", lambda: waiting() is None, 30)


def is_back():
    return driver(MANAGEMENT) == "e1000e" and "taken back" in harness.read(RECORD)


def test_an_override_of_the_network_needs_a_time():
    BEFORE["store"] = harness.read(STORE)
    refused = directpath("device", "enable", MANAGEMENT, "--override", "DP1205", expect=1)
    assert "DP2050" in refused.ids() and "--confirm-within" in refused.err, refused.err
    directpath(*ARM, "0", expect=2)
    assert driver(MANAGEMENT) == "e1000e" and not os.path.exists(RECORD) and waiting() is None


def test_a_dry_run_shows_it_and_does_nothing():
    plan = directpath("--json", *ARM, "60", "--dry-run").json
    assert plan["steps"][0]["action"] == "arm" and not plan["changed"], plan
    assert all(step["action"] != "store owner" for step in plan["steps"]), plan
    assert driver(MANAGEMENT) == "e1000e" and not os.path.exists(RECORD)


def enter_session():
    with open(f"{SESSION}/cgroup.procs", "w", encoding="ascii") as procs:
        procs.write("0")


def test_the_session_is_killed_and_the_card_comes_back_by_itself():
    os.mkdir(SESSION)
    begin = time.monotonic()
    shell = subprocess.Popen(["bash", "-c", f"{harness.DIRECTPATH} {' '.join(ARM)} {SHORT_S} && echo done; sleep 600"],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
                             preexec_fn=enter_session)
    said = ""
    while "done\n" not in said:
        line = shell.stdout.readline()
        assert line, said
        said += line
    assert driver(MANAGEMENT) == "vfio-pci" and not stored(), said
    os.killpg(shell.pid, signal.SIGHUP)
    time.sleep(0.3)
    os.killpg(shell.pid, signal.SIGKILL)
    with open(f"{SESSION}/cgroup.kill", "w", encoding="ascii") as kill:
        kill.write("1")
    shell.wait()
    time.sleep(3)
    assert driver(MANAGEMENT) == "vfio-pci" and waiting() is not None
    harness.wait_for("the card to come back", is_back, 30)
    assert time.monotonic() - begin >= SHORT_S, time.monotonic() - begin
    assert harness.read(STORE) == BEFORE["store"]
    wait_for_its_end()
    os.rmdir(SESSION)
    network_up()


def test_the_next_command_says_so_once():
    assert "DP2053" in directpath("host", "status").ids()
    assert not os.path.exists(RECORD)
    assert "DP2053" not in directpath("host", "status").ids()
    directpath("device", "list")


def test_what_is_armed_is_shown_and_nothing_is_put_on_top():
    done = directpath("--json", *ARM, "120").json
    assert done["confirm_within"] == 120 and done["changed"] and not done["reboot_required"], done
    status = directpath("--json", "host", "status").json
    assert status["armed"]["devices"] == [MANAGEMENT] and 100 < status["armed"]["seconds_left"] <= 120, status
    assert status["armed"]["overrides"] == [{"address": MANAGEMENT, "id": "DP1205"}], status
    user = harness.run("setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups", harness.DIRECTPATH, "--json",
                       "host", "status").json
    assert user["armed"]["devices"] == [MANAGEMENT], user
    for command in (("host", "status"), ("device", "list")):
        assert f"Armed: {MANAGEMENT}; taken back in" in directpath(*command).out
    assert "DP2051" in directpath("device", "show", MANAGEMENT).ids()
    entry = harness.device(MANAGEMENT)
    assert (entry["owner"], entry["state"]) == ("host", "reboot-required"), entry
    assert [diag["id"] for diag in entry["diagnostics"] if diag["severity"] != "note"] == ["DP2051"], entry
    assert "DP2052" in directpath("device", "enable", DISK, expect=1).ids()
    assert driver(DISK) == "nvme"
    directpath("device", "apply")
    assert driver(MANAGEMENT) == "vfio-pci"


def test_confirm_keeps_it():
    done = directpath("--json", "device", "confirm").json
    assert done["changed"] is True and stored(), done
    assert driver(MANAGEMENT) == "vfio-pci" and not os.path.exists(RECORD)
    wait_for_its_end()
    assert harness.device(MANAGEMENT)["state"] == "active"
    again = directpath("--json", "device", "confirm").json
    assert again["changed"] is False, again


def test_and_disable_gives_it_back():
    directpath("device", "disable", MANAGEMENT)
    assert driver(MANAGEMENT) == "e1000e" and harness.read(STORE) == BEFORE["store"]
    network_up()


def test_disable_takes_an_armed_change_back_at_once():
    directpath(*ARM, "120")
    directpath("device", "disable", MANAGEMENT)
    assert driver(MANAGEMENT) == "e1000e" and not os.path.exists(RECORD)
    wait_for_its_end()
    network_up()


def test_a_killed_process_is_replaced_by_the_next_command():
    directpath(*ARM, str(SHORT_S))
    killed = waiting()
    os.kill(killed, signal.SIGKILL)
    wait_for_its_end()
    assert "DP2057" in directpath("host", "status").ids()
    assert waiting() not in (None, killed)
    harness.wait_for("the card to come back", is_back, 30)
    network_up()


def test_without_the_process_the_next_command_takes_it_back():
    directpath("device", "list")
    directpath(*ARM, "10")
    os.kill(waiting(), signal.SIGKILL)
    time.sleep(11)
    assert driver(MANAGEMENT) == "vfio-pci"
    late = directpath("device", "confirm", expect=1)
    assert {"DP2053", "DP2055"} <= set(late.ids()), late.err
    assert driver(MANAGEMENT) == "e1000e" and not os.path.exists(RECORD)
    network_up()


def test_another_device_can_wait_too():
    directpath("device", "enable", NIC, "--confirm-within", "8")
    assert driver(NIC) == "vfio-pci"
    harness.wait_for("it to come back", lambda: driver(NIC) == "e1000e", 30)
    wait_for_its_end()
    assert "DP2053" in directpath("host", "status").ids()


def test_before_the_power_fails():
    directpath(*ARM, "600")
    assert driver(MANAGEMENT) == "vfio-pci"


def reboot_inside_the_window():
    harness.cut_power()


def test_after_the_boot_the_change_is_gone():
    assert driver(MANAGEMENT) == "e1000e" and not stored()
    directpath("device", "apply")
    assert driver(MANAGEMENT) == "e1000e"
    status = directpath("--json", "host", "status").json
    assert status["armed"] is None and not status["host"]["reboot_required"], status


def test_confirmed_before_the_power_fails():
    directpath(*ARM, "600")
    directpath("device", "confirm")
    assert stored()


def reboot_after_the_confirmation():
    harness.cut_power()


def test_after_the_boot_the_confirmed_change_is_made():
    assert driver(MANAGEMENT) == "e1000e" and stored()
    assert "default via" in harness.run("ip", "route").out
    directpath("device", "apply")
    assert driver(MANAGEMENT) == "vfio-pci"


def put_right():
    """Nothing is armed, which would be in the way of the next test, and nothing is enabled."""
    if os.path.isdir(SESSION):
        with open(f"{SESSION}/cgroup.kill", "w", encoding="ascii") as kill:
            kill.write("1")
    directpath("device", "disable", MANAGEMENT, NIC, DISK, expect=None)
    directpath("host", "status", expect=None)  # it says once what was taken back
    network_up()


if __name__ == "__main__":
    harness.main(globals())
