# SPDX-License-Identifier: GPL-2.0-or-later
"""The Debian host that tests/lab/page.mjs looks at from outside: its packages, two users, Cockpit; then it answers what it is asked.

A question is a file /out/ask-N with a command as JSON array, run as root; its answer is answer-N. The end is /out/done."""
import glob
import json
import os
import secrets
import ssl
import sys
import time
import urllib.request

import debian_host as debian
import harness
from debian_host import sh
from harness import run
from machine import MANAGEMENT

ADDRESS, GATEWAY = "10.0.2.15/24", "10.0.2.2"
USERS = {"admin": ["--groups", "sudo"], "visitor": []}


def network():
    """What an administrator of this host would have in a file: the address that the lab's forwarded port leads to."""
    [name] = os.listdir(f"{harness.PCI}/{MANAGEMENT}/net")
    sh("ip", "link", "set", name, "up")
    sh("ip", "address", "add", ADDRESS, "dev", name)
    sh("ip", "route", "add", "default", "via", GATEWAY, "dev", name)


def users():
    """Name -> password. Only who is in the group sudo may do more than look."""
    passwords = {name: secrets.token_hex(8) for name in USERS}
    for name, groups in USERS.items():
        sh("useradd", "--create-home", "--shell", "/bin/bash", *groups, name)
    lines = "".join(f"{name}:{password}\n" for name, password in passwords.items())
    debian.write("/root/passwords", lines)
    sh("sh", "-c", "chpasswd </root/passwords && rm /root/passwords")
    return passwords


def packages():
    paths = [debian.package(), *glob.glob("/tree/build/packages/cockpit-directpath_*.deb")]
    assert len(paths) == 2, f"./package has not built cockpit-directpath: {paths}"
    sh("dpkg", "-i", *paths)
    os.makedirs(os.path.dirname(debian.STORE), exist_ok=True)
    debian.write(debian.STORE, debian.UUID)


def login_page():
    """What Cockpit answers; for the first who asks it makes its certificate, and no browser waits that long."""
    try:
        with urllib.request.urlopen("https://127.0.0.1:9090/", timeout=60, context=ssl._create_unverified_context()) as page:
            return page.read()
    except OSError:
        return b""


def cockpit():
    if os.path.exists("/run/nologin"):
        os.unlink("/run/nologin")  # the unit that does it when a host is up is masked here
    sh("systemctl", "start", "cockpit.socket")
    harness.wait_for("the login page", lambda: b"login-user-input" in login_page(), debian.PATIENCE_S)


def put(name, value):
    """A file of /out that is there only when it is whole."""
    with open(f"/out/.{name}", "w", encoding="utf-8") as stream:
        json.dump(value, stream)
    os.rename(f"/out/.{name}", f"/out/{name}")


def answer():
    """Commands until the end; returns the status of who asked."""
    number = 1
    while not os.path.exists("/out/done"):
        if os.path.exists(f"/out/ask-{number}"):
            done = run(*json.loads(harness.read(f"/out/ask-{number}")), timeout=debian.PATIENCE_S)
            put(f"answer-{number}", vars(done))
            number += 1
        time.sleep(0.1)
    return int(harness.read("/out/done"))


def main():
    packages()
    network()
    passwords = users()
    cockpit()
    put("ready", {"passwords": passwords})
    status = answer()
    if status:
        print(debian.journal("-u", "cockpit*")[-5000:], file=sys.stderr)
    sys.exit(status)


main()
