/* SPDX-License-Identifier: MIT */
/* A signal that a task waits for, and one that asks the program to end: Ctrl-C, say. */
#include <cede.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int reload_on_hup(void *unused)
{
    sigset_t hup;

    (void)unused;
    sigemptyset(&hup);
    sigaddset(&hup, SIGHUP);
    cede_signal_watch(&hup);
    while (cede_signal_wait(&hup, NULL) > 0)
        printf("reloading\n");
    return cede_signal_unwatch(&hup);
}

/* Stands for the user. */
static int user(void *unused)
{
    (void)unused;
    cede_sleep(5 * CEDE_MILLISECOND);
    kill(getpid(), SIGHUP);
    cede_sleep(5 * CEDE_MILLISECOND);
    return kill(getpid(), SIGINT);
}

static int app(void *unused)
{
    (void)unused;
    cede_shutdown_on_signal(SIGINT); /* cancels this task; a second one would kill the program */
    cede_group (g) {
        cede_group_spawn(g, NULL, reload_on_hup, NULL);
        cede_group_spawn(g, NULL, user, NULL);
        cede_sleep(CEDE_FOREVER); /* the service */
        printf("%s: finishing\n", strerror(errno));
    } /* the group's tasks are cancelled and awaited */
    printf("bye\n");
    return 0;
}

int main(void)
{
    return cede_run(app, NULL);
}
