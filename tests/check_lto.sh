#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check_lto.sh SOURCE_DIR PORT_DIR LIBRARY: channels and queues that are inlined into a program, with elements of one
# byte or of four, make gcc warn of nothing. LIBRARY: libcede.a, for the rest. Other compilers have no such warnings.
set -euo pipefail
source=$1 port=$2 library=$3
command -v gcc > /dev/null || { echo "skipped: no gcc"; exit 77; }

work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
wrong=0
options=(-std=gnu11 -D_GNU_SOURCE -O3 -g -Wall -Wextra -flto=1 "-I$source/include" "-I$source/runtime" "-I$port")
gcc "${options[@]}" -c "$source/runtime/chan.c" -o "$work/chan.o"
gcc "${options[@]}" -c "$source/runtime/queue.c" -o "$work/queue.o"
for type in char int; do
    cat > "$work/program.c" << END
#include <cede/chan.h>
#include <cede/queue.h>
int main(void)
{
    struct cede_chan *chan = cede_chan_open(sizeof($type), 4);
    struct cede_queue *queue = cede_queue_open(sizeof($type), 4);
    $type one = 1, two = 0;
    return cede_chan_send(chan, &one) + cede_chan_recv(chan, &two) + cede_queue_put(queue, &two)
           + cede_queue_get(queue, &one) + one + two;
}
END
    gcc "${options[@]}" -c "$work/program.c" -o "$work/program.o"
    gcc "${options[@]}" "$work"/{program,chan,queue}.o "$library" -lpthread -o "$work/program" 2> "$work/log" || wrong=1
    if grep -q warning "$work/log"; then
        echo "elements of $type:"
        cat "$work/log"
        wrong=1
    fi
done
exit "$wrong"
