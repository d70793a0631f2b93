/* SPDX-License-Identifier: MIT */
/*
 * A chat: a server that passes each line on to everybody in the room, and two who talk, all in one thread.
 */
#include <cede.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { SEATS = 8 };

/* Who is in the room. Tasks of one thread need no lock for it: nobody else runs between two waits. */
struct room {
    struct cede_stream *seats[SEATS];
};

/* To everybody, at once: each stream has its buffer, and whoever does not read in time keeps nobody waiting for
 * long. */
static void tell(struct room *room, const char *who, const char *what)
{
    int i;

    for (i = 0; i < SEATS; i++)
        if (room->seats[i])
            cede_timeout (CEDE_SECOND) {
                cede_stream_printf(room->seats[i], "%s %s\n", who, what);
                if (room->seats[i])
                    cede_stream_flush(room->seats[i]);
            }
}

/* One connection: its first line is a name. */
static int guest(struct cede_stream *stream, void *arg)
{
    struct room *room = arg;
    char name[32];
    ssize_t length = cede_stream_read_line(stream, name, sizeof name);
    int seat = 0;

    while (seat < SEATS && room->seats[seat])
        seat++;
    if (length <= 1 || seat == SEATS)
        return -1;
    name[length - 1] = '\0';
    room->seats[seat] = stream;
    tell(room, name, "is here");
    cede_for (char *, line, cede_stream_lines, .stream = stream) {
        char said[256];

        snprintf(said, sizeof said, "says %s", line);
        tell(room, name, said);
    }
    room->seats[seat] = NULL; /* before the stream is closed, which happens on return */
    tell(room, name, errno ? strerror(errno) : "has left");
    return 0;
}

struct serve { int fd; };
static int serve(struct serve *arg)
{
    struct room room = {0};

    return cede_stream_serve(arg->fd, NULL, guest, &room);
}

static void say(struct cede_stream *stream, const char *line)
{
    cede_stream_printf(stream, "%s\n", line);
    cede_stream_flush(stream);
}

static void hear(struct cede_stream *stream, const char *name)
{
    char line[256];

    if (cede_stream_read_line(stream, line, sizeof line) > 0)
        printf("%s hears: %s", name, line);
    else
        printf("%s hears no more\n", name);
}

static int app(void *unused)
{
    int fd = cede_listen("127.0.0.1:0");
    struct cede_task *server = cede_go(serve, .fd = fd);
    struct cede_stream *ann, *bob;
    char address[32];

    (void)unused;
    snprintf(address, sizeof address, "127.0.0.1:%d", cede_port(fd));
    ann = cede_stream_dial(address, NULL);
    bob = cede_stream_dial(address, NULL);
    if (!ann || !bob) {
        perror(address);
        return -1;
    }
    say(ann, "ann");
    hear(ann, "ann");
    say(bob, "bob");
    hear(ann, "ann");
    hear(bob, "bob");
    say(ann, "good morning");
    hear(ann, "ann");
    hear(bob, "bob");
    cede_stream_write_eof(bob); /* says no more, but listens to the end */
    hear(ann, "ann");
    hear(bob, "bob");
    cede_stream_close(bob);
    cede_stream_close(ann);
    cede_cancel(server);
    cede_await(server);
    cede_close(fd);
    return 0;
}

int main(void)
{
    return cede_run(app, NULL);
}
