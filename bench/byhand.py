# SPDX-License-Identifier: GPL-2.0-or-later
"""The engine of a plan started without Directpath: the same arguments, descriptors and files, and nobody who watches it."""
import json
import os
import re
import signal
import socket
import subprocess

FIRST_FILE = 5  # the engine's descriptors: 3 and 4 are its monitors, from here on the files of the plan, in its order


class Engine:
    """QEMU with the arguments of @plan (`vm power-on --dry-run --json`), its monitors in @folder. @drop: a command that
    gives rights away and executes the rest; @limits is called in the new process."""

    def __init__(self, plan, folder, drop=(), limits=None):
        self._paths = [os.path.join(folder, name) for name in ("qmp", "events")]
        ends = [_listening(path) for path in self._paths]
        argv = plan["engine"]
        opened = [step for step in plan["steps"] if step["action"] == "open"]
        fds = [end.fileno() for end in ends]
        fds += [os.open(step["subject"], _flags(argv, index, step)) for index, step in enumerate(opened)]

        def prepare():
            _place(fds)
            if limits:
                limits()

        self.process = subprocess.Popen([*drop, *argv], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, preexec_fn=prepare, close_fds=False)
        for end in ends:
            end.close()
        for fd in fds[2:]:
            os.close(fd)
        self._monitor = socket.socket(socket.AF_UNIX)
        self._monitor.connect(self._paths[0])
        self._stream = self._monitor.makefile("rw")
        assert "QMP" in json.loads(self._stream.readline())
        self.command("qmp_capabilities")

    def command(self, name):
        self._stream.write(json.dumps({"execute": name}) + "\n")
        self._stream.flush()
        while True:
            answer = json.loads(self._stream.readline())
            if "event" not in answer:
                assert "return" in answer, answer
                return answer["return"]

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self._stream.close()
        self._monitor.close()
        for path in self._paths:
            if os.path.exists(path):  # QEMU removes its sockets, if it gets to it
                os.unlink(path)


def _listening(path):
    end = socket.socket(socket.AF_UNIX)
    end.bind(path)
    os.chmod(path, 0o600)
    end.listen(1)
    return end


def _flags(argv, index, step):
    """What a serial port writes to is appended to; QEMU takes a descriptor only for the access that it was opened with."""
    fdset = re.search(rf"fd={FIRST_FILE + index},set=(\d+)", " ".join(argv)).group(1)
    if any(f"path=/dev/fdset/{fdset}," in word for word in argv):
        return os.O_WRONLY | os.O_CREAT | os.O_APPEND
    return os.O_RDWR if step["detail"] == "for writing" else os.O_RDONLY


def _place(fds):
    """In the new process: each out of the way of all targets, then to its number."""
    high = [os.dup2(fd, 200 + index) for index, fd in enumerate(fds)]
    for index, fd in enumerate(high):
        os.dup2(fd, 3 + index)
        os.close(fd)
