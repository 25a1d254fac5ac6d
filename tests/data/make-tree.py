#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes a captured host (what --root reads) from a compact description.

    make-tree.py HOST.json OUT      OUT becomes the root of that host
    make-tree.py --all OUT [STAMP]  OUT/NAME for each file of hosts/; STAMP is written when all are there

A description is JSON (keys that start with "#" are comments):
  from           name of another description, whose top-level keys this one replaces
  set            {address: {key: value}}: changes to functions of the inherited ones; value null removes the key
  kernel cmdline lockdown intremap kvm vfio(loaded|module|absent) iommu(vtd|amdvi|none) acpi memory(KiB, KiB)
  cpu            "vendor flag flag..."
  user           "ordinary": configuration is cut after 64 bytes, tables of the firmware are empty, iomem has no addresses
  bits           physical address bits of the processor
  vtd_cap huge   capability register of the VT-d unit; {KiB of a page: [free, promised]}    thp  "always [madvise] never"
  dmar           {flags, width, rmrr: [[start, last, "address" or "BUS/DEV.FN/DEV.FN"...]]}
  ivrs           [[start, size, "all", "address" or "address-address", flags]]
  reserved       {group: [[start, last, type]]}, besides the range of interrupts; null: no file says (Linux before 4.11)
  iomem          [[start, last, name]]
  functions      [{at, id, sub, class, rev, caps, bars, driver, override, group, irq, pin, msi, numa, power, runtime,
                   reset, boot_vga, vf_of, numvfs, net: [name], below: [functions], under: address of a non-bridge, config: hex,
                   repeated: its first 256 bytes stand for its extended space too}]
                 caps: "pm:nosoftreset msi:4:mask msix:16 pcie:endpoint:flr af acs:CAPS:CTRL ari ats sriov:7 dsn vpd"; others
                 by number, "std:ID:LENGTH", "ext:ID:LENGTH"
                 bars: "mem64:16K io:32 rom:64K" (kinds io mem mem64 pref pref64 rom); "mem64:16G!": without address;
                 @: address of the BARs that have one
  disks          [{name, dev, at, via, parts: {name: dev}, slaves: [name], dm, mpath, iscsi: [session, address]}]
                 at absent: a virtual device; mpath: a map of several paths
  nets           [{name, lower: [name], master, attrs: {file: text}}]                virtual interfaces
  mounts         [[device, mountpoint, type, source, options]]    swaps [path or [path, "file"]]    routes, routes6 [interface]
  reach          {address: interface}: a route to that one machine
  keyboards      [{name, at, via}]    ttys [{name, at, via}]    consoles [name]
  files links    {path: text or "hex:..."}, {path: target}: written last, over everything    remove [path]
"""
import ipaddress
import json
import os
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import acpi  # noqa: E402
import pcitree  # noqa: E402

HOSTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'hosts')
MARK = '.directpath-tree'
IN_MODALIAS = ('vendor', 'device', 'subsystem_vendor', 'subsystem_device', 'class')


def load(path):
    with open(path, encoding='utf-8') as file:
        host = json.load(file)
    if 'from' in host:
        base = load(os.path.join(os.path.dirname(path), host['from'] + '.json'))
        base.update(host)
        host = base
    for fn, _ in pcitree.walk(host['functions']):
        change = host.get('set', {}).get(fn['at'], host.get('set', {}).get('*', {}))
        for key, value in change.items():
            fn.pop(key, None)
            if value is not None:
                fn[key] = value
    return host


class Maker:
    def __init__(self, host, root):
        self.host = host
        self.tree = pcitree.Tree(root)
        self.paths = {}
        self.state = {'next_bar': 0xfe000000}

    def make(self):
        pcitree.assign_buses(self.host['functions'])
        for fn, parent in pcitree.walk(self.host['functions']):
            self.paths[fn['at']] = self.function_path(fn, parent)
        self.tree.folder('sys/bus/pci/devices')
        for fn, _ in pcitree.walk(self.host['functions']):
            self.function(fn)
        for disk in self.host.get('disks', ()):
            self.disk(disk)
        for net in self.host.get('nets', ()):
            self.net(net['name'], 'sys/devices/virtual/net/' + net['name'], net)
        for keyboard in self.host.get('keyboards', ()):
            self.keyboard(keyboard)
        for tty in self.host.get('ttys', ()):
            self.tree.link('sys/class/tty/' + tty['name'], '/'.join((self.paths[tty['at']], tty.get('via', 'tty'), tty['name'])))
        self.platform()
        self.proc()
        self.overrides()

    def function_path(self, fn, parent):
        domain, bus, _ = fn['at'].split(':')
        if parent is not None:
            above = self.paths[parent['at']]
        elif 'under' in fn:
            above = '%s/pci%s:%s' % (self.paths[fn['under']], domain, bus)
        else:
            above = 'sys/devices/pci%s:%s' % (domain, bus)
        return above + '/' + fn['at']

    def function(self, fn):
        tree, path, at = self.tree, self.paths[fn['at']], fn['at']
        config = pcitree.make_config(fn)
        vendor, device = fn['id'].split(':')
        sub = fn.get('sub', '0000:0000' if fn['class'].startswith('0604') else '1af4:1100').split(':')
        tree.link('sys/bus/pci/devices/' + at, path)
        tree.link(path + '/subsystem', 'sys/bus/pci')
        name = (vendor + device + sub[0] + sub[1]).upper()
        kind = fn['class'].upper()
        tree.write(path + '/modalias', 'pci:v0000%sd0000%ssv0000%ssd0000%sbc%ssc%si%s\n' % (
            name[:4], name[4:8], name[8:12], name[12:], kind[:2], kind[2:4], kind[4:]))
        for name, text in (
                ('vendor', '0x' + vendor), ('device', '0x' + device), ('subsystem_vendor', '0x' + sub[0]),
                ('subsystem_device', '0x' + sub[1]), ('class', '0x' + fn['class']),
                ('revision', '0x%02x' % fn.get('rev', 0)), ('irq', '%d' % fn.get('irq', 0)),
                ('numa_node', '%d' % fn.get('numa', -1)), ('power_state', fn.get('power', 'D0')),
                ('power/runtime_status', fn.get('runtime', 'active')),
                ('driver_override', fn.get('override', '(null)')), ('enable', '1' if 'driver' in fn else '0')):
            tree.write('%s/%s' % (path, name), text + '\n')
        tree.write(path + '/resource', pcitree.make_resource(fn, self.state))
        if config:
            tree.write(path + '/config', config[:64] if self.host.get('user') == 'ordinary' else config)
        if fn.get('reset'):
            tree.write(path + '/reset_method', fn['reset'] + '\n')
            tree.write(path + '/reset', '')
        if fn['class'].startswith('0300'):
            tree.write(path + '/boot_vga', '%d\n' % fn.get('boot_vga', 0))
        for index in range(fn.get('msi', 0)):
            tree.write('%s/msi_irqs/%d' % (path, 30 + index), 'msix\n' if 'msix' in fn.get('caps', '') else 'msi\n')
        self.bindings(fn, path)
        self.virtual_functions(fn, path)
        for name in fn.get('net', ()):
            self.net(name, '%s/net/%s' % (path, name), {})

    def bindings(self, fn, path):
        tree = self.tree
        if 'driver' in fn:
            driver = 'sys/bus/pci/drivers/' + fn['driver']
            tree.link(path + '/driver', driver)
            tree.link('%s/%s' % (driver, fn['at']), path)
        if 'group' in fn and self.host.get('iommu', 'vtd') != 'none':
            group = 'sys/kernel/iommu_groups/%d' % fn['group']
            tree.link(path + '/iommu_group', group)
            tree.link('%s/devices/%s' % (group, fn['at']), path)
            tree.write(group + '/type', 'DMA\n')
            self.reserved(fn['group'], group)

    def reserved(self, number, group):
        regions = self.host.get('reserved', {})
        if regions is not None:
            lines = [('0xfee00000', '0xfeefffff', 'msi')] + regions.get(str(number), [])
            self.tree.write(group + '/reserved_regions', ''.join(
                '0x%016x 0x%016x %s\n' % (int(start, 0), int(last, 0), kind) for start, last, kind in lines))

    def scope(self, text):
        """The path to a function: the bus below its host bridge, and a hop for each bridge."""
        if '/' in text:
            return 0, acpi.scope(text)
        parts = self.paths[text].rsplit('/pci', 1)[1].split('/')[1:]
        bridges = [fn['at'] for fn, _ in pcitree.walk(self.host['functions']) if fn['class'].startswith('0604')]
        kind = 2 if text in bridges else 1
        return int(parts[0].split(':')[0], 16), acpi.scope(
            '/'.join([parts[0].split(':')[1]] + [part.split(':')[2] for part in parts]), kind)

    def dmar(self):
        told, structures = self.host.get('dmar', {}), [acpi.drhd(0, 0xfed90000)]
        for start, last, *targets in told.get('rmrr', ()):
            scopes = [self.scope(target) for target in targets]
            structures.append(acpi.rmrr(scopes[0][0] if scopes else 0, int(start, 0), int(last, 0), [s for _, s in scopes]))
        return acpi.dmar(structures, told.get('flags', 1), told.get('width', 46))

    def ivrs(self):
        blocks = [acpi.ivhd(0x2, 0xfeb80000)]
        for start, size, whom, flags in self.host.get('ivrs', ()):
            kind, segment, ids = 0x20, 0, [0, 0]
            if whom != 'all':
                ends = [[int(part, 16) for part in end.replace('.', ':').split(':')] for end in whom.split('-')]
                kind, segment = (0x21, 0x22)[len(ends) - 1], ends[0][0]
                ids = [bus << 8 | device << 3 | function for _, bus, device, function in ends]
            blocks.append(acpi.ivmd(kind, flags, ids[0], ids[-1] if len(ids) > 1 else 0, segment, int(start, 0), int(size, 0)))
        return acpi.ivrs(blocks)

    def virtual_functions(self, fn, path):
        for cap in fn.get('caps', '').split():
            if cap.startswith('sriov'):
                self.tree.write(path + '/sriov_totalvfs', (cap.split(':') + ['7'])[1] + '\n')
                self.tree.write(path + '/sriov_numvfs', '%d\n' % fn.get('numvfs', 0))
        if 'vf_of' in fn:
            pf = self.paths[fn['vf_of']]
            self.tree.link(path + '/physfn', pf)
            index = len([name for name in os.listdir(self.tree.path(pf)) if name.startswith('virtfn')])
            self.tree.link('%s/virtfn%d' % (pf, index), path)

    def net(self, name, path, net):
        tree = self.tree
        tree.write(path + '/address', '52:54:00:5e:c7:e7\n')
        tree.link('sys/class/net/' + name, path)
        for lower in net.get('lower', ()):
            tree.raw_link('%s/lower_%s' % (path, lower), '../' + lower)
        if 'master' in net:
            tree.raw_link(path + '/master', '../' + net['master'])
        for attr, text in net.get('attrs', {}).items():
            tree.write('%s/%s' % (path, attr), text + '\n')

    def keyboard(self, keyboard):
        above = self.paths[keyboard['at']] if 'at' in keyboard else 'sys/devices'
        path = '/'.join((above, keyboard.get('via', 'platform/i8042/serio0'), 'input', keyboard['name']))
        self.tree.link('sys/class/input/' + keyboard['name'], path)
        self.tree.write(path + '/capabilities/ev', '120013\n')
        self.tree.write(path + '/capabilities/key', keyboard.get('keys', '402000000 3803078f800d001 feffffdfffefffff fffffffffffffffe') + '\n')
        self.tree.write(path + '/name', 'Keyboard SERIAL-5EC7E7\n')

    def disk(self, disk):
        tree, name = self.tree, disk['name']
        if 'iscsi' in disk:
            session, address = disk['iscsi']
            host = 'sys/devices/platform/host%d/session%d' % (session, session)
            path = '%s/target%d:0:0/%d:0:0:0/block/%s' % (host, session, session, name)
            connection = '%s/connection%d:0/iscsi_connection/connection%d:0' % (host, session, session)
            tree.link('sys/class/iscsi_connection/connection%d:0' % session, connection)
            tree.write(connection + '/address', address + '\n')
        elif 'at' in disk:
            path = '/'.join(part for part in (self.paths[disk['at']], disk.get('via', ''), name) if part)
        else:
            path = disk.get('path', 'sys/devices/virtual/block') + '/' + name
        tree.write(path + '/dev', disk['dev'] + '\n')
        tree.link('sys/class/block/' + name, path)
        tree.folder(path + '/slaves')
        if disk.get('via', '').startswith('nvme/'):
            tree.write('%s/%s/serial' % (self.paths[disk['at']], disk['via']), 'SERIAL-5EC7E7\n')
        if 'dm' in disk:
            tree.write(path + '/dm/name', disk['dm'] + '\n')
            tree.write(path + '/dm/uuid', '%s-5EC7E7%s\n' % ('mpath' if disk.get('mpath') else 'LVM', disk['dm']))
        for slave in disk.get('slaves', ()):
            tree.link('%s/slaves/%s' % (path, slave), os.path.normpath(
                os.path.join('sys/class/block', os.readlink(tree.path('sys/class/block/' + slave)))))
        for index, (part, dev) in enumerate(disk.get('parts', {}).items()):
            tree.write('%s/%s/dev' % (path, part), dev + '\n')
            tree.write('%s/%s/partition' % (path, part), '%d\n' % (index + 1))
            tree.link('sys/class/block/' + part, '%s/%s' % (path, part))

    def platform(self):
        tree, host = self.tree, self.host
        kernel = host.get('kernel', '6.1.0-28-amd64')
        iommu = host.get('iommu', 'vtd')
        tree.write('proc/sys/kernel/osrelease', kernel + '\n')
        tree.write('proc/cmdline', host.get('cmdline', 'BOOT_IMAGE=/vmlinuz root=/dev/nvme0n1p1') + '\n')
        if iommu != 'none':
            unit = 'dmar0' if iommu == 'vtd' else 'ivhd0'
            tree.folder('sys/devices/virtual/iommu/' + unit)
            tree.link('sys/class/iommu/' + unit, 'sys/devices/virtual/iommu/' + unit)
            if 'vtd_cap' in host:
                tree.write('sys/devices/virtual/iommu/%s/intel-iommu/cap' % unit, host['vtd_cap'] + '\n')
        for size, (free, promised) in host.get('huge', {}).items():
            tree.write('sys/kernel/mm/hugepages/hugepages-%skB/free_hugepages' % size, '%d\n' % free)
            tree.write('sys/kernel/mm/hugepages/hugepages-%skB/resv_hugepages' % size, '%d\n' % promised)
        if 'thp' in host:
            tree.write('sys/kernel/mm/transparent_hugepage/enabled', host['thp'] + '\n')
        for table in host.get('acpi', ['FACP', 'MCFG'] + {'vtd': ['DMAR'], 'amdvi': ['IVRS']}.get(iommu, [])):
            make = {'DMAR': self.dmar, 'IVRS': self.ivrs}.get(table)
            tree.write('sys/firmware/acpi/tables/' + table, make() if make and host.get('user') != 'ordinary' else '')
        lockdown = host.get('lockdown', 'none')
        words = ['[%s]' % word if word == lockdown else word for word in ('none', 'integrity', 'confidentiality')]
        tree.write('sys/kernel/security/lockdown', ' '.join(words) + '\n')
        if host.get('kvm', True):
            tree.folder('sys/module/kvm_%s' % ('amd' if 'svm' in host.get('cpu', '') else 'intel'))
            tree.write('dev/kvm', '')
        vfio = host.get('vfio', 'module')
        modules = 'kernel/drivers/net/ethernet/intel/e1000e/e1000e.ko:\n'
        if vfio != 'absent':
            modules += 'kernel/drivers/vfio/pci/vfio-pci.ko: kernel/drivers/vfio/pci/vfio-pci-core.ko\n'
            modules += 'kernel/drivers/vfio/vfio_iommu_type1.ko: kernel/drivers/vfio/vfio.ko\n'
        tree.write('lib/modules/%s/modules.dep' % kernel, modules)
        tree.write('lib/modules/%s/modules.builtin' % kernel, 'kernel/fs/ext4/ext4.ko\n')
        if vfio == 'loaded':
            tree.folder('sys/bus/pci/drivers/vfio-pci')
            tree.write('sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts', 'N\n')

    def proc(self):
        tree, host = self.tree, self.host
        vendor, *flags = host.get('cpu', 'GenuineIntel vmx').split()
        tree.write('proc/cpuinfo', 'processor\t: 0\nvendor_id\t: %s\nflags\t\t: fpu apic %s\naddress sizes\t: %d bits physical, '
                   '48 bits virtual\n\n' % (vendor, ' '.join(flags), host.get('bits', 46)))
        secret = host.get('user') == 'ordinary'
        tree.write('proc/iomem', '00000000-00000fff : Reserved\n' + ''.join(
            '  %08x-%08x : %s\n' % (0 if secret else int(start, 0), 0 if secret else int(last, 0), name)
            for start, last, name in host.get('iomem', ())))
        total, available = host.get('memory', [3 << 20, 2 << 20])
        tree.write('proc/meminfo', 'MemTotal: %15d kB\nMemFree: %15d kB\nMemAvailable: %15d kB\n' % (total, available, available))
        ir = 'IR-' if host.get('intremap', True) else ''
        tree.write('proc/interrupts', '           CPU0\n   1:  9  %sIO-APIC   1-edge   i8042\n  24:  0  %sPCI-MSI 16384-edge  PCIe PME\n' % (ir, ir))
        lines = ['%d 1 %s / %s rw,relatime shared:%d - %s %s rw%s\n' %
                 (20 + index, device, escape(point), index, kind, escape(source), ''.join(',' + word for word in options))
                 for index, (device, point, kind, source, *options) in enumerate(host.get('mounts', ()))]
        tree.write('proc/self/mountinfo', ''.join(lines))
        swaps = [(swap, 'partition') if isinstance(swap, str) else swap for swap in host.get('swaps', ())]
        swaps = ''.join('%-40s%s\t1000000\t0\t-2\n' % (escape(path), kind) for path, kind in swaps)
        tree.write('proc/swaps', 'Filename\t\t\t\tType\t\tSize\tUsed\tPriority\n' + swaps)
        routes = ''.join('%s\t00000000\t0202000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n'
                         '%s\t0002000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n' % (name, name) for name in host.get('routes', ()))
        routes += ''.join('%s\t%s\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0\n' % (name, hex_address(address))
                          for address, name in host.get('reach', {}).items() if ':' not in address)
        tree.write('proc/self/net/route', 'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n' + routes)
        routes6 = ''.join('%s 00 %s 00 fe800000000000000000000000000002 00000400 00000001 00000000 00000003 %8s\n' %
                          ('0' * 32, '0' * 32, name) for name in host.get('routes6', ()))
        routes6 += ''.join('%s 80 %s 00 %s 00000400 00000001 00000000 00000001 %8s\n' %
                           (ipaddress.ip_address(address).packed.hex(), '0' * 32, '0' * 32, name)
                           for address, name in host.get('reach', {}).items() if ':' in address)
        routes6 += '%s 00 %s 00 %s ffffffff 00000001 00000000 00200200       lo\n' % ('0' * 32, '0' * 32, '0' * 32)
        tree.write('proc/self/net/ipv6_route', routes6)
        tree.raw_link('proc/net', 'self/net')
        if 'consoles' in host:
            tree.write('proc/consoles', ''.join('%-21s-W- (EC p a)    4:64\n' % name for name in host['consoles']))

    def overrides(self):
        for path in [*self.host.get('remove', ()), *self.host.get('files', {}), *self.host.get('links', {})]:
            if os.path.basename(path) in IN_MODALIAS:  # two files of one fact are never at odds
                alias = self.tree.path(os.path.join(os.path.dirname(path), 'modalias'))
                if os.path.exists(alias):
                    os.unlink(alias)
        for path in self.host.get('remove', ()):
            path = self.tree.path(path)
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)
        for path, text in self.host.get('files', {}).items():
            self.tree.write(path, bytes.fromhex(text[4:]) if text.startswith('hex:') else text)
        for path, target in self.host.get('links', {}).items():
            self.tree.raw_link(path, target)


def hex_address(address):
    return ipaddress.ip_address(address).packed[::-1].hex().upper()


def escape(text):
    return ''.join('\\%03o' % ord(char) if char in ' \t\n\\' else char for char in text)


def make(source, out):
    """Replaces @out, but only if it is a tree of ours or not there."""
    if os.path.isdir(out) and os.listdir(out) and not os.path.exists(os.path.join(out, MARK)):
        sys.exit('make-tree: %s holds something else; not touched' % out)
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    with open(os.path.join(out, MARK), 'w', encoding='utf-8'):
        pass
    Maker(source if isinstance(source, dict) else load(source), out).make()


def main(arguments):
    if len(arguments) != 2 and not (len(arguments) == 3 and arguments[0] == '--all'):
        sys.exit(__doc__)
    if arguments[0] != '--all':
        make(arguments[0], arguments[1])
        return
    for name in sorted(os.listdir(HOSTS)):
        if name.endswith('.json'):
            make(os.path.join(HOSTS, name), os.path.join(arguments[1], name[:-5]))
    if len(arguments) == 3:
        with open(arguments[2], 'w', encoding='utf-8') as file:
            file.write('made\n')


if __name__ == '__main__':
    main(sys.argv[1:])
