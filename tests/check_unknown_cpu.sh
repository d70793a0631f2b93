#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check_unknown_cpu.sh CMAKE SOURCE_DIR: on a CPU without a port the build stops, names the CPU and lists the ports.
set -euo pipefail
cmake=$1 source=$2

work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
# A system name makes CMake believe the processor that it is told.
if "$cmake" -S "$source" -B "$work" -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=pdp11 > "$work/log" 2>&1; then
    cat "$work/log"
    echo "configured for a CPU that has no port"
    exit 1
fi
# CMake breaks lines as it likes.
log=$(tr -s '\n ' ' ' < "$work/log")
ports=0
error="CMake Error at [^:]*:[0-9]+ \(message\): cede has no port for the CPU 'pdp11'\. Ports: ([a-z0-9_]+, )*"
for frame in "$source"/arch/*/frame.h; do
    port=$(basename "$(dirname "$frame")")
    ports=$((ports + 1))
    grep -qE "$error${port}[,.]" <<< "$log" || {
        echo "the error does not name pdp11 and $port:"
        cat "$work/log"
        exit 1
    }
done
echo "stopped with the list of $ports ports"
