/* SPDX-License-Identifier: MIT */
/*
 * nginx with its echo module as a server for tests: GET /?s=0.1&t=abc is answered after so many seconds,
 * with "token abc\n".
 */
#ifndef CEDE_TESTS_SERVER_NGINX_H
#define CEDE_TESTS_SERVER_NGINX_H

#include "server.h"

/* With tls: by HTTPS, with a certificate that it makes for 127.0.0.1, and leaves in the file `certificate`. */
void server_nginx_start(struct server *server, bool tls);

#endif
