/* SPDX-License-Identifier: MIT */
/*
 * The runtime's system calls, all of which it makes through syscall(2), for a suite that is linked with --wrap=syscall
 * (CMakeLists.txt) and says what is to become of them:
 *
 *     static const struct syscall_hooks syscall_hooks = {.before = refuse};
 */
#ifndef CEDE_TESTS_SYSCALLS_H
#define CEDE_TESTS_SYSCALLS_H

#include <errno.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

struct syscall_hooks {
    int (*before)(long number); /* returns the errno with which the call is refused, or 0; NULL: all are made */
    void (*after)(long number, long result); /* of a call that was made; NULL: nobody wants to hear of it */
};

static const struct syscall_hooks syscall_hooks;

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

long __wrap_syscall(long number, ...)
{
    long arguments[6], result;
    int saved = errno, error;
    va_list list;

    va_start(list, number);
    for (int i = 0; i < 6; i++)
        arguments[i] = va_arg(list, long);
    va_end(list);
    error = syscall_hooks.before ? syscall_hooks.before(number) : 0;
    errno = error ? error : saved;
    if (error)
        return -1;
    result = __real_syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
    if (syscall_hooks.after)
        syscall_hooks.after(number, result);
    return result;
}

#endif
