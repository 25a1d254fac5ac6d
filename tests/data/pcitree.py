# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds the files of a captured host from a compact description; see make-tree.py for the format."""
import os

PCIE_TYPES = {'endpoint': 0, 'legacy-endpoint': 1, 'root-port': 4, 'upstream': 5, 'downstream': 6,
              'to-pci': 7, 'from-pci': 8, 'rc-endpoint': 9, 'rc-event-collector': 10}
BAR_FLAGS = {'io': (0x40101, 0x1), 'mem': (0x40200, 0x0), 'mem64': (0x140204, 0x4),
             'pref': (0x42208, 0x8), 'pref64': (0x14220c, 0xc), 'rom': (0x46200, 0x0)}
UNSET = 0x20000000  # IORESOURCE_UNSET: the kernel found no address
UNITS = {'K': 1 << 10, 'M': 1 << 20, 'G': 1 << 30, 'T': 1 << 40}


def number(text):
    """"16K", "0x20" or "7"."""
    text = str(text)
    if text[-1] in UNITS:
        return int(text[:-1], 0) * UNITS[text[-1]]
    return int(text, 0)


class Config:
    """Configuration space with its chains of capabilities."""

    def __init__(self, size):
        self.bytes = bytearray(size)
        self.next_cap, self.last_cap = 0x40, 0x33
        self.next_ext, self.last_ext = 0x100, None

    def put(self, offset, width, value):
        self.bytes[offset:offset + width] = (value & (1 << 8 * width) - 1).to_bytes(width, 'little')

    def add(self, cap_id, length):
        at = self.next_cap
        self.put(self.last_cap + 1, 1, at)
        self.put(0x06, 2, 0x10)
        self.put(at, 1, cap_id)
        self.last_cap = at
        self.next_cap += (length + 3) // 4 * 4
        return at

    def add_extended(self, cap_id, version, length):
        at = self.next_ext
        if self.last_ext is not None:
            self.put(self.last_ext + 2, 2, at << 4 | self.bytes[self.last_ext + 2] & 0xf)
        self.put(at, 4, cap_id | version << 16)
        self.last_ext = at
        self.next_ext += (length + 3) // 4 * 4
        return at


def cap_pm(config, *options):
    at = config.add(0x01, 8)
    config.put(at + 2, 2, 0xc803)
    config.put(at + 4, 2, 0x8 if 'nosoftreset' in options else 0)


def cap_msi(config, vectors='1', *options):
    at = config.add(0x05, 24)
    log2 = int(vectors).bit_length() - 1
    config.put(at + 2, 2, 0x80 | log2 << 1 | (0x100 if 'mask' in options else 0))


def cap_msix(config, vectors='1'):
    at = config.add(0x11, 12)
    config.put(at + 2, 2, int(vectors) - 1)


def cap_pcie(config, kind='endpoint', *options):
    at = config.add(0x10, 60)
    config.put(at + 2, 2, 2 | PCIE_TYPES[kind] << 4 | (0x100 if 'slot' in options else 0))
    config.put(at + 4, 4, 0x8001 | (0x10000000 if 'flr' in options else 0))


def cap_af(config, bits='3'):
    at = config.add(0x13, 6)
    config.put(at + 2, 1, 6)
    config.put(at + 3, 1, int(bits, 0))


def cap_vpd(config):
    config.add(0x03, 8)


def cap_vendor(config, length='16'):
    at = config.add(0x09, int(length))
    config.put(at + 2, 1, int(length))


def cap_dsn(config, serial='0x5ec7e7005ec7e700'):
    at = config.add_extended(0x0003, 1, 12)
    config.put(at + 4, 8, int(serial, 0))


def cap_acs(config, caps='0x1f', ctrl='0x1d'):
    at = config.add_extended(0x000d, 1, 8)
    config.put(at + 4, 2, int(caps, 0))
    config.put(at + 6, 2, int(ctrl, 0))


def cap_ari(config):
    config.add_extended(0x000e, 1, 8)


def cap_ats(config):
    config.add_extended(0x000f, 1, 8)


def cap_aer(config):
    config.add_extended(0x0001, 2, 44)


def cap_sriov(config, total='7'):
    at = config.add_extended(0x0010, 1, 64)
    config.put(at + 0x0c, 2, int(total))
    config.put(at + 0x0e, 2, int(total))


def cap_other(config, number, length='8'):
    """One of the standard list that nothing here looks into, by its number."""
    config.add(int(number, 16), int(length))


def cap_other_extended(config, number, length='16'):
    config.add_extended(int(number, 16), 1, int(length))


CAPS = {'pm': cap_pm, 'msi': cap_msi, 'msix': cap_msix, 'pcie': cap_pcie, 'af': cap_af, 'vpd': cap_vpd,
        'vendor': cap_vendor, 'dsn': cap_dsn, 'acs': cap_acs, 'ari': cap_ari, 'ats': cap_ats, 'aer': cap_aer,
        'sriov': cap_sriov, 'std': cap_other, 'ext': cap_other_extended}
EXTENDED = ('dsn', 'acs', 'ari', 'ats', 'aer', 'sriov', 'ext')


def make_config(fn):
    """The bytes of `config`, from `config` (hex) or from ids, class, caps and bus numbers."""
    if 'config' in fn:
        return bytes.fromhex(fn['config'].replace(' ', ''))
    caps = fn.get('caps', '').split()
    names = [cap.split(':')[0] for cap in caps]
    config = Config(4096 if 'pcie' in names or any(name in EXTENDED for name in names) else 256)
    vendor, device = (int(part, 16) for part in fn['id'].split(':'))
    virtual = 'vf_of' in fn
    config.put(0x00, 2, 0xffff if virtual else vendor)
    config.put(0x02, 2, 0xffff if virtual else device)
    config.put(0x04, 2, fn.get('command', 0x0406 if 'msix' in names else 0x0007))
    config.put(0x08, 1, fn.get('rev', 0))
    config.put(0x09, 3, int(fn['class'], 16))
    bridge = fn['class'].startswith(('0604', '0607'))
    cardbus = fn['class'].startswith('0607')
    if cardbus:
        config.last_cap = 0x13  # its list begins at 0x14 (PC Card 8.0, 4.5.3)
    config.put(0x0e, 1, (2 if cardbus else 1 if bridge else 0) | (0x80 if fn.get('multifunction') else 0))
    if bridge:
        config.put(0x18, 1, int(fn['at'].split(':')[1], 16))
        config.put(0x19, 1, fn['secondary'])
        config.put(0x1a, 1, fn['subordinate'])
    else:
        sub = fn.get('sub', '1af4:1100').split(':')
        config.put(0x2c, 2, int(sub[0], 16))
        config.put(0x2e, 2, int(sub[1], 16))
    config.put(0x3c, 1, fn.get('irq', 0))
    config.put(0x3d, 1, fn.get('pin', 0))
    for cap in caps:
        name, *options = cap.split(':')
        CAPS[name](config, *options)
    if fn.get('repeated'):
        config.bytes[256:] = config.bytes[:256] * 15
    return bytes(config.bytes)


def make_resource(fn, state):
    """The text of `resource`: six BARs and the ROM; bridges get their windows after them."""
    lines = [(0, 0, 0)] * 7
    index = 0
    for bar in fn.get('bars', '').split():
        kind, size = bar.rstrip('!').split(':')
        size, flags = number(size), BAR_FLAGS[kind][0]
        where = 6 if kind == 'rom' else index
        if bar.endswith('!'):
            start, flags = 0, flags | UNSET
        elif '@' in fn:
            start = number(fn['@'])
        else:
            start = -(-state['next_bar'] // size) * size
            state['next_bar'] = start + size
        lines[where] = (start, start + size - 1, flags)
        if kind != 'rom':
            index += 2 if kind.endswith('64') else 1
    if fn['class'].startswith('0604'):
        lines += [(0x1000, 0x1fff, 0x101), (0xfe000000, 0xfe1fffff, 0x200), (0, 0, 0x102208), (0, 0, 0)]
    return ''.join('0x%016x 0x%016x 0x%016x\n' % line for line in lines)


class Tree:
    """Files beneath one folder; a later write replaces an earlier one."""

    def __init__(self, root):
        self.root = root

    def path(self, name):
        return os.path.join(self.root, name)

    def folder(self, name):
        os.makedirs(self.path(name), exist_ok=True)

    def write(self, name, content):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.islink(path):
            os.unlink(path)
        with open(path, 'wb') as file:
            file.write(content if isinstance(content, bytes) else content.encode())

    def link(self, name, target):
        """A symbolic link at `name` to `target`, both beneath the root, written relative as sysfs does."""
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.raw_link(name, os.path.relpath(self.path(target), os.path.dirname(path)))

    def raw_link(self, name, text):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.lexists(path):
            os.unlink(path)
        os.symlink(text, path)


def walk(functions, parent=None):
    """Every function with its parent's entry, depth first."""
    for fn in functions:
        yield fn, parent
        yield from walk(fn.get('below', ()), fn)


def assign_buses(functions):
    """Fills secondary and subordinate of bridges from what lies below them, where not given."""
    for fn in functions:
        below = fn.get('below', ())
        assign_buses(below)
        if fn['class'].startswith(('0604', '0607')):
            buses = [int(child['at'].split(':')[1], 16) for child in below]
            fn.setdefault('secondary', buses[0] if buses else 0xff)
            fn.setdefault('subordinate',
                          max([fn['secondary']] + buses + [child.get('subordinate', 0) for child in below
                                                           if child['class'].startswith('0604')]))
