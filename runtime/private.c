/* SPDX-License-Identifier: MIT */
/* The numbers of the runtime's own descriptors; see private.h. */
#include "private.h"

#include "sys.h"

_Atomic uint64_t cede__private_set[CEDE__PRIVATE_WORDS];

static atomic_int words_used; /* those behind were never touched */

static uint64_t bit(int fd)
{
    return UINT64_C(1) << ((unsigned)fd % 64);
}

static int note(int fd)
{
    int words = fd / 64 + 1, used = atomic_load(&words_used);

    if (fd < 0 || fd >= CEDE__PRIVATE_NUMBERS)
        return fd;
    while (used < words && !atomic_compare_exchange_weak(&words_used, &used, words))
        ;
    atomic_fetch_or(&cede__private_set[fd / 64], bit(fd));
    return fd;
}

int cede__private_take(int fd)
{
    return note(cede__sys_move_away(fd));
}

int cede__private_copy(int fd)
{
    return note(cede__sys_copy_away(fd));
}

/* First forgotten, then closed: the other way round, another thread may have got the number meanwhile, and could not
 * close it. */
void cede__private_close(int fd)
{
    cede__private_forget(fd);
    cede__sys_close(fd);
}

void cede__private_forget(int fd)
{
    if (cede__private_has(fd))
        atomic_fetch_and(&cede__private_set[fd / 64], ~bit(fd));
}

int cede__private_next(int from)
{
    int word = from / 64, used = atomic_load(&words_used);
    uint64_t set;

    for (; word < used; word++) {
        set = atomic_load(&cede__private_set[word]);
        if (word == from / 64)
            set &= ~(bit(from) - 1);
        if (set)
            return word * 64 + __builtin_ctzll(set);
    }
    return -1;
}
