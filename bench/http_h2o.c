/* SPDX-License-Identifier: MIT */
/* h2o with one thread, without logs: it answers with a small file, which it keeps open. */
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "http.h"

static void serve(long connections)
{
    int port = http_free_port(), quiet = open("/dev/null", O_WRONLY);
    const char *in = http_directory(), *path;

    http_write_file("index.html", HTTP_BODY);
    path = http_write_file("h2o.conf",
        "num-threads: 1\nmax-connections: %ld\n%s"
        "listen:\n  host: 127.0.0.1\n  port: %d\n"
        "hosts:\n  default:\n    paths:\n      /:\n        file.dir: %s\n",
        connections + 100, geteuid() == 0 ? "user: root\n" : "", port, in);
    server_ready(port);
    dup2(quiet, STDERR_FILENO); /* it tells its whole start */
    execlp("h2o", "h2o", "-m", "worker", "-c", path, (char *)NULL);
    bench_fail("h2o");
}

static void measure(const struct bench_case *which)
{
    http_measure(which, serve);
}

BENCH_SUBJECT("h2o", measure, LONG_MAX)
