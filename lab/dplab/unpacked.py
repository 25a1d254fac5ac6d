# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian packages that are downloaded and unpacked, and never installed."""

import pathlib
import re
import shutil
import tempfile

from . import common


def describe(name):
    """A package's name, its version and the size of its download, as apt knows them."""
    show = common.call("apt-cache", "show", "--no-all-versions", name)
    version = re.search(r"^Version: (\S+)$", show, re.M).group(1)
    return name, version, int(re.search(r"^Size: (\d+)$", show, re.M).group(1))


def _cached(prefix):
    return sorted(common.cache_dir().glob(f"{prefix}*"), key=lambda place: place.stat().st_mtime)


def cached(prefix):
    """What was unpacked earlier, for a machine whose package lists are gone."""
    places = _cached(prefix)
    return places[-1] if places else None


def ensure(prefix, resolve, trim=lambda root: None):
    """Folder of the unpacked packages that resolve() gives names, versions and sizes of; what was unpacked under PREFIX earlier where
    apt cannot tell. trim() takes out what nobody needs. Downloads them at the first call, and gives up the ones before."""
    try:
        wanted = resolve()
    except common.LabError:
        place = cached(prefix)
        if place:
            common.note(f"apt cannot name what is current; using {place.name}")
            return place
        raise
    names = [name for name, _, _ in wanted]
    place = common.cache_dir() / (prefix + "+".join(f"{name}_{version.replace(':', '%3a')}" for name, version, _ in wanted))
    if place.is_dir():
        return place
    common.note(f"downloading {' and '.join(names)}")
    temporary = pathlib.Path(tempfile.mkdtemp(prefix="download-", dir=common.cache_dir()))
    try:
        common.call("apt-get", "download", "-o", "APT::Sandbox::User=root", *names, cwd=temporary, timeout_s=900)
        for package in temporary.glob("*.deb"):
            common.call("dpkg-deb", "-x", package, temporary / "root")
            package.unlink()
        trim(temporary / "root")
        (temporary / "root").rename(place)
        for old in _cached(prefix):
            if old != place:
                shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return place
