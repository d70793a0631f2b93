/* SPDX-License-Identifier: MIT */
/*
 * A TCP server that sends back what it gets, one task for each connection, and three clients of it, all in one thread.
 * Every function is written as if it had a thread to itself.
 */
#include <cede.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Runs once for each connection, which is closed when it returns. */
static int echo(int fd, void *unused)
{
    char buf[4096];
    ssize_t count;

    (void)unused;
    while ((count = cede_read(fd, buf, sizeof buf)) > 0) /* others run while this one waits for data */
        if (cede_write(fd, buf, (size_t)count) != count)
            return -1;
    return (int)count;
}

struct server {
    int fd;
};

static int server(struct server *arg)
{
    int result = cede_serve(arg->fd, echo, NULL); /* returns only when something ends it */

    printf("server: %s\n", strerror(errno));
    return result;
}

struct client {
    int port;
    const char *text;
};

static int client(struct client *arg)
{
    char address[32], reply[64] = "";
    int fd;

    snprintf(address, sizeof address, "127.0.0.1:%d", arg->port);
    fd = cede_dial(address);
    if (fd < 0)
        return -1;
    cede_write(fd, arg->text, strlen(arg->text));
    cede_read(fd, reply, sizeof reply - 1);
    cede_close(fd);
    printf("%s came back as %s\n", arg->text, reply);
    return 0;
}

static int app(void *unused)
{
    static const char *const texts[] = {"one", "two", "three"};
    int fd = cede_listen("127.0.0.1:0"), i; /* port 0: any that is free */
    struct cede_task *task;

    (void)unused;
    if (fd < 0) {
        perror("cede_listen");
        return -1;
    }
    task = cede_go(server, .fd = fd);
    for (i = 0; i < 3; i++)
        if (cede_await(cede_go(client, .port = cede_port(fd), .text = texts[i])) < 0)
            perror("client");
    cede_cancel(task); /* ends cede_serve(), which ends the connections that are left */
    cede_await(task);
    cede_close(fd);
    return 0;
}

int main(void)
{
    return cede_run(app, NULL);
}
