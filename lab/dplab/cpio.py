# SPDX-License-Identifier: GPL-2.0-or-later
"""An initramfs archive (newc) of a folder, without needing root: everything in it belongs to root."""

import gzip
import os
import stat


def _entry(name, mode, body=b"", device=(0, 0), inode=0):
    path = name.encode() + b"\0"
    fields = (inode, mode, 0, 0, 1, 0, len(body), 0, 0, *device, len(path), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + path
    head += b"\0" * (-len(head) % 4)
    return head + body + b"\0" * (-len(body) % 4)


def _walk(root):
    for folder, names, files in os.walk(root):
        names.sort()
        for name in sorted(names + files):
            path = os.path.join(folder, name)
            yield os.path.relpath(path, root), path


def pack(root, target, level=6):
    """Write the files under ROOT, and /dev/console, to the compressed archive TARGET."""
    parts = []
    for inode, (name, path) in enumerate(_walk(root), start=10):
        mode = os.lstat(path).st_mode
        if stat.S_ISLNK(mode):
            body = os.readlink(path).encode()
        elif stat.S_ISREG(mode):
            with open(path, "rb") as file:
                body = file.read()
        else:
            body = b""
        parts.append(_entry(name, mode, body, inode=inode))
    parts.append(_entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1), inode=1))
    parts.append(_entry("dev/null", stat.S_IFCHR | 0o666, device=(1, 3), inode=2))
    parts.append(_entry("TRAILER!!!", 0))
    data = b"".join(parts)
    with open(target, "wb") as file:
        file.write(gzip.compress(data, level, mtime=0) if level else data)
