/* SPDX-License-Identifier: MIT */
/* Printing the table of calls; see calls.h. */
#include <stdio.h>
#include <string.h>

#include "calls.h"
#include "command.h"

static const char *const form_titles[FORMS] = {"direct", "fortified", "dlopen", "DEEPBIND", "inside libc", "static",
                                               "syscall()"};

/* ---- for people ---- */

static int count(const struct table *table, const char *verdict)
{
    int total = 0, i, form;

    for (i = 0; i < table->count; i++)
        for (form = 0; form < FORMS; form++)
            total += strcmp(table->entries[i].forms[form].verdict, verdict) == 0;
    return total;
}

static const char *short_verdict(const struct cell *cell)
{
    return strcmp(cell->verdict, "impossible") == 0 ? "-" : cell->verdict;
}

void calls_print_text(const struct table *table)
{
    const struct entry *entry;
    int i, form;

    printf("%-24s", "");
    for (form = 0; form < FORMS; form++)
        printf(" %-11s", form_titles[form]);
    printf("\n");
    for (entry = table->entries; entry < table->entries + table->count; entry++) {
        printf("%-24s", entry->call);
        for (form = 0; form < FORMS; form++)
            printf(" %-11s", short_verdict(&entry->forms[form]));
        printf("\n");
    }
    printf("\n%d cells yield, %d block, %d are wrong, %d are impossible\n", count(table, "yields"),
           count(table, "blocks"), count(table, "wrong"), count(table, "impossible"));
    for (i = 0; i < table->count; i++)
        for (form = 0; form < FORMS; form++)
            if (table->entries[i].forms[form].why[0]
                && strcmp(table->entries[i].forms[form].verdict, "impossible") != 0)
                printf("%s, %s: %s\n", table->entries[i].call, form_titles[form], table->entries[i].forms[form].why);
}

/* ---- for programs ---- */

static void put_string(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            putchar('\\');
        putchar((unsigned char)*text < ' ' ? ' ' : *text);
    }
    putchar('"');
}

void calls_print_json(const struct table *table)
{
    const char *comma = "[\n";
    int i, form;

    for (i = 0; i < table->count; i++)
        for (form = 0; form < FORMS; form++) {
            const struct cell *cell = &table->entries[i].forms[form];

            printf("%s{\"call\": ", comma);
            put_string(table->entries[i].call);
            printf(", \"form\": \"%s\", \"verdict\": \"%s\", \"ms\": %d, \"why\": ", table->form_names[form],
                   cell->verdict, cell->ms);
            put_string(cell->why);
            printf("}");
            comma = ",\n";
        }
    printf("\n]\n");
}

/* ---- documents ---- */

static FILE *create(const char *directory, const char *name)
{
    char path[4096];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", directory, name);
    file = fopen(path, "w");
    if (!file)
        command_error(&command_calls, "cannot write %s", path);
    return file;
}

/* What a call gives when its wait is ended early, in words. */
static const char *early(const struct cell *cell)
{
    if (strcmp(cell->verdict, "completes") == 0)
        return "goes on to its end";
    if (strcmp(cell->verdict, "0") == 0)
        return "fails, no errno";
    if (strcmp(cell->verdict, "impossible") == 0)
        return "-";
    return cell->verdict;
}

static void write_reasons(FILE *file, const struct table *table)
{
    int i, form, other, other_form;

    for (i = 0; i < table->count; i++)
        for (form = 0; form < FORMS; form++) {
            const char *why = table->entries[i].forms[form].why;

            for (other = 0; other <= i; other++)
                for (other_form = 0; other_form < FORMS; other_form++) {
                    if (other == i && other_form >= form)
                        break;
                    if (strcmp(table->entries[other].forms[other_form].why, why) == 0)
                        why = "";
                }
            if (*why)
                fprintf(file, "- %s, first for %s (%s): %s.\n", table->entries[i].forms[form].verdict,
                        table->entries[i].call, form_titles[form], why);
        }
}

static int write_markdown(const struct table *table, const char *directory)
{
    FILE *file = create(directory, "CALLS.md");
    const struct entry *entry;
    int form;

    if (!file)
        return -1;
    fprintf(file, "# Calls under libcede-posix\n\n"
                  "Measured and written by `cede calls --documents runtime/posix`; a test says when it is stale. Each "
                  "call waits for 250 ms in\na task, in each form of being called, while another task of the same "
                  "thread counts: does the other run? `-`: there is no such\ncell. The last columns: errno when a "
                  "`cede_timeout` scope ends the call, and when its task is cancelled.\n\n| call |");
    for (form = 0; form < FORMS; form++)
        fprintf(file, " %s |", form_titles[form]);
    fprintf(file, " deadline | cancel |\n|---|");
    for (form = 0; form < FORMS + EARLY; form++)
        fprintf(file, "---|");
    fprintf(file, "\n");
    for (entry = table->entries; entry < table->entries + table->count; entry++) {
        fprintf(file, "| %s |", entry->call);
        for (form = 0; form < FORMS; form++)
            fprintf(file, " %s |", short_verdict(&entry->forms[form]));
        fprintf(file, " %s | %s |\n", early(&entry->early[0]), early(&entry->early[1]));
    }
    fprintf(file, "\nWhy a cell is not *yields*:\n\n");
    write_reasons(file, table);
    return fclose(file);
}

static int write_manual(const struct table *table, const char *directory)
{
    FILE *file = create(directory, "cede-calls.7");
    const struct entry *entry;
    const char *comma;
    int form;

    if (!file)
        return -1;
    fprintf(file, ".\\\" SPDX-License-Identifier: MIT\n.\\\" Written by `cede calls --documents`.\n"
                  ".TH CEDE-CALLS 7 \"\" cede\n.SH NAME\ncede-calls \\- blocking calls under libcede-posix\n"
                  ".SH DESCRIPTION\nFor each call: the forms of calling in which it lets other tasks of the thread "
                  "run, and errno when a\ncede_timeout scope ends it or its task is cancelled. Measured by\n"
                  ".BR \"cede calls\" .\n.SH CALLS\n");
    for (entry = table->entries; entry < table->entries + table->count; entry++) {
        fprintf(file, ".TP\n.B %s\n", entry->call);
        if (strcmp(entry->forms[0].verdict, "impossible") == 0) {
            fprintf(file, "Not measured: %s.\n", entry->forms[0].why);
            continue;
        }
        fprintf(file, "Yields: ");
        comma = "";
        for (form = 0; form < FORMS; form++)
            if (strcmp(entry->forms[form].verdict, "yields") == 0) {
                fprintf(file, "%s%s", comma, form_titles[form]);
                comma = ", ";
            }
        for (form = 0; form < FORMS; form++)
            if (strcmp(entry->forms[form].verdict, "yields") != 0
                && strcmp(entry->forms[form].verdict, "impossible") != 0)
                fprintf(file, "; %s: %s", form_titles[form], entry->forms[form].verdict);
        fprintf(file, ".\nDeadline: %s. Cancelled: %s.\n", early(&entry->early[0]), early(&entry->early[1]));
    }
    fprintf(file, ".SH SEE ALSO\n.BR cede/posix.h ,\nruntime/posix/README.md\n");
    return fclose(file);
}

int calls_write_documents(const struct table *table, const char *directory)
{
    return write_markdown(table, directory) != 0 ? -1 : write_manual(table, directory);
}
