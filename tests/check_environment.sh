#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check_environment.sh: the table in runtime/environment.c has every variable of the environment that cede reads or that
# users are told of, and no others; nothing else reads one; each of its rows is described to users, and tested with a
# value that is wrong. (That the right ones are those of the table is test_environment's to show.)
set -eu
cd "$(dirname "$0")/.."
failed=0
complain() { echo "$*"; failed=1; }

table=$(sed -nE 's/.*\.name = "(CEDE_[A-Z_]+)".*/\1/p' runtime/environment.c | sort)
[ "$(wc -l <<< "$table")" -gt 5 ] || { echo "no table found in runtime/environment.c"; exit 1; }
in_table() { grep -qxF "$1" <<< "$table"; }

sources() { grep -rE "$@" --include='*.[ch]' runtime include tools bench arch || true; }

# Whoever reads one asks environment.c, by a name that it knows.
others=$(sources 'getenv\("CEDE_' | grep -v '^runtime/environment\.c:' || true)
[ -z "$others" ] || complain "not by way of runtime/environment.c: $others"
asked=$(sources -oh 'environment_(get|number|has)\("CEDE_[A-Z_]+' | sed 's/.*"//' | sort -u)
for name in $asked; do
    in_table "$name" || complain "$name is asked for, but not in the table"
done
for name in $table; do
    grep -qxF "$name" <<< "$asked" || complain "$name is in the table, but nobody asks for it"
    grep -qE "\{\"$name\", \"[^\"]+\", \"$name=" tests/test_environment.c || complain "$name: no wrong value is tested"
    # `cede run` alone sets CEDE_RUN.
    [ "$name" = CEDE_RUN ] || grep -rqw "$name" include README.md || complain "$name: no header tells users of it"
done

# What users are told to set: CEDE_X=value, and "the environment variable CEDE_X". CMake's variables look the same.
options=$(grep -ohE 'CEDE_[A-Z_]+' CMakeLists.txt tools/cmake/* | sort -u)
told=$(grep -rhoE 'CEDE_[A-Z_]+=|environment variable CEDE_[A-Z_]+' include README.md runtime tools bench arch \
    --include='*.md' --include='*.[ch]' | grep -oE 'CEDE_[A-Z_]+' | sort -u | grep -vxF "$options")
[ -n "$told" ] || complain "no variable is described anywhere"
for name in $told; do
    in_table "$name" || complain "$name is described, but not in the table"
done
exit $failed
