/* SPDX-License-Identifier: MIT */
/* runtime/lookup.c, lookup_query.c: answers as libc gives them. That they do not block is for `cede calls` to show. */
#include <arpa/inet.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

TASK_TEST(users_and_groups)
{
    struct passwd user, *found;
    struct group group, *found_group;
    char buffer[4096], small[2];

    ck_assert_int_eq(cede_getpwnam_r("root", &user, buffer + 1, sizeof buffer - 1, &found), 0);
    ck_assert_ptr_eq(found, &user);
    ck_assert_str_eq(user.pw_name, "root");
    ck_assert(user.pw_dir >= buffer && user.pw_dir < buffer + sizeof buffer);
    ck_assert_int_eq(cede_getpwuid_r(0, &user, buffer, sizeof buffer, &found), 0);
    ck_assert_str_eq(user.pw_name, "root");
    ck_assert_int_eq(cede_getpwnam_r("root", &user, small, sizeof small, &found), ERANGE);
    ck_assert_int_eq(cede_getpwnam_r("no such user", &user, buffer, sizeof buffer, &found), 0);
    ck_assert_ptr_null(found);
    ck_assert_int_eq(cede_getgrnam_r("root", &group, buffer, sizeof buffer, &found_group), 0);
    ck_assert_str_eq(group.gr_name, "root");
    ck_assert_ptr_nonnull(group.gr_mem);
    ck_assert_int_eq(cede_getgrgid_r(0, &group, buffer, sizeof buffer, &found_group), 0);
    ck_assert_uint_eq(group.gr_gid, 0);
    ck_assert_str_eq(cede_getpwuid(0)->pw_name, "root");
    ck_assert_uint_eq(cede_getpwnam("root")->pw_uid, 0);
    ck_assert_str_eq(cede_getgrgid(0)->gr_name, "root");
    ck_assert_uint_eq(cede_getgrnam("root")->gr_gid, 0);
    ck_assert_ptr_null(cede_getpwnam("no such user"));
}

TASK_TEST(hosts)
{
    struct in_addr loopback = {htonl(INADDR_LOOPBACK)};
    struct hostent host, *found;
    char buffer[4096], small[4];
    int error = 0;

    ck_assert_int_eq(cede_gethostbyname_r("127.0.0.1", &host, buffer, sizeof buffer, &found, &error), 0);
    ck_assert_ptr_eq(found, &host);
    ck_assert_mem_eq(host.h_addr_list[0], &loopback, sizeof loopback);
    ck_assert_ptr_null(host.h_addr_list[1]);
    ck_assert_int_eq(cede_gethostbyname2_r("::1", AF_INET6, &host, buffer, sizeof buffer, &found, &error), 0);
    ck_assert_int_eq(host.h_length, 16);
    ck_assert_int_eq(cede_gethostbyname_r("127.0.0.1", &host, small, sizeof small, &found, &error), ERANGE);
    found = cede_gethostbyname("localhost");
    ck_assert_ptr_nonnull(found);
    ck_assert_str_eq(found->h_name, "localhost");
    ck_assert_ptr_nonnull(cede_gethostbyname2("127.0.0.1", AF_INET));
    found = cede_gethostbyaddr(&loopback, sizeof loopback, AF_INET);
    ck_assert_ptr_nonnull(found);
    ck_assert_str_eq(found->h_name, "localhost");
    ck_assert_int_eq(cede_gethostbyaddr_r(&loopback, sizeof loopback, AF_INET, &host, buffer, sizeof buffer, &found,
                                          &error), 0);
    ck_assert_str_eq(host.h_name, "localhost");
}

TASK_TEST(names_of_addresses)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(80),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char host[64], service[16], tiny[2];

    ck_assert_int_eq(cede_getnameinfo((struct sockaddr *)&address, sizeof address, host, sizeof host, service,
                                      sizeof service, NI_NUMERICHOST | NI_NUMERICSERV), 0);
    ck_assert_str_eq(host, "127.0.0.1");
    ck_assert_str_eq(service, "80");
    ck_assert_int_eq(cede_getnameinfo((struct sockaddr *)&address, sizeof address, tiny, sizeof tiny, NULL, 0,
                                      NI_NUMERICHOST), EAI_OVERFLOW);
    ck_assert_int_eq(cede_getnameinfo((struct sockaddr *)&address, 1, host, sizeof host, NULL, 0, 0), EAI_FAMILY);
}

/* What has been cancelled asks nobody. */
static int after_cancel(void *unused)
{
    struct passwd user, *found;
    unsigned char answer[64];
    char buffer[256], host[64];
    struct sockaddr_in address = {.sin_family = AF_INET};
    int error = 0;
    struct hostent record, *found_host;

    (void)unused;
    cede_cancel(cede_self());
    cede_check();
    if (cede_getpwnam_r("root", &user, buffer, sizeof buffer, &found) != ECANCELED || found)
        return 1;
    if (cede_getnameinfo((struct sockaddr *)&address, sizeof address, host, sizeof host, NULL, 0, 0) != EAI_SYSTEM
        || errno != ECANCELED)
        return 2;
    if (cede_gethostbyname_r("localhost", &record, buffer, sizeof buffer, &found_host, &error) != ECANCELED
        || error != NETDB_INTERNAL)
        return 3;
    if (cede_getpwnam("root") || errno != ECANCELED)
        return 4;
    if (cede_res_query("localhost", 1, 1, answer, sizeof answer) != -1 || errno != ECANCELED)
        return 5;
    if (cede_res_search("localhost", 1, 1, answer, sizeof answer) != -1 || errno != ECANCELED)
        return 6;
    return 0;
}

TASK_TEST(cancelled_tasks_ask_nobody)
{
    ck_assert_int_eq(cede_await(cede_spawn(after_cancel, NULL)), 0);
}

START_TEST(outside_tasks)
{
    ck_assert_str_eq(cede_getpwuid(0)->pw_name, "root");
    ck_assert_str_eq(cede_getgrgid(0)->gr_name, "root");
    ck_assert_ptr_nonnull(cede_gethostbyname("127.0.0.1"));
}
END_TEST

Suite *suite(void)
{
    Suite *lookup = suite_create("lookup");
    TCase *cases = tcase_create("lookup");

    tcase_add_test(cases, users_and_groups);
    tcase_add_test(cases, hosts);
    tcase_add_test(cases, names_of_addresses);
    tcase_add_test(cases, cancelled_tasks_ask_nobody);
    tcase_add_test(cases, outside_tasks);
    suite_add_tcase(lookup, cases);
    return lookup;
}
