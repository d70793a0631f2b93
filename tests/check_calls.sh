#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check_calls.sh CEDE: the documents about calls (runtime/posix/CALLS.md, cede-calls.7) say what `cede calls` measures
# now. What they must not say in any case: that a call blocks or is wrong in a form that exists.
set -u
cede=$1
documents=$(cd "$(dirname "$0")/../runtime/posix" && pwd)
measured=$(mktemp -d)
trap 'rm -r "$measured"' EXIT

unshare -mn true 2> /dev/null || unshare -Umn true 2> /dev/null ||
    { echo "skipped: there can be no network and no file system of a test's own (unshare -mn)"; exit 77; }
[ -w /dev/fuse ] || { echo "skipped: there is no file system that takes its time (/dev/fuse)"; exit 77; }
# On a machine that has other things to do, a deadline of 60 ms may have passed before the call is made at all: what is
# measured otherwise is measured again.
for attempt in 1 2 3; do
    "$cede" calls --documents "$measured" || exit 1
    stale=0
    for file in CALLS.md cede-calls.7; do
        diff -u "$documents/$file" "$measured/$file" ||
            { echo "$file is stale: cede calls --documents runtime/posix (attempt $attempt)"; stale=1; }
    done
    [ "$stale" -eq 1 ] || break
done
[ "$stale" -eq 0 ] || exit 1
grep -cE '^\| .* yields ' "$documents/CALLS.md"
! grep -E '^\| .*(blocks|wrong)' "$documents/CALLS.md"
