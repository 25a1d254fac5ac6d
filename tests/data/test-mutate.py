#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Broken sysfs, at random but repeatable: the scan never dies, and one bad function never changes another.

    test-mutate.py DUMP_HOST TREES N SEED
"""
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

HOSTS = ('lab', 'lvm', 'sriov-one-group')
# What may change with a neighbour: the tree, and what belongs to both.
SHARED = ('parent', 'children', 'secondary', 'subordinate', 'physfn', 'host_names', 'diags')


def scan(program, tree):
    done = subprocess.run([program, tree], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)
    if done.returncode != 0:
        raise ValueError('exit status %d: %s' % (done.returncode, done.stderr.decode(errors='replace')[-2000:]))
    return json.loads(done.stdout)


def entries(folder):
    """Files and links of a folder and of those in it that are no functions."""
    found = []
    for root, folders, files in os.walk(folder):
        found += [os.path.join(root, name) for name in files]
        found += [os.path.join(root, name) for name in folders if os.path.islink(os.path.join(root, name))]
        folders[:] = [name for name in folders if name.count(':') < 2]
    return sorted(found)


def noise(rng):
    return rng.choice((
        b'', b'\n', b'\0' * rng.randrange(300), b'0x', b'-1\n', b'0xffffffffffffffffff\n', b'(null)\n', b'[', b'] [\n',
        b'\xff' * rng.choice((3, 64, 256, 4096)), rng.randbytes(rng.choice((1, 64, 255, 256, 260, 4096, 5000))),
        b'../' * 40 + b'etc/passwd\n', '\u202e\u2066x\n'.encode(), b'\x1b]0;x\x07' * 200, b'A' * 70000, b'%s%n%n\n'))


def spoil(rng, path):
    """Another content, a link that leads anywhere, a folder, a FIFO, or nothing in its place."""
    if os.path.isdir(path) and not os.path.islink(path):
        return
    old = b'' if os.path.islink(path) else open(path, 'rb').read()
    os.unlink(path)
    kind = rng.randrange(10)
    if kind < 4:
        content = noise(rng)
    elif kind < 6:
        spot = rng.randrange(len(old) + 1)
        content = old[:spot] + rng.randbytes(rng.randrange(1, 9)) + old[spot + rng.randrange(4):]
    elif kind < 8:
        os.symlink(rng.choice(('/', '.', path, '../' * 30, '/proc/self/fd/0', 'a' * 255, '0000:00:01.0', '\x07\x1b[31m')), path)
        return
    elif kind == 8:
        rng.choice((os.mkdir, os.mkfifo))(path)
        return
    else:
        return
    with open(path, 'wb') as file:
        file.write(content)


def one_function(rng, program, tree, before):
    name = rng.choice([function['name'] for function in before['functions']])
    own = entries(os.path.realpath(os.path.join(tree, 'sys/bus/pci/devices', name)))
    for path in rng.sample(own, min(len(own), rng.randrange(1, 8))):
        spoil(rng, path)
    after = {function['name']: function for function in scan(program, tree)['functions']}
    for function in before['functions']:
        found = after.get(function['name'])
        if found is None:
            raise ValueError('%s is gone' % function['name'])
        for key in function:
            if function['name'] != name and key not in SHARED and function[key] != found[key]:
                raise ValueError('%s: %s was %s, is %s after %s was spoiled' %
                                 (function['name'], key, function[key], found[key], name))


def anything(rng, program, tree, before):
    everything = [path for folder in ('sys', 'proc', 'lib', 'dev') for path in entries(os.path.join(tree, folder))]
    everything += [path for function in before['functions']
                   for path in entries(os.path.realpath(os.path.join(tree, 'sys/bus/pci/devices', function['name'])))]
    for path in rng.sample(everything, rng.randrange(1, 40)):
        if os.path.lexists(path):
            spoil(rng, path)
    if 'functions' not in scan(program, tree):
        raise ValueError('no functions')


def attempt(rng, program, source, before, number):
    with tempfile.TemporaryDirectory(prefix='directpath-') as work:
        tree = os.path.join(work, 'tree')
        shutil.copytree(source, tree, symlinks=True)
        try:
            (one_function if number % 2 else anything)(rng, program, tree, before)
        except (ValueError, subprocess.TimeoutExpired) as problem:
            return str(problem)
    return None


def main(program, trees, count, seed):
    print('1..%s' % count)
    before = {host: scan(program, os.path.join(trees, host)) for host in HOSTS}
    for number in range(1, int(count) + 1):
        rng = random.Random(int(seed) + number)
        host = rng.choice(HOSTS)
        problem = attempt(rng, program, os.path.join(trees, host), before[host], number)
        print('%s %d - %s spoiled with %d' % ('not ok' if problem else 'ok', number, host, int(seed) + number))
        if problem:
            print('\n'.join('# ' + line for line in problem.splitlines()))


if __name__ == '__main__':
    main(*sys.argv[1:])
