/* SPDX-License-Identifier: MIT */
#include "poller_fake.h"

#include <errno.h>
#include <string.h>

struct poller_fake poller_fake;

static int fake_open(struct cede__poller *poller)
{
    (void)poller;
    errno = poller_fake.open_error;
    poller_fake.opened += !errno;
    return errno ? -1 : 0;
}

static void fake_close(struct cede__poller *poller)
{
    (void)poller;
    poller_fake.closed++;
}

static int record(int fd, uint64_t tag, bool retag, int error)
{
    poller_fake.calls[poller_fake.call_count].fd = fd;
    poller_fake.calls[poller_fake.call_count].tag = tag;
    poller_fake.calls[poller_fake.call_count++].retag = retag;
    errno = error;
    return error ? -1 : 0;
}

static int fake_add(struct cede__poller *poller, int fd, uint64_t tag)
{
    return fd == poller->wake_fd ? 0 : record(fd, tag, false, poller_fake.add_error);
}

static int fake_retag(struct cede__poller *poller, int fd, uint64_t tag)
{
    (void)poller;
    return record(fd, tag, true, poller_fake.retag_error);
}

static int fake_wait(struct cede__poller *poller, int64_t timeout_ns, struct cede__event *events, int max)
{
    int count = poller_fake.event_count < max ? poller_fake.event_count : max;

    (void)poller;
    poller_fake.timeout_ns = timeout_ns;
    memcpy(events, poller_fake.events, (size_t)count * sizeof *events);
    poller_fake.event_count = 0;
    return count;
}

void poller_fake_event(uint64_t tag, unsigned bits)
{
    poller_fake.events[poller_fake.event_count++] = (struct cede__event){.tag = tag, .bits = bits};
}

const struct cede__backend poller_fake_backend = {
    .name = "fake",
    .open = fake_open,
    .close = fake_close,
    .add = fake_add,
    .retag = fake_retag,
    .wait = fake_wait,
};
