#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Policy against an independent reference, and both against what was written down.

    policy.py DUMP TREES            TAP: for each host in TREES the verdicts of DUMP, of reference.py and of policy/HOST.json
    policy.py --captures DUMP TREES TAP: DUMP against the reference alone, for hosts that were captured just now
    policy.py --update TREES        writes policy/HOST.json from the reference; read the difference before committing it
    policy.py --random DUMP N SEED  TAP: DUMP against the reference on N hosts made up from SEED
    policy.py --dumps DUMP FILE...  TAP: the same on hosts made from what lspci printed, or lists of IOMMU groups;
                                    --corpus=FOLDER: all files of FOLDER
"""
import json
import os
import random
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'data')]
import madeup  # noqa: E402
import reference  # noqa: E402

LSPCI_TO_TREE = os.path.join(HERE, '..', 'data', 'lspci-to-tree.py')
GOLDEN = os.path.join(HERE, 'policy')


def layout(document):
    """A line for each function, so that a change of a verdict is a change of a line."""
    lines = ['%s: %s' % (json.dumps(name), json.dumps(verdict, sort_keys=True))
             for name, verdict in document['functions'].items()]
    return '{"capable": %s, "ids": %s, "functions": {\n%s\n}}\n' % (
        json.dumps(document['capable']), json.dumps(document['ids']), ',\n'.join(lines))


def dump(program, tree):
    """The verdicts; and what is advised, by function and id."""
    document = json.loads(subprocess.run([program, tree], check=True, stdout=subprocess.PIPE).stdout)
    remedies = {name: verdict.pop('remedies') for name, verdict in document['functions'].items() if 'remedies' in verdict}
    return document, remedies


def differences(left, right, where=''):
    if isinstance(left, dict) and isinstance(right, dict):
        return [line for key in sorted(set(left) | set(right))
                for line in differences(left.get(key), right.get(key), '%s/%s' % (where, key))]
    return [] if left == right else ['%s: %s, not %s' % (where, json.dumps(left), json.dumps(right))]


def follow(program, tree, before, remedies):
    """Advice that is followed must make the unit smaller: the lines that the first of each kind names are written."""
    path, problems = os.path.join(tree, 'etc/directpath/passthru.map'), []
    for wanted in ('DP1304', 'DP1321'):
        name = next((name for name, advice in remedies.items() if wanted in advice), None)
        if name is None:
            continue
        with open(path, encoding='utf-8') as file:
            old = file.read()
        lines = old.split('\n')
        if wanted == 'DP1304':
            lines += re.findall('"([^"]*)"', remedies[name][wanted])
        for number in re.findall(r'line (\d+) of', remedies[name][wanted]):
            lines[int(number) - 1] = lines[int(number) - 1].replace('false', 'default')
        with open(path, 'w', encoding='utf-8') as file:
            file.write('\n'.join(lines) + '\n')
        after = dump(program, tree)[0]
        if len(after['functions'][name]['unit']) >= len(before['functions'][name]['unit']):
            problems.append('%s: following %s (%s) changes nothing' % (name, wanted, remedies[name][wanted]))
        with open(path, 'w', encoding='utf-8') as file:
            file.write(old)
    return problems


def report(number, name, problems):
    print('%s %d - %s' % ('not ok' if problems else 'ok', number, name))
    for line in problems[:20]:
        print('# ' + line)
    return not problems


def check(program, trees, written_down=True):
    names = sorted(name for name in os.listdir(trees) if os.path.isdir(os.path.join(trees, name)))
    good = True
    print('1..%d' % len(names))
    for number, name in enumerate(names, 1):
        tree, golden = os.path.join(trees, name), os.path.join(GOLDEN, name + '.json')
        expected, problems = reference.judge(tree), []
        if not written_down:
            pass
        elif os.path.exists(golden):
            with open(golden, encoding='utf-8') as file:
                problems += ['reference, golden: ' + line for line in differences(expected, json.load(file))]
        else:
            problems.append('there is no %s: policy.py --update writes it' % golden)
        problems += ['policy, reference: ' + line for line in differences(dump(program, tree)[0], expected)]
        good = report(number, name, problems) and good
    return good


def check_random(program, count, seed):
    good = True
    folder = '/dev/shm' if os.access('/dev/shm', os.W_OK) else None  # a host is a thousand small files
    print('1..%d' % count)
    for number in range(1, count + 1):
        with tempfile.TemporaryDirectory(prefix='directpath-', dir=folder) as tree:
            host = madeup.make(random.Random(seed + number), tree)
            found, remedies = dump(program, tree)
            problems = differences(found, reference.judge(tree)) + follow(program, tree, found, remedies)
        if problems:
            problems.append(json.dumps(host))
        good = report(number, 'host made up from %d' % (seed + number), problems) and good
    return good


def check_dumps(program, arguments):
    good = True
    paths = [path for path in arguments if not path.startswith('--corpus=')]
    for folder in [argument.split('=', 1)[1] for argument in arguments if argument.startswith('--corpus=')]:
        paths += [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    print('1..%d' % len(paths))
    for number, path in enumerate(paths, 1):
        with tempfile.TemporaryDirectory(prefix='directpath-') as tree:
            subprocess.run([LSPCI_TO_TREE, path, tree], check=True)
            os.makedirs(os.path.join(tree, 'sys/bus/pci/devices'), exist_ok=True)
            problems = differences(dump(program, tree)[0], reference.judge(tree))
        good = report(number, os.path.basename(path), problems) and good
    return good


def update(trees):
    os.makedirs(GOLDEN, exist_ok=True)
    for name in sorted(os.listdir(trees)):
        if os.path.isdir(os.path.join(trees, name)):
            with open(os.path.join(GOLDEN, name + '.json'), 'w', encoding='utf-8') as file:
                file.write(layout(reference.judge(os.path.join(trees, name))))


def main(arguments):
    if len(arguments) == 4 and arguments[0] == '--random':
        return 0 if check_random(arguments[1], int(arguments[2]), int(arguments[3])) else 1
    if len(arguments) > 2 and arguments[0] == '--dumps':
        return 0 if check_dumps(arguments[1], arguments[2:]) else 1
    if len(arguments) == 3 and arguments[0] == '--captures':
        return 0 if check(*arguments[1:], written_down=False) else 1
    if len(arguments) == 2 and arguments[0] == '--update':
        return update(arguments[1])
    if len(arguments) == 2:
        return 0 if check(*arguments) else 1
    return __doc__


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
