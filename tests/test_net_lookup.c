/* SPDX-License-Identifier: MIT */
/* Names whose lookup takes long or fails: what dial, listen and getaddrinfo make of it. */
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

#include "early.h"

/* What libc answers to the name "name.test", and errno beside it. SLOW: after a while, that there is no such name. */
enum { SLOW = 1000 };
static int answer, answer_errno;

/* Instead of libc's, which the runtime calls, here for any name but this one. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
    static int (*plain)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

    if (!node || strcmp(node, "name.test") != 0) {
        if (!plain)
            *(void **)&plain = dlsym(RTLD_NEXT, "getaddrinfo");
        return plain(node, service, hints, result);
    }
    if (hints && hints->ai_flags & AI_NUMERICHOST)
        return EAI_NONAME;
    errno = answer_errno;
    if (answer != SLOW)
        return answer;
    usleep(100 * 1000);
    return EAI_NONAME;
}

static const struct {
    int answer, answer_errno, error;
} failures[] = {
    {EAI_NONAME, 0, ENOENT}, {EAI_AGAIN, 0, EAGAIN},          {EAI_FAIL, 0, EIO},
    {EAI_SYSTEM, EIO, EIO},  {EAI_NONAME, EMFILE, EMFILE},    {EAI_NONAME, ENFILE, ENFILE},
    {EAI_NONAME, ENOMEM, ENOMEM},
};

enum { FAILURES = sizeof failures / sizeof *failures };

TASK_TEST(a_failed_lookup_is_told)
{
    int i;

    for (i = 0; i < FAILURES; i++) {
        answer = failures[i].answer;
        answer_errno = failures[i].answer_errno;
        ck_assert_fails(cede_dial("name.test:80"), failures[i].error);
        ck_assert_fails(cede_listen("name.test:80"), failures[i].error);
        errno = 0;
        ck_assert_ptr_null(cede_stream_dial("name.test:80", NULL));
        ck_assert_int_eq(errno, failures[i].error);
    }
}

TASK_TEST(what_libc_runs_out_of_is_no_unknown_name)
{
    static const int errors[] = {EMFILE, ENFILE, ENOMEM};
    struct addrinfo *result;
    size_t i;

    answer = EAI_NONAME;
    for (i = 0; i < sizeof errors / sizeof *errors; i++) {
        answer_errno = errors[i];
        errno = 0;
        ck_assert_int_eq(cede_getaddrinfo("name.test", NULL, NULL, &result), EAI_SYSTEM);
        ck_assert_int_eq(errno, errors[i]);
    }
}

TASK_TEST(names_that_are_too_long)
{
    static char address[300];

    memset(address, 'a', sizeof address - 1);
    memcpy(address + 280, ":80", 4);
    ck_assert_fails(cede_dial(address), ENAMETOOLONG);
    ck_assert_fails(cede_listen(address), ENAMETOOLONG);
    errno = 0;
    ck_assert_ptr_null(cede_stream_dial(address, NULL));
    ck_assert_int_eq(errno, ENAMETOOLONG);
}

/* ---- waits ---- */

static int looks_up(void *unused)
{
    struct addrinfo *result;

    (void)unused;
    return cede_getaddrinfo("name.test", NULL, NULL, &result) == EAI_SYSTEM ? -1 : 0;
}

static int dials(void *unused)
{
    (void)unused;
    return cede_dial("name.test:80");
}

static int listens(void *unused)
{
    (void)unused;
    return cede_listen("name.test:80");
}

static int dials_a_stream(void *unused)
{
    (void)unused;
    return cede_stream_dial("name.test:80", NULL) ? 0 : -1;
}

TASK_TEST(a_slow_lookup_can_be_given_up)
{
    answer = SLOW;
    early_assert_ends(looks_up, NULL);
    early_assert_ends(dials, NULL);
    early_assert_ends(listens, NULL);
    early_assert_ends(dials_a_stream, NULL);
}

Suite *suite(void)
{
    Suite *self = suite_create("net_lookup");
    TCase *cases = tcase_create("net_lookup");

    tcase_add_test(cases, a_failed_lookup_is_told);
    tcase_add_test(cases, what_libc_runs_out_of_is_no_unknown_name);
    tcase_add_test(cases, names_that_are_too_long);
    tcase_add_test(cases, a_slow_lookup_can_be_given_up);
    suite_add_tcase(self, cases);
    return self;
}
