/* SPDX-License-Identifier: MIT */
/* Scenes: attributes, signals, yielding, fork, many at once; see run_threads.h. */
#include "run_threads.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>

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

/* ---- signals ---- */

static atomic_int handled;

static void on_signal(int signo)
{
    (void)signo;
    atomic_fetch_add(&handled, 1);
}

static bool blocks(int signo)
{
    sigset_t set;

    pthread_sigmask(SIG_SETMASK, NULL, &set);
    return sigismember(&set, signo) == 1;
}

static void block(int how, int signo)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, signo);
    pthread_sigmask(how, &set, NULL);
}

static void *blocks_signal(void *unused)
{
    SAY("inherited: %d %d", blocks(SIGUSR1), blocks(SIGUSR2));
    block(SIG_BLOCK, SIGUSR2);
    block(SIG_UNBLOCK, SIGUSR1);
    SAY("changed: %d %d", blocks(SIGUSR1), blocks(SIGUSR2));
    sem_post(&there);
    sem_wait(&go);
    raise(SIGUSR2);
    SAY("raised while blocked: %d", handled);
    block(SIG_UNBLOCK, SIGUSR2);
    SAY("unblocked: %d", handled);
    return unused;
}

static void masks(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    pthread_t id;

    sigaction(SIGUSR2, &action, NULL);
    block(SIG_BLOCK, SIGUSR1);
    start(&id, blocks_signal, NULL);
    sem_wait(&there);
    SAY("main's: %d %d", blocks(SIGUSR1), blocks(SIGUSR2));
    kill(getpid(), SIGUSR2); /* main does not block it */
    while (!handled)
        sched_yield();
    handled = 0;
    sem_post(&go);
    join(id);
}

static void *waits_for_signal(void *unused)
{
    sigset_t set;
    int signo = 0;

    (void)unused;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigwait(&set, &signo);
    return signo == SIGTERM ? "SIGTERM" : "another";
}

static void signal_thread(void)
{
    pthread_t id;

    block(SIG_BLOCK, SIGTERM);
    start(&id, waits_for_signal, NULL);
    pause_ms(2);
    kill(getpid(), SIGTERM);
    SAY("process: %s", join(id));
    start(&id, waits_for_signal, NULL);
    pause_ms(2);
    SAY("kill: %s", error_name(pthread_kill(id, SIGTERM)));
    SAY("thread: %s", join(id));
    start(&id, wait_and_return, NULL);
    SAY("none: %s, wrong: %s", error_name(pthread_kill(id, 0)), error_name(pthread_kill(id, 999)));
    sem_post(&go);
    join(id);
}

static void *reads(void *fd)
{
    char byte;
    int error = read(*(int *)fd, &byte, 1) < 0 ? errno : 0;

    SAY("%s", error_name(error));
    return NULL;
}

static void killed_in_calls(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    pthread_t first, second;
    int fds[2];

    pipe(fds);
    sigaction(SIGUSR2, &action, NULL);
    start(&first, reads, &fds[0]);
    pause_ms(5);
    start(&second, reads, &fds[0]);
    pause_ms(5);
    do { /* it may not have come to its call yet */
        pthread_kill(second, SIGUSR2); /* not the one that has waited longer */
        pause_ms(5);
    } while (pthread_tryjoin_np(second, NULL) == EBUSY);
    SAY("handled: %d", handled > 0);
    SAY("first: %s", error_name(pthread_tryjoin_np(first, NULL)));
    write(fds[1], "x", 1);
    join(first);
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR2, &action, NULL);
    start(&first, reads, &fds[0]);
    pause_ms(5);
    pthread_kill(first, SIGUSR2);
    pause_ms(5);
    write(fds[1], "x", 1);
    join(first);
    SAY("handled: %d", handled > 1);
}

/* A handler may come while nothing runs, after a thread has ended. */
static int handler_pipe[2];

static void on_signal_write(int signo)
{
    (void)signo;
    write(handler_pipe[1], "x", 1);
}

static void handler_writes(void)
{
    char byte = 0;
    pthread_t id;

    pipe(handler_pipe);
    signal(SIGALRM, on_signal_write);
    start(&id, return_at_once, NULL);
    ualarm(20000, 0);
    while (read(handler_pipe[0], &byte, 1) < 0)
        ;
    SAY("%c", byte);
    join(id);
}

/* ---- others ---- */

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
    enum { THREADS = 200, ROUNDS = 10 };
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

enum { SHARED_LINES = 200 };
static FILE *shared;

/* The sum of the numbers in the lines that this thread gets whole. */
static void *reads_lines(void *sum)
{
    char line[64];
    int number, length;

    while (fgets(line, sizeof line, shared))
        if (sscanf(line, "line %d of many%n", &number, &length) == 1 && line[length] == '\n')
            atomic_fetch_add((atomic_int *)sum, number);
    return sum;
}

/* Each waits in the midst of a line, with the stream locked. */
static void shared_stream(void)
{
    static atomic_int sum;
    char line[64];
    pthread_t ids[3];
    int ends[2], i, length, at;

    if (pipe(ends) != 0)
        return;
    shared = fdopen(ends[0], "r");
    for (i = 0; i < 3; i++)
        pthread_create(&ids[i], NULL, reads_lines, &sum);
    for (i = 1; i <= SHARED_LINES; i++) {
        length = snprintf(line, sizeof line, "line %d of many\n", i);
        for (at = 0; at < length; at += 5) {
            if (write(ends[1], line + at, (size_t)(length - at < 5 ? length - at : 5)) < 0)
                return;
            if (i % 8 == 0)
                pause_ms(1);
        }
    }
    close(ends[1]);
    for (i = 0; i < 3; i++)
        pthread_join(ids[i], NULL);
    SAY("%d of %d", atomic_load(&sum), SHARED_LINES * (SHARED_LINES + 1) / 2);
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
    {"masks", masks},
    {"signal_thread", signal_thread},
    {"killed_in_calls", killed_in_calls},
    {"handler_writes", handler_writes},
    {"futexes", futexes},
    {"shared_stream", shared_stream},
    {"yielding", yielding},
    {"forking", forking},
    {"storm", storm},
    {"deadlock", deadlock},
    {"os_threads", os_threads},
    {NULL, NULL},
};
