/* SPDX-License-Identifier: MIT */
/*
 * A program of threads, for `cede run --threads`: run_threads SCENE says what it sees of POSIX's promises, and must say
 * the same when it is run plainly. So what it says may not depend on who runs first.
 */
#ifndef RUN_THREADS_H
#define RUN_THREADS_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define SAY(...) (printf(__VA_ARGS__), putchar('\n'), fflush(stdout))

extern sem_t go, there; /* main lets a thread go on; a thread says that it has come somewhere */

/* Error numbers are told by name; "0" is none. */
const char *error_name(int error);

/* pthread_create() and pthread_join(), where a result is a string. */
void start(pthread_t *id, void *(*fn)(void *), void *arg);
const char *join(pthread_t id);

void pause_ms(int ms);
struct timespec after_ms(clockid_t clock, int ms);

/* What many scenes have threads do. */
void *return_at_once(void *arg);
void *wait_and_return(void *arg); /* until `go` */
void say(void *text);             /* clean-up */

/* Whether the calling thread blocks the signal; pthread_sigmask() with it alone. */
bool blocks(int signo);
void block(int how, int signo);

sigset_t set_of(int signo); /* 0: empty */

/* A handler that counts, and others. */
extern atomic_int handled;
void on_signal(int signo);
void handle(int signo, void (*handler)(int), int flags);

/* Each file has scenes; the last has no name. */
struct scene {
    const char *name;
    void (*play)(void);
};

extern const struct scene scenes_of_life[], scenes_of_cancel[], scenes_of_signals[], scenes_of_masks[],
    scenes_of_futexes[], scenes_of_rest[];

#endif
