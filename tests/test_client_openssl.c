/* SPDX-License-Identifier: MIT */
/* OpenSSL over a plain blocking socket, as s_client has it, against nginx. */
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"
#include "server_nginx.h"

static struct server server;
static SSL_CTX *context;

static void start(void)
{
    char certificate[64];

    server_nginx_start(&server, true);
    snprintf(certificate, sizeof certificate, "%s/certificate", server.directory);
    context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_load_verify_locations(context, certificate, NULL);
}

/* To be called right after the call that returned `result`. */
static void say(const SSL *ssl, int result)
{
    int saved = errno, error = SSL_get_error(ssl, result);

    if (error == SSL_ERROR_SYSCALL)
        client_said("SSL_ERROR_SYSCALL, errno: %s", strerror(saved));
    else
        client_said("%d: %s", error, ERR_reason_error_string(ERR_get_error()));
}

static void disconnect(void *connection)
{
    SSL *ssl = connection;
    int fd = SSL_get_fd(ssl);

    SSL_free(ssl);
    close(fd);
}

static void *connect_to(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server.port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), result;
    SSL *ssl;

    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        client_said("connect: %s", strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    ssl = SSL_new(context);
    SSL_set_fd(ssl, fd);
    result = SSL_connect(ssl);
    if (result == 1)
        return ssl;
    say(ssl, result);
    disconnect(ssl);
    return NULL;
}

static int request(void *connection, int delay_ms)
{
    SSL *ssl = connection;
    char text[1024], expected[64];
    unsigned token = client_token();
    int length = snprintf(text, sizeof text, "GET /?s=%.3f&t=%u HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
                          delay_ms / 1000.0, token),
        result, have = 0;

    ERR_clear_error();
    result = SSL_write(ssl, text, length);
    if (result <= 0) {
        say(ssl, result);
        return -1;
    }
    do { /* chunked: the last chunk is empty */
        result = SSL_read(ssl, text + have, (int)sizeof text - 1 - have);
        if (result <= 0) {
            say(ssl, result);
            return -1;
        }
        have += result;
        text[have] = '\0';
    } while (!strstr(text, "\r\n0\r\n\r\n"));
    snprintf(expected, sizeof expected, "\r\ntoken %u\n", token);
    if (strncmp(text, "HTTP/1.1 200", 12) == 0 && strstr(text, expected))
        return 0;
    client_said("%.40s", text);
    return -1;
}

const struct client client = {
    .name = "OpenSSL",
    .program = "nginx",
    .server = &server,
    .start = start,
    .connect = connect_to,
    .request = request,
    .disconnect = disconnect,
    .most = 5000,
};
