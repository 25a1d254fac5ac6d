#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# One TAP line: ./package builds what tests/lab/package.py installs, into build/packages; lintian has nothing to say.
cd "$(dirname "$0")/.." || exit 1
echo 1..1
rm -rf build/packages
if ./package --to build/packages >build/package.log 2>&1 && ls build/packages/directpath_*.deb >/dev/null; then
    echo "ok 1 - the package is built and lintian finds nothing"
else
    sed 's/^/# /' build/package.log
    echo "not ok 1 - the package"
    exit 1
fi
