#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The scan against an independent reader: what `lspci -vv` says of a tree, the scan must say too.

    test-import.py DUMP_HOST TREES LSPCI_DUMP... [--corpus=FOLDER]...

TREES holds made hosts; each LSPCI_DUMP is first made a host by lspci-to-tree.py. FOLDER may hold more dumps. Without
lspci on the machine the scan is still run and its functions are counted.
"""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

NAMED = re.compile(r'(?m)^(?:[^\n]*?(?:Group:?\s+\d+:?|devices/|\]|^)[ \t]*)((?:[0-9a-f]{4}:)?[0-9a-f]{2}:[01][0-9a-f]\.[0-7])(?= [A-Z]|$)')
HERE = os.path.dirname(os.path.abspath(__file__))
PCIE = {'Endpoint': 0, 'Legacy Endpoint': 1, 'Root Port': 4, 'Upstream Port': 5, 'Downstream Port': 6, 'PCI-Express to PCI': 7,
        'PCI/PCI-X to PCI-Express': 8, 'Root Complex Integrated Endpoint': 9, 'Root Complex Event Collector': 10}


def scan(program, tree):
    return json.loads(subprocess.run([program, tree], stdout=subprocess.PIPE, check=True, timeout=60).stdout)


def split(text):
    """{address: its block of lspci's output}"""
    blocks = re.split(r'(?m)^(?=[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7] )', text)
    return {block.split(' ', 1)[0]: block for block in blocks if block.strip()}


def expect(block):
    """The capabilities as lspci tells them, in the scan's words."""
    pcie = re.search(r'Capabilities: \[\w+\] Express(?: \(v\d\))? ([^\n]*)', block)
    msi = re.search(r'MSI: Enable. Count=\d+/(\d+) Maskable(.)', block)
    msix = re.search(r'MSI-X: Enable. Count=(\d+)', block)
    kind = -1
    if pcie:
        kind = next((value for name, value in sorted(PCIE.items(), key=lambda item: -len(item[0]))
                     if pcie.group(1).startswith(name)), None)
    return {'pcie': int(bool(pcie)), 'pcie_type': kind, 'flr': int('FLReset+' in block.split('DevCtl:')[0]),
            'pm': int('Power Management version' in block), 'no_soft_reset': int('NoSoftRst+' in block),
            'msi': int(bool(msi)), 'msi_vectors': int(msi.group(1)) if msi else 0,
            'msi_maskable': int(bool(msi) and msi.group(2) == '+'),
            'msix': int(bool(msix)), 'msix_vectors': int(msix.group(1)) if msix else 0,
            'af_flr': int(bool(re.search(r'AFCap: TP\+ FLR\+', block))),
            'acs': int('Access Control Services' in block), 'ari': int('Alternative Routing-ID' in block),
            'ats': int('Address Translation Service' in block), 'sriov': int('Single Root I/O' in block)}


def compare(function, block):
    caps, wrong = function['caps'], []
    if caps['readable'] != 1:
        return wrong
    for key, value in expect(block).items():
        hidden = caps['extended_readable'] != 1 and key in ('acs', 'ari', 'ats', 'sriov')
        if value is not None and caps[key] != (-1 if hidden else value):
            wrong.append('%s: %s is %d, lspci says %d' % (function['name'], key, caps[key], value))
    parent = function['parent']
    if function['iommu_group'] >= 0 and 'IOMMU group: %d' % function['iommu_group'] not in block:
        wrong.append('%s: group %d' % (function['name'], function['iommu_group']))
    if parent is not None and parent == function['name']:
        wrong.append('%s lies below itself' % parent)
    return wrong


def check(program, tree):
    """What the scan has wrong; the number of functions it found."""
    host = scan(program, tree)
    present = os.listdir(os.path.join(tree, 'sys/bus/pci/devices'))
    wrong = [] if len(present) == len(host['functions']) else ['%d of %d functions' % (len(host['functions']), len(present))]
    if shutil.which('lspci'):
        command = ['lspci', '-A', 'linux-sysfs', '-O', 'sysfs.path=%s/sys/bus/pci' % tree, '-D', '-nn', '-vv']
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60)
        blocks = split(done.stdout.decode(errors='replace'))
        for function in host['functions']:
            wrong += compare(function, blocks.get(function['name'], '')) if function['name'] in blocks else []
    return wrong, len(host['functions'])


def missed(path, count):
    """A dump that names functions must give some: otherwise nothing was compared."""
    with open(path, encoding='utf-8', errors='replace') as file:
        named = len({address[-7:] for address in NAMED.findall(file.read())})
    return [] if count >= named else ['%d of %d functions that the text names' % (count, named)]


def main(arguments):
    program, trees, *dumps = [argument for argument in arguments if not argument.startswith('--')]
    corpus = [argument.split('=', 1)[1] for argument in arguments if argument.startswith('--corpus=')]
    dumps += [path for folder in corpus for path in sorted(glob.glob(os.path.join(folder, '*')))]
    number = 0
    with tempfile.TemporaryDirectory(prefix='directpath-') as work:
        for name in sorted(os.listdir(trees)):
            if name != 'hostile':
                number += report(number, name, *check(program, os.path.join(trees, name)))
        for path in dumps:
            tree = os.path.join(work, 'tree')
            subprocess.run([os.path.join(HERE, 'lspci-to-tree.py'), path, tree], check=True, timeout=60)
            wrong, count = check(program, tree)
            number += report(number, os.path.basename(path), wrong + missed(path, count), count)
    print('1..%d' % number)


def report(number, name, wrong, count):
    print('%s %d - %s (%d functions)' % ('not ok' if wrong else 'ok', number + 1, name, count))
    for line in wrong:
        print('# ' + line)
    return 1


if __name__ == '__main__':
    main(sys.argv[1:])
