/* SPDX-License-Identifier: MIT */
/*
 * Message queues and semaphores between processes: the calls of System V and POSIX that wait, parking the task.
 *
 * Each has the signature, the return value and the errno of the call without the prefix; mqd_t is an int in Linux. In a
 * task a wait can end early with ECANCELED or ETIMEDOUT (cede_timeout); nothing has been sent, taken or changed then.
 * Outside a task each is the plain blocking call. Any thread.
 *
 * A queue of POSIX is watched by the poller. System V tells nobody when something happens: the task tries again after 1
 * ms, then less often, down to every 16 ms, and those who wait need not be served in the order in which they came.
 */
#ifndef CEDE_IPC_H
#define CEDE_IPC_H

#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include <cede/base.h>

struct sembuf;

CEDE_BEGIN_DECLS

/*
 * msgsnd(2), msgrcv(2), semtimedop(2) (semop is the same with a timeout of NULL).
 *
 * Return what these return; -1 with errno
 *   ECANCELED, ETIMEDOUT  as every wait
 *   EAGAIN  cede_msgsnd(): the queue is full, and flags has IPC_NOWAIT
 *   EAGAIN  cede_semtimedop(): it would have to wait, and an operation has IPC_NOWAIT or the timeout has passed
 *   ENOMSG  cede_msgrcv(): there is no such message, and flags has IPC_NOWAIT
 *   E2BIG   cede_msgrcv(): the message is longer than size, and flags has not MSG_NOERROR
 *   E2BIG   cede_semtimedop(): more operations than the system takes in one call
 *   EINVAL  there is no such queue or set; size, type, or the timeout makes no sense
 *   EFAULT  message or operations is NULL
 *   EFBIG   cede_semtimedop(): an operation is on a semaphore that the set has not got
 *   ERANGE  cede_semtimedop(): a value would become greater than the system allows
 *   EIDRM   it was removed meanwhile
 *   EACCES  it is somebody else's
 *   ENOMEM  cede_semtimedop(): no memory
 */
CEDE_API int cede_msgsnd(int queue, const void *message, size_t size, int flags);
CEDE_API ssize_t cede_msgrcv(int queue, void *message, size_t size, long type, int flags);
CEDE_API int cede_semtimedop(int set, struct sembuf *operations, size_t count, const struct timespec *timeout);

/*
 * mq_receive(3), mq_timedreceive(3), mq_send(3), mq_timedsend(3).
 *
 * Return what these return; -1 with errno
 *   ECANCELED  the task was cancelled
 *   ETIMEDOUT  a cede_timeout scope ended, or the time `until` (of CLOCK_REALTIME) has come
 *   EAGAIN     the queue is empty, or full, and has O_NONBLOCK
 *   EBADF      it is no queue, or not open for that, or was closed with cede_close() meanwhile
 *   EMSGSIZE   size is less than the queue's largest message; more, to send
 *   EINVAL     cede_mq_timedreceive() and cede_mq_timedsend(): it would have to wait, and `until` is no time
 */
CEDE_API ssize_t cede_mq_receive(int queue, char *message, size_t size, unsigned *priority);
CEDE_API ssize_t cede_mq_timedreceive(int queue, char *message, size_t size, unsigned *priority,
                                      const struct timespec *until);
CEDE_API int cede_mq_send(int queue, const char *message, size_t size, unsigned priority);
CEDE_API int cede_mq_timedsend(int queue, const char *message, size_t size, unsigned priority,
                               const struct timespec *until);

CEDE_END_DECLS

#endif
