#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check_missing_tools.sh CMAKE SOURCE_DIR: where NASM, pkg-config or libcheck is missing the build stops, names it, and
# says how to install it or to do without. Environment: CMAKE_GENERATOR; MAKE, its program.
set -euo pipefail
cmake=$(command -v "$1") source=$2
unset CMAKE_C_COMPILER_LAUNCHER CMAKE_CXX_COMPILER_LAUNCHER # it would not be on PATH either

work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
mkdir "$work/bin" "$work/empty"
have() { # PROGRAM...: on PATH from now on
    local program path
    for program; do
        path=$(command -v "$program") || continue
        ln -s "$path" "$work/bin/$program"
    done
}
cases=0
stops() { # PATTERN: with what is on PATH
    rm -rf "$work/build"
    if PATH=$work/bin PKG_CONFIG_LIBDIR=$work/empty "$cmake" -S "$source" -B "$work/build" \
        -DCMAKE_FIND_USE_CMAKE_SYSTEM_PATH=OFF -DCMAKE_MAKE_PROGRAM="$MAKE" > "$work/log" 2>&1; then
        cat "$work/log"
        echo "configured without what is missing"
        exit 1
    fi
    # CMake breaks lines as it likes.
    grep -qE "$1" <<< "$(tr -s '\n ' ' ' < "$work/log")" || {
        cat "$work/log"
        echo "the error does not say: $1"
        exit 1
    }
    cases=$((cases + 1))
}

have sh cc gcc as ld ar ranlib awk
if [ -f "$source/arch/$(uname -m)/switch.asm" ]; then
    stops 'cede needs NASM on this CPU \(Debian: nasm\)\. `tools/setup build`'
    have nasm
fi
stops "cede's tests need pkg-config and libcheck \(Debian: pkg-config, check\)\. \`tools/setup build\`"
have pkg-config
stops 'need pkg-config and libcheck .*-DCEDE_TESTS=OFF'
echo "stopped in $cases cases"
