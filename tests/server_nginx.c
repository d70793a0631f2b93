/* SPDX-License-Identifier: MIT */
/* nginx as a server for tests; see server_nginx.h. */
#include "server_nginx.h"

#include <stdio.h>
#include <string.h>

static const char configuration[] =
    "load_module /usr/lib/nginx/modules/ngx_http_echo_module.so;\n"
    "daemon off; master_process off; pid pid; error_log stderr warn;\n"
    "events { worker_connections 11000; }\n"
    "http {\n"
    "    access_log off; keepalive_requests 1000000;\n"
    "    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;\n"
    "    uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n"
    "    server {\n"
    "        listen 127.0.0.1:%d%s backlog=4096;\n"
    "        %s\n"
    "        location / { echo_sleep $arg_s; echo token $arg_t; }\n"
    "    }\n"
    "}\n";

void server_nginx_start(struct server *server, bool tls)
{
    char prefix[64];

    server_prepare(server);
    if (tls)
        server_run(server, server_program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt",
                   "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
                   "subjectAltName=IP:127.0.0.1", "-keyout", "key", "-out", "certificate", NULL);
    server_file(server, "nginx.conf", configuration, server->port, tls ? " ssl" : "",
                tls ? "ssl_certificate certificate; ssl_certificate_key key;" : "");
    snprintf(prefix, sizeof prefix, "%s/", server->directory);
    server_start(server, server_program("nginx"), "-p", prefix, "-c", "nginx.conf", "-e", "stderr", NULL);
}
