# SPDX-License-Identifier: GPL-2.0-or-later
"""The part of reference.py about other machines, places, paths and seats; it shares no code with src/ either."""
import ipaddress
import os
import re
import struct


def words_of(tree, *path):
    return [line.split() for line in (tree.text(*path) or '').split('\n')]


class Network:
    """Routes as networks, and what stands upon an interface."""

    def __init__(self, tree):
        self.routes = []
        for words in words_of(tree, 'proc/net/route')[1:]:
            if len(words) >= 8 and all(re.fullmatch('[0-9A-Fa-f]{8}', words[i]) for i in (1, 7)):
                to, mask = (bytes.fromhex(words[i])[::-1] for i in (1, 7))
                self.add(to, sum(bin(byte).count('1') for byte in mask), int(words[6]), words[3], words[0])
        for words in words_of(tree, 'proc/net/ipv6_route'):
            if len(words) >= 10 and re.fullmatch('[0-9a-f]{32}', words[0]):
                self.add(bytes.fromhex(words[0]), int(words[1], 16), int(words[5], 16), words[8], words[9])

    def add(self, to, bits, metric, flags, name):
        if int(flags, 16) & 0x201 == 1 and name != 'lo':
            self.routes.append((ipaddress.ip_network((to, bits), strict=False), metric, name))

    def towards(self, address):
        """Interfaces of the best route."""
        fitting = [(-net.prefixlen, metric, name) for net, metric, name in self.routes
                   if net.version == address.version and address in net]
        best = min(fitting)[:2] if fitting else None
        return {name for *rank, name in fitting if tuple(rank) == best}

    def peer(self, text):
        """(address, interfaces) of a foreign machine, or None."""
        try:
            address = ipaddress.ip_address(text.strip('[]').split('%')[0])
        except ValueError:
            return None
        address = getattr(address, 'ipv4_mapped', None) or address
        return None if address.is_loopback or address.is_unspecified else (address, self.towards(address))


def port_cut(text):
    return re.sub(r'^(\[.*\]|[^:]*):\d+$', r'\1', text)


def server_of_mount(network, source, options):
    found = [port_cut(part) for word in options.split(',') if re.match('(mon_)?addr=', word)
             for part in word.split('=', 1)[1].split('/')]
    found = [peer for peer in map(network.peer, found) if peer]
    if not found:
        start = source.split('@', 1)[1] if '@' in source else re.sub('^//', '', source)
        found = [network.peer(port_cut(part)) for part in re.sub(':$', '', start.split('/')[0]).split(',')]
    return set().union(*[peer[1] for peer in found if peer])


def remote_filesystems(tree, network):
    nets = set()
    for line in tree.lines('proc/self/mountinfo'):
        words = line.split(' ')
        if '-' in words[6:] and words[2].startswith('0:'):
            rest = words[words.index('-', 6) + 1:] + ['']
            nets |= server_of_mount(network, rest[1], rest[2]) if len(rest) > 2 else set()
    return nets


def words_address(text):
    data = bytes.fromhex(text)
    swapped = b''.join(data[i:i + 4][::-1] for i in range(0, len(data), 4))
    return str(ipaddress.ip_address(swapped))


def logins(tree, network):
    ports, found = {22}, []
    files = ['etc/ssh/sshd_config'] + ['etc/ssh/sshd_config.d/' + name for name in tree.list('etc/ssh/sshd_config.d')]
    for words in [words for file in files for words in words_of(tree, file)]:
        if len(words) > 1 and words[0].lower() == 'port' and words[1].isdigit():
            ports.add(int(words[1]))
        if len(words) > 1 and words[0].lower() == 'listenaddress' and re.search(r':\d+$', words[1]):
            ports.add(int(words[1].rsplit(':', 1)[1]))
    for words in words_of(tree, 'proc/net/tcp') + words_of(tree, 'proc/net/tcp6'):
        if len(words) > 3 and words[3] == '01' and int(words[1].split(':')[1], 16) in ports:
            remote = network.peer(words_address(words[2].split(':')[0]))
            local = network.peer(words_address(words[1].split(':')[0]))
            if remote:
                found.append((remote[0], remote[1] | (local[1] if local else set())))
    for name in tree.list('run/systemd/sessions'):
        found += [network.peer(host) for host in re.findall('^REMOTE_HOST=(.*)$',
                  tree.text('run/systemd/sessions', name) or '', re.M)]
    records = tree.read('run/utmp') or b''
    for kind, _, raw in struct.iter_unpack('<h346s16s20x', records[:len(records) // 384 * 384]):
        if kind == 7 and any(raw[:4]):
            found.append(network.peer(str(ipaddress.ip_address(raw[:4] if not any(raw[4:]) else raw))))
    known = {}
    for peer in filter(None, found):
        known.setdefault(peer[0], peer[1])  # the first that names an address decides
    return set().union(*known.values())


def crash(tree, network):
    """(folder, device, interfaces) of the dump, or None."""
    if tree.text('sys/kernel/kexec_crash_loaded') != '1':
        return None
    folder, device, server = '/var/crash', None, None
    for words in words_of(tree, 'etc/kdump.conf'):
        if len(words) > 1 and words[0] == 'path':
            folder = words[1]
        elif len(words) > 1 and words[0] in ('nfs', 'ssh'):
            server = words[1]
        elif len(words) > 1 and words[1].startswith('/dev/') and words[0][0] != '#':
            device = words[1]
    for name, value in re.findall(r'^\s*(KDUMP_COREDIR|NFS|SSH)="?([^"\n]+)"?$', tree.text('etc/default/kdump-tools') or '', re.M):
        folder, server = (value, server) if name == 'KDUMP_COREDIR' else (folder, value)
    peer = network.peer(server.split('@')[-1].split(':')[0]) if server else None
    return (None if server or device else folder, device, peer[1] if peer else set())


def disk_peers(tree, disks, network):
    """For each disk of another machine the interfaces that lead to it."""
    peers = {}
    for name in disks.names:
        link = tree.link('sys/class/block', name) or ''
        session = re.search(r'/session(\d+)', link)
        for connection in tree.list('sys/class/iscsi_connection') if session and not disks.at[name] else ():
            if connection.startswith('connection%s:' % session.group(1)):
                peer = network.peer(tree.text('sys/class/iscsi_connection', connection, 'address') or '')
                peers[name] = peer[1] if peer else set()
    for name, folder in disks.controllers.items():
        found = re.search('traddr=([^,\n]*)', tree.text(folder, name, 'address') or '')
        peer = network.peer(found.group(1)) if found else None
        if peer:
            peers[name] = peer[1]
    peers.update({name: nets for name, nets in far_disks(tree, disks, network).items() if nets is not None})
    return peers


def ways_up(disks, start, lost):
    """Each block device that stands on @start, with whether it would go on without it: (name, goes_on)."""
    seen, todo = set(), [(start, False)]
    while todo:
        here = todo.pop()
        if here not in seen:
            seen.add(here)
            for upper in disks.upon.get(here[0], ()):
                paths = disks.under[upper]
                goes_on = upper in disks.shared and len(paths) > 1 and any(not lost(path) for path in paths)
                todo.append((upper, here[1] or goes_on))
    return seen


def mountpoint_of(path, points):
    above = [point for point in points if point == '/' or path == point or path.startswith(point + '/')]
    return max(above, key=len, default=None)


def uses_of_places(tree, disks, mounts, network):
    """{id: block devices}: @mounts is a list of (mountpoint, block device)."""
    points, uses = {point for point, _ in mounts}, {1250: set(), 1251: set(), 1257: set()}
    holding = {point: {name for other, name in mounts if other == point and name} for point in points}
    files = [re.sub(r'\\([0-7]{3})', lambda m: chr(int(m.group(1), 8)), words[0])
             for words in words_of(tree, 'proc/swaps')[1:] if len(words) > 1 and words[1] == 'file']
    for path in files:
        uses[1251] |= holding.get(mountpoint_of(path, points), set())
    dump = crash(tree, network)
    beside = [(1250, '/etc/directpath')] + ([(1257, dump[0])] if dump and dump[0] else [])
    for number, path in beside:
        point = mountpoint_of(path, points)
        uses[number] |= holding[point] if point not in (None, '/') else set()
    if dump and dump[1]:
        uses[1257].add(disks.find(dump[1]))
    return uses


def pools(tree, disks, mounted_kinds):
    """Members of pools that are imported."""
    live = set(tree.list('proc/spl/kstat/zfs')) | {source.split('/')[0] for source, kind in mounted_kinds if kind == 'zfs'}
    found = set()
    for number, name in disks.number.items():
        lines = tree.lines('run/udev/data/b' + number)
        labels = [line.split('=', 1)[1] for line in lines if line.startswith('E:ID_FS_LABEL=')]
        if labels and 'E:ID_FS_TYPE=zfs_member' in lines and labels[-1] in live:
            found.add(name)
    return found


TAGS = {'UUID': ('ID_FS_UUID_ENC', 'ID_FS_UUID'), 'LABEL': ('ID_FS_LABEL_ENC', 'ID_FS_LABEL'),
        'PARTUUID': ('ID_PART_ENTRY_UUID',), 'PARTLABEL': ('ID_PART_ENTRY_NAME',)}


def awaited(tree, disks, mounted, busy):
    """Block devices that fstab names, and EFI system partitions, where they are not in use: {id: block devices}."""
    records = {}
    for number, name in disks.number.items():
        lines = tree.lines('run/udev/data/b' + number)
        records[name] = (dict(reversed([line[2:].split('=', 1) for line in lines if line.startswith('E:') and '=' in line])),
                         {'/dev/' + line[2:] for line in lines if line.startswith('S:')})
    found = {1261: set(), 1262: set(), 1263: set(), 1264: set()}
    for words in words_of(tree, 'etc/fstab'):
        if len(words) < 3 or words[0].startswith('#'):
            continue
        source, point = (re.sub(r'\\([0-3][0-7]{2})', lambda m: chr(int(m.group(1), 8)), word) for word in words[:2])
        tag, _, value = source.partition('=')
        fold = str.lower if tag.endswith('UUID') else str
        named = {disks.find(source)} - {None}
        named = named or {name for name in disks.names if source in records.get(name, ((), ()))[1]}
        named = named or {name for name in disks.names for key in TAGS.get(tag, ())
                          if name in records and key in records[name][0]
                          and fold(re.sub(r'\\x(..)', lambda m: chr(int(m.group(1), 16)), records[name][0][key])) == fold(value.strip('"'))}
        options = (words[3:4] or [''])[0].split(',')
        by_hand = 'noauto' in options and not {'x-systemd.automount', 'comment=systemd.automount'} & set(options)
        needed = point in ('/', '/usr', '/boot', '/boot/efi', '/efi', '/etc', '/var') or not by_hand
        found[1261 if needed else 1263] |= named - busy
    esps = {name for name, (keys, _) in records.items()
            if keys.get('ID_PART_ENTRY_TYPE', '').lower() in ('c12a7328-f81f-11d2-ba4b-00a0c93ec93b', '0xef')}
    known = mounted | found[1261] | found[1263] | set(disks.upon)
    found[1264 if esps & known or not tree.exists('sys/firmware/efi') else 1262] |= esps - known
    return found


def seat_ids(tree, functions, units):
    addresses = {fn.address: fn for fn in functions}
    keyboards = []
    for name in tree.list('sys/class/input'):
        link = tree.link('sys/class/input', name)
        keys = (tree.text('sys/class/input', name, 'capabilities/key') or '0').split()[-1]
        events = int(tree.text('sys/class/input', name, 'capabilities/ev') or '0', 16)
        if name.startswith('input') and link and '/virtual/' not in link and events & 2 and int(keys, 16) | 0xfffffffe == int(keys, 16):
            keyboards.append(set(link.split('/')))
    for fn in functions:
        mates = {mate.address for mate in units[fn]}
        if any(fn.address in parts for parts in keyboards):
            fn.ids.add(1258 if all(parts & mates for parts in keyboards) else 1259)
    consoles = [words[0] for words in words_of(tree, 'proc/consoles') if words]
    if not tree.exists('proc/consoles'):
        consoles = re.findall(r'console=([^,\s]*)', tree.text('proc/cmdline') or '')
    for name in consoles:
        for part in (tree.link('sys/class/tty', name) or '').split('/') if '/' not in name else ():
            if part in addresses:
                addresses[part].ids.add(1260)


def interfaces_upon(tree):
    """{interface: those that are made of it}, and those whose sysfs path holds an address."""
    names = tree.list('sys/class/net')
    upon = {name: set() for name in names}
    for name in names:
        for entry in tree.list('sys/class/net', name):
            if entry.startswith('lower_') and entry[6:] in upon:
                upon[entry[6:]].add(name)
        master = os.path.basename(tree.link('sys/class/net', name, 'master') or '')
        if master in upon:
            upon[name].add(master)
    for tunnel, below in tunnels(tree).items():
        for name in below & set(names):
            upon[name].add(tunnel)
    return upon


TUNNELS = {('768', ''), ('769', ''), ('776', ''), ('778', ''), ('823', ''),
           ('1', 'vxlan'), ('1', 'geneve'), ('65534', 'wireguard')}


def tunnels(tree):
    """{tunnel: the interfaces that it leaves by}"""
    network, found = Network(tree), {}
    names = tree.list('sys/class/net')
    index = {tree.text('sys/class/net', name, 'ifindex'): name for name in reversed(names)}
    for name in names:
        kind = re.findall('^DEVTYPE=(.*)$', tree.text('sys/class/net', name, 'uevent') or '', re.M) + ['']
        number = tree.text('sys/class/net', name, 'type')
        if not {(number, kind[0]), (number, '')} & TUNNELS:
            continue
        below = {entry[6:] for entry in tree.list('sys/class/net', name) if entry.startswith('lower_')}
        linked = tree.text('sys/class/net', name, 'iflink')
        ends = (tree.text('sys/class/net', name, 'broadcast') or '').replace(':', '')
        if not below and linked not in (None, '0') and index.get(linked, name) != name:
            below = {index[linked]}
        elif not below and re.fullmatch('[0-9a-f]{8}|[0-9a-f]{32}', ends):
            peer = network.peer(str(ipaddress.ip_address(bytes.fromhex(ends))))
            below = peer[1] - {name} if peer else set()
        found[name] = below
    return found


def far_disks(tree, disks, network):
    """{disk: None or the interfaces to its cluster}, of what comes over a network."""
    found = {name: None for name in disks.names if (tree.text('sys/class/block', name, 'dev') or '').split(':')[0] in ('43', '147')}
    for image in tree.list('sys/bus/rbd/devices'):
        number = ':'.join(tree.text('sys/bus/rbd/devices', image, file) or '-' for file in ('major', 'minor'))
        client = (tree.text('sys/bus/rbd/devices', image, 'client_addr') or '').rsplit(':', 1)[0]
        peer = network.peer(client)
        if number in disks.number:
            found[disks.number[number]] = peer[1] if peer else None
    return found


def is_way_unknown(tree, disks, network, uses, upon, needed):
    """Something in use stands on a disk whose other end is unknown, or on a tunnel that leaves by nobody knows what. @uses:
    names of block devices by number; @needed: interfaces that the host cannot do without."""
    used = set().union(*(names for number, names in uses.items() if number not in (1263, 1264)))
    for disk, nets in far_disks(tree, disks, network).items():
        if nets is None and any(name in used for name, _ in ways_up(disks, disk, lambda n: False)):
            return True
    return any(not below & set(upon) and everything_upon(upon, [tunnel]) & needed for tunnel, below in tunnels(tree).items())


def everything_upon(upon, start):
    found, todo = set(), list(start)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += upon.get(name, ())
    return found
