/* SPDX-License-Identifier: MIT */
/* Reading and writing with many descriptors and many interruptions; the single calls are in test_io.c. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "harness.h"

/* The byte at offset i of a stream. */
static unsigned char pattern(size_t i)
{
    return (unsigned char)(i * 7 + i / 251);
}

struct reader {
    int fd;
};

static int reader(struct reader *a)
{
    char c;

    return (int)cede_read(a->fd, &c, 1);
}

TASK_TEST(thousands_of_idle_descriptors)
{
    enum { WANTED = 10000, ACTIVE = 50 };
    struct rlimit limit;
    struct cede_task **tasks;
    int (*pairs)[2], count = WANTED;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if ((rlim_t)count * 2 + 100 > limit.rlim_max) {
        count = (int)(limit.rlim_max - 100) / 2;
        printf("RLIMIT_NOFILE allows %d pairs of %d\n", count, WANTED);
    }
    tasks = calloc((size_t)count, sizeof *tasks);
    pairs = calloc((size_t)count, sizeof *pairs);
    for (int i = 0; i < count; i++) {
        ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]), 0);
        tasks[i] = cede_go(reader, .fd = pairs[i][0]);
    }
    cede_yield();
    for (int round = 0; round < 20; round++)
        for (int i = 0; i < ACTIVE; i++) {
            struct cede_task *task = cede_go(reader, .fd = pairs[i][1]);

            cede_yield();
            ck_assert_int_eq(cede_write(pairs[i][0], "x", 1), 1);
            ck_assert_int_eq(cede_await(task), 1);
        }
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(cede_write(pairs[i][1], "x", 1), 1);
    for (int i = 0; i < count; i++) {
        ck_assert_int_eq(cede_await(tasks[i]), 1);
        cede_close(pairs[i][0]);
        cede_close(pairs[i][1]);
    }
    free(pairs);
    free(tasks);
}

/* Streams between pairs of tasks that read and write pieces of random size under random deadlines; each byte must
 * arrive once and in order, whatever was interrupted. Some are cancelled or closed in the middle. */
struct stream {
    int fds[2];
    unsigned seed;
    size_t sent, received, size, wrong;
    bool disturbed;
};

/* A connection over TCP, where short reads tell that nothing more is there. */
static void connect_pair(int server, int pair[2])
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;

    ck_assert_int_eq(getsockname(server, (struct sockaddr *)&address, &size), 0);
    pair[1] = cede_socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(cede_connect(pair[1], (struct sockaddr *)&address, size), 0);
    pair[0] = cede_accept(server, NULL, NULL);
    ck_assert_int_ge(pair[0], 0);
}

static int storm_writer(void *arg)
{
    struct stream *s = arg;
    unsigned char bytes[9000];
    unsigned seed = s->seed;
    ssize_t n = 0;

    while (s->sent < s->size) {
        size_t some = harness_random(&seed) % sizeof bytes + 1;

        if (some > s->size - s->sent)
            some = s->size - s->sent;
        for (size_t i = 0; i < some; i++)
            bytes[i] = pattern(s->sent + i);
        cede_timeout (harness_random(&seed) % 4 ? CEDE_FOREVER : CEDE_MICROSECOND * (harness_random(&seed) % 300))
            n = cede_send(s->fds[1], bytes, some, MSG_NOSIGNAL);
        if (n > 0)
            s->sent += (size_t)n;
        else if (errno != ETIMEDOUT)
            break;
        else if (cede_yield() != 0)
            break;
    }
    ck_assert(s->disturbed || s->sent == s->size);
    cede_shield
        cede_close(s->fds[1]);
    return 0;
}

static int storm_reader(void *arg)
{
    struct stream *s = arg;
    unsigned char bytes[9000];
    unsigned seed = s->seed ^ 0x5a5a5a5a;
    ssize_t n = 0;

    for (;;) {
        size_t some = harness_random(&seed) % sizeof bytes + 1;

        cede_timeout (harness_random(&seed) % 4 ? CEDE_FOREVER : CEDE_MICROSECOND * (harness_random(&seed) % 300))
            n = cede_recv(s->fds[0], bytes, some, harness_random(&seed) % 3 ? 0 : MSG_WAITALL);
        for (ssize_t i = 0; i < n; i++)
            s->wrong += bytes[i] != pattern(s->received + (size_t)i);
        if (n > 0)
            s->received += (size_t)n;
        else if (n == 0 || errno != ETIMEDOUT)
            break;
        else if (cede_yield() != 0)
            break;
    }
    ck_assert_uint_eq(s->wrong, 0);
    ck_assert(s->disturbed || s->received == s->size);
    return 0;
}

TASK_TEST(a_storm_loses_nothing)
{
    enum { STREAMS = 40, SIZE = 200000 };
    static struct stream streams[STREAMS];
    static struct cede_task *tasks[STREAMS][2];
    unsigned seed = 20240229;
    struct sockaddr_in loopback = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int server = cede_socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(bind(server, (struct sockaddr *)&loopback, sizeof loopback), 0);
    ck_assert_int_eq(listen(server, 10), 0);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < STREAMS; i++) {
            streams[i] = (struct stream){.seed = harness_random(&seed), .size = SIZE, .disturbed = i % 8 == 7};
            if (i % 3)
                connect_pair(server, streams[i].fds);
            else
                ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, streams[i].fds), 0);
            tasks[i][0] = cede_spawn(storm_reader, &streams[i]);
            tasks[i][1] = cede_spawn(storm_writer, &streams[i]);
        }
        for (int i = 7; i < STREAMS; i += 8) {
            cede_sleep(CEDE_MICROSECOND * (harness_random(&seed) % 1000));
            if (i % 16 == 7)
                cede_cancel(tasks[i][harness_random(&seed) % 2]);
            if (i % 16 == 7 || streams[i].received < SIZE)
                cede_close(streams[i].fds[0]);
        }
        for (int i = 0; i < STREAMS; i++) {
            ck_assert_int_eq(cede_await(tasks[i][0]), 0);
            ck_assert_int_eq(cede_await(tasks[i][1]), 0);
            if (!streams[i].disturbed)
                cede_close(streams[i].fds[0]);
        }
    }
    cede_close(server);
}

Suite *suite(void)
{
    Suite *io = suite_create("io_many");
    TCase *many = tcase_create("many");

    tcase_add_test(many, thousands_of_idle_descriptors);
    tcase_add_test(many, a_storm_loses_nothing);
    tcase_set_timeout(many, 120);
    suite_add_tcase(io, many);
    return io;
}
