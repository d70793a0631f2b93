/* SPDX-License-Identifier: MIT */
/* hiredis against Redis: BLPOP on a list that stays empty is the delay. */
#include <hiredis/hiredis.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "client.h"

static struct server server;

static void start(void)
{
    char port[16];

    server_prepare(&server);
    snprintf(port, sizeof port, "%d", server.port);
    server_start(&server, server_program("redis-server"), "--bind", "127.0.0.1", "--port", port, "--save", "",
                 "--maxclients", "6000", "--tcp-backlog", "4096", NULL);
}

static void *connect_to(void)
{
    redisContext *context = redisConnect("127.0.0.1", server.port);

    if (context && !context->err)
        return context;
    client_said("%s", context ? context->errstr : "no memory");
    redisFree(context);
    return NULL;
}

static int request(void *context, int delay_ms)
{
    redisContext *redis = context;
    redisReply *reply = delay_ms ? redisCommand(redis, "BLPOP nothing %f", delay_ms / 1000.0) : NULL;
    char token[16];
    bool right = false;

    if (!delay_ms || (reply && reply->type == REDIS_REPLY_NIL)) {
        snprintf(token, sizeof token, "%u", client_token());
        if (reply)
            freeReplyObject(reply);
        reply = redisCommand(redis, "ECHO %s", token);
        right = reply && reply->type == REDIS_REPLY_STRING && strcmp(reply->str, token) == 0;
    }
    if (!right)
        client_said("%d: %s", redis->err, reply ? reply->str : redis->errstr);
    if (reply)
        freeReplyObject(reply);
    return right ? 0 : -1;
}

static void disconnect(void *context)
{
    redisFree(context);
}

const struct client client = {
    .name = "hiredis",
    .program = "redis-server",
    .server = &server,
    .start = start,
    .connect = connect_to,
    .request = request,
    .disconnect = disconnect,
    .most = 5000,
};
