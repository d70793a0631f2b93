/* SPDX-License-Identifier: MIT */
/* nginx in one process, without logs: it answers from its configuration. */
#include <limits.h>
#include <unistd.h>

#include "http.h"

static void serve(long connections)
{
    int port = http_free_port();
    const char *in = http_directory(), *path;

    path = http_write_file("nginx.conf",
        "daemon off;\nmaster_process off;\nworker_processes 1;\npid %s/pid;\nerror_log stderr crit;\n"
        "events { worker_connections %ld; }\n"
        "http {\n"
        "    access_log off;\n    keepalive_requests 1000000000;\n"
        "    client_body_temp_path %s/body;\n    proxy_temp_path %s/proxy;\n    fastcgi_temp_path %s/fastcgi;\n"
        "    uwsgi_temp_path %s/uwsgi;\n    scgi_temp_path %s/scgi;\n"
        "    server {\n        listen 127.0.0.1:%d backlog=4096;\n        default_type text/plain;\n"
        "        location / { return 200 \"" HTTP_BODY "\"; }\n    }\n"
        "}\n", in, connections + 100, in, in, in, in, in, port);
    server_ready(port);
    execlp("nginx", "nginx", "-p", in, "-c", path, "-e", "stderr", (char *)NULL);
    execl("/usr/sbin/nginx", "nginx", "-p", in, "-c", path, "-e", "stderr", (char *)NULL);
    bench_fail("nginx");
}

static void measure(const struct bench_case *which)
{
    http_measure(which, serve);
}

BENCH_SUBJECT("nginx", measure, LONG_MAX)
