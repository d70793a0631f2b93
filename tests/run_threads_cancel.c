/* SPDX-License-Identifier: MIT */
/* Scenes: cancellation; see run_threads.h. */
#include "run_threads.h"

/* ---- cancellation ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int pipe_fds[2], listener;
static pthread_t other;

static void unlock(void *unused)
{
    (void)unused;
    SAY("locked: %s", error_name(pthread_mutex_trylock(&mutex)));
    SAY("unlock: %s", error_name(pthread_mutex_unlock(&mutex)));
}

static void in_read(void) { char byte; read(pipe_fds[0], &byte, 1); }
static void in_sleep(void) { sleep(1000); }
static void in_nanosleep(void) { pause_ms(999); pause_ms(999); pause_ms(999); }
static void in_sem_wait(void) { sem_wait(&go); }
static void in_accept(void) { accept(listener, NULL, NULL); }
static void in_join(void) { pthread_join(other, NULL); }
static void in_pause(void) { pause(); }
static void in_test(void) { for (;;) { pthread_testcancel(); sched_yield(); } }
static void in_wait(void)
{
    pthread_mutex_lock(&mutex);
    pthread_cleanup_push(unlock, NULL);
    pthread_cond_wait(&cond, &mutex);
    pthread_cleanup_pop(0);
}

static const struct wait { const char *name; void (*wait)(void); } waits[] = {
    {"read", in_read}, {"sleep", in_sleep}, {"nanosleep", in_nanosleep}, {"sem_wait", in_sem_wait},
    {"accept", in_accept}, {"pthread_join", in_join}, {"pause", in_pause}, {"pthread_testcancel", in_test},
    {"pthread_cond_wait", in_wait},
};

static void *waits_in(void *arg)
{
    const struct wait *wait = arg;

    pthread_cleanup_push(say, (void *)wait->name);
    sem_post(&there);
    wait->wait();
    SAY("%s came back", wait->name);
    pthread_cleanup_pop(0);
    return NULL;
}

static void cancel_waits(void)
{
    size_t i;
    pthread_t id;
    int early;

    pipe(pipe_fds);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    listen(listener, 1);
    for (early = 0; early < 2; early++)
        for (i = 0; i < sizeof waits / sizeof *waits; i++) {
            if (waits[i].wait == in_join)
                start(&other, wait_and_return, (void *)"the joined one is not cancelled");
            start(&id, waits_in, (void *)&waits[i]);
            if (!early) {
                sem_wait(&there);
                pause_ms(5);
            }
            pthread_cancel(id);
            SAY("%s", join(id));
            if (early)
                sem_wait(&there);
            if (waits[i].wait == in_join) {
                sem_post(&go);
                SAY("%s", join(other));
            }
        }
}

static void *waits_disabled(void *unused)
{
    char byte;
    int old;

    (void)unused;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
    SAY("was enabled: %d", old == PTHREAD_CANCEL_ENABLE);
    sem_post(&there);
    SAY("read: %d", (int)read(pipe_fds[0], &byte, 1));
    sem_wait(&go);
    pthread_testcancel();
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
    SAY("was disabled: %d", old == PTHREAD_CANCEL_DISABLE);
    pthread_testcancel();
    SAY("not reached");
    return NULL;
}

static void *disables_late(void *unused)
{
    int old;

    while (sem_trywait(&go) != 0)
        sched_yield();
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
    SAY("nanosleep: %d", nanosleep(&(struct timespec){.tv_nsec = 1000}, NULL));
    SAY("poll of a pipe: %d", (int)write(pipe_fds[1], "x", 1));
    pthread_setcancelstate(old, NULL);
    pause();
    return unused;
}

static void *cancels_itself(void *unused)
{
    int old;

    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old);
    SAY("was deferred: %d", old == PTHREAD_CANCEL_DEFERRED);
    pthread_cancel(pthread_self());
    SAY("not reached");
    return unused;
}

static void waits_in_cleanup(void *unused)
{
    SAY("waits in clean-up: %d", nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL));
    (void)unused;
}

static void *cleans_up(void *unused)
{
    pthread_cleanup_push(waits_in_cleanup, NULL);
    sem_post(&there);
    pause();
    pthread_cleanup_pop(0);
    return unused;
}

static void *locks_and_tests(void *unused)
{
    sem_post(&there);
    SAY("lock: %s", error_name(pthread_mutex_lock(&mutex))); /* no cancellation point */
    pthread_mutex_unlock(&mutex);
    pthread_testcancel();
    SAY("not reached");
    return unused;
}

static void cancel_states(void)
{
    pthread_t id;

    pipe(pipe_fds);
    start(&id, waits_disabled, NULL);
    sem_wait(&there);
    pause_ms(2);
    SAY("cancel: %s", error_name(pthread_cancel(id)));
    write(pipe_fds[1], "x", 1);
    sem_post(&go);
    SAY("%s", join(id));
    start(&id, disables_late, NULL);
    pthread_cancel(id);
    sem_post(&go);
    SAY("%s", join(id));
    start(&id, cancels_itself, NULL);
    SAY("%s", join(id));
    start(&id, cleans_up, NULL);
    sem_wait(&there);
    pause_ms(2);
    pthread_cancel(id);
    SAY("%s", join(id));
    pthread_mutex_lock(&mutex);
    start(&id, locks_and_tests, NULL);
    sem_wait(&there);
    pause_ms(2);
    pthread_cancel(id);
    pause_ms(2);
    pthread_mutex_unlock(&mutex);
    SAY("%s", join(id));
    SAY("wrong: %s %s", error_name(pthread_setcancelstate(7, NULL)), error_name(pthread_setcanceltype(7, NULL)));
}

static void *defers(void *unused)
{
    int type;

    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    pthread_cleanup_push_defer_np(say, "deferred");
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type);
    SAY("deferred inside: %d", type == PTHREAD_CANCEL_DEFERRED);
    pthread_cleanup_pop_restore_np(1);
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type);
    SAY("asynchronous again: %d", type == PTHREAD_CANCEL_ASYNCHRONOUS);
    return unused;
}

static void cleanup_defer(void)
{
    pthread_t id;

    start(&id, defers, NULL);
    join(id);
}

const struct scene scenes_of_cancel[] = {
    {"cancel_waits", cancel_waits},
    {"cancel_states", cancel_states},
    {"cleanup_defer", cleanup_defer},
    {NULL, NULL},
};
