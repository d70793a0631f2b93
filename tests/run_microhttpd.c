/* SPDX-License-Identifier: MIT */
/* A server of libmicrohttpd that makes a thread for each connection and takes 100 ms for each answer; for
 * `cede run --threads`. Argument: the port. Ends when it is told to by SIGTERM. */
#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum MHD_Result answer(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *upload, size_t *upload_size, void **seen)
{
    struct MHD_Response *response;
    char text[64];
    enum MHD_Result result;

    (void)arg, (void)method, (void)version, (void)upload, (void)upload_size;
    if (!*seen) { /* the header alone, at first */
        *seen = connection;
        return MHD_YES;
    }
    usleep(100 * 1000);
    snprintf(text, sizeof text, "you asked for %s\n", url);
    response = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_COPY);
    result = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

int main(int argc, char **argv)
{
    const int port = argc > 1 ? atoi(argv[1]) : 0;
    struct MHD_Daemon *daemon;
    sigset_t set;
    int signo;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    daemon = MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL,
                              (unsigned short)port, NULL, NULL, answer, NULL, MHD_OPTION_CONNECTION_LIMIT, 10000u,
                              MHD_OPTION_LISTEN_BACKLOG_SIZE, 4096u, MHD_OPTION_END);
    if (!daemon)
        return 1;
    sigwait(&set, &signo);
    MHD_stop_daemon(daemon);
    return 0;
}
