#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check_covered.sh RECORDS HEADER...: every function of the public headers has a test of success, of each errno that it
# documents, of cancellation while it waits and of a deadline while it waits.
#
# covered.awk reads from the headers what there is to be seen (and complains about documentation that does not tell);
# RECORDS is the folder where each suite has left what its calls returned (cover.h), as <suite>.seen. That an outcome
# was asserted, and not only seen, is for people to check. Environment: CC, the compiler (cc).
#
# Where a suite was built again and not run since, or has failed, nothing can be said: skipped, with the reason.
set -euo pipefail
here=$(dirname "$0") records=$1
shift

# What no test can show, or no test should: function, outcome, and after two spaces the reason.
exempt=$(cat << 'END'
cede_stream_close EINVAL  of all that take a stream, it alone does with NULL what free(3) does
cede_stream_dial EBADF  there is no stream yet that could be closed
END
)

wrong=$(awk -v want=wrong -f "$here/covered.awk" "$@")
names=$(awk -v want=names -f "$here/covered.awk" "$@")
required=$(awk -v want=required -f "$here/covered.awk" "$@")
[ -n "$required" ] || { echo "no functions found in $*"; exit 1; }

shopt -s nullglob
suites=("$records"/../test_*) seen=()
for suite in "${suites[@]}"; do
    if [ ! -f "$suite" ] || [[ $suite == *_slow ]] || ! grep -q CEDE_COVER "$suite"; then continue; fi
    record=$records/${suite##*/}.seen
    if [ ! "$suite" -nt "$records/../cover_calls.h" ]; then
        echo "skipped: ${suite##*/} has not been built since the headers changed"
        exit 77
    fi
    if [ ! "$record" -nt "$suite" ]; then
        echo "skipped: ${suite##*/} has not run since it was built"
        exit 77
    fi
    # The row behind those of the functions says whether all of it was run: see cover.h.
    if [ "$(tail -c 256 "$record" | od -An -v -t u1 -N 1 | tr -d ' ')" != 1 ]; then
        echo "skipped: ${suite##*/} has not passed: what it would have shown is not known"
        exit 77
    fi
    seen+=("$record")
done
[ ${#seen[@]} -gt 0 ] || { echo "no suites in $records/.."; exit 1; }

# What has been seen, in the words of what is required. Numbers of errno come from the compiler; some have two names.
read -ra cc <<< "${CC:-cc}"
errnos=$(echo '#include <errno.h>' | "${cc[@]}" -E -dM - | awk '$2 ~ /^E/ { print $2, $3 }')
found=$(awk '
    FNR == 1 { file++ }
    file == 1 { name[count++] = $1 }
    file == 2 { number[$1] = $2 }
    file == 3 { row = (FNR - 1) % (count + 1); for (i = 1; i <= NF; i++) if ($i) seen[row, i - 1] = 1 }
    END {
        number["ok"] = 0
        number["ECANCELED waiting"] = 254
        number["ETIMEDOUT waiting"] = 255
        for (what in number) {
            value = number[what] in number ? number[number[what]] : number[what]
            for (row = 0; row < count; row++)
                if ((row, value + 0) in seen) print name[row], what
        }
    }' <(echo "$names") <(echo "$errnos") <(cat "${seen[@]}" | od -An -v -t u1 -w256))

missing=0 count=0
while read -r name what; do
    count=$((count + 1))
    if [ "$what" = use ]; then
        if grep -qE "(^|[^A-Za-z0-9_])$name ?\\(" "$here"/test_*.c; then continue; fi
        echo "no test uses $name()"
    elif grep -qxF "$name $what" <<< "$found"; then
        continue
    elif grep -q "^$name $what  " <<< "$exempt"; then
        continue
    else
        echo "no test has seen $name: $what"
    fi
    missing=$((missing + 1))
done <<< "$required"
while read -r line; do
    what=${line%%  *}
    if ! grep -qxF "$what" <<< "$required" || grep -qxF "$what" <<< "$found"; then
        echo "not needed among the exemptions: $line"
        missing=$((missing + 1))
    fi
done <<< "$exempt"
[ -z "$wrong" ] || echo "$wrong"
echo "$(wc -l <<< "$names") functions, ${#seen[@]} suites, $count outcomes, $missing missing," \
    "$(grep -c . <<< "$wrong" || true) not well documented"
[ "$missing" -eq 0 ] && [ -z "$wrong" ]
