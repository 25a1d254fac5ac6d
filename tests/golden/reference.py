#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What policy must say of a captured host: an independent reading of the rules, sharing no code with src/.

    reference.py TREE      the verdicts as JSON, in the form of tests/golden/policy

It reads the tree itself. Where src/policy walks units from each function, this joins sets; where that goes from file
systems down to functions, this goes from functions up.
"""
import json
import os
import re
import struct
import sys

import reference_needs as more

ADDRESS = re.compile(r'^([0-9a-f]{4}|[1-9a-f][0-9a-f]{4,7}):[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$')
PLATFORM_CLASSES = {0x0600, 0x0601, 0x0602, 0x0603, 0x0604, 0x0605, 0x0606, 0x0607, 0x0608, 0x0609, 0x060a,
                    0x0800, 0x0806, 0x0807}
SUPPORTED = {0x8086: {0x10b6, 0x10c6, 0x10c7, 0x10c8, 0x10db, 0x10dd, 0x10ec, 0x10f1, 0x10f4},
             0x14e4: {0x164e, 0x164f, 0x1650}}
EXPERIMENTAL = {0x1077: {0x2532}, 0x10df: {0xf100}, 0x1000: {0x0054, 0x0056, 0x0058}}
NEEDS = {1203, 1204, 1205, 1206, 1207, 1208, 1250, 1251, 1252, 1254, 1255, 1256, 1257, 1258, 1260,
         1261, 1262, 1265, 1266}
ERRORS = {*NEEDS, 1101, 1102, 1103, 1105, 1107, 1108, 1109, 1110, 1201, 1202, 1210, 1211,
          1220, 1223, 1224, 1230, 1232, 1234, 1235, 1301, 1302}
WANTED = {'flr': 'flr', 'd3d0': 'pm', 'link': 'bus', 'bridge': 'bus'}


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


class Function:
    """None stands for what is not known."""

    def __init__(self, tree, address):
        here = ('sys/bus/pci/devices', address)
        self.address = address
        self.vendor, self.device = tree.number(0xffff, *here, 'vendor'), tree.number(0xffff, *here, 'device')
        self.ids_known = self.vendor is not None and self.device is not None
        if not self.ids_known:
            self.vendor = self.device = 0xffff
        self.code = tree.number(0xffffff, *here, 'class') or 0
        driver, group = tree.link(*here, 'driver'), tree.link(*here, 'iommu_group')
        self.driver = driver and os.path.basename(driver)
        group = os.path.basename(group or '')
        self.group = int(group) if group.isdigit() else None
        self.power, self.runtime = tree.text(*here, 'power_state'), tree.text(*here, 'power/runtime_status')
        self.irq = tree.number(0x7fffffff, *here, 'irq') or 0
        self.messages = len(tree.list(*here, 'msi_irqs'))
        hint = tree.text(*here, 'reset_method')
        self.hint = None if hint is None else hint.split()
        self.console = tree.text(*here, 'boot_vga') == '1'
        self.vfs = tree.number(0xffff, *here, 'sriov_numvfs') or 0
        self.virtual = tree.exists(*here, 'physfn')
        self.pf = None
        self.config = tree.read(*here, 'config') or b''
        self.bars = self.read_bars(tree.lines(*here, 'resource'))
        path = (tree.link(*here) or '').split('/')
        self.above = path[-2] if len(path) > 1 and ADDRESS.match(path[-2]) else None
        self.parent, self.below = None, []

    @staticmethod
    def read_bars(lines):
        """First byte, last byte and flags of each BAR and the ROM; what follows nonsense is not there."""
        bars = [None] * 7
        for index, line in enumerate(lines[:7]):
            words = re.fullmatch('0x([0-9a-fA-F]+) 0x([0-9a-fA-F]+) 0x([0-9a-fA-F]+)', line)
            start, last, flags = [int(word, 16) for word in words.groups()] if words else (1, 0, 0)
            if not words or last < start - 1:
                break
            if (start, last, flags) != (0, 0, 0) and last >= start and (start, last) != (0, (1 << 64) - 1):
                bars[index] = (start, last, flags)
        return bars

    def asleep(self):
        return self.power == 'D3cold' or self.runtime in ('suspending', 'resuming') or \
            self.runtime == 'suspended' and self.power in (None, 'unknown', 'error')

    def bridges(self):
        bridge = self.parent
        while bridge:
            yield bridge
            bridge = bridge.parent

    def everything_below(self):
        for child in self.below:
            yield child
            yield from child.everything_below()

    def physical(self):
        return self.pf or self

    def slot(self):
        return self.address.rsplit('.', 1)[0]

    def on_vfio(self):
        return bool(re.search(r'^vfio-pci$|_vfio_pci$|-vfio-pci$', self.driver or ''))

    def parse(self):
        """Configuration space, if looking at it wakes nobody."""
        hidden = self.asleep() or any(b.power == 'D3cold' or b.runtime in ('suspended', 'suspending', 'resuming')
                                      for b in self.bridges())
        config = b'' if hidden else self.config
        ones = len(config) >= 64 and config[:64] == b'\xff' * 64
        self.dead = ones and self.power != 'D3hot' and self.runtime not in ('suspended', 'suspending', 'resuming')
        usable = len(config) >= 64 and not ones
        self.header = config[0x0e] & 0x7f if usable and config[0x0e] & 0x7f <= 2 else None
        self.pin = config[0x3d] if usable else None
        whole = usable and len(config) >= 256
        caps = dict(self.capabilities(config)) if whole else None
        extended = dict(self.extended(config)) if whole and (len(config) > 256 or 0x10 not in caps) else None
        self.bridge = self.header in (1, 2) or self.code >> 8 in (0x0604, 0x0607)
        self.assignable = not self.bridge and self.code >> 8 not in PLATFORM_CLASSES
        self.flr = self.pm = self.msi = self.pcie = self.acs = self.port = None
        if caps is not None:
            self.pcie = 0x10 in caps
            self.port = caps[0x10][2] >> 4 if self.pcie else None
            self.flr = bool(self.pcie and caps[0x10][7] & 0x10 or 0x13 in caps and caps[0x13][3] & 3 == 3)
            self.pm = 0x01 in caps and not caps[0x01][4] & 8
            self.msi = 0x05 in caps or 0x11 in caps
        if extended is not None:
            self.acs = extended[0x0d][6] if 0x0d in extended else -1
        if self.hint is not None:
            self.flr = self.flr is not False and bool({'flr', 'af_flr'} & set(self.hint))
            self.pm = self.pm is not False and 'pm' in self.hint

    @staticmethod
    def capabilities(config):
        at, seen = config[0x34] & 0xfc, set()
        while config[0x06] & 0x10 and 0x40 <= at and at not in seen and config[at] != 0xff:
            seen.add(at)
            yield config[at], config[at:256] + bytes(64)
            at = config[at + 1] & 0xfc

    @staticmethod
    def extended(config):
        at, seen = 0x100, set()
        while 0x100 <= at <= len(config) - 8 and at not in seen:
            seen.add(at)
            header = int.from_bytes(config[at:at + 4], 'little')
            if header in (0, 0xffffffff):
                return
            yield header & 0xffff, config[at:at + 8]
            at = header >> 20 & 0xffc


class Host:
    def __init__(self, tree):
        self.tree = tree
        names = sorted((n for n in tree.list('sys/bus/pci/devices') if ADDRESS.match(n)), key=order)
        self.functions = {name: Function(tree, name) for name in names}
        self.listed = {}  # in which groups' own lists a function stands
        for group in filter(str.isdigit, tree.list('sys/kernel/iommu_groups')):
            for name in tree.list('sys/kernel/iommu_groups', group, 'devices'):
                self.listed.setdefault(name, set()).add(int(group))
                if name in self.functions and self.functions[name].group is None:
                    self.functions[name].group = int(group)
        for fn in self.functions.values():
            fn.parent = self.functions.get(fn.above)
            physfn = tree.link('sys/bus/pci/devices', fn.address, 'physfn')
            fn.pf = self.functions.get(os.path.basename(physfn)) if physfn else None
            if fn.parent:
                fn.parent.below.append(fn)
        for fn in self.functions.values():
            fn.parse()
        self.groups = {}
        for fn in self.functions.values():
            self.groups.setdefault(fn.group, []).append(fn)
        self.map = self.read_maps()
        self.firmware = Firmware(tree)
        self.compatibility = self.read_compatibility()

    def read_maps(self):
        entries = []
        for path in ('usr/share/directpath/passthru.map', 'etc/directpath/passthru.map'):
            for line in self.tree.lines(path):
                words = line.split('#')[0].lower().split()
                if len(words) == 4 and re.fullmatch('[0-9a-f]{1,4}', words[0]) and re.fullmatch('[0-9a-f]{1,4}', words[1]) \
                        and words[2] in (*WANTED, 'default') and words[3] in ('true', 'default', 'false'):
                    entries.append((int(words[0], 16), int(words[1], 16), words[2], words[3] != 'false', path[0] == 'e'))
        return entries

    def read_compatibility(self):
        rows = [line.split('#')[0].lower().split() for line in self.tree.lines('etc/directpath/compatibility')]
        return {(int(words[0], 16), int(words[1], 16)): words[2] for words in rows
                if len(words) == 3 and words[2] in ('supported', 'experimental', 'unlisted')
                and all(re.fullmatch('[0-9a-f]{1,4}', word) for word in words[:2])}

    def policy_of(self, fn):
        best, rank = ('default', True, False), -1
        for vendor, device, method, shareable, own in self.map:
            if vendor in (fn.vendor, 0xffff) and device in (fn.device, 0xffff):
                worth = (vendor != 0xffff) * 2 + (device != 0xffff)
                if worth >= rank:
                    best, rank = (method, shareable, own), worth
        return best


def judge_host(host):
    """Ids of the host, those that refuse every function, and whether there is an IOMMU."""
    tree, ids, blockers = host.tree, set(), set()
    units = tree.list('sys/class/iommu')
    groups = tree.list('sys/kernel/iommu_groups') or [g for g in host.groups if g is not None]
    cpuinfo = tree.text('proc/cpuinfo')
    flags = set(' '.join(re.findall(r'^flags\s*:\s*(.*)$', cpuinfo or '', re.M)).split())
    virtual = None if cpuinfo is None or not flags else bool(flags & {'vmx', 'svm'})
    tables = tree.list('sys/firmware/acpi/tables') if tree.exists('sys/firmware/acpi/tables') else None
    if not units and not groups:
        if tables is not None and any(t[:4] in ('DMAR', 'IVRS') for t in tables):
            blockers.add(1103)
        elif tables is not None and virtual and 'hypervisor' not in flags:
            blockers.add(1102)
        else:
            blockers.add(1101)
    else:
        first = next((u[:4] for u in units if u[:4] in ('dmar', 'ivhd')), None)
        ids |= {1104} if first == 'ivhd' else set()
        interrupts = tree.text('proc/interrupts')
        if not interrupts:
            ids.add(1106)
        elif ' IR-' not in interrupts:
            blockers.add(1105)
    blockers |= judge_modules(tree)
    if not any(tree.exists(p) for p in ('dev/kvm', 'sys/class/misc/kvm', 'sys/module/kvm_intel', 'sys/module/kvm_amd')):
        ids.add(1109)
    if virtual is False:
        ids.add(1110)
    if (tree.text('sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts') or 'N')[0] in 'Y1':
        ids.add(1111)
    lockdown = re.search(r'\[(\w+)\]', tree.text('sys/kernel/security/lockdown') or '')
    if lockdown and lockdown.group(1) != 'none':
        ids.add(1112)
    if 'pcie_acs_override' in (tree.text('proc/cmdline') or ''):
        ids.add(1113)
    return ids | blockers, blockers, bool(units or groups)


def judge_modules(tree):
    kernel = tree.text('proc/sys/kernel/osrelease') or '-'
    lists = [tree.text('lib/modules', kernel, name) for name in ('modules.dep', 'modules.builtin')]
    known = any(text is not None for text in lists)
    missing = set()
    for number, here, file in ((1107, 'sys/bus/pci/drivers/vfio-pci', '/vfio-pci.ko'),
                               (1108, 'sys/module/vfio_iommu_type1', '/vfio_iommu_type1.ko')):
        if not tree.exists(here) and known and not any(file in (text or '') for text in lists):
            missing.add(number)
    return missing


class Firmware:
    """What DMAR and IVRS reserve for whom, from each function up to the root of its tree."""

    def __init__(self, tree):
        self.scopes, self.ids = [], []
        self.dmar(tree.read('sys/firmware/acpi/tables/DMAR') or b'')
        self.ivrs(tree.read('sys/firmware/acpi/tables/IVRS') or b'')

    @staticmethod
    def body(data, name):
        length = int.from_bytes(data[4:8], 'little')
        return data[48:length] if data[:4] == name and len(data) >= 48 and length >= 48 else b''

    def dmar(self, data):
        rest = self.body(data, b'DMAR')
        while len(rest) >= 4:
            kind, length = struct.unpack_from('<HH', rest)
            if not 4 <= length <= len(rest):
                break
            if kind == 1 and length >= 24:
                self.rmrr(rest[:length])
            rest = rest[length:]

    def rmrr(self, data):
        segment, start, last = struct.unpack_from('<6xHQQ', data)
        rest = data[24:] if start <= last else b''
        while len(rest) >= 2 and rest[1] >= 8 and rest[1] % 2 == 0 and rest[1] <= len(rest):
            hops = list(zip(rest[6:rest[1]:2], rest[7:rest[1]:2]))
            if rest[0] in (1, 2) and all(device < 32 and function < 8 for device, function in hops):
                self.scopes.append((segment, rest[5], hops, (start, last)))
            rest = rest[rest[1]:]

    def ivrs(self, data):
        rest = self.body(data, b'IVRS')
        while len(rest) >= 4:
            kind, flags, length = struct.unpack_from('<BBH', rest)
            if not 4 <= length <= len(rest):
                break
            if kind in (0x20, 0x21, 0x22) and length >= 32 and flags & 9:
                first, last, segment, start, size = struct.unpack_from('<4xHHH6xQQ', rest)
                last = {0x20: 0xffff, 0x21: first, 0x22: last}[kind]
                first = 0 if kind == 0x20 else first
                if size and start + size <= 1 << 64 and first <= last:
                    self.ids.append((segment, first, last, (start, start + size - 1)))
            rest = rest[length:]

    def of(self, fn):
        """Ranges, each with whether the kernel lets the function go all the same."""
        found, line = [], [fn, *fn.bridges()]
        harmless = fn.code >> 16 == 0x03 or fn.code >> 8 == 0x0c03
        for segment, bus, hops, extent in self.scopes:
            for target in range(len(line)):
                path = line[target:target + len(hops)]
                where = [order(f.address) for f in path]
                if len(path) == len(hops) and where[-1][:2] == [segment, bus] and \
                        [tuple(w[2:]) for w in reversed(where)] == hops:
                    found.append((extent, harmless))
        domain, bus, device, function = order(fn.address)
        number = bus << 8 | device << 3 | function
        return found + [(extent, False) for segment, first, last, extent in self.ids
                        if segment == domain and first <= number <= last]


def regions_of_group(tree, group):
    """The kernel's word; None: it has none."""
    text = tree.text('sys/kernel/iommu_groups', str(group), 'reserved_regions')
    if group is None or text is None:
        return None
    found = []
    for line in text.split('\n') if text else ():
        words = re.fullmatch('0x([0-9a-f]{1,16}) 0x([0-9a-f]{1,16}) (direct|direct-relaxable|msi|reserved)', line)
        if not words or int(words.group(2), 16) < int(words.group(1), 16):
            break
        if words.group(3).startswith('direct'):
            found.append(((int(words.group(1), 16), int(words.group(2), 16)), words.group(3) == 'direct-relaxable'))
    return found


def kernels_word(host, fn):
    return regions_of_group(host.tree, fn.group) if fn.group in host.listed.get(fn.address, ()) else None


def pictures(tree):
    found = re.findall(r'^ *([0-9a-f]{1,16})-([0-9a-f]{1,16}) : (?:BOOTFB|efifb|vesafb|simplefb|simple-framebuffer)$',
                       tree.text('proc/iomem') or '', re.M)
    return [(int(start, 16), int(last, 16)) for start, last in found if int(last, 16) >= max(1, int(start, 16))]


def judge_memory(host, fn, bits, shown):
    regions = kernels_word(host, fn)
    if regions is None:
        regions = host.firmware.of(fn)
        mates = host.groups[fn.group] if fn.group is not None else []
        regions += [(extent, harmless) for mate in mates if kernels_word(host, mate) is None
                    for extent, harmless in host.firmware.of(mate) if not harmless]
    fn.ids |= {1231 if harmless else 1230 for _, harmless in regions}
    wide = 0
    for index, bar in enumerate(fn.bars):
        if bar is None:
            continue
        start, last, flags = bar
        memory, ports = flags & 0x200, flags & 0x100
        lost = (memory or ports) and (flags & 0x20000000 or start == 0)
        if lost:
            fn.ids.add(1232 if memory and index < 6 else 1233)
        if flags & 0x100000:
            wide += last - start + 1
        if memory and not lost and any(first <= last and start <= end for first, end in shown):
            fn.ids.add(1235)
    if bits and bits < 64 and wide >= 1 << bits:
        fn.ids.add(1234)


def address_bits(tree):
    block = (tree.text('proc/cpuinfo') or '').split('\n\n')[0]
    words = re.findall(r'^address sizes[ \t]*:[ \t]*([0-9]+) bits physical', block, re.M)
    return int(words[-1]) if words and 32 <= int(words[-1]) <= 64 else None


def choose_reset(host, fn):
    able = {'device-specific': bool({'device_specific', 'acpi'} & set(fn.hint or ())), 'flr': fn.flr,
            'bus': bool(fn.parent) and not fn.virtual, 'pm': fn.pm}
    policy, shareable, own = host.policy_of(fn)
    wanted, uncertain, ids = WANTED.get(policy), False, set()
    if wanted and able[wanted] is not False:
        method, uncertain = wanted, able[wanted] is None
    else:
        ids |= {1213} if wanted else set()
        method = 'none'
        for candidate in ('device-specific', 'flr', 'bus'):
            if able[candidate]:
                method = candidate
                break
            uncertain = uncertain or able[candidate] is None
    if method == 'none':
        ids.add(1212 if uncertain else 1211 if able['pm'] else 1210)
    if method == 'bus' and not all(f.assignable for f in fn.parent.everything_below()):
        ids.add(1214)
    affected = [fn] if method != 'bus' else list(fn.parent.everything_below())
    fn.affected, fn.shareable, fn.method, fn.could_pm = affected, shareable, method, bool(able['pm'])
    fn.own_false = own and not shareable
    return ids, {'affected': sorted((f.address for f in affected), key=order),
                 'available': [name for name in ('device-specific', 'flr', 'bus', 'pm') if able[name]],
                 'method': method, 'policy': policy, 'uncertain': uncertain}


def join_units(host, reset=False, own=False, card=None):
    """Units as sets: everything that one rule ties together is one set, and sets that touch are joined. On paper: with
    `reset` those that could use their power state do, with `own` no `false` of the administrator counts, and the
    functions of `card` are in a slot of their own."""
    functions = [fn for fn in host.functions.values() if fn.assignable]
    ties = [[f for f in members if f.assignable] for group, members in host.groups.items() if group is not None]
    ties += [[f for f in fn.affected if f.assignable] for fn in functions
             if fn.method == 'bus' and not (reset and fn.could_pm and fn.ids_known)]
    slots = {}
    for fn in functions:
        if not fn.virtual:
            slots.setdefault(fn.slot(), []).append(fn)
    ties += [members for members in slots.values() if not all(f.shareable or own and f.own_false for f in members)]
    if card is not None:
        ties = [part for tie in ties for part in ([f for f in tie if f in card], [f for f in tie if f not in card]) if part]
    unit = {fn: {fn} for fn in functions}
    for tie in ties:
        for fn in tie[1:]:
            if unit[fn] is not unit[tie[0]]:
                joined = unit[tie[0]] | unit[fn]
                for member in joined:
                    unit[member] = joined
    return unit


def advise(host, units):
    """For each function what would make its unit smaller: another reset, another slot, no `false` of one's own."""
    by_reset, by_map = join_units(host, reset=True), join_units(host, own=True)
    cards = {}
    for fn in units:
        cards.setdefault(fn.physical().slot(), set()).add(fn)
    found = {}
    for fn, unit in units.items():
        found[fn] = {1304} if len(by_reset[fn]) < len(unit) else set()
        card = cards[fn.physical().slot()]
        if fn.physical().parent and len(unit) > 1 and len(join_units(host, card=card)[fn]) < len(unit):
            found[fn].add(1320)
        found[fn] |= {1321} if len(by_map[fn]) < len(unit) else set()
    return found


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


def judge_alone(host, fn, blockers, has_iommu):
    fn.ids |= blockers
    fn.ids |= {1202} if has_iommu and fn.group is None else set()
    fn.ids |= {1220} if fn.dead else set()
    fn.ids |= {1221} if fn.power == 'D3cold' else set()
    fn.ids |= {1223} if not fn.ids_known else set()
    fn.ids |= {1224} if fn.vfs else set()
    fn.ids |= {1225} if fn.code >> 8 == 0x0c03 else set()
    fn.ids |= {1208} if fn.console else set()


def judge_unit(host, fn, unit):
    mates = unit - {fn}
    if fn.irq and fn.pin and fn.msi is False:
        for other in host.functions.values():
            if other not in unit and other.irq == fn.irq and other.driver and not other.messages and other.pin != 0 \
                    and not other.on_vfio():
                fn.late.add(1222)
    if any(mate.ids & NEEDS for mate in mates):
        fn.late.add(1301)
    group = host.groups[fn.group] if fn.group is not None else []
    for other in group:
        if not other.assignable and other.driver not in (None, 'pcieport', 'shpchp', 'pci-stub') \
                and not other.on_vfio():
            fn.late.add(1302)
    if any(mate.group == fn.group for mate in mates) and fn.group is not None:
        fn.late.add(1303)


def support_of(host, fn):
    """What the list says of this very device, then what the documents say, then what the list says of many."""
    if (fn.vendor, fn.device) in host.compatibility:
        return host.compatibility[fn.vendor, fn.device]
    if fn.device in SUPPORTED.get(fn.vendor, ()):
        return 'supported'
    if fn.device in EXPERIMENTAL.get(fn.vendor, ()):
        return 'experimental'
    wide = ((fn.vendor, 0xffff), (0xffff, fn.device), (0xffff, 0xffff))
    return next((host.compatibility[ids] for ids in wide if ids in host.compatibility), 'unlisted')


def words_of(ids):
    return ['DP%d' % number for number in sorted(ids)]


def judge(root):
    host = Host(Tree(root))
    ids, blockers, has_iommu = judge_host(host)
    functions = [fn for fn in host.functions.values() if fn.assignable]
    resets = {}
    for fn in functions:
        fn.ids, resets[fn] = choose_reset(host, fn)
        fn.late = set()
    units = join_units(host)
    advice = advise(host, units)
    bits, shown = address_bits(host.tree), pictures(host.tree)
    needs_of_disks(host.tree, functions, units)
    more.seat_ids(host.tree, functions, units)
    for fn in functions:
        judge_alone(host, fn, blockers, has_iommu)
        judge_memory(host, fn, bits, shown)
    for fn in functions:
        judge_unit(host, fn, units[fn])
    verdicts = {}
    for fn in host.functions.values():
        if not fn.assignable:
            verdicts[fn.address] = {'assignable': False, 'ids': ['DP1201']}
            continue
        found = fn.ids | fn.late
        verdicts[fn.address] = {
            'assignable': True, 'allowed': not found & ERRORS, 'reset': resets[fn], 'shareable': fn.shareable,
            'unit': sorted((mate.address for mate in units[fn]), key=order), 'support': support_of(host, fn),
            'ids': words_of(found), 'advice': words_of(advice[fn])}
    return {'capable': not ids & ERRORS, 'ids': words_of(ids), 'functions': verdicts}


if __name__ == '__main__':
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(json.dumps(judge(sys.argv[1]), indent=1, sort_keys=True))
