# SPDX-License-Identifier: GPL-2.0-or-later
"""How reference.py reads a captured host."""
import os
import re

ADDRESS = re.compile(r'^([0-9a-f]{4}|[1-9a-f][0-9a-f]{4,7}):[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$')


def order(address):
    return [int(part, 16) for part in re.split('[:.]', address)]


class Tree:
    def __init__(self, root):
        self.root = root

    def at(self, *parts):
        return os.path.join(self.root, *parts)

    def exists(self, *parts):
        return os.path.lexists(self.at(*parts))

    def read(self, *parts):
        try:
            with open(self.at(*parts), 'rb') as file:
                return file.read()
        except OSError:
            return None

    def text(self, *parts):
        data = self.read(*parts)
        return None if data is None else data.decode('utf-8', 'replace').strip()

    def lines(self, *parts):
        return (self.text(*parts) or '').split('\n')

    def number(self, most, *parts):
        """A decimal or 0x-number of at most @most; None: there is none."""
        text = self.text(*parts) or ''
        value = int(text, 0) if re.fullmatch('0x[0-9a-fA-F]{1,16}|0|[1-9][0-9]{0,18}', text) else None
        return value if value is not None and value <= most else None

    def list(self, *parts):
        try:
            return sorted(os.listdir(self.at(*parts)))
        except OSError:
            return []

    def link(self, *parts):
        try:
            return os.readlink(self.at(*parts))
        except OSError:
            return None
