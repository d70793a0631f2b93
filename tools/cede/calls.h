/* SPDX-License-Identifier: MIT */
/* The table of calls, between measuring (calls.c) and printing (calls_print.c). */
#ifndef CEDE_TOOLS_CALLS_H
#define CEDE_TOOLS_CALLS_H

#include <stdbool.h>

enum { FORM_INSIDE = 4, FORM_RAW = 6, FORMS = 7, EARLY = 2, MOST_ENTRIES = 256 };

struct cell {
    char verdict[24]; /* "yields" ...; of `early`: an errno's name, "0", "completes" */
    int ms;
    char why[120];
};

struct entry {
    char call[48];
    int row, inside_row; /* of the cell program; -1: none */
    bool raw;
    struct cell forms[FORMS], early[EARLY]; /* when a deadline passes; when the task is cancelled */
};

struct table {
    struct entry entries[MOST_ENTRIES];
    int count;
    const char *const *form_names;
};

void calls_print_text(const struct table *table);
void calls_print_json(const struct table *table);

/* CALLS.md and cede-calls.7 into the directory. 0, or -1 after saying why. */
int calls_write_documents(const struct table *table, const char *directory);

#endif
