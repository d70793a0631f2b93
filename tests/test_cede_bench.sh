#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_cede_bench.sh COMMAND: `cede bench switch` prints a figure for each of its questions; it refuses what it does not
# know. How fast anything is, is not its concern.
set -uo pipefail
cede=$1
failed=0

fail() { echo "$*"; failed=1; }

# refuses PATTERN ARGUMENTS...: exit status 2, and a message that matches.
refuses() {
    local pattern=$1 out status
    shift
    out=$("$cede" bench "$@" 2>&1)
    status=$?
    [ "$status" -eq 2 ] || fail "cede bench $*: returned $status"
    [[ $out =~ $pattern ]] || fail "cede bench $*: said $out"
}

refuses 'what\? There is: switch'
refuses "there is no 'no'" no
refuses "unknown option '--no'" switch --no
refuses 'from 1 to 1000' switch --rounds
refuses 'from 1 to 1000' switch --rounds 0
refuses 'from 1 to 1000' switch --rounds x
[ ! -w /dev/full ] || ! "$cede" bench switch --quick > /dev/full 2>&1 || fail "a full disk looks like success"
"$cede" help bench | grep -q '^usage: cede bench switch' || fail "no help"

out=$("$cede" bench switch --quick) || fail "cede bench switch --quick: returned $?"
for what in CPU kernel cede compiler cycles; do
    grep -q "^$what  *[^ ]" <<< "$out" || fail "does not say: $what"
done
# Three numbers greater than zero behind each of the names.
for what in 'indirect call and return, to compare' 'switch, 2 contexts' 'switch, 1,000 contexts in a ring' \
    'yield, 2 tasks' 'yield, 1,000 tasks' 'wake and park, 2 tasks' 'spawn and join a task' \
    'create and join a thread, to compare'; do
    awk -v what="$what" 'index($0, what) == 1 && $(NF - 2) > 0 && $(NF - 1) > 0 && $NF ~ /^[0-9]+$/ { found = 1 }
        END { exit !found }' <<< "$out" || fail "no figures: $what"
done
[ "$(grep -c '^  without control words  *[0-9.]* *[0-9.]* *[0-9]*$' <<< "$out")" -eq 2 ] ||
    fail "no switch without words"
[ "$failed" -eq 0 ] || echo "$out"
exit $failed
