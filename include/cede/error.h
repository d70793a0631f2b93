/* SPDX-License-Identifier: MIT */
/*
 * Failures with a message: errno tells a program what went wrong, a message tells people.
 *
 *     static int fetch(struct fetch *a)
 *     {
 *         ...
 *         return cede_fail(EPROTO, "%s: no greeting", a->host);
 *     }
 *     ...
 *     if (cede_await(cede_go(fetch, .host = "example.org")) < 0)
 *         fprintf(stderr, "%s\n", cede_error());
 *
 * A message goes with its errno, and takes the same way: from cede_fail() to whoever joins or awaits the task, or waits
 * for its group; from there, if that one fails with this errno as well, to the next; out of the first task to the
 * caller of cede_run(); and from a function on a helper thread to the task that waits in cede_offload(). Dumps show it
 * for tasks that have ended and were not joined.
 *
 * Each task, and each plain OS thread, has one message at a time: that of its own last cede_fail(), or of the last
 * failed task that it heard of, whichever came later. A task that fails without a message takes away the one that its
 * joiner had. It counts only while errno is what it came with; so who has dealt with a failure, and might meet the same
 * errno from a call that knows no messages, should forget it: cede_fail(errno, "%s", "").
 *
 * Models: exceptions and their text; Go's error values, where "%w" is cede_fail(errno, "...: %s", cede_error()).
 */
#ifndef CEDE_ERROR_H
#define CEDE_ERROR_H

#include <stdarg.h>

#include <cede/base.h>

CEDE_BEGIN_DECLS

/* Room for a message: what is longer is cut, and ends with "...". */
#define CEDE_ERROR_BYTES 200

/*
 * Fails: sets errno to error, keeps the message, and returns -1, always. An empty message is none, and only takes the
 * former one away. The arguments may include cede_error(). Where there is no memory to keep the message there is none:
 * errno counts all the same. If error is not positive, errno is EINVAL.
 * cede_vfail() is the same with a va_list.
 *
 * Does not park. Threads: any; not in a signal handler. Costs an allocation of some 200 bytes, mostly from a free list.
 * Models: raise; err(3), which would end the process.
 */
CEDE_API int cede_fail(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));
CEDE_API int cede_vfail(int error, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

/*
 * The message that belongs to errno: the caller's, if it came with the present errno; else what strerror(3) says.
 * Never NULL. It stays until the caller's next cede_fail(), or until it next hears of a failed task. errno is kept.
 *
 * Does not park. Threads: any. Models: str(exception), strerror(3), dlerror(3).
 */
CEDE_API const char *cede_error(void);

CEDE_END_DECLS

#endif
