/* SPDX-License-Identifier: MIT */
/* libpq against PostgreSQL, which has a process for each connection: select pg_sleep(). */
#include <libpq-fe.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "client.h"

static struct server server = {.user = "postgres"};

static void start(void)
{
    char port[16];

    server_prepare(&server);
    server_run(&server, server_program("initdb"), "-D", "data", "-A", "trust", "-U", "test", "-N", "--no-locale", NULL);
    snprintf(port, sizeof port, "%d", server.port);
    server_start(&server, server_program("postgres"), "-D", "data", "-k", server.directory, "-h", "127.0.0.1", "-p",
                 port, "-c", "max_connections=1010", "-c", "fsync=off", "-c", "shared_buffers=16MB", NULL);
}

static void *connect_to(void)
{
    char how[128];
    PGconn *connection;

    snprintf(how, sizeof how, "host=127.0.0.1 port=%d user=test dbname=postgres sslmode=disable gssencmode=disable",
             server.port);
    connection = PQconnectdb(how);
    if (PQstatus(connection) == CONNECTION_OK)
        return connection;
    client_said("%s", PQerrorMessage(connection));
    PQfinish(connection);
    return NULL;
}

static int request(void *connection, int delay_ms)
{
    char query[64];
    unsigned token = client_token();
    PGresult *result;
    ExecStatusType status;
    bool right;

    snprintf(query, sizeof query, "select %u, pg_sleep(%d * 0.001)", token, delay_ms);
    result = PQexec(connection, query);
    status = PQresultStatus(result);
    right = status == PGRES_TUPLES_OK && strtoul(PQgetvalue(result, 0, 0), NULL, 10) == token;
    PQclear(result);
    if (right)
        return 0;
    client_said("%s: %s", PQresStatus(status), PQerrorMessage(connection));
    return -1;
}

static void disconnect(void *connection)
{
    PQfinish(connection);
}

const struct client client = {
    .name = "libpq",
    .program = "postgres",
    .server = &server,
    .start = start,
    .connect = connect_to,
    .request = request,
    .disconnect = disconnect,
    .most = 1000,
};
