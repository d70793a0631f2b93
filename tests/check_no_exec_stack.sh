#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check_no_exec_stack.sh READELF BUILD_DIR FILE...: nothing that was built in BUILD_DIR asks for an executable stack, or
# has a segment that is writable and executable. Every FILE must be among what was looked at.
set -euo pipefail
readelf=$1 build=$2
shift 2

wrong=0
mapfile -t files < <(find "$build" \( -name CMakeFiles -o -name Testing \) -prune -o -type f \
    \( -perm -u+x -o -name '*.so*' \) -print | sort)
looked=()
for file in "${files[@]}"; do
    segments=$("$readelf" -lW "$file" 2> /dev/null) || continue
    grep -qE '^Elf file type is (EXEC|DYN)' <<< "$segments" || continue
    looked+=("$file")
    if ! grep -q 'GNU_STACK' <<< "$segments"; then
        echo "$file: no GNU_STACK header, so its stack is executable"
        wrong=$((wrong + 1))
    fi
    # Type Offset VirtAddr PhysAddr FileSiz MemSiz Flg Align; the flags R, W and E may have blanks between them.
    if bad=$(grep -E '^ +[A-Z_]+ +(0x[0-9a-f]+ +){5}.*E' <<< "$segments" | grep -E 'GNU_STACK|RW ?E'); then
        echo "$file: writable and executable: $bad"
        wrong=$((wrong + 1))
    fi
done
for file; do
    printf '%s\n' "${looked[@]}" | grep -qxF -- "$(realpath "$file")" ||
        { echo "$file was not found below $build"; wrong=$((wrong + 1)); }
done
echo "${#looked[@]} programs and libraries, $wrong wrong"
[ "$wrong" -eq 0 ]
