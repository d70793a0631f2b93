/* SPDX-License-Identifier: MIT */
/* One-time initialisation; see cede/sync.h. */
#include <errno.h>

#include "mutex.h"

struct __attribute__((may_alias)) cede__once {
    struct cede_mutex mutex; /* held by who calls the function; whoever gets it after a failure is the next to call */
    uint32_t done;           /* atomic; written while holding the mutex */
};

_Static_assert(sizeof(struct cede__once) <= sizeof(struct cede_once), "struct cede_once is too small");

static __attribute__((noinline)) int call_first(struct cede__once *once, cede_task_fn *fn, void *arg)
{
    struct cede_defer unlocked; /* fn may call cede_exit() */
    int result = 0;

    if (cede__mutex_lock(&once->mutex, "once") != 0)
        return -1;
    cede_defer_push(&unlocked, cede__mutex_unlock, &once->mutex);
    if (!once->done) {
        result = fn(arg);
        if (result >= 0)
            __atomic_store_n(&once->done, 1, __ATOMIC_RELEASE);
    }
    cede_defer_pop(&unlocked, 1);
    return result < 0 ? -1 : 0;
}

int cede_once(struct cede_once *once, cede_task_fn *fn, void *arg)
{
    struct cede__once *self = (struct cede__once *)once->cede__private;

    if (__builtin_expect(__atomic_load_n(&self->done, __ATOMIC_ACQUIRE), 1))
        return 0;
    if (!fn) {
        errno = EINVAL;
        return -1;
    }
    return call_first(self, fn, arg);
}
