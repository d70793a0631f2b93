/* SPDX-License-Identifier: MIT */
/* libcurl by HTTPS, see client_curl.h. */
#include "client_curl.h"

static void start(void)
{
    scheme = "https";
    server_nginx_start(&server, true);
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

const struct client client = {
    .name = "libcurl, HTTPS",
    .program = "nginx",
    .server = &server,
    .start = start,
    .connect = connect_to,
    .request = request,
    .disconnect = disconnect,
    .most = 5000,
    .reconnects = true,
};
