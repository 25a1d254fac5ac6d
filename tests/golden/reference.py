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
import sys

import reference_needs as more
from reference_disks import needs_of_disks
from reference_memory import Firmware, address_bits, judge_memory, pictures
from reference_tree import ADDRESS, Tree, order

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
