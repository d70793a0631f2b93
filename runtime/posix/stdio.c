/* SPDX-License-Identifier: MIT */
/*
 * stdio's reads and writes. They are made inside libc, and so come here only where libc's entries are patched.
 *
 * stdio locks a stream for its thread, and lets that thread lock it again. Two tasks are one thread to it: while one is
 * parked in a read, the other would walk into the same buffer. So for as long as a task may be parked in here, the
 * stream's lock belongs to nobody that libc knows. Who comes meanwhile, task or thread, finds it taken and goes to wait
 * in libc's __lll_lock_wait_private(), whose entry is patched as well: there a task parks until the first one is done.
 *
 * Threads that run no tasks keep the lock as they have it, but are noted too: a task that waits for one of them parks
 * as well, for it may be a task of the same worker that the thread waits for at the other end of a pipe.
 *
 * A task that has been cancelled, or whose deadline has passed, waits for the lock all the same: locking a stream
 * cannot fail. It ends with the other's read or write.
 */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cede/scope.h>
#include <cede/time.h>

#include "name.h"
#include "patch.h"
#include "thread.h"

/* glibc's _IO_lock_t, which its header hides. cede__posix_stdio_start() makes sure. */
struct stream_lock {
    _Atomic int word; /* 0: free, 1: taken, 2: taken, and somebody waits */
    int depth;        /* of locking: counted from 1, or in newer versions from 0 */
    void *owner;      /* the thread, as pthread_self() */
};

enum {
    BY_CALLER = 0x8000, /* glibc's _IO_USER_LOCK in FILE._flags: the user has promised to lock */
    /* _IO_FLAGS2_NEED_LOCK in FILE._flags2: getc() and the like lock too. Without it they do so only in a process that
     * has had a second thread. */
    ALWAYS_LOCK = 0x80,
    RETRY_NS = 1000000,
};

/* A task that waits for a stream. On its stack. */
struct waiting {
    struct waiting *next;
    struct cede_task *task;
    _Atomic int woken;
};

/* A task or a thread that is in the system call of a stream. On its stack. */
struct inside {
    struct inside *next;
    struct stream_lock *lock; /* NULL: there is none to care for */
    struct waiting *waiters;
    bool taken_here;
};

static struct inside *all; /* of the process; guarded by `busy`, which is never held for more than a few steps */
static atomic_flag busy = ATOMIC_FLAG_INIT;

static bool known; /* stdio's locks are as they should be; written by the constructor */
_Thread_local bool cede__posix_stdio_calls;

/* Whom libc takes for the owner of what it locks now. */
static void *libc_self(void)
{
#ifdef CEDE__POSIX_THREADS
    return (void *)cede__posix_thread_of_libc();
#else
    return (void *)pthread_self();
#endif
}

static void enter(void)
{
    while (atomic_flag_test_and_set_explicit(&busy, memory_order_acquire))
        sched_yield();
}

static void leave(void)
{
    atomic_flag_clear_explicit(&busy, memory_order_release);
}

/* ---- whether glibc is as expected ---- */

void cede__posix_stdio_start(void)
{
    struct stream_lock *lock = (struct stream_lock *)stderr->_lock;

    if (!lock || cede__posix_patch_refusal())
        return;
    flockfile(stderr);
    flockfile(stderr);
    known = lock->word == 1 && (lock->depth == 2 || lock->depth == 1) && lock->owner == libc_self();
    funlockfile(stderr);
    funlockfile(stderr);
    known &= lock->word == 0 && lock->depth == 0 && lock->owner == NULL;
}

/* ---- one task at a time ---- */

/* The stream's lock passes from the thread to this call. A stream that nobody has locked (getc() before ALWAYS_LOCK was
 * set, getc_unlocked()) is locked for as long as the call lasts. */
static void begin(struct inside *inside, FILE *stream, bool in_task)
{
    struct stream_lock *lock = (struct stream_lock *)stream->_lock;
    int free = 0;

    *inside = (struct inside){0};
    if (!lock || stream->_flags & BY_CALLER)
        return;
    if (in_task)
        stream->_flags2 |= ALWAYS_LOCK;
    if (in_task && lock->owner != libc_self()) {
        if (!atomic_compare_exchange_strong(&lock->word, &free, 1))
            return; /* getc_unlocked() beside somebody who locks: they know what they do */
        inside->taken_here = true;
    }
    if (in_task)
        lock->owner = inside;
    inside->lock = lock;
    enter();
    inside->next = all;
    all = inside;
    leave();
}

static void wake_all(struct waiting *waiting)
{
    struct waiting *next;
    struct cede_task *task;

    for (; waiting; waiting = next) {
        next = waiting->next;
        task = waiting->task;
        atomic_store(&waiting->woken, 1); /* it may be gone from here on */
        cede_wake(task);
    }
}

/* Also when the thread is cancelled meanwhile: hence the type of the argument. */
static void end(void *arg)
{
    struct inside *inside = arg, **link;

    if (!inside->lock)
        return;
    enter();
    for (link = &all; *link != inside; link = &(*link)->next)
        ;
    *link = inside->next;
    leave();
    if (inside->lock->owner == inside)
        inside->lock->owner = inside->taken_here ? NULL : libc_self();
    if (inside->taken_here && atomic_exchange(&inside->lock->word, 0) == 2)
        syscall(SYS_futex, &inside->lock->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    wake_all(inside->waiters);
}

/* Whether a task may park in a call of this stream. Not for regular files: programs write to their logs with locks of
 * their own held, and a disk is quick. */
static bool may_park(const FILE *stream)
{
    struct stat status;
    int saved = errno;
    bool file = cede__posix_in_task() && (fstat(stream->_fileno, &status) != 0 || S_ISREG(status.st_mode));

    errno = saved;
    return !file;
}

/* ---- glibc's functions ---- */

/* One read or write of a stream, by glibc's own function. */
#define TRANSFER(function, buffer)                                                                              \
    ssize_t cede__posix_##function(FILE *stream, buffer buf, ssize_t size);                                     \
    CEDE__POSIX_INSIDE(function, function);                                                                     \
    ssize_t cede__posix_##function(FILE *stream, buffer buf, ssize_t size)                                      \
    {                                                                                                           \
        __typeof__(&cede__posix_##function) plain =                                                             \
            (__typeof__(plain))cede__posix_plain(&cede__posix_name_##function);                                 \
        struct inside inside;                                                                                   \
        ssize_t result;                                                                                         \
                                                                                                                \
        if (!known || !may_park(stream))                                                                        \
            return plain(stream, buf, size);                                                                    \
        begin(&inside, stream, cede__posix_in_task());                                                          \
        pthread_cleanup_push(end, &inside);                                                                     \
        cede__posix_stdio_calls = cede__posix_in_task();                                                        \
        result = plain(stream, buf, size);                                                                      \
        cede__posix_stdio_calls = false;                                                                        \
        pthread_cleanup_pop(1);                                                                                 \
        CEDE__POSIX_LEAVE();                                                                                    \
        return result;                                                                                          \
    }                                                                                                           \
    _Static_assert(1, "a semicolon follows")

TRANSFER(_IO_file_read, void *);
TRANSFER(_IO_file_write, const void *);

/* Has the caller woken when who is inside the stream of this lock is done; false: nobody is. */
static bool ask_to_be_woken(struct waiting *waiting, const _Atomic int *word)
{
    struct inside *inside;

    *waiting = (struct waiting){.task = cede_self()};
    enter();
    for (inside = all; inside && &inside->lock->word != word; inside = inside->next)
        ;
    if (inside) {
        waiting->next = inside->waiters;
        inside->waiters = waiting;
    }
    leave();
    return inside != NULL;
}

/* As libc does, but not for ever. */
static void wait_for_word(_Atomic int *word)
{
    const struct timespec limit = {.tv_nsec = RETRY_NS};

    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 2, &limit, NULL, 0);
}

/* libc takes a lock of its own that is taken already; it is to return when it has it, with the word at 2. Locks other
 * than those of streams that somebody is in are held for moments, by other threads: for them the thread waits. But who
 * holds a stream may go in meanwhile, and stay there. */
void cede__posix___lll_lock_wait_private(_Atomic int *word);
CEDE__POSIX_INSIDE(__lll_lock_wait_private, __lll_lock_wait_private);
void cede__posix___lll_lock_wait_private(_Atomic int *word)
{
    __typeof__(&cede__posix___lll_lock_wait_private) plain =
        (__typeof__(plain))cede__posix_plain(&cede__posix_name___lll_lock_wait_private);
    bool occupied = true, taken = false;
    struct waiting waiting;
    int saved = errno;

    if (!known || !cede__posix_in_task()) {
        plain(word);
        return;
    }
    while (!ask_to_be_woken(&waiting, word)) {
        if (atomic_exchange(word, 2) == 0) {
            errno = saved;
            return;
        }
        wait_for_word(word);
    }
    cede_shield
        for (;;) {
            taken = atomic_exchange(word, 2) == 0;
            while (occupied && !atomic_load(&waiting.woken))
                cede_park();
            if (taken)
                break;
            /* Between two system calls of one operation it is locked, but nobody will wake us. */
            if (!occupied)
                cede_sleep(RETRY_NS);
            occupied = ask_to_be_woken(&waiting, word);
        }
    errno = saved;
}
