/* SPDX-License-Identifier: MIT */
/* See cover.h. With COVER_NO_WAITS, for suites that are not linked with the private parts of the runtime. */
#include "cover.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef COVER_NO_WAITS
#include "sched.h"
#endif

/* COVER_FUNCTIONS is the made header's. Behind their rows is one that says whether the suite has passed. */
enum { SIZE = (COVER_FUNCTIONS + 1) * COVER_ROW };

static volatile uint8_t (*record)[COVER_ROW];

__attribute__((constructor)) static void open_record(void)
{
    const char *path = getenv("CEDE_COVER");
    void *map = MAP_FAILED;
    int fd;

    if (!path)
        return;
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd >= 0 && ftruncate(fd, SIZE) == 0)
        map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    close(fd);
    record = map;
}

static void see(int function, int what)
{
    if (record && what >= 0 && what < COVER_ROW)
        __atomic_store_n(&record[function][what], 1, __ATOMIC_RELAXED); /* several runtimes may see it */
}

#ifdef COVER_NO_WAITS
struct cover_call cover_begin(int function)
{
    return (struct cover_call){function, false};
}

#define interrupted(by) false
#else
struct cover_call cover_begin(int function)
{
    struct cede__worker *worker = cede__worker;

    /* In a signal handler there may be no current task. */
    return (struct cover_call){function, worker && worker->current &&
                                             worker->current->interrupt == CEDE__INTERRUPT_NONE &&
                                             !atomic_load_explicit(&worker->inbox, memory_order_relaxed)};
}

static bool interrupted(enum cede__interrupt by)
{
    return cede__worker && cede__worker->current && cede__worker->current->interrupt == by;
}
#endif

void cover_end(const struct cover_call *call, int error)
{
    see(call->function, error);
    if (call->free && error == ECANCELED && interrupted(CEDE__INTERRUPT_CANCEL))
        see(call->function, COVER_CANCELED_WAITING);
    if (call->free && error == ETIMEDOUT && interrupted(CEDE__INTERRUPT_TIMEOUT))
        see(call->function, COVER_TIMEDOUT_WAITING);
}

void cover_called(int function)
{
    see(function, COVER_OK);
}

void cover_passed(void)
{
    see(COVER_FUNCTIONS, COVER_OK);
}

void cover_stop(void)
{
    record = NULL;
}
