# SPDX-License-Identifier: GPL-2.0-or-later
"""A disk that is an LVM physical volume, written without LVM: no block device and no root is needed for a label, a header and
one text (lib/format_text/layout.h of LVM2). The only logical volume starts where the header ends, so that the file system in it
can also be used without LVM, at that offset."""

import struct
import zlib

SECTOR = 512
HEADER = 1 << 20  # where the first extent starts
EXTENT = 4 << 20
AREA = 4096  # of metadata, up to HEADER
GROUP, VOLUME = "lab", "root"
INITIAL_CRC = 0xF597A6CF

TEXT = """{group} {{
id = "{group_id}"
seqno = 1
format = "lvm2"
status = ["RESIZEABLE", "READ", "WRITE"]
flags = []
extent_size = {extent_sectors}
max_lv = 0
max_pv = 0
metadata_copies = 0
physical_volumes {{
pv0 {{
id = "{disk_id}"
device = "/dev/none"
status = ["ALLOCATABLE"]
flags = []
dev_size = {sectors}
pe_start = {first}
pe_count = {extents}
}}
}}
logical_volumes {{
{volume} {{
id = "{volume_id}"
status = ["READ", "WRITE", "VISIBLE"]
flags = []
segment_count = 1
segment1 {{
start_extent = 0
extent_count = {extents}
type = "striped"
stripe_count = 1
stripes = [
"pv0", 0
]
}}
}}
}}
}}
contents = "Text Format Volume Group"
version = 1
description = ""
creation_host = "lab"
creation_time = 1
"""


def _crc(data):
    return zlib.crc32(data, INITIAL_CRC ^ 0xFFFFFFFF) ^ 0xFFFFFFFF


def _id(word):
    """An identifier of 32 letters, and as it is written in the text."""
    plain = (word * 32)[:32]
    parts, at = [], 0
    for length in (6, 4, 4, 4, 4, 4, 6):
        parts.append(plain[at:at + length])
        at += length
    return plain, "-".join(parts)


def _label(disk_id, size):
    """The second sector: who this disk is, and where its data and metadata are."""
    areas = struct.pack("<6Q", HEADER, 0, 0, 0, AREA, HEADER - AREA) + bytes(16)
    body = struct.pack("<I8s", 32, b"LVM2 001") + disk_id.encode() + struct.pack("<Q", size) + areas
    body = body.ljust(SECTOR - 20, b"\0")
    return b"LABELONE" + struct.pack("<QI", 1, _crc(body)) + body


def _metadata(text):
    """The header of the metadata area, and the text behind it."""
    body = b" LVM2 x[5A%r0N*>" + struct.pack("<I2Q", 1, AREA, HEADER - AREA)
    body += struct.pack("<2Q2I", SECTOR, len(text), _crc(text), 0)
    body = body.ljust(SECTOR - 4, b"\0")
    return struct.pack("<I", _crc(body)) + body + text


def extents(size):
    """How many extents SIZE bytes take."""
    return -(-size // EXTENT)


def write(path, size):
    """Make of PATH, which has SIZE bytes of a file system at HEADER, a whole physical volume."""
    disk_id, disk_shown = _id("lab0disk")
    total = HEADER + extents(size) * EXTENT
    text = TEXT.format(
        group=GROUP, volume=VOLUME, group_id=_id("lab0group")[1], volume_id=_id("lab0volume")[1], disk_id=disk_shown,
        extent_sectors=EXTENT // SECTOR, sectors=total // SECTOR, first=HEADER // SECTOR, extents=extents(size))
    with open(path, "r+b") as file:
        file.write(bytes(SECTOR) + _label(disk_id, total) + bytes(AREA - 2 * SECTOR))
        file.write(_metadata(text.encode() + b"\0"))
        file.truncate(total)
