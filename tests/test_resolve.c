/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "harness.h"
#include "sched.h"

static const struct addrinfo stream = {.ai_socktype = SOCK_STREAM};

static int count_threads(void)
{
    char line[128];
    int threads = 0;
    FILE *status = fopen("/proc/self/status", "r");

    while (fgets(line, sizeof line, status))
        sscanf(line, "Threads: %d", &threads);
    fclose(status);
    return threads;
}

TASK_TEST(localhost)
{
    struct addrinfo hints = stream, *result = NULL;
    struct sockaddr_in address;

    hints.ai_family = AF_INET;
    ck_assert_int_eq(cede_getaddrinfo("localhost", "80", &hints, &result), 0);
    ck_assert_ptr_nonnull(result);
    memcpy(&address, result->ai_addr, sizeof address);
    ck_assert_int_eq(ntohs(address.sin_port), 80);
    ck_assert_int_eq(ntohl(address.sin_addr.s_addr), INADDR_LOOPBACK);
    freeaddrinfo(result);
    ck_assert_int_eq(cede_getaddrinfo("localhost", NULL, NULL, &result), 0);
    freeaddrinfo(result);
}

TASK_TEST(numbers_need_no_thread)
{
    struct addrinfo hints = stream, *result = NULL;
    int threads = count_threads();

    ck_assert_int_eq(cede_getaddrinfo("127.0.0.1", "80", NULL, &result), 0);
    freeaddrinfo(result);
    ck_assert_int_eq(cede_getaddrinfo("::1", "80", &hints, &result), 0);
    ck_assert_int_eq(result->ai_family, AF_INET6);
    freeaddrinfo(result);
    hints.ai_flags = AI_PASSIVE;
    ck_assert_int_eq(cede_getaddrinfo(NULL, "80", &hints, &result), 0);
    freeaddrinfo(result);
    hints.ai_flags = AI_NUMERICHOST;
    ck_assert_int_eq(cede_getaddrinfo("localhost", "80", &hints, &result), EAI_NONAME);
    ck_assert_ptr_nonnull(cede_self()); /* a task it is again */
    ck_assert_int_eq(count_threads(), threads);
}

TASK_TEST(errors_are_those_of_getaddrinfo)
{
    struct addrinfo hints = stream, *result;

    ck_assert_int_eq(cede_getaddrinfo("localhost", "no-such-service", &hints, &result), EAI_SERVICE);
    ck_assert_int_eq(cede_getaddrinfo(NULL, NULL, &hints, &result), EAI_NONAME);
    hints.ai_family = 12345;
    ck_assert_int_eq(cede_getaddrinfo("localhost", "80", &hints, &result), EAI_FAMILY);
    hints = stream;
    hints.ai_flags = 1 << 30;
    ck_assert_int_eq(cede_getaddrinfo("localhost", "80", &hints, &result), EAI_BADFLAGS);
}

TASK_TEST(out_of_descriptors_is_no_unknown_name)
{
    struct addrinfo hints = stream, *result;
    struct rlimit limit, none;

    ck_assert_int_eq(cede_getaddrinfo("localhost", "80", &hints, &result), 0); /* what is opened once, is open */
    freeaddrinfo(result);
    getrlimit(RLIMIT_NOFILE, &limit);
    none = (struct rlimit){.rlim_cur = 3, .rlim_max = limit.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
    errno = 0;
    ck_assert_int_eq(cede_getaddrinfo("localhost", "80", &hints, &result), EAI_SYSTEM);
    ck_assert_int_eq(errno, EMFILE);
    setrlimit(RLIMIT_NOFILE, &limit);
}

struct canceller { struct cede_task *task; };
static int canceller(struct canceller *a)
{
    return cede_cancel(a->task);
}

TASK_TEST(a_wait_can_be_ended)
{
    struct addrinfo *result;

    cede_timeout (0) {
        errno = 0;
        ck_assert_int_eq(cede_getaddrinfo("localhost", "80", &stream, &result), EAI_SYSTEM);
        ck_assert_int_eq(errno, ETIMEDOUT);
        ck_assert_int_eq(cede_getaddrinfo("127.0.0.1", "80", &stream, &result), 0); /* need not wait */
        freeaddrinfo(result);
    }
    cede_detach(cede_go(canceller, .task = cede_self()));
    cede_yield();
    errno = 0;
    ck_assert_int_eq(cede_getaddrinfo("localhost", "80", &stream, &result), EAI_SYSTEM);
    ck_assert_int_eq(errno, ECANCELED);
    ck_assert_int_eq(cede__worker->jobs, 0);
}

/* Tasks that are cancelled while helpers are busy with their lookups: for the leak checker. */
static int lookup(void *arg)
{
    struct addrinfo *result;
    char node[] = "localhost"; /* goes out of existence with the task */
    int answer = cede_getaddrinfo(node, "80", &stream, &result);

    if (answer == 0) {
        ++*(int *)arg;
        freeaddrinfo(result);
    } else {
        ck_assert_int_eq(answer, EAI_SYSTEM);
        ck_assert_int_eq(errno, ECANCELED);
    }
    return 0;
}

TASK_TEST(abandoned_lookups)
{
    struct cede_task *tasks[50];
    int i, found = 0;

    for (i = 0; i < 50; i++)
        tasks[i] = cede_spawn(lookup, &found);
    for (i = 0; i < 5; i++)
        cede_yield();
    for (i = 0; i < 50; i++)
        ck_assert_int_eq(cede_cancel(tasks[i]), 0);
    for (i = 0; i < 50; i++)
        ck_assert_int_eq(cede_await(tasks[i]), 0);
}

struct ticker { int *ticks; };
static int ticker(struct ticker *a)
{
    while (cede_sleep(10 * CEDE_MILLISECOND) == 0)
        ++*a->ticks;
    return 0;
}

/* The thread is never blocked: while a hundred look up, another task goes on ticking. */
TASK_TEST(a_hundred_lookups_while_others_go_on)
{
    struct cede_task *tasks[100], *tick;
    int i, found = 0, ticks = 0, rounds = 0;
    int64_t before = cede_now();

    tick = cede_go(ticker, .ticks = &ticks);
    do {
        for (i = 0; i < 100; i++)
            tasks[i] = cede_spawn(lookup, &found);
        for (i = 0; i < 100; i++)
            ck_assert_int_eq(cede_await(tasks[i]), 0);
        rounds++;
    } while (cede_now() - before < 200 * CEDE_MILLISECOND);
    ck_assert_int_eq(found, 100 * rounds);
    ck_assert_int_ge(ticks, 4); /* of at least 19, on a machine that does nothing else */
    ck_assert_int_eq(cede_cancel(tick), 0);
    ck_assert_int_eq(cede_await(tick), 0);
}

START_TEST(outside_a_task)
{
    struct addrinfo *result;

    ck_assert_int_eq(cede_getaddrinfo("localhost", "80", &stream, &result), 0);
    freeaddrinfo(result);
}
END_TEST

Suite *suite(void)
{
    Suite *resolve = suite_create("resolve");
    TCase *cases = tcase_create("resolve");

    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, localhost);
    tcase_add_test(cases, numbers_need_no_thread);
    tcase_add_test(cases, errors_are_those_of_getaddrinfo);
    tcase_add_test(cases, out_of_descriptors_is_no_unknown_name);
    tcase_add_test(cases, a_wait_can_be_ended);
    tcase_add_test(cases, abandoned_lookups);
    tcase_add_test(cases, a_hundred_lookups_while_others_go_on);
    tcase_add_test(cases, outside_a_task);
    suite_add_tcase(resolve, cases);
    return resolve;
}
