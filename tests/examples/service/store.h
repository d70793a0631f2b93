/* SPDX-License-Identifier: MIT */
/*
 * Notes: texts by number, in PostgreSQL, with Redis in front of it as a cache.
 *
 * A note is never changed, so what the cache has is right, however old it is. It is asked first, but never needed:
 * where Redis fails or is slow, the answer comes from PostgreSQL. Calls park, and keep to the deadline of the scope
 * that they are called in. When they fail, cede_error() says why, in a line for people.
 */
#ifndef SERVICE_STORE_H
#define SERVICE_STORE_H

#include <stddef.h>

enum { NOTE_BYTES = 4096 };

struct note {
    size_t size;
    char text[NOTE_BYTES];
};

/* What has happened so far, for the metrics. */
extern struct store_counts {
    long hits, misses, cache_failures, database_failures;
    long connected; /* connections to both, now */
} store_counts;

/* Prepares both pools; connections are made when they are needed. PostgreSQL is where the environment says (PGHOST,
 * PGPORT, PGUSER ...: libpq reads it). Returns 0, or -1 with errno ENOMEM. */
int store_open(const char *redis_host, int redis_port);

/* Closes the connections. Nobody may use the store any more. */
void store_close(void);

/* Adds a note. Returns 0 when it is safe, with its number in *id; or -1 with errno, and it may be there or not
 *   EIO        PostgreSQL failed, or could not be reached
 *   ETIMEDOUT  the deadline */
int store_add(const struct note *note, long long *id);

/* Gets the note. Returns 0, or -1 with errno ENOENT (there is none), EIO or ETIMEDOUT as above. */
int store_get(long long id, struct note *note);

#endif
