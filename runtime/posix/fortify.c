/* SPDX-License-Identifier: MIT */
/*
 * What the compiler calls in place of read(2) and others under -D_FORTIFY_SOURCE, where it knows the size of the
 * buffer: the same call, after a check that the count fits. The names and the order of parameters are glibc's ABI.
 */
#include <stdlib.h>

#include "name.h"

/* glibc's, which says what happened, and aborts. */
extern void glibc_fail(void) __asm__("__chk_fail") __attribute__((noreturn, weak));

static void check(size_t wanted, size_t available)
{
    if (__builtin_expect(wanted <= available, 1))
        return;
    if (glibc_fail)
        glibc_fail();
    static const char message[] = "*** buffer overflow detected ***: terminated\n";
    (void)!cede_write(2, message, sizeof message - 1);
    abort();
}

ssize_t cede__posix_read_chk(int fd, void *buf, size_t count, size_t size);
CEDE__POSIX_EXPORT(__read_chk, read_chk);
ssize_t cede__posix_read_chk(int fd, void *buf, size_t count, size_t size)
{
    check(count, size);
    return cede__posix_read(fd, buf, count);
}

ssize_t cede__posix_pread_chk(int fd, void *buf, size_t count, off_t offset, size_t size);
CEDE__POSIX_EXPORT(__pread_chk, pread_chk);
CEDE__POSIX_EXPORT(__pread64_chk, pread_chk);
ssize_t cede__posix_pread_chk(int fd, void *buf, size_t count, off_t offset, size_t size)
{
    check(count, size);
    return cede__posix_pread(fd, buf, count, offset);
}

ssize_t cede__posix_recv_chk(int fd, void *buf, size_t len, size_t size, int flags);
CEDE__POSIX_EXPORT(__recv_chk, recv_chk);
ssize_t cede__posix_recv_chk(int fd, void *buf, size_t len, size_t size, int flags)
{
    check(len, size);
    return cede__posix_recv(fd, buf, len, flags);
}

ssize_t cede__posix_recvfrom_chk(int fd, void *buf, size_t len, size_t size, int flags, struct sockaddr *addr,
                                 socklen_t *addrlen);
CEDE__POSIX_EXPORT(__recvfrom_chk, recvfrom_chk);
ssize_t cede__posix_recvfrom_chk(int fd, void *buf, size_t len, size_t size, int flags, struct sockaddr *addr,
                                 socklen_t *addrlen)
{
    check(len, size);
    return cede__posix_recvfrom(fd, buf, len, flags, addr, addrlen);
}

int cede__posix_poll_chk(struct pollfd *fds, nfds_t nfds, int timeout_ms, size_t size);
CEDE__POSIX_EXPORT(__poll_chk, poll_chk);
int cede__posix_poll_chk(struct pollfd *fds, nfds_t nfds, int timeout_ms, size_t size)
{
    check(nfds, size / sizeof *fds);
    return cede__posix_poll(fds, nfds, timeout_ms);
}

int cede__posix_ppoll_chk(struct pollfd *fds, nfds_t nfds, const struct timespec *timeout, const sigset_t *sigmask,
                          size_t size);
CEDE__POSIX_EXPORT(__ppoll_chk, ppoll_chk);
int cede__posix_ppoll_chk(struct pollfd *fds, nfds_t nfds, const struct timespec *timeout, const sigset_t *sigmask,
                          size_t size)
{
    check(nfds, size / sizeof *fds);
    return cede__posix_ppoll(fds, nfds, timeout, sigmask);
}
