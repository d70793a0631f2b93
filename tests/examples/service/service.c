/* SPDX-License-Identifier: MIT */
/*
 * A small HTTP service, in plain blocking style: a task for each connection. README.md tells how to run it.
 *
 *     POST /notes      keeps the body; 201 and the note's number when it is safe
 *     GET /notes/7     the note
 *     GET /metrics     figures for Prometheus
 *
 * What cannot be done in time, or at all for now, is answered 503 and why. SIGTERM and SIGINT end it when the requests
 * that it has begun are answered.
 */
#include <arpa/inet.h>
#include <cede.h>
#include <errno.h>
#include <http_parser.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "store.h"

#define REQUEST_NS  CEDE_SECOND /* for a request from its first byte to the answer */
#define RESPONSE_NS CEDE_SECOND /* for the answer to be taken */

enum { IDLE_MS = 30 * 1000, URL_BYTES = 128 };

struct connection {
    int fd;
    http_parser parser;
    char input[4096]; /* read, but for the first `parsed` bytes not parsed yet */
    size_t parsed, size;
    char url[URL_BYTES + 1]; /* of the request, as are all below */
    struct note body;
    bool complete, keep_alive;
    int refused; /* the status that says why; 0: it is not */
};

struct response {
    int status;
    struct note body; /* NOTE_BYTES are enough for all that we say */
};

static struct {
    long connections, in_flight; /* now */
    long by_status[6], deadlines; /* so far; by_status[4]: 400 to 499 */
    double seconds;
} metrics;

static bool draining; /* we are to end: no request but those that have begun */

/* ---- requests: http_parser tells their parts as it meets them ---- */

static int on_url(http_parser *parser, const char *text, size_t size)
{
    struct connection *connection = parser->data;
    size_t before = strlen(connection->url);

    if (before + size > URL_BYTES)
        return connection->refused = 414;
    memcpy(connection->url + before, text, size);
    connection->url[before + size] = '\0';
    return 0;
}

static int on_body(http_parser *parser, const char *text, size_t size)
{
    struct connection *connection = parser->data;

    if (connection->body.size + size > NOTE_BYTES)
        return connection->refused = 413;
    memcpy(connection->body.text + connection->body.size, text, size);
    connection->body.size += size;
    return 0;
}

static int on_message_complete(http_parser *parser)
{
    struct connection *connection = parser->data;

    connection->complete = true;
    connection->keep_alive = http_should_keep_alive(parser);
    http_parser_pause(parser, 1); /* what follows is the next request */
    return 0;
}

/* Reads a request. 1, also if it is refused; 0 at the end, -1 with errno: there is none. */
static int read_request(struct connection *connection)
{
    static const http_parser_settings settings = {
        .on_url = on_url, .on_body = on_body, .on_message_complete = on_message_complete,
    };
    ssize_t count;

    connection->url[0] = '\0';
    connection->body.size = 0;
    connection->complete = connection->keep_alive = false;
    connection->refused = 0;
    http_parser_pause(&connection->parser, 0);
    while (!connection->complete && !connection->refused) {
        if (connection->parsed == connection->size) {
            count = read(connection->fd, connection->input, sizeof connection->input);
            if (count <= 0)
                return (int)count;
            connection->parsed = 0;
            connection->size = (size_t)count;
        }
        connection->parsed += http_parser_execute(&connection->parser, &settings,
                                                  connection->input + connection->parsed,
                                                  connection->size - connection->parsed);
        if (!connection->complete && !connection->refused && HTTP_PARSER_ERRNO(&connection->parser) != HPE_OK)
            connection->refused = 400;
    }
    return 1;
}

/* ---- answers ---- */

static void say(struct response *response, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void say(struct response *response, int status, const char *format, ...)
{
    va_list arguments;

    response->status = status;
    va_start(arguments, format);
    response->body.size = (size_t)vsnprintf(response->body.text, NOTE_BYTES, format, arguments);
    va_end(arguments);
}

static void say_metrics(struct response *response)
{
    say(response, 200,
        "# TYPE connections gauge\nconnections %ld\n"
        "# TYPE requests_in_flight gauge\nrequests_in_flight %ld\n"
        "# TYPE requests_total counter\n"
        "requests_total{status=\"2xx\"} %ld\nrequests_total{status=\"4xx\"} %ld\nrequests_total{status=\"5xx\"} %ld\n"
        "# TYPE request_seconds summary\nrequest_seconds_sum %.6f\nrequest_seconds_count %ld\n"
        "# TYPE deadlines_total counter\ndeadlines_total %ld\n"
        "# TYPE cache_hits_total counter\ncache_hits_total %ld\n"
        "# TYPE cache_misses_total counter\ncache_misses_total %ld\n"
        "# TYPE cache_failures_total counter\ncache_failures_total %ld\n"
        "# TYPE database_failures_total counter\ndatabase_failures_total %ld\n"
        "# TYPE store_connections gauge\nstore_connections %ld\n",
        metrics.connections, metrics.in_flight - 1 /* without this one */, metrics.by_status[2],
        metrics.by_status[4], metrics.by_status[5], metrics.seconds,
        metrics.by_status[2] + metrics.by_status[4] + metrics.by_status[5], metrics.deadlines,
        store_counts.hits, store_counts.misses, store_counts.cache_failures, store_counts.database_failures,
        store_counts.connected);
}

/* Does what the request asks for. 0, or -1 with errno: there is no answer yet. */
static int handle(struct connection *connection, struct response *response)
{
    unsigned method = connection->parser.method;
    long long id;
    char *end;

    if (connection->refused) {
        say(response, connection->refused, "%s\n", connection->refused == 400
            ? http_errno_description(HTTP_PARSER_ERRNO(&connection->parser))
            : http_status_str((enum http_status)connection->refused));
    } else if (method == HTTP_GET && strcmp(connection->url, "/metrics") == 0) {
        say_metrics(response);
    } else if (method == HTTP_POST && strcmp(connection->url, "/notes") == 0) {
        if (store_add(&connection->body, &id) != 0)
            return -1;
        say(response, 201, "%lld\n", id);
    } else if (method == HTTP_GET && strncmp(connection->url, "/notes/", 7) == 0) {
        errno = 0;
        id = strtoll(connection->url + 7, &end, 10);
        if (errno || end == connection->url + 7 || *end)
            return cede_fail(ENOENT, "a note has a number");
        response->status = 200;
        return store_get(id, &response->body);
    } else {
        say(response, method == HTTP_GET ? 404 : 405, "there is POST /notes, GET /notes/<number>, GET /metrics\n");
    }
    return 0;
}

/* Answers what handle() could not. */
static void say_failure(struct response *response)
{
    if (errno == ETIMEDOUT) {
        metrics.deadlines++;
        say(response, 503, "deadline: it took more than %lld ms\n", (long long)(REQUEST_NS / CEDE_MILLISECOND));
    } else {
        say(response, errno == ENOENT ? 404 : 503, "%s\n", cede_error());
    }
}

static int write_response(struct connection *connection, const struct response *response)
{
    char text[256 + NOTE_BYTES];
    int size = snprintf(text, 256, "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n%s\r\n",
                        response->status, http_status_str((enum http_status)response->status), response->body.size,
                        connection->keep_alive ? "" : "Connection: close\r\n");

    memcpy(text + size, response->body.text, response->body.size);
    size += (int)response->body.size;
    cede_timeout (RESPONSE_NS)
        return write(connection->fd, text, (size_t)size) == size ? 0 : -1;
    return -1;
}

/* ---- connections ---- */

/* Reads a request and answers it. 0: there may be another one; -1: the connection is of no more use. */
static int answer_one(struct connection *connection)
{
    struct response response = {.status = 0};
    int64_t began = cede_now();

    cede_timeout (REQUEST_NS) {
        int got = read_request(connection);

        if (got == 0 || (got < 0 && errno != ETIMEDOUT))
            return -1;
        if (got < 0)
            say(&response, 408, "deadline: the request did not come in time\n");
        else if (handle(connection, &response) != 0)
            say_failure(&response);
    }
    metrics.by_status[response.status / 100]++;
    metrics.seconds += (double)(cede_now() - began) / (double)CEDE_SECOND;
    connection->keep_alive = connection->keep_alive && !draining;
    return write_response(connection, &response) == 0 && connection->keep_alive ? 0 : -1;
}

/* Waits for a request. When we are to end, this is where connections do: the task is cancelled, and poll(2) fails. */
static bool comes_another(struct connection *connection)
{
    struct pollfd input = {.fd = connection->fd, .events = POLLIN};

    return connection->parsed < connection->size || poll(&input, 1, IDLE_MS) > 0;
}

static int serve_connection(int fd, void *unused)
{
    struct connection connection = {.fd = fd, .parser.data = &connection};
    int result = 0;

    (void)unused;
    http_parser_init(&connection.parser, HTTP_REQUEST);
    metrics.connections++;
    while (result == 0 && comes_another(&connection)) {
        metrics.in_flight++;
        cede_shield /* what has begun is answered; it has a deadline of its own */
            result = answer_one(&connection);
        metrics.in_flight--;
    }
    metrics.connections--;
    return 0; /* cede_serve() closes fd */
}

/* ---- the service ---- */

/* A listening socket; others may listen on the same port, and the kernel shares the connections out among them. */
static int listen_on(const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)atoi(port))};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &(int){1}, sizeof(int));
    if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 1024) == 0)
        return fd;
    close(fd);
    return cede_fail(errno, "port %s: %s", port, strerror(errno));
}

struct serve {
    int fd;
};

static int serve(struct serve *arg)
{
    return cede_serve(arg->fd, serve_connection, NULL) < 0 && !draining ? -1 : 0;
}

static int app(void *arguments)
{
    char **argv = arguments;
    int service, own, result = -1;

    cede_shutdown_on_signal(SIGTERM);
    cede_shutdown_on_signal(SIGINT);
    if (store_open("127.0.0.1", atoi(argv[3])) != 0 || (service = listen_on(argv[1])) < 0)
        return -1;
    cede_defer(close, service);
    if ((own = listen_on(argv[2])) < 0)
        return -1;
    cede_defer(close, own);
    cede_group (group) {
        cede_group_go(group, serve, .fd = service);
        cede_group_go(group, serve, .fd = own);
        cede_sleep(CEDE_FOREVER); /* until we are to end, or serve() fails */
        draining = true;
        shutdown(service, SHUT_RDWR); /* from now on, the others get all new connections */
        shutdown(own, SHUT_RDWR);
        result = cede_group_wait(group) == 0 || errno == ECANCELED ? 0 : -1;
    }
    return result;
}

int main(int argc, char **argv)
{
    int result;

    if (argc != 4) {
        fprintf(stderr, "usage: %s PORT OWN-PORT REDIS-PORT\n", argv[0]);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    result = cede_run(app, argv);
    if (result != 0)
        fprintf(stderr, "%s: %s\n", argv[0], cede_error());
    store_close();
    return result == 0 ? 0 : 1;
}
