/* SPDX-License-Identifier: MIT */
/*
 * Text for people, written to a descriptor from any place: also from a signal handler, on a stack that is nearly full,
 * or where the heap is broken. Allocates nothing, takes no lock, leaves errno alone until cede__report_end().
 */
#ifndef CEDE_RUNTIME_REPORT_H
#define CEDE_RUNTIME_REPORT_H

#include <stddef.h>
#include <stdint.h>

struct cede__report {
    int fd;
    int error;   /* errno of the first write that failed; nothing is written after it */
    size_t used; /* bytes of `buffer` */
    char buffer[512];
};

void cede__report_begin(struct cede__report *report, int fd);

/* Writes what is left. Returns 0, or -1 with the errno of write(2): EAGAIN if the descriptor is non-blocking and took
 * nothing for a second. */
int cede__report_end(struct cede__report *report);

void cede__report_text(struct cede__report *report, const char *text);

/* Between double quotes; bytes that are not printable ASCII become '?'. */
void cede__report_quoted(struct cede__report *report, const char *text);

void cede__report_decimal(struct cede__report *report, int64_t value);

/* With 0x, without leading zeros. */
void cede__report_hex(struct cede__report *report, uintptr_t value);

/* About two digits, with the unit: "3.2 s", "850 ms". A negative duration counts as none. */
void cede__report_duration(struct cede__report *report, int64_t duration_ns);

#endif
