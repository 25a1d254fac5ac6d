# SPDX-License-Identifier: GPL-2.0-or-later
"""What the host needs, on a real kernel: each use is made, refused by name and with its whole chain, and taken away again."""
import contextlib
import os
import re
import socket

import harness
import machine
from harness import directpath, run
from machine import DISK, MANAGEMENT, NIC

KEYBOARD = "0000:00:16.0"
STORE = "/etc/directpath"


def sh(command):
    done = run("sh", "-ec", command)
    assert done.status == 0, f"{command}: {done.out}{done.err}"
    return done.out


def disk():
    """The block device that stands on DISK; its driver makes it some time after it has come."""
    def found():
        return [name for name in os.listdir("/sys/class/block")
                if f"/{DISK}/" in os.path.realpath(f"/sys/class/block/{name}")]
    names = harness.wait_for(f"the disk of {DISK}", found, 30)
    assert len(names) == 1, names
    return names[0]


def refused(address, *expected):
    """`device enable` says each of EXPECTED ("DPnnnn", words...) of ADDRESS, and changes nothing."""
    before = machine.traces(), harness.read(f"{STORE}/esx.conf")
    result = directpath("device", "enable", address, expect=1)
    for diagnostic, *words in expected:
        lines = [line for line in result.err.splitlines() if f"[{diagnostic}] {address}" in line]
        assert lines, f"{diagnostic} is not in:\n{result.err}"
        assert all(word in lines[0] for word in words), f"{words} not in {lines[0]}"
    found = {word for word in result.ids() if word != "DP1301"}
    assert found == {diagnostic for diagnostic, *_ in expected}, result.err
    assert (machine.traces(), harness.read(f"{STORE}/esx.conf")) == before


def not_needed(address):
    found = [entry["id"] for entry in harness.device(address)["diagnostics"] if entry["severity"] == "error"]
    assert found == [], found


@contextlib.contextmanager
def file_system(point, name):
    """An ext2 on the whole disk, mounted at POINT."""
    sh(f"busybox mke2fs -F /dev/{name} >/dev/null 2>&1; mkdir -p {point}; mount -t ext4 /dev/{name} {point}")
    try:
        yield
    finally:
        sh(f"umount {point}")


@contextlib.contextmanager
def undone_by(command):
    """What was set up is taken away, also where the test fails: the next one has the same disk and the same network."""
    try:
        yield
    finally:
        sh(command)


@contextlib.contextmanager
def logged_in(text):
    """A session of logind's from elsewhere."""
    os.makedirs("/run/systemd/sessions", exist_ok=True)
    with open("/run/systemd/sessions/7", "w", encoding="utf-8") as file:
        file.write(text)
    try:
        yield
    finally:
        os.unlink("/run/systemd/sessions/7")


@contextlib.contextmanager
def session_to_port(port):
    """A connection whose end here is the port of sshd; who dialled whom is not written into a socket."""
    with socket.socket() as session:
        session.bind(("10.0.2.15", port))
        session.connect(("10.0.2.100", 80))
        yield


def test_an_idle_disk_is_not_needed():
    not_needed(DISK)


def test_swap_on_the_NVMe():
    name = disk()
    sh(f"mkswap /dev/{name} >/dev/null; swapon /dev/{name}")
    with undone_by(f"swapoff /dev/{name}"):
        refused(DISK, ("DP1204", f"{name}, which is swap space in use"))
    not_needed(DISK)


def test_a_file_system_and_a_swap_file_in_it():
    name = disk()
    with file_system("/var/data", name):
        refused(DISK, ("DP1203", f"{name}, which holds /var/data (ext4)"))
        sh("dd if=/dev/zero of=/var/data/swap bs=1M count=8 2>/dev/null; chmod 600 /var/data/swap; "
           "mkswap /var/data/swap >/dev/null; swapon /var/data/swap")
        with undone_by("swapoff /var/data/swap"):
            refused(DISK, ("DP1203", "/var/data (ext4)"),
                    ("DP1251", f"{name}, which holds /var/data/swap, which is swap space in use"))
    not_needed(DISK)


def test_the_store_on_a_disk_of_its_own():
    name = disk()
    conf = harness.read(f"{STORE}/esx.conf")
    with file_system(STORE, name):
        with open(f"{STORE}/esx.conf", "w", encoding="utf-8") as file:
            file.write(conf)
        refused(DISK, ("DP1203", f"{STORE} (ext4)"), ("DP1250", f"{name}, which holds {STORE}, where the owners"))
    not_needed(DISK)


def test_a_volume_group_idle_then_mounted():
    name = disk()
    config = "--config 'activation{udev_sync=0 udev_rules=0} devices{obtain_device_list_from_udev=0}'"
    sh(f"wipefs -qa /dev/{name}; lvm pvcreate -qy {config} /dev/{name} >/dev/null; lvm vgcreate -qy {config} data /dev/{name} "
       f">/dev/null; lvm lvcreate -qy {config} -l 100%FREE -n one data >/dev/null")
    with undone_by(f"lvm vgchange -qan {config} data >/dev/null"):
        mapped = os.path.basename(os.path.realpath("/sys/class/block/" + re.search(
            r"^dm-\d+", sh("cd /sys/class/block; grep -lx data-one dm-*/dm/name"), re.M).group(0)))
        refused(DISK, ("DP1207", f"{name}, {mapped}, which is an active volume"))
        with file_system("/var/lv", "mapper/data-one"):
            refused(DISK, ("DP1203", f"{name}, {mapped}, which holds /var/lv (ext4)"))
    not_needed(DISK)


def test_the_way_to_whoever_is_logged_in():
    refused(MANAGEMENT, ("DP1205", "which carries the default route"))
    with session_to_port(22):
        refused(MANAGEMENT, ("DP1205", "default route"),
                ("DP1256", "over which somebody is logged in from 10.0.2.100"))


def test_a_session_of_logind():
    with logged_in("UID=0\nREMOTE=1\nREMOTE_HOST=10.0.2.77\n"):
        refused(MANAGEMENT, ("DP1205", "default route"), ("DP1256", "logged in from 10.0.2.77"))


def test_the_way_to_a_server_without_a_default_route():
    """With the route alone; an override of another reason does not fit, and the right one has to be armed."""
    sh("ip route del default; echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6")
    with undone_by("ip route add default via 10.0.2.2"):
        not_needed(MANAGEMENT)
        with logged_in("REMOTE_HOST=10.0.2.77\n"):
            refused(MANAGEMENT, ("DP1256", "logged in from 10.0.2.77"))
            result = directpath("device", "enable", MANAGEMENT, "--override", "DP1205", expect=1)
            assert "DP1256" in result.ids(), result.err
            result = directpath("device", "enable", MANAGEMENT, "--override", "DP1256", expect=1)
            assert "DP2050" in result.ids(), f"an override of the way to a login was not asked to be armed: {result.err}"


@contextlib.contextmanager
def tunnel(name, rest):
    """An interface that the kernel itself makes; its module comes with it."""
    sh(f"ip link add {name} type {rest}")
    try:
        yield
    finally:
        sh(f"ip link del {name}")


def ways_not_known():
    return [entry["message"] for entry in harness.device(NIC)["diagnostics"] if entry["id"] == "DP1267"]


def test_tunnels():
    """Bound to an interface; by the route to their far end; and those of which no file tells the way."""
    name = os.listdir(f"/sys/bus/pci/devices/{MANAGEMENT}/net")[0]
    default = ("DP1205", "default route")
    for kind in (f"gre local 10.0.2.15 remote 10.0.2.77 dev {name}", "gre remote 10.0.2.77", "ipip remote 10.0.2.77",
                 f"vxlan id 7 dstport 4789 remote 10.0.2.77 dev {name}"):
        with tunnel("tun7", kind):
            refused(MANAGEMENT, default, ("DP1206", f"is {name}, beneath tun7, which the host has set up"))
    with tunnel("tun7", "wireguard"):
        assert ways_not_known() == [], "an idle tunnel is nobody's need"
        sh("ip link set tun7 up; ip route add default dev tun7 metric 4000")
        assert "tun7 (WireGuard), which carries the default route" in ways_not_known()[0]
    with tunnel("br7", "bridge"), tunnel("tun7", "vxlan id 7 dstport 4789 remote 10.0.2.77"):
        sh("ip link set tun7 master br7")
        assert "tun7 (VXLAN), which the host has set up" in ways_not_known()[0]
    refused(MANAGEMENT, default)


def test_a_capture_holds_no_address():
    """Of a session on another port, which sshd's configuration names."""
    os.makedirs("/etc/ssh", exist_ok=True)
    with open("/etc/ssh/sshd_config", "w", encoding="utf-8") as file:
        file.write("Port 2222\n")
    with session_to_port(2222):
        directpath("host", "capture", "/tmp/needs.tar")
    with open("/tmp/needs.tar", "rb") as file:
        content = file.read()
    assert b"10.0.2." not in content and b"198.18.0.1" in content
    sh("mkdir -p /tmp/needs; tar -C /tmp/needs -xf /tmp/needs.tar")
    shown = directpath("--root", "/tmp/needs", "device", "show", MANAGEMENT)
    assert "DP1256" in shown.ids() and "198.18.0.1" in shown.err, shown.err


def test_root_and_keyboard():
    refused(KEYBOARD, ("DP1210",), ("DP1258", "a keyboard, and the host has no other"))
    refused("0000:00:14.0", ("DP1203", "usb ", "which holds / (ext4)"), ("DP1210",))


def test_root_in_a_logical_volume():
    name = os.path.basename(os.path.realpath("/sys/class/block/dm-0/slaves/" + os.listdir("/sys/class/block/dm-0/slaves")[0]))
    refused("0000:01:00.0", ("DP1203", f"{name}, dm-0, which holds / (ext4)"))


SPECIAL = {"usb-root": ["test_root_and_keyboard"], "lvm-root": ["test_root_in_a_logical_volume"]}

if __name__ == "__main__":
    elsewhere = [name for names in SPECIAL.values() for name in names]
    here = SPECIAL.get(os.environ["DIRECTPATH_TOPOLOGY"]) or [
        name for name in globals() if name.startswith("test_") and name not in elsewhere]
    harness.main({name: globals()[name] for name in here})
