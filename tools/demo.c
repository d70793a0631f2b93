/* SPDX-License-Identifier: MIT */
/*
 * Downloads many URLs at once with plain, blocking libcurl on one OS thread; tools/demo builds and runs it.
 *
 * The part to look at is download(): it is what libcurl's manual shows for one URL, and knows nothing of tasks. It is
 * linked with libcede-posix, so that wherever libcurl would block, the task parks.
 *
 * Without URLs it downloads from a small server of its own. That one is another process, so that the figures (threads,
 * tasks, descriptors) are those of the downloads alone, and the answers really come from outside.
 */
#include <cede.h>
#include <cede/posix.h>
#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    EXIT_USAGE = 2,
    EXIT_INTERRUPTED = 128 + SIGINT,
    MOST_DOWNLOADS = 10 * 1000 * 1000,
    LONGEST_DELAY_MS = 60 * 60 * 1000,
    MESSAGES = 3,             /* of failed downloads, so many are reported one by one */
    SPARE_DESCRIPTORS = 64,   /* for everything but downloads */
    DESCRIPTORS_BY_NUMBER = 3, /* one download's socket, and the pair by which libcurl wakes itself */
    DESCRIPTORS_BY_NAME = 5,  /* the same, and the pair of its resolver thread */
    BAR_WIDTH = 50,
};

static const char *program = "demo";

static struct {
    long count, concurrency, delay_ms; /* -1: not given */
    bool threads;                      /* instead of tasks */
    char **urls;
    int url_count;
} options = {.count = -1, .concurrency = -1, .delay_ms = -1};

/* Only one task runs at a time, so plain variables would do; but not for threads. */
static struct {
    _Atomic long next, done, failed; /* of the downloads */
    _Atomic int tasks;
    int peak_tasks, peak_threads;
    bool finished; /* the progress bar can go */
} state;

static struct cede_task *volatile interruptible; /* the first task, while Ctrl-C is to cancel it */
static volatile sig_atomic_t interrupted;

/* ---- one download ---- */

static size_t ignore(char *data, size_t size, size_t count, void *unused)
{
    (void)data, (void)unused;
    return size * count;
}

static CURLcode download(const char *url)
{
    CURL *curl = curl_easy_init();
    CURLcode code;

    if (!curl)
        return CURLE_OUT_OF_MEMORY;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    code = curl_easy_perform(curl);
    curl_easy_cleanup(curl);
    return code;
}

/* ---- all of them ---- */

static void begin_task(void)
{
    if (++state.tasks > state.peak_tasks)
        state.peak_tasks = state.tasks;
}

/* A directory has a link for each directory in it, . and .. too. (Reading a file would itself take a helper thread.) */
static int os_threads(void)
{
    struct stat threads;

    return stat("/proc/self/task", &threads) == 0 ? (int)threads.st_nlink - 2 : -1;
}

static void count_threads(void)
{
    int threads = os_threads();

    if (threads > state.peak_threads)
        state.peak_threads = threads;
}

/* Takes one URL after the other until there is none left. */
static int work(void *unused)
{
    const char *url;
    CURLcode code;
    long number;

    (void)unused;
    while (!interrupted && (number = state.next++) < options.count) {
        url = options.urls[number % options.url_count];
        code = download(url);
        if (code == CURLE_OK) {
            state.done++;
        } else if (!interrupted) {
            if (state.failed++ < MESSAGES)
                fprintf(stderr, "%s: %s: %s\n", program, url, curl_easy_strerror(code));
        }
    }
    state.tasks--;
    return 0;
}

static void draw_bar(void)
{
    long ended = state.done + state.failed;
    int filled = (int)(ended * BAR_WIDTH / options.count);

    printf("\r[%.*s%*s] %ld/%ld", filled, "##################################################", BAR_WIDTH - filled, "",
           ended, options.count);
    fflush(stdout);
}

static int watch(void *unused)
{
    bool terminal = isatty(STDOUT_FILENO);

    (void)unused;
    while (!state.finished) {
        count_threads();
        if (terminal)
            draw_bar();
        if (cede_sleep(50 * CEDE_MILLISECOND) != 0)
            break;
    }
    if (terminal) {
        draw_bar();
        printf("\n");
    }
    state.tasks--;
    return 0;
}

static struct cede_task *start_task(const char *name, cede_task_fn *fn)
{
    struct cede_task *task = cede_spawn_attr(&(struct cede_task_attr){.name = name}, fn, NULL);

    if (task)
        begin_task();
    else
        fprintf(stderr, "%s: cannot start a task: %s\n", program, strerror(errno));
    return task;
}

/* Waits for all of them; when Ctrl-C ends that wait, they are cancelled first. */
static void join_all(struct cede_task **tasks, long count)
{
    long joined = 0, i;

    while (joined < count && cede_join(tasks[joined], NULL) == 0)
        joined++;
    for (i = joined; i < count; i++)
        cede_cancel(tasks[i]);
    cede_shield
        for (; joined < count; joined++)
            cede_join(tasks[joined], NULL);
}

static int app(void *unused)
{
    struct cede_task **tasks = calloc((size_t)options.concurrency, sizeof *tasks), *watcher;
    long count;

    (void)unused;
    if (!tasks) {
        fprintf(stderr, "%s: %s\n", program, strerror(errno));
        return -1;
    }
    begin_task();
    interruptible = cede_self();
    watcher = start_task("progress", watch);
    for (count = 0; count < options.concurrency; count++)
        if (!(tasks[count] = start_task("download", work)))
            break;
    join_all(tasks, count);
    interruptible = NULL;
    count_threads();
    state.finished = true;
    if (watcher) {
        cede_cancel(watcher);
        cede_shield
            cede_join(watcher, NULL);
    }
    free(tasks);
    return count == options.concurrency ? 0 : -1;
}

/* ---- the same without cede, to compare: outside tasks libc's calls are libc's own ---- */

static void *work_in_thread(void *unused)
{
    work(unused);
    return NULL;
}

/* One thread needs no other. */
static int work_in_threads(void)
{
    pthread_t *threads = calloc((size_t)options.concurrency, sizeof *threads);
    long count = 0, joined;
    int error = threads ? 0 : ENOMEM;

    if (options.concurrency == 1)
        work(NULL);
    else
        while (!error && count < options.concurrency
               && !(error = pthread_create(&threads[count], NULL, work_in_thread, NULL)))
            count++;
    count_threads();
    for (joined = 0; joined < count; joined++)
        pthread_join(threads[joined], NULL);
    free(threads);
    if (error)
        fprintf(stderr, "%s: cannot start a thread: %s\n", program, strerror(error));
    return error ? -1 : 0;
}

static void on_interrupt(int signo)
{
    struct cede_task *task = interruptible;

    (void)signo;
    interrupted = 1;
    if (task)
        cede_cancel(task);
}

/* ---- the server ---- */

/* Reads a request up to its empty line, waits, answers. */
static int answer(int fd, void *unused)
{
    static const char response[] = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n";
    char request[4096];
    size_t length = 0;
    ssize_t count;

    (void)unused;
    do {
        count = read(fd, request + length, sizeof request - 1 - length);
        if (count <= 0)
            return -1;
        length += (size_t)count;
        request[length] = '\0';
    } while (!strstr(request, "\r\n\r\n"));
    if (cede_sleep(options.delay_ms * CEDE_MILLISECOND) != 0)
        return -1;
    return write(fd, response, sizeof response - 1) < 0 ? -1 : 0;
}

static int serve(void *port_pipe)
{
    int out = *(int *)port_pipe, fd = cede_listen("127.0.0.1:0"), port;

    if (fd < 0)
        return -1;
    port = cede_port(fd);
    if (write(out, &port, sizeof port) != sizeof port)
        return -1;
    close(out);
    return cede_serve(fd, answer, NULL);
}

/* Starts the server in a process of its own. Returns its id, or -1; *url is where it listens. */
static pid_t start_server(char *url, size_t size)
{
    int pipes[2], port;
    pid_t parent = getpid(), child;

    if (pipe(pipes) != 0)
        return -1;
    child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(EXIT_FAILURE);
        signal(SIGINT, SIG_IGN); /* Ctrl-C goes to both; who downloads decides */
        close(pipes[0]);
        cede_run(serve, &pipes[1]);
        fprintf(stderr, "%s: server: %s\n", program, strerror(errno));
        _exit(EXIT_FAILURE);
    }
    close(pipes[1]);
    if (child > 0 && read(pipes[0], &port, sizeof port) != sizeof port) {
        waitpid(child, NULL, 0);
        child = -1;
    }
    close(pipes[0]);
    if (child > 0)
        snprintf(url, size, "http://127.0.0.1:%d/", port);
    return child;
}

/* ---- options and limits ---- */

static void usage(FILE *out)
{
    fprintf(out,
            "usage: %s [-n COUNT] [-c CONCURRENCY] [--threads] [--delay MS] [URL...]\n"
            "\n"
            "Downloads with plain blocking libcurl, each download in a task, all on one OS thread; the last line says\n"
            "how it went. Without a URL: from a server of its own, which answers each request after a delay.\n"
            "\n"
            "  -n, --count COUNT              downloads in all; default 1000, or each URL once\n"
            "  -c, --concurrency CONCURRENCY  at most so many at a time; default: all\n"
            "  -d, --delay MS                 the delay of the own server; default 100\n"
            "  -t, --threads                  without cede, to compare: as many OS threads; -c 1: no other\n"
            "  -h, --help                     this text\n"
            "\n"
            "Exit status: 0 if all succeeded, 1 if not, 2 for wrong usage, 130 after Ctrl-C.\n",
            program);
}

static void wrong_usage(const char *option, const char *value, const char *expected)
{
    fprintf(stderr, "%s: %s %s: expected %s; see --help\n", program, option, value, expected);
    exit(EXIT_USAGE);
}

static long number(const char *option, const char *value, long least, long most)
{
    char *end, expected[80];
    long n;

    errno = 0;
    n = strtol(value, &end, 10);
    if (errno || end == value || *end || n < least || n > most) {
        snprintf(expected, sizeof expected, "a whole number from %ld to %ld", least, most);
        wrong_usage(option, value, expected);
    }
    return n;
}

static void parse(int argc, char **argv)
{
    static const struct option names[] = {
        {"count", required_argument, NULL, 'n'}, {"concurrency", required_argument, NULL, 'c'},
        {"delay", required_argument, NULL, 'd'}, {"threads", no_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'}, {0},
    };
    int option, i;

    while ((option = getopt_long(argc, argv, "n:c:d:th", names, NULL)) != -1)
        switch (option) {
        case 'n':
            options.count = number("-n", optarg, 1, MOST_DOWNLOADS);
            break;
        case 'c':
            options.concurrency = number("-c", optarg, 1, MOST_DOWNLOADS);
            break;
        case 'd':
            options.delay_ms = number("--delay", optarg, 0, LONGEST_DELAY_MS);
            break;
        case 't':
            options.threads = true;
            break;
        case 'h':
            usage(stdout);
            exit(EXIT_SUCCESS);
        default:
            fprintf(stderr, "see %s --help\n", program);
            exit(EXIT_USAGE);
        }
    options.urls = argv + optind;
    options.url_count = argc - optind;
    for (i = 0; i < options.url_count; i++)
        if (!strstr(options.urls[i], "://"))
            wrong_usage("URL", options.urls[i], "something like http://host/path");
    if (options.url_count && options.delay_ms >= 0)
        wrong_usage("--delay", "with URLs", "one or the other: it is the delay of the own server");
    if (options.delay_ms < 0)
        options.delay_ms = 100;
    if (options.count < 0)
        options.count = options.url_count ? options.url_count : 1000;
    if (options.concurrency < 0 || options.concurrency > options.count)
        options.concurrency = options.count;
}

/* As many descriptors as the system lets us have, and no more downloads at a time than they are enough for. */
static void limit_concurrency(void)
{
    long each = options.url_count ? DESCRIPTORS_BY_NAME : DESCRIPTORS_BY_NUMBER, most;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= (rlim_t)(MOST_DOWNLOADS * each))
        return;
    most = ((long)limit.rlim_cur - SPARE_DESCRIPTORS) / each;
    if (most < 1)
        most = 1;
    if (options.concurrency > most) {
        fprintf(stderr, "%s: at most %ld downloads at a time: the limit of descriptors is %ld (ulimit -Hn), and each "
                        "takes %ld\n", program, most, (long)limit.rlim_cur, each);
        options.concurrency = most;
    }
}

int main(int argc, char **argv)
{
    char server_url[64], *server_urls[] = {server_url};
    pid_t server = 0;
    int64_t began;
    int result;

    parse(argc, argv);
    if (cede_posix_check() != 0)
        return EXIT_FAILURE; /* it has said why */
    limit_concurrency();
    if (!options.url_count) {
        server = start_server(server_url, sizeof server_url);
        if (server < 0) {
            fprintf(stderr, "%s: cannot start the server: %s\n", program, strerror(errno));
            return EXIT_FAILURE;
        }
        options.urls = server_urls;
        options.url_count = 1;
    }
    /* libcurl would ignore SIGPIPE during each transfer and then restore what it found: with many at a time, what it
     * finds is what another left. */
    signal(SIGPIPE, SIG_IGN);
    sigaction(SIGINT, &(struct sigaction){.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND}, NULL);
    curl_global_init(CURL_GLOBAL_DEFAULT);

    began = cede_now();
    result = options.threads ? work_in_threads() : cede_run(app, NULL);
    printf("%ld downloads, %ld failures, %.2f s, %d OS thread%s", state.done, state.failed,
           (double)(cede_now() - began) / (double)CEDE_SECOND, state.peak_threads, state.peak_threads == 1 ? "" : "s");
    if (options.threads)
        printf("\n");
    else
        printf(", %d tasks at peak\n", state.peak_tasks);
    if (server > 0) {
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
    }
    curl_global_cleanup();
    if (interrupted)
        return EXIT_INTERRUPTED;
    return result == 0 && state.failed == 0 && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
