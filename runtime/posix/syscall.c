/* SPDX-License-Identifier: MIT */
/*
 * syscall(2): the system calls that wait, or close a descriptor, made by number. cede itself makes all of its own in
 * this way; those go on to the kernel. System calls that differ from libc's function of the same name are turned into
 * it here.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cede/file.h>
#include <cede/ipc.h>
#include <cede/process.h>

#include "mask.h"
#include "pending.h"
#include "sigmask.h"
#include "suspend.h"
#include "thread.h"

enum { ARGUMENTS = 6 };

/* An argument, as the type that the call expects. */
#define INT(i)       ((int)argument[i])
#define UNSIGNED(i)  ((unsigned)argument[i])
#define SIZE(i)      ((size_t)argument[i])
#define POINTER(i)   ((void *)argument[i])

/* pselect6(2) has seven arguments, of which two go by a pointer. */
struct signals {
    const sigset_t *mask;
    size_t size;
};

static long sleep_by_clock(const long *argument)
{
    int error = cede_clock_nanosleep((clockid_t)argument[0], INT(1), POINTER(2), POINTER(3));

    if (!error)
        return 0;
    errno = error;
    return -1;
}

static long lock_file(const long *argument)
{
    return cede_fcntl_lock(INT(0), INT(1), POINTER(2));
}

/* Those that only some CPUs have, because they can be made by the general forms. */
static long made_by_old_name(long number, const long *argument, bool *ours)
{
    (void)argument; /* newer CPUs have none of them */
    switch (number) {
#ifdef SYS_poll
    case SYS_poll:
        return cede_poll(POINTER(0), SIZE(1), INT(2));
#endif
#ifdef SYS_select
    case SYS_select:
        return cede_select(INT(0), POINTER(1), POINTER(2), POINTER(3), POINTER(4));
#endif
#ifdef SYS_epoll_wait
    case SYS_epoll_wait:
        return cede_epoll_wait(INT(0), POINTER(1), INT(2), INT(3));
#endif
#ifdef SYS_pause
    case SYS_pause:
        return cede__posix_suspend_pause();
#endif
#ifdef SYS_open
    case SYS_open:
        return cede_open(POINTER(0), INT(1), UNSIGNED(2));
#endif
#ifdef SYS_creat
    case SYS_creat:
        return cede_open(POINTER(0), O_CREAT | O_WRONLY | O_TRUNC, UNSIGNED(1));
#endif
    default:
        *ours = false;
        return -1;
    }
}

static long made_between_descriptors(long number, const long *argument, bool *ours)
{
    switch (number) {
    case SYS_sendfile:
        return cede_sendfile(INT(0), INT(1), POINTER(2), SIZE(3));
    case SYS_splice:
        return cede_splice(INT(0), POINTER(1), INT(2), POINTER(3), SIZE(4), UNSIGNED(5));
    case SYS_tee:
        return cede_tee(INT(0), INT(1), SIZE(2), UNSIGNED(3));
    case SYS_copy_file_range:
        return cede_copy_file_range(INT(0), POINTER(1), INT(2), POINTER(3), SIZE(4), UNSIGNED(5));
    case SYS_fsync:
        return cede_fsync(INT(0));
    case SYS_fdatasync:
        return cede_fdatasync(INT(0));
    case SYS_flock:
        return cede_flock(INT(0), INT(1));
    case SYS_openat:
        return cede_openat(INT(0), POINTER(1), INT(2), UNSIGNED(3));
    case SYS_msgsnd:
        return cede_msgsnd(INT(0), POINTER(1), SIZE(2), INT(3));
    case SYS_msgrcv:
        return cede_msgrcv(INT(0), POINTER(1), SIZE(2), argument[3], INT(4));
    case SYS_semtimedop:
        return cede_semtimedop(INT(0), POINTER(1), SIZE(2), POINTER(3));
    case SYS_mq_timedreceive:
        return cede_mq_timedreceive(INT(0), POINTER(1), SIZE(2), POINTER(3), POINTER(4));
    case SYS_mq_timedsend:
        return cede_mq_timedsend(INT(0), POINTER(1), SIZE(2), UNSIGNED(3), POINTER(4));
    default:
        return made_by_old_name(number, argument, ours);
    }
}

static long made_of_waiting(long number, const long *argument, bool *ours)
{
    const struct signals *signals;

    switch (number) {
    case SYS_ppoll:
        return cede__posix_suspend_ppoll(POINTER(0), SIZE(1), POINTER(2), POINTER(3));
    case SYS_pselect6:
        signals = POINTER(5);
        return cede__posix_suspend_pselect(INT(0), POINTER(1), POINTER(2), POINTER(3), POINTER(4),
                                           signals ? signals->mask : NULL);
    case SYS_epoll_pwait:
        return cede__posix_suspend_epoll_pwait(INT(0), POINTER(1), INT(2), INT(3), POINTER(4));
#ifdef SYS_epoll_pwait2
    case SYS_epoll_pwait2:
        return cede__posix_suspend_epoll_pwait2(INT(0), POINTER(1), INT(2), POINTER(3), POINTER(4));
#endif
    case SYS_nanosleep:
        return cede_nanosleep(POINTER(0), POINTER(1));
    case SYS_clock_nanosleep:
        return sleep_by_clock(argument);
    case SYS_wait4:
        return cede_wait4(INT(0), POINTER(1), INT(2), POINTER(3));
    case SYS_waitid:
        return cede_waitid((idtype_t)argument[0], (id_t)argument[1], POINTER(2), INT(3));
    case SYS_rt_sigtimedwait:
        return cede__posix_suspend_sigtimedwait(POINTER(0), POINTER(1), POINTER(2));
    case SYS_rt_sigsuspend:
        return cede__posix_suspend_sigsuspend(POINTER(0));
    default:
        return made_between_descriptors(number, argument, ours);
    }
}

/* The call as a wait of cede's; *ours is false if it has none. */
static long made(long number, const long *argument, bool *ours)
{
    *ours = true;
    switch (number) {
    case SYS_read:
        return cede_read(INT(0), POINTER(1), SIZE(2));
    case SYS_write:
        return cede_write(INT(0), POINTER(1), SIZE(2));
    case SYS_readv:
        return cede_readv(INT(0), POINTER(1), INT(2));
    case SYS_writev:
        return cede_writev(INT(0), POINTER(1), INT(2));
    case SYS_pread64:
        return cede_pread(INT(0), POINTER(1), SIZE(2), argument[3]);
    case SYS_pwrite64:
        return cede_pwrite(INT(0), POINTER(1), SIZE(2), argument[3]);
    case SYS_recvfrom:
        return cede_recvfrom(INT(0), POINTER(1), SIZE(2), INT(3), POINTER(4), POINTER(5));
    case SYS_recvmsg:
        return cede_recvmsg(INT(0), POINTER(1), INT(2));
    case SYS_recvmmsg:
        return cede_recvmmsg(INT(0), POINTER(1), UNSIGNED(2), INT(3), POINTER(4));
    case SYS_sendto:
        return cede_sendto(INT(0), POINTER(1), SIZE(2), INT(3), POINTER(4), (socklen_t)argument[5]);
    case SYS_sendmsg:
        return cede_sendmsg(INT(0), POINTER(1), INT(2));
    case SYS_sendmmsg:
        return cede_sendmmsg(INT(0), POINTER(1), UNSIGNED(2), INT(3));
    case SYS_accept:
        return cede_accept(INT(0), POINTER(1), POINTER(2));
    case SYS_accept4:
        return cede_accept4(INT(0), POINTER(1), POINTER(2), INT(3));
    case SYS_connect:
        return cede_connect(INT(0), POINTER(1), (socklen_t)argument[2]);
    case SYS_fcntl:
        *ours = INT(1) == F_SETLKW || INT(1) == F_OFD_SETLKW;
        return *ours ? lock_file(argument) : -1;
    default:
        return made_of_waiting(number, argument, ours);
    }
}

/* Those after which a number means something else, or nothing: never a wait, but the runtime has to hear of it, and its
 * own descriptors are out of reach. Also outside tasks. */
static long made_of_numbers(long number, const long *argument, bool *ours)
{
    *ours = true;
    switch (number) {
    case SYS_close:
        return cede_close(INT(0));
    case SYS_close_range:
        return cede_close_range(UNSIGNED(0), UNSIGNED(1), INT(2));
    case SYS_dup:
        return cede_dup(INT(0));
#ifdef SYS_dup2
    case SYS_dup2:
        return cede__posix_dup2(INT(0), INT(1));
#endif
    case SYS_dup3:
        return cede_dup3(INT(0), INT(1), INT(2));
    case SYS_fcntl:
        *ours = INT(1) == F_DUPFD || INT(1) == F_DUPFD_CLOEXEC || INT(1) == F_SETFL;
        return *ours ? cede_fcntl(INT(0), INT(1), INT(2)) : -1;
    default:
        *ours = false;
        return -1;
    }
}

/* What only programs have whose threads are tasks: all others would wait for threads that know nothing of the lot. */
static long made_among_threads(long (*plain)(long, ...), long number, const long *argument, bool *ours)
{
#ifdef CEDE__POSIX_THREADS
    *ours = cede__posix_threads && plain && cede_lot_able();
    if (*ours)
        switch (number) {
        case SYS_futex:
            return cede__posix_futex(plain, argument, ours);
        case SYS_prctl:
            return cede__posix_prctl(INT(0), argument[1], argument[2], argument[3], argument[4]);
        case SYS_tgkill:
            return cede__posix_tgkill(INT(0), INT(1), INT(2));
        case SYS_tkill:
            return cede__posix_tgkill(getpid(), INT(0), INT(1));
        case SYS_rt_sigprocmask:
            return cede__posix_sigprocmask(INT(0), POINTER(1), POINTER(2));
        case SYS_rt_sigpending:
            return cede__posix_sigpending(POINTER(0));
        default:
            *ours = false;
        }
#endif
    (void)plain, (void)number, (void)argument, (void)ours;
    return -1;
}

/* Not of variable arguments, which would all have to be stored first: every system call of cede's comes by here, and
 * goes on as it came. A caller cannot tell: under Linux each CPU passes whole numbers to both in the same places. As
 * libc's, it hands on more than it was given. */
typedef long syscall_fn(long number, long a, long b, long c, long d, long e, long f);
syscall_fn cede__posix_syscall;
CEDE__POSIX_EXPORT(syscall, syscall);

/* Of the program, or before anybody knows whose. */
static __attribute__((noinline)) long made_from(const void *return_address, long number, const long *argument)
{
    __typeof__(&syscall) plain = (__typeof__(plain))cede__posix_plain(&cede__posix_name_syscall);
    bool ours = false;
    long result = -1;

    if (cede__posix_cede_end && !cede__posix_in_cede(return_address)) {
        result = made_of_numbers(number, argument, &ours);
        if (!ours && cede__posix_in_task() && !cede__posix_in_libc(return_address)) {
            result = made_among_threads(plain, number, argument, &ours);
            if (!ours)
                result = made(number, argument, &ours);
        }
    }
    if (ours)
        return result;
    if (plain)
        return plain(number, argument[0], argument[1], argument[2], argument[3], argument[4], argument[5]);
    errno = ENOSYS;
    return -1;
}

long cede__posix_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    const void *return_address = __builtin_return_address(0);
    cede__posix_fn *plain = atomic_load_explicit(&cede__posix_name_syscall.plain, memory_order_relaxed);

    if (__builtin_expect(plain && cede__posix_in_cede(return_address), 1))
        return ((syscall_fn *)plain)(number, a, b, c, d, e, f);
    return made_from(return_address, number, (const long[ARGUMENTS]){a, b, c, d, e, f});
}
