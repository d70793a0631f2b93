/* SPDX-License-Identifier: MIT */
/* Makes the system refuse: a system call that fails as it should be seldom, a process without memory. */
#ifndef CEDE_TESTS_FAULT_H
#define CEDE_TESTS_FAULT_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness.h"

/*
 * From now on this system call fails with this errno, in all threads of the process and for ever: for libcheck's fork
 * mode. False, having said so, where that cannot be done: the test is to skip it.
 */
static inline bool fault_inject(long number, int error)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};

    if (harness_emulated("seccomp(2)"))
        return false;
#if defined HARNESS_SANITIZED && !defined HARNESS_TSAN
    if (number == SYS_clone)
        return false; /* LeakSanitizer clones the process at its end */
#endif
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
        && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0)
        return true;
    printf("skipped in part: seccomp(2) is refused\n");
    return false;
}

/* What takes up all memory. */
struct fault_memory {
    struct rlimit limit;
    void *taken; /* a list of blocks: each begins with the address of the next */
};

/*
 * From now on every allocation fails, until fault_memory_end(). False, having said so, where that cannot be done: the
 * allocators of the sanitizers do not survive it.
 */
static inline bool fault_memory_begin(struct fault_memory *memory)
{
    struct rlimit none;
    size_t size;
    void *block;

#ifdef HARNESS_SANITIZED
    (void)memory, (void)none, (void)size, (void)block;
    return false;
#else
    if (harness_valgrind() || harness_emulated("limit on memory"))
        return false;
    memory->taken = NULL;
    ck_assert_int_eq(getrlimit(RLIMIT_AS, &memory->limit), 0);
    none = memory->limit;
    none.rlim_cur = 0;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &none), 0);
    for (size = (size_t)1 << 20; size >= sizeof block; size -= size > 4096 ? size / 2 : 16)
        while ((block = malloc(size))) {
            *(void **)block = memory->taken;
            memory->taken = block;
        }
    return true;
#endif
}

static inline void fault_memory_end(struct fault_memory *memory)
{
    void *block;

    ck_assert_int_eq(setrlimit(RLIMIT_AS, &memory->limit), 0);
    while ((block = memory->taken)) {
        memory->taken = *(void **)block;
        free(block);
    }
}

/* For what is opened to be refused: clang with link-time optimization leaves out an allocation that nobody looks at. */
static inline bool fault_is_null(void *opened)
{
    void *volatile seen = opened;

    return !seen;
}

#endif
