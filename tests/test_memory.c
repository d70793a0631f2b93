/* SPDX-License-Identifier: MIT */
/* Without memory: what has to allocate says ENOMEM, has done nothing, and works again when there is some. */
#include <poll.h>

#include "fault.h"

static struct fault_memory memory;

/* Asserts that the expression is true while there is no memory, with errno ENOMEM. (The assertion itself allocates.) */
#define ck_assert_no_memory(expression)          \
    do {                                         \
        if (!fault_memory_begin(&memory))        \
            return;                              \
        errno = 0;                               \
        bool failed_ = (expression);             \
        int errno_ = errno;                      \
        fault_memory_end(&memory);               \
        ck_assert_msg(failed_, "%s", #expression); \
        ck_assert_int_eq(errno_, ENOMEM);        \
    } while (0)

static int nothing(void *arg)
{
    return arg != NULL;
}

START_TEST(for_a_runtime)
{
    ck_assert_no_memory(cede_run(nothing, NULL) == -1);
    ck_assert_no_memory(cede_run_attr(NULL, nothing, NULL) == -1);
    ck_assert_int_eq(cede_run(nothing, &memory), 1);
}
END_TEST

/* ---- tasks: there may be room for some thousands ---- */

struct idle { int unused; };
static int idle(struct idle *a)
{
    return a->unused;
}

static bool spawns_end(void)
{
    while (cede_spawn(nothing, NULL))
        ;
    return true;
}

static bool spawns_with_options_end(void)
{
    while (cede_spawn_attr(NULL, nothing, NULL))
        ;
    return true;
}

static bool goes_end(void)
{
    while (cede_go(idle, .unused = 0))
        ;
    return true;
}

TASK_TEST(for_tasks)
{
    ck_assert_no_memory(spawns_end());
    ck_assert_no_memory(spawns_with_options_end());
    ck_assert_no_memory(goes_end());
    ck_assert_int_eq(cede_yield(), 0);
    ck_assert_int_eq(cede_await(cede_spawn(nothing, &memory)), 1);
}

static bool group_spawns_end(struct cede_group *group)
{
    while (cede_group_spawn(group, NULL, nothing, NULL))
        ;
    return true;
}

static bool group_goes_end(struct cede_group *group)
{
    while (cede_group_go(group, idle, .unused = 0))
        ;
    return true;
}

TASK_TEST(for_tasks_of_a_group)
{
    cede_group (g) {
        ck_assert_no_memory(group_spawns_end(g));
        ck_assert_no_memory(group_goes_end(g));
        ck_assert_int_eq(cede_group_wait(g), 0);
    }
}

TASK_TEST(for_a_task_from_elsewhere)
{
    struct cede_future future = {0};
    intptr_t value = 0;

    ck_assert_no_memory(cede_spawn_on(cede_runtime(), nothing, NULL, &future) == -1);
    ck_assert_int_eq(cede_future_done(&future), 0);
    ck_assert_int_eq(cede_spawn_on(cede_runtime(), nothing, &memory, &future), 0);
    ck_assert_int_eq(cede_future_wait(&future, &value), 0);
    ck_assert_int_eq(value, 1);
}

/* ---- generators: stacks that were mapped in advance come first ---- */

enum { GENERATORS = 4096 };

static struct cede_gen generators[GENERATORS];
static int items[GENERATORS], opened;

struct numbers { int unused; };
static int numbers(struct numbers *a, int *item)
{
    return cede_gen_put(item, a->unused);
}

static bool generators_end(void)
{
    while (opened < GENERATORS && cede_gen_open(&generators[opened], &items[opened], numbers, .unused = 7) == 0)
        opened++;
    return opened < GENERATORS;
}

TASK_TEST(for_generators)
{
    ck_assert_no_memory(generators_end());
    ck_assert_int_eq(cede_gen_close(&generators[opened]), 0); /* which could not be opened */
    while (opened-- > 0)
        ck_assert_int_eq(cede_gen_close(&generators[opened]), 0);
    cede_for (int, number, numbers, .unused = 7)
        ck_assert_int_eq(number, 7);
}

/* ---- values, queues, streams ---- */

TASK_TEST(for_task_local_values)
{
    static const struct cede_local key = CEDE_LOCAL_INIT(NULL);
    struct cede_local_scope scope;

    ck_assert_no_memory(cede_local_set(&key, &memory) == -1);
    ck_assert_no_memory(cede_local_enter(&scope, &key, &memory) == -1);
    cede_local_leave(&scope);
    ck_assert_ptr_null(cede_local_get(&key));
    ck_assert_int_eq(cede_local_enter(&scope, &key, &memory), 0);
    ck_assert_ptr_eq(cede_local_get(&key), &memory);
    cede_local_leave(&scope);
    ck_assert_ptr_null(cede_local_get(&key));
}

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

START_TEST(for_queues)
{
    ck_assert_no_memory(fault_is_null(cede_queue_open(sizeof(int), 0)));
    ck_assert_no_memory(fault_is_null(cede_queue_open_lifo(sizeof(int), 0)));
    ck_assert_no_memory(fault_is_null(cede_queue_open_priority(sizeof(int), 0, compare)));
}
END_TEST

START_TEST(for_channels)
{
    ck_assert_no_memory(fault_is_null(cede_chan_open(sizeof(int), 0)));
    ck_assert_no_memory(fault_is_null(cede_chan_open(1 << 20, 16)));
}
END_TEST

TASK_TEST(for_streams)
{
    int fds[2];

    ck_assert_int_eq(cede_pipe2(fds, 0), 0);
    ck_assert_no_memory(cede_stream_open(fds[0], NULL) == NULL);
    ck_assert_no_memory(cede_stream_open_pair(fds[0], fds[1], NULL) == NULL);
    cede_close(fds[0]);
    cede_close(fds[1]);
}

/* ---- calls ---- */

TASK_TEST(for_helper_threads)
{
    ck_assert_no_memory(cede_offload(nothing, NULL, NULL) == -1);
    ck_assert_no_memory(cede_offload_go(idle, NULL, .unused = 0) == -1);
    ck_assert_int_eq(cede_offload(nothing, NULL, NULL), 0);
}

/* More than find room on the stack. */
TASK_TEST(for_polls_of_many)
{
    enum { MANY = 100 };
    const struct timespec long_time = {.tv_sec = 1000};
    struct timeval long_timeval = {.tv_sec = 1000};
    struct pollfd polled[MANY];
    int fds[2], copies[MANY], i;
    fd_set set;

    ck_assert_int_eq(cede_pipe2(fds, 0), 0);
    FD_ZERO(&set);
    for (i = 0; i < MANY; i++) {
        copies[i] = cede_dup(fds[0]);
        polled[i] = (struct pollfd){.fd = copies[i], .events = POLLIN};
        FD_SET(copies[i], &set);
    }
    ck_assert_no_memory(cede_poll(polled, MANY, 1000000) == -1);
    ck_assert_no_memory(cede_ppoll(polled, MANY, &long_time, NULL) == -1);
    ck_assert_no_memory(cede_select(copies[MANY - 1] + 1, &set, NULL, NULL, &long_timeval) == -1);
    ck_assert_int_eq(cede_write(fds[1], "x", 1), 1);
    ck_assert_int_eq(cede_poll(polled, MANY, -1), MANY);
    for (i = 0; i < MANY; i++)
        cede_close(copies[i]);
    cede_close(fds[0]);
    cede_close(fds[1]);
}

TASK_TEST(for_what_a_process_writes)
{
    const struct cede_process_attr attr = {.out = CEDE_PROCESS_PIPE};
    struct cede_process_exchange exchange = {0};
    struct cede_process process;

    ck_assert_int_eq(cede_process_spawn(&process, (char *[]){"echo", "something", NULL}, &attr), 0);
    ck_assert_no_memory(cede_process_communicate(&process, &exchange) == -1);
    cede_process_close(&process);
}

TASK_TEST(for_a_borrowed_buffer)
{
    void *data = &memory;
    int fds[2];

    ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    ck_assert_int_eq(cede_send(fds[1], "x", 1, 0), 1);
    ck_assert_no_memory(cede_buffer_recv(fds[0], &data) == -1);
    ck_assert_ptr_null(data);
    ck_assert_int_eq(cede_buffer_recv(fds[0], &data), 1); /* nothing is lost */
    cede_buffer_return(data);
    cede_close(fds[0]);
    cede_close(fds[1]);
}

Suite *suite(void)
{
    Suite *self = suite_create("memory");
    TCase *cases = tcase_create("memory");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, for_a_runtime);
    tcase_add_test(cases, for_tasks);
    tcase_add_test(cases, for_tasks_of_a_group);
    tcase_add_test(cases, for_a_task_from_elsewhere);
    tcase_add_test(cases, for_generators);
    tcase_add_test(cases, for_task_local_values);
    tcase_add_test(cases, for_queues);
    tcase_add_test(cases, for_channels);
    tcase_add_test(cases, for_streams);
    tcase_add_test(cases, for_helper_threads);
    tcase_add_test(cases, for_polls_of_many);
    tcase_add_test(cases, for_what_a_process_writes);
    tcase_add_test(cases, for_a_borrowed_buffer);
    suite_add_tcase(self, cases);
    return self;
}
