/* SPDX-License-Identifier: MIT */
/*
 * futex(2) by syscall(2), in programs whose threads are tasks: how languages' own locks and conditions wait (Rust's,
 * and std::future and std::atomic of C++). See thread.h.
 *
 * Who waits for which word, and with which bits, is kept here, in queues by a hash of the address; each waits in the
 * lot by itself. An OS thread that waits in the kernel is woken as well.
 */
#include "thread.h"

#ifdef CEDE__POSIX_THREADS

#include <cede/scope.h>
#include <cede/time.h>
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    /* After this long a wait may end for no reason, as futexes may: another process, or code that makes its system
     * calls itself, may have woken it in vain. */
    SHARED_SLICE_NS = 2 * 1000 * 1000,
    PRIVATE_SLICE_NS = 100 * 1000 * 1000,
    QUEUES_LOG2 = 6,
    QUEUES = 1 << QUEUES_LOG2,
};

/* One that waits, on its own stack. All of it is guarded by the gate. */
struct waiting {
    struct waiting *next;
    const unsigned *word;
    unsigned bits;
    bool woken;
};

/* The longest wait first. */
static struct waiting *queues[QUEUES];

static struct waiting **queue_of(const unsigned *word)
{
    return &queues[(uintptr_t)word * (uintptr_t)0x9e3779b97f4a7c15 >> (sizeof(uintptr_t) * 8 - QUEUES_LOG2)];
}

static void enter(void)
{
    cede__posix_gate_enter(cede__posix_gate(queues));
}

static void leave(void)
{
    cede__posix_gate_leave(cede__posix_gate(queues));
}

/* ---- under the gate ---- */

static void append(struct waiting *waiting)
{
    struct waiting **link = queue_of(waiting->word);

    while (*link)
        link = &(*link)->next;
    waiting->next = NULL;
    *link = waiting;
}

static void take_out(struct waiting *waiting)
{
    struct waiting **link = queue_of(waiting->word);

    while (*link && *link != waiting)
        link = &(*link)->next;
    if (*link)
        *link = waiting->next;
}

/* Ends the first `most` of the waits, or, if `to` is not NULL, lets them wait for that word. Returns how many. */
static long move(const unsigned *word, unsigned bits, long most, const unsigned *to)
{
    struct waiting **link = queue_of(word), *waiting, *moved = NULL, **end = &moved;
    long count = 0;

    while ((waiting = *link) && count < most) {
        if (waiting->word != word || !(waiting->bits & bits)) {
            link = &waiting->next;
            continue;
        }
        count++;
        *link = waiting->next;
        waiting->next = NULL;
        *end = waiting;
        end = &waiting->next;
    }
    while ((waiting = moved)) {
        moved = waiting->next;
        if (to) {
            waiting->word = to;
            append(waiting);
        } else {
            waiting->woken = true;
            cede_lot_wake(waiting, 1);
        }
    }
    return count;
}

/* ---- waiting ---- */

/* The time of cede_now() at which the wait ends; INT64_MAX: never; -1: that is no time. */
static int64_t deadline_of(int operation, const struct timespec *timeout)
{
    clockid_t clock = operation & FUTEX_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;

    if (!timeout)
        return INT64_MAX;
    if (timeout->tv_nsec < 0 || timeout->tv_nsec >= CEDE_SECOND || timeout->tv_sec < 0)
        return -1;
    if ((operation & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET)
        return cede__posix_deadline(timeout, clock);
    if (timeout->tv_sec > INT64_MAX / CEDE_SECOND / 2)
        return INT64_MAX;
    return cede_now() + timeout->tv_sec * CEDE_SECOND + timeout->tv_nsec;
}

static int64_t slice_end(int operation)
{
    extern char __libc_single_threaded __attribute__((weak));

    if (!(operation & FUTEX_PRIVATE_FLAG))
        return cede_now() + SHARED_SLICE_NS;
    return &__libc_single_threaded && __libc_single_threaded ? INT64_MAX : cede_now() + PRIVATE_SLICE_NS;
}

static long fail(int error)
{
    errno = error;
    return -1;
}

static long wait_for_word(const unsigned *word, int operation, unsigned expected, const struct timespec *timeout,
                          unsigned bits)
{
    int64_t deadline_ns = deadline_of(operation, timeout), slice_ns = slice_end(operation);
    struct waiting waiting = {.word = word, .bits = bits};
    struct cede_lot_waiter waiter;
    int error = 0;

    if (deadline_ns < 0 || !bits)
        return fail(EINVAL);
    enter();
    if (__atomic_load_n(word, __ATOMIC_SEQ_CST) != expected) {
        leave();
        return fail(EAGAIN);
    }
    append(&waiting);
    cede_lot_enter(&waiter, &waiting, "futex", 0);
    leave();
    cede_shield /* no cancellation point, and nobody expects ECANCELED */
        if (cede_lot_park(&waiter, deadline_ns < slice_ns ? deadline_ns : slice_ns) != 0)
            error = errno;
    enter();
    if (waiting.woken)
        error = 0;
    else
        take_out(&waiting);
    leave();
    if (!error || (error == ETIMEDOUT && cede_now() < deadline_ns))
        return 0;
    return fail(error);
}

/* ---- waking ---- */

static long wake_tasks(const unsigned *word, unsigned bits, long most)
{
    long woken;

    enter();
    woken = move(word, bits, most, NULL);
    leave();
    return woken;
}

/* How many were woken, of `most`, the kernel's first. */
static long wake(cede__posix_syscall_fn *plain, const unsigned *word, int operation, long most, unsigned bits)
{
    long woken = plain(SYS_futex, word, operation, most, NULL, NULL, bits);

    return woken < 0 || woken >= most ? woken : woken + wake_tasks(word, bits, most - woken);
}

/* Wakes argument[2], and lets as many others as argument[3] says wait for the word argument[4]. */
static long requeue(cede__posix_syscall_fn *plain, const long *argument)
{
    const unsigned *from = (const unsigned *)argument[0], *to = (const unsigned *)argument[4];
    long wakes = (int)argument[2], moves = (int)argument[3], done, count;

    done = plain(SYS_futex, from, argument[1], wakes, moves, to, argument[5]);
    if (done < 0)
        return done;
    count = done;
    enter();
    if (count < wakes)
        done += move(from, FUTEX_BITSET_MATCH_ANY, wakes - count, NULL);
    else
        moves -= count - wakes;
    if (moves > 0)
        done += move(from, FUTEX_BITSET_MATCH_ANY, moves, to);
    leave();
    return done;
}

static unsigned calculated(unsigned operation, unsigned old, unsigned argument)
{
    switch (operation) {
    case FUTEX_OP_SET:
        return argument;
    case FUTEX_OP_ADD:
        return old + argument;
    case FUTEX_OP_OR:
        return old | argument;
    case FUTEX_OP_ANDN:
        return old & ~argument;
    default: /* FUTEX_OP_XOR */
        return old ^ argument;
    }
}

static bool compares(unsigned comparison, int old, int argument)
{
    switch (comparison) {
    case FUTEX_OP_CMP_EQ:
        return old == argument;
    case FUTEX_OP_CMP_NE:
        return old != argument;
    case FUTEX_OP_CMP_LT:
        return old < argument;
    case FUTEX_OP_CMP_LE:
        return old <= argument;
    case FUTEX_OP_CMP_GT:
        return old > argument;
    default: /* FUTEX_OP_CMP_GE */
        return old >= argument;
    }
}

/* Twelve bits with a sign. */
static int signed_twelve(unsigned value)
{
    return (int)(value << 20) >> 20;
}

/* Changes the second word, and wakes those that wait for the first, and if it was so before, those for the second. */
static long wake_op(cede__posix_syscall_fn *plain, const long *argument)
{
    unsigned *first = (unsigned *)argument[0], *second = (unsigned *)argument[4], code = (unsigned)argument[5];
    unsigned operation = code >> 28 & 7, comparison = code >> 24 & 15, old;
    int value = signed_twelve(code >> 12 & 4095), compared = signed_twelve(code & 4095);
    int kind = (int)argument[1] & FUTEX_PRIVATE_FLAG;
    long woken, more;

    if (operation > FUTEX_OP_XOR || comparison > FUTEX_OP_CMP_GE)
        return fail(ENOSYS);
    if (code >> 28 & FUTEX_OP_OPARG_SHIFT)
        value = (int)(1U << (value & 31));
    old = __atomic_load_n(second, __ATOMIC_SEQ_CST);
    while (!__atomic_compare_exchange_n(second, &old, calculated(operation, old, (unsigned)value), true,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        ;
    woken = wake(plain, first, FUTEX_WAKE_BITSET | kind, (int)argument[2], FUTEX_BITSET_MATCH_ANY);
    if (woken < 0 || !compares(comparison, (int)old, compared))
        return woken;
    more = wake(plain, second, FUTEX_WAKE_BITSET | kind, (int)argument[3], FUTEX_BITSET_MATCH_ANY);
    return more < 0 ? more : woken + more;
}

void cede__posix_futex_forked(void)
{
    memset(queues, 0, sizeof queues);
}

long cede__posix_futex(cede__posix_syscall_fn *plain, const long *argument, bool *ours)
{
    const unsigned *word = (const unsigned *)argument[0];
    const struct timespec *timeout = (const struct timespec *)argument[3];
    int operation = (int)argument[1];

    switch (operation & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
        return wait_for_word(word, operation, (unsigned)argument[2], timeout, FUTEX_BITSET_MATCH_ANY);
    case FUTEX_WAIT_BITSET:
        return wait_for_word(word, operation, (unsigned)argument[2], timeout, (unsigned)argument[5]);
    case FUTEX_WAKE:
        return wake(plain, word, operation, (int)argument[2], FUTEX_BITSET_MATCH_ANY);
    case FUTEX_WAKE_BITSET:
        return wake(plain, word, operation, (int)argument[2], (unsigned)argument[5]);
    case FUTEX_REQUEUE:
    case FUTEX_CMP_REQUEUE:
        return requeue(plain, argument);
    case FUTEX_WAKE_OP:
        return wake_op(plain, argument);
    default:
        *ours = false;
        return -1;
    }
}

#endif
