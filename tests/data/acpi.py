# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds the firmware's tables DMAR and IVRS for made hosts and for the corpora of the fuzzers."""
import struct


def table(name, body):
    """Header of ACPI 5.2.6 around @body, with a checksum that is right."""
    data = bytearray(struct.pack('<4sIBB6s8sI4sI', name.encode(), 36 + len(body), 1, 0, b'MADEUP', b'MADEHOST', 1, b'MADE', 1)
                     + body)
    data[9] = -sum(data) & 0xff
    return bytes(data)


def scope(path, kind=1):
    """@path: "BUS/DEV.FN/DEV.FN" in hexadecimal."""
    bus, *hops = path.split('/')
    pairs = [[int(number, 16) for number in hop.split('.')] for hop in hops]
    return bytes([kind, 6 + 2 * len(pairs), 0, 0, 0, int(bus, 16)]) + bytes(sum(pairs, []))


def structure(kind, body):
    return struct.pack('<HH', kind, 4 + len(body)) + body


def rmrr(segment, start, last, scopes):
    return structure(1, struct.pack('<HHQQ', 0, segment, start, last) + b''.join(scopes))


def drhd(segment, register, scopes=()):
    return structure(0, struct.pack('<BBHQ', 0 if scopes else 1, 0, segment, register) + b''.join(scopes))


def dmar(structures, flags=1, width=46):
    return table('DMAR', struct.pack('<BB10x', width - 1, flags) + b''.join(structures))


def ivmd(kind, flags, first, last, segment, start, size):
    return struct.pack('<BBHHHH6xQQ', kind, flags, 32, first, last, segment, start, size)


def ivhd(device, register):
    """One unit for all devices."""
    return struct.pack('<BBHHHQHHI', 0x10, 0, 24 + 4, device, 0x40, register, 0, 0, 0) + b'\x01\0\0\0'


def ivrs(blocks):
    return table('IVRS', struct.pack('<I8x', 0x203041) + b''.join(blocks))
