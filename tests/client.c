/* SPDX-License-Identifier: MIT */
/* What every client library is asked; see client.h. */
#include "client.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "harness.h"
#include "os_threads.h"

enum {
    DELAY_MS = 100,
    LONG_MS = 5 * 1000,
    MOST = 5000,
    CONNECTING = 64,       /* at a time: a server's backlog is finite */
    DESCRIPTORS_SPARE = 100,
    ROUNDS = 5,            /* the best of which counts: the machine may be busy */
};

static char said[256]; /* by the library, of the latest failure */

void client_said(const char *format, ...)
{
    va_list arguments;
    char *end;

    va_start(arguments, format);
    vsnprintf(said, sizeof said, format, arguments);
    va_end(arguments);
    for (end = said + strlen(said); end > said && (end[-1] == '\n' || end[-1] == ' '); end--)
        end[-1] = '\0';
    for (end = said; *end; end++)
        if (*end == '\n' || *end == '\t')
            *end = ' ';
}

unsigned client_token(void)
{
    static unsigned last;

    return ++last;
}

/* A server that accepts may still be busy with its start. */
static void start(void)
{
    int patience = 100;
    void *connection;

    signal(SIGPIPE, SIG_IGN);
    client.start();
    while (!(connection = client.connect()) && --patience > 0)
        cede_sleep(100 * CEDE_MILLISECOND);
    ck_assert_msg(connection != NULL, "%s cannot connect: %s", client.name, said);
    client.disconnect(connection);
}

static void stop(void)
{
    server_stop(client.server);
}

/* Whether so many connections can be had; says so if not. */
static bool possible(int count)
{
    struct rlimit limit;

    if (count > client.most) {
        printf("%s: not %d connections: the server allows %d\n", client.name, count, client.most);
        return false;
    }
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= (rlim_t)count + DESCRIPTORS_SPARE)
        return true;
    printf("%s: skipped %d connections: ulimit -Hn is %ld\n", client.name, count, (long)limit.rlim_max);
    return false;
}

/* ---- many at a time ---- */

static void *connections[MOST];
static char first_said[sizeof said]; /* of several failures: the others are cancelled because of it */

static int note_failure(void)
{
    if (!*first_said)
        strcpy(first_said, said);
    return -1;
}

struct connect_one {
    int index;
};

static int connect_one(struct connect_one *arg)
{
    connections[arg->index] = client.connect();
    return connections[arg->index] ? 0 : note_failure();
}

static void connect_all(int count)
{
    int i;

    cede_group (g) {
        cede_group_limit(g, CONNECTING);
        for (i = 0; i < count; i++)
            cede_group_go(g, connect_one, .index = i); /* none after a failure, which the wait tells of */
        ck_assert_msg(cede_group_wait(g) == 0, "%s cannot connect: %s", client.name, first_said);
    }
}

static void disconnect_all(int count)
{
    while (count-- > 0)
        client.disconnect(connections[count]);
}

struct request_one {
    int index;
    int delay_ms;
};

static int request_one(struct request_one *arg)
{
    return client.request(connections[arg->index], arg->delay_ms) == 0 ? 0 : note_failure();
}

/* One request on each connection, together. How long all took. */
static int64_t request_all(int count)
{
    int64_t began = cede_now();
    int i;

    cede_group (g) {
        for (i = 0; i < count; i++)
            cede_group_go(g, request_one, .index = i, .delay_ms = DELAY_MS);
        ck_assert_msg(cede_group_wait(g) == 0, "%s: a request failed: %s", client.name, first_said);
    }
    return cede_now() - began;
}

static void many(int count)
{
    int threads = os_threads();
    int64_t took;

    if (!possible(count))
        return;
    connect_all(count);
    took = request_all(count);
    ck_assert_int_eq(os_threads(), threads);
    disconnect_all(count);
    printf("%s: %d requests of %d ms in %.2f s\n", client.name, count, DELAY_MS, (double)took / CEDE_SECOND);
    ck_assert_int_ge(took, DELAY_MS * CEDE_MILLISECOND);
    /* One after the other. */
    ck_assert_int_lt(took, count * DELAY_MS * CEDE_MILLISECOND);
}

TASK_TEST(a_hundred_requests_take_less_than_three)
{
    int64_t one = INT64_MAX, all = INT64_MAX, took;
    int i;

    if (!possible(100))
        return;
    connect_all(100);
    for (i = 0; i < ROUNDS; i++) {
        one = (took = request_all(1)) < one ? took : one;
        all = (took = request_all(100)) < all ? took : all;
        if (all < 3 * one)
            break;
    }
    disconnect_all(100);
    printf("%s: 1 request %.0f ms, 100 requests %.0f ms\n", client.name, (double)one / CEDE_MILLISECOND,
           (double)all / CEDE_MILLISECOND);
    ck_assert_int_lt(all, 3 * one);
}

TASK_TEST(a_thousand_requests)
{
    many(1000);
}

TASK_TEST(five_thousand_requests)
{
    many(5000);
}

/* ---- waits that are ended ---- */

/* Compares what happened with its row in the document: `| library | event | what it said | connection |`. */
static void check_row(const char *event, bool usable)
{
    static char row[512], line[512];
    FILE *document = fopen(CLIENTS_DOCUMENT, "r");
    bool found = false;

    snprintf(row, sizeof row, "| %s | %s | %s | %s |\n", client.name, event, said,
             client.reconnects ? "made anew by the library" : usable ? "usable" : "to be closed");
    ck_assert_msg(document != NULL, "%s cannot be read", CLIENTS_DOCUMENT);
    while (!found && fgets(line, sizeof line, document))
        found = strcmp(line, row) == 0;
    fclose(document);
    ck_assert_msg(found, "%s lacks the row\n%s", CLIENTS_DOCUMENT, row);
}

/* Whether the connection can serve another request. What was said before stays. */
static bool is_usable(void *connection)
{
    char before[sizeof said];
    bool usable;

    strcpy(before, said);
    usable = client.request(connection, 0) == 0;
    strcpy(said, before);
    return usable;
}

TASK_TEST(a_deadline_reaches_into_the_library)
{
    void *connection = client.connect();
    int64_t began = cede_now();
    bool usable;

    ck_assert_msg(connection != NULL, "%s", said);
    cede_timeout (DELAY_MS * CEDE_MILLISECOND) {
        ck_assert_int_eq(client.request(connection, LONG_MS), -1);
        ck_assert_fails(cede_check(), ETIMEDOUT);
    }
    ck_assert_int_ge(cede_now() - began, DELAY_MS * CEDE_MILLISECOND);
    ck_assert_int_lt(cede_now() - began, LONG_MS * CEDE_MILLISECOND);
    usable = is_usable(connection);
    client.disconnect(connection);
    check_row("deadline", usable);
    /* The next connection is as good as ever. */
    connection = client.connect();
    ck_assert_int_eq(client.request(connection, 0), 0);
    client.disconnect(connection);
}

struct cancelled {
    void *connection;
};

static int cancelled(struct cancelled *arg)
{
    int result = client.request(arg->connection, LONG_MS);

    ck_assert_fails(cede_check(), ECANCELED);
    return result;
}

TASK_TEST(cancellation_reaches_into_the_library)
{
    void *connection = client.connect();
    int64_t began = cede_now();
    struct cede_task *task;
    bool usable;

    ck_assert_msg(connection != NULL, "%s", said);
    task = cede_go(cancelled, .connection = connection);
    cede_sleep(DELAY_MS * CEDE_MILLISECOND);
    ck_assert_int_eq(cede_cancel(task), 0);
    ck_assert_int_eq(cede_await(task), -1);
    ck_assert_int_lt(cede_now() - began, LONG_MS * CEDE_MILLISECOND);
    usable = is_usable(connection);
    client.disconnect(connection);
    check_row("cancellation", usable);
}

/* ---- the server is killed ---- */

static int failures;

static int request_that_fails(struct request_one *arg)
{
    failures += client.request(connections[arg->index], LONG_MS) == -1;
    return 0;
}

TASK_TEST(a_killed_server_fails_every_request)
{
    enum { COUNT = 100 };
    int64_t began;
    int i;

    if (!possible(COUNT))
        return;
    connect_all(COUNT);
    began = cede_now();
    cede_group (g) {
        for (i = 0; i < COUNT; i++)
            ck_assert_ptr_nonnull(cede__group_go(g, "request", (cede_task_fn *)request_that_fails,
                                                 &(struct request_one){.index = i}, sizeof(struct request_one)));
        cede_sleep(2 * DELAY_MS * CEDE_MILLISECOND);
        ck_assert_int_eq(failures, 0);
        server_kill(client.server);
        ck_assert_int_eq(cede_group_wait(g), 0);
    }
    ck_assert_int_eq(failures, COUNT);
    ck_assert_int_lt(cede_now() - began, LONG_MS * CEDE_MILLISECOND);
    disconnect_all(COUNT);
}

Suite *suite(void)
{
    Suite *suite = suite_create(client.name);
    TCase *alive = tcase_create("alive"), *killed = tcase_create("killed");

    if (!server_program(client.program)) {
        printf("skipped: %s is not installed\n", client.program);
        exit(77);
    }
    tcase_set_timeout(alive, 60);
    tcase_add_unchecked_fixture(alive, start, stop);
    tcase_add_test(alive, a_hundred_requests_take_less_than_three);
    tcase_add_test(alive, a_thousand_requests);
    tcase_add_test(alive, five_thousand_requests);
    tcase_add_test(alive, a_deadline_reaches_into_the_library);
    tcase_add_test(alive, cancellation_reaches_into_the_library);
    suite_add_tcase(suite, alive);
    tcase_set_timeout(killed, 60);
    tcase_add_unchecked_fixture(killed, start, stop);
    tcase_add_test(killed, a_killed_server_fails_every_request);
    suite_add_tcase(suite, killed);
    return suite;
}
