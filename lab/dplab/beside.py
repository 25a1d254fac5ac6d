# SPDX-License-Identifier: GPL-2.0-or-later
"""A command on this machine beside the job in the emulated host, which it reaches through a forwarded port.

The two meet in the run's folder /out: once the job has written the file `ready` the command starts; when it has ended its exit
status stands in the file `done`, for which the job waits. Numbers in DIRECTPATH_FORWARDED, the folder in DIRECTPATH_OUT."""

import os
import signal
import socket
import subprocess
import sys

from . import common

READY, DONE = "ready", "done"


def reserved_port():
    """A socket that has a port of the loopback address and does not listen there: nobody else is given the port meanwhile, and
    the emulator, which sets SO_REUSEADDR as is done here, can listen there at each boot."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    return holder


class Beside:
    """COMMAND (a list of words, run in the tree) with the host's port FORWARD on a port of this machine's loopback."""

    def __init__(self, command, forward, out):
        self._command, self._out = command, out
        self._port = reserved_port() if forward else None
        self.forwarded = (self._port.getsockname()[1], forward) if forward else None
        self._process = None
        self.status = None

    def poll(self):
        """Starts the command when it is time, says in /out when it has ended; returns at once."""
        if self._process is None:
            if self._command and (self._out / READY).exists():
                self._start()
        elif self.status is None and self._process.poll() is not None:
            self.status = self._process.returncode if self._process.returncode >= 0 else 128 - self._process.returncode
            (self._out / f".{DONE}").write_text(f"{self.status}\n")
            (self._out / f".{DONE}").rename(self._out / DONE)

    def _start(self):
        port = str(self.forwarded[0]) if self.forwarded else ""
        sys.stdout.flush()
        self._process = subprocess.Popen(
            self._command, cwd=common.TREE, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=common.die_with_parent,
            env={**os.environ, "DIRECTPATH_FORWARDED": port, "DIRECTPATH_OUT": str(self._out)})

    def close(self):
        """Ends what is left of the command; returns what is wrong with how it went."""
        if self._port:
            self._port.close()
        if not self._command:
            return []
        if self._process is None:
            return ["the command beside the job was not run: the job never wrote /out/ready"]
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()
        return [] if self.status is not None else ["the command beside the job had not ended when the job had"]
