/* SPDX-License-Identifier: MIT */
/* runtime/ipc.c; and recvmmsg, sendmmsg of runtime/mmsg.c. */
#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ends_early.h"
#include "fault.h"

static int id;

static struct message {
    long type;
    char text[8];
} message = {1, "1234567"};

static int by_msgrcv(void *unused)
{
    (void)unused;
    return (int)cede_msgrcv(id, &message, 8, 0, 0);
}

static int by_msgsnd(void *unused)
{
    (void)unused;
    return cede_msgsnd(id, &message, 8, 0);
}

static int remove_queue(void *unused)
{
    (void)unused;
    return msgctl(id, IPC_RMID, NULL);
}

TASK_TEST(messages_of_system_v)
{
    struct msqid_ds limits;

    id = msgget(IPC_PRIVATE, 0600);
    if (id < 0 && errno == ENOSYS)
        return;
    ck_assert_int_ge(id, 0);
    ck_assert_int_eq(msgctl(id, IPC_STAT, &limits), 0);
    limits.msg_qbytes = 8;
    ck_assert_int_eq(msgctl(id, IPC_SET, &limits), 0);
    ck_assert_fails(cede_msgrcv(id, &message, 8, 0, IPC_NOWAIT), ENOMSG);
    assert_ends_early(by_msgrcv, NULL);
    ck_assert_int_eq(beside(by_msgrcv, NULL, by_msgsnd, NULL), 8);
    ck_assert_int_eq(by_msgsnd(NULL), 0);
    ck_assert_fails(cede_msgsnd(id, &message, 8, IPC_NOWAIT), EAGAIN);
    assert_ends_early(by_msgsnd, NULL);
    ck_assert_int_eq(beside(by_msgsnd, NULL, by_msgrcv, NULL), 0);
    ck_assert_fails(cede_msgrcv(id, &message, 4, 0, 0), E2BIG);
    ck_assert_fails(cede_msgsnd(id, NULL, 8, IPC_NOWAIT), EFAULT);
    ck_assert_fails(cede_msgrcv(id, NULL, 8, 0, IPC_NOWAIT), EFAULT);
    cede_msgrcv(id, &message, 8, 0, IPC_NOWAIT); /* the kernel has taken the message already, qemu-user has not */
    ck_assert_int_eq(by_msgsnd(NULL), 0);
    ck_assert_fails(beside(by_msgsnd, NULL, remove_queue, NULL), EIDRM);
    ck_assert_fails(by_msgrcv(NULL), EINVAL);
    ck_assert_fails(by_msgsnd(NULL), EINVAL);
    id = msgget(IPC_PRIVATE, 0600);
    ck_assert_fails(beside(by_msgrcv, NULL, remove_queue, NULL), EIDRM);
}

static int change(short by)
{
    struct sembuf operation = {.sem_op = by};

    return cede_semtimedop(id, &operation, 1, NULL);
}

/* For the superuser nothing is. */
static void become_somebody(void)
{
    if (geteuid() == 0)
        ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
}

TASK_TEST(operations_that_are_not_there)
{
    id = semget(IPC_PRIVATE, 1, 0600);
    if (id < 0 && errno == ENOSYS)
        return;
    ck_assert_int_ge(id, 0);
    ck_assert_fails(cede_semtimedop(id, NULL, 1, NULL), EFAULT);
    ck_assert_int_eq(semctl(id, 0, IPC_RMID), 0);
}

TASK_TEST(what_is_somebody_elses)
{
    int set = semget(IPC_PRIVATE, 1, 0);

    id = msgget(IPC_PRIVATE, 0);
    if (id < 0 && errno == ENOSYS)
        return;
    become_somebody();
    ck_assert_fails(by_msgrcv(NULL), EACCES);
    ck_assert_fails(by_msgsnd(NULL), EACCES);
    id = set;
    ck_assert_fails(change(1), EACCES);
}

static int by_semop(void *unused)
{
    (void)unused;
    return change(-1);
}

static int raise_it(void *unused)
{
    (void)unused;
    return change(1);
}

static int remove_set(void *unused)
{
    (void)unused;
    return semctl(id, 0, IPC_RMID);
}

TASK_TEST(semaphores_of_system_v)
{
    static const struct timespec shortly = {.tv_nsec = 3000000}, wrong = {.tv_nsec = -1};
    struct sembuf at_once = {.sem_op = -1, .sem_flg = IPC_NOWAIT}, later = {.sem_op = -1};
    struct sembuf elsewhere = {.sem_num = 1, .sem_op = 1}, most = {.sem_op = SHRT_MAX};

    id = semget(IPC_PRIVATE, 1, 0600);
    if (id < 0 && errno == ENOSYS)
        return;
    ck_assert_int_ge(id, 0);
    assert_ends_early(by_semop, NULL);
    ck_assert_int_eq(beside(by_semop, NULL, raise_it, NULL), 0);
    ck_assert_fails(cede_semtimedop(id, &at_once, 1, NULL), EAGAIN);
    ck_assert_fails(cede_semtimedop(id, &later, 1, &shortly), EAGAIN);
    ck_assert_fails(cede_semtimedop(id, &later, 1, &wrong), EINVAL);
    ck_assert_fails(cede_semtimedop(id, &later, 100000, NULL), E2BIG);
    ck_assert_fails(cede_semtimedop(id, &elsewhere, 1, NULL), EFBIG);
    ck_assert_int_eq(cede_semtimedop(id, &most, 1, NULL), 0);
    ck_assert_fails(cede_semtimedop(id, &most, 1, NULL), ERANGE);
    most.sem_op = -most.sem_op;
    ck_assert_int_eq(cede_semtimedop(id, &most, 1, NULL), 0);
    ck_assert_fails(beside(by_semop, NULL, remove_set, NULL), EIDRM);
    ck_assert_fails(by_semop(NULL), EINVAL);
}

/* In a namespace of its own, where a set and a call may be as large as it likes. Whether that could be had. */
static bool raise_limits(void)
{
    static const char limits[] = "2000 4000 2000 8"; /* SEMMSL, SEMMNS, SEMOPM, SEMMNI */
    int fd = unshare(CLONE_NEWIPC) == 0 ? open("/proc/sys/kernel/sem", O_WRONLY) : -1;
    bool raised = fd >= 0 && write(fd, limits, sizeof limits - 1) == sizeof limits - 1;

    if (!raised)
        printf("skipped in part: the limits of semaphores cannot be raised here (%s)\n", strerror(errno));
    close(fd);
    return raised;
}

enum { MANY = 1000 }; /* more than a system allows by default */

static struct sembuf many[MANY];

static int by_many(void *unused)
{
    (void)unused;
    return cede_semtimedop(id, many, MANY, NULL);
}

/* All of them, or none: as long as one cannot be done, nothing is. */
TASK_TEST(many_semaphores_at_once)
{
    int i;

    if (harness_emulated("more than 500 operations of semaphores at once") || !raise_limits())
        return;
    for (i = 0; i < MANY; i++)
        many[i] = (struct sembuf){.sem_num = (unsigned short)i, .sem_op = i == 0 ? -1 : 1};
    id = semget(IPC_PRIVATE, MANY, 0600);
    ck_assert_int_ge(id, 0);
    assert_ends_early(by_many, NULL);
    ck_assert_int_eq(semctl(id, MANY - 1, GETVAL), 0);
    ck_assert_int_eq(beside(by_many, NULL, raise_it, NULL), 0);
    ck_assert_int_eq(semctl(id, 0, GETVAL), 0);
    ck_assert_int_eq(semctl(id, MANY - 1, GETVAL), 1);
    ck_assert_fails(cede_semtimedop(id, many, 2001, NULL), E2BIG);
    ck_assert_int_eq(semctl(id, 0, IPC_RMID), 0);
}

TASK_TEST(more_than_there_may_be_are_not_even_read)
{
    id = semget(IPC_PRIVATE, 1, 0600);
    if (id < 0 && errno == ENOSYS)
        return;
    ck_assert_fails(cede_semtimedop(id, NULL, 1000000, NULL), E2BIG);
    ck_assert_fails(cede_semtimedop(id, NULL, SIZE_MAX, NULL), E2BIG);
    ck_assert_int_eq(semctl(id, 0, IPC_RMID), 0);
}

TASK_TEST(no_memory_for_operations)
{
    struct fault_memory memory;
    int result, error;

    if (!fault_memory_begin(&memory))
        return;
    errno = 0;
    result = change(-1);
    error = errno;
    fault_memory_end(&memory);
    ck_assert_int_eq(result, -1);
    ck_assert_int_eq(error, ENOMEM);
}

static int queue;
static char text[8];

static int by_receive(void *unused)
{
    (void)unused;
    return (int)cede_mq_receive(queue, text, sizeof text, NULL);
}

static int by_send(void *unused)
{
    (void)unused;
    return cede_mq_send(queue, "12345678", 8, 0);
}

static int by_timedreceive(void *unused)
{
    struct timespec until;

    (void)unused;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    return (int)cede_mq_timedreceive(queue, text, sizeof text, NULL, &until);
}

static int by_timedsend(void *unused)
{
    struct timespec until;

    (void)unused;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    return cede_mq_timedsend(queue, "12345678", 8, 0, &until);
}

static int close_queue(void *unused)
{
    (void)unused;
    return cede_close(queue);
}

TASK_TEST(queues_of_posix)
{
    struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 8}, nonblocking = {.mq_flags = O_NONBLOCK};
    static const struct timespec past = {.tv_sec = 1}, wrong = {.tv_nsec = -1};
    char name[32];

    if (harness_emulated("dependable message queues of POSIX"))
        return;
    snprintf(name, sizeof name, "/cede-test-%d", (int)getpid());
    queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
    if (queue < 0 && errno == ENOSYS)
        return;
    ck_assert_int_ge(queue, 0);
    mq_unlink(name);
    assert_ends_early(by_receive, NULL);
    assert_ends_early(by_timedreceive, NULL);
    ck_assert_fails(cede_mq_timedreceive(queue, text, sizeof text, NULL, &past), ETIMEDOUT);
    ck_assert_fails(cede_mq_timedreceive(queue, text, sizeof text, NULL, &wrong), EINVAL);
    ck_assert_int_eq(beside(by_receive, NULL, by_send, NULL), 8);
    ck_assert_int_eq(by_timedsend(NULL), 0);
    assert_ends_early(by_send, NULL);
    assert_ends_early(by_timedsend, NULL);
    ck_assert_fails(cede_mq_timedsend(queue, text, 8, 0, &past), ETIMEDOUT);
    ck_assert_fails(cede_mq_send(queue, text, 9, 0), EMSGSIZE);
    ck_assert_fails(cede_mq_timedsend(queue, text, 9, 0, &past), EMSGSIZE);
    ck_assert_fails(cede_mq_timedsend(queue, text, 8, 0, &wrong), EINVAL);
    ck_assert_fails(cede_mq_receive(queue, text, 4, NULL), EMSGSIZE);
    ck_assert_fails(cede_mq_timedreceive(queue, text, 4, NULL, &past), EMSGSIZE);
    ck_assert_int_eq(mq_setattr(queue, &nonblocking, NULL), 0);
    ck_assert_fails(by_send(NULL), EAGAIN);
    ck_assert_fails(by_timedsend(NULL), EAGAIN);
    ck_assert_int_eq(by_timedreceive(NULL), 8);
    ck_assert_fails(by_receive(NULL), EAGAIN);
    ck_assert_fails(by_timedreceive(NULL), EAGAIN);
    ck_assert_fails(cede_mq_receive(-1, text, sizeof text, NULL), EBADF);
    ck_assert_fails(cede_mq_send(-1, text, 8, 0), EBADF);
    ck_assert_fails(cede_mq_timedsend(-1, text, 8, 0, &past), EBADF);
    ck_assert_fails(cede_mq_timedreceive(-1, text, sizeof text, NULL, &past), EBADF);
    ck_assert_int_eq(mq_setattr(queue, &attributes, NULL), 0); /* it waits again */
    ck_assert_fails(beside(by_receive, NULL, close_queue, NULL), EBADF);
}

/* ---- several messages at once ---- */

static int pair[2];
static char texts[4][8];
static struct iovec iov[4];
static struct mmsghdr messages[4];

static void prepare_messages(void)
{
    int i;

    ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
    for (i = 0; i < 4; i++) {
        iov[i] = (struct iovec){texts[i], sizeof texts[i]};
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &iov[i], .msg_iovlen = 1}};
    }
}

static int by_recvmmsg(void *flags)
{
    return cede_recvmmsg(pair[0], messages, 4, flags ? MSG_WAITFORONE : 0, NULL);
}

static int by_sendmmsg(void *unused)
{
    (void)unused;
    return cede_sendmmsg(pair[1], messages, 4, 0);
}

static int receive_all(void *unused)
{
    char byte;

    (void)unused;
    while (recv(pair[0], &byte, 1, MSG_DONTWAIT) >= 0)
        ;
    return 0;
}

static int send_two(void *unused)
{
    (void)unused;
    return send(pair[1], "a", 1, 0) == 1 && send(pair[1], "bc", 2, 0) == 2 ? 0 : -1;
}

TASK_TEST(recvmmsg_waits)
{
    struct timespec shortly = {.tv_nsec = 1000000};

    prepare_messages();
    assert_ends_early(by_recvmmsg, NULL);
    ck_assert_int_eq(beside(by_recvmmsg, messages, send_two, NULL), 2);
    ck_assert_uint_eq(messages[1].msg_len, 2);
    ck_assert_mem_eq(texts[1], "bc", 2);
    ck_assert_int_eq(send_two(NULL), 0);
    ck_assert_int_eq(beside(by_recvmmsg, NULL, send_two, NULL), 4);
    ck_assert_fails(cede_recvmmsg(pair[0], messages, 4, MSG_DONTWAIT, NULL), EAGAIN);
    ck_assert_int_eq(send_two(NULL), 0);
    cede_timeout (CEDE_SECOND) /* the timeout is looked at after a message only, as in Linux */
        ck_assert_int_eq(cede_recvmmsg(pair[0], messages, 2, 0, &shortly), 2);
    ck_assert_fails(cede_recvmmsg(pair[0], messages, 2, 0, &(struct timespec){.tv_nsec = -1}), EINVAL);
    ck_assert_fails(cede_recvmmsg(-1, messages, 4, 0, NULL), EBADF);
    ck_assert_int_eq(cede_pipe2(pair, 0), 0);
    ck_assert_fails(cede_recvmmsg(pair[0], messages, 4, 0, NULL), ENOTSOCK);
}

TASK_TEST(sendmmsg_waits)
{
    prepare_messages();
    while (send(pair[1], "x", 1, MSG_DONTWAIT) == 1)
        ;
    ck_assert_fails(cede_sendmmsg(pair[1], messages, 4, MSG_DONTWAIT), EAGAIN);
    assert_ends_early(by_sendmmsg, NULL);
    ck_assert_int_eq(beside(by_sendmmsg, NULL, receive_all, NULL), 4);
    ck_assert_fails(cede_sendmmsg(-1, messages, 4, 0), EBADF);
    ck_assert_int_eq(cede_pipe2(pair, 0), 0);
    ck_assert_fails(by_sendmmsg(NULL), ENOTSOCK);
}

Suite *suite(void)
{
    Suite *ipc = suite_create("ipc");
    TCase *cases = tcase_create("ipc");

    tcase_add_test(cases, messages_of_system_v);
    tcase_add_test(cases, semaphores_of_system_v);
    tcase_add_test(cases, many_semaphores_at_once);
    tcase_add_test(cases, more_than_there_may_be_are_not_even_read);
    tcase_add_test(cases, no_memory_for_operations);
    tcase_add_test(cases, operations_that_are_not_there);
    tcase_add_test(cases, what_is_somebody_elses);
    tcase_add_test(cases, queues_of_posix);
    tcase_add_test(cases, recvmmsg_waits);
    tcase_add_test(cases, sendmmsg_waits);
    suite_add_tcase(ipc, cases);
    return ipc;
}
