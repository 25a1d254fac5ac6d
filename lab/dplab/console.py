# SPDX-License-Identifier: GPL-2.0-or-later
"""What the host's kernel console says against a run: oopses, hangs, DMA faults that nobody expected."""

import collections
import re

BROKEN = re.compile(
    r"\bBUG: |\bOops\b|Kernel panic|general protection fault|Call Trace:|blocked for more than \d+ seconds|"
    r"soft lockup|rcu: INFO: .* stall|EXT4-fs error|Unable to handle kernel|lab: no disk labelled")
FAULT = re.compile(r"DMAR: .*(fault addr|\[DMA )|AMD-Vi: .*IO_PAGE_FAULT|AMD-Vi: .*Event logged \[")
# What the emulator itself says of a fault, on its standard error: not rate-limited as the kernel's lines are.
EMULATOR_FAULT = re.compile(r"vtd_\w+: detected|New fault is not recorded|amdvi_\w+: .*fault")
# A job that provokes faults on purpose writes these words to /dev/kmsg around what it does.
EXPECT = re.compile(r"directpath-lab: expect-dma-fault (begin|end)")
TAIL_LINES = 40


class Console:
    """Takes the console's bytes as they come; remembers the tail and every accusation."""

    def __init__(self, expect_fault=False, allow=None):
        self.tail = collections.deque(maxlen=TAIL_LINES)
        self.problems = []
        self.faults = 0
        self._expect_fault = expect_fault
        self._window = False
        self._declared = expect_fault
        self._allow = re.compile(allow) if allow else None
        self._rest = b""

    def feed(self, data):
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._line(line.decode("utf-8", "replace").rstrip("\r"))

    def finish(self):
        if self._rest:
            self.feed(b"\n")

    def emulator(self, lines):
        """What of the emulator's own words is a problem. Its lines carry no time, so one declared fault excuses them."""
        for line in lines:
            if "terminating on signal" in line or "warning:" in line:
                continue
            if EMULATOR_FAULT.search(line):
                if not self._declared:
                    self.problems.append(f"DMA fault that nobody expected: {line}")
            else:
                self.problems.append(f"QEMU: {line}")

    def _line(self, text):
        self.tail.append(text)
        mark = EXPECT.search(text)
        if mark:
            self._window = mark.group(1) == "begin"
            self._declared = True
        elif FAULT.search(text):
            self.faults += 1
            if not self._expect_fault and not self._window:
                self.problems.append(f"DMA fault that nobody expected: {text}")
        elif BROKEN.search(text) and not (self._allow and self._allow.search(text)):
            self.problems.append(f"kernel trouble: {text}")
