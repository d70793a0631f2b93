/* SPDX-License-Identifier: MIT */
/*
 * Looking up names: libc's getaddrinfo, on a helper thread. It cannot be made to park: the resolver keeps state per
 * thread, which the lookups of two tasks would mix up.
 */
#include <cede/io.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "offload.h"

/* A lookup with copies of its arguments, for the task that asked may go first. */
struct lookup {
    struct cede__job job;
    struct addrinfo hints, *found;
    const struct addrinfo *given_hints; /* NULL or &hints: libc has defaults of its own for NULL */
    const char *node, *service;         /* NULL or in text */
    int answer, error;                  /* what getaddrinfo returned, and errno */
    char text[];
};

static void run(struct cede__job *job)
{
    struct lookup *lookup = CEDE__CONTAINER(job, struct lookup, job);

    errno = 0;
    lookup->answer = getaddrinfo(lookup->node, lookup->service, lookup->given_hints, &lookup->found);
    lookup->error = errno;
    /* Without the means to open its files and sockets, libc says that there is no such name. */
    if (lookup->answer == EAI_NONAME && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
        lookup->answer = EAI_SYSTEM;
}

static void release(struct cede__job *job)
{
    struct lookup *lookup = CEDE__CONTAINER(job, struct lookup, job);

    if (lookup->found)
        freeaddrinfo(lookup->found);
    free(lookup);
}

static struct lookup *lookup_new(const char *node, const char *service, const struct addrinfo *hints)
{
    size_t node_bytes = node ? strlen(node) + 1 : 0, service_bytes = service ? strlen(service) + 1 : 0;
    struct lookup *lookup = malloc(sizeof *lookup + node_bytes + service_bytes);

    if (!lookup)
        return NULL;
    *lookup = (struct lookup){.job = {.what = "getaddrinfo", .run = run, .release = release}};
    if (hints) {
        lookup->hints = *hints;
        lookup->given_hints = &lookup->hints;
    }
    if (node)
        lookup->node = memcpy(lookup->text, node, node_bytes);
    if (service)
        lookup->service = memcpy(lookup->text + node_bytes, service, service_bytes);
    return lookup;
}

/* Calls getaddrinfo for numbers only, which asks nobody and so does not block. To the rest of the process this is not
 * a task meanwhile: libcede-posix passes such a call on to libc instead of bringing it back here. */
static int numeric(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
    struct cede__worker *worker = cede__worker;
    struct addrinfo numeric_hints = {.ai_flags = AI_V4MAPPED | AI_ADDRCONFIG}; /* libc's defaults */
    int answer;

    if (hints)
        numeric_hints = *hints;
    numeric_hints.ai_flags |= AI_NUMERICHOST;
    cede__worker = NULL;
    answer = getaddrinfo(node, service, &numeric_hints, result);
    cede__worker = worker;
    return answer;
}

static bool is_number(const char *service)
{
    return !service || service[strspn(service, "0123456789")] == '\0';
}

int cede_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
    struct lookup *lookup;
    int answer;

    if (!cede__in_task())
        return getaddrinfo(node, service, hints, result);
    if (is_number(service)) {
        answer = numeric(node, service, hints, result);
        if (answer != EAI_NONAME || !node || (hints && hints->ai_flags & AI_NUMERICHOST))
            return answer;
    }
    lookup = lookup_new(node, service, hints);
    if (!lookup)
        return EAI_MEMORY;
    if (cede__offload(&lookup->job) != 0)
        return EAI_SYSTEM;
    answer = lookup->answer;
    if (answer == 0)
        *result = lookup->found;
    else if (answer == EAI_SYSTEM)
        errno = lookup->error;
    free(lookup);
    return answer;
}
