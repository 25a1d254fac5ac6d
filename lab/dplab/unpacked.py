# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian packages that are downloaded and unpacked, and never installed."""

import pathlib
import re
import shutil
import tempfile

from . import common


def describe(name):
    """A package's version and the size of its download, as apt knows them."""
    show = common.call("apt-cache", "show", "--no-all-versions", name)
    version = re.search(r"^Version: (\S+)$", show, re.M).group(1)
    return version, int(re.search(r"^Size: (\d+)$", show, re.M).group(1))


def _cached(prefix):
    return sorted(common.cache_dir().glob(f"{prefix}*"), key=lambda place: place.stat().st_mtime)


def cached(prefix):
    """What was unpacked earlier, for a machine whose package lists are gone."""
    places = _cached(prefix)
    return places[-1] if places else None


def ensure(prefix, resolve, trim=lambda root: None):
    """Folder of the unpacked package that resolve() gives name, version and size of; one that was unpacked under PREFIX earlier where
    apt cannot tell. trim() takes out what nobody needs. Downloads it at the first call, and gives up the ones before."""
    try:
        name, version, _ = resolve()
    except common.LabError:
        place = cached(prefix)
        if place:
            common.note(f"apt cannot name the current package; using {place.name}")
            return place
        raise
    place = common.cache_dir() / f"{prefix}{name}_{version.replace(':', '%3a')}"
    if place.is_dir():
        return place
    common.note(f"downloading {name} {version}")
    temporary = pathlib.Path(tempfile.mkdtemp(prefix="download-", dir=common.cache_dir()))
    try:
        common.call("apt-get", "download", "-o", "APT::Sandbox::User=root", name, cwd=temporary, timeout_s=900)
        (package,) = temporary.glob("*.deb")
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
