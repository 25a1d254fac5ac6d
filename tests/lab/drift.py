# SPDX-License-Identifier: GPL-2.0-or-later
"""A NIC that is enabled, taken out, put into another slot and replaced between boots: reported, offered, never taken by itself."""
import json
import os

import harness
from harness import directpath, driver
from machine import NIC, VMX

STORE = "/etc/directpath/esx.conf"
CARDS = "/etc/directpath/devices.json"
BEFORE = "/root/before"
KNOWN = "/var/lib/directpath/vms"
MOVED = "0000:08:00.0"
SERIAL = "52-54-00-ff-ff-00-00-02"  # QEMU makes it of the MAC


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)


def apply(expect=0):
    return directpath("--json", "device", "apply", expect=expect).json


def ids(document):
    return [entry["id"] for entry in document["diagnostics"]]


def gone():
    return {entry["address"]: entry for entry in directpath("--json", "host", "status").json["gone"]}


def drift():
    changes = directpath("--json", "host", "drift").json["changes"]
    assert len({entry["address"] for entry in changes}) == len(changes), changes
    return {entry["address"]: entry for entry in changes}


def test_a_good_boot_is_recorded():
    write(BEFORE, harness.read(STORE))
    write(KNOWN, VMX + "\n")  # as power-on does
    directpath("host", "drift", expect=1)
    directpath("device", "enable", NIC)
    assert driver(NIC) == "vfio-pci"
    card = json.loads(harness.read(CARDS))["devices"][NIC]
    assert card["serial"] == SERIAL and card["mac"] == "52:54:00:00:00:02" and card["path"] == "0000:00:03.0/00.0", card
    assert "82574L" in card["name"], card
    assert apply()["changed"] is False
    assert not drift(), drift()


def reboot_without_the_card():
    return "nic-gone"


def test_a_card_that_was_taken_out_is_told_with_its_identity():
    assert not os.path.exists(f"{harness.PCI}/{NIC}")
    told = apply()
    assert ids(told) == ["DP2020"] and SERIAL in told["diagnostics"][0]["message"], told
    entry = gone()[NIC]
    assert entry["reason"] == "absent" and entry["card"]["serial"] == SERIAL and entry["now_at"] is None, entry
    change = drift()[NIC]
    assert change["change"] == "gone" and change["vms"] == [VMX] and change["stored"], change
    directpath("device", "enable", NIC, expect=1)


def reboot_with_the_card_in_another_slot():
    return "nic-moved"


def test_a_card_that_moved_is_offered_and_another_in_its_place_is_not_taken():
    told = apply(expect=1)
    assert {"DP2070", "DP2071"} <= set(ids(told)), told
    assert driver(NIC) == "e1000e" and driver(MOVED) == "e1000e"
    entry = gone()[NIC]
    assert entry["reason"] == "other-card" and entry["now_at"] == MOVED and entry["certain"], entry
    assert "DP2071" in directpath("device", "show", MOVED).err
    changes = drift()
    assert all(change["change"] != "group" for change in changes.values()), changes  # only their numbers are others
    assert changes[MOVED]["change"] == "moved" and changes[MOVED]["was_address"] == NIC, changes
    assert changes[MOVED]["vms"] == [VMX], changes


def test_it_is_taken_where_it_is_when_a_person_says_so():
    directpath("device", "enable", MOVED)
    assert driver(MOVED) == "vfio-pci" and driver(NIC) == "e1000e"
    forgotten = directpath("--json", "device", "forget", NIC).json
    assert forgotten["changed"] and forgotten["next"] == [{"address": NIC, "next": "power-off", "vms": [VMX]}], forgotten
    assert apply()["diagnostics"] == []
    given_back = directpath("--json", "device", "disable", MOVED).json
    assert given_back["next"] == [{"address": MOVED, "next": "power-off", "vms": []}], given_back
    assert harness.read(STORE) == harness.read(BEFORE)
    directpath("device", "enable", NIC)
    assert json.loads(harness.read(CARDS))["devices"][NIC]["serial"] == "52-54-00-ff-ff-00-00-22"


def reboot_with_another_model_in_its_place():
    return "nic-other"


def test_another_model_is_never_taken():
    told = apply(expect=1)
    assert "DP2021" in ids(told), told
    assert driver(NIC) == "nvme"
    assert gone()[NIC]["reason"] == "other-model"
    assert harness.device(NIC)["state"] == "available", harness.device(NIC)


def test_what_is_gone_is_forgotten():
    directpath("device", "forget", NIC)
    assert harness.read(STORE) == harness.read(BEFORE)
    assert NIC not in json.loads(harness.read(CARDS))["devices"]
    assert apply()["diagnostics"] == [] and not gone()
    assert driver(NIC) == "nvme"


if __name__ == "__main__":
    harness.main(globals())
