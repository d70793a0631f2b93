/* SPDX-License-Identifier: MIT */
/* Message queues and semaphores of System V and of POSIX; see row.h. */
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <unistd.h>

#include "row.h"

struct message {
    long type;
    char text[8];
};

static int make_messages(struct state *s)
{
    s->number = msgget(IPC_PRIVATE, 0600);
    return s->number < 0 ? -1 : 0;
}

static int make_full_messages(struct state *s)
{
    struct msqid_ds limits;

    if (make_messages(s) != 0 || msgctl((int)s->number, IPC_STAT, &limits) != 0)
        return -1;
    limits.msg_qbytes = 8;
    return msgctl((int)s->number, IPC_SET, &limits) != 0
               ? -1
               : msgsnd((int)s->number, &(struct message){1, "1234567"}, 8, 0);
}

static void send_message(struct state *s)
{
    msgsnd((int)s->number, &(struct message){1, "1234567"}, 8, 0);
}

static void take_message(struct state *s)
{
    struct message message;

    msgrcv((int)s->number, &message, 8, 0, 0);
}

static int by_msgrcv(struct state *s)
{
    struct message message;
    int result = expect(msgrcv((int)s->number, &message, 8, 0, 0), 8), error = errno;

    msgctl((int)s->number, IPC_RMID, NULL);
    errno = error;
    return result;
}

static int by_msgsnd(struct state *s)
{
    int result = (int)msgsnd((int)s->number, &(struct message){1, "1234567"}, 8, 0), error = errno;

    msgctl((int)s->number, IPC_RMID, NULL);
    errno = error;
    return result;
}

static int make_semaphore(struct state *s)
{
    s->number = semget(IPC_PRIVATE, 1, 0600);
    return s->number < 0 ? -1 : 0;
}

static void raise_semaphore(struct state *s)
{
    semop((int)s->number, &(struct sembuf){.sem_op = 1}, 1);
}

static int by_semop(struct state *s)
{
    int result = (int)semop((int)s->number, &(struct sembuf){.sem_op = -1}, 1), error = errno;

    semctl((int)s->number, 0, IPC_RMID);
    errno = error;
    return result;
}

static int make_queue(struct state *s)
{
    struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 8};
    char name[32];

    snprintf(name, sizeof name, "/cede-calls-%d", (int)getpid());
    s->fd[0] = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
    mq_unlink(name);
    return s->fd[0] < 0 ? -1 : 0;
}

static int make_full_queue(struct state *s)
{
    return make_queue(s) != 0 ? -1 : mq_send(s->fd[0], "12345678", 8, 0);
}

static void put_into_queue(struct state *s)
{
    mq_send(s->fd[0], "12345678", 8, 0);
}

static void take_from_queue(struct state *s)
{
    char message[8];

    mq_receive(s->fd[0], message, sizeof message, NULL);
}

static int by_mq_receive(struct state *s)
{
    char message[8];

    return expect(mq_receive(s->fd[0], message, sizeof message, NULL), 8);
}

static int by_mq_send(struct state *s)
{
    return mq_send(s->fd[0], "12345678", 8, 0);
}

extern const struct row ROWS(ipc)[];
const struct row ROWS(ipc)[] = {
    {"msgrcv", .prepare = make_messages, .call_it = by_msgrcv, .end_it = send_message},
    {"msgsnd", .prepare = make_full_messages, .call_it = by_msgsnd, .end_it = take_message},
    {"semop", .prepare = make_semaphore, .call_it = by_semop, .end_it = raise_semaphore},
    {"mq_receive", .prepare = make_queue, .call_it = by_mq_receive, .end_it = put_into_queue},
    {"mq_send", .prepare = make_full_queue, .call_it = by_mq_send, .end_it = take_from_queue},
    {0},
};
