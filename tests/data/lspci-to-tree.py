#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes a captured host from the output of lspci, or from a list of IOMMU groups as people print it, so that scan and
policy can be run over real machines.

    lspci-to-tree.py DUMP OUT

Best with `lspci -Dnnvv -xxxx`; hex lines carry configuration space. Without them ids and classes come from -nn; without
those the class comes from its name, and the ids are made up. Groups may stand in headings ("IOMMU Group 1:"), before
each function, or in paths (/sys/kernel/iommu_groups/1/devices/0000:00:01.0).
"""
import importlib.util
import os
import re
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
HEAD = re.compile(r'^(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}):([01][0-9a-f])\.([0-7]) (.*)$')
HEX = re.compile(r'^([0-9a-f]{2,3}):((?: [0-9a-f]{2}){1,16})\s*$')
CLASS = re.compile(r'\[([0-9a-f]{4})\]:|Class ([0-9a-f]{4}):')
IDS = re.compile(r'\[([0-9a-f]{4}):([0-9a-f]{4})\]|Device ([0-9a-f]{4}):([0-9a-f]{4})')
DRIVER = re.compile(r'Kernel driver in use: (\S+)')
GROUP = re.compile(r'IOMMU group:? (\d+)')
GROUP_LINE = re.compile(r'^(?:IOMMU )?Group:?\s+(\d+):?\s*(.*)$')
GROUP_PATH = re.compile(r'^/sys/kernel/iommu_groups/(\d+)/devices/(?=[0-9a-f:]+\.[0-7])(\S+)')
IDS_FIRST = re.compile(r'^(\[[0-9a-f]{4}:[0-9a-f]{4}\]) (?:\[R\])?\s*([0-9a-f:.]+)\s+(.*)$')
BUSES = re.compile(r'secondary=([0-9a-f]{2}), subordinate=([0-9a-f]{2})')
MADE_UP_IDS = '1234:0001'
CLASS_NAMES = {
    'SATA controller': '0106', 'Non-Volatile memory controller': '0108', 'Ethernet controller': '0200',
    'VGA compatible controller': '0300', '3D controller': '0302', 'Audio device': '0403', 'Host bridge': '0600',
    'ISA bridge': '0601', 'PCI bridge': '0604', 'IOMMU': '0806', 'System peripheral': '0880', 'USB controller': '0c03',
    'SMBus': '0c05', 'Serial bus controller': '0c80', 'Signal processing controller': '1180',
}
UNASSIGNED = 'ff00'


def load_maker():
    spec = importlib.util.spec_from_file_location('make_tree', os.path.join(HERE, 'make-tree.py'))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def unfold(text):
    """The lines, with those of a list of groups as lspci would print them: address first, the group below."""
    group = None
    for line in text.splitlines():
        named, path = GROUP_LINE.match(line.strip()), GROUP_PATH.match(line)
        if named:
            group, line = named.group(1), named.group(2)
        elif path:
            group, line = path.group(1), path.group(2) + ' unnamed'
        elif group is not None:
            line = line.strip()
        line = IDS_FIRST.sub(r'\2 \3 \1', line)
        yield line
        if group is not None and HEAD.match(line):
            yield '\tIOMMU group: ' + group


def parse(text):
    """{address: {head, bytes, lines}} in order of appearance; a second dump of an address is ignored."""
    functions, current = {}, None
    for line in unfold(text):
        head, dump = HEAD.match(line), HEX.match(line.strip())
        if head:
            address = '%s:%s:%s.%s' % (head.group(1) or '0000', head.group(2), head.group(3), head.group(4))
            current = {'head': head.group(5), 'bytes': {}, 'lines': []}
            if address not in functions:
                functions[address] = current
        elif dump and current is not None:
            at = int(dump.group(1), 16)
            for index, byte in enumerate(bytes.fromhex(dump.group(2).replace(' ', ''))):
                current['bytes'].setdefault(at + index, byte)
        elif current is not None:
            current['lines'].append(line)
    return functions


def config_of(entry):
    """The bytes up to the first gap, as sysfs would give them."""
    config = bytearray()
    while len(config) < 4096 and len(config) in entry['bytes']:
        config.append(entry['bytes'][len(config)])
    for size in (4096, 256, 64):
        if len(config) >= size:
            return bytes(config[:size])
    return b''


def describe_function(address, entry):
    config = config_of(entry)
    ids, kind = IDS.search(entry['head']), CLASS.search(entry['head'])
    kind = (kind.group(1) or kind.group(2)) if kind else CLASS_NAMES.get(re.split(':|  ', entry['head'])[0], UNASSIGNED)
    buses = BUSES.search('\n'.join(entry['lines']))
    fn = {'at': address, 'config': config.hex(), 'rev': config[8] if config else 0}
    if config and config[0:4] not in (b'\xff\xff\xff\xff', b'\0\0\0\0'):
        fn['id'] = '%04x:%04x' % (config[0] | config[1] << 8, config[2] | config[3] << 8)
        fn['class'] = '%02x%02x%02x' % (config[11], config[10], config[9])
    else:
        fn['id'] = ':'.join(part for part in ids.groups() if part) if ids else MADE_UP_IDS
        fn['class'] = kind + '00'
    if config and config[0x0e] & 0x7f == 1:
        fn['secondary'], fn['subordinate'] = config[0x19], config[0x1a]
    elif fn['class'].startswith('0604') and buses:
        fn['secondary'], fn['subordinate'] = int(buses.group(1), 16), int(buses.group(2), 16)
    elif fn['class'].startswith('0604'):
        fn['secondary'] = fn['subordinate'] = int(address.split(':')[1], 16)  # unknown: leads nowhere
    elif config:
        fn['sub'] = '%04x:%04x' % (config[0x2c] | config[0x2d] << 8, config[0x2e] | config[0x2f] << 8)
    driver, group = DRIVER.search('\n'.join(entry['lines'])), GROUP.search('\n'.join(entry['lines']))
    if driver:
        fn['driver'] = driver.group(1).replace('/', '_')
    if group:
        fn['group'] = int(group.group(1))
    return fn


def nest(functions):
    """Functions below the bridge whose secondary bus is theirs."""
    bridges = {}
    for fn in functions:
        domain, bus = fn['at'].split(':')[:2]
        if 'secondary' in fn and fn['secondary'] > int(bus, 16):
            bridges.setdefault((domain, fn['secondary']), fn)
    top = []
    for fn in functions:
        domain, bus = fn['at'].split(':')[:2]
        bridge = bridges.get((domain, int(bus, 16)))
        (top if bridge is None else bridge.setdefault('below', [])).append(fn)
    return top


def describe(text):
    functions = [describe_function(address, entry) for address, entry in parse(text).items()]
    grouped = any('group' in fn for fn in functions)
    return {'functions': nest(functions), 'iommu': 'vtd' if grouped else 'none', 'mounts': []}


def main(arguments):
    if len(arguments) != 2:
        sys.exit(__doc__)
    with open(arguments[0], encoding='utf-8', errors='replace') as file:
        load_maker().make(describe(file.read()), arguments[1])


if __name__ == '__main__':
    main(sys.argv[1:])
