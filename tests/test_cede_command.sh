#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_cede_command.sh COMMAND PROGRAM CC: what `cede` itself says and returns, and `cede run` with PROGRAM, which is
# run_main.c, and with programs of the system.
set -uo pipefail
cede=$1 program=$2 cc=$3
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
failed=0 count=0

# expect STATUS PATTERN COMMAND...: the exit status, and an extended regular expression for all of the output.
expect() {
    local status=$1 pattern=$2 got out
    shift 2
    out=$("$@" 2>&1)
    got=$?
    count=$((count + 1))
    if [ "$got" -ne "$status" ] || ! [[ $out =~ ^$pattern$ ]]; then
        printf '%s\n    returned %d (expected %d) and said:\n%s\n    expected: %s\n' \
            "$*" "$got" "$status" "$out" "$pattern"
        failed=1
    fi
}

# ---- the command ----

expect 2 'usage: cede COMMAND.*' "$cede"
expect 0 'usage: cede COMMAND.*  run .*' "$cede" help
expect 0 'usage: cede COMMAND.*' "$cede" --help
expect 0 'usage: cede run .*' "$cede" help run
expect 0 'usage: cede run .*' "$cede" run --help
expect 2 "cede: there is no command 'no'.*" "$cede" help no
expect 2 "cede: there is no command 'no'.*" "$cede" no
expect 0 'cede [0-9]+\.[0-9]+\.[0-9]+' "$cede" --version
[ ! -w /dev/full ] || expect 125 'cede: standard output: .*' sh -c '"$0" help > /dev/full' "$cede"

# ---- calls: what it refuses, before it measures ----

expect 2 "cede calls: unknown option '--no'.*" "$cede" calls --no
expect 2 "cede calls: unknown option 'no'.*" "$cede" calls --json no
expect 2 'cede calls: --documents takes a directory.*' "$cede" calls --documents
expect 2 'cede calls: --json or --documents, not both.*' "$cede" calls --json --documents "$work"
expect 125 "cede calls: $work/no: No such file.*" "$cede" calls --documents "$work/no"
expect 125 "cede calls: /etc/passwd: Not a directory" "$cede" calls --documents /etc/passwd

# ---- run: what it refuses ----

expect 2 'cede run: which program.*' "$cede" run
expect 2 "cede run: unknown option '--no'.*" "$cede" run --no true
expect 127 'cede run: no-such-program: No such file.*' "$cede" run no-such-program
expect 127 'cede run: \./no-such-program: No such file.*' "$cede" run ./no-such-program
expect 126 'cede run: /etc/passwd: Permission denied' "$cede" run /etc/passwd
printf 'not a program' > "$work/text"
chmod +x "$work/text"
expect 126 "cede run: $work/text is no ELF program" "$cede" run "$work/text"
# Of another architecture: ELF's e_machine is the two bytes at 18. 0x1234 is nobody's.
cp "$program" "$work/foreign"
printf '\x34\x12' | dd of="$work/foreign" bs=1 seek=18 conv=notrunc status=none
expect 126 "cede run: $work/foreign is for another architecture .*" "$cede" run "$work/foreign"
echo 'int main(void) { return 0; }' > "$work/static.c"
if $cc -static "$work/static.c" -o "$work/static" 2> /dev/null; then
    expect 126 "cede run: $work/static is statically linked.*" "$cede" run "$work/static"
fi
if [ "$(id -u)" -ne 0 ]; then
    setuid=$(find /usr/bin -perm -4001 -user root -print -quit)
    [ -z "$setuid" ] || expect 126 "cede run: $setuid is set-user-ID.*" "$cede" run "$setuid"
else
    cp "$program" "$work/setuid"
    chown 1 "$work/setuid"
    chmod 4755 "$work/setuid"
    expect 126 "cede run: $work/setuid is set-user-ID.*" "$cede" run "$work/setuid"
fi
CEDE_POLLER=poll expect 2 'cede run: CEDE_POLLER=poll: it can be one of auto epoll io_uring.*' "$cede" run true
CEDE_AUDIT=maybe expect 2 'cede run: CEDE_AUDIT=maybe: it can be one of 0 1.*' "$cede" run true
CEDE_SPIN=5us expect 2 'cede run: CEDE_SPIN=5us: it can be a number from 0 to 1000.*' "$cede" run true
CEDE_POSIX=no expect 2 'cede run: CEDE_POSIX=no: it can be one of patch symbols.*' "$cede" run true
CEDE_POSIX=symbols CEDE_AUDIT= CEDE_FILE=pool expect 0 '' "$cede" run true
mkdir "$work/a b" # the libraries of a moved installation may lie there
cp "$cede" "$work/a b/cede"
cp -P "$(dirname "$cede")"/../../libcede*.so* "$work/a b/"
LD_LIBRARY_PATH="$work/a b" expect 125 'cede run: .* preloads no path with a space.*' "$work/a b/cede" run true

# ---- run: a program ----

unset LD_PRELOAD
nl=$'\n'
expect 0 "no task, 1 arguments, environment, LD_PRELOAD unset${nl}goodbye" "$program"
expect 0 "main, 1 arguments, environment, LD_PRELOAD unset${nl}goodbye" "$cede" run "$program"
expect 7 "main, 3 arguments, environment, LD_PRELOAD unset${nl}goodbye" "$cede" run -- "$program" --children x
LD_PRELOAD=libm.so.6 expect 0 "main, 1 arguments, environment, LD_PRELOAD libm.so.6${nl}goodbye" "$cede" run "$program"
expect 7 "no task, 2 arguments, environment, LD_PRELOAD unset${nl}goodbye" "$cede" run "$program" exec
expect 7 "main, 2 arguments, environment, LD_PRELOAD /.*libcede-posix.*${nl}goodbye" \
    "$cede" run --children "$program" exec
PATH=$(dirname "$program"):$PATH expect 0 "main, 1 .*" "$cede" run "$(basename "$program")"

expect 5 '' "$cede" run sh -c 'exit 5'
expect 143 '' "$cede" run sh -c 'kill -TERM $$'
expect 0 'from standard input' "$cede" run cat <<< 'from standard input'
expect 1 'cat: .*Bad file descriptor.*' sh -c '"$0" run cat <&-' "$cede"
expect 0 'a pipe 6' "$cede" run bash -c 'sleep 0.01 && echo hello | cat | (echo a pipe $(wc -c))'
# A shell may use any number, also one that the runtime would have got.
expect 0 'one two' "$cede" run bash -c \
    'exec 3< <(sleep 0.05; echo one) 4< <(sleep 0.05; echo two) 5<&0; read -r x <&3; read -r y <&4; echo $x $(echo $y)'
printf '#! /bin/sh\necho script $1 $(env | grep -c CEDE_RUN)\n' > "$work/script"
chmod +x "$work/script"
expect 0 'script x 0' "$cede" run "$work/script" x
# Threads beside main's task, with locks and conditions in common: the rows of tools/cede/README.md that need no server.
seq 100000 -1 1 > "$work/numbers"
expect 0 1 sh -c '"$0" run sort --parallel=4 -S 1M -n "$1" | head -n 1' "$cede" "$work/numbers"
threads='import threading, queue
q = queue.Queue()
ts = [threading.Thread(target=lambda: [q.put(i) for i in range(100)]) for _ in range(10)]
[t.start() for t in ts]
print(sum(q.get() for _ in range(1000)))
[t.join() for t in ts]'
if command -v python3 > /dev/null; then expect 0 49500 "$cede" run python3 -c "$threads"; fi
if command -v xz > /dev/null; then
    expect 0 '' sh -c '"$0" run xz -T2 -c "$1" | xz -dc | cmp - "$1"' "$cede" "$work/numbers"
fi
CEDE_AUDIT_MS=20 expect 0 '.*cede: audit: "main" of thread [0-9]+ has been running without a wait for .*' \
    "$cede" run --audit bash -c 'for ((i = 0; i < 500000; i++)); do :; done'
# Programs that bash starts run without cede, though it has a setenv() of its own: none has descriptors of the runtime.
expect 0 '0 [01]' "$cede" run bash -c 'echo $(cat /proc/self/environ | tr "\0" "\n" | grep -c -e libcede -e CEDE_RUN) \
    $(ls -l /proc/self/fd | grep -c anon_inode)'
# Descriptors that the runtime has for itself: a program that closes all, or any, of them goes on.
if [ -x /usr/bin/python3 ]; then
    for poller in epoll io_uring; do
        CEDE_POLLER=$poller expect 0 'all is well' timeout 60 "$cede" run /usr/bin/python3 "${0%/*}/run_descriptors.py"
    done
fi
# O_NONBLOCK on a descriptor that is shared with others would surprise them.
exec 3< <(sleep 0.05; echo x)
expect 0 x "$cede" run sh -c 'read -r line && echo "$line"' <&3
grep -q '^flags:.*4...$' "/proc/$$/fdinfo/3" && { echo "standard input was left non-blocking"; failed=1; }
exec 3<&-

echo "$count commands"
exit "$failed"
