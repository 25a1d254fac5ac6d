#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Hostile names and strings wherever a device, a driver or an administrator may put some: none hides a device, breaks the
JSON or reaches the terminal as it is; and none in a VMX gives its guest the files by which the VM is kept.

    hostile.py PROGRAM N SEED    TAP: N strings made up from SEED, FUNCTIONS of them in each host; the files of a VMX
"""
import importlib
import json
import os
import random
import subprocess
import sys
import tempfile
import unicodedata

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'data'))
maker = importlib.import_module('make-tree')

FUNCTIONS = 25
NAME_MAX = 255
LIMIT = 60
PIECES = (
    b'\x1b[31m', b'\x1b]0;owned\x07', b'\x1b[2J\x1b[H', b'\x9b31m', b'\xc2\x9b31m', b'\r', b'\n', b'\t', b'\b\b\b', b'\x7f', b'\x01',
    '\u202e'.encode(), '\u2066\u2069'.encode(), '\u200b'.encode(), '\u2028'.encode(), '\ufeff'.encode(), '\u061c'.encode(),
    b'\xff', b'\xfe\xff', b'\xc3', b'\xe2\x80', b'\xc0\xaf', b'\xed\xa0\x80', b'\xf4\x90\x80\x80', b'\x80', b'\xf8\x88\x80\x80\x80',
    b'"', b'\\', b"'", b'","allowed":true,"x":"', b'\\u0000', b'</script>', b'{}', b'%s%n', b'$(id)', b'`id`', b'; rm', b'-rf', b'..',
    b' ', b'\\040', b'\\000', b'0000:00:01.0', b'0x8086', b'vfio-pci', b'vfio_pci', b'none', b'e\xcc\x81', '\U0001f4a9'.encode(),
    '\u0627\u05d0'.encode(), b'root=/dev/sda1', b'[integrity]', b'a' * 40, b'lower_', b'=', b',', b':', b'#')


def strings(rng, count):
    """Of one to some pieces; each tenth is as long as a name may be, each other tenth 64 KiB."""
    for number in range(count):
        text = b''.join(rng.choice(PIECES) for _ in range(rng.randrange(1, 6)))
        if number % 10 in (3, 7):
            size = NAME_MAX if number % 10 == 3 else 65536
            text = (text * (size // len(text) + 1))[:size]
        yield text


def as_name(text):
    """The same as the name of a file: without "/", not too long, and not the folder itself."""
    name = text.replace(b'/', b'|')[:NAME_MAX]
    return name + b'x' if name in (b'.', b'..') else name


class Folder:
    def __init__(self, root):
        self.root = os.fsencode(root)

    def write(self, name, content):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.islink(path):
            os.unlink(path)
        with open(path, 'wb') as file:
            file.write(content)

    def link(self, name, target):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.lexists(path):
            os.unlink(path)
        os.symlink(target[:4000] or b'x', path)


ATTRIBUTES = (b'driver_override', b'power/runtime_status', b'power_state', b'reset_method', b'resource', b'irq', b'numa_node', b'boot_vga',
              b'sriov_numvfs', b'class')
PLACES = (b'proc/cmdline', b'proc/sys/kernel/osrelease', b'sys/kernel/security/lockdown', b'proc/iomem', b'proc/swaps', b'proc/mounts',
          b'proc/self/net/route', b'proc/interrupts', b'proc/meminfo', b'sys/firmware/acpi/tables/DMAR')


def spoil(folder, index, address, text):
    """What of one function, of a disk and of an interface behind it, and of the host is this string."""
    name, here = as_name(text), b'sys/devices/pci0000:00/' + address
    folder.link(here + b'/driver', b'../../../bus/pci/drivers/' + name)
    folder.write(here + b'/' + ATTRIBUTES[index % len(ATTRIBUTES)], text)
    folder.write(b'sys/kernel/iommu_groups/%d/reserved_regions' % index, text)
    folder.write(b'sys/kernel/iommu_groups/' + name + b'/devices/' + address, b'')
    folder.write(b'sys/bus/pci/devices/' + name + b'/vendor', b'0x8086\n')
    folder.write(b'sys/firmware/acpi/tables/' + name, text)
    folder.write(b'sys/class/iommu/' + name, b'')
    for kind, link in (b'block', b'ata1/host0/block/'), (b'net', b'net/'):
        place = here + b'/' + link + name
        folder.write(place + (b'/dev' if kind == b'block' else b'/address'), b'8:%d\n' % index)
        folder.link(b'sys/class/' + kind + b'/' + name, b'../../../' + place)
    folder.write(here + b'/ata1/host0/block/' + name + b'/dm/name', text)
    folder.write(here + b'/net/' + name + b'/lower_' + name[:NAME_MAX - 6], b'')
    folder.write(PLACES[index % len(PLACES)], text)
    return b'%d 1 8:%d / /%s rw - %s %s rw\n' % (index + 20, index, text, name, text)


def make(tree, texts):
    """The host, and the addresses of the functions that it has."""
    addresses = ['0000:00:%02x.0' % (index + 1) for index in range(FUNCTIONS)]
    maker.Maker({'functions': [{'at': at, 'id': '8086:10d3', 'class': '020000', 'group': index, 'caps': 'pm msi:1 pcie:rc-endpoint:flr',
                                'bars': 'mem:128K', 'reset': 'flr'} for index, at in enumerate(addresses)]}, tree).make()
    folder = Folder(tree)
    mounts = [spoil(folder, index, os.fsencode(address), text) for index, (address, text) in enumerate(zip(addresses, texts))]
    folder.write(b'proc/self/mountinfo', b''.join(mounts))
    return addresses


def shows(text):
    """What of the output a terminal would obey, or show otherwise than it is."""
    return sorted({'U+%04X' % ord(char) for char in text if char != '\n' and (unicodedata.category(char) in ('Cc', 'Cs', 'Zl', 'Zp')
                   or char in '\u061c\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff')})


def run(program, tree, words):
    done = subprocess.run([program, '--root', tree] + words, stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT,
                          cwd=os.path.dirname(tree))
    found = [] if done.returncode in (0, 1) else ['ended with %d' % done.returncode]
    output = done.stdout + done.stderr
    try:
        found += ['lets through ' + char for char in shows(output.decode())]
    except UnicodeDecodeError as error:
        found.append('is no UTF-8: %s' % error)
    return done.stdout, found


def once(pairs):
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys)), 'a key comes twice'
    return dict(pairs)


def check_list(program, tree, addresses, words):
    output, found = run(program, tree, words)
    try:
        document = json.loads(output, object_pairs_hook=once)
        if words[:2] == ['device', 'list']:
            hidden = set(addresses) - {device['address'] for device in document['devices']}
            found += ['hides %s' % sorted(hidden)] if hidden and '--all' in words else []
    except (ValueError, KeyError, AssertionError) as error:
        found.append('is no JSON: %s' % error)
    return found


def check_text(program, tree, addresses, words):
    output, found = run(program, tree, words)
    missing = [at for at in addresses if at.encode() not in output and at[5:].encode() not in output]
    return found + (['hides %s' % missing] if words == ['device', 'list', '--all'] and missing else [])


def check(program, tree, addresses, rng):
    shown = rng.choice(addresses)
    for words in (['device', 'list', '--all'], ['device', 'list', '--verbose'], ['device', 'show', shown], ['device', 'enable', shown, '--dry-run'],
                  ['host', 'check'], ['host', 'status'], ['host', 'capture', 'host.tar']):
        look = check_list if words[:2] != ['host', 'capture'] else check_text
        for found in check_text(program, tree, addresses, words), look(program, tree, addresses, words + ['--json']):
            yield from ('%s: %s' % (' '.join(words), line) for line in found)


# What a VMX may call a file that no guest gets, and names that only look like it.
KEPT = ('vm.vmx', './vm.vmx', 'VM.VMX', 'sub/other.vmx', 'directpath.log', './/directpath.log', 'directpath-1.log', 'DirectPath-5.LOG',
        'vm.ovmf-vars.fd', 'vm.ovmf-vars-secure.fd', 'sub/web.OVMF-vars.FD', '{folder}/vm.vmx', '{folder}/./directpath.log')
FREE = ('out.txt', 'vmx', 'vm.vmx.txt', 'my-directpath.log', 'directpath.log.1', 'ovmf-vars.fd')
DRIVES = {'serial0': 'file', 'serial3': 'file', 'floppy0': 'file', 'ide0:0': 'cdrom-image', 'scsi0:0': 'scsi-hardDisk'}


def vmx_of(drive, name):
    kind = 'fileType' if DRIVES[drive] == 'file' else 'deviceType'
    lines = {'virtualHW.version': '8', 'scsi0.present': 'TRUE', 'scsi0.virtualDev': 'pvscsi', drive + '.present': 'TRUE',
             '%s.%s' % (drive, kind): DRIVES[drive], drive + '.fileName': name}
    return ''.join('%s = "%s"\n' % line for line in lines.items())


def check_kept(program, work):
    """Each name for each kind of drive and port: refused where it is kept, and only there."""
    tree, vmx = os.path.join(work, 'TREE'), os.path.join(work, 'vm.vmx')
    maker.Maker({'functions': []}, tree).make()
    for drive in DRIVES:
        for name in KEPT + FREE:
            text = vmx_of(drive, name.format(folder=work))
            with open(vmx, 'w', encoding='utf-8') as file:
                file.write(text)
            output, found = run(program, tree, ['vm', 'validate', vmx, '--json'])
            yield from ('%s = %s: %s' % (drive, name, line) for line in found)
            said = [diag for diag in json.loads(output)['diagnostics'] if diag['id'] == 'DP3120']
            line = 'vm.vmx:%d' % len(text.splitlines())
            if [diag['subject'] for diag in said] != ([line] if name in KEPT else []):
                yield '%s = %s: %s' % (drive, name, said or 'nobody refuses it')


def report(number, what, problems):
    print('%s %d - %s' % ('not ok' if problems else 'ok', number, what), flush=True)
    for line in problems[:20]:
        print('# ' + ascii(line)[:300])


def main(program, count, seed):
    rng, failed = random.Random(seed), False
    program = os.path.abspath(program)
    folder = '/dev/shm' if os.access('/dev/shm', os.W_OK) else None
    texts = list(strings(rng, count))
    hosts = [texts[start:start + FUNCTIONS] for start in range(0, count, FUNCTIONS)]
    print('1..%d' % (len(hosts) + 1))
    for number, some in enumerate(hosts, 1):
        with tempfile.TemporaryDirectory(prefix='directpath-', dir=folder) as work:
            tree = os.path.join(work, 'TREE')
            addresses = make(tree, some)
            problems = list(check(program, tree, addresses, rng))
        report(number, '%d strings from %d on' % (len(some), (number - 1) * FUNCTIONS), problems)
        failed = failed or bool(problems)
    with tempfile.TemporaryDirectory(prefix='directpath-', dir=folder) as work:
        problems = list(check_kept(program, os.path.realpath(work)))
    report(len(hosts) + 1, 'files by which a VM is kept', problems)
    return 1 if failed or problems else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])) if len(sys.argv) == 4 else __doc__)
