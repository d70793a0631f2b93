#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check_headers.sh INCLUDE_DIR: every public header compiles alone, and without a warning, as C11 and as C++17, with
# each of gcc and clang that is installed; cede_go() compiles, and does not for a function of another type.
set -euo pipefail
include=$1

work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
compiled=0 wrong=0

compiles() { # COMPILER... < SOURCE
    compiled=$((compiled + 1))
    if ! "$@" -I"$include" -Wall -Wextra -Werror -pedantic-errors -fsyntax-only - 2> "$work/log"; then
        cat "$work/log"
        echo "does not compile: $*"
        wrong=$((wrong + 1))
    fi
}

# The same function in a good and in two bad calls; the complaint must be about cede_go's choice by type.
go_source() { # FUNCTION
    cat << END
#include <cede.h>
struct fetch { const char *url; int *length; };
static int fetch(struct fetch *a) { return *a->length; }
struct other { int unused; };
static int other(struct fetch *a) { return *a->length; }
struct result { int unused; };
static void result(struct result *a) { (void)a; }
struct cede_task *spawn(int *n);
struct cede_task *spawn(int *n) { (void)fetch, (void)other, (void)result, (void)n; return $1; }
END
}

must_fail() { # SOURCE COMPILER...
    local source=$1
    shift
    compiled=$((compiled + 1))
    if "$@" -I"$include" -fsyntax-only - <<< "$source" 2> "$work/log"; then
        echo "compiles, but must not: $*"
        wrong=$((wrong + 1))
    elif ! grep -q '_Generic' "$work/log" || [ "$(grep -c 'error:' "$work/log")" -ne 1 ]; then
        cat "$work/log"
        echo "fails for another reason than the function's type: $*"
        wrong=$((wrong + 1))
    fi
}

shopt -s nullglob
headers=("$include"/*.h "$include"/cede/*.h)
for pair in gcc:g++ clang:clang++; do
    cc=${pair%:*} cxx=${pair#*:}
    for header in "${headers[@]}"; do
        # A header of macros alone would leave nothing to compile, which ISO C forbids.
        source="#include <${header#"$include/"}>"$'\nextern int not_empty;'
        if command -v "$cc" > /dev/null; then compiles "$cc" -std=c11 -x c <<< "$source"; fi
        if command -v "$cxx" > /dev/null; then compiles "$cxx" -std=c++17 -x c++ <<< "$source"; fi
    done
    command -v "$cc" > /dev/null || continue
    compiles "$cc" -std=c11 -x c < <(go_source 'cede_go(fetch, .url = "", .length = n)')
    must_fail "$(go_source 'cede_go(other, .unused = 1)')" "$cc" -std=c11 -x c
    must_fail "$(go_source 'cede_go(result, .unused = 1)')" "$cc" -std=c11 -x c
done
if [ "$compiled" -eq 0 ]; then echo "neither gcc nor clang is installed"; exit 77; fi
echo "${#headers[@]} headers, $compiled compilations, $wrong wrong"
[ "${#headers[@]}" -gt 0 ] && [ "$wrong" -eq 0 ]
