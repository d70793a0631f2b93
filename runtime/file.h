/* SPDX-License-Identifier: MIT */
/*
 * System calls that may wait for storage, made without blocking the worker: by its ring (ring.h), or on a helper thread
 * (offload.h) where there is none, or none for such a call.
 *
 * The two differ in what becomes of a call whose wait ends early. The ring takes it back and waits for the kernel to
 * let go of it, so the caller's memory can be used as it is, and a call that completed all the same keeps its result. A
 * helper thread cannot be stopped: it works on copies of the caller's memory, and the call may still happen later.
 */
#ifndef CEDE_RUNTIME_FILE_H
#define CEDE_RUNTIME_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "call.h"
#include "ring.h"
#include "sched.h"

enum { CEDE__FILE_ARGUMENTS = 5, CEDE__FILE_MEMORIES = 2 };

/* Memory of the caller's that one of a call's arguments points to. */
struct cede__file_memory {
    const struct iovec *iov;
    size_t iov_count; /* 0: there is none */
    size_t size;      /* of all segments */
    enum { CEDE__FILE_IN, CEDE__FILE_OUT, CEDE__FILE_OUT_RESULT } way; /* read by the kernel; written; written as far as
                                                                         the result says */
    uint8_t argument;
};

struct cede__file_call {
    const char *what; /* for reports */
    int fd, other_fd; /* the descriptors it works on; negative: none */
    /* For the ring: filled in but for user_data. Opcode IORING_OP_NOP: not for the ring. */
    struct io_uring_sqe entry;
    /* For a helper: the same as a system call. */
    long number, arguments[CEDE__FILE_ARGUMENTS];
    struct cede__file_memory memory[CEDE__FILE_MEMORIES];
    bool opens;       /* the result is a descriptor */
};

/*
 * Makes the call, in a task. Its result, or -1 with errno: that of the call; ECANCELED, ETIMEDOUT, EINVAL if the wait
 * ended early; ENOMEM; EAGAIN (no helper thread could be started). A task that is interrupted already makes none.
 */
long cede__file_call(struct cede__file_call *call);

/* The worker's ring, or NULL: its calls go to helper threads. */
struct cede__ring *cede__file_ring(struct cede__worker *worker);

/* Whether the open file lies in a file system that keeps it in memory: then reading and writing do not wait. */
bool cede__file_in_memory(int fd);

/* Chooses how the worker's calls are made: "ring", "pool", or NULL: as the environment variable CEDE_FILE says, else
 * the ring where there is one. 0, or -1 with errno EINVAL if that is none of these. */
int cede__file_choose(struct cede__worker *worker, const char *engine);

/*
 * Reads or writes some of these segments of a file that would have had to wait; offset -1: at the descriptor's own
 * position. *more: a short count may be due to the way it was done, so there may be more. Otherwise as
 * cede__file_call().
 */
ssize_t cede__file_transfer(const struct cede__call *call, const struct iovec *iov, size_t iov_count, int64_t offset,
                            bool *more);

#endif
