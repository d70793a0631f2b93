#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_cede_threads.sh COMMAND PROGRAM...: `cede run --threads`. Each PROGRAM, which is run_threads.c in one of the ways
# that compilers have for clean-ups, must say in each scene what it says when it is run plainly, and return the same.
set -uo pipefail
cede=$1
shift
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
failed=0 count=0
unset LD_PRELOAD

complain() {
    echo "$1"
    cat "$work/tasks"
    failed=1
}

# tasks STATUS EXPECTED PROGRAM SCENE: a scene that would be another with threads. EXPECTED: the output, as a regular
# expression.
tasks() {
    local status
    timeout 60 "$cede" run --threads "$3" "$4" > "$work/tasks" 2>&1
    status=$?
    count=$((count + 1))
    [ "$status" -eq "$1" ] && [[ $(< "$work/tasks") =~ ^$2$ ]] || complain "$4: returned $status, expected $1 and: $2"
}

# compare PROGRAM SCENE: once. On a busy machine the plain program too may say something else now and then, so what
# differs is compared again; what is wrong with tasks is wrong each time.
compare() {
    local expected status
    timeout 60 "$1" "$2" > "$work/threads" 2>&1
    expected=$?
    timeout 60 "$cede" run --threads "$1" "$2" > "$work/tasks" 2>&1
    status=$?
    [ "$status" -eq "$expected" ] || echo "$1 $2: returned $status instead of $expected"
    diff "$work/threads" "$work/tasks" && [ "$status" -eq "$expected" ]
}

for program; do
    for scene in $("$program"); do
        case $scene in join_errors | deadlock | os_threads) continue ;; esac
        count=$((count + 1))
        compare "$program" "$scene" || compare "$program" "$scene" || compare "$program" "$scene" ||
            complain "$program $scene: differs"
    done
done

nl=$'\n'
tasks 3 few "$1" os_threads
tasks 3 "oneself: EDEADLK${nl}each other: EDEADLK${nl}joined by another: EINVAL${nl}detach: EINVAL${nl}$(:
    )waited for${nl}joined before: ESRCH${nl}killed: ESRCH" "$1" join_errors
tasks 3 'cede: deadlock: all 2 tasks wait.*EDEADLK.*' "$1" deadlock
[ "$(timeout 60 "$cede" run "$1" os_threads)" = many ] || complain "without --threads there are no threads"
[ "$(CEDE_RUN=main,threads timeout 60 "$1" os_threads)" = many ] || complain "without cede there are no threads"

echo "$count scenes"
exit "$failed"
