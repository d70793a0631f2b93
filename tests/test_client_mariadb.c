/* SPDX-License-Identifier: MIT */
/* libmariadb against MariaDB with its pool of threads: select sleep(). */
#include <mysql.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "client.h"

static struct server server = {.user = "mysql"};

static void start(void)
{
    char port[32], data[64], socket[64];

    server_prepare(&server);
    snprintf(port, sizeof port, "--port=%d", server.port);
    snprintf(data, sizeof data, "--datadir=%s", server.directory);
    snprintf(socket, sizeof socket, "--socket=%s/socket", server.directory);
    server_start(&server, server_program("mariadbd"), "--no-defaults", data, socket, port, "--bind-address=127.0.0.1",
                 "--skip-grant-tables", "--skip-name-resolve", "--max-connections=5010",
                 "--thread-handling=pool-of-threads", "--thread-pool-max-threads=6000",
                 "--back-log=4096", "--skip-log-bin", NULL);
    mysql_library_init(0, NULL, NULL);
}

static void *connect_to(void)
{
    MYSQL *mysql = mysql_init(NULL);

    if (mysql && mysql_real_connect(mysql, "127.0.0.1", "root", NULL, NULL, (unsigned)server.port, NULL, 0))
        return mysql;
    client_said("%s", mysql ? mysql_error(mysql) : "no memory");
    mysql_close(mysql);
    return NULL;
}

static int request(void *mysql, int delay_ms)
{
    char query[64];
    unsigned token = client_token();
    MYSQL_RES *result = NULL;
    bool right = false;

    snprintf(query, sizeof query, "select %u, sleep(%d * 0.001)", token, delay_ms);
    if (mysql_query(mysql, query) == 0 && (result = mysql_store_result(mysql)))
        right = strtoul(mysql_fetch_row(result)[0], NULL, 10) == token;
    if (!right)
        client_said("%u: %s", mysql_errno(mysql), mysql_error(mysql));
    mysql_free_result(result);
    return right ? 0 : -1;
}

static void disconnect(void *mysql)
{
    mysql_close(mysql);
}

const struct client client = {
    .name = "libmariadb",
    .program = "mariadbd",
    .server = &server,
    .start = start,
    .connect = connect_to,
    .request = request,
    .disconnect = disconnect,
    .most = 5000,
};
