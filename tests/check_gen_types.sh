#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check_gen_types.sh INCLUDE_DIR: cede_for, cede_gen_open, cede_gen_put and cede_defer compile for functions of the
# right type, as C11 without extensions and without a warning, and for no others, with each of gcc and clang that is
# installed.
set -euo pipefail
include=$1

work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
compiled=0 wrong=0

compile() { # COMPILER STATEMENT OPTION...
    local cc=$1 statement=$2
    shift 2
    compiled=$((compiled + 1))
    "$cc" -std=c11 -I"$include" "$@" -fsyntax-only -x c - 2> "$work/log" << END
#include <cede/defer.h>
#include <cede/gen.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
struct point { int x, y; };
struct ints { int from, to; };
int ints(struct ints *a, int *item);
struct words { const char *text; };
int words(struct words *a, const char **item);
struct nothing { int unused; };
void nothing(struct nothing *a, int *item);
struct other { int unused; };
int other(struct ints *a, int *item);
void of_const(const struct point *point);
void of_int(int number);
void of_double(double number);
void of_two(void *a, void *b);
int try(FILE *file, struct point *point, struct point value, char *text, int fd, int *item, void (*pointer)(char *));
int try(FILE *file, struct point *point, struct point value, char *text, int fd, int *item, void (*pointer)(char *))
{
    struct cede_gen gen;
    (void)file, (void)point, (void)value, (void)text, (void)fd, (void)item, (void)pointer, (void)gen;
    $statement;
    return 0;
}
END
}

good() { # STATEMENT
    if ! compile "$cc" "$1" -Wall -Wextra -Werror -Wshadow -pedantic-errors; then
        cat "$work/log"
        echo "$cc: does not compile: $1"
        wrong=$((wrong + 1))
    fi
}

# Not a warning that may be overlooked, but an error, and the right one: of the macro's choice by type.
bad() { # STATEMENT COMPLAINT
    if compile "$cc" "$1"; then
        echo "$cc: compiles, but must not: $1"
        wrong=$((wrong + 1))
    elif ! grep 'error:' "$work/log" | grep -qE "$2"; then
        cat "$work/log"
        echo "$cc: fails for another reason than the type: $1"
        wrong=$((wrong + 1))
    fi
}

for cc in gcc clang; do
    command -v "$cc" > /dev/null || continue
    good 'cede_for (int, i, ints, .from = 1, .to = 10) fd += i'
    good 'cede_for (int, i, ints, .to = 10) { if (i == 3) continue; if (i == 4) break; if (i == 5) return i; }'
    good 'cede_for (int, unused, ints, .to = 10) fd++'
    good 'cede_for (const char *, word, words, .text = text) puts(word)'
    good 'cede_for (int, i, ints, .to = 3)
            cede_for (int, j, ints, .to = i) fd += j'
    good 'return cede_gen_open(&gen, item, ints, .to = 3)'
    good 'return cede_gen_put(item, 3)'
    for type in unsigned long 'const char *' 'int *' 'struct point'; do
        bad "cede_for ($type, i, ints, .to = 10) fd++" '[Gg]eneric'
    done
    bad 'cede_for (char *, word, words, .text = text) puts(word)' '[Gg]eneric'
    bad 'cede_for (int, i, nothing, .unused = 0) fd++' '[Gg]eneric'
    bad 'cede_for (int, i, other, .unused = 0) fd++' '[Gg]eneric'
    bad 'cede_for (int, i, ints, .size = 0) fd++' 'size'
    bad 'cede_gen_open(&gen, &text, ints, .to = 3)' '[Gg]eneric'
    bad 'cede_gen_put(item, value)' 'incompatible|assigning'

    good 'cede_defer(fclose, file)'
    good 'cede_defer(free, text)'
    good 'cede_defer(free, malloc(3))'
    good 'cede_defer(free, NULL)'
    good 'cede_defer(of_const, point)'
    good 'cede_defer(of_const, &value)'
    good 'cede_defer(puts, "bye")'
    good 'cede_defer(pointer, text)'
    good 'cede_defer(close, fd)'
    good 'cede_defer(of_int, 3)'
    bad 'cede_defer(fclose, text)' 'incompatible.pointer.type'
    bad 'cede_defer(of_const, item)' 'incompatible.pointer.type'
    bad 'cede_defer(of_const, fd)' 'int-conversion'
    bad 'cede_defer(close, text)' 'int-conversion'
    bad 'cede_defer(of_const, 0)' 'assert'
    bad 'cede_defer(of_double, 1.0)' 'assert'
    bad 'cede_defer(of_double, 1)' 'assert'
    bad 'cede_defer(fclose, value)' 'incompatible type'
    bad 'cede_defer(of_two, text)' 'too few arguments'
    bad 'if (fd) cede_defer(free, text)' 'expected'
done
if [ "$compiled" -eq 0 ]; then echo "neither gcc nor clang is installed"; exit 77; fi
echo "$compiled compilations, $wrong wrong"
[ "$wrong" -eq 0 ]
