/* SPDX-License-Identifier: MIT */
/* Real servers for tests; see server.h. */
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_ARGUMENTS = 32, PATIENCE_S = 60 };

static _Noreturn void give_up(const struct server *server, const char *what)
{
    char command[128];

    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    snprintf(command, sizeof command, "tail -n 40 %s/log >&2", server->directory);
    (void)!system(command);
    if (server->pid > 0)
        server_kill(server);
    exit(EXIT_FAILURE);
}

const char *server_program(const char *name)
{
    static char path[256];
    static const char *const places[] = {"/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/lib/postgresql/*/bin"};
    bool found = false;
    glob_t matches;
    size_t i;

    for (i = 0; i < sizeof places / sizeof *places && !found; i++) {
        snprintf(path, sizeof path, "%s/%s", places[i], name);
        if (glob(path, 0, NULL, &matches) == 0) {
            snprintf(path, sizeof path, "%s", matches.gl_pathv[matches.gl_pathc - 1]);
            found = access(path, X_OK) == 0;
            globfree(&matches);
        }
    }
    return found ? path : NULL;
}

/* The entry of the user that the server is to run as; NULL: the caller. */
static struct passwd *other_user(const struct server *server)
{
    struct passwd *entry = server->user && geteuid() == 0 ? getpwnam(server->user) : NULL;

    if (server->user && geteuid() == 0 && !entry)
        give_up(server, server->user);
    return entry;
}

/* A port that is free now: the kernel hands out others first for a while. */
static int free_port(const struct server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0
        || getsockname(fd, (struct sockaddr *)&address, &length) != 0)
        give_up(server, "free_port");
    close(fd);
    return ntohs(address.sin_port);
}

void server_prepare(struct server *server)
{
    struct passwd *user = other_user(server);

    server->pid = 0;
    strcpy(server->directory, "/tmp/cede-server-XXXXXX");
    if (!mkdtemp(server->directory) || (user && chown(server->directory, user->pw_uid, user->pw_gid) != 0))
        give_up(server, server->directory);
    server->port = free_port(server);
}

void server_file(const struct server *server, const char *name, const char *format, ...)
{
    char path[64];
    va_list arguments;
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", server->directory, name);
    file = fopen(path, "we");
    if (!file)
        give_up(server, path);
    va_start(arguments, format);
    vfprintf(file, format, arguments);
    va_end(arguments);
    if (fclose(file) != 0 || chmod(path, 0600) != 0)
        give_up(server, path);
}

/* In the child: becomes the program. */
static _Noreturn void become(const struct server *server, const char *const *arguments)
{
    struct passwd *user = other_user(server);
    int log = open("log", O_WRONLY | O_CREAT | O_APPEND, 0644), null = open("/dev/null", O_RDWR);

    dup2(null, 0);
    dup2(log, 1);
    dup2(log, 2);
    if (user && (setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0))
        _exit(127);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a change of user takes it back */
    unsetenv("LD_PRELOAD");
    execv(arguments[0], (char *const *)arguments);
    perror(arguments[0]);
    _exit(127);
}

static pid_t launch(const struct server *server, const char *program, va_list list)
{
    const char *arguments[MOST_ARGUMENTS] = {program};
    int count = 1;
    pid_t pid;

    while (count < MOST_ARGUMENTS - 1 && (arguments[count] = va_arg(list, const char *)))
        count++;
    pid = fork();
    if (pid < 0)
        give_up(server, "fork");
    if (pid == 0) {
        setpgid(0, 0);
        if (chdir(server->directory) != 0)
            _exit(127);
        become(server, arguments);
    }
    setpgid(pid, pid);
    return pid;
}

void server_run(const struct server *server, const char *program, ...)
{
    va_list list;
    pid_t pid;
    int status;

    va_start(list, program);
    pid = launch(server, program, list);
    va_end(list);
    if (waitpid(pid, &status, 0) != pid || status != 0)
        give_up(server, program);
}

static bool accepts(const struct server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool connected = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;

    close(fd);
    return connected;
}

void server_start(struct server *server, const char *program, ...)
{
    const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
    time_t give_up_at = time(NULL) + PATIENCE_S;
    va_list list;

    va_start(list, program);
    server->pid = launch(server, program, list);
    va_end(list);
    while (!accepts(server)) {
        if (waitpid(server->pid, NULL, WNOHANG) != 0 || time(NULL) > give_up_at)
            give_up(server, program);
        nanosleep(&pause, NULL);
    }
}

void server_kill(const struct server *server)
{
    kill(-server->pid, SIGKILL);
}

void server_stop(struct server *server)
{
    char command[64];

    server_kill(server);
    while (waitpid(server->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    server->pid = 0;
    snprintf(command, sizeof command, "rm -rf %s", server->directory);
    (void)!system(command);
}
