#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Every block of C in README.md stands, line by line, in one of the examples that run as tests; every link of README.md
# leads to a file; every example is named in it; every name of cede in it, cede_x or cede_x_*, is one of the headers'.
set -u
cd "$(dirname "$0")/.." || exit 1
failed=0
say() { echo "README.md: $*"; failed=1; }

blocks=0
block='' inside=0
while IFS= read -r line; do
    case $inside$line in
        '0```c') inside=1 block='' ;;
        '1```')
            inside=0 blocks=$((blocks + 1)) found=0
            for example in tests/examples/*.c; do
                [[ $(<"$example") == *"$block"* ]] && found=1
            done
            ((found)) || say "this block is in no example:"$'\n'"$block"
            ;;
        1*) block+=$line$'\n' ;;
    esac
done <README.md
((blocks > 0)) || say "no block of C found"

links=$(grep -o '](\([^)#]*\))' README.md | sed 's/^](//; s/)$//')
[[ -n $links ]] || say "no link found"
for link in $links; do
    [[ -e $link ]] || say "link to $link, which is not there"
done
for example in tests/examples/*.c; do
    grep -qF "$example" README.md || say "does not name $example"
done
names=$(grep -oE '`cede_[a-z0-9][a-z0-9_]*\*?[`(]' README.md | tr -d '`(' | sort -u)
[[ -n $names ]] || say "no name of cede found"
for name in $names; do
    grep -qE "\b${name%\*}" include/*.h include/cede/*.h || say "names $name, which is in no header"
done
exit $failed
