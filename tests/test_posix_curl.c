/* SPDX-License-Identifier: MIT */
/*
 * Unmodified, blocking libcurl in many tasks at once on one OS thread, and what deadlines and cancellation do to it.
 * The server is in other tasks of the same runtime: client and server wait for each other, so that nothing works unless
 * every wait yields.
 */
#include <curl/curl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness.h"
#include "os_threads.h"

enum { MANY = 1000, DESCRIPTORS_EACH = 4 };

static char url[64];
static int listener;
static struct cede_task *server;
static CURLcode last_failure;

static int answer(int fd, void *unused)
{
    static const char response[] = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n";
    char request[1024];
    ssize_t count = read(fd, request, sizeof request - 1);

    (void)unused;
    if (count <= 0)
        return -1;
    request[count] = '\0';
    cede_sleep(strstr(request, "GET /never") ? CEDE_FOREVER : 100 * CEDE_MILLISECOND);
    return write(fd, response, sizeof response - 1) < 0 ? -1 : 0;
}

static int serve(void *unused)
{
    (void)unused;
    return cede_serve(listener, answer, NULL);
}

static void start_server(void)
{
    listener = cede_listen("127.0.0.1:0");
    ck_assert_int_ge(listener, 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", cede_port(listener));
    server = cede_spawn(serve, NULL);
    ck_assert_ptr_nonnull(server);
    signal(SIGPIPE, SIG_IGN); /* else libcurl would set and restore it around each transfer */
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void stop_server(void)
{
    ck_assert_int_eq(cede_cancel(server), 0);
    ck_assert_fails(cede_await(server), ECANCELED);
    ck_assert_int_eq(close(listener), 0);
    curl_global_cleanup();
}

static size_t add_length(char *data, size_t size, size_t count, void *total)
{
    (void)data;
    *(size_t *)total += size * count;
    return size * count;
}

struct fetch {
    const char *path;
};

/* 0, or -1 and the reason in last_failure. Cleans up in any case. */
static int fetch(struct fetch *arg)
{
    CURL *curl = curl_easy_init();
    char whole[128];
    size_t bytes = 0;

    snprintf(whole, sizeof whole, "%s%s", url, arg->path);
    curl_easy_setopt(curl, CURLOPT_URL, whole);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, add_length);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &bytes);
    last_failure = curl_easy_perform(curl);
    curl_easy_cleanup(curl);
    return last_failure == CURLE_OK && bytes == 6 ? 0 : -1;
}

/* Descriptors for so many downloads and their server. */
static bool enough_descriptors(void)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= MANY * DESCRIPTORS_EACH + 100)
        return true;
    printf("skipped: %d downloads need %d descriptors, ulimit -Hn is %ld\n", MANY, MANY * DESCRIPTORS_EACH + 100,
           (long)limit.rlim_max);
    return false;
}

TASK_TEST(a_thousand_downloads_on_one_thread)
{
    static struct cede_task *tasks[MANY];
    int i, threads_before = os_threads();
    int64_t began;

    if (!enough_descriptors())
        return;
    start_server();
    began = cede_now();
    for (i = 0; i < MANY; i++)
        ck_assert_ptr_nonnull(tasks[i] = cede_go(fetch, .path = ""));
    cede_sleep(50 * CEDE_MILLISECOND);
    ck_assert_int_eq(os_threads(), threads_before);
    for (i = 0; i < MANY; i++)
        ck_assert_msg(cede_await(tasks[i]) == 0, "download %d: %s", i, curl_easy_strerror(last_failure));
    ck_assert_int_eq(os_threads(), threads_before);
    /* One after the other they would take 100 s. */
    ck_assert_int_lt((cede_now() - began) / CEDE_SECOND, 50);
    stop_server();
}

TASK_TEST(a_deadline_reaches_into_libcurl)
{
    int64_t began = cede_now();

    start_server();
    cede_timeout (50 * CEDE_MILLISECOND) {
        ck_assert_int_eq(fetch(&(struct fetch){"never"}), -1);
        ck_assert_int_ne(last_failure, CURLE_OK);
    }
    ck_assert_int_ge(cede_now() - began, 50 * CEDE_MILLISECOND);
    ck_assert_int_lt(cede_now() - began, 20 * CEDE_SECOND);
    ck_assert_int_eq(fetch(&(struct fetch){""}), 0); /* and the next one is as good as ever */
    stop_server();
}

TASK_TEST(cancellation_reaches_into_libcurl)
{
    struct cede_task *task;

    start_server();
    task = cede_go(fetch, .path = "never");
    cede_sleep(20 * CEDE_MILLISECOND);
    ck_assert_int_eq(cede_cancel(task), 0);
    ck_assert_int_eq(cede_await(task), -1);
    ck_assert_int_ne(last_failure, CURLE_OK);
    ck_assert_int_eq(fetch(&(struct fetch){""}), 0);
    stop_server();
}

Suite *suite(void)
{
    Suite *curl = suite_create("posix_curl");
    TCase *cases = tcase_create("curl");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, a_thousand_downloads_on_one_thread);
    tcase_add_test(cases, a_deadline_reaches_into_libcurl);
    tcase_add_test(cases, cancellation_reaches_into_libcurl);
    suite_add_tcase(curl, cases);
    return curl;
}
