/* SPDX-License-Identifier: MIT */
/* runtime/lookup.c, lookup_query.c: answers as libc gives them. That they do not block is for `cede calls` to show. */
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <dlfcn.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <pwd.h>
#include <resolv.h>
#include <string.h>

#include "early.h"

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

/* ---- the domain name system ---- */

#ifdef __GLIBC__ /* whose resolver can be told whom to ask */

/* A name server on the loopback interface: every name has the address 127.0.0.7, but for those that begin with
 * "silent", which it does not answer, and "none". */
static int server = -1;

enum { HEAD = 12, ASKED = 512 };

/* Makes an answer of the question in `message`. Its new size; 0: none. */
static size_t answer_question(unsigned char *message, size_t size)
{
    static const unsigned char record[] = {0xc0, HEAD, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 7};

    if (size < HEAD + 8 || memcmp(message + HEAD, "\6silent", 7) == 0)
        return 0;
    message[2] |= 0x80; /* an answer */
    message[3] = 0x80;
    message[6] = message[8] = message[9] = message[10] = message[11] = 0;
    if (memcmp(message + HEAD, "\4none", 5) == 0) {
        message[3] |= 3; /* no such name */
        return size;
    }
    message[7] = 1; /* record */
    memcpy(message + size, record, sizeof record);
    return size + sizeof record;
}

static void *serve(void *unused)
{
    unsigned char message[ASKED + 16];
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    ssize_t size;

    (void)unused;
    while ((size = recvfrom(server, message, ASKED, 0, (struct sockaddr *)&from, &length)) > 0) {
        message[11] = 0;
        size = (ssize_t)answer_question(message, (size_t)size);
        if (size > 0)
            sendto(server, message, (size_t)size, 0, (struct sockaddr *)&from, length);
    }
    return NULL;
}

static void start_server(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    pthread_t thread;

    server = socket(AF_INET, SOCK_DGRAM, 0);
    ck_assert_int_eq(bind(server, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, serve, NULL), 0);
    pthread_detach(thread); /* ends with the test's process */
}

/* The calling thread's resolver asks our server, and not for long. */
static int ask_server(void)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;

    if (res_init() != 0 || getsockname(server, (struct sockaddr *)&address, &length) != 0)
        return -1;
    _res.nscount = 1;
    _res.nsaddr_list[0] = address;
    _res.retrans = _res.retry = 1;
    _res.options &= ~(RES_DNSRCH | RES_DEFNAMES | RES_USE_EDNS0);
    return 0;
}

/* Instead of libc's, which the runtime calls: those, with our server. */

#define TEXT_OF(name) TEXT_OF_(name) /* it may be a macro */
#define TEXT_OF_(name) #name

int res_query(const char *name, int class_, int type, unsigned char *answer, int size)
{
    int (*plain)(const char *, int, int, unsigned char *, int) = NULL;

    *(void **)&plain = dlsym(RTLD_NEXT, TEXT_OF(res_query));
    return ask_server() == 0 ? plain(name, class_, type, answer, size) : -1;
}

int res_search(const char *name, int class_, int type, unsigned char *answer, int size)
{
    int (*plain)(const char *, int, int, unsigned char *, int) = NULL;

    *(void **)&plain = dlsym(RTLD_NEXT, TEXT_OF(res_search));
    return ask_server() == 0 ? plain(name, class_, type, answer, size) : -1;
}

static int query(void *name)
{
    static unsigned char answer[ASKED];

    return cede_res_query(name, ns_c_in, ns_t_a, answer, sizeof answer);
}

static int search(void *name)
{
    static unsigned char answer[ASKED];

    return cede_res_search(name, ns_c_in, ns_t_a, answer, sizeof answer);
}

static void check_questions(void)
{
    static const unsigned char address[] = {127, 0, 0, 7};
    unsigned char answer[ASKED];
    int size = cede_res_query("name.test", ns_c_in, ns_t_a, answer, sizeof answer);

    ck_assert_int_gt(size, HEAD);
    ck_assert_mem_eq(answer + size - 4, address, 4);
    ck_assert_int_eq(cede_res_search("name.test", ns_c_in, ns_t_a, answer, sizeof answer), size);
    ck_assert_mem_eq(answer + size - 4, address, 4);
    memset(answer, 0xff, sizeof answer);
    ck_assert_int_ge(cede_res_query("name.test", ns_c_in, ns_t_a, answer, HEAD), HEAD);
    ck_assert_uint_eq(answer[HEAD], 0xff); /* no more than there is room for */
    ck_assert_int_eq(query("none.test"), -1);
    ck_assert_int_eq(h_errno, HOST_NOT_FOUND);
    ck_assert_int_eq(search("none.test"), -1);
    ck_assert_int_eq(h_errno, HOST_NOT_FOUND);
}

TASK_TEST(questions_are_answered)
{
    start_server();
    check_questions();
    early_assert_ends(query, "silent.test");
    early_assert_ends(search, "silent.test");
}

START_TEST(questions_outside_tasks)
{
    start_server();
    check_questions();
}
END_TEST

#endif

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
    ck_assert_ptr_null(cede_getpwnam("no such user"));
}
END_TEST

Suite *suite(void)
{
    Suite *lookup = suite_create("lookup");
    TCase *cases = tcase_create("lookup");

    tcase_add_test(cases, users_and_groups);
    tcase_add_test(cases, hosts);
    tcase_add_test(cases, names_of_addresses);
#ifdef __GLIBC__
    tcase_add_test(cases, questions_are_answered);
    tcase_add_test(cases, questions_outside_tasks);
#endif
    tcase_add_test(cases, cancelled_tasks_ask_nobody);
    tcase_add_test(cases, outside_tasks);
    suite_add_tcase(lookup, cases);
    return lookup;
}
