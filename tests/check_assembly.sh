#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check_assembly.sh READELF ARCH_H OBJECT: every symbol that the port's object file defines in executable memory is a
# hidden, typed, sized, 16-byte aligned function, and the routines that arch.h declares are all there.
set -euo pipefail
readelf=$1 arch_h=$2 object=$3

code_sections=$("$readelf" -SW "$object" | sed 's/^ *\[ *\([0-9]*\)\]/\1/' |
    awk '$1 ~ /^[0-9]+$/ && $8 ~ /X/ { print $1 }')
[ -n "$code_sections" ] || { echo "$object has no code"; exit 1; }

# Num: Value Size Type Bind Vis Ndx Name. $x and $d mark code and data for disassemblers; no linker minds them.
symbols=$("$readelf" -sW "$object" |
    awk -v sections="$code_sections" '
        BEGIN { split(sections, list, "\n"); for (i in list) code[list[i]] = 1 }
        $1 ~ /^[0-9]+:$/ && $4 != "SECTION" && $7 in code && $8 !~ /^\$[xd]/')
wrong=0
while read -r _ value size type bind visibility _ name; do
    [ -n "$name" ] || continue
    faults=()
    [ "$type" = FUNC ] || faults+=("type $type, not FUNC")
    [ "$((size))" -gt 0 ] || faults+=("no size")
    [ "$bind $visibility" = "GLOBAL HIDDEN" ] || faults+=("$bind $visibility, not GLOBAL HIDDEN")
    [ "$((0x$value % 16))" -eq 0 ] || faults+=("at 0x$value, not 16-byte aligned")
    for fault in ${faults[@]+"${faults[@]}"}; do
        echo "$name: $fault"
        wrong=$((wrong + 1))
    done
done <<< "$symbols"

routines=0
while read -r name; do
    routines=$((routines + 1))
    grep -qw "$name" <<< "$symbols" || { echo "$object does not define $name"; wrong=$((wrong + 1)); }
done < <(grep -E '^[a-z].*\);$' "$arch_h" | grep -o -E 'cede__[a-z]+\(' | tr -d '(')
[ "$routines" -gt 0 ] || { echo "$arch_h declares nothing"; exit 1; }
echo "$(wc -l <<< "$symbols") symbols, $routines routines of arch.h, $wrong wrong"
[ "$wrong" -eq 0 ]
