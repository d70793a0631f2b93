/* SPDX-License-Identifier: MIT */
/* Notes in PostgreSQL, cached in Redis; see store.h. libpq and hiredis are used as their manuals show, blocking. */
#include "store.h"

#include <cede.h>
#include <errno.h>
#include <hiredis/hiredis.h>
#include <libpq-fe.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define CACHE_NS (100 * CEDE_MILLISECOND) /* a cache that is slower is of no use */
#define CACHE_S  "60"                     /* that long Redis keeps a note */

enum { DATABASE_CONNECTIONS = 8, CACHE_CONNECTIONS = 8 };

struct store_counts store_counts;

/* ---- pools ---- */

/* A place for each connection that may exist. Who takes one out of the channel may use the connection in it, or make
 * one if it is empty (NULL), and puts it back. Where all are taken, cede_chan_get() waits. */
struct pool {
    cede_chan_of(void *) places;
    void *(*connect)(void); /* NULL: it failed, with errno and cede_error() */
    void (*close)(void *connection);
    int (*socket)(void *connection);
};

static int pool_open(struct pool *pool, size_t places)
{
    if (cede_chan_make(pool->places, places) != 0)
        return -1;
    while (places--)
        cede_chan_try_put(pool->places, &(void *){NULL});
    return 0;
}

/* A connection in which an answer is left, or which is not usable for another reason, is closed: the next question on
 * it would get the answer to this one. */
static void pool_give(struct pool *pool, void *connection, bool usable)
{
    if (connection && !usable) {
        pool->close(connection);
        connection = NULL;
        store_counts.connected--;
    }
    cede_chan_try_put(pool->places, &connection); /* there is room: it came from there */
}

/* Whether nothing can be read from it. Something means, on a connection that is not in use, that the server has ended
 * it. */
static bool quiet(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static void *pool_take(struct pool *pool)
{
    void *connection;

    if (cede_chan_get(pool->places, &connection) < 0)
        return NULL;
    if (connection && quiet(pool->socket(connection)))
        return connection;
    if (connection) {
        pool->close(connection);
        store_counts.connected--;
    }
    connection = pool->connect();
    if (connection)
        store_counts.connected++;
    else
        pool_give(pool, NULL, false);
    return connection;
}

static void pool_close(struct pool *pool)
{
    void *connection;

    while (cede_chan_try_get(pool->places, &connection) > 0)
        if (connection)
            pool->close(connection);
    cede_chan_free(pool->places.chan);
}

/* ---- PostgreSQL ---- */

/* Fails with the first line of what the library says, unless it was our deadline that made it say so. */
static int database_failed(const PGconn *database)
{
    const char *message = database ? PQerrorMessage(database) : "no memory";

    if (cede_check() != 0)
        return -1;
    store_counts.database_failures++;
    return cede_fail(EIO, "database: %.*s", (int)strcspn(message, "\n"), message);
}

static void *database_connect(void)
{
    /* PostgreSQL itself ends what nobody waits for any more. */
    PGconn *database = PQconnectdb("options='-c statement_timeout=2000'");

    if (PQstatus(database) == CONNECTION_OK)
        return database;
    database_failed(database);
    PQfinish(database);
    return NULL;
}

static void database_close(void *database)
{
    PQfinish(database);
}

static int database_socket(void *database)
{
    return PQsocket(database);
}

static struct pool database_pool = {
    .connect = database_connect, .close = database_close, .socket = database_socket,
};

/* Asks with one parameter, in binary form if length is not 0. The result, in binary form; or NULL with errno. */
static PGresult *database_ask(const char *query, const char *parameter, int length)
{
    PGconn *database = pool_take(&database_pool);
    PGresult *result;
    bool good;
    int error;

    if (!database)
        return NULL;
    result = PQexecParams(database, query, 1, NULL, &parameter, &length, &(int){length != 0}, 1);
    good = PQresultStatus(result) == PGRES_TUPLES_OK;
    if (!good) {
        database_failed(database);
        error = errno;
        PQclear(result);
    }
    pool_give(&database_pool, database, good);
    if (good)
        return result;
    errno = error;
    return NULL;
}

/* ---- Redis ---- */

static const char *cache_host;
static int cache_port;

static void *cache_connect(void)
{
    redisContext *redis = redisConnect(cache_host, cache_port);

    if (redis && !redis->err)
        return redis;
    redisFree(redis);
    return NULL;
}

static void cache_close(void *redis)
{
    redisFree(redis);
}

static int cache_socket(void *redis)
{
    return ((redisContext *)redis)->fd;
}

static struct pool cache_pool = {.connect = cache_connect, .close = cache_close, .socket = cache_socket};

/* Redis's answer; NULL, and one failure more, if there is none. */
static redisReply *cache_ask(const char *format, ...)
{
    redisReply *reply = NULL;
    va_list arguments;

    cede_timeout (CACHE_NS) { /* within the caller's */
        redisContext *redis = pool_take(&cache_pool);

        if (!redis)
            break;
        va_start(arguments, format);
        reply = redisvCommand(redis, format, arguments);
        va_end(arguments);
        pool_give(&cache_pool, redis, reply && reply->type != REDIS_REPLY_ERROR);
    }
    if (reply && reply->type != REDIS_REPLY_ERROR)
        return reply;
    store_counts.cache_failures++;
    freeReplyObject(reply);
    return NULL;
}

static void cache_put(long long id, const struct note *note)
{
    freeReplyObject(cache_ask("SET note:%lld %b EX " CACHE_S, id, note->text, note->size));
}

static bool cache_get(long long id, struct note *note)
{
    redisReply *reply = cache_ask("GET note:%lld", id);
    bool hit = reply && reply->type == REDIS_REPLY_STRING && (size_t)reply->len <= sizeof note->text;

    if (hit)
        memcpy(note->text, reply->str, note->size = (size_t)reply->len);
    freeReplyObject(reply);
    return hit;
}

/* ---- both ---- */

int store_open(const char *redis_host, int redis_port)
{
    cache_host = redis_host;
    cache_port = redis_port;
    return pool_open(&database_pool, DATABASE_CONNECTIONS) || pool_open(&cache_pool, CACHE_CONNECTIONS) ? -1 : 0;
}

void store_close(void)
{
    pool_close(&database_pool);
    pool_close(&cache_pool);
}

int store_add(const struct note *note, long long *id)
{
    PGresult *result = database_ask("insert into notes (text) values ($1::bytea) returning id::text", note->text,
                                    (int)note->size);

    if (!result)
        return -1;
    *id = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    cache_put(*id, note);
    return 0;
}

int store_get(long long id, struct note *note)
{
    char number[24];
    PGresult *result;
    bool found;

    if (cache_get(id, note)) {
        store_counts.hits++;
        return 0;
    }
    store_counts.misses++;
    snprintf(number, sizeof number, "%lld", id);
    result = database_ask("select text from notes where id = $1", number, 0);
    if (!result)
        return -1;
    found = PQntuples(result) == 1 && PQgetlength(result, 0, 0) <= NOTE_BYTES;
    if (found)
        memcpy(note->text, PQgetvalue(result, 0, 0), note->size = (size_t)PQgetlength(result, 0, 0));
    PQclear(result);
    if (!found)
        return cede_fail(ENOENT, "no such note");
    cache_put(id, note);
    return 0;
}
