#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check_symbols.sh READELF LIBRARY NAMES HEADER...: a shared library exports what these headers declare, all of it and
# nothing else: functions whose name begins with cede_. NAMES is - or the folder of libcede-posix, whose sources say by
# CEDE__POSIX_EXPORT which names of libc it exports as well. Environment: CC, the compiler (cc).
set -euo pipefail
readelf=$1 library=$2 names=$3
shift 3

# What the linker or a sanitizer adds to every library.
toolchain='^(_init|_fini|_edata|_end|__bss_start|__odr_asan.*|__asan_.*|__start_.*|__stop_.*)$'

exported=$("$readelf" -W --dyn-syms "$library" |
    awk '$1 ~ /^[0-9]+:$/ && $5 ~ /GLOBAL|WEAK|UNIQUE/ && $7 != "UND" { sub(/@.*/, "", $8); print $8 }' |
    grep -vE "$toolchain" | sort -u)
[ -n "$exported" ] || { echo "$library exports nothing"; exit 1; }

# A declaration begins with CEDE_API; its name is the first one that an opening parenthesis follows.
declared=$(cat "$@" | grep -E '^CEDE_API ' | sed -E 's/^([^(]*)\(.*/\1/; s/.*[^A-Za-z0-9_]//' | sort -u)
[ -n "$declared" ] || { echo "no declarations found in $*"; exit 1; }
other=
if [ "$names" != - ]; then
    read -ra cc <<< "${CC:-cc}"
    other=$(cat "$names"/*.c | "${cc[@]}" -E -D_GNU_SOURCE -DCEDE_POSIX_SIGSETJMP "-I$names" \
        "-I$names/../../include" -x c - |
        grep -o -E 'cede__posix_export_\w+ __asm__' | sed 's/cede__posix_export_//; s/ .*//' | sort -u)
    [ -n "$other" ] || { echo "no CEDE__POSIX_EXPORT in $names"; exit 1; }
fi

wrong=0
while read -r symbol; do
    if grep -qx "$symbol" <<< "$other"; then continue; fi
    if [[ $symbol == cede_* ]] && grep -qx "$symbol" <<< "$declared"; then continue; fi
    echo "$library exports $symbol, which is no part of the interface"
    wrong=$((wrong + 1))
done <<< "$exported"
while read -r symbol; do
    [ -n "$symbol" ] || continue
    if ! grep -qx "$symbol" <<< "$exported"; then
        echo "$library lacks $symbol"
        wrong=$((wrong + 1))
    fi
done <<< "$declared"$'\n'"$other"
echo "$(wc -l <<< "$exported") exported symbols, $wrong wrong"
[ "$wrong" -eq 0 ]
