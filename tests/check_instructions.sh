#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check_instructions.sh LIMITS BUILD PROGRAM...: no operation of these programs (instructions.c) takes more instructions
# than LIMITS allows. Counted by Valgrind, so neither the machine nor its load matters; as the difference of a long and
# a short run, so the start does not either. BUILD says what they were built by: only one is comparable.
# Then it proves for each operation that it would notice: an empty loop of a tenth of the limit is too much.
set -euo pipefail
limits=$1 build=$2
shift 2
few=2000 many=6000

if [ "$build" != "gcc 12 x86_64 RelWithDebInfo" ]; then
    echo "the limits are for gcc 12 x86_64 RelWithDebInfo, this is $build"
    exit 77
fi
command -v valgrind > /dev/null || { echo "needs valgrind (tools/setup check)"; exit 77; }

log=$(mktemp)
trap 'rm "$log"' EXIT

total() { # OPERATION COUNT EXTRA
    if ! valgrind --tool=cachegrind --cache-sim=no --cachegrind-out-file=/dev/null "$program" "$@" > "$log" 2>&1; then
        cat "$log" >&2
        return 1
    fi
    sed -n 's/.*I *refs: *//p' "$log" | tr -d ,
}

each() { # OPERATION EXTRA: instructions of one operation
    local short long
    short=$(total "$1" "$few" "$2") || return
    long=$(total "$1" "$many" "$2") || return
    echo $(((long - short + (many - few) / 2) / (many - few)))
}

wrong=0
for program in "$@"; do
    operations=$("$program")
    [ -n "$operations" ] || { echo "$program: no operations"; wrong=1; }
    for operation in $operations; do
        limit=$(awk -v operation="$operation" '$1 == operation { print $2 }' "$limits")
        [ -n "$limit" ] || { echo "$operation: no limit in $limits"; wrong=1; continue; }
        if ! count=$(each "$operation" 0) || ! more=$(each "$operation" $((limit / 10))); then
            wrong=1
            continue
        fi
        echo "$operation: $count instructions, at most $limit; with an extra loop $more"
        if [ "$count" -gt "$limit" ]; then
            echo "$operation: too many"
            wrong=1
        fi
        if [ "$more" -le "$limit" ]; then
            echo "$operation: the extra loop is not noticed: the limit is too high"
            wrong=1
        fi
    done
done
exit "$wrong"
