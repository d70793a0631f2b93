/* SPDX-License-Identifier: MIT */
/*
 * Twenty downloads at once with plain, blocking libcurl. Nothing in fetch() is special: because the program is linked
 * with libcede-posix (-lcede-posix before -lcurl), the calls inside libcurl that would block the thread park the task.
 *
 * So that the example needs no network, the server runs here too, in other tasks. It takes 100 ms for each answer.
 */
#include <cede.h>
#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FETCHES = 20 };

static int answer(int fd, void *unused)
{
    static const char response[] = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n";
    char request[1024];

    (void)unused;
    if (read(fd, request, sizeof request) <= 0) /* libcurl sends these few bytes in one piece */
        return -1;
    cede_sleep(100 * CEDE_MILLISECOND);
    return write(fd, response, strlen(response)) < 0 ? -1 : 0;
}

static int server(void *fd)
{
    return cede_serve(*(int *)fd, answer, NULL);
}

static size_t add_length(char *data, size_t size, size_t count, void *total)
{
    (void)data;
    *(size_t *)total += size * count;
    return size * count;
}

struct fetch { const char *url; size_t *bytes; };

static int fetch(struct fetch *arg)
{
    CURL *curl = curl_easy_init();
    cede_defer(curl_easy_cleanup, curl);
    curl_easy_setopt(curl, CURLOPT_URL, arg->url);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, add_length);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, arg->bytes);
    CURLcode code = curl_easy_perform(curl); /* parks, inside poll(2) and recv(2) */
    return code == CURLE_OK ? 0 : cede_fail(EIO, "%s: %s", arg->url, curl_easy_strerror(code));
}

static int app(void *unused)
{
    int listener = cede_listen("127.0.0.1:0"), good = 0, i;
    struct cede_task *serving = cede_spawn(server, &listener), *fetching[FETCHES];
    size_t bytes = 0;
    char url[64];
    int64_t began = cede_now();

    (void)unused;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", cede_port(listener));
    for (i = 0; i < FETCHES; i++)
        fetching[i] = cede_go(fetch, .url = url, .bytes = &bytes);
    for (i = 0; i < FETCHES; i++)
        good += cede_await(fetching[i]) == 0; /* else cede_error() says why */
    printf("%d of %d downloads, %zu bytes\n", good, FETCHES, bytes);
    printf("%s\n", cede_now() - began < CEDE_SECOND ? "at the same time" : "one after the other");
    cede_cancel(serving);
    cede_await(serving);
    close(listener);
    return good == FETCHES ? 0 : -1;
}

int main(void)
{
    int result;

    signal(SIGPIPE, SIG_IGN); /* libcurl would set and restore it around each transfer: not with many at a time */
    curl_global_init(CURL_GLOBAL_DEFAULT);
    result = cede_run(app, NULL);
    curl_global_cleanup();
    return result == 0 ? 0 : 1;
}
