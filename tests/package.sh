#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# TAP: ./package builds what the lab installs, into build/packages; lintian has nothing to say; the page is in its package.
# With --no-page, or where the page could not be built (a failure of its own), without that.
cd "$(dirname "$0")/.." || exit 1
page=true
[ "$1" != --no-page ] || page=false
built=$page
[ -e build/page/manifest.json ] || built=false
if $page; then echo 1..2; else echo 1..1; fi
$built && options= || options=--no-page
failed=0

rm -rf build/packages
# shellcheck disable=SC2086 # none or one
if ./package $options --to build/packages >build/package.log 2>&1 && ls build/packages/directpath_*.deb >/dev/null; then
    echo "ok 1 - the packages are built and lintian finds nothing"
else
    sed 's/^/# /' build/package.log
    echo "not ok 1 - the packages"
    failed=1
fi
if ! $page; then
    exit "$failed"
fi

# What is in the page's package: the files that the page was built to, and nothing beside them but Debian's own.
contents() {
    dpkg-deb --fsys-tarfile build/packages/cockpit-directpath_*_all.deb | tar -t | sed -n 's|^\./usr/share/cockpit/directpath/\(.*[^/]\)$|\1|p' | sort
}
expected=$( (cd build/page 2>/dev/null && find . -type f) | sed 's|^\./||' | sort)
if [ -n "$expected" ] && [ "$(contents)" = "$expected" ]; then
    echo "ok 2 - the page is in cockpit-directpath"
else
    echo "# in the package: $(contents | tr "\n" " ")"
    echo "# built: $(echo "$expected" | tr "\n" " ")"
    echo "not ok 2 - the page is in cockpit-directpath"
    failed=1
fi
exit "$failed"
