/* SPDX-License-Identifier: MIT */
/* Scenes: signal masks, in handlers and of what others inherit; see run_threads.h. */
#include "run_threads.h"

#include <setjmp.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <ucontext.h>

/* ---- handlers that change masks ---- */

static bool in_handler[3];

static void change_masks(int signo)
{
    in_handler[0] = blocks(signo);
    in_handler[1] = blocks(SIGUSR2);
    block(SIG_BLOCK, SIGTERM);
    block(SIG_BLOCK, SIGUSR2);
    in_handler[2] = blocks(SIGTERM);
    raise(signo); /* once more, when it is over */
    atomic_fetch_add(&handled, 1);
    if (handled > 1)
        sigaction(signo, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
}

static void change_context(int signo, siginfo_t *info, void *context)
{
    ucontext_t *interrupted = context;

    (void)signo, (void)info;
    sigaddset(&interrupted->uc_sigmask, SIGTERM);
}

static void *looks_at_masks(void *unused)
{
    SAY("of a thread that was made then: %d %d", blocks(SIGUSR2), blocks(SIGTERM));
    return unused;
}

static void handler_masks(void)
{
    struct sigaction action = {.sa_handler = change_masks}, more = {.sa_sigaction = change_context};
    pthread_t id;

    sigaddset(&action.sa_mask, SIGUSR2);
    sigaction(SIGUSR1, &action, NULL);
    handle(SIGUSR2, on_signal, 0);
    raise(SIGUSR1);
    SAY("handled: %d, in it: %d %d %d", handled, in_handler[0], in_handler[1], in_handler[2]);
    SAY("after: %d %d %d", blocks(SIGUSR1), blocks(SIGUSR2), blocks(SIGTERM));
    handled = 0;
    raise(SIGUSR2);
    kill(getpid(), SIGUSR2);
    SAY("handled: %d", handled);
    start(&id, looks_at_masks, NULL);
    join(id);
    more.sa_flags = SA_SIGINFO;
    sigaction(SIGUSR1, &more, NULL);
    raise(SIGUSR1);
    SAY("by the context: %d %d", blocks(SIGUSR1), blocks(SIGTERM));
    raise(SIGTERM); /* waits */
    start(&id, looks_at_masks, NULL);
    join(id);
}

/* ---- jumps that restore masks ---- */

static sigjmp_buf place;

static void jump(int signo)
{
    (void)signo;
    atomic_fetch_add(&handled, 1);
    siglongjmp(place, 1);
}

static void *jumps(void *unused)
{
    volatile int round;
    jmp_buf plain;

    block(SIG_BLOCK, SIGUSR2); /* main does not */
    for (round = 0; round < 3; round++)
        if (sigsetjmp(place, 1) == 0) {
            block(SIG_BLOCK, SIGTERM);
            raise(SIGUSR1);
        } else {
            SAY("jumped %d: %d %d %d", handled, blocks(SIGUSR1), blocks(SIGUSR2), blocks(SIGTERM));
        }
    if (sigsetjmp(place, 1) == 0) {
        block(SIG_UNBLOCK, SIGUSR2);
        block(SIG_BLOCK, SIGTERM);
        siglongjmp(place, 1);
    }
    SAY("without a handler: %d %d %d", blocks(SIGUSR1), blocks(SIGUSR2), blocks(SIGTERM));
    if (sigsetjmp(place, 0) == 0)
        raise(SIGUSR1);
    else
        SAY("without a mask: %d %d", blocks(SIGUSR1), blocks(SIGUSR2));
    block(SIG_UNBLOCK, SIGUSR1);
    if (setjmp(plain) == 0) {
        block(SIG_BLOCK, SIGTERM);
        longjmp(plain, 1);
    }
    SAY("plain: %d %d %d", blocks(SIGUSR1), blocks(SIGUSR2), blocks(SIGTERM));
    return unused;
}

static void jump_masks(void)
{
    pthread_t id;

    handle(SIGUSR1, jump, 0);
    handle(SIGUSR2, on_signal, 0);
    start(&id, jumps, NULL);
    join(id);
    SAY("main's: %d %d %d", blocks(SIGUSR1), blocks(SIGUSR2), blocks(SIGTERM));
    handled = 0;
    kill(getpid(), SIGUSR2);
    SAY("handled: %d", handled);
}

/* ---- what others inherit ---- */

static void say_masks(const char *of, FILE *from)
{
    char line[100];

    while (fgets(line, sizeof line, from))
        if (strncmp(line, "SigBlk:", 7) == 0)
            SAY("%s: %d %d", of, (int)(strtoull(line + 7, NULL, 16) >> (SIGUSR1 - 1) & 1),
                (int)(strtoull(line + 7, NULL, 16) >> (SIGUSR2 - 1) & 1));
}

static void spawn(const char *of, const posix_spawnattr_t *attr)
{
    char *const argv[] = {"cat", "/proc/self/status", NULL};
    posix_spawn_file_actions_t actions;
    int ends[2], status;
    pid_t pid;
    FILE *file;

    if (pipe(ends) != 0)
        return;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    SAY("%s", error_name(posix_spawnp(&pid, "cat", &actions, attr, argv, environ)));
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    file = fdopen(ends[0], "r");
    say_masks(of, file);
    fclose(file);
    waitpid(pid, &status, 0);
}

static void spawn_by(const char *of, bool borrows, bool unblocks)
{
    int ends[2], status;
    pid_t pid;
    FILE *file;

    if (pipe(ends) != 0)
        return;
    pid = borrows ? vfork() : fork();
    if (pid == 0) {
        dup2(ends[1], 1);
        if (unblocks)
            block(SIG_UNBLOCK, SIGUSR2);
        execlp("cat", "cat", "/proc/self/status", (char *)NULL);
        _exit(1);
    }
    close(ends[1]);
    file = fdopen(ends[0], "r");
    say_masks(of, file);
    fclose(file);
    waitpid(pid, &status, 0);
    SAY("status %d, own: %d %d", status, blocks(SIGUSR1), blocks(SIGUSR2));
}

static void *has_children(void *unused)
{
    posix_spawnattr_t attr;
    sigset_t set = set_of(SIGUSR1), pending;
    FILE *file;
    int status;
    pid_t pid;

    block(SIG_BLOCK, SIGUSR2);
    spawn("posix_spawn", NULL);
    posix_spawnattr_init(&attr);
    spawn("with attributes", &attr);
    posix_spawnattr_setsigmask(&attr, &set);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
    spawn("with a mask", &attr);
    posix_spawnattr_destroy(&attr);
    spawn_by("fork", false, false);
    spawn_by("vfork", true, false);
    spawn_by("vfork, changed", true, true);
    file = popen("cat /proc/self/status", "r");
    say_masks("popen", file);
    pclose(file);
    raise(SIGUSR2);
    pid = fork();
    if (pid == 0) {
        sigpending(&pending);
        SAY("pending in the child: %d", sigismember(&pending, SIGUSR2));
        block(SIG_UNBLOCK, SIGUSR2);
        SAY("handled in the child: %d", handled);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    sigpending(&pending);
    SAY("pending: %d", sigismember(&pending, SIGUSR2));
    block(SIG_UNBLOCK, SIGUSR2);
    SAY("handled: %d", handled);
    return unused;
}

static void inherited(void)
{
    pthread_t id;

    handle(SIGUSR2, on_signal, 0);
    start(&id, has_children, NULL);
    join(id);
    kill(getpid(), SIGUSR2);
    SAY("handled: %d", handled);
    SAY("exec: %s", execl("/nonexistent", "x", (char *)NULL) < 0 ? error_name(errno) : "0");
    SAY("own: %d %d", blocks(SIGUSR1), blocks(SIGUSR2));
}

static void *looks_at_all(void *unused)
{
    SAY("blocked: %d %d %d", blocks(SIGUSR1), blocks(SIGKILL), blocks(SIGSTOP));
    SAY("itself: %ld", syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1));
    SAY("blocked: %d", handled);
    block(SIG_UNBLOCK, SIGUSR1);
    SAY("not: %d", handled);
    return unused;
}

static void attribute_mask(void)
{
    pthread_attr_t attr;
    sigset_t all;
    pthread_t id;

    handle(SIGUSR1, on_signal, 0);
    sigfillset(&all);
    pthread_attr_init(&attr);
    pthread_attr_setsigmask_np(&attr, &all);
    pthread_create(&id, &attr, looks_at_all, NULL);
    join(id);
    pthread_attr_destroy(&attr);
}

/* ---- what is ignored ---- */

static bool is_pending(int signo)
{
    sigset_t set;

    sigpending(&set);
    return sigismember(&set, signo) == 1;
}

static void *has_pending(void *unused)
{
    block(SIG_BLOCK, SIGUSR1);
    block(SIG_BLOCK, SIGWINCH);
    block(SIG_BLOCK, SIGRTMIN);
    sem_post(&there);
    sem_wait(&go);
    SAY("pending: %d %d %d", is_pending(SIGUSR1), is_pending(SIGWINCH), is_pending(SIGRTMIN));
    handle(SIGUSR1, SIG_IGN, 0);
    SAY("pending: %d %d %d", is_pending(SIGUSR1), is_pending(SIGWINCH), is_pending(SIGRTMIN));
    handle(SIGWINCH, SIG_DFL, 0); /* which ignores it */
    handle(SIGRTMIN, SIG_DFL, 0); /* which does not */
    SAY("pending: %d %d %d", is_pending(SIGUSR1), is_pending(SIGWINCH), is_pending(SIGRTMIN));
    signal(SIGRTMIN, SIG_IGN);
    SAY("pending: %d %d %d", is_pending(SIGUSR1), is_pending(SIGWINCH), is_pending(SIGRTMIN));
    handle(SIGUSR1, on_signal, 0);
    handle(SIGWINCH, on_signal, 0);
    handle(SIGRTMIN, on_signal, 0);
    raise(SIGUSR1); /* the only one */
    block(SIG_UNBLOCK, SIGUSR1);
    block(SIG_UNBLOCK, SIGWINCH);
    block(SIG_UNBLOCK, SIGRTMIN);
    SAY("handled: %d", handled);
    return unused;
}

/* It is discarded for every thread, whoever ignores it. */
static void ignores(void)
{
    pthread_t id;
    int i;

    handle(SIGUSR1, on_signal, 0);
    handle(SIGWINCH, on_signal, 0);
    handle(SIGRTMIN, on_signal, 0);
    block(SIG_BLOCK, SIGUSR1);
    raise(SIGUSR1);
    start(&id, has_pending, NULL);
    sem_wait(&there);
    pthread_kill(id, SIGUSR1);
    pthread_kill(id, SIGWINCH);
    for (i = 0; i < 3; i++)
        pthread_sigqueue(id, SIGRTMIN, (union sigval){.sival_int = i});
    sem_post(&go);
    join(id);
    SAY("main, pending: %d", is_pending(SIGUSR1));
    block(SIG_UNBLOCK, SIGUSR1);
    SAY("handled: %d", handled);
}

const struct scene scenes_of_masks[] = {
    {"handler_masks", handler_masks},
    {"jump_masks", jump_masks},
    {"inherited", inherited},
    {"attribute_mask", attribute_mask},
    {"ignores", ignores},
    {NULL, NULL},
};
