# SPDX-License-Identifier: GPL-2.0-or-later
"""Places, locks and child processes that every part of the lab uses."""

import contextlib
import ctypes
import fcntl
import os
import pathlib
import signal
import subprocess
import sys
import time

LAB = pathlib.Path(__file__).resolve().parent.parent
TREE = LAB.parent
PR_SET_PDEATHSIG = 1


class LabError(Exception):
    """The lab itself failed: nothing is known about what was to be tested."""


def cache_dir():
    place = pathlib.Path(os.environ.get("DIRECTPATH_CACHE") or TREE / ".cache") / "lab"
    place.mkdir(parents=True, exist_ok=True)
    return place


def lock(lane=""):
    """The lock of a machine's runs in one lane."""
    return pathlib.Path(f"/tmp/directpath-lab{lane}.lock")


def note(text):
    print(f"lab: {text}", file=sys.stderr, flush=True)


def tool(name):
    """Full path of a system tool; an ordinary user's PATH lacks the sbin folders."""
    for folder in os.environ.get("PATH", "").split(":") + ["/usr/sbin", "/sbin", "/usr/bin", "/bin"]:
        path = pathlib.Path(folder) / name
        if os.access(path, os.X_OK) and "pyenv" not in folder:
            return str(path)
    raise LabError(f"{name} is not installed; the lab's packages are in lab/packages")


def call(*argv, stdin=None, cwd=None, timeout_s=300):
    """Run a tool, return its output; its failure is the lab's."""
    done = subprocess.run(
        [tool(argv[0]), *map(str, argv[1:])], input=stdin, cwd=cwd, timeout=timeout_s, text=True,
        stdin=None if stdin is not None else subprocess.DEVNULL, capture_output=True, check=False,
        env={**os.environ, "LC_ALL": "C", "MTOOLS_SKIP_CHECK": "1"})
    if done.returncode:
        raise LabError(f"{' '.join(map(str, argv))}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def die_with_parent():
    """For a child before its program starts: it goes when the process that started it goes."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def open_lock(path):
    """A lock file of /tmp may belong to another user: opening it for reading is enough for flock."""
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)


@contextlib.contextmanager
def locked(path, what, timeout_s=1800):
    """Hold an exclusive lock, waiting for the present holder, but not for ever."""
    fd = open_lock(path)
    deadline = time.monotonic() + timeout_s
    told = False
    try:
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not told:
                    note(f"waiting for {what} ({path})")
                    told = True
                if time.monotonic() > deadline:
                    raise LabError(f"{what} is still busy after {timeout_s} s ({path})") from None
                time.sleep(0.2)
        yield
    finally:
        os.close(fd)
