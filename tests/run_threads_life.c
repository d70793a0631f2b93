/* SPDX-License-Identifier: MIT */
/* Scenes: threads from their beginning to their end, and their keys; see run_threads.h. */
#include "run_threads.h"

/* ---- from create to join ---- */

static void results(void)
{
    enum { THREADS = 300 };
    static pthread_t ids[THREADS];
    intptr_t i, right = 0;
    void *result;

    for (i = 0; i < THREADS; i++)
        start(&ids[i], i % 2 ? wait_and_return : return_at_once, (void *)i);
    for (i = 1; i < THREADS; i += 2)
        sem_post(&go);
    for (i = 0; i < THREADS; i++)
        right += pthread_join(ids[i], &result) == 0 && result == (void *)i;
    SAY("%d of %d results", (int)right, THREADS);
}

static pthread_t seen;

static void *say_self(void *unused)
{
    pthread_t self = pthread_self();

    pause_ms(1);
    SAY("stable: %d", pthread_equal(self, pthread_self()));
    seen = self;
    return unused;
}

static void identity(void)
{
    pthread_t first, second, self = pthread_self();

    start(&first, say_self, NULL);
    join(first);
    SAY("the ID that was given: %d", pthread_equal(first, seen));
    start(&first, wait_and_return, NULL);
    start(&second, wait_and_return, NULL);
    SAY("different: %d %d", !pthread_equal(first, second), !pthread_equal(first, self));
    SAY("main's: %d", pthread_equal(self, pthread_self()) && thrd_equal(thrd_current(), pthread_self()));
    sem_post(&go);
    sem_post(&go);
    join(first);
    join(second);
}

static pthread_t other;

static void *join_other(void *unused)
{
    (void)unused;
    sem_post(&there);
    return (void *)join(other);
}

/* Not to be compared: libc hears of the first only. */
static void join_errors(void)
{
    pthread_t id;

    SAY("oneself: %s", join(pthread_self()));
    other = pthread_self();
    start(&id, join_other, NULL);
    sem_wait(&there);
    pause_ms(1);
    SAY("each other: %s", join(id));
    start(&other, wait_and_return, (void *)"waited for");
    start(&id, join_other, NULL);
    sem_wait(&there);
    pause_ms(1);
    SAY("joined by another: %s", join(other));
    SAY("detach: %s", error_name(pthread_detach(other)));
    sem_post(&go);
    SAY("%s", join(id));
    SAY("joined before: %s", join(id));
    SAY("killed: %s", error_name(pthread_kill(id, 0)));
}

static void *post_there(void *unused)
{
    sem_post(&there);
    sem_wait(&go);
    sem_post(&there);
    return unused;
}

static void detached(void)
{
    pthread_attr_t attr;
    pthread_t id;

    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    SAY("created: %s", error_name(pthread_create(&id, &attr, post_there, NULL)));
    pthread_attr_destroy(&attr);
    sem_wait(&there);
    SAY("join: %s", join(id));
    SAY("detach: %s", error_name(pthread_detach(id)));
    sem_post(&go);
    sem_wait(&there);
    start(&id, post_there, NULL);
    SAY("detach: %s", error_name(pthread_detach(id)));
    SAY("join: %s", join(id));
    sem_post(&go);
    sem_wait(&there);
}

static void timed_joins(void)
{
    struct timespec soon = after_ms(CLOCK_REALTIME, 5), later = after_ms(CLOCK_MONOTONIC, 60000);
    void *result = NULL;
    pthread_t id;

    start(&id, wait_and_return, (void *)"result");
    SAY("try: %s", error_name(pthread_tryjoin_np(id, &result)));
    SAY("timed: %s", error_name(pthread_timedjoin_np(id, &result, &soon)));
    sem_post(&go);
    SAY("clock: %s", error_name(pthread_clockjoin_np(id, &result, CLOCK_MONOTONIC, &later)));
    SAY("%s", (char *)result);
    start(&id, return_at_once, (void *)"tried");
    while (pthread_tryjoin_np(id, &result) == EBUSY)
        ;
    SAY("%s", (char *)result);
}

/* ---- keys ---- */

static pthread_key_t key, chained;
static tss_t c11_key;
static atomic_int destroyed, rounds;

static void destroy(void *value)
{
    atomic_fetch_add(&destroyed, (int)(intptr_t)value);
}

static void set_again(void *value)
{
    atomic_fetch_add(&rounds, 1);
    pthread_setspecific(chained, value);
}

static void *use_keys(void *arg)
{
    bool empty = !pthread_getspecific(key) && !tss_get(c11_key);

    pthread_setspecific(key, arg);
    tss_set(c11_key, arg);
    pthread_setspecific(chained, arg);
    pause_ms(1);
    return (void *)(intptr_t)(empty && pthread_getspecific(key) == arg && tss_get(c11_key) == arg);
}

static void keys(void)
{
    enum { THREADS = 20 };
    pthread_t ids[THREADS];
    intptr_t i, right = 0;
    void *result;

    pthread_key_create(&key, destroy);
    pthread_key_create(&chained, set_again);
    tss_create(&c11_key, destroy);
    pthread_setspecific(key, (void *)1000);
    for (i = 0; i < THREADS; i++)
        start(&ids[i], use_keys, (void *)(i + 1));
    for (i = 0; i < THREADS; i++)
        right += pthread_join(ids[i], &result) == 0 && result;
    SAY("%d right, destroyed %d, rounds %d", (int)right, destroyed, rounds);
    SAY("main's: %d", pthread_getspecific(key) == (void *)1000);
    SAY("delete: %s", error_name(pthread_key_delete(key)));
    SAY("deleted: %s %s", error_name(pthread_setspecific(key, "x")), error_name(pthread_key_delete(key)));
    tss_delete(c11_key);
}

static void *keep_over_keys(void *unused)
{
    pthread_setspecific(key, "old");
    sem_post(&there);
    sem_wait(&go);
    SAY("under a new key of the same number: %s", pthread_getspecific(key) ? "old" : "nothing");
    return unused;
}

static void new_key(void)
{
    pthread_key_t before;
    pthread_t id;

    pthread_key_create(&key, NULL);
    before = key;
    start(&id, keep_over_keys, NULL);
    sem_wait(&there);
    pthread_key_delete(key);
    pthread_key_create(&key, NULL);
    SAY("the same number: %d", key == before);
    sem_post(&go);
    join(id);
}

/* ---- C11 ---- */

static int c11_returns(void *arg)
{
    thrd_yield();
    return (int)(intptr_t)arg;
}

static int c11_exits(void *arg)
{
    thrd_exit((int)(intptr_t)arg);
}

static void c11(void)
{
    thrd_t id;
    int result = 0;

    SAY("create: %d", thrd_create(&id, c11_returns, (void *)-5) == thrd_success);
    SAY("join: %d %d", thrd_join(id, &result) == thrd_success, result);
    thrd_create(&id, c11_exits, (void *)6);
    SAY("exit: %d %d", thrd_join(id, &result) == thrd_success, result);
    thrd_create(&id, c11_returns, NULL);
    SAY("detach: %d", thrd_detach(id) == thrd_success);
}

/* ---- the end of a thread ---- */

/* That it does not return makes compilers see an endless recursion. */
static void (*volatile end_thread)(void *) = pthread_exit;

static __attribute__((noinline)) void exit_deep(int depth)
{
    pthread_cleanup_push(say, depth % 2 ? "odd" : "even");
    if (depth > 0)
        exit_deep(depth - 1);
    else
        end_thread("from the deep");
    pthread_cleanup_pop(0);
}

static void *exits(void *unused)
{
    (void)unused;
    pthread_setspecific(key, (void *)7);
    pthread_cleanup_push(say, "not done, for it was popped");
    pthread_cleanup_pop(0);
    pthread_cleanup_push(say, "popped and done");
    pthread_cleanup_pop(1);
    exit_deep(3);
    return NULL;
}

static void exiting(void)
{
    pthread_t id;

    pthread_key_create(&key, destroy);
    start(&id, exits, NULL);
    SAY("%s", join(id));
    SAY("destroyed %d", destroyed);
}

static void say_and_go(void *text)
{
    say(text);
    sem_post(&go);
}

static void *ends_later(void *unused)
{
    sem_wait(&go);
    pause_ms(20);
    SAY("still here");
    return unused;
}

static void main_exits(void)
{
    pthread_t id;

    start(&id, ends_later, NULL);
    pthread_cleanup_push(say_and_go, "main's");
    pthread_exit(NULL);
    pthread_cleanup_pop(0);
}

static void *joins_main(void *main)
{
    SAY("main: %s", join(*(pthread_t *)main));
    return NULL;
}

static void main_is_joined(void)
{
    static pthread_t self, id;

    self = pthread_self();
    start(&id, joins_main, &self);
    pause_ms(5);
    pthread_exit("its result");
}

static void *exits_all(void *unused)
{
    (void)unused;
    exit(5);
}

static void thread_exits_all(void)
{
    pthread_t id, sleeper;

    start(&sleeper, wait_and_return, NULL);
    start(&id, exits_all, NULL);
    join(id);
    SAY("not reached");
}

static void main_returns(void)
{
    pthread_t id;

    start(&id, wait_and_return, NULL);
    pause_ms(2);
}

const struct scene scenes_of_life[] = {
    {"results", results},
    {"identity", identity},
    {"join_errors", join_errors},
    {"detached", detached},
    {"timed_joins", timed_joins},
    {"keys", keys},
    {"new_key", new_key},
    {"c11", c11},
    {"exiting", exiting},
    {"main_exits", main_exits},
    {"main_is_joined", main_is_joined},
    {"thread_exits_all", thread_exits_all},
    {"main_returns", main_returns},
    {NULL, NULL},
};
