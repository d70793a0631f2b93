/* SPDX-License-Identifier: MIT */
/* getnameinfo and questions to the domain name system, on helper threads; see cede/lookup.h. */
#include <cede/lookup.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "offload.h"

/* ---- getnameinfo ---- */

struct naming {
    struct cede__job job;
    struct sockaddr_storage addr;
    socklen_t addrlen, hostlen, servicelen;
    int flags, answer, error;
    char *host, *service; /* NULL, or in text */
    char text[];
};

static void naming_run(struct cede__job *job)
{
    struct naming *naming = CEDE__CONTAINER(job, struct naming, job);

    naming->answer = getnameinfo((struct sockaddr *)&naming->addr, naming->addrlen, naming->host, naming->hostlen,
                                 naming->service, naming->servicelen, naming->flags);
    naming->error = errno;
}

static void naming_release(struct cede__job *job)
{
    free(CEDE__CONTAINER(job, struct naming, job));
}

int cede_getnameinfo(const struct sockaddr *addr, socklen_t addrlen, char *host, socklen_t hostlen, char *service,
                     socklen_t servicelen, int flags)
{
    struct naming *naming;
    int answer;

    if (!cede__in_task() || addrlen > sizeof naming->addr)
        return getnameinfo(addr, addrlen, host, hostlen, service, servicelen, flags);
    hostlen = host ? hostlen : 0;
    servicelen = service ? servicelen : 0;
    naming = malloc(sizeof *naming + hostlen + servicelen);
    if (!naming)
        return EAI_MEMORY;
    *naming = (struct naming){.job = {.what = "getnameinfo", .run = naming_run, .release = naming_release},
                              .addrlen = addrlen, .hostlen = hostlen, .servicelen = servicelen, .flags = flags,
                              .host = host ? naming->text : NULL,
                              .service = service ? naming->text + hostlen : NULL};
    memcpy(&naming->addr, addr, addrlen);
    if (cede__offload(&naming->job) != 0)
        return EAI_SYSTEM;
    answer = naming->answer;
    if (answer == 0 && hostlen)
        memcpy(host, naming->host, hostlen);
    if (answer == 0 && servicelen)
        memcpy(service, naming->service, servicelen);
    if (answer == EAI_SYSTEM)
        errno = naming->error;
    free(naming);
    return answer;
}

/* ---- the domain name system ---- */

struct query {
    struct cede__job job;
    bool search;
    int class_, type, size, result, error, host_error;
    char *name;
    unsigned char answer[];
};

static void query_run(struct cede__job *job)
{
    struct query *query = CEDE__CONTAINER(job, struct query, job);

    errno = 0;
    query->result = query->search ? res_search(query->name, query->class_, query->type, query->answer, query->size)
                                  : res_query(query->name, query->class_, query->type, query->answer, query->size);
    query->error = errno;
    query->host_error = h_errno;
}

static void query_release(struct cede__job *job)
{
    struct query *query = CEDE__CONTAINER(job, struct query, job);

    free(query->name);
    free(query);
}

static int ask(bool search, const char *name, int class_, int type, unsigned char *answer, int size)
{
    struct query *query = size < 0 ? NULL : malloc(sizeof *query + (size_t)size);
    int result, saved = errno;

    h_errno = NETDB_INTERNAL;
    if (!query)
        return -1;
    *query = (struct query){.job = {.what = search ? "res_search" : "res_query", .run = query_run,
                                    .release = query_release},
                            .search = search, .class_ = class_, .type = type, .size = size, .name = strdup(name)};
    if (!query->name) {
        free(query);
        return -1;
    }
    if (cede__offload(&query->job) != 0)
        return -1;
    result = query->result;
    h_errno = query->host_error;
    if (result > 0)
        memcpy(answer, query->answer, (size_t)(result < size ? result : size));
    errno = result < 0 && query->error ? query->error : saved;
    query_release(&query->job);
    return result;
}

int cede_res_query(const char *name, int class_, int type, unsigned char *answer, int size)
{
    return cede__in_task() ? ask(false, name, class_, type, answer, size)
                           : res_query(name, class_, type, answer, size);
}

int cede_res_search(const char *name, int class_, int type, unsigned char *answer, int size)
{
    return cede__in_task() ? ask(true, name, class_, type, answer, size)
                           : res_search(name, class_, type, answer, size);
}
