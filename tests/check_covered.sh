#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check_covered.sh RECORDS HEADER...: every function of the public headers has a test of success, of each errno that it
# documents, of cancellation while it waits and of a deadline while it waits.
#
# covered.awk reads from the headers what there is to be seen (and complains about documentation that does not tell);
# RECORDS is the folder where each suite has left what its calls returned (cover.h), as <suite>.seen. That an outcome was
# asserted, and not only seen, is for people to check. Environment: CC, the compiler (cc).
#
# Where a suite was built again and not run since, nothing can be said: skipped.
set -euo pipefail
here=$(dirname "$0") records=$1
shift

# What no test can show, or no test should: function, outcome, and after two spaces the reason.
exempt=$(cat << 'END'
cede_stream_close EINVAL  of all that take a stream, it alone does with NULL what free(3) does
cede_stream_dial EBADF  there is no stream yet that could be closed
END
)

# Functions that came without a word on errnos that a script can read. They have suites (test_child.c, test_epoll.c,
# test_flock.c, test_ipc.c, test_lookup.c), but not for all that is asked. To be documented and tested like the others.
later=" $(tr '\n' ' ' << 'END'
cede_copy_file_range cede_epoll_pwait cede_epoll_pwait2 cede_epoll_wait cede_fcntl_lock cede_flock
cede_getgrgid cede_getgrgid_r cede_getgrnam cede_getgrnam_r cede_gethostbyaddr cede_gethostbyaddr_r
cede_gethostbyname cede_gethostbyname2 cede_gethostbyname2_r cede_gethostbyname_r cede_getnameinfo cede_getpwnam
cede_getpwnam_r cede_getpwuid cede_getpwuid_r cede_lockf cede_mq_receive cede_mq_send
cede_mq_timedreceive cede_mq_timedsend cede_msgrcv cede_msgsnd cede_pause cede_pselect
cede_recvmmsg cede_res_query cede_res_search cede_runtime_poller cede_semtimedop cede_sendfile
cede_sendmmsg cede_sigsuspend cede_sigtimedwait cede_splice cede_system cede_tee
cede_wait4 cede_waitid cede_waitpid
END
)"

wrong=$(awk -v want=wrong -f "$here/covered.awk" "$@" | while IFS=: read -r file line name text; do
    [[ $later == *"$name "* ]] || echo "$file:$line:$name:$text"
done)
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
    file == 3 { row = (FNR - 1) % count; for (i = 1; i <= NF; i++) if ($i) seen[row, i - 1] = 1 }
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
    elif grep -q "^$name $what  " <<< "$exempt" || [[ $later == *" $name "* ]]; then
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
