/* SPDX-License-Identifier: MIT */
/* Waiting for children under libc's names. libc's own callers of wait4 are pclose(3), and waitpid(2) and wait(2) where
 * these were not caught by their names. */
#include <cede/process.h>
#include <sys/resource.h>

#include "name.h"

CEDE__POSIX_FORWARD_ANYWHERE(pid_t, wait4, (pid_t pid, int *status, int options, struct rusage *usage),
                             (pid, status, options, usage));
CEDE__POSIX_FORWARD_ANYWHERE(pid_t, waitpid, (pid_t pid, int *status, int options), (pid, status, options));
CEDE__POSIX_EXPORT(__waitpid, waitpid);
CEDE__POSIX_FORWARD(int, waitid, (idtype_t type, id_t id, siginfo_t *info, int options), (type, id, info, options));
CEDE__POSIX_FORWARD(int, system, (const char *command), (command));

pid_t cede__posix_wait(int *status);
CEDE__POSIX_EXPORT(wait, wait);
CEDE__POSIX_EXPORT(__wait, wait);
pid_t cede__posix_wait(int *status)
{
    return cede__posix_wait4(-1, status, 0, NULL);
}

pid_t cede__posix_wait3(int *status, int options, struct rusage *usage);
CEDE__POSIX_EXPORT(wait3, wait3);
pid_t cede__posix_wait3(int *status, int options, struct rusage *usage)
{
    return cede__posix_wait4(-1, status, options, usage);
}
