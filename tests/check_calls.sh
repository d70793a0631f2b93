#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check_calls.sh CEDE: the documents about calls (runtime/posix/CALLS.md, cede-calls.7) say what `cede calls` measures
# now. What they must not say in any case: that a call blocks or is wrong in a form that exists.
set -u
cede=$1
documents=$(cd "$(dirname "$0")/../runtime/posix" && pwd)
measured=$(mktemp -d)
trap 'rm -r "$measured"' EXIT

unshare -n true 2> /dev/null || unshare -Un true 2> /dev/null ||
    { echo "skipped: names cannot be looked up in a network of one's own (unshare)"; exit 77; }
[ -w /dev/fuse ] || { echo "skipped: there is no file system that takes its time (/dev/fuse)"; exit 77; }
"$cede" calls --documents "$measured" || exit 1
for file in CALLS.md cede-calls.7; do
    diff -u "$documents/$file" "$measured/$file" ||
        { echo "$file is stale: cede calls --documents runtime/posix"; exit 1; }
done
grep -cE '^\| .* yields ' "$documents/CALLS.md"
! grep -E '^\| .*(blocks|wrong)' "$documents/CALLS.md"
