/* SPDX-License-Identifier: MIT */
/*
 * Giving libc's functions themselves a new entry, so that also those calls come here that do not go by a name: libc's
 * own (stdio's reads and writes, popen's wait), those of libraries loaded with RTLD_DEEPBIND, and those of statically
 * linked programs. README.md tells why this way and not another.
 */
#ifndef CEDE_POSIX_PATCH_H
#define CEDE_POSIX_PATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cede__posix_name;

/* Where libc's code lies, and how to find its functions: libc.c; static/libc.c for static programs. */
struct cede__posix_libc {
    uintptr_t begin, end, linker_begin, linker_end; /* the dynamic linker's code too */
    bool is_program;      /* it is part of the program: what is called inside it cannot be told from what is not */
    void *handle;         /* for dlsym() */
};

/* Where the code of the object lies that this address is in. Whether there is one. */
bool cede__posix_code_find(const void *inside, uintptr_t *begin, uintptr_t *end);

/* 0, or -1: it is not glibc, whose calls inside go through functions that have names. */
int cede__posix_libc_find(struct cede__posix_libc *libc);

/* The function of that name in libc, and its size in bytes; NULL if there is none. */
unsigned char *cede__posix_libc_function(const struct cede__posix_libc *libc, const struct cede__posix_name *name,
                                         size_t *size);

/*
 * Patches every entry that can be, or none at all. To be called once, by the constructor: all names must have been
 * looked up, and the process must have one thread. Where it is not done, the names are what they were, and
 * cede__posix_patch_refusal() tells why.
 */
void cede__posix_patch(void);

/* Why nothing was patched, as part of a sentence; NULL if it was. */
const char *cede__posix_patch_refusal(void);

#endif
