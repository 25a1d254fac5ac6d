# SPDX-License-Identifier: GPL-2.0-or-later
"""The part of reference.py about disks, file systems and interfaces in use, from functions up."""
import os
import re

import reference_needs as more
from reference_tree import ADDRESS


class Disks:
    """Block devices and what stands on them."""

    def __init__(self, tree):
        self.under, self.at, self.number, self.upon = {}, {}, {}, {}
        self.controllers, self.ways, self.shared = {}, {}, set()
        names = [n for n in tree.list('sys/class/block') if tree.exists('sys/class/block', n, 'dev')]
        for name in names:
            path = tree.link('sys/class/block', name) or ''
            parts = path.split('/')
            self.number[tree.text('sys/class/block', name, 'dev')] = name
            self.at[name] = {p for p in parts if ADDRESS.match(p)}
            if 'nvme-subsystem' in parts:
                folder = 'sys/devices/virtual/nvme-subsystem/' + parts[parts.index('nvme-subsystem') + 1]
                for entry in tree.list(folder):
                    if re.fullmatch(r'nvme\d+', entry):
                        found = {p for p in (tree.link(folder, entry) or '').split('/') if ADDRESS.match(p)}
                        self.at[entry], self.controllers[entry], self.under[entry] = found, folder, set()
                        self.at[name] |= found
                        self.ways.setdefault(name, set()).add(entry)
                self.shared.add(name)
            if (tree.text('sys/class/block', name, 'dm/uuid') or '').startswith('mpath-'):
                self.shared.add(name)
            self.under[name] = set(tree.list('sys/class/block', name, 'slaves'))
            if tree.exists('sys/class/block', name, 'partition'):
                self.under[name].add(parts[-2])
            self.under[name] &= set(names)
            self.under[name] |= set() if self.under[name] else self.ways.get(name, set())
        names += list(self.controllers)
        for name, unders in self.under.items():
            for under in unders:
                self.upon.setdefault(under, set()).add(name)
        names = [n for n in names if n not in self.controllers]
        self.mapped = {'mapper/' + (tree.text('sys/class/block', n, 'dm/name') or '-'): n for n in names}
        self.names = names

    def find(self, source):
        name = source[len('/dev/'):] if source.startswith('/dev/') else None
        return self.mapped.get(name) or (name if name in self.names else None)

    def is_idle_volume(self, name):
        return bool(self.under[name]) and not self.at[name] and not self.upon.get(name)


def mount_table(tree):
    """Number, source, type and place of each mount."""
    if tree.text('proc/self/mountinfo') is None:
        return [('0:0', *(line.split(' ')[i] for i in (0, 2, 1))) for line in tree.lines('proc/mounts') if line.count(' ') >= 2]
    found = []
    for words in (line.split(' ') for line in tree.lines('proc/self/mountinfo')):
        if '-' in words[6:] and len(words) > words.index('-', 6) + 2:
            dash = words.index('-', 6)
            found.append((words[2], words[dash + 2], words[dash + 1], words[4]))
    return found


def without_number(tree, disks, source, kind):
    """What a mount stands on that has a number of no disk."""
    if kind == 'zfs':
        wanted = {'E:ID_FS_TYPE=zfs_member', 'E:ID_FS_LABEL=' + source.split('/')[0]}
        return {name for number, name in disks.number.items() if wanted <= set(tree.lines('run/udev/data/b' + number))}
    if kind == 'bcachefs':
        return {disks.find(part) for part in source.split(':')}
    names = set()
    driver = {'9p': '9pnet_virtio', 'virtiofs': 'virtiofs'}.get(kind)
    for name in tree.list('sys/bus/virtio/drivers', driver) if driver else ():
        link = tree.link('sys/bus/virtio/drivers', driver, name) or ''
        tag = tree.text('sys/bus/virtio/drivers', driver, name, 'mount_tag')
        if name.startswith('virtio') and tag in (None, source):
            disks.names.append(name)
            disks.under[name], disks.at[name] = set(), {p for p in link.split('/') if ADDRESS.match(p)}
            names.add(name)
    return names


def unescape(text):
    return re.sub(r'\\([0-3][0-7]{2})', lambda m: chr(int(m.group(1), 8)), text)


def used_disks(tree, disks):
    """(mountpoint, block device) of each mount, and what is swapped on."""
    mounted, swaps = [], set()
    for number, source, kind, point in mount_table(tree):
        source = unescape(source)
        if source == '/dev/root':
            source = (re.findall(r'(?:^| )root=(/dev/\S+)', tree.text('proc/cmdline') or '') or [source])[0]
        on = without_number(tree, disks, source, kind) | {disks.number.get(number) or disks.find(source)}
        for folder in tree.list('sys/fs/btrfs') if kind == 'btrfs' else ():
            members = set(tree.list('sys/fs/btrfs', folder, 'devices'))
            on |= members if members & on else set()
        mounted += [(unescape(point), name) for name in on]
    for words in [line.split() for line in tree.lines('proc/swaps')[1:]]:
        swaps.add(disks.find(words[0]) if words and 'file' not in words[1:2] else None)
    return mounted, swaps - {None}


def needs_of_disks(tree, functions, units):
    disks, network = Disks(tree), more.Network(tree)
    peers = more.disk_peers(tree, disks, network)
    mounts, swaps = used_disks(tree, disks)
    uses = {1203: {name for _, name in mounts} - {None}, 1204: swaps,
            **more.uses_of_places(tree, disks, mounts, network)}
    idle = {name for name in disks.names if disks.is_idle_volume(name)}
    idle |= more.pools(tree, disks, [(source, kind) for _, source, kind, _ in mount_table(tree)])
    uses[1207] = idle - uses[1203] - swaps
    uses.update(more.awaited(tree, disks, uses[1203], uses[1203] | swaps))
    upon = more.interfaces_upon(tree)
    remote = {1254: more.remote_filesystems(tree, network), 1256: more.logins(tree, network),
              1266: (more.crash(tree, network) or (0, 0, set()))[2]}
    default, tops = used_nets(tree, upon)
    needed = default | tops | set().union(*remote.values(), *peers.values())
    unknown = more.is_way_unknown(tree, disks, network, uses, upon, needed)
    for fn in functions:
        mates = {mate.address for mate in units[fn]}
        ports = [n for n in upon if fn.address in (tree.link('sys/class/net', n) or '').split('/')]
        over = more.everything_upon(upon, ports)
        fn.ids |= {1267} if unknown and ports else set()
        fn.ids |= {1205} if over & default else set()
        fn.ids |= {1206} if over & tops else set()
        for leaf in [n for n in disks.under if not disks.under[n]]:
            ways = more.ways_up(disks, leaf, lambda n: bool(disks.at[n] & mates)) if fn.address in disks.at[leaf] else ()
            for number, names in uses.items():
                weak = number in (1263, 1264)
                fn.ids |= {number if weak or not goes_on else 1252 for name, goes_on in ways if name in names}
            for net in peers.get(leaf, set()) & over:
                for name, goes_on in more.ways_up(disks, leaf, lambda n: net in peers.get(n, ())):
                    for number in {number for number, names in uses.items() if name in names}:
                        fn.ids.add(number if number in (1263, 1264) else 1265 if goes_on else 1255)
        fn.ids |= {number for number, nets in remote.items() if over & nets}


def hexadecimal(text):
    return int(text, 16) if re.fullmatch('[0-9a-fA-F]+', text) else 0


def used_nets(tree, upon):
    """Interfaces with a default route, and those that are made of others and on top of them."""
    default = set()
    for line in tree.lines('proc/net/route')[1:]:
        words = line.split()
        if len(words) >= 8 and words[1] == words[7] == '0' * 8 and hexadecimal(words[3]) & 0x201 == 1:
            default.add(words[0])
    for line in tree.lines('proc/net/ipv6_route'):
        words = line.split()
        if len(words) >= 10 and words[0] == '0' * 32 and words[1] == '00' and hexadecimal(words[8]) & 0x201 == 1:
            default.add(words[9])
    default.discard('lo')
    tops = {name for name in upon if not upon[name] and any(name in uppers for uppers in upon.values())}
    return default, tops - default
