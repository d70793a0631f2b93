/* SPDX-License-Identifier: MIT */
/* Under RAW: calls by syscall(2) instead of libc's function. Those of rows that are marked .raw. What
 * declares these functions comes first. */
#ifdef RAW
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define read(fd, buf, n)                         syscall(SYS_read, fd, buf, n)
#define write(fd, buf, n)                        syscall(SYS_write, fd, buf, n)
#define readv(fd, iov, n)                        syscall(SYS_readv, fd, iov, n)
#define writev(fd, iov, n)                       syscall(SYS_writev, fd, iov, n)
#define pread(fd, buf, n, offset)                syscall(SYS_pread64, fd, buf, n, offset)
#define pwrite(fd, buf, n, offset)               syscall(SYS_pwrite64, fd, buf, n, offset)
#define fsync(fd)                                syscall(SYS_fsync, fd)
#define fdatasync(fd)                            syscall(SYS_fdatasync, fd)
#define copy_file_range(in, at, out, to, n, flags) syscall(SYS_copy_file_range, in, at, out, to, n, flags)
#define recvfrom(fd, buf, n, flags, addr, len)   syscall(SYS_recvfrom, fd, buf, n, flags, addr, len)
#define recvmsg(fd, msg, flags)                  syscall(SYS_recvmsg, fd, msg, flags)
#define recvmmsg(fd, msgs, n, flags, timeout)    syscall(SYS_recvmmsg, fd, msgs, n, flags, timeout)
#define sendto(fd, buf, n, flags, addr, len)     syscall(SYS_sendto, fd, buf, n, flags, addr, len)
#define sendmsg(fd, msg, flags)                  syscall(SYS_sendmsg, fd, msg, flags)
#define sendmmsg(fd, msgs, n, flags)             syscall(SYS_sendmmsg, fd, msgs, n, flags)
#define accept(fd, addr, len)                    syscall(SYS_accept, fd, addr, len)
#define accept4(fd, addr, len, flags)            syscall(SYS_accept4, fd, addr, len, flags)
#define connect(fd, addr, len)                   (int)syscall(SYS_connect, fd, addr, len)
#define ppoll(fds, n, timeout, mask)             syscall(SYS_ppoll, fds, n, timeout, mask, 8)
#define epoll_pwait(fd, events, n, timeout, mask) syscall(SYS_epoll_pwait, fd, events, n, timeout, mask, 8)
#define nanosleep(duration, left)                (int)syscall(SYS_nanosleep, duration, left)
#define clock_nanosleep(clock, flags, time, left) syscall(SYS_clock_nanosleep, clock, flags, time, left)
#define wait4(pid, status, options, usage)       syscall(SYS_wait4, pid, status, options, usage)
#define openat(directory, path, flags)           syscall(SYS_openat, directory, path, flags, 0)
#define flock(fd, operation)                     (int)syscall(SYS_flock, fd, operation)
#define fcntl(fd, ...)                           syscall(SYS_fcntl, fd, __VA_ARGS__)
#define sendfile(out, in, offset, n)             syscall(SYS_sendfile, out, in, offset, n)
#define splice(in, at, out, to, n, flags)        syscall(SYS_splice, in, at, out, to, n, flags)
#define tee(in, out, n, flags)                   syscall(SYS_tee, in, out, n, flags)
#endif
