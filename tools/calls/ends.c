/* SPDX-License-Identifier: MIT */
/* Descriptors that rows wait for, and what happens at their other ends; see ends.h. */
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "ends.h"

int make_pipe(struct state *s)
{
    return pipe(s->fd);
}

int make_socketpair(struct state *s)
{
    return socketpair(AF_UNIX, SOCK_STREAM, 0, s->fd);
}

int make_datagrams(struct state *s)
{
    return socketpair(AF_UNIX, SOCK_DGRAM, 0, s->fd);
}

int make_listener(struct state *s)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    s->fd[2] = socket(AF_INET, SOCK_STREAM, 0);
    return s->fd[2] < 0 || bind(s->fd[2], (struct sockaddr *)&address, sizeof address) != 0 ? -1 : listen(s->fd[2], 8);
}

int connect_to(int listener, int fd)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;

    return getsockname(listener, (struct sockaddr *)&address, &length) != 0
               ? -1
               : connect(fd, (struct sockaddr *)&address, length);
}

int make_tcp(struct state *s)
{
    if (make_listener(s) != 0)
        return -1;
    s->fd[1] = socket(AF_INET, SOCK_STREAM, 0);
    if (s->fd[1] < 0 || connect_to(s->fd[2], s->fd[1]) != 0)
        return -1;
    s->fd[0] = accept(s->fd[2], NULL, NULL);
    return s->fd[0] < 0 ? -1 : 0;
}

int make_unix_listener(struct state *s, int backlog)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};

    s->fd[2] = socket(AF_UNIX, SOCK_STREAM, 0);
    if (s->fd[2] < 0 || bind(s->fd[2], (struct sockaddr *)&address, sizeof address) != 0)
        return -1;
    return listen(s->fd[2], backlog);
}

int make_unix(struct state *s)
{
    if (make_unix_listener(s, 8) != 0)
        return -1;
    s->fd[1] = socket(AF_UNIX, SOCK_STREAM, 0);
    if (s->fd[1] < 0 || connect_to(s->fd[2], s->fd[1]) != 0)
        return -1;
    s->fd[0] = accept(s->fd[2], NULL, NULL);
    return s->fd[0] < 0 ? -1 : 0;
}

int make_fifo(struct state *s)
{
    if (mkfifo("fifo", 0600) != 0)
        return -1;
    s->fd[0] = s->fd[1] = open("fifo", O_RDWR);
    return s->fd[0] < 0 ? -1 : 0;
}

int make_tty(struct state *s)
{
    s->fd[1] = posix_openpt(O_RDWR | O_NOCTTY);
    if (s->fd[1] < 0 || grantpt(s->fd[1]) != 0 || unlockpt(s->fd[1]) != 0)
        return -1;
    s->fd[0] = open(ptsname(s->fd[1]), O_RDWR | O_NOCTTY);
    return s->fd[0] < 0 ? -1 : 0;
}

int make_eventfd(struct state *s)
{
    s->fd[0] = s->fd[1] = eventfd(0, 0);
    return s->fd[0] < 0 ? -1 : 0;
}

int make_timerfd(struct state *s)
{
    s->fd[0] = timerfd_create(CLOCK_MONOTONIC, 0);
    return s->fd[0] < 0 ? -1 : 0;
}

int make_signalfd(struct state *s)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    s->fd[0] = signalfd(-1, &set, 0);
    return s->fd[0] < 0 ? -1 : 0;
}

int make_inotify(struct state *s)
{
    s->fd[0] = inotify_init();
    return s->fd[0] < 0 || inotify_add_watch(s->fd[0], ".", IN_CREATE) < 0 ? -1 : 0;
}

void put_eight(struct state *s)
{
    (void)!write(s->fd[1], "\1\0\0\0\0\0\0\n", 8);
}

void put_signal(struct state *s)
{
    (void)s;
    kill(getppid(), SIGUSR1);
}

void put_file(struct state *s)
{
    (void)s;
    close(creat("created", 0600));
}

/* From the parent, since nobody else can. */
int set_timer(struct state *s)
{
    const struct itimerspec when = {.it_value = *delay(s)};

    return timerfd_settime(s->fd[0], 0, &when, NULL);
}

/* ---- full ones ---- */

static int fill(int fd)
{
    static const char filling[4096];
    int flags = fcntl(fd, F_GETFL), sizes[] = {sizeof filling, 1}, i;

    if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return -1;
    for (i = 0; i < 2; i++)
        while (write(fd, filling, (size_t)sizes[i]) > 0)
            ;
    return fcntl(fd, F_SETFL, flags) < 0 ? -1 : 0;
}

int make_full_pipe(struct state *s)
{
    return make_pipe(s) != 0 ? -1 : fill(s->fd[1]);
}

int make_full_socket(struct state *s)
{
    return make_socketpair(s) != 0 ? -1 : fill(s->fd[1]);
}

int make_full_tcp(struct state *s)
{
    return make_tcp(s) != 0 ? -1 : fill(s->fd[1]);
}

int make_full_unix(struct state *s)
{
    return make_unix(s) != 0 ? -1 : fill(s->fd[1]);
}

int make_full_fifo(struct state *s)
{
    if (mkfifo("fifo", 0600) != 0)
        return -1;
    s->fd[0] = open("fifo", O_RDONLY | O_NONBLOCK);
    s->fd[1] = open("fifo", O_WRONLY);
    return s->fd[1] < 0 ? -1 : fill(s->fd[1]);
}

/* The terminal's reader, the program behind a terminal emulator, does not read. */
int make_full_tty(struct state *s)
{
    int terminal, result, i;

    if (make_tty(s) != 0)
        return -1;
    terminal = s->fd[0];
    s->fd[0] = s->fd[1];
    s->fd[1] = terminal;
    result = fill(terminal);
    /* The kernel passes on in the background what it has taken, and then has room once more. */
    for (i = 0; i < 10 && result == 0; i++) {
        usleep(2000);
        result = fill(terminal);
    }
    return result;
}

int make_full_eventfd(struct state *s)
{
    return make_eventfd(s) != 0 ? -1 : expect(write(s->fd[1], &(uint64_t){UINT64_MAX - 1}, 8), 8);
}

void empty_eventfd(struct state *s)
{
    uint64_t value;

    (void)!read(s->fd[0], &value, sizeof value);
}

void drain(struct state *s)
{
    static char sink[65536];

    fcntl(s->fd[0], F_SETFL, O_NONBLOCK);
    while (read(s->fd[0], sink, sizeof sink) > 0)
        usleep(1000);
}
