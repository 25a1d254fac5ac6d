#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# One TAP line: every C file is as clang-format 14 writes it.
cd "$(dirname "$0")/.." || exit 1
echo 1..1
if find src cli tests \( -name '*.c' -o -name '*.h' \) -print0 | xargs -0 clang-format-14 --dry-run -Werror 2>&1 | sed 's/^/# /' | grep .; then
    echo "not ok 1 - formatting of C"
    exit 1
fi
echo "ok 1 - formatting of C"
