#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# campaign.sh BUILD SECONDS: lets libFuzzer work on each target of a build with -Dfuzzers=true, starting from its corpus;
# one TAP line a target. What it finds is left in BUILD as crash-*.
cd "$(dirname "$0")/../.." || exit 1
build=$1
seconds=$2
number=0
failed=0
set -- tests/fuzz/fuzz-*.c
echo "1..$#"
for source in "$@"; do
    name=${source#tests/fuzz/fuzz-}
    name=${name%.c}
    target=$build/tests/fuzz/fuzz-$name
    number=$((number + 1))
    found=$(mktemp -d)
    if "$target" -max_total_time="$seconds" -rss_limit_mb=4096 -timeout=25 -print_final_stats=1 \
        -artifact_prefix="$build/" "$found" "tests/fuzz/corpus/$name" >"$build/fuzz-$name.log" 2>&1; then
        echo "ok $number - $name: $(sed -n 's/^stat::number_of_executed_units: //p' "$build/fuzz-$name.log") executions"
    else
        failed=1
        tail -n 20 "$build/fuzz-$name.log" | sed 's/^/# /'
        echo "not ok $number - $name"
    fi
    rm -rf "$found"
done
exit $failed
