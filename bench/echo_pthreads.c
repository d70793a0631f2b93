/* SPDX-License-Identifier: MIT */
/* A thread for each connection, all on the server's CPU. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "echo.h"

static void *echo(void *arg)
{
    int fd = (int)(intptr_t)arg;
    char buffer[ECHO_BUFFER_BYTES];
    ssize_t got;

    while ((got = recv(fd, buffer, sizeof buffer, 0)) > 0)
        if (send(fd, buffer, (size_t)got, MSG_NOSIGNAL) != got)
            break;
    close(fd);
    return NULL;
}

static void serve(long connections)
{
    pthread_t *threads = malloc((size_t)connections * sizeof *threads);
    int port, listener = server_listen(&port), fd;
    pthread_attr_t attr;

    if (!threads || fcntl(listener, F_SETFL, 0) != 0) /* it shall block */
        bench_fail("listener");
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 64 << 10);
    server_ready(port);
    for (long i = 0; i < connections; i++) {
        fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            bench_fail("accept4");
        errno = pthread_create(&threads[i], &attr, echo, (void *)(intptr_t)fd);
        if (errno)
            bench_fail("pthread_create");
    }
    for (long i = 0; i < connections; i++)
        pthread_join(threads[i], NULL);
    free(threads);
    close(listener);
}

static void measure(const struct bench_case *which)
{
    echo_measure(which, serve);
}

BENCH_SUBJECT("pthreads", measure, 1000)
