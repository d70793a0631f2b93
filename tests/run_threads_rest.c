/* SPDX-License-Identifier: MIT */
/* Scenes: attributes, yielding, fork, many at once, stdio; see run_threads.h. */
#include "run_threads.h"

#include <sys/ioctl.h>
#include <sys/prctl.h>

/* ---- attributes ---- */

static void *say_attr(void *arg)
{
    size_t wanted = (size_t)(intptr_t)arg, size;
    char name[16], *bottom;
    pthread_attr_t attr;
    cpu_set_t cpus;
    clockid_t clock;
    int state, policy;
    struct sched_param param;
    volatile char local = 0;

    SAY("getattr: %s", error_name(pthread_getattr_np(pthread_self(), &attr)));
    pthread_attr_getstack(&attr, (void **)&bottom, &size);
    pthread_attr_getdetachstate(&attr, &state);
    SAY("as large: %d, on it: %d, joinable: %d", size >= wanted,
        (char *)&local >= bottom && (char *)&local < bottom + size, state == PTHREAD_CREATE_JOINABLE);
    pthread_attr_destroy(&attr);
    pthread_getname_np(pthread_self(), name, sizeof name);
    SAY("name: %s", name);
    SAY("set: %s, too long: %s", error_name(pthread_setname_np(pthread_self(), "another")),
        error_name(pthread_setname_np(pthread_self(), "0123456789abcdef")));
    pthread_getname_np(pthread_self(), name, sizeof name);
    SAY("name: %s, too small: %s", name, error_name(pthread_getname_np(pthread_self(), name, 3)));
    SAY("set: %d", prctl(PR_SET_NAME, "longer than what there is room for"));
    memset(name, 'x', sizeof name);
    SAY("get: %d, %s", prctl(PR_GET_NAME, name), name);
    pthread_getname_np(pthread_self(), name, sizeof name);
    SAY("name: %s", name);
    SAY("affinity: %s", error_name(pthread_getaffinity_np(pthread_self(), sizeof cpus, &cpus)));
    SAY("affinity: %s", error_name(pthread_setaffinity_np(pthread_self(), sizeof cpus, &cpus)));
    SAY("scheduling: %s", error_name(pthread_getschedparam(pthread_self(), &policy, &param)));
    SAY("scheduling: %s", error_name(pthread_setschedparam(pthread_self(), policy, &param)));
    SAY("clock: %s", error_name(pthread_getcpuclockid(pthread_self(), &clock)));
    return NULL;
}

static __attribute__((noinline)) int use_stack(int kib)
{
    volatile char kilobyte[1024];

    kilobyte[0] = kilobyte[1023] = (char)kib;
    return kib ? use_stack(kib - 1) + kilobyte[0] - kilobyte[1023] : 0;
}

static void *use_much(void *unused)
{
    return use_stack(5 << 10) ? unused : (void *)"5 MiB";
}

static void attributes(void)
{
    pthread_attr_t attr;
    pthread_t id;
    char name[16];

    pthread_setname_np(pthread_self(), "from main");
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 12 << 20);
    pthread_create(&id, &attr, say_attr, (void *)(12 << 20));
    join(id);
    pthread_attr_setstacksize(&attr, 16 << 10);
    pthread_create(&id, &attr, say_attr, (void *)(16 << 10));
    join(id);
    start(&id, use_much, NULL);
    SAY("%s", join(id));
    pthread_getname_np(pthread_self(), name, sizeof name);
    SAY("main: %s", name);
}

/* ---- others ---- */

static atomic_int turn;
static pthread_spinlock_t spin;

static void *spins(void *arg)
{
    int i;

    for (i = 0; i < 100; i++) {
        while (atomic_load(&turn) % 2 != (int)(intptr_t)arg)
            sched_yield();
        atomic_fetch_add(&turn, 1);
        pthread_spin_lock(&spin);
        thrd_yield();
        pthread_spin_unlock(&spin);
    }
    return NULL;
}

static void yielding(void)
{
    pthread_t ids[2];
    intptr_t i;

    pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
    for (i = 0; i < 2; i++)
        start(&ids[i], spins, (void *)i);
    for (i = 0; i < 2; i++)
        join(ids[i]);
    SAY("%d turns", turn);
}

static void *forks(void *unused)
{
    pthread_t id;
    pid_t pid;
    int status;

    block(SIG_BLOCK, SIGUSR1);
    pid = fork();
    if (pid == 0) {
        SAY("child: mask %d, other: %s", blocks(SIGUSR1), "gone");
        start(&id, return_at_once, (void *)"a thread in the child");
        SAY("%s", join(id));
        return "the last thread of the child"; /* which ends it with status 0 */
    }
    waitpid(pid, &status, 0);
    SAY("status %d", status);
    return unused;
}

static void forking(void)
{
    pthread_t id, sleeper;

    start(&sleeper, wait_and_return, NULL);
    start(&id, forks, NULL);
    SAY("%s", join(id));
    sem_post(&go);
    SAY("%s", join(sleeper));
}

/* ---- many ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_key_t key;

static atomic_int cleaned, ended, destroyed;

static void destroy(void *value)
{
    atomic_fetch_add(&destroyed, (int)(intptr_t)value);
}

static void count_clean(void *unused)
{
    atomic_fetch_add(&cleaned, 1);
    (void)unused;
}

static void *of_the_storm(void *arg)
{
    unsigned seed = (unsigned)(intptr_t)arg;
    pthread_t child;
    int i, result = 0;

    pthread_cleanup_push(count_clean, NULL);
    pthread_setspecific(key, (void *)1);
    for (i = 0; i < 5; i++)
        switch (rand_r(&seed) % 6) {
        case 0:
            pause_ms(1);
            break;
        case 1:
            sched_yield();
            break;
        case 2:
            pthread_mutex_lock(&mutex);
            sched_yield();
            pthread_mutex_unlock(&mutex);
            break;
        case 3:
            if (pthread_create(&child, NULL, return_at_once, arg) == 0)
                pthread_detach(child);
            break;
        case 4:
            pthread_testcancel();
            break;
        default:
            if (rand_r(&seed) % 8 == 0)
                pthread_exit(arg);
        }
    atomic_fetch_add(&ended, 1);
    result = (int)(seed % 2);
    pthread_cleanup_pop(1);
    return result ? arg : NULL;
}

static void storm(void)
{
    enum { THREADS = 100, ROUNDS = 10 }; /* on a busy machine each sched_yield() with the lock held takes long */
    static pthread_t ids[THREADS];
    int i, round, joined = 0, created = 0;
    unsigned seed = 5;

    pthread_key_create(&key, destroy);
    for (round = 0; round < ROUNDS; round++) {
        for (i = 0; i < THREADS; i++)
            created += pthread_create(&ids[i], NULL, of_the_storm, (void *)(intptr_t)(round * THREADS + i + 1)) == 0;
        for (i = 0; i < THREADS; i++) {
            if (rand_r(&seed) % 3 == 0)
                pthread_cancel(ids[i]);
            if (rand_r(&seed) % 16 == 0)
                sched_yield();
        }
        for (i = 0; i < THREADS; i++)
            joined += pthread_join(ids[i], NULL) == 0;
    }
    /* A thread that was cancelled before it pushed its handler does not exist: there is no cancellation point
     * before. */
    SAY("%d created, %d joined, %d cleaned up, %d destroyed", created, joined, cleaned, destroyed);
}

/* ---- stdio ---- */

static FILE *shared;

static void *reads_line(void *line)
{
    return fgets(line, 64, shared);
}

/* The first waits in the midst of a line, with the stream locked. The second comes when the rest is there, and may not
 * take it away. */
static void shared_stream(void)
{
    enum { ROUNDS = 20 };
    char lines[2][64], text[64];
    pthread_t ids[2];
    int ends[2], i, length, left, whole = 0;

    if (pipe(ends) != 0)
        return;
    shared = fdopen(ends[0], "r");
    for (i = 0; i < ROUNDS; i++) {
        length = snprintf(text, sizeof text, "line %d of many\n", i);
        start(&ids[0], reads_line, lines[0]);
        write(ends[1], text, 5);
        do
            pause_ms(1);
        while (ioctl(ends[0], FIONREAD, &left) == 0 && left > 0); /* it has got that */
        write(ends[1], text + 5, (size_t)length - 5);
        start(&ids[1], reads_line, lines[1]);
        pause_ms(1);
        write(ends[1], "the next\n", 9);
        whole += strcmp(join(ids[0]), text) == 0 && strcmp(join(ids[1]), "the next\n") == 0;
    }
    SAY("%d of %d", whole, ROUNDS);
    close(ends[1]);
    fclose(shared);
}

/* Not to be compared: a plain program would wait for ever. */
static void *locks(void *unused)
{
    SAY("%s", error_name(pthread_mutex_lock(&mutex)));
    return unused;
}

static void deadlock(void)
{
    pthread_t id;

    pthread_mutex_lock(&mutex);
    start(&id, locks, NULL);
    SAY("%s", join(id));
}

/* How many OS threads there are. */
static void os_threads(void)
{
    pthread_t ids[20];
    char line[100];
    FILE *status;
    int i;

    for (i = 0; i < 20; i++)
        start(&ids[i], wait_and_return, NULL);
    pause_ms(1);
    status = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof line, status))
        if (strncmp(line, "Threads:", 8) == 0)
            SAY("%s", atoi(line + 8) < 8 ? "few" : "many"); /* the runtime may have helpers */
    fclose(status);
}

const struct scene scenes_of_rest[] = {
    {"attributes", attributes},
    {"shared_stream", shared_stream},
    {"yielding", yielding},
    {"forking", forking},
    {"storm", storm},
    {"deadlock", deadlock},
    {"os_threads", os_threads},
    {NULL, NULL},
};
