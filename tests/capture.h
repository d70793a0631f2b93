/* SPDX-License-Identifier: MIT */
/* Runs a function in a child process and keeps what it writes to standard error: for tests of reports and crashes. */
#ifndef CEDE_TESTS_CAPTURE_H
#define CEDE_TESTS_CAPTURE_H

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sanitizer.h"

struct capture {
    int status;        /* as of waitpid(2) */
    char text[65536];  /* the beginning */
};

/* The child ends by itself, with exit status 0 when fn returns, and leaves no core file. */
static inline void capture_child(struct capture *capture, void (*fn)(void *), void *arg)
{
    const struct rlimit no_core = {0, 0};
    FILE *file = tmpfile();
    size_t length;
    pid_t child;

    ck_assert_ptr_nonnull(file);
    fflush(NULL);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &no_core);
        dup2(fileno(file), STDERR_FILENO);
        fn(arg);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &capture->status, 0), child);
    rewind(file);
    length = fread(capture->text, 1, sizeof capture->text - 1, file);
    capture->text[length] = '\0';
    fclose(file);
}

/* Asserts that the text contains a string. */
#define ck_assert_says(capture, string) \
    ck_assert_msg(strstr((capture)->text, (string)), "no \"%s\" in:\n%.3000s", (string), (capture)->text)

#define ck_assert_silent_on(capture, string) \
    ck_assert_msg(!strstr((capture)->text, (string)), "\"%s\" in:\n%.3000s", (string), (capture)->text)

/* Asserts that the child died of the signal; the sanitizers turn it into a report of their own and exit. */
static inline void capture_assert_killed(const struct capture *capture, int signo)
{
#if defined CEDE__ASAN || defined CEDE__TSAN
    if (WIFEXITED(capture->status) && WEXITSTATUS(capture->status) != 0)
        return;
#endif
    ck_assert_msg(WIFSIGNALED(capture->status) && WTERMSIG(capture->status) == signo, "wait status %#x, said:\n%.3000s",
                  (unsigned)capture->status, capture->text);
}

static inline void capture_assert_exited(const struct capture *capture)
{
    ck_assert_msg(WIFEXITED(capture->status) && WEXITSTATUS(capture->status) == 0, "wait status %#x, said:\n%.3000s",
                  (unsigned)capture->status, capture->text);
}

#endif
