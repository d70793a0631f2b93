/* SPDX-License-Identifier: MIT */
/* The program itself; see run_threads.h. Without an argument it lists its scenes. */
#include "run_threads.h"

const char *error_name(int error)
{
    return error ? strerrorname_np(error) : "0";
}

sem_t go, there;

void start(pthread_t *id, void *(*fn)(void *), void *arg)
{
    int error = pthread_create(id, NULL, fn, arg);

    if (error)
        SAY("pthread_create: %s", error_name(error));
}

const char *join(pthread_t id)
{
    void *result = NULL;
    int error = pthread_join(id, &result);

    return error ? error_name(error) : result == PTHREAD_CANCELED ? "cancelled" : result ? (char *)result : "NULL";
}

void pause_ms(int ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
}

struct timespec after_ms(clockid_t clock, int ms)
{
    struct timespec time;

    clock_gettime(clock, &time);
    time.tv_nsec += ms * 1000000L;
    time.tv_sec += time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

void *wait_and_return(void *arg)
{
    sem_wait(&go);
    return arg;
}

void *return_at_once(void *arg)
{
    return arg;
}

void say(void *text)
{
    SAY("clean-up: %s", (char *)text);
}

bool blocks(int signo)
{
    sigset_t set;

    pthread_sigmask(SIG_SETMASK, NULL, &set);
    return sigismember(&set, signo) == 1;
}

void block(int how, int signo)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, signo);
    pthread_sigmask(how, &set, NULL);
}

atomic_int handled;

void on_signal(int signo)
{
    (void)signo;
    atomic_fetch_add(&handled, 1);
}

sigset_t set_of(int signo)
{
    sigset_t set;

    sigemptyset(&set);
    if (signo)
        sigaddset(&set, signo);
    return set;
}

void handle(int signo, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

    sigaction(signo, &action, NULL);
}

int main(int argc, char **argv)
{
    const struct scene *const all[] = {scenes_of_life, scenes_of_cancel, scenes_of_signals,
                                       scenes_of_masks, scenes_of_futexes, scenes_of_rest}, *scene;
    size_t i;

    sem_init(&go, 0, 0);
    sem_init(&there, 0, 0);
    for (i = 0; i < sizeof all / sizeof *all; i++)
        for (scene = all[i]; scene->name; scene++)
            if (argc < 2)
                printf("%s\n", scene->name);
            else if (strcmp(argv[1], scene->name) == 0)
                scene->play();
    return 3;
}
