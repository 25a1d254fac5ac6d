# SPDX-License-Identifier: GPL-2.0-or-later
"""Boot the emulated host, run one job in it, stream its output, return its status; be loud when the host breaks."""

import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import re
import resource
import selectors
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from . import common, debian, image, machine
from .beside import Beside
from .console import Console
from .topology import TOPOLOGIES

TIMED_OUT = 124
LAB_FAILED = 125
BOOT_TIMEOUT_S = {"lab": 300, "debian": 600}
HEARTBEAT_S = 0.25
# A job that wants its host booted again writes into this file of /out, for each boot a line: the name of a topology, or "-"
# for the same, and words for the kernel's command line. A line that no job replaces is for the boot after.
AGAIN = "again"
BOOTS_MAX = 40


@dataclasses.dataclass
class Result:
    """How a run ended. STATUS is the job's own unless PROBLEMS says why it is the lab's."""

    status: int
    problems: list
    console_tail: list
    boot_s: float | None
    total_s: float
    out: pathlib.Path | None = None
    boots: list = dataclasses.field(default_factory=list)  # of Boot


@dataclasses.dataclass
class Boot:
    """What one boot took outside, from the emulator's start until the host was ready: time, and the emulator's processor time."""

    up_s: float
    cpu_s: float
    load: float  # the machine's, at the end of it


def _cpu_s(pid):
    """Processor time that a process and its threads have taken."""
    words = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _script(command):
    """The job as a shell script: the words of COMMAND, exactly, run in the tree."""
    return f"exec {shlex.join(command)}\n"


class Run:
    """One run of the emulated host: one boot, and another one each time that the job asks for it."""

    def __init__(self, command, topology="host", timeout_s=300, expect_fault=False, allow=None, append="",
                 memory_mib=machine.MEMORY_MIB, stdout=None, stderr=None, forward=None, beside=None):
        self._command = command
        self._name = topology
        self._timeout_s = timeout_s
        self._append, self._words = append, ""
        self._memory_mib = memory_mib
        self._sinks = {"job.out": stdout or sys.stdout.buffer, "job.err": stderr or sys.stderr.buffer}
        self._expect_fault = expect_fault
        self._console = Console(expect_fault, allow)
        self._control = b""
        self._log = None
        self._beaten = 0.0
        self._up = None
        self._booting_again = False
        self._forward, self._companion, self._beside = forward, beside, None
        self._pid = None
        self._boots = []
        self.boot_s = None

    def __call__(self, built, folder):
        """Boot with the image BUILT and the run's own FOLDER, as often as the job asks; returns a Result."""
        (folder / "out").mkdir(parents=True)
        (folder / "out").chmod(0o777)
        (folder / "out/.job").write_text(_script(self._command))
        (folder / "out/facts.json").write_text(json.dumps(built.facts))
        self._beside = Beside(self._companion, self._forward, folder / "out")
        begin = time.monotonic()
        try:
            trouble = self._boot_until_done(built, folder, begin)
        finally:
            unfinished = self._beside.close()
        return self._judge(trouble or (unfinished if self._status() == 0 else []), begin)

    def _boot_until_done(self, built, folder, begin):
        """Boot after boot; what went wrong."""
        for boot in range(1, BOOTS_MAX + 1):
            trouble = self._boot(built, folder, boot, begin)
            trouble += self._again(folder / "out" / AGAIN) if not trouble else []
            if trouble or not self._booting_again:
                return trouble
        return [f"the job wants more than {BOOTS_MAX} boots"]

    def _again(self, path):
        """Whether another boot is wanted, and with which topology. One whose job has failed gets none."""
        status = self._status()
        self._booting_again = path.exists() and status in (None, 0) and not self._console.problems
        if not self._booting_again:
            return []
        first, _, rest = path.read_text().strip().partition("\n")
        path.write_text(rest) if rest else path.unlink()
        name, _, self._words = first.partition(" ")
        name = self._name if name in ("", "-") else name
        self._name, self._control = name, b""
        return [] if name in TOPOLOGIES else [f"the job asks for the topology {name!r}, which there is not"]

    def _boot(self, built, folder, boot, begin):
        """One boot, until the host is off or a deadline is over; what went wrong."""
        ours, theirs = {}, {}
        self._up = None
        for name in ("console", *machine.CHANNELS):
            ours[name], theirs[name] = socket.socketpair()
        argv = machine.arguments(TOPOLOGIES[self._name], self._name, built, folder, theirs,
                                 f"dplab.boot={boot} {self._append} {self._words}", self._memory_mib, self._beside.forwarded)
        (folder / "qemu.args").write_text(shlex.join(argv) + "\n")
        with open(folder / "console.log", "ab") as self._log, open(folder / "qemu.err", "wb") as errors:
            process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, preexec_fn=common.die_with_parent,
                pass_fds=[end.fileno() for end in theirs.values()], start_new_session=True)
            self._pid = process.pid
            for end in theirs.values():
                end.close()
            try:
                trouble = self._follow(ours, begin, time.monotonic())
            finally:
                process.kill()
                process.wait()
                for end in ours.values():
                    end.close()
        self._console.finish()
        self._console.emulator((folder / "qemu.err").read_text(errors="replace").splitlines())
        return trouble

    def _follow(self, ours, begin, booted):
        """Pass on what comes until every channel is closed or a deadline is over."""
        selector, limit_s = selectors.DefaultSelector(), BOOT_TIMEOUT_S[TOPOLOGIES[self._name].system]
        for name, end in ours.items():
            selector.register(end, selectors.EVENT_READ, name)
        while selector.get_map():
            now = time.monotonic() - begin
            if self._up is None and time.monotonic() - booted > limit_s:
                return [f"the emulated host did not come up within {limit_s} s"]
            if now > self._timeout_s:
                return [f"time-out: not done after {self._timeout_s} s"]
            self._beat(ours["console"], now)
            self._beside.poll()
            for ready, _ in selector.select(timeout=HEARTBEAT_S):
                try:
                    data = ready.fileobj.recv(65536)
                except ConnectionResetError:
                    data = b""
                if not data:
                    selector.unregister(ready.fileobj)
                    continue
                self._take(ready.data, data, booted)
        return []

    def _beat(self, console, now):
        """A byte into the host's serial port, for the sake of the interrupt: see "The heartbeat" in docs/LAB.md."""
        if self._up is not None and now - self._beaten >= HEARTBEAT_S:
            self._beaten = now
            with contextlib.suppress(OSError):
                console.send(b"\n", socket.MSG_DONTWAIT)

    def _take(self, name, data, booted):
        if name == "console":
            self._log.write(data)
            self._log.flush()
            self._console.feed(data)
        elif name == "control":
            self._control += data
            if self._up is None and b"ready" in self._control:
                self._up = time.monotonic() - booted
                self.boot_s = self.boot_s or self._up
                self._boots.append(Boot(self._up, _cpu_s(self._pid), os.getloadavg()[0]))
        else:
            self._sinks[name].write(data)
            self._sinks[name].flush()

    def _status(self):
        """The job's exit status; None if the host went down before it could say."""
        status = re.search(rb"^exit (\d+)$", self._control, re.M)
        return int(status.group(1)) if status else None

    def _judge(self, trouble, begin):
        status = self._status()
        problems = trouble + self._console.problems
        if status is None and not problems:
            problems.append("the emulated host went down before the job was done")
        if self._expect_fault and not self._console.faults:
            problems.append("a DMA fault was expected and none came")
        timed_out = any(text.startswith("time-out") for text in problems)
        code = LAB_FAILED if status is None else status or self._beside.status or 0
        if problems:
            code = TIMED_OUT if timed_out else LAB_FAILED
        return Result(code, problems, list(self._console.tail), self.boot_s, time.monotonic() - begin,
                      boots=self._boots)


def run(command, keep=None, lane="", lock_timeout_s=3600, **options):
    """Run COMMAND (a list of words) in the emulated host. KEEP is a folder for what the run leaves behind: out/ (what
    the job wrote to /out), console.log, qemu.args. One run at a time in each LANE. The other options are those of Run."""
    built = image.ensure()
    second = debian.ensure() if TOPOLOGIES[options.get("topology", "host")].has_debian else None
    with common.locked(common.lock(lane), "another run of the lab", lock_timeout_s):
        for stale in common.cache_dir().glob(f"run{lane}-*"):  # of a runner that was killed
            shutil.rmtree(stale, ignore_errors=True)
        folder = pathlib.Path(tempfile.mkdtemp(prefix=f"run{lane}-", dir=common.cache_dir()))
        try:
            if second:
                debian.provide(second, folder)
            result = Run(command, **options)(built, folder)
            shutil.copyfile(folder / "console.log", common.cache_dir() / f"last-console{lane}.log")
            if keep:
                for disk in (*folder.glob("*.qcow2"), folder / debian.DISK):
                    disk.unlink(missing_ok=True)
                shutil.rmtree(keep, ignore_errors=True)
                shutil.copytree(folder, keep)
                result.out = pathlib.Path(keep) / "out"
            return result
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _parse(argv):
    parser = argparse.ArgumentParser(
        prog="lab/run", description="Boot the emulated host, run one command in it (as root, in /tree), return its status. "
        "124: time-out; 125: the host or the lab broke.")
    parser.add_argument("--topology", default="host", choices=sorted(TOPOLOGIES))
    parser.add_argument("--timeout", type=int, default=300, metavar="S")
    parser.add_argument("--expect-dma-fault", action="store_true", help="fail unless the IOMMU reports one")
    parser.add_argument("--allow", metavar="REGEX", help="console lines that are not trouble")
    parser.add_argument("--append", default="", metavar="ARGS", help="words for the host's kernel command line")
    parser.add_argument("--memory", type=int, default=machine.MEMORY_MIB, metavar="MIB")
    parser.add_argument("--keep", metavar="DIR", help="keep console, command line and the job's /out there")
    parser.add_argument("--forward", type=int, metavar="PORT", help="lead a port of this machine's loopback to this one of the host")
    parser.add_argument("--beside", type=shlex.split, metavar="COMMAND", help="run this here once the job has written /out/ready")
    parser.add_argument("--lane", default="", choices=["", "2"], help="run beside what has the other lane")
    parser.add_argument("--verbose", action="store_true", help="say how long it took")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="-- COMMAND... or a script of the tree")
    options = parser.parse_args(argv)
    if options.command[:1] == ["--"]:
        options.command = options.command[1:]
    elif options.command and (common.TREE / options.command[0]).is_file():
        options.command[0] = "./" + options.command[0]
    if not options.command:
        parser.error("no command")
    return options


def report(result, verbose=False):
    """Say on stderr what is wrong with a run, with the console's last lines."""
    if verbose and result.boot_s:
        peak_mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
        common.note(f"host up after {result.boot_s:.1f} s, off after {result.total_s:.1f} s; at most {peak_mib} MiB")
    if not result.problems:
        return
    common.note("last lines of the host's console:")
    for line in result.console_tail:
        print(f"  | {line}", file=sys.stderr)
    for problem in dict.fromkeys(result.problems):
        common.note(problem)


def _terminate(_signal, _frame):
    sys.exit(143)


def main(argv):
    options = _parse(argv)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        result = run(options.command, keep=options.keep, lane=options.lane, topology=options.topology, timeout_s=options.timeout,
                     expect_fault=options.expect_dma_fault, allow=options.allow, append=options.append,
                     memory_mib=options.memory, forward=options.forward, beside=options.beside)
    except common.LabError as error:
        common.note(error)
        return LAB_FAILED
    except BrokenPipeError:  # whoever read our output is gone
        return 128 + signal.SIGPIPE
    report(result, options.verbose)
    return result.status
