#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes a captured host with N functions, for measurements.

    make-many.py N OUT [--user]

Each of many root ports (up to 31 a domain, so several domains) has SR-IOV cards of one PF and VFs below it, each
function in a group of its own; the first card is an NVMe with the root file system, the second a NIC with the default
route. --user: as an ordinary user sees it.
"""
import importlib.util
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
PER_PORT = 8


def load_maker():
    spec = importlib.util.spec_from_file_location('make_tree', os.path.join(HERE, 'make-tree.py'))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Builder:
    def __init__(self):
        self.group = 0

    def next_group(self):
        self.group += 1
        return self.group

    def card(self, domain, bus, room, index):
        """A PF and its VFs, at most `room` functions."""
        at = '%04x:%02x:00.' % (domain, bus)
        vfs = min(room, PER_PORT - 1) - 1
        nvme = index % 2 == 0
        ids = {'id': '144d:a824', 'class': '010802'} if nvme else {'id': '8086:1572', 'class': '020000'}
        pf = dict(ids, at=at + '0', driver='nvme' if nvme else 'i40e', group=self.next_group(), irq=16 + index % 8, pin=1, msi=4,
                  caps='pm msi:1:mask msix:64 pcie:endpoint:flr aer dsn ari sriov:7', bars='mem64:64K mem64:16K',
                  reset='flr bus', numvfs=vfs, multifunction=True)
        if not nvme:
            pf['net'] = ['eth%d' % index]
        return [pf] + [dict(ids, at=at + '%d' % (n + 1), group=self.next_group(), vf_of=at + '0', reset='flr',
                            caps='msix:5 pcie:endpoint:flr ari', bars='mem64:16K') for n in range(vfs)]

    def ports(self, n):
        ports, disks, index = [], [], 0
        while n > 0:
            domain, slot = divmod(index, 31)
            take = min(n, PER_PORT)
            bus = slot + 1
            cards = self.card(domain, bus, take - 1, index) if take > 1 else []
            ports.append({'at': '%04x:00:%02x.0' % (domain, slot + 1), 'id': '8086:2030', 'class': '060400', 'driver': 'pcieport',
                          'group': self.next_group(), 'irq': 24, 'pin': 1, 'msi': 1, 'secondary': bus, 'subordinate': bus,
                          'caps': 'pm msi:1:mask pcie:root-port:slot acs ari aer', 'below': cards})
            if cards and index % 2 == 0:
                disks.append({'name': 'nvme%dn1' % index, 'dev': '259:%d' % (2 * index), 'at': cards[0]['at'],
                              'via': 'nvme/nvme%d' % index, 'parts': {'nvme%dn1p1' % index: '259:%d' % (2 * index + 1)}})
            n -= take
            index += 1
        return ports, disks


def describe(n, user):
    ports, disks = Builder().ports(n)
    return {'functions': ports, 'disks': disks, 'mounts': [['259:1', '/', 'ext4', '/dev/nvme0n1p1']], 'routes': ['eth1'],
            'user': user}


def main(arguments):
    user = '--user' in arguments
    arguments = [argument for argument in arguments if argument != '--user']
    if len(arguments) != 2 or not arguments[0].isdigit():
        sys.exit(__doc__)
    load_maker().make(describe(int(arguments[0]), 'ordinary' if user else 'root'), arguments[1])


if __name__ == '__main__':
    main(sys.argv[1:])
