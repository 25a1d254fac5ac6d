# SPDX-License-Identifier: GPL-2.0-or-later
"""The part of reference.py about memory: what firmware and kernel reserve, BARs, the firmware's picture."""
import re
import struct

from reference_tree import order


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
