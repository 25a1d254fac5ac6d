#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether the committed hosts show every trait of real machines.

    traits.py TREES [--corpus=FOLDER...]  TAP: what TRAITS names is shown by a host in TREES; and so is whatever each dump in a
                                          FOLDER (lspci, or a list of IOMMU groups) shows
    traits.py --list TREE                 the traits of one host
"""
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import reference  # noqa: E402

LSPCI_TO_TREE = os.path.join(HERE, '..', 'data', 'lspci-to-tree.py')
TRAITS = """
class 0502; class 1101; class ff80; class 0600; class 0604; class 0607; class 0806; class 0807; class 1300
header 00; header 01; header 80; header 81; header 82
capability 07; capability 08; capability 0a; capability 0d; capability 0e; capability 0f; capability 12; capability 13
extended 0003; extended 000d; extended 000e; extended 000f; extended 0010; extended 0023; extended 002e
extended space repeats the first; configuration of 64 bytes; configuration unreadable
port 0; port 1; port 4; port 5; port 6; port 7; port 8; port 9; port 10
flr; no flr; af 3; pm keeps state; pm resets
segment 10000; another segment; no groups; a function without group; virtual function in a group of its own
group of one slot; group of slots of a bus; group of buses; group of segments
group of one slot, 2 for guests; group of buses behind PCI bridge, more for guests; group of buses with PF, more for guests
group of buses with root port, more for guests; group of buses with switch, 1 for guests
group of buses with host bridge, more for guests
"""


def of_config(fn):
    config = fn.config
    if len(config) < 64:
        yield 'configuration unreadable'
        return
    yield 'header %02x' % config[0x0e]
    if len(config) < 256:
        yield 'configuration of 64 bytes'
        return
    caps = dict(fn.capabilities(config))
    yield from ('capability %02x' % number for number in caps)
    if 0x10 in caps:
        yield 'port %d' % (caps[0x10][2] >> 4)
        yield 'flr' if caps[0x10][7] & 0x10 else 'no flr'
    if 0x01 in caps:
        yield 'pm keeps state' if caps[0x01][4] & 8 else 'pm resets'
    if 0x13 in caps:
        yield 'af %d' % caps[0x13][3]
    if config[256:260] == config[:4]:
        yield 'extended space repeats the first'
    elif len(config) > 256:
        yield from ('extended %04x' % number for number, _ in fn.extended(config))


def of_group(members):
    """Where its functions lie, what lies among them, and how many could go to a guest."""
    buses = {fn.address.rsplit(':', 1)[0] for fn in members}
    segments = {fn.address.split(':')[0] for fn in members}
    kind = 'segments' if len(segments) > 1 else 'buses' if len(buses) > 1 else \
        'slots of a bus' if len({fn.slot() for fn in members}) > 1 else 'one slot'
    yield 'group of ' + kind
    if any(fn.bridge and fn.pcie is None for fn in members):
        return  # of a list that does not say what kind of port
    ports = {fn.port for fn in members if fn.bridge and fn.pcie}
    among = [word for word, there in (
        ('behind PCI bridge', 7 in ports or any(fn.bridge and fn.pcie is False for fn in members)),
        ('with PF', any(fn.pf in members for fn in members if fn.pf)),
        ('with root port', 4 in ports), ('with switch', ports & {5, 6}),
        ('with host bridge', any(fn.code >> 8 == 0x0600 for fn in members))) if there]
    guests = sum(fn.assignable for fn in members)
    for word in among or ['']:
        yield ' '.join(('group of ' + kind, word)).strip() + ', %s for guests' % (guests if guests < 3 else 'more')


def traits_of(tree):
    functions = list(reference.Host(reference.Tree(tree)).functions.values())
    found, groups = set(), {}
    for fn in functions:
        groups.setdefault(fn.group, []).append(fn)
        found |= {'class %04x' % (fn.code >> 8), *of_config(fn)}
        segment = int(fn.address.split(':')[0], 16)
        found |= {'segment 10000' if segment > 0xffff else 'another segment'} if segment else set()
        if fn.pf and fn.group not in (None, fn.pf.group):
            found.add('virtual function in a group of its own')
    alone = groups.pop(None, [])
    if alone:
        found.add('a function without group' if groups else 'no groups')
    for members in groups.values():
        found |= set(of_group(members)) if len(members) > 1 else set()
    for verdict in reference.judge(tree)['functions'].values():
        reset = verdict.get('reset')
        found |= {'reset by %s of %s%s, hits %s' % (
            reset['method'], '+'.join(reset['available']), ' and what is unknown' if reset['uncertain'] else '',
            'one' if len(reset['affected']) == 1 else 'more')} if reset else set()
    return found


def dumps(folders):
    """Name and traits of each dump."""
    for path in [os.path.join(folder, name) for folder in folders for name in sorted(os.listdir(folder))]:
        with tempfile.TemporaryDirectory(prefix='directpath-') as tree:
            subprocess.run([LSPCI_TO_TREE, path, tree], check=True)
            os.makedirs(os.path.join(tree, 'sys/bus/pci/devices'), exist_ok=True)
            yield os.path.basename(path), traits_of(tree)


def main(arguments):
    if len(arguments) == 2 and arguments[0] == '--list':
        print('\n'.join(sorted(traits_of(arguments[1]))))
        return 0
    if not arguments or arguments[0].startswith('-'):
        return __doc__
    trees = [os.path.join(arguments[0], name) for name in os.listdir(arguments[0])]
    shown = set().union(*(traits_of(tree) for tree in trees if os.path.isdir(tree)))
    folders = [argument.split('=', 1)[1] for argument in arguments[1:] if argument.startswith('--corpus=')]
    good, number = True, 0
    named = {trait for line in TRAITS.strip().split('\n') for trait in line.split('; ')}
    for name, traits in [('traits by name', named), *dumps(folders)]:
        number += 1
        print('%s %d - %s' % ('not ok' if traits - shown else 'ok', number, name))
        print(''.join('# no host shows: %s\n' % trait for trait in sorted(traits - shown)), end='')
        good = good and not traits - shown
    print('1..%d' % number)
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
