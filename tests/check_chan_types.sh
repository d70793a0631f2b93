#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check_chan_types.sh INCLUDE_DIR: the macros for channels of a type compile for pointers of that type, as C11 without
# extensions and without a warning, and for no others, with each of gcc and clang that is installed.
set -euo pipefail
include=$1

work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
compiled=0 wrong=0

compile() { # STATEMENT COMPILER
    compiled=$((compiled + 1))
    "$2" -std=c11 -I"$include" -Wall -Wextra -Werror -pedantic-errors -fsyntax-only -x c - 2> "$work/log" << END
#include <cede/chan.h>
struct point { int x, y; };
typedef cede_chan_of(struct point) point_chan;
typedef cede_chan_of(const char *) word_chan;
typedef cede_chan_of(int) int_chan;
typedef cede_chan_of(int[4]) row_chan;
int try(point_chan points, word_chan words, int_chan *numbers, row_chan rows, struct point *point,
        const struct point *same, const char *word, int number, unsigned sign, double real, int (*row)[4], void *any);
int try(point_chan points, word_chan words, int_chan *numbers, row_chan rows, struct point *point,
        const struct point *same, const char *word, int number, unsigned sign, double real, int (*row)[4], void *any)
{
    struct cede_chan_case one = {0};
    (void)points, (void)words, (void)numbers, (void)rows, (void)point, (void)same, (void)word, (void)number, (void)sign;
    (void)real, (void)row, (void)any, (void)one;
    $1;
    return 0;
}
END
}

good() { # STATEMENT COMPILER
    if ! compile "$@"; then
        cat "$work/log"
        echo "$2: does not compile: $1"
        wrong=$((wrong + 1))
    fi
}

# The one complaint must be about the macros' choice by type.
bad() { # STATEMENT COMPILER
    if compile "$@"; then
        echo "$2: compiles, but must not: $1"
        wrong=$((wrong + 1))
    elif ! grep -q '_Generic' "$work/log" || [ "$(grep -c 'error:' "$work/log")" -ne 1 ]; then
        cat "$work/log"
        echo "$2: fails for another reason than the type: $1"
        wrong=$((wrong + 1))
    fi
}

for cc in gcc clang; do
    command -v "$cc" > /dev/null || continue
    good 'return cede_chan_make(points, 3)' "$cc"
    good 'cede_chan_each (p, points) number += p.x' "$cc"
    good 'cede_chan_each (n, *numbers) { if (n == 3) continue; if (n == 4) break; }' "$cc"
    for call in cede_chan_put cede_chan_try_put 'one = cede_case_put'; do
        good "$call(points, point)" "$cc"
        good "$call(points, same)" "$cc"
        good "$call(points, &(struct point){1, 2})" "$cc"
        good "$call(words, &word)" "$cc"
        good "$call(*numbers, &(int){5})" "$cc"
        good "$call(rows, row)" "$cc"
        bad "$call(points, &number)" "$cc"
        bad "$call(words, word)" "$cc"
        bad "$call(*numbers, &sign)" "$cc"
        bad "$call(*numbers, &real)" "$cc"
        bad "$call(*numbers, number)" "$cc"
        bad "$call(*numbers, any)" "$cc"
        bad "$call(rows, *row)" "$cc"
    done
    for call in cede_chan_get cede_chan_try_get 'one = cede_case_get'; do
        good "$call(points, point)" "$cc"
        good "$call(words, &word)" "$cc"
        good "$call(*numbers, &number)" "$cc"
        good "$call(rows, row)" "$cc"
        bad "$call(points, same)" "$cc"
        bad "$call(points, &number)" "$cc"
        bad "$call(*numbers, &sign)" "$cc"
        bad "$call(*numbers, any)" "$cc"
    done
done
if [ "$compiled" -eq 0 ]; then echo "neither gcc nor clang is installed"; exit 77; fi
echo "$compiled compilations, $wrong wrong"
[ "$wrong" -eq 0 ]
