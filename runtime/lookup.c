/* SPDX-License-Identifier: MIT */
/* Looking up hosts, users and groups on helper threads; see cede/lookup.h. What libc fills in is a record that points
 * into a buffer: the helper works on a record and a buffer of its own, and the task moves both to the caller's. */
#include <cede/lookup.h>
#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "offload.h"

enum { MOST_STRINGS = 5, MOST_LISTS = 2, ADDRESS_BYTES = 16, FIRST_SIZE = 1024, LARGEST_SIZE = 1 << 20 };

/* A sort of record: where in it are pointers to strings, and to lists of them that end with NULL. */
struct layout {
    size_t bytes, strings[MOST_STRINGS], lists[MOST_LISTS];
    int string_count, list_count;
};

static const struct layout host_layout = {
    sizeof(struct hostent), {offsetof(struct hostent, h_name)},
    {offsetof(struct hostent, h_aliases), offsetof(struct hostent, h_addr_list)}, 1, 2};
static const struct layout user_layout = {
    sizeof(struct passwd),
    {offsetof(struct passwd, pw_name), offsetof(struct passwd, pw_passwd), offsetof(struct passwd, pw_gecos),
     offsetof(struct passwd, pw_dir), offsetof(struct passwd, pw_shell)}, {0}, 5, 0};
static const struct layout group_layout = {
    sizeof(struct group), {offsetof(struct group, gr_name), offsetof(struct group, gr_passwd)},
    {offsetof(struct group, gr_mem)}, 2, 1};

/* A question, and room for its answer. */
struct lookup {
    struct cede__job job;
    const struct layout *layout;
    int (*ask)(struct lookup *lookup); /* libc's function */
    const char *name;                  /* in text */
    unsigned char address[ADDRESS_BYTES];
    socklen_t length;
    int family;
    unsigned id;
    union {
        struct hostent host;
        struct passwd user;
        struct group group;
    } record;
    void *found;
    char *buffer;
    size_t size;
    int result, host_error;
    char *text;
};

/* What is asked; copied into a struct lookup. */
struct question {
    const char *what, *name;
    const struct layout *layout;
    int (*ask)(struct lookup *lookup);
    const void *address;
    socklen_t length;
    int family;
    unsigned id;
};

/* ---- libc's functions ---- */

static int ask_host(struct lookup *l)
{
    return gethostbyname2_r(l->name, l->family, &l->record.host, l->buffer, l->size, (struct hostent **)&l->found,
                            &l->host_error);
}

static int ask_host_of_any_family(struct lookup *l)
{
    return gethostbyname_r(l->name, &l->record.host, l->buffer, l->size, (struct hostent **)&l->found, &l->host_error);
}

static int ask_address(struct lookup *l)
{
    return gethostbyaddr_r(l->address, l->length, l->family, &l->record.host, l->buffer, l->size,
                           (struct hostent **)&l->found, &l->host_error);
}

static int ask_user(struct lookup *l)
{
    return l->name ? getpwnam_r(l->name, &l->record.user, l->buffer, l->size, (struct passwd **)&l->found)
                   : getpwuid_r(l->id, &l->record.user, l->buffer, l->size, (struct passwd **)&l->found);
}

static int ask_group(struct lookup *l)
{
    return l->name ? getgrnam_r(l->name, &l->record.group, l->buffer, l->size, (struct group **)&l->found)
                   : getgrgid_r(l->id, &l->record.group, l->buffer, l->size, (struct group **)&l->found);
}

/* ---- the job ---- */

static void run(struct cede__job *job)
{
    struct lookup *lookup = CEDE__CONTAINER(job, struct lookup, job);

    lookup->result = lookup->ask(lookup);
}

static void release(struct cede__job *job)
{
    struct lookup *lookup = CEDE__CONTAINER(job, struct lookup, job);

    free(lookup->text);
    free(lookup);
}

static struct lookup *lookup_new(const struct question *question, const char *buffer, size_t size)
{
    size_t skew = (uintptr_t)buffer & 15; /* what is aligned in our buffer is to be so in the caller's */
    struct lookup *lookup = malloc(sizeof *lookup + size + 32);
    char *begin;

    if (!lookup)
        return NULL;
    *lookup = (struct lookup){.job = {.what = question->what, .run = run, .release = release},
                              .layout = question->layout, .ask = question->ask, .length = question->length,
                              .family = question->family, .id = question->id, .size = size};
    begin = (char *)(lookup + 1);
    lookup->buffer = begin + ((skew - (uintptr_t)begin) & 15);
    if (question->address)
        memcpy(lookup->address, question->address,
               question->length < ADDRESS_BYTES ? question->length : ADDRESS_BYTES);
    if (question->name && !(lookup->name = lookup->text = strdup(question->name))) {
        free(lookup);
        return NULL;
    }
    return lookup;
}

/* ---- the answer ---- */

/* A pointer into our buffer becomes one into the caller's. */
static void *moved(const struct lookup *lookup, void *pointer, char *buffer)
{
    uintptr_t offset = (uintptr_t)pointer - (uintptr_t)lookup->buffer;

    return pointer && offset < lookup->size ? buffer + offset : pointer;
}

static void move_answer(const struct lookup *lookup, void *record, char *buffer)
{
    char ***list, **element, **string;
    int i;

    memcpy(record, &lookup->record, lookup->layout->bytes);
    memcpy(buffer, lookup->buffer, lookup->size);
    for (i = 0; i < lookup->layout->string_count; i++) {
        string = (char **)(void *)((char *)record + lookup->layout->strings[i]);
        *string = moved(lookup, *string, buffer);
    }
    for (i = 0; i < lookup->layout->list_count; i++) {
        list = (char ***)(void *)((char *)record + lookup->layout->lists[i]);
        *list = moved(lookup, *list, buffer);
        for (element = *list; element && *element; element++)
            *element = moved(lookup, *element, buffer);
    }
}

/* An error number; *found is record or NULL. In a task. */
static int look_up(const struct question *question, void *record, char *buffer, size_t size, void **found,
                   int *host_error)
{
    int result, saved = errno;
    struct lookup *lookup = lookup_new(question, buffer, size);

    *found = NULL;
    if (host_error)
        *host_error = NETDB_INTERNAL;
    if (!lookup || cede__offload(&lookup->job) != 0) {
        result = lookup ? errno : ENOMEM;
        errno = saved;
        return result;
    }
    result = lookup->result;
    if (host_error)
        *host_error = lookup->host_error;
    if (lookup->found) {
        move_answer(lookup, record, buffer);
        *found = record;
    }
    release(&lookup->job);
    return result;
}

/* ---- those that answer in static memory ---- */

/* A record and its buffer, one of each sort for each thread; made anew by each call, freed never. */
struct holder {
    char *buffer;
    union {
        struct hostent host;
        struct passwd user;
        struct group group;
    } record;
};

static void *hold(const struct question *question, struct holder *holder)
{
    bool host = question->layout == &host_layout;
    size_t size = FIRST_SIZE;
    int error, host_error = 0;
    struct holder fresh = {0};
    void *found;

    do {
        free(fresh.buffer);
        fresh.buffer = malloc(size);
        error = fresh.buffer ? look_up(question, &fresh.record, fresh.buffer, size, &found, host ? &host_error : NULL)
                             : ENOMEM;
    } while (error == ERANGE && (size *= 2) <= LARGEST_SIZE);
    if (error)
        errno = error;
    if (host)
        h_errno = fresh.buffer ? host_error : NETDB_INTERNAL;
    if (error || !found) {
        free(fresh.buffer);
        return NULL;
    }
    free(holder->buffer);
    *holder = fresh; /* a record has no pointers to itself */
    return &holder->record;
}

/* ---- hosts ---- */

static struct question host_by_name(const char *name, int family)
{
    return (struct question){.what = "gethostbyname", .name = name, .layout = &host_layout,
                             .ask = family == AF_UNSPEC ? ask_host_of_any_family : ask_host, .family = family};
}

static struct question host_by_address(const void *addr, socklen_t length, int family)
{
    return (struct question){.what = "gethostbyaddr", .layout = &host_layout, .ask = ask_address, .address = addr,
                             .length = length, .family = family};
}

int cede_gethostbyname2_r(const char *name, int family, struct hostent *host, char *buffer, size_t size,
                          struct hostent **result, int *host_error)
{
    struct question question = host_by_name(name, family);

    if (!cede__in_task())
        return family == AF_UNSPEC ? gethostbyname_r(name, host, buffer, size, result, host_error)
                                   : gethostbyname2_r(name, family, host, buffer, size, result, host_error);
    return look_up(&question, host, buffer, size, (void **)result, host_error);
}

int cede_gethostbyname_r(const char *name, struct hostent *host, char *buffer, size_t size, struct hostent **result,
                         int *host_error)
{
    return cede_gethostbyname2_r(name, AF_UNSPEC, host, buffer, size, result, host_error);
}

int cede_gethostbyaddr_r(const void *addr, socklen_t length, int family, struct hostent *host, char *buffer,
                         size_t size, struct hostent **result, int *host_error)
{
    struct question question = host_by_address(addr, length, family);

    if (!cede__in_task())
        return gethostbyaddr_r(addr, length, family, host, buffer, size, result, host_error);
    return look_up(&question, host, buffer, size, (void **)result, host_error);
}

static _Thread_local struct holder held_host, held_user, held_group;

struct hostent *cede_gethostbyname2(const char *name, int family)
{
    struct question question = host_by_name(name, family);

    if (!cede__in_task())
        return family == AF_UNSPEC ? gethostbyname(name) : gethostbyname2(name, family);
    return hold(&question, &held_host);
}

struct hostent *cede_gethostbyname(const char *name)
{
    return cede_gethostbyname2(name, AF_UNSPEC);
}

struct hostent *cede_gethostbyaddr(const void *addr, socklen_t length, int family)
{
    struct question question = host_by_address(addr, length, family);

    return cede__in_task() ? hold(&question, &held_host) : gethostbyaddr(addr, length, family);
}

/* ---- users and groups ---- */

static struct question user(const char *name, unsigned id)
{
    return (struct question){.what = "getpwnam", .name = name, .layout = &user_layout, .ask = ask_user, .id = id};
}

static struct question group_of(const char *name, unsigned id)
{
    return (struct question){.what = "getgrnam", .name = name, .layout = &group_layout, .ask = ask_group, .id = id};
}

int cede_getpwnam_r(const char *name, struct passwd *record, char *buffer, size_t size, struct passwd **result)
{
    struct question question = user(name, 0);

    return cede__in_task() ? look_up(&question, record, buffer, size, (void **)result, NULL)
                           : getpwnam_r(name, record, buffer, size, result);
}

int cede_getpwuid_r(uid_t uid, struct passwd *record, char *buffer, size_t size, struct passwd **result)
{
    struct question question = user(NULL, uid);

    return cede__in_task() ? look_up(&question, record, buffer, size, (void **)result, NULL)
                           : getpwuid_r(uid, record, buffer, size, result);
}

int cede_getgrnam_r(const char *name, struct group *record, char *buffer, size_t size, struct group **result)
{
    struct question question = group_of(name, 0);

    return cede__in_task() ? look_up(&question, record, buffer, size, (void **)result, NULL)
                           : getgrnam_r(name, record, buffer, size, result);
}

int cede_getgrgid_r(gid_t gid, struct group *record, char *buffer, size_t size, struct group **result)
{
    struct question question = group_of(NULL, gid);

    return cede__in_task() ? look_up(&question, record, buffer, size, (void **)result, NULL)
                           : getgrgid_r(gid, record, buffer, size, result);
}

struct passwd *cede_getpwnam(const char *name)
{
    struct question question = user(name, 0);

    return cede__in_task() ? hold(&question, &held_user) : getpwnam(name);
}

struct passwd *cede_getpwuid(uid_t uid)
{
    struct question question = user(NULL, uid);

    return cede__in_task() ? hold(&question, &held_user) : getpwuid(uid);
}

struct group *cede_getgrnam(const char *name)
{
    struct question question = group_of(name, 0);

    return cede__in_task() ? hold(&question, &held_group) : getgrnam(name);
}

struct group *cede_getgrgid(gid_t gid)
{
    struct question question = group_of(NULL, gid);

    return cede__in_task() ? hold(&question, &held_group) : getgrgid(gid);
}
