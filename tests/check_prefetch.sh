#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check_prefetch.sh OBJDUMP LIBRARY BUILD_TYPE: what the run queue asks to be fetched ahead, a descriptor and three
# lines of a context, is still asked for in the machine code of a yield. gcc 12 once dropped all of it, and nothing but
# the time told.
set -euo pipefail
objdump=$1 library=$2 build_type=$3

case $build_type in
    Release|RelWithDebInfo) ;;
    *) echo "cede_yield contains its switch only in an optimised build, this is ${build_type:-of no type}"; exit 77 ;;
esac
count=$("$objdump" -d "$library" |
    awk '/^[0-9a-f]+ <.*>:$/ { inside = /<cede_yield>/ } inside && /prefetch|prfm/' | wc -l)
echo "cede_yield has $count prefetches"
[ "$count" -ge 4 ]
