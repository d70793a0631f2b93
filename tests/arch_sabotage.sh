#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Are the conformance tests of arch/ worth anything? Deletes from a copy of a port's switch one line after another that
# is marked "save REGISTERS", "restore REGISTERS" or "read REGISTERS", and requires that tests/test_arch.c or
# test_arch_unwind.c fails each time, and that it names the registers whose restore is missing. (A register that was not
# saved is restored from garbage; that may crash before a name is known.) The untouched copy must pass.
#
# Environment, with what is taken otherwise:
#     SRC       the source tree                       the parent of this script's folder
#     PORT      the folder below arch/                uname -m
#     CC        compiler, with flags such as --sysroot   cc
#     NASM      assembler of *.asm                    nasm
#     LIBS      how to link libcheck                  pkg-config --libs check
#     EMULATOR  what runs the test, with arguments    nothing: this CPU
#
#     PORT=aarch64 CC='aarch64-linux-gnu-gcc --sysroot=S' EMULATOR='qemu-aarch64-static -L S' \
#         LIBS='-lcheck_pic -lsubunit -lrt -lm' tests/arch_sabotage.sh
set -euo pipefail

src=${SRC:-$(cd "$(dirname "$0")/.." && pwd)}
port=${PORT:-$(uname -m)}
libs=${LIBS:-$(pkg-config --libs check)}
read -ra cc <<< "${CC:-cc}"
read -ra nasm <<< "${NASM:-nasm}"
read -ra emulator <<< "${EMULATOR:-}"
read -ra libs <<< "$libs"

work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
include=("-I$src/arch" "-I$src/arch/$port" "-I$src/tests" "-I$src/include")
tests=(test_arch test_arch_unwind)

assemble() { # SOURCE OBJECT
    case $1 in
        *.asm) "${nasm[@]}" -f elf64 "-I$src/arch/" "$1" -o "$2" ;;
        *)     "${cc[@]}" "${include[@]}" -c "$1" -o "$2" ;;
    esac
}

# Builds the tests with the given switch and runs them up to one that fails, its output in $work/log. No log: it did not
# build.
conforms() { # SOURCE
    local test
    rm -f "$work/log"
    assemble "$1" "$work/switch.o" || return
    for test in "${tests[@]}"; do
        "${cc[@]}" "$work/$test.o" "$work"/{arch_harness,harness,seed,switch}.o -pthread "${libs[@]}" -o "$work/test" &&
            CK_FORK=yes CK_DEFAULT_TIMEOUT=4 \
                timeout 300 ${emulator[@]+"${emulator[@]}"} "$work/test" > "$work/log" 2>&1 || return
    done
}

switch=("$src/arch/$port"/switch.*)
seed=("$src/tests/arch_seed_$port".*)
[ -f "${switch[0]}" ] || { echo "no arch/$port/switch.asm or switch.S"; exit 1; }
[ -f "${seed[0]}" ] || { echo "no tests/arch_seed_$port.asm or .S"; exit 1; }
assemble "${seed[0]}" "$work/seed.o"
for object in "${tests[@]}" arch_harness harness; do
    "${cc[@]}" -std=gnu11 -O1 -g -fasynchronous-unwind-tables "${include[@]}" -c "$src/tests/$object.c" \
        -o "$work/$object.o"
done

copy=$work/${switch[0]##*/}
cp "${switch[0]}" "$copy"
if ! conforms "$copy"; then
    cat "$work/log" || true
    echo "the untouched port fails its conformance tests"
    exit 1
fi

declare -A sabotaged=([save]=0 [restore]=0 [read]=0)
unnoticed=0
while IFS=: read -r number line; do
    [[ $line =~ (save|restore|read)\ ([a-z0-9\ ]+)$ ]]
    kind=${BASH_REMATCH[1]} registers=${BASH_REMATCH[2]}
    sed "${number}d" "${switch[0]}" > "$copy"
    verdict=noticed
    if conforms "$copy"; then
        verdict='NOT NOTICED'
    elif [ ! -f "$work/log" ]; then
        verdict='DOES NOT BUILD'
    elif [ "$kind" = restore ]; then
        for register in $registers; do
            grep -qw "$register" "$work/log" || verdict="NOT NAMED: $register"
        done
    fi
    sabotaged[$kind]=$((sabotaged[$kind] + 1))
    printf '%s:%-4s without "%s": %s\n' "${switch[0]##*/}" "$number" "$kind $registers" "$verdict"
    if [ "$verdict" != noticed ]; then
        unnoticed=$((unnoticed + 1))
        cat "$work/log" 2> /dev/null || true
    fi
done < <(grep -nE '(;|//) (save|restore|read) [a-z0-9 ]+$' "${switch[0]}")

if [ "${sabotaged[restore]}" -eq 0 ]; then
    echo "found no line marked \"restore REGISTER\" in ${switch[0]}"
    exit 1
fi
echo "$port: sabotaged ${sabotaged[restore]} restores, ${sabotaged[save]} saves, ${sabotaged[read]} reads;" \
    "$unnoticed unnoticed"
[ "$unnoticed" -eq 0 ]
