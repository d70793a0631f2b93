/* SPDX-License-Identifier: MIT */
/* Scenes: futex(2) by syscall(2); see run_threads.h. */
#include "run_threads.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>

static unsigned word;

static void *waits_for_word(void *unused)
{
    while (__atomic_load_n(&word, __ATOMIC_SEQ_CST) == 0)
        syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    return unused;
}

static void futexes(void)
{
    struct timespec soon = {.tv_nsec = 2000000};
    pthread_t ids[3];
    int i;

    SAY("another value: %s",
        syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0) < 0 ? error_name(errno) : "0");
    SAY("too late: %s", syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &soon, NULL, 0) < 0 ? error_name(errno) : "0");
    SAY("nobody: %ld", syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
    for (i = 0; i < 3; i++)
        start(&ids[i], waits_for_word, NULL);
    pause_ms(10);
    word = 1;
    SAY("one: %d", syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) <= 1);
    SAY("all: %d", syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0) <= 3);
    for (i = 0; i < 3; i++)
        join(ids[i]);
}

/* ---- bits ---- */

static atomic_int awake[3];

/* Until it is woken with bit 1 << number, and the word is not 0. */
static void *waits_with_bits(void *number)
{
    int i = (int)(intptr_t)number;

    while (__atomic_load_n(&word, __ATOMIC_SEQ_CST) == 0) {
        sem_post(&there);
        if (syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, 1 << i) == 0)
            atomic_fetch_add(&awake[i], 1);
    }
    return NULL;
}

static long wake_bits(unsigned bits)
{
    return syscall(SYS_futex, &word, FUTEX_WAKE_BITSET_PRIVATE, INT_MAX, NULL, NULL, bits);
}

static void bitsets(void)
{
    pthread_t ids[3];
    intptr_t i;

    word = 0;
    for (i = 0; i < 3; i++)
        start(&ids[i], waits_with_bits, (void *)i);
    for (i = 0; i < 3; i++)
        sem_wait(&there);
    pause_ms(20);
    SAY("bit 8: %ld", wake_bits(8));
    SAY("bit 2: %ld", wake_bits(2));
    sem_wait(&there); /* it waits again */
    SAY("awake: %d %d %d", awake[0], awake[1], awake[2]);
    SAY("no bits: %s", wake_bits(0) < 0 ? error_name(errno) : "0");
    pause_ms(20);
    __atomic_store_n(&word, 1, __ATOMIC_SEQ_CST);
    SAY("bits 1 and 4: %ld", wake_bits(1 | 4));
    SAY("all: %ld", wake_bits(UINT_MAX));
    for (i = 0; i < 3; i++)
        join(ids[i]);
}

/* ---- two words ---- */

static unsigned words[2];

static void *waits_for_either(void *which)
{
    unsigned *own = &words[(intptr_t)which];

    sem_post(&there);
    while (__atomic_load_n(own, __ATOMIC_SEQ_CST) == 0)
        syscall(SYS_futex, own, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    return NULL;
}

static long wake_op(unsigned operation)
{
    return syscall(SYS_futex, &words[0], FUTEX_WAKE_OP_PRIVATE, 1, 1, &words[1], operation);
}

static void wake_ops(void)
{
    pthread_t ids[2];
    intptr_t i;

    for (i = 0; i < 2; i++)
        start(&ids[i], waits_for_either, (void *)i);
    for (i = 0; i < 2; i++)
        sem_wait(&there);
    pause_ms(20);
    __atomic_store_n(&words[0], 1, __ATOMIC_SEQ_CST);
    SAY("the first: %ld", wake_op(FUTEX_OP(FUTEX_OP_ADD, 5, FUTEX_OP_CMP_GT, 0)));
    SAY("%u", words[1]);
    join(ids[0]);
    words[1] = 0;
    SAY("the second: %ld", wake_op(FUTEX_OP((FUTEX_OP_SET | FUTEX_OP_OPARG_SHIFT), 3, FUTEX_OP_CMP_EQ, 0)));
    SAY("%u", words[1]);
    join(ids[1]);
    SAY("nobody: %ld", wake_op(FUTEX_OP(FUTEX_OP_ANDN, 8, FUTEX_OP_CMP_NE, -1)));
    SAY("%u", words[1]);
    SAY("or: %ld", wake_op(FUTEX_OP(FUTEX_OP_OR, 6, FUTEX_OP_CMP_LT, 1)));
    SAY("xor: %ld", wake_op(FUTEX_OP(FUTEX_OP_XOR, 3, FUTEX_OP_CMP_LE, 1)));
    SAY("%u", words[1]);
}

static void *waits_for_first(void *unused)
{
    sem_post(&there);
    syscall(SYS_futex, &words[0], FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    return unused;
}

/* One goes on at once, one is moved to the other word, one stays. */
static void requeues(void)
{
    pthread_t ids[3];
    int i;

    for (i = 0; i < 3; i++)
        start(&ids[i], waits_for_first, NULL);
    for (i = 0; i < 3; i++)
        sem_wait(&there);
    pause_ms(20);
    SAY("another value: %s", syscall(SYS_futex, &words[0], FUTEX_CMP_REQUEUE_PRIVATE, 1, 1, &words[1], 7) < 0
                                 ? error_name(errno) : "0");
    SAY("requeued: %ld", syscall(SYS_futex, &words[0], FUTEX_CMP_REQUEUE_PRIVATE, 1, 1, &words[1], 0));
    SAY("the other: %ld", syscall(SYS_futex, &words[1], FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0));
    SAY("the first: %ld", syscall(SYS_futex, &words[0], FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0));
    for (i = 0; i < 3; i++)
        join(ids[i]);
}

const struct scene scenes_of_futexes[] = {
    {"futexes", futexes},
    {"bitsets", bitsets},
    {"wake_ops", wake_ops},
    {"requeues", requeues},
    {NULL, NULL},
};
