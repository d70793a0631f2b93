/* SPDX-License-Identifier: MIT */
/*
 * Thread-specific values, pthread_key_create and tss_create, of threads that are tasks; see thread.h.
 *
 * Keys are libc's. What is kept beside them is the destructor, and how often the key was made: a value that was set
 * under a former key of the same number is none. Main's values stay with libc, for some were set before there was a
 * task.
 */
#include "thread.h"

#ifdef CEDE__POSIX_THREADS

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

#include "../sanitizer.h"

enum { ROOM = 16 /* values more at a time */ };

/* Written by who makes and deletes the key, which libc lets one do at a time. */
static struct {
    _Atomic(void (*)(void *)) destroy;
    atomic_uint made; /* odd: the key exists */
} keys[PTHREAD_KEYS_MAX];

static atomic_uint key_count; /* above the highest that ever was */

struct cede__posix_value {
    void *value;
    unsigned made; /* of the key, when it was set */
};

static CEDE__BEFORE_TSAN void note(pthread_key_t key, void (*destroy)(void *))
{
    unsigned count = atomic_load(&key_count);

    if (key >= PTHREAD_KEYS_MAX)
        return;
    atomic_store(&keys[key].destroy, destroy);
    atomic_fetch_add(&keys[key].made, 1);
    while (count <= key && !atomic_compare_exchange_weak(&key_count, &count, key + 1))
        ;
}

int cede__posix_pthread_key_create(pthread_key_t *key, void (*destroy)(void *));
CEDE__POSIX_EXPORT_ONLY(pthread_key_create, pthread_key_create);
CEDE__POSIX_EXPORT_ONLY(__pthread_key_create, pthread_key_create);
CEDE__BEFORE_TSAN int cede__posix_pthread_key_create(pthread_key_t *key, void (*destroy)(void *))
{
    int error = CEDE__POSIX_PLAIN(pthread_key_create)(key, destroy);

    if (!error)
        note(*key, destroy);
    return error;
}

int cede__posix_pthread_key_delete(pthread_key_t key);
CEDE__POSIX_EXPORT_ONLY(pthread_key_delete, pthread_key_delete);
int cede__posix_pthread_key_delete(pthread_key_t key)
{
    if (key < PTHREAD_KEYS_MAX && atomic_load(&keys[key].made) & 1) /* before: then it may be made anew at once */
        note(key, NULL);
    return CEDE__POSIX_PLAIN(pthread_key_delete)(key);
}

/* The thread whose values are here; NULL: libc has them. */
static CEDE__BEFORE_TSAN struct cede__posix_thread *keeper(void)
{
    struct cede__posix_thread *self = cede__posix_threads ? cede__posix_thread_self() : NULL;

    return self && !cede__posix_thread_is_main(self) ? self : NULL;
}

static CEDE__BEFORE_TSAN void *get(const struct cede__posix_thread *self, pthread_key_t key)
{
    if (key >= self->value_count || self->values[key].made != atomic_load(&keys[key].made))
        return NULL;
    return self->values[key].value;
}

static CEDE__BEFORE_TSAN int set(struct cede__posix_thread *self, pthread_key_t key, const void *value)
{
    unsigned made = key < PTHREAD_KEYS_MAX ? atomic_load(&keys[key].made) : 0, count = key / ROOM * ROOM + ROOM;
    struct cede__posix_value *more;

    if (!(made & 1))
        return EINVAL;
    if (key >= self->value_count) {
        if (!value)
            return 0;
        more = realloc(self->values, count * sizeof *more);
        if (!more)
            return ENOMEM;
        memset(more + self->value_count, 0, (count - self->value_count) * sizeof *more);
        self->values = more;
        self->value_count = count;
    }
    self->values[key] = (struct cede__posix_value){(void *)value, made};
    return 0;
}

void *cede__posix_pthread_getspecific(pthread_key_t key);
CEDE__POSIX_EXPORT_ONLY(pthread_getspecific, pthread_getspecific);
CEDE__POSIX_EXPORT_ONLY(__pthread_getspecific, pthread_getspecific);
CEDE__POSIX_EXPORT_ONLY(tss_get, pthread_getspecific);
CEDE__BEFORE_TSAN void *cede__posix_pthread_getspecific(pthread_key_t key)
{
    const struct cede__posix_thread *self = keeper();

    return self ? get(self, key) : CEDE__POSIX_PLAIN(pthread_getspecific)(key);
}

int cede__posix_pthread_setspecific(pthread_key_t key, const void *value);
CEDE__POSIX_EXPORT_ONLY(pthread_setspecific, pthread_setspecific);
CEDE__POSIX_EXPORT_ONLY(__pthread_setspecific, pthread_setspecific);
CEDE__BEFORE_TSAN int cede__posix_pthread_setspecific(pthread_key_t key, const void *value)
{
    struct cede__posix_thread *self = keeper();

    return self ? set(self, key, value) : CEDE__POSIX_PLAIN(pthread_setspecific)(key, value);
}

/* In rounds, for a destructor may set values. */
void cede__posix_thread_destroy_values(struct cede__posix_thread *self)
{
    unsigned key, round;
    void (*destroy)(void *);
    bool again = true;
    void *value;

    for (round = 0; again && round < PTHREAD_DESTRUCTOR_ITERATIONS; round++) {
        again = false;
        for (key = 0; key < atomic_load(&key_count); key++) {
            value = cede__posix_pthread_getspecific(key);
            destroy = atomic_load(&keys[key].destroy);
            if (!value || !destroy)
                continue;
            cede__posix_pthread_setspecific(key, NULL);
            destroy(value);
            again = true;
        }
    }
    if (!cede__posix_thread_is_main(self))
        self->value_count = 0;
}

/* ---- C11 ---- */

int cede__posix_tss_create(tss_t *key, tss_dtor_t destroy);
CEDE__POSIX_EXPORT_ONLY(tss_create, tss_create);
int cede__posix_tss_create(tss_t *key, tss_dtor_t destroy)
{
    return cede__posix_pthread_key_create(key, destroy) == 0 ? thrd_success : thrd_error;
}

int cede__posix_tss_set(tss_t key, void *value);
CEDE__POSIX_EXPORT_ONLY(tss_set, tss_set);
int cede__posix_tss_set(tss_t key, void *value)
{
    return cede__posix_pthread_setspecific(key, value) == 0 ? thrd_success : thrd_error;
}

void cede__posix_tss_delete(tss_t key);
CEDE__POSIX_EXPORT_ONLY(tss_delete, tss_delete);
void cede__posix_tss_delete(tss_t key)
{
    cede__posix_pthread_key_delete(key);
}

#endif
