/* SPDX-License-Identifier: MIT */
/*
 * A poller backend that does what a test tells it: no descriptor need exist, and events come when, and with the tag
 * that, the test says.
 */
#ifndef CEDE_TESTS_POLLER_FAKE_H
#define CEDE_TESTS_POLLER_FAKE_H

#include "poller.h"

enum { POLLER_FAKE_CALLS = 64 };

struct poller_fake {
    struct {
        int fd;
        uint64_t tag;
        bool retag;
    } calls[POLLER_FAKE_CALLS]; /* add and retag, in order; the poller's own wake descriptor is not among them */
    int call_count;
    int add_error, retag_error;  /* errno with which they fail from now on; 0: they succeed */
    int open_error;
    int opened, closed;
    struct cede__event events[POLLER_FAKE_CALLS]; /* for the next wait */
    int event_count;
    int64_t timeout_ns;          /* that the last wait was given */
};

/* The one there is; all zero at the start of each test. */
extern struct poller_fake poller_fake;
extern const struct cede__backend poller_fake_backend;

/* The next wait will report this. */
void poller_fake_event(uint64_t tag, unsigned bits);

#endif
