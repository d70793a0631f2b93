/* SPDX-License-Identifier: MIT */
/* libcurl against nginx: one easy handle is one connection, kept alive. The two suites define CLIENT_CURL_NAME,
 * _SCHEME and _ENCRYPTED, and have the rest from here. */
#ifndef CEDE_TESTS_CLIENT_CURL_H
#define CEDE_TESTS_CLIENT_CURL_H

#include <curl/curl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "server_nginx.h"

static struct server server;

struct answer {
    char text[64];
    size_t length;
};

static size_t keep(char *data, size_t size, size_t count, void *arg)
{
    struct answer *answer = arg;
    size_t room = sizeof answer->text - 1 - answer->length, part = size * count < room ? size * count : room;

    memcpy(answer->text + answer->length, data, part);
    answer->length += part;
    return size * count;
}

static int request(void *curl, int delay_ms)
{
    char url[64], expected[64];
    struct answer answer = {.length = 0};
    unsigned token = client_token();
    CURLcode code;

    snprintf(url, sizeof url, CLIENT_CURL_SCHEME "://127.0.0.1:%d/?s=%.3f&t=%u", server.port, delay_ms / 1000.0, token);
    snprintf(expected, sizeof expected, "token %u\n", token);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    code = curl_easy_perform(curl);
    if (code == CURLE_OK && strcmp(answer.text, expected) == 0)
        return 0;
    client_said("%d: %s", (int)code, curl_easy_strerror(code));
    return -1;
}

static void disconnect(void *curl)
{
    curl_easy_cleanup(curl);
}

/* A first request makes the connection. */
static void *connect_to(void)
{
    char certificate[64];
    CURL *curl = curl_easy_init();

    snprintf(certificate, sizeof certificate, "%s/certificate", server.directory);
    curl_easy_setopt(curl, CURLOPT_CAINFO, certificate);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    if (request(curl, 0) == 0)
        return curl;
    curl_easy_cleanup(curl);
    return NULL;
}

static void start(void)
{
    server_nginx_start(&server, CLIENT_CURL_ENCRYPTED);
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

const struct client client = {
    .name = CLIENT_CURL_NAME,
    .program = "nginx",
    .server = &server,
    .start = start,
    .connect = connect_to,
    .request = request,
    .disconnect = disconnect,
    .most = 5000,
    .reconnects = true,
};

#endif
