/* SPDX-License-Identifier: MIT */
/* GNU Pth: a thread for each connection. It waits with select(2), so it cannot have many. */
#include <pth.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "echo.h"

static void *echo(void *arg)
{
    int fd = (int)(intptr_t)arg;
    char buffer[ECHO_BUFFER_BYTES];
    ssize_t got;

    while ((got = pth_read(fd, buffer, sizeof buffer)) > 0)
        if (pth_write(fd, buffer, (size_t)got) != got)
            break;
    close(fd);
    return NULL;
}

static void serve(long connections)
{
    pth_t *threads = malloc((size_t)connections * sizeof *threads);
    int port, listener = server_listen(&port), fd;

    if (!threads || !pth_init())
        bench_fail("pth_init");
    pth_fdmode(listener, PTH_FDMODE_BLOCK); /* blocking for the thread: Pth does the rest */
    server_ready(port);
    for (long i = 0; i < connections; i++) {
        fd = pth_accept(listener, NULL, NULL);
        if (fd < 0 || !(threads[i] = pth_spawn(PTH_ATTR_DEFAULT, echo, (void *)(intptr_t)fd)))
            bench_fail("pth_accept");
    }
    for (long i = 0; i < connections; i++)
        pth_join(threads[i], NULL);
    free(threads);
    close(listener);
}

static void measure(const struct bench_case *which)
{
    echo_measure(which, serve);
}

BENCH_SUBJECT("pth", measure, 100)
