#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# TAP: where the npm registry does not answer, the page's stages fail and the last line of all is "page: NOT TESTED".
cd "$(dirname "$0")/.." || exit 1
echo 1..3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/cockpit"
tar -C cockpit --exclude=./node_modules -c . | tar -C "$work/cockpit" -x
printf 'first\tbuilt\ttap\t120\t["tests/page.sh", "--cockpit", "%s/cockpit", "%s/page"]\nhere\tlook\ttap\t120\t["tests/page.sh", "--look", "%s/page"]\n' \
    "$work" "$work" "$work" >"$work/stages"
# Nobody listens on port 9 of the loopback address, and what was downloaded before is elsewhere.
npm_config_registry=http://127.0.0.1:9/ npm_config_cache=$work/cache npm_config_fetch_retries=0 \
    /usr/bin/python3 tests/run.py "$work/stages" >"$work/said" 2>&1
status=$?
number=0

# is WHAT COMMAND...
is() {
    number=$((number + 1))
    what=$1
    shift
    if "$@"; then
        echo "ok $number - $what"
    else
        sed 's/^/# /' "$work/said"
        echo "not ok $number - $what"
    fi
}

is "./check fails" [ "$status" -eq 1 ]
is "what is missing is named" grep -q '^  not ok 1 - the page: the npm registry does not answer' "$work/said"
is "the last line says that the page was not tested" [ "$(tail -n 1 "$work/said")" = "page: NOT TESTED" ]
