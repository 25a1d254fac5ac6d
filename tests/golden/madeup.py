# SPDX-License-Identifier: GPL-2.0-or-later
"""Hosts made up at random in the form of make-tree.py: every trait that policy looks at, in every mixture."""
import importlib
import struct

maker = importlib.import_module('make-tree')

CLASSES = ('020000', '010802', '010601', '030000', '0c0330', '040300', '060100', '080600', '068000', '0c0500')
IDS = ('8086:10fb', '8086:10c6', '14e4:164f', '1077:2532', '1000:0058', '10df:f100', '10de:1b80', '1b36:0010')
HINTS = (None, None, '', 'flr', 'flr bus', 'pm', 'pm bus', 'bus', 'af_flr', 'device_specific flr', 'acpi bus')
CAPS = ('', 'pm', 'pm:nosoftreset', 'pm msi:1', 'msix:8', 'af', 'af:1', 'pcie:endpoint:flr msix:4',
        'pcie:endpoint pm msix:4', 'pcie:endpoint', 'pcie:endpoint:flr pm:nosoftreset', 'pcie:rc-endpoint pm')
DRIVERS = (None, None, 'vfio-pci', 'mlx5_vfio_pci', 'e1000e', 'nvme', 'ahci', 'lpc_ich', 'pci-stub')
PORTS = ('pcie:root-port acs', 'pcie:root-port', 'pcie:root-port acs:0x1f:0x0', 'pcie:to-pci', 'pm')
BARS = ('mem:16K', 'mem64:16K io:32', 'pref64:64G mem:1M', 'pref64:64G! mem:1M io:128!', 'mem:1M rom:64K!', 'pref64:256G pref64:256G',
        'mem:4K! rom:2K', 'pref64:32T mem64:32T')
PLACES = ('0xe0000000', '0xd0000000', '0xe0004000', '0x4000000000')
STARTS = ('0x7a000000', '0xe0000', '0xfffffffff000')
LASTS = ('0x7a7fffff', '0xfffff', '0xffffffffffffffff')
TYPES = ('direct', 'direct-relaxable', 'reserved', 'msi')
TUNNELS = ({'type': '778'}, {'type': '769'}, {'type': '1', 'uevent': 'DEVTYPE=vxlan'}, {'type': '1'}, {'type': '65534'},
           {'type': '65534', 'uevent': 'DEVTYPE=wireguard\nINTERFACE=wg0'}, {'type': '772'})
ENDS = ('c6:12:00:01', 'c6:12:00:05', '00:00:00:00', '52:54:00:5e:c7:e7', 'c6:12:00:0a', '')
MAP_WORDS = ('flr', 'd3d0', 'link', 'bridge', 'default')


class Maker:
    def __init__(self, rng):
        self.rng, self.next_bus, self.functions, self.bridges = rng, 1, [], []
        self.groups = rng.choice((4, 12, 60))

    def chance(self, percent):
        return self.rng.randrange(100) < percent

    def decorate(self, fn):
        rng = self.rng
        if self.chance(90):
            fn['group'] = rng.randrange(self.groups)
        if self.chance(30):
            fn['irq'], fn['pin'] = rng.choice((5, 10, 11)), rng.randrange(5)
        if self.chance(20):
            fn['msi'] = 1
        if self.chance(10):
            fn['power'] = rng.choice(('D3cold', 'D3hot', 'unknown', 'D1'))
        if self.chance(10):
            fn['runtime'] = rng.choice(('suspended', 'suspending', 'error'))
        if self.chance(4):
            fn['config'] = rng.choice(('ff' * 256, 'ff' * 64, '86 80'))
        return fn

    def endpoint(self, at):
        rng = self.rng
        fn = {'at': at, 'id': rng.choice(IDS), 'class': rng.choice(CLASSES), 'caps': rng.choice(CAPS)}
        driver, hint = rng.choice(DRIVERS), rng.choice(HINTS)
        if driver:
            fn['driver'] = driver
        if hint is not None:
            fn['reset'] = hint
        if fn['class'] == '030000' and self.chance(40):
            fn['boot_vga'] = 1
        if self.chance(5):
            fn['caps'], fn['numvfs'] = 'pcie:endpoint:flr sriov:4', rng.randrange(3)
        if self.chance(40):
            fn['bars'] = rng.choice(BARS)
            if self.chance(30):
                fn['@'] = rng.choice(PLACES)
        self.functions.append(fn)
        return self.decorate(fn)

    def bridge(self, at, depth):
        rng, bus = self.rng, self.next_bus
        self.next_bus += 1
        below = self.fill('0000:%02x' % bus, depth + 1)
        fn = {'at': at, 'id': '1b36:000c', 'class': '060400', 'caps': rng.choice(PORTS), 'below': below,
              'secondary': bus, 'subordinate': self.next_bus - 1}
        if self.chance(80):
            fn['driver'] = 'pcieport'
        self.bridges.append(at)
        return self.decorate(fn)

    def fill(self, bus, depth):
        """Slots of one bus, some with several functions."""
        found = []
        for slot in sorted(self.rng.sample(range(32), self.rng.randrange(1, 7 if depth == 0 else 4))):
            for number in range(self.rng.choice((1, 1, 1, 2, 3))):
                at = '%s:%02x.%d' % (bus, slot, number)
                found.append(self.bridge(at, depth) if depth < 3 and self.chance(30) else self.endpoint(at))
        return found

    def disks(self):
        rng, disks, names = self.rng, [], []
        for index in range(rng.randrange(4)):
            name = 'sd%c' % (97 + index)
            disk = {'name': name, 'dev': '8:%d' % (16 * index), 'via': 'ata%d/host%d' % (index, index),
                    'parts': {name + str(p): '8:%d' % (16 * index + p) for p in range(1, rng.randrange(1, 4))}}
            if self.chance(85):
                disk['at'] = rng.choice(self.functions)['at']
            else:
                del disk['via']
            disks.append(disk)
            names += [name, *disk['parts']]
        if self.chance(20):
            disks.append({'name': 'sdx', 'dev': '65:112', 'iscsi': [3, '198.18.0.3']})
            names.append('sdx')
        if self.chance(30) and len(disks) > 1:
            paths = [disk['name'] for disk in disks]
            names = [name for name in names if name.rstrip('123') not in paths]
            disks = [{key: value for key, value in disk.items() if key != 'parts'} for disk in disks]
            disks.append({'name': 'dm-9', 'dev': '254:9', 'dm': 'mpatha', 'mpath': True, 'slaves': paths})
            names.append('dm-9')
        if self.chance(15):
            disks.append({'name': 'nbd0', 'dev': '43:0', 'parts': {'nbd0p1': '43:1'}})
            names.append('nbd0p1')
        if self.chance(15):
            disks.append({'name': 'rbd0', 'dev': '252:0'})
            names.append('rbd0')
        if self.chance(10) and names:
            disks.append({'name': 'drbd0', 'dev': '147:0', 'slaves': [rng.choice(names)]})
            names.append('drbd0')
        for index in range(rng.randrange(4) if names else 0):
            slaves = rng.sample(names, rng.randrange(1, min(3, len(names)) + 1))
            disks.append({'name': 'dm-%d' % index, 'dev': '254:%d' % index, 'dm': 'vg-%d' % index, 'slaves': slaves})
            names.append('dm-%d' % index)
        return disks

    @staticmethod
    def devices(disks):
        """Number and name of each."""
        whole = [(d['dev'], '/dev/mapper/' + d['dm'] if 'dm' in d else '/dev/' + d['name']) for d in disks]
        return whole + [(dev, '/dev/' + part) for d in disks for part, dev in d.get('parts', {}).items()]

    def uses(self, disks):
        devices = self.devices(disks)
        mounts = [['0:20', '/proc', 'proc', 'proc']]
        for device, source in self.rng.sample(devices, self.rng.randrange(len(devices) + 1) // 2):
            mounts.append(['0:44', '/b', 'btrfs', source] if self.chance(20) else [device, '/x y', 'ext4', source])
        for point in ('/', '/etc', '/etc/directpath', '/srv', '/var'):
            if devices and self.chance(30):
                mounts.append([self.rng.choice(devices)[0], point, 'xfs', 'none'])
        swaps = [source for _, source in self.rng.sample(devices, 1 if devices and self.chance(30) else 0)]
        swaps += [['/srv/swap\tfile', 'file']] if self.chance(20) else []
        return mounts, swaps

    def peers(self, host, names):
        """Other machines, up to ten, and what the host needs of them."""
        rng, files = self.rng, host['files']
        host['reach'] = {'198.18.0.%d' % number: rng.choice(names) for number in range(1, 11) if names and self.chance(70)}
        if self.chance(30):
            host['mounts'].append(['0:60', '/nfs', 'nfs4', 'server:/x', 'addr=198.18.0.1'])
        if self.chance(20):
            host['mounts'].append(['0:61', '/smb', 'cifs', '//198.18.0.2/x'])
        if self.chance(20):
            files['run/systemd/sessions/7'] = 'REMOTE=1\nREMOTE_HOST=198.18.0.4\n'
        if self.chance(20):
            record = struct.pack('<h346s16s20x', rng.choice((7, 7, 8)), b'', bytes((198, 18, 0, 5)) + bytes(12))
            files['run/utmp'] = 'hex:' + (record + bytes(384) + record[:100]).hex()
        if self.chance(20):
            files['proc/self/net/tcp'] = '  0: 060012C6:%04X 070012C6:8000 01 0\n' % rng.choice((22, 22, 80))
        if self.chance(30):
            files['sys/kernel/kexec_crash_loaded'] = rng.choice('110') + '\n'
            files['etc/kdump.conf'] = rng.choice(('path /srv/x\n', 'raw /dev/sda\n', 'ssh me@198.18.0.8\n', '#path /x\n'))

    def tunnels(self, nets, names):
        """Of every kind, bound to an interface or not, over which others are built too."""
        rng = self.rng
        for index in range(rng.randrange(3)):
            attrs = {**rng.choice(TUNNELS), 'ifindex': str(90 + index), 'iflink': rng.choice(('0', '50', '51', '90', '99')),
                     'broadcast': rng.choice(ENDS)}
            nets.append({'name': 'tun%d' % index, 'attrs': attrs})
            if names and self.chance(20):
                nets[-1]['lower'] = [rng.choice(names)]
            names.append('tun%d' % index)

    def clusters(self, host):
        """Who brings an image of RBD, if that is told; and numbers of interfaces, that tunnels name."""
        folder = 'sys/bus/rbd/devices/0/'
        for file, text in (('major', '252'), ('minor', '0'), ('client_addr', self.rng.choice(('198.18.0.6:0/7', '0.0.0.0:0/0')))):
            if self.chance(90):
                host['files'][folder + file] = text + '\n'
        for index in range(3):
            if any('eth%d' % index in fn.get('net', ()) for fn in self.functions):
                host['files']['sys/class/net/eth%d/ifindex' % index] = '%d\n' % (50 + index)

    def awaited(self, host, devices):
        """Lines of fstab and udev's records, in each way in which one names the other."""
        rng, files, lines = self.rng, host['files'], []
        for number, source in rng.sample(devices, min(len(devices), rng.randrange(5))):
            files['run/udev/data/b' + number] = (
                'S:disk/by-id/x-%s\nE:ID_FS_UUID=%s\nE:ID_FS_LABEL_ENC=a\\x20%s\nE:ID_PART_ENTRY_UUID=aB-%s\n' % ((number,) * 4) +
                rng.choice(('', '', 'E:ID_PART_ENTRY_TYPE=C12A7328-f81f-11d2-ba4b-00a0c93ec93b\n', 'E:ID_PART_ENTRY_TYPE=0xef\n')))
            name = rng.choice((source, '/dev/disk/by-id/x-' + number, 'UUID=' + number, 'LABEL="a\\040%s"' % number, 'PARTUUID=Ab-' + number))
            lines += [' '.join((name, rng.choice(('/boot', '/boot/efi', '/srv', 'none')), rng.choice(('ext4', 'swap')),
                                rng.choice(('defaults', 'noauto', 'noauto,x-systemd.automount'))))] if self.chance(60) else []
        if lines:
            files['etc/fstab'] = '\n'.join(lines) + '\n'
        if self.chance(60):
            files['sys/firmware/efi/runtime'] = '0x0\n'

    def seats(self, host):
        at = [fn['at'] for fn in self.functions]
        host['keyboards'] = [{'name': 'input%d' % number, 'at': self.rng.choice(at), 'via': 'usb1/1-%d/1-%d:1.0' % (number, number)}
                             for number in range(self.rng.randrange(3))]
        host['keyboards'] += [{'name': 'input9'}] if self.chance(20) else []
        if self.chance(20):
            host['ttys'] = [{'name': 'ttyS4', 'at': self.rng.choice(at)}]
            host['consoles'] = self.rng.choice((['ttyS4', 'tty0'], ['ttyS0'], ['ttyS4']))

    def nets(self):
        rng, names, nets = self.rng, [], [{'name': 'lo'}]
        for index, fn in enumerate(rng.sample(self.functions, min(len(self.functions), rng.randrange(4)))):
            fn['net'] = ['eth%d' % index]
            names += fn['net']
        self.tunnels(nets, names)
        for index in range(rng.randrange(3) if names else 0):
            name = 'br%d' % index
            nets.append({'name': name, 'lower': rng.sample(names, rng.randrange(1, len(names) + 1))})
            names.append(name)
        return nets, rng.sample(names, 1 if names and self.chance(60) else 0)

    def map(self):
        lines = []
        for _ in range(self.rng.randrange(5)):
            vendor, device = self.rng.choice(IDS).split(':')
            lines.append('%s %s %s %s' % (
                'ffff' if self.chance(10) else vendor, 'ffff' if self.chance(30) else device,
                self.rng.choice(MAP_WORDS), self.rng.choice(('true', 'default', 'false'))))
        return '\n'.join(lines) + '\n'

    def firmware(self, host):
        """Tables with reserved memory, the kernel's word on it, and the firmware's picture."""
        rng, names = self.rng, [fn['at'] for fn in self.functions] + self.bridges
        if self.chance(40):
            host['dmar'] = {'flags': rng.randrange(4), 'rmrr': [
                [rng.choice(STARTS), rng.choice(LASTS), *rng.sample(names + ['00/1f.7', '00/02.0/00.0', '01/20.0'],
                                                                    rng.randrange(1, 3))] for _ in range(3)]}
        if self.chance(40):
            host['ivrs'] = [[rng.choice(STARTS), rng.choice(('0x1000', '0', '0xffffffffffffffff')),
                             rng.choice(('all', rng.choice(names), '-'.join(rng.sample(names * 2, 2)))), rng.choice((0, 1, 7, 8))]
                            for _ in range(2)]
        host['reserved'] = None if self.chance(40) else {
            str(rng.randrange(self.groups)): [[rng.choice(STARTS), '0x9ffffffff', rng.choice(TYPES)]] for _ in range(4)}
        if self.chance(30):
            host['iomem'] = [[start, hex(int(start, 16) + 0xfff), rng.choice(('efifb', 'BOOTFB', 'vesafb', 'efifbx', 'PCI Bus 0000:00'))]
                             for start in rng.sample(PLACES, 2)]
        host['bits'] = rng.choice((36, 39, 46, 52))

    def compatibility(self):
        return ''.join('%s %s\n' % (self.rng.choice(IDS + ('8086:ffff', 'ffff:ffff')).replace(':', ' '),
                                    self.rng.choice(('supported', 'experimental', 'unlisted')))
                       for _ in range(self.rng.randrange(4)))

    def host(self):
        rng = self.rng
        host = {'functions': self.fill('0000:00', 0),
                'files': {'usr/share/directpath/passthru.map': self.map(), 'etc/directpath/passthru.map': self.map(),
                          'etc/directpath/compatibility': self.compatibility()}}
        if not self.functions:
            host['functions'].append(self.endpoint('0000:00:1f.7'))
        host['disks'] = self.disks()
        host['mounts'], host['swaps'] = self.uses(host['disks'])
        host['nets'], host[rng.choice(('routes', 'routes6'))] = self.nets()
        self.peers(host, [net['name'] for net in host['nets'][1:]] + [n for fn in self.functions for n in fn.get('net', ())])
        self.clusters(host)
        self.awaited(host, self.devices(host['disks']))
        self.seats(host)
        host['iommu'] = rng.choice(('vtd', 'vtd', 'vtd', 'amdvi', 'none'))
        host['intremap'], host['kvm'] = self.chance(85), self.chance(85)
        host['vfio'] = rng.choice(('module', 'module', 'loaded', 'absent'))
        host['lockdown'] = rng.choice(('none', 'none', 'integrity'))
        host['cpu'] = rng.choice(('GenuineIntel vmx', 'AuthenticAMD svm', 'GenuineIntel', 'GenuineIntel vmx hypervisor'))
        if self.chance(10):
            host['remove'] = ['proc/interrupts']
        if self.chance(10):
            host['files']['sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts'] = 'Y\n'
        if self.chance(20):
            path = 'sys/bus/pci/devices/%s/%s' % (rng.choice(self.functions)['at'], rng.choice(('vendor', 'device')))
            host['files'][path] = rng.choice(('', 'zz\n', '0x123456\n'))
        if self.chance(30):
            host['acpi'] = rng.choice((['FACP'], ['DMAR'], ['IVRS']))
        self.firmware(host)
        if self.chance(15):
            host['user'] = 'ordinary'
        if self.chance(15):
            host['cmdline'] = 'quiet ' + rng.choice(('intel_iommu=off', 'pcie_acs_override=downstream', 'iommu=pt'))
        return host


def make(rng, tree):
    """Makes the tree and returns its description."""
    host = Maker(rng).host()
    maker.Maker(host, tree).make()
    return host
