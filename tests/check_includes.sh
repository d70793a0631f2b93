#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check_includes.sh SOURCE_DIR: private includes go one way,
#     posix -> calls, blocks -> wait -> {sched, poller, timer} -> {task, stack} -> context -> arch
# An include of the same level is fine, of a higher one is not. sys.h, private.h, list.h, ring.h, environment.h and
# sanitizer.h know nothing of cede, so everybody may use them. A file not named below belongs to the calls and building
# blocks, just under posix/.
set -euo pipefail
cd "$1"

level() { # FILE
    local name=${1##*/}
    case $1 in runtime/posix/*) echo 6; return ;; arch/*) echo 0; return ;; esac
    case ${name%.*} in
        environment | list | sys | private | ring | sanitizer | frame) echo 0 ;;
        context)                       echo 1 ;;
        task | stack)                  echo 2 ;;
        sched | switch | runqueue | spin | timer | poller*) echo 3 ;;
        wait)                          echo 4 ;;
        *)                             echo 5 ;;
    esac
}

# A worker's free descriptors are members of struct cede__worker, which sched.h defines.
allowed='runtime/task.c sched.h'

seen=0 wrong=0
while IFS=: read -r file number line; do
    header=$(sed -E 's/.*"([^"]*)".*/\1/' <<< "$line")
    seen=$((seen + 1))
    [ "$file $header" = "$allowed" ] && continue
    from=$(level "$file") to=$(level "$(realpath -m --relative-to=. "${file%/*}/$header")")
    if [ "$to" -gt "$from" ]; then
        echo "$file:$number: includes $header: from level $from up to level $to"
        wrong=$((wrong + 1))
    fi
done < <(grep -rnE '^ *# *include +"' --include='*.[chS]' runtime arch)
[ "$seen" -gt 10 ] || { echo "only $seen includes found: wrong folder?"; exit 1; }

# The public interface is closed: what it includes is public or the system's.
while IFS= read -r line; do
    echo "$line: not a public header"
    wrong=$((wrong + 1))
done < <(grep -rnE '^ *# *include +("|<(runtime|arch)/|<cede__)' include || true)

echo "$seen private includes, $wrong upward"
[ "$wrong" -eq 0 ]
