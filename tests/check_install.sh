#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check_install.sh CMAKE BUILD_DIR CC: what `cmake --install` puts into an empty prefix is enough to build and to run
# tests/consumer outside the tree: with pkg-config, shared and static, with the CMake package, and, without any
# installation, as a subproject.
set -euo pipefail
cmake=$1 build=$2 cc=$3
source=$(cd "$(dirname "$0")/.." && pwd)
command -v pkg-config > /dev/null || { echo "no pkg-config here"; exit 77; }

work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
quietly() { "$@" > "$work/log" 2>&1 || { cat "$work/log"; echo "failed: $*"; exit 1; }; }
say() { printf '== %s\n' "$*"; }
run() { # PROGRAM [LIBRARY_PATH]
    local out
    out=$(LD_LIBRARY_PATH=${2-} "$1")
    [ "$out" = "7 from a task" ] || { echo "$1 printed: $out"; exit 1; }
    consumers=$((consumers + 1))
}
needs() { # PROGRAM LIBRARY: does the dynamic linker have to find LIBRARY for it?
    readelf -dW "$1" 2> /dev/null | grep -q "NEEDED.*\[$2\."
}
consumers=0

say install
quietly "$cmake" --install "$build" --prefix "$work/staged"
# A tree that has been moved must work too.
mv "$work/staged" "$work/prefix"
prefix=$work/prefix
pkgconfig=$(dirname "$(find "$prefix" -name cede.pc)")
libdir=$(dirname "$pkgconfig")
export PKG_CONFIG_PATH=$pkgconfig
cp -r "$source/tests/consumer" "$work/consumer"
cd "$work"
missing=$(cd "$source/include" && find . -name '*.h' | sort | while read -r header; do
    [ -f "$prefix/include/$header" ] || echo "$header"
done)
[ -z "$missing" ] || { echo "not installed: $missing"; exit 1; }

say the command
case $("$prefix/bin/cede" run sh -c 'echo "$0"' started) in
    started) ;;
    *) echo "cede run does not run"; exit 1 ;;
esac

say pkg-config, shared
read -ra flags <<< "$(pkg-config --cflags --libs cede)"
"$cc" consumer/consumer.c -o shared "${flags[@]}"
needs shared libcede.so
run ./shared "$libdir"

say pkg-config --static
read -ra flags <<< "$(pkg-config --cflags --libs --static cede)"
"$cc" -static consumer/consumer.c -o static "${flags[@]}"
if needs static libcede.so; then echo "static is not static"; exit 1; fi
run ./static

say pkg-config, cede-posix
read -ra flags <<< "$(pkg-config --cflags --libs cede-posix)"
"$cc" consumer/consumer.c -o posix -Wl,--as-needed "${flags[@]}"
needs posix libcede-posix.so
run ./posix "$libdir"

say CMake package
quietly "$cmake" -S consumer -B package "-DCMAKE_C_COMPILER=$cc" "-DCMAKE_PREFIX_PATH=$prefix"
quietly "$cmake" --build package
needs package/consumer_shared libcede.so
if needs package/consumer_static libcede.so; then echo "package/consumer_static is not static"; exit 1; fi
run package/consumer_shared
run package/consumer_static

say subproject
quietly "$cmake" -S consumer -B subproject "-DCMAKE_C_COMPILER=$cc" "-DCEDE_SOURCE=$source"
quietly "$cmake" --build subproject --parallel 2 --target consumer_shared consumer_static
run subproject/consumer_shared
run subproject/consumer_static

echo "$consumers consumers built and run"
