/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <unistd.h>

#include "address.h"
#include "crowd.h"
#include "descriptors.h"
#include "sanitizer.h"

/* The address of a socket that listens on the loopback, in the form that cede_dial() takes. */
static const char *address_of(int fd)
{
    static char address[32];

    snprintf(address, sizeof address, "127.0.0.1:%d", cede_port(fd));
    return address;
}

static int listen_locally(void)
{
    int fd = cede_listen("127.0.0.1:0");

    ck_assert_int_ge(fd, 0);
    ck_assert_int_gt(cede_port(fd), 0);
    return fd;
}

static void close_all(int count, const int *fds)
{
    while (count-- > 0)
        ck_assert_int_eq(cede_close(fds[count]), 0);
}

/* ---- addresses ---- */

START_TEST(addresses_are_taken_apart)
{
    static const struct {
        const char *text, *host, *port;
        bool wildcard;
    } good[] = {
        {"localhost:80", "localhost", "80", false}, {"127.0.0.1:0", "127.0.0.1", "0", false},
        {"[::1]:65535", "::1", "65535", false},     {"[fe80::1%lo]:1", "fe80::1%lo", "1", false},
        {":8080", "", "8080", true},                {"*:8080", "*", "8080", true},
        {"a:00080", "a", "00080", false},           {"unix.example.org:1", "unix.example.org", "1", false},
    };
    struct cede__address address;
    size_t i;

    for (i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert_int_eq(cede__address_parse(&address, good[i].text), 0);
        ck_assert(!address.local);
        ck_assert_str_eq(address.host, good[i].host);
        ck_assert_str_eq(address.port, good[i].port);
        ck_assert_int_eq(address.wildcard, good[i].wildcard);
    }
    ck_assert_int_eq(cede__address_parse(&address, "unix:/tmp/socket"), 0);
    ck_assert(address.local);
    ck_assert_str_eq(address.path.sun_path, "/tmp/socket");
    ck_assert_int_eq(cede__address_parse(&address, "unix:@name"), 0);
    ck_assert_int_eq(address.path.sun_path[0], '\0');
    ck_assert_str_eq(address.path.sun_path + 1, "name");
    ck_assert_int_eq(address.path_bytes, offsetof(struct sockaddr_un, sun_path) + 5);
}
END_TEST

START_TEST(what_is_no_address_is_refused)
{
    static const char *const bad[] = {
        NULL,       "",         "localhost", "localhost:", "localhost:http", "localhost:65536", "localhost:100000",
        "a:-1",     "a:+1",     "a: 1",      "a:1 ",       "::1:80",         "[::1]",           "[::1]80",
        "[]:80",    "[::1:80",  "[::1]:",    "a:1:2",      "unix:",          "unix:@",          "*",
    };
    static char text[512];
    struct cede__address address;
    size_t i;

    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_fails(cede__address_parse(&address, bad[i]), EINVAL);
        ck_assert_fails(cede_dial(bad[i]), EINVAL);
        ck_assert_fails(cede_listen(bad[i]), EINVAL);
    }
    memset(text, 'a', sizeof text - 1);
    memcpy(text, "unix:", 5);
    text[5 + 107] = '\0';
    ck_assert_int_eq(cede__address_parse(&address, text), 0);
    text[5 + 107] = 'a';
    text[5 + 108] = '\0';
    ck_assert_fails(cede__address_parse(&address, text), ENAMETOOLONG);
    text[5] = '@'; /* and a name of 107 bytes */
    ck_assert_int_eq(cede__address_parse(&address, text), 0);
    text[5 + 108] = 'a';
    text[5 + 109] = '\0';
    ck_assert_fails(cede__address_parse(&address, text), ENAMETOOLONG);
    memset(text, 'a', 256);
    strcpy(text + 256, ":80");
    ck_assert_fails(cede_dial(text), ENAMETOOLONG);
}
END_TEST

/* ---- dial and listen ---- */

static void talk(const char *address, int listener)
{
    int client = cede_dial(address), server, flag = 0;
    socklen_t size = sizeof flag;
    char buffer[8];

    ck_assert_int_ge(client, 0);
    server = cede_accept(listener, NULL, NULL);
    ck_assert_int_ge(server, 0);
    ck_assert_int_eq(cede_write(client, "hello", 5), 5);
    ck_assert_int_eq(cede_read(server, buffer, sizeof buffer), 5);
    ck_assert_int_eq(fcntl(client, F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(fcntl(client, F_GETFL) & O_NONBLOCK, 0);
    if (strncmp(address, "unix:", 5) != 0) {
        ck_assert_int_eq(getsockopt(client, IPPROTO_TCP, TCP_NODELAY, &flag, &size), 0);
        ck_assert(flag);
        ck_assert_int_eq(getsockopt(server, IPPROTO_TCP, TCP_NODELAY, &flag, &size), 0);
        ck_assert(flag);
        ck_assert_int_gt(cede_port(client), 0);
    } else {
        ck_assert_fails(cede_port(client), EAFNOSUPPORT);
    }
    close_all(2, (int[]){client, server});
}

static void talk_everywhere(void)
{
    char address[64];
    int listener = listen_locally();

    talk(address_of(listener), listener);
    snprintf(address, sizeof address, "localhost:%d", cede_port(listener));
    talk(address, listener);
    cede_close(listener);

    ck_assert_int_ge(listener = cede_listen(":0"), 0);
    talk(address_of(listener), listener); /* IPv4 reaches the wildcard too */
    snprintf(address, sizeof address, ":%d", cede_port(listener));
    talk(address, listener);
    cede_close(listener);

    snprintf(address, sizeof address, "unix:@cede-test-%d", (int)getpid());
    ck_assert_int_ge(listener = cede_listen(address), 0);
    talk(address, listener);
    ck_assert_fails(cede_port(listener), EAFNOSUPPORT);
    cede_close(listener);

    snprintf(address, sizeof address, "unix:/tmp/cede-test-%d", (int)getpid());
    ck_assert_int_ge(listener = cede_listen(address), 0);
    ck_assert_fails(cede_listen(address), EADDRINUSE);
    talk(address, listener);
    cede_close(listener);
    unlink(address + strlen("unix:"));
}

TASK_TEST(every_kind_of_address)
{
    talk_everywhere();
}

START_TEST(every_kind_of_address_outside_a_task)
{
    talk_everywhere();
}
END_TEST

TASK_TEST(a_port_is_one_of_tcp)
{
    int fds[2];

    ck_assert_int_eq(cede_pipe2(fds, O_CLOEXEC), 0);
    ck_assert_fails(cede_port(fds[0]), ENOTSOCK);
    close_all(2, fds);
    ck_assert_fails(cede_port(fds[0]), EBADF);
}

TASK_TEST(ipv6)
{
    int listener = cede_listen("[::1]:0");
    char address[32];

    if (listener < 0) { /* a machine without */
        ck_assert(errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT);
        return;
    }
    snprintf(address, sizeof address, "[::1]:%d", cede_port(listener));
    talk(address, listener);
    cede_close(listener);
}

struct dialler { const char *address; int *fd; };
static int dialler(struct dialler *a)
{
    return *a->fd = cede_dial(a->address);
}

/* That it can be tried without waiting is the runtime's business: to the user it is a blocking socket. */
TASK_TEST(accept_waits_on_what_listen_made)
{
    int listener = listen_locally(), copy = cede_dup(listener), client, server;

    ck_assert_int_eq(cede_fcntl(listener, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_eq(fcntl(listener, F_GETFL) & O_NONBLOCK, 0);
    cede_detach(cede_go(dialler, .address = address_of(listener), .fd = &client));
    ck_assert_int_ge(server = cede_accept(listener, NULL, NULL), 0);
    close_all(2, (int[]){client, server});
    cede_detach(cede_go(dialler, .address = address_of(listener), .fd = &client));
    ck_assert_int_ge(server = cede_accept(copy, NULL, NULL), 0);
    close_all(4, (int[]){client, server, listener, copy});
}

/* The socket of one runtime, in the next. */
static int kept_listener;

static int listen_only(void *unused)
{
    (void)unused;
    kept_listener = listen_locally();
    return 0;
}

static int accept_from_it(void *unused)
{
    int client, server;

    (void)unused;
    cede_detach(cede_go(dialler, .address = address_of(kept_listener), .fd = &client));
    ck_assert_int_ge(server = cede_accept(kept_listener, NULL, NULL), 0);
    close_all(3, (int[]){client, server, kept_listener});
    return 0;
}

START_TEST(accept_waits_in_another_runtime)
{
    ck_assert_int_eq(cede_run(listen_only, NULL), 0);
    ck_assert_int_eq(cede_run(accept_from_it, NULL), 0);
}
END_TEST

/* The port is taken for IPv6 only: a listener for IPv4 alone would not be what was asked for. */
TASK_TEST(a_wildcard_is_not_cut_in_half)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
    int taken = cede_socket(AF_INET6, SOCK_STREAM, 0), on = 1;
    char address[32];

    if (taken < 0) { /* a machine without IPv6 */
        ck_assert_int_eq(errno, EAFNOSUPPORT);
        return;
    }
    ck_assert_int_eq(setsockopt(taken, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on), 0);
    ck_assert_int_eq(bind(taken, (struct sockaddr *)&any, sizeof any), 0);
    ck_assert_int_eq(listen(taken, 1), 0);
    snprintf(address, sizeof address, ":%d", cede_port(taken));
    ck_assert_fails(cede_listen(address), EADDRINUSE);
    cede_close(taken);
}

TASK_TEST(errors_of_dial_and_listen)
{
    int listener = listen_locally(), port = cede_port(listener), before;
    char address[32];

    ck_assert_fails(cede_listen(address_of(listener)), EADDRINUSE);
    cede_close(listener);
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    before = count_descriptors();
    ck_assert_fails(cede_dial(address), ECONNREFUSED);
    ck_assert_fails(cede_dial("unix:/nonexistent/socket"), ENOENT);
    ck_assert_fails(cede_dial("unix:@cede-nobody-listens"), ECONNREFUSED);
    ck_assert_fails(cede_listen("unix:/nonexistent/socket"), ENOENT);
    ck_assert_fails(cede_listen("192.0.2.1:0"), EADDRNOTAVAIL);
    ck_assert_fails(cede_port(-1), EBADF);
    ck_assert_fails(cede_port(0), ENOTSOCK);
    ck_assert_int_eq(count_descriptors(), before);
}

struct canceller { struct cede_task *task; };
static int canceller(struct canceller *a)
{
    return cede_cancel(a->task);
}

/* A listener whose queue is full answers nobody: the dial waits. */
TASK_TEST(a_dial_can_be_ended)
{
    int fds[64], count = 0, before;
    char address[64];

    snprintf(address, sizeof address, "unix:@cede-full-%d", (int)getpid());
    fds[count++] = cede_listen(address);
    ck_assert_int_eq(listen(fds[0], 0), 0);
    before = count_descriptors();
    cede_timeout (20 * CEDE_MILLISECOND)
        while (count < 64 && (fds[count] = cede_dial(address)) >= 0)
            count++;
    ck_assert_int_lt(count, 64);
    ck_assert_int_eq(errno, ETIMEDOUT);
    ck_assert_int_eq(count_descriptors(), before + count - 1);
    cede_detach(cede_go(canceller, .task = cede_self()));
    ck_assert_fails(cede_dial(address), ECANCELED);
    ck_assert_int_eq(count_descriptors(), before + count - 1);
    close_all(count, fds);
}

/* ---- serve ---- */

struct counts {
    int begun, ended;
};

static int echo(int fd, void *arg)
{
    struct counts *counts = arg;
    char buffer[256];
    ssize_t n;

    counts->begun++;
    while ((n = cede_read(fd, buffer, sizeof buffer)) > 0)
        if (cede_write(fd, buffer, (size_t)n) != n)
            break;
    counts->ended++;
    return n < 0 ? -1 : 0;
}

struct server { int fd; cede_serve_fn *handler; void *arg; int *error; };
static int server(struct server *a)
{
    ck_assert_int_eq(cede_serve(a->fd, a->handler, a->arg), -1);
    *a->error = errno;
    return 0;
}

struct client { const char *address; unsigned seed; int rounds; };
static int client(struct client *a)
{
    int fd = cede_dial(a->address), round;
    char sent[100], received[100];
    unsigned seed = a->seed;

    ck_assert_int_ge(fd, 0);
    for (round = 0; round < a->rounds; round++) {
        size_t size = 1 + harness_random(&seed) % sizeof sent;

        memset(sent, (int)harness_random(&seed), size);
        ck_assert_int_eq(cede_write(fd, sent, size), (ssize_t)size);
        ck_assert_int_eq(cede_recv(fd, received, size, MSG_WAITALL), (ssize_t)size);
        ck_assert_int_eq(memcmp(sent, received, size), 0);
    }
    return cede_close(fd);
}

static void serve_clients(int listener, int clients, int rounds)
{
    struct cede_task **tasks = calloc((size_t)clients, sizeof *tasks), *serving;
    struct counts counts = {0};
    int i, error = 0;

    serving = cede_go(server, .fd = listener, .handler = echo, .arg = &counts, .error = &error);
    for (i = 0; i < clients; i++)
        ck_assert_ptr_nonnull(
            tasks[i] = cede_go(client, .address = address_of(listener), .seed = (unsigned)i + 1, .rounds = rounds));
    for (i = 0; i < clients; i++)
        ck_assert_int_eq(cede_await(tasks[i]), 0);
    ck_assert_int_eq(cede_cancel(serving), 0);
    ck_assert_int_eq(cede_await(serving), 0);
    ck_assert_int_eq(error, ECANCELED);
    ck_assert_int_eq(counts.begun, clients);
    ck_assert_int_eq(counts.ended, clients);
    free(tasks);
}

static void allow_descriptors(rlim_t count)
{
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert(limit.rlim_max >= count);
    limit.rlim_cur = count;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

TASK_TEST(a_thousand_connections_at_once)
{
    int listener = listen_locally(), before = count_descriptors();

    allow_descriptors(2500);
    serve_clients(listener, 1000, 5);
    ck_assert_int_eq(count_descriptors(), before);
    cede_close(listener);
}

static int outside_listener;

static int serve_the_outside_listener(void *unused)
{
    (void)unused;
    serve_clients(outside_listener, 20, 3);
    return 0;
}

/* A socket made before the runtime, as one that systemd passes; and one that the user has made non-blocking. */
START_TEST(a_listener_from_outside)
{
    outside_listener = listen_locally();
    ck_assert_int_eq(fcntl(outside_listener, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_eq(cede_run(serve_the_outside_listener, NULL), 0);
    ck_assert_int_eq(fcntl(outside_listener, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_eq(fcntl(outside_listener, F_SETFL, O_NONBLOCK), 0);
    ck_assert_int_eq(cede_run(serve_the_outside_listener, NULL), 0);
    close(outside_listener);
}
END_TEST

TASK_TEST(cancelled_with_connections_open)
{
    int listener = listen_locally(), before = count_descriptors(), fds[50], i, error = 0;
    struct counts counts = {0};
    struct cede_task *serving;

    serving = cede_go(server, .fd = listener, .handler = echo, .arg = &counts, .error = &error);
    for (i = 0; i < 50; i++)
        ck_assert_int_ge(fds[i] = cede_dial(address_of(listener)), 0);
    while (counts.begun < 50)
        ck_assert_int_eq(cede_sleep(CEDE_MILLISECOND), 0);
    ck_assert_int_eq(cede_cancel(serving), 0);
    ck_assert_int_eq(cede_await(serving), 0);
    ck_assert_int_eq(error, ECANCELED);
    ck_assert_int_eq(counts.ended, 50);
    for (i = 0; i < 50; i++) {
        char byte;

        ck_assert_int_eq(cede_read(fds[i], &byte, 1), 0); /* closed by the server */
    }
    close_all(50, fds);
    ck_assert_int_eq(count_descriptors(), before);
    cede_close(listener);
}

struct closer { int fd; };
static int closer(struct closer *a)
{
    return cede_close(a->fd);
}

/* Closes a listener, whose number then is that of another. */
struct reuser { int fd; };
static int reuser(struct reuser *a)
{
    int other = listen_locally();

    ck_assert_int_eq(fcntl(other, F_SETFL, O_NONBLOCK), 0);
    ck_assert_int_eq(cede_dup3(other, a->fd, 0), a->fd);
    cede_close(other);
    return 0;
}

TASK_TEST(ends_of_serve)
{
    struct counts counts = {0};
    int listener = listen_locally(), fds[2];

    cede_timeout (5 * CEDE_MILLISECOND)
        ck_assert_fails(cede_serve(listener, echo, &counts), ETIMEDOUT);
    cede_detach(cede_go(closer, .fd = listener));
    ck_assert_fails(cede_serve(listener, echo, &counts), EBADF);
    ck_assert_fails(cede_serve(listener, echo, &counts), EBADF);
    listener = listen_locally();
    ck_assert_int_ne(cede_fcntl(listener, F_SETFL, O_NONBLOCK), -1);
    cede_timeout (5 * CEDE_MILLISECOND)
        ck_assert_fails(cede_serve(listener, echo, &counts), ETIMEDOUT);
    cede_detach(cede_go(reuser, .fd = listener));
    cede_timeout (CEDE_SECOND)
        ck_assert_fails(cede_serve(listener, echo, &counts), EBADF);
    cede_close(listener);
    listener = listen_locally();
    ck_assert_fails(cede_serve(listener, NULL, NULL), EINVAL);
    ck_assert_fails(cede_serve(0, echo, NULL), ENOTSOCK);
    ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    ck_assert_fails(cede_serve(fds[0], echo, NULL), EINVAL);
    ck_assert_int_eq(shutdown(listener, SHUT_RD), 0);
    ck_assert_fails(cede_serve(listener, echo, NULL), EINVAL);
    close_all(3, (int[]){listener, fds[0], fds[1]});
}

START_TEST(serve_is_for_tasks)
{
    ck_assert_fails(cede_serve(0, echo, NULL), EPERM);
}
END_TEST

/* A handler that needs a while for its clean-up is waited for, and what it asks of its own task does not disturb. */
static int stubborn(int fd, void *arg)
{
    char byte;

    ck_assert_str_eq(cede_name(), "serve");
    ck_assert_fails(cede_detach(cede_self()), EINVAL);
    ck_assert_fails(cede_read(fd, &byte, 1), ECANCELED);
    cede_shield
        ck_assert_int_eq(cede_sleep(10 * CEDE_MILLISECOND), 0);
    ++*(int *)arg;
    errno = EIO;
    return -1;
}

TASK_TEST(handlers_are_awaited)
{
    int listener = listen_locally(), ended = 0, error = 0, fd;
    struct cede_task *serving;

    serving = cede_go(server, .fd = listener, .handler = stubborn, .arg = &ended, .error = &error);
    fd = cede_dial(address_of(listener));
    ck_assert_int_eq(cede_sleep(5 * CEDE_MILLISECOND), 0);
    ck_assert_int_eq(cede_cancel(serving), 0);
    ck_assert_int_eq(cede_await(serving), 0);
    ck_assert_int_eq(ended, 1);
    close_all(2, (int[]){fd, listener});
}

/* More connections than descriptors: those that find none wait in the kernel's queue for others to go. */
static void run_out_of_descriptors(int connected)
{
    int listener = listen_locally(), held[64], count = 0, i, error = 0;
    struct cede_task *serving, *clients[6];
    struct counts counts = {0};

    allow_descriptors((rlim_t)count_descriptors() + 40);
    serving = cede_go(server, .fd = listener, .handler = echo, .arg = &counts, .error = &error);
    while (count < connected)
        ck_assert_int_ge(held[count++] = cede_dial(address_of(listener)), 0);
    while (counts.begun < connected)
        ck_assert_int_eq(cede_sleep(CEDE_MILLISECOND), 0);
    while ((held[count] = cede_dup(0)) >= 0)
        count++;
    ck_assert_int_eq(errno, EMFILE);
    for (i = 0; i < 6; i++) /* room for six clients, and none for the server */
        ck_assert_int_eq(cede_close(held[--count]), 0);
    for (i = 0; i < 6; i++)
        clients[i] = cede_go(client, .address = address_of(listener), .seed = (unsigned)i + 1, .rounds = 2);
    ck_assert_int_eq(cede_sleep(20 * CEDE_MILLISECOND), 0);
    ck_assert_int_lt(counts.begun, connected + 6);
    close_all(count, held);
    for (i = 0; i < 6; i++)
        ck_assert_int_eq(cede_await(clients[i]), 0);
    ck_assert_int_eq(cede_cancel(serving), 0);
    ck_assert_int_eq(cede_await(serving), 0);
    ck_assert_int_eq(error, ECANCELED);
    ck_assert_int_eq(counts.begun, connected + 6);
    cede_close(listener);
}

TASK_TEST(out_of_descriptors_until_a_connection_ends)
{
    run_out_of_descriptors(10);
}

TASK_TEST(out_of_descriptors_until_others_have_some)
{
    run_out_of_descriptors(0);
}

TASK_TEST(a_pause_for_descriptors_can_be_ended)
{
    int listener = listen_locally(), held[64], count = 0, fd = cede_dial(address_of(listener));
    struct counts counts = {0};

    allow_descriptors((rlim_t)count_descriptors() + 20);
    while ((held[count] = cede_dup(0)) >= 0)
        count++;
    cede_timeout (5 * CEDE_MILLISECOND)
        ck_assert_fails(cede_serve(listener, echo, &counts), ETIMEDOUT);
    ck_assert_int_eq(counts.begun, 0);
    close_all(count, held);
    close_all(2, (int[]){fd, listener});
}

/* Connections that come and go at random, some reset before they are accepted. */
struct rude { const char *address; unsigned seed; };
static int rude(struct rude *a)
{
    const struct linger reset = {.l_onoff = 1};
    unsigned seed = a->seed;
    int i, fd;
    char byte;

    for (i = 0; i < 20; i++) {
        ck_assert_int_ge(fd = cede_dial(a->address), 0);
        if (harness_random(&seed) % 2)
            ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
        if (harness_random(&seed) % 2)
            ck_assert_int_eq(cede_write(fd, "x", 1), 1);
        if (harness_random(&seed) % 4 == 0)
            cede_timeout (CEDE_MILLISECOND)
                (void)!cede_read(fd, &byte, 1);
        ck_assert_int_eq(cede_close(fd), 0);
    }
    return 0;
}

TASK_TEST(a_storm_of_rude_clients)
{
    int listener = listen_locally(), before = count_descriptors(), i, error = 0;
    struct counts counts = {0};
    struct cede_task *serving, *tasks[30];

    serving = cede_go(server, .fd = listener, .handler = echo, .arg = &counts, .error = &error);
    for (i = 0; i < 30; i++)
        tasks[i] = cede_go(rude, .address = address_of(listener), .seed = (unsigned)i + 1);
    for (i = 0; i < 30; i++)
        ck_assert_int_eq(cede_await(tasks[i]), 0);
    ck_assert_int_eq(cede_cancel(serving), 0);
    ck_assert_int_eq(cede_await(serving), 0);
    ck_assert_int_eq(error, ECANCELED);
    ck_assert_int_eq(counts.begun, counts.ended);
    ck_assert_int_eq(count_descriptors(), before);
    cede_close(listener);
}

#if !defined CEDE__ASAN && !defined CEDE__TSAN /* which need address space of their own at any time */
enum { STACKLESS = 400 };

/* Without waiting in the poller: the server does not get to accept it meanwhile. */
static int connect_at_once(int listener)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, length), 0);
    return fd;
}

/* There is memory for the tasks, but not for all of their stacks: the other connections are closed all the same. */
TASK_TEST(no_memory_for_stacks)
{
    static int fds[STACKLESS];
    int listener = listen_locally(), before = count_descriptors(), closed = 0, error = 0, i;
    struct counts counts = {0};
    struct cede_task *serving;
    struct rlimit limit;
    rlim_t plenty;
    char byte;

    if (harness_emulated("limit on memory"))
        return;
    allow_descriptors(2 * STACKLESS + 50);
    serving = cede_go(server, .fd = listener, .handler = echo, .arg = &counts, .error = &error);
    cede_yield(); /* it waits for connections */
    for (i = 0; i < STACKLESS; i++)
        fds[i] = connect_at_once(listener);
    free(malloc(100000)); /* what the connections themselves need */
    ck_assert_int_eq(getrlimit(RLIMIT_AS, &limit), 0);
    plenty = limit.rlim_cur;
    limit.rlim_cur = 1;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    ck_assert_int_eq(cede_sleep(20 * CEDE_MILLISECOND), 0);
    limit.rlim_cur = plenty;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    ck_assert_int_eq(cede_sleep(200 * CEDE_MILLISECOND), 0);
    for (i = 0; i < STACKLESS; i++)
        closed += cede_recv(fds[i], &byte, 1, MSG_DONTWAIT) == 0;
    ck_assert_int_gt(closed, 0);
    ck_assert_int_eq(counts.begun + closed, STACKLESS);
    ck_assert_int_eq(cede_cancel(serving), 0);
    ck_assert_int_eq(cede_await(serving), 0);
    close_all(STACKLESS, fds);
    ck_assert_int_eq(count_descriptors(), before);
    cede_close(listener);
}
#endif

/* ---- storm: connections that are cancelled and time out, and a server that does, again and again ---- */

struct town {
    const char *address;
    int listener;
    struct counts counts;
    unsigned seed;
    bool over;
    int visits;
};

/* What a visitor may hear: the server was cancelled. */
static ssize_t heard(ssize_t result)
{
    ck_assert_msg(result >= 0 || errno == ECANCELED || errno == ETIMEDOUT || errno == ECONNRESET || errno == EPIPE,
                  "errno %d", errno);
    return result;
}

static void visits(void *object, unsigned *seed)
{
    const struct linger reset = {.l_onoff = 1};
    struct town *town = object;
    int fd = crowd_check(cede_dial(town->address));
    char bytes[16];

    if (fd < 0)
        return;
    if (harness_random(seed) % 4 && heard(cede_send(fd, "hello", 5, MSG_NOSIGNAL)) == 5)
        town->visits += heard(cede_read(fd, bytes, sizeof bytes)) > 0;
    if (harness_random(seed) % 4 == 0)
        ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
    ck_assert_int_eq(cede_close(fd), 0);
}

static int serves_again(void *object)
{
    struct town *town = object;

    while (!town->over) {
        cede_timeout (harness_random(&town->seed) % (4 * CEDE_MILLISECOND))
            ck_assert_fails(cede_serve(town->listener, echo, &town->counts), ETIMEDOUT);
        ck_assert_int_eq(town->counts.begun, town->counts.ended);
        cede_yield();
    }
    return 0;
}

TASK_TEST(a_storm_of_ends)
{
    struct town town = {.listener = listen_locally(), .seed = 73};
    struct crowd crowd = {.act = visits, .object = &town, .seed = 79, .tasks = 32, .rounds = HARNESS_ROUNDS(400)};
    struct cede_task *server;
    int before = count_descriptors();

    town.address = address_of(town.listener);
    server = cede_spawn(serves_again, &town);
    crowd_run_here(&crowd);
    town.over = true;
    ck_assert_int_eq(cede_await(server), 0);
    ck_assert_int_gt(town.visits, 0);
    ck_assert_int_eq(town.counts.begun, town.counts.ended);
    ck_assert_int_eq(count_descriptors(), before);
    cede_close(town.listener);
}

Suite *suite(void)
{
    Suite *net = suite_create("net");
    TCase *cases = tcase_create("net");

    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, addresses_are_taken_apart);
    tcase_add_test(cases, what_is_no_address_is_refused);
    tcase_add_test(cases, every_kind_of_address);
    tcase_add_test(cases, every_kind_of_address_outside_a_task);
    tcase_add_test(cases, a_port_is_one_of_tcp);
    tcase_add_test(cases, ipv6);
    tcase_add_test(cases, accept_waits_on_what_listen_made);
    tcase_add_test(cases, accept_waits_in_another_runtime);
    tcase_add_test(cases, a_wildcard_is_not_cut_in_half);
    tcase_add_test(cases, errors_of_dial_and_listen);
    tcase_add_test(cases, a_dial_can_be_ended);
    tcase_add_test(cases, a_thousand_connections_at_once);
    tcase_add_test(cases, a_listener_from_outside);
    tcase_add_test(cases, cancelled_with_connections_open);
    tcase_add_test(cases, ends_of_serve);
    tcase_add_test(cases, serve_is_for_tasks);
    tcase_add_test(cases, handlers_are_awaited);
    tcase_add_test(cases, out_of_descriptors_until_a_connection_ends);
    tcase_add_test(cases, out_of_descriptors_until_others_have_some);
    tcase_add_test(cases, a_pause_for_descriptors_can_be_ended);
    tcase_add_test(cases, a_storm_of_rude_clients);
    tcase_add_test(cases, a_storm_of_ends);
#if !defined CEDE__ASAN && !defined CEDE__TSAN
    tcase_add_test(cases, no_memory_for_stacks);
#endif
    suite_add_tcase(net, cases);
    return net;
}
