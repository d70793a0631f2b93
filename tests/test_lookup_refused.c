/* SPDX-License-Identifier: MIT */
/* Lookups whose helper thread does not come, or not in time, and those without memory. */
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>

#include "busy.h"
#include "early.h"
#include "fault.h"

static char buffer[4096];
static unsigned char answer[512];
static const struct sockaddr_in address = {.sin_family = AF_INET};
static const struct in_addr loopback = {0x0100007f};
static struct hostent host, *found_host;
static struct passwd user, *found_user;
static struct group group, *found_group;
static int host_error;

/* All return 0, or -1 with errno: EPROTO for what contradicts the documentation. No assertions: there may be no memory
 * for them. */

static int refused(int error, bool as_documented)
{
    if (error == 0 && as_documented)
        return 0;
    errno = as_documented ? error : EPROTO;
    return -1;
}

static int naming(void)
{
    int result = cede_getnameinfo((const struct sockaddr *)&address, sizeof address, buffer, sizeof buffer, NULL, 0,
                                  NI_NUMERICHOST);

    return refused(result == EAI_MEMORY ? ENOMEM : result ? errno : 0,
                   result == 0 || result == EAI_SYSTEM || result == EAI_MEMORY);
}

static int refused_host(int error)
{
    return refused(error, error == 0 ? found_host == &host : !found_host && host_error == NETDB_INTERNAL);
}

static int name_r(size_t size)
{
    return refused_host(cede_gethostbyname_r("127.0.0.1", &host, buffer, size, &found_host, &host_error));
}

static int name2_r(size_t size)
{
    return refused_host(cede_gethostbyname2_r("127.0.0.1", AF_INET, &host, buffer, size, &found_host, &host_error));
}

static int addr_r(size_t size)
{
    return refused_host(cede_gethostbyaddr_r(&loopback, sizeof loopback, AF_INET, &host, buffer, size, &found_host,
                                             &host_error));
}

static int refused_user(int error)
{
    return refused(error, found_user == (error ? NULL : &user));
}

static int user_name_r(size_t size)
{
    return refused_user(cede_getpwnam_r("root", &user, buffer, size, &found_user));
}

static int user_id_r(size_t size)
{
    return refused_user(cede_getpwuid_r(0, &user, buffer, size, &found_user));
}

static int refused_group(int error)
{
    return refused(error, found_group == (error ? NULL : &group));
}

static int group_name_r(size_t size)
{
    return refused_group(cede_getgrnam_r("root", &group, buffer, size, &found_group));
}

static int group_id_r(size_t size)
{
    return refused_group(cede_getgrgid_r(0, &group, buffer, size, &found_group));
}

/* As errno has it, where h_errno says so. */
static int internal(bool failed)
{
    return refused(failed ? errno : 0, !failed || h_errno == NETDB_INTERNAL);
}

static int (*const sized[])(size_t) = {name_r,    name2_r,      addr_r,    user_name_r,
                                       user_id_r, group_name_r, group_id_r};

enum { SIZED = sizeof sized / sizeof *sized };

static int name(void) { return internal(!cede_gethostbyname("127.0.0.1")); }
static int name2(void) { return internal(!cede_gethostbyname2("127.0.0.1", AF_INET)); }
static int addr(void) { return internal(!cede_gethostbyaddr(&loopback, sizeof loopback, AF_INET)); }
static int user_name(void) { return cede_getpwnam("root") ? 0 : -1; }
static int user_id(void) { return cede_getpwuid(0) ? 0 : -1; }
static int group_name(void) { return cede_getgrnam("root") ? 0 : -1; }
static int group_id(void) { return cede_getgrgid(0) ? 0 : -1; }
static int query(void) { return internal(cede_res_query("name.test", 1, 1, answer, sizeof answer) < 0); }
static int search(void) { return internal(cede_res_search("name.test", 1, 1, answer, sizeof answer) < 0); }

static int (*const plain[])(void) = {naming,  name,       name2,    addr,  user_name,
                                     user_id, group_name, group_id, query, search};

enum { PLAIN = sizeof plain / sizeof *plain, CALLS = SIZED + PLAIN };

/* The i-th call. */
static int call(int i)
{
    return i < SIZED ? sized[i](sizeof buffer) : plain[i - SIZED]();
}

static int call_of(void *i)
{
    return call((int)(intptr_t)i);
}

TASK_TEST(all_helpers_are_busy)
{
    int i;

    busy_begin();
    for (i = 0; i < CALLS; i++)
        early_assert_ends(call_of, (void *)(intptr_t)i);
    busy_end();
}

TASK_TEST(buffers_that_are_too_small)
{
    int i;

    for (i = 0; i < SIZED; i++) {
        ck_assert_fails(sized[i](4), ERANGE);
        ck_assert_int_eq(sized[i](sizeof buffer), 0);
    }
}

/* An error number is returned, and errno is as it was. */
TASK_TEST(errno_is_left_alone)
{
    struct fault_memory memory;
    int error, after;

    errno = EXDEV;
    ck_assert_int_eq(cede_getpwuid_r(0, &user, buffer, 4, &found_user), ERANGE);
    ck_assert_int_eq(errno, EXDEV);
    ck_assert_ptr_null(cede_getpwnam("no such user"));
    ck_assert_int_eq(errno, EXDEV);
    if (!fault_memory_begin(&memory))
        return;
    errno = EXDEV;
    error = cede_getpwuid_r(0, &user, buffer, sizeof buffer, &found_user);
    after = errno;
    fault_memory_end(&memory);
    ck_assert_int_eq(error, ENOMEM);
    ck_assert_int_eq(after, EXDEV);
}

TASK_TEST(no_memory)
{
    struct fault_memory memory;
    int results[CALLS], errors[CALLS], i;

    ck_assert_int_eq(naming(), 0); /* there is a helper */
    if (!fault_memory_begin(&memory))
        return;
    for (i = 0; i < CALLS; i++) {
        errno = 0;
        results[i] = call(i);
        errors[i] = errno;
    }
    fault_memory_end(&memory);
    for (i = 0; i < CALLS; i++)
        ck_assert_msg(results[i] == -1 && errors[i] == ENOMEM, "call %d: %d, errno %d", i, results[i], errors[i]);
}

TASK_TEST(no_helper)
{
    int i;

    if (!fault_inject(SYS_clone3, EAGAIN) || !fault_inject(SYS_clone, EAGAIN))
        return;
    for (i = 0; i < CALLS; i++)
        ck_assert_fails(call(i), EAGAIN);
}

Suite *suite(void)
{
    Suite *self = suite_create("lookup_refused");
    TCase *cases = tcase_create("lookup_refused");

    tcase_add_test(cases, all_helpers_are_busy);
    tcase_add_test(cases, buffers_that_are_too_small);
    tcase_add_test(cases, errno_is_left_alone);
    tcase_add_test(cases, no_memory);
    tcase_add_test(cases, no_helper);
    suite_add_tcase(self, cases);
    return self;
}
