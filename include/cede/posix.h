/* SPDX-License-Identifier: MIT */
/*
 * libcede-posix: libc's blocking calls as waits of tasks, under libc's own names.
 *
 * A program that is linked with it, or runs with it preloaded, needs no change: where it, or a library that it uses,
 * calls read(2), poll(2), connect(2), sleep(3) ... in a task, the task parks (see cede/io.h for what that means).
 * Outside tasks, in threads that run no runtime and before the first cede_run() each call is libc's own.
 *
 * Calls that do not wait are among the names too, so that the runtime hears of what they do: those that hand out or
 * close a descriptor (open, eventfd, close, fclose, syscall(SYS_close) ...), and fcntl, ioctl and setsockopt:
 * O_NONBLOCK, FIONBIO, SO_RCVTIMEO and SO_SNDTIMEO take effect with the next call, as always. A change made in another
 * thread than the runtime's, or in another process that shares the descriptor, may go unnoticed.
 *
 *     cc program.c -Wl,--no-as-needed -lcede-posix -lcede -lcurl      before the libraries that shall use it, and libc
 *     LD_PRELOAD=libcede-posix.so ./program
 *     cede run ./program                                             the same, and its main is a task: `cede help run`
 *     cede run --threads ./program                                   its threads are as well: tools/cede/README.md
 *
 * Locks: a task that would have to wait for a pthread mutex, read-write lock, semaphore, condition, barrier,
 * pthread_once or pthread_join, or for C11's mtx, cnd, call_once and thrd_join, parks, whoever holds what it waits for:
 * another task, a plain thread, another process. Recursive and error-checking mutexes belong to the task that locked
 * them: two tasks of one thread exclude each other, EDEADLK and EPERM mean this very task. (Not so for robust ones,
 * which the kernel knows by thread. Process-shared objects are looked at again every few milliseconds.) What ends a
 * wait:
 *
 *     pthread_mutex_lock, pthread_rwlock_rdlock and wrlock, pthread_barrier_wait, pthread_once, pthread_join, and
 *     C11's:
 *         nothing but what was waited for. Callers do not expect these to fail, and would go on without the lock
 *     the same with a time limit (_timedlock, _clocklock, _timedjoin_np ...): also cancellation, and the deadline of a
 *         cede_timeout scope; both as ETIMEDOUT
 *     sem_wait, sem_timedwait, sem_clockwait: also these, -1 with errno ECANCELED or ETIMEDOUT
 *     pthread_cond_wait: also these, with the error number ECANCELED or ETIMEDOUT and the mutex locked (timed:
 *     ETIMEDOUT;
 *         C11: thrd_error). Told once for each condition: code that ignores it and waits again there does wait, instead
 *         of spinning
 *     all: EDEADLK, if nothing could ever end the wait, which is then reported as every deadlock
 *
 * pthread_cond_destroy, pthread_rwlock_destroy, pthread_barrier_destroy and sem_destroy fail with EBUSY while tasks
 * wait. A signal may wake one plain thread and one task: waits may return for no reason, as POSIX says. sem_post stays
 * fit for signal handlers. libc's own calls of these, inside itself, stay libc's (but in a static program). A
 * function-local static of C++ whose initialiser parks is not covered. ThreadSanitizer brings its own pthread_once,
 * which blocks the thread.
 *
 * The program must use the shared libcede: a static one inside the program is a second runtime, of which
 * libcede-posix knows nothing.
 *
 * A statically linked program takes libcede-posix.a, as a whole, with libcede.a; what differs then stands in
 * runtime/posix/README.md:
 *
 *     cc -static program.c -Wl,--whole-archive -lcede-posix -Wl,--no-whole-archive -lcede
 *
 * Names reach what the program and its libraries call, but neither what libc calls inside itself (fgets its read, popen
 * its wait) nor libraries loaded with RTLD_DEEPBIND. So at its start libcede-posix also changes the entries of glibc's
 * own functions, in memory, so that they lead to it. It does so only where it can do it safely, all at once or not at
 * all, and says when asked (cede_posix_symbols_only()). In the environment
 *     CEDE_POSIX=symbols  leaves libc as it is: by names alone
 *     CEDE_POSIX=patch    is the default
 * (other values mean nothing, and the first cede_run() says so on standard error).
 * Not patched are: other libcs than glibc; processes that have other threads already when the library is loaded;
 * programs under AddressSanitizer, ThreadSanitizer or Valgrind; and where the system forbids code to be changed.
 * What each call does, and in which form it is reached, is the table that `cede calls` prints; why it is done in this
 * way stands in runtime/posix/README.md.
 *
 * At its start libcede-posix verifies that calls reach it, and says on standard error if they do not;
 * CEDE_POSIX_CHECK=off in the environment keeps it quiet.
 */
#ifndef CEDE_POSIX_H
#define CEDE_POSIX_H

#include <stddef.h>

#include <cede/base.h>

CEDE_BEGIN_DECLS

/*
 * Whether this process's calls reach libcede-posix. A program that cannot do without should ask before it begins.
 *
 * Returns 0, or -1 with errno ENOSYS: some name leads elsewhere; cede_posix_problem() tells which, and what to do.
 * (Without the library the program does not link, which is an answer too.)
 * Does not park. Any thread. About a microsecond for each name.
 */
CEDE_API int cede_posix_check(void);

/*
 * One line about what cede_posix_check() found at start: the first name that leads elsewhere, where to, and how to mend
 * it. NULL if all is well. Valid for ever. Does not park. Any thread.
 */
CEDE_API const char *cede_posix_problem(void);

/*
 * The names that libcede-posix defines, in no particular order: index from 0; NULL after the last. Valid for ever. Does
 * not park. Any thread.
 */
CEDE_API const char *cede_posix_name(size_t index);

/*
 * Why calls reach libcede-posix by their names alone, in words; NULL if the entries of libc's functions lead to it as
 * well. Valid for ever. Does not park. Any thread.
 */
CEDE_API const char *cede_posix_symbols_only(void);

/*
 * Why the entry of libc's function of the name cede_posix_name(index) does not lead here, in words; NULL if it does.
 * Valid for ever. Does not park. Any thread.
 */
CEDE_API const char *cede_posix_unpatched(size_t index);

CEDE_END_DECLS

#endif
