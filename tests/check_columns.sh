#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check_columns.sh: no line of the sources is longer than 120 columns. (Tables in Markdown may be.)
set -eu
cd "$(dirname "$0")/.."

long=$(find CMakeLists.txt arch bench include runtime tests tools -type f -regextype posix-extended \
    -regex '.*\.(asm|awk|c|cmake|cpp|h|inc|py|rs|S|sh|txt)' \
    -exec awk 'length($0) > 120 { print FILENAME ":" FNR ": " length($0) " columns" }' {} +)
[ -z "$long" ] || { echo "$long"; exit 1; }
