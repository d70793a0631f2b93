/* SPDX-License-Identifier: MIT */
/* libcurl by HTTP, see client_curl.h. */
#include "client_curl.h"

static void start(void)
{
    scheme = "http";
    server_nginx_start(&server, false);
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

const struct client client = {
    .name = "libcurl, HTTP",
    .program = "nginx",
    .server = &server,
    .start = start,
    .connect = connect_to,
    .request = request,
    .disconnect = disconnect,
    .most = 5000,
    .reconnects = true,
};
