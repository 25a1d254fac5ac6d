#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# usage: tests/page.sh [--cockpit FOLDER] BUILD-FOLDER    one TAP line: the page is built from its source
#        tests/page.sh --look BUILD-FOLDER                its tests in a browser, or one line that it was not built
# Where npm cannot fetch what the page is built from, that is a failure, and "# NOT TESTED: page" says so.
cd "$(dirname "$0")/.." || exit 1
cockpit=cockpit look=false limit_s=220
while :; do
    case $1 in
    --cockpit) cockpit=$2; shift 2 ;;
    --look) look=true; shift ;;
    *) break ;;
    esac
done
folder=$1

not_tested() {
    echo "# NOT TESTED: page"
    echo "not ok 1 - the page: $1"
    exit 1
}

if $look; then
    [ -e "$folder/manifest.json" ] && exec "$cockpit/tests/run" "$folder"
    echo 1..1
    not_tested "it was not built"
fi

echo 1..1
rm -rf "$folder"
mkdir -p "$(dirname "$folder")"
log=$folder.log
# npm's own patience with a registry that does not answer is longer than that.
timeout -k 10 "$limit_s" "$cockpit/build" "$folder" >"$log" 2>&1
status=$?
if [ "$status" -eq 0 ] && [ -e "$folder/manifest.json" ] && [ -e "$folder/index.html" ]; then
    echo "ok 1 - the page is built from its source"
    exit 0
fi
sed 's/^/# /' "$log" | tail -n 40
rm -rf "$folder"
if grep -Eq 'npm (ERR!|error) code (E(CONN[A-Z]*|NOTFOUND|AI_AGAIN|TIMEDOUT|HOSTUNREACH|NETUNREACH|PROTO|SOCKETTIMEOUT)|E[45][0-9][0-9]|ERR_SOCKET_TIMEOUT|FETCH_ERROR)' "$log"; then
    not_tested "the npm registry does not answer; ./check --no-page leaves the page out"
elif [ "$status" -eq 124 ]; then
    not_tested "not built within $limit_s s, in which npm fetches what it is built from"
fi
not_tested "it does not build"
