/* SPDX-License-Identifier: MIT */
/*
 * What does a small HTTP answer cost, over connections that stay open?
 *
 * The load is wrk, from another CPU. nginx, h2o and Go's net/http are complete servers; the others find the end of a
 * request and answer, so they show what the runtime costs, not what HTTP costs.
 */
#include "http.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct bench_case cases[] = {
    {"HTTP keep-alive", 64, 0, BENCH_TINY},
    {"HTTP keep-alive", 1000, 0, BENCH_NORMAL},
};

static char directory[64];

int http_free_port(void)
{
    int port, fd = server_listen(&port);

    close(fd);
    return port;
}

const char *http_directory(void)
{
    return directory;
}

const char *http_write_file(const char *name, const char *format, ...)
{
    static char path[128];
    va_list arguments;
    FILE *out;

    snprintf(path, sizeof path, "%s/%s", directory, name);
    out = fopen(path, "w");
    if (!out)
        bench_fail(path);
    va_start(arguments, format);
    vfprintf(out, format, arguments);
    va_end(arguments);
    if (fclose(out) != 0)
        bench_fail(path);
    return path;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static void remove_directory(void)
{
    nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Servers that others wrote listen some time after they were started. */
static void wait_until_it_listens(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    for (int attempt = 0; attempt < 500; attempt++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
            close(fd);
            return;
        }
        close(fd);
        usleep(10000);
    }
    fputs("bench: the HTTP server does not listen\n", stderr);
    exit(1);
}

/* wrk's "1.23ms" in microseconds. */
static double microseconds(const char *text)
{
    char *unit;
    double value = strtod(text, &unit);

    return value * (strncmp(unit, "us", 2) == 0 ? 1 : strncmp(unit, "ms", 2) == 0 ? 1e3 : 1e6);
}

/* Runs wrk for so many seconds. Returns how many requests it had answered. */
static double load(const struct bench_case *which, int port, int seconds, double *p50_us, double *p99_us)
{
    char line[256], what[32];
    double requests = 0, bad;
    FILE *wrk;

    snprintf(line, sizeof line, "wrk -t1 -c%ld -d%ds --latency http://127.0.0.1:%d/", which->n, seconds, port);
    wrk = popen(line, "r");
    if (!wrk)
        bench_fail("wrk");
    while (fgets(line, sizeof line, wrk)) {
        sscanf(line, " %lf requests in", &requests);
        if (sscanf(line, " 50%% %31s", what) == 1)
            *p50_us = microseconds(what);
        if (sscanf(line, " 99%% %31s", what) == 1)
            *p99_us = microseconds(what);
        if (sscanf(line, " Non-2xx or 3xx responses: %lf", &bad) == 1) {
            fprintf(stderr, "bench: %.0f answers were errors\n", bad);
            exit(1);
        }
    }
    if (pclose(wrk) != 0) {
        fputs("bench: wrk failed\n", stderr);
        exit(1);
    }
    return requests;
}

void http_measure(const struct bench_case *which, server_serve *serve)
{
    double p50_us = -1, p99_us = -1, requests;
    struct server server;

    strcpy(directory, "/tmp/bench_http.XXXXXX");
    if (!mkdtemp(directory) || chmod(directory, 0755) != 0)
        bench_fail(directory);
    atexit(remove_directory);
    server_start(&server, serve, which->n);
    wait_until_it_listens(server.port);
    server_mark(&server);
    requests = load(which, server.port, bench_size() < BENCH_NORMAL ? 1 : 3, &p50_us, &p99_us);
    server_report(&server, requests);
    bench_report("p50", "us", p50_us);
    bench_report("p99", "us", p99_us);
    server_end(&server, true);
}

static void measure_program(const struct bench_case *which)
{
    http_measure(which, server_by_program);
}

int main(int argc, char **argv)
{
    bench_programs_measure(measure_program);
    return bench_main(argc, argv, cases, sizeof cases / sizeof *cases);
}
