/* SPDX-License-Identifier: MIT */
/* State Threads: a thread for each connection. Debian builds it without epoll, so select(2) sets the limit. */
#include <st.h>
#include <stdlib.h>

#include "echo.h"

static void *echo(void *connection)
{
    char buffer[ECHO_BUFFER_BYTES];
    ssize_t got;

    while ((got = st_read(connection, buffer, sizeof buffer, ST_UTIME_NO_TIMEOUT)) > 0)
        if (st_write(connection, buffer, (size_t)got, ST_UTIME_NO_TIMEOUT) != got)
            break;
    st_netfd_close(connection);
    return NULL;
}

static void serve(long connections)
{
    st_thread_t *threads = malloc((size_t)connections * sizeof *threads);
    int port, fd = server_listen(&port);
    st_netfd_t listener, connection;

    if (!threads || st_set_eventsys(ST_EVENTSYS_ALT) != 0 || st_init() != 0 || !(listener = st_netfd_open_socket(fd)))
        bench_fail("st_init");
    server_ready(port);
    for (long i = 0; i < connections; i++) {
        connection = st_accept(listener, NULL, NULL, ST_UTIME_NO_TIMEOUT);
        if (!connection || !(threads[i] = st_thread_create(echo, connection, 1, 64 << 10)))
            bench_fail("st_accept");
    }
    for (long i = 0; i < connections; i++)
        st_thread_join(threads[i], NULL);
    free(threads);
}

static void measure(const struct bench_case *which)
{
    echo_measure(which, serve);
}

BENCH_SUBJECT("st", measure, 1000)
