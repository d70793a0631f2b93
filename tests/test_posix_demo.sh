#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_posix_demo.sh DEMO: what tools/demo's program prints and returns, for good and for bad input.
set -u
demo=$1
wrong=0

# expect STATUS REGEX ARGUMENT...: stdout and stderr together must match, as a whole.
expect()
{
    local status=$1 regex=$2 output actual
    shift 2
    output=$("$demo" "$@" 2>&1 </dev/null)
    actual=$?
    if [ "$actual" -ne "$status" ] || ! [[ $output =~ ^$regex$ ]]; then
        printf 'demo %s: status %d, expected %d; expected /%s/, got:\n%s\n' "$*" "$actual" "$status" "$regex" "$output"
        wrong=1
    fi
}

seconds='[0-9]+\.[0-9]{2} s'
expect 0 "100 downloads, 0 failures, $seconds, 1 OS thread, 102 tasks at peak" -n 100 --delay 20
expect 0 "30 downloads, 0 failures, $seconds, 1 OS thread, 12 tasks at peak" -n 30 -c 10 --delay 0
expect 0 "3 downloads, 0 failures, $seconds, 1 OS thread" -n 3 --threads -c 1 --delay 10
# A sanitizer may have a thread of its own.
expect 0 "40 downloads, 0 failures, $seconds, 4[12] OS threads" -n 40 --threads --delay 1000
expect 1 ".*Could.?n.t connect.*0 downloads, 2 failures, $seconds, 1 OS thread, 4 tasks at peak" \
    http://127.0.0.1:1/ http://127.0.0.1:1/x
expect 0 'usage: .*' --help
expect 2 '.*-n 0: expected a whole number from 1 to .*' -n 0
expect 2 '.*-n 12x: expected a whole number .*' -n 12x
expect 2 '.*-c -5: expected .*' -c -5
expect 2 '.*--delay 99999999999999999999: expected .*' --delay 99999999999999999999
expect 2 '.*nonsense: expected something like http.*' nonsense
expect 2 '.*see .* --help' --nonsense
expect 2 '.*the delay of the own server.*' --delay 5 http://127.0.0.1:1/

# Few descriptors: fewer at a time, and it says so.
output=$(ulimit -n 128 && "$demo" -n 50 --delay 10 2>&1)
[[ $output =~ "at most 21 downloads at a time".*"50 downloads, 0 failures" ]] ||
    { echo "ulimit 128: $output"; wrong=1; }

# Ctrl-C: ends at once with the summary so far. In the foreground, or timeout sends the signal twice: to the demo, and
# to its process group.
output=$(timeout --foreground --preserve-status -s INT 3 "$demo" -n 20 --delay 60000 2>&1)
status=$?
if [ $status -ne 130 ] || ! [[ $output =~ ^0\ downloads,\ 0\ failures,\ .*22\ tasks\ at\ peak$ ]]; then
    echo "Ctrl-C: status $status: $output"
    wrong=1
fi

# A progress bar on a terminal, and only there.
if command -v script > /dev/null; then
    output=$(script -qec "$demo -n 40 --delay 100" /dev/null < /dev/null)
    [[ $output =~ \[#+\ *\]\ 40/40.*40\ downloads ]] || { echo "terminal: $output"; wrong=1; }
fi
exit $wrong
