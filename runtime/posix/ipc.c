/* SPDX-License-Identifier: MIT */
/* Message queues and semaphores between processes under libc's names. */
#include <cede/ipc.h>

#include "name.h"

CEDE__POSIX_FORWARD(int, msgsnd, (int queue, const void *message, size_t size, int flags),
                    (queue, message, size, flags));
CEDE__POSIX_FORWARD(ssize_t, msgrcv, (int queue, void *message, size_t size, long type, int flags),
                    (queue, message, size, type, flags));

CEDE__POSIX_FORWARD(int, semtimedop,
                    (int set, struct sembuf *operations, size_t count, const struct timespec *timeout),
                    (set, operations, count, timeout));

int cede__posix_semop(int set, struct sembuf *operations, size_t count);
CEDE__POSIX_EXPORT(semop, semop);
int cede__posix_semop(int set, struct sembuf *operations, size_t count)
{
    return cede__posix_semtimedop(set, operations, count, NULL);
}

CEDE__POSIX_FORWARD(ssize_t, mq_receive, (int queue, char *message, size_t size, unsigned *priority),
                    (queue, message, size, priority));
CEDE__POSIX_FORWARD(ssize_t, mq_timedreceive,
                    (int queue, char *message, size_t size, unsigned *priority, const struct timespec *until),
                    (queue, message, size, priority, until));
CEDE__POSIX_FORWARD(int, mq_send, (int queue, const char *message, size_t size, unsigned priority),
                    (queue, message, size, priority));
CEDE__POSIX_FORWARD(int, mq_timedsend,
                    (int queue, const char *message, size_t size, unsigned priority, const struct timespec *until),
                    (queue, message, size, priority, until));
