/* SPDX-License-Identifier: MIT */
/* Calls about descriptors, time, signals, processes and names; see row.h. RAW: they go by syscall(2) if they can. */
#include "row.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <resolv.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "raw.h"
#include "slow.h"

enum { BUFFER = 160 };

/* How long what ends by itself takes. */
static const struct timespec *delay(const struct state *s)
{
    static struct timespec time;

    time.tv_nsec = (s->longer ? 600 : DELAY_MS) * 1000000L;
    return &time;
}

/* ---- descriptors to read from: fd[0]; what ends a read writes to fd[1] ---- */

static int make_pipe(struct state *s)
{
    return pipe(s->fd);
}

static int make_socketpair(struct state *s)
{
    return socketpair(AF_UNIX, SOCK_STREAM, 0, s->fd);
}

static int make_datagrams(struct state *s)
{
    return socketpair(AF_UNIX, SOCK_DGRAM, 0, s->fd);
}

static int make_listener(struct state *s)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    s->fd[2] = socket(AF_INET, SOCK_STREAM, 0);
    return s->fd[2] < 0 || bind(s->fd[2], (struct sockaddr *)&address, sizeof address) != 0 ? -1 : listen(s->fd[2], 8);
}

static int connect_to(int listener, int fd)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;

    return getsockname(listener, (struct sockaddr *)&address, &length) != 0
               ? -1
               : connect(fd, (struct sockaddr *)&address, length);
}

static int make_tcp(struct state *s)
{
    if (make_listener(s) != 0)
        return -1;
    s->fd[1] = socket(AF_INET, SOCK_STREAM, 0);
    if (s->fd[1] < 0 || connect_to(s->fd[2], s->fd[1]) != 0)
        return -1;
    s->fd[0] = accept(s->fd[2], NULL, NULL);
    return s->fd[0] < 0 ? -1 : 0;
}

static int make_unix_listener(struct state *s, int backlog)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};

    s->fd[2] = socket(AF_UNIX, SOCK_STREAM, 0);
    if (s->fd[2] < 0 || bind(s->fd[2], (struct sockaddr *)&address, sizeof address) != 0)
        return -1;
    return listen(s->fd[2], backlog);
}

static int make_unix(struct state *s)
{
    if (make_unix_listener(s, 8) != 0)
        return -1;
    s->fd[1] = socket(AF_UNIX, SOCK_STREAM, 0);
    if (s->fd[1] < 0 || connect_to(s->fd[2], s->fd[1]) != 0)
        return -1;
    s->fd[0] = accept(s->fd[2], NULL, NULL);
    return s->fd[0] < 0 ? -1 : 0;
}

static int make_fifo(struct state *s)
{
    if (mkfifo("fifo", 0600) != 0)
        return -1;
    s->fd[0] = s->fd[1] = open("fifo", O_RDWR);
    return s->fd[0] < 0 ? -1 : 0;
}

static int make_tty(struct state *s)
{
    s->fd[1] = posix_openpt(O_RDWR | O_NOCTTY);
    if (s->fd[1] < 0 || grantpt(s->fd[1]) != 0 || unlockpt(s->fd[1]) != 0)
        return -1;
    s->fd[0] = open(ptsname(s->fd[1]), O_RDWR | O_NOCTTY);
    return s->fd[0] < 0 ? -1 : 0;
}

static int make_eventfd(struct state *s)
{
    s->fd[0] = s->fd[1] = eventfd(0, 0);
    return s->fd[0] < 0 ? -1 : 0;
}

static int make_timerfd(struct state *s)
{
    s->fd[0] = timerfd_create(CLOCK_MONOTONIC, 0);
    return s->fd[0] < 0 ? -1 : 0;
}

static int make_signalfd(struct state *s)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    s->fd[0] = signalfd(-1, &set, 0);
    return s->fd[0] < 0 ? -1 : 0;
}

static int make_inotify(struct state *s)
{
    s->fd[0] = inotify_init();
    return s->fd[0] < 0 || inotify_add_watch(s->fd[0], ".", IN_CREATE) < 0 ? -1 : 0;
}

static void put_eight(struct state *s)
{
    (void)!write(s->fd[1], "\1\0\0\0\0\0\0\n", 8);
}

static void put_signal(struct state *s)
{
    (void)s;
    kill(getppid(), SIGUSR1);
}

static void put_file(struct state *s)
{
    (void)s;
    close(creat("created", 0600));
}

/* From the parent, since nobody else can. */
static int set_timer(struct state *s)
{
    const struct itimerspec when = {.it_value = *delay(s)};

    return timerfd_settime(s->fd[0], 0, &when, NULL);
}

/* ---- read and its like ---- */

static int read_some(struct state *s)
{
    char buffer[BUFFER];

    return read(s->fd[0], buffer, (size_t)s->number ? (size_t)s->number : sizeof buffer) > 0 ? 0 : -1;
}

static int read_timer(struct state *s)
{
    return set_timer(s) != 0 ? -1 : read_some(s);
}

static int by_readv(struct state *s)
{
    char buffer[BUFFER];
    struct iovec iov = {buffer, sizeof buffer};

    return expect(readv(s->fd[0], &iov, 1), 8);
}

static int by_preadv2(struct state *s)
{
    char buffer[BUFFER];
    struct iovec iov = {buffer, sizeof buffer};

    return expect(preadv2(s->fd[0], &iov, 1, -1, 0), 8);
}

static int by_recv(struct state *s)
{
    char buffer[BUFFER];

    return expect(recv(s->fd[0], buffer, (size_t)s->number + sizeof buffer, 0), 8);
}

static int by_recvfrom(struct state *s)
{
    char buffer[BUFFER];

    return expect(recvfrom(s->fd[0], buffer, (size_t)s->number + sizeof buffer, 0, NULL, NULL), 8);
}

static int by_recvmsg(struct state *s)
{
    char buffer[BUFFER];
    struct iovec iov = {buffer, sizeof buffer};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};

    return expect(recvmsg(s->fd[0], &message, 0), 8);
}

static int by_recvmmsg(struct state *s)
{
    char buffer[BUFFER];
    struct iovec iov = {buffer, sizeof buffer};
    struct mmsghdr message = {.msg_hdr = {.msg_iov = &iov, .msg_iovlen = 1}};

    return expect(recvmmsg(s->fd[0], &message, 1, 0, NULL), 1);
}

/* ---- write and its like, to what is full: fd[1] ---- */

static int fill(int fd)
{
    static const char filling[4096];
    int flags = fcntl(fd, F_GETFL), sizes[] = {sizeof filling, 1}, i;

    if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return -1;
    for (i = 0; i < 2; i++)
        while (write(fd, filling, (size_t)sizes[i]) > 0)
            ;
    return fcntl(fd, F_SETFL, flags) < 0 ? -1 : 0;
}

static int make_full_pipe(struct state *s)
{
    return make_pipe(s) != 0 ? -1 : fill(s->fd[1]);
}

static int make_full_socket(struct state *s)
{
    return make_socketpair(s) != 0 ? -1 : fill(s->fd[1]);
}

static int make_full_tcp(struct state *s)
{
    return make_tcp(s) != 0 ? -1 : fill(s->fd[1]);
}

static int make_full_unix(struct state *s)
{
    return make_unix(s) != 0 ? -1 : fill(s->fd[1]);
}

static int make_full_fifo(struct state *s)
{
    if (mkfifo("fifo", 0600) != 0)
        return -1;
    s->fd[0] = open("fifo", O_RDONLY | O_NONBLOCK);
    s->fd[1] = open("fifo", O_WRONLY);
    return s->fd[1] < 0 ? -1 : fill(s->fd[1]);
}

/* The terminal's reader, the program behind a terminal emulator, does not read. */
static int make_full_tty(struct state *s)
{
    int terminal, result, i;

    if (make_tty(s) != 0)
        return -1;
    terminal = s->fd[0];
    s->fd[0] = s->fd[1];
    s->fd[1] = terminal;
    result = fill(terminal);
    /* The kernel passes on in the background what it has taken, and then has room once more. */
    for (i = 0; i < 10 && result == 0; i++) {
        usleep(2000);
        result = fill(terminal);
    }
    return result;
}

static int make_full_eventfd(struct state *s)
{
    return make_eventfd(s) != 0 ? -1 : expect(write(s->fd[1], &(uint64_t){UINT64_MAX - 1}, 8), 8);
}

static void empty_eventfd(struct state *s)
{
    uint64_t value;

    (void)!read(s->fd[0], &value, sizeof value);
}

static void drain(struct state *s)
{
    static char sink[65536];

    fcntl(s->fd[0], F_SETFL, O_NONBLOCK);
    while (read(s->fd[0], sink, sizeof sink) > 0)
        usleep(1000);
}

static int by_write(struct state *s)
{
    return expect(write(s->fd[1], "12345678", 8), 8);
}

static int by_writev(struct state *s)
{
    struct iovec iov = {(char[]){"12345678"}, 8};

    return expect(writev(s->fd[1], &iov, 1), 8);
}

static int by_pwritev2(struct state *s)
{
    struct iovec iov = {(char[]){"12345678"}, 8};

    return expect(pwritev2(s->fd[1], &iov, 1, -1, 0), 8);
}

static int by_send(struct state *s)
{
    return expect(send(s->fd[1], "12345678", 8, 0), 8);
}

static int by_sendto(struct state *s)
{
    return expect(sendto(s->fd[1], "12345678", 8, 0, NULL, 0), 8);
}

static int by_sendmsg(struct state *s)
{
    struct iovec iov = {(char[]){"12345678"}, 8};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};

    return expect(sendmsg(s->fd[1], &message, 0), 8);
}

static int by_sendmmsg(struct state *s)
{
    struct iovec iov = {(char[]){"12345678"}, 8};
    struct mmsghdr message = {.msg_hdr = {.msg_iov = &iov, .msg_iovlen = 1}};

    return expect(sendmmsg(s->fd[1], &message, 1, 0), 1);
}

/* ---- connections ---- */

static void connect_late(struct state *s)
{
    connect_to(s->fd[2], socket(AF_INET, SOCK_STREAM, 0));
    usleep(100 * 1000);
}

static int make_quiet_unix(struct state *s)
{
    return make_unix_listener(s, 8);
}

static void connect_unix_late(struct state *s)
{
    connect_to(s->fd[2], socket(AF_UNIX, SOCK_STREAM, 0));
    usleep(100 * 1000);
}

static int by_accept(struct state *s)
{
    return accept(s->fd[2], NULL, NULL) < 0 ? -1 : 0;
}

static int by_accept4(struct state *s)
{
    return accept4(s->fd[2], NULL, NULL, SOCK_CLOEXEC) < 0 ? -1 : 0;
}

static int make_full_backlog(struct state *s)
{
    int fd;

    if (make_unix_listener(s, 0) != 0)
        return -1;
    do
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    while (connect_to(s->fd[2], fd) == 0);
    s->fd[0] = socket(AF_UNIX, SOCK_STREAM, 0);
    return s->fd[0] < 0 ? -1 : 0;
}

static void accept_all(struct state *s)
{
    fcntl(s->fd[2], F_SETFL, O_NONBLOCK);
    while (accept(s->fd[2], NULL, NULL) >= 0)
        ;
    usleep(200 * 1000);
}

static int by_connect(struct state *s)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};

    return connect(s->fd[0], (struct sockaddr *)&address, sizeof address);
}

/* ---- waiting for readiness ---- */

static int by_poll(struct state *s)
{
    struct pollfd fds[4] = {{.fd = s->fd[0], .events = POLLIN}};

    return expect(poll(fds, (nfds_t)s->number + 1, -1), 1);
}

static int poll_timer(struct state *s)
{
    return set_timer(s) != 0 ? -1 : by_poll(s);
}

static int by_ppoll(struct state *s)
{
    struct pollfd fds[4] = {{.fd = s->fd[0], .events = POLLIN}};

    return expect(ppoll(fds, (nfds_t)s->number + 1, NULL, NULL), 1);
}

static int by_select(struct state *s)
{
    fd_set set;

    FD_ZERO(&set);
    FD_SET(s->fd[0], &set);
    return expect(select(s->fd[0] + 1, &set, NULL, NULL, NULL), 1);
}

static int by_pselect(struct state *s)
{
    fd_set set;

    FD_ZERO(&set);
    FD_SET(s->fd[0], &set);
    return expect(pselect(s->fd[0] + 1, &set, NULL, NULL, NULL, NULL), 1);
}

static int make_epoll(struct state *s)
{
    struct epoll_event event = {.events = EPOLLIN};

    if (make_pipe(s) != 0)
        return -1;
    s->fd[2] = epoll_create1(0);
    return epoll_ctl(s->fd[2], EPOLL_CTL_ADD, s->fd[0], &event);
}

static int by_epoll_wait(struct state *s)
{
    struct epoll_event event;

    return expect(epoll_wait(s->fd[2], &event, 1, -1), 1);
}

static int by_epoll_pwait(struct state *s)
{
    struct epoll_event event;

    return expect(epoll_pwait(s->fd[2], &event, 1, -1, NULL), 1);
}

static int by_epoll_pwait2(struct state *s)
{
    struct epoll_event event;

    return expect(epoll_pwait2(s->fd[2], &event, 1, NULL, NULL), 1);
}

/* ---- time ---- */

static int by_sleep(struct state *s)
{
    (void)s;
    errno = 0;
    return sleep(1) == 0 ? 0 : -1;
}

static int by_usleep(struct state *s)
{
    return usleep((useconds_t)(delay(s)->tv_nsec / 1000));
}

static int by_nanosleep(struct state *s)
{
    return nanosleep(delay(s), NULL);
}

static int by_clock_nanosleep(struct state *s)
{
#ifdef RAW
    return (int)clock_nanosleep(CLOCK_MONOTONIC, 0, delay(s), NULL);
#else
    return expect_no_error(clock_nanosleep(CLOCK_MONOTONIC, 0, delay(s), NULL));
#endif
}

static int by_thrd_sleep(struct state *s)
{
    errno = 0;
    return thrd_sleep(delay(s), NULL) == 0 ? 0 : -1;
}

static void on_signal(int signo)
{
    (void)signo;
}

static int make_handler(struct state *s)
{
    const struct sigaction action = {.sa_handler = on_signal};

    (void)s;
    return sigaction(SIGUSR1, &action, NULL);
}

static int interrupted(int result)
{
    return result == -1 && errno == EINTR ? 0 : -1;
}

static int by_pause(struct state *s)
{
    (void)s;
    return interrupted((int)pause());
}

static int by_sigsuspend(struct state *s)
{
    sigset_t none;

    (void)s;
    sigemptyset(&none);
    return interrupted((int)sigsuspend(&none));
}

static int make_blocked_signal(struct state *s)
{
    sigset_t set;

    (void)s;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    return sigprocmask(SIG_BLOCK, &set, NULL);
}

static const sigset_t *the_signal(void)
{
    static sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    return &set;
}

static int by_sigwait(struct state *s)
{
    int signo;

    (void)s;
    return expect_no_error(sigwait(the_signal(), &signo));
}

static int by_sigwaitinfo(struct state *s)
{
    siginfo_t info;

    (void)s;
    return expect(sigwaitinfo(the_signal(), &info), SIGUSR1);
}

static int by_sigtimedwait(struct state *s)
{
    static const struct timespec long_time = {.tv_sec = 10};
    siginfo_t info;

    (void)s;
    return expect(sigtimedwait(the_signal(), &info, &long_time), SIGUSR1);
}

/* ---- children ---- */

static int make_child(struct state *s)
{
    s->child = fork();
    if (s->child == 0) {
        usleep(DELAY_MS * 1000 + (s->longer ? 350000 : 0));
        _exit(7);
    }
    return s->child < 0 ? -1 : 0;
}

static int ended_with_seven(int status)
{
    return WIFEXITED(status) && WEXITSTATUS(status) == 7 ? 0 : 1;
}

static int by_wait(struct state *s)
{
    int status;

    return wait(&status) != s->child ? -1 : ended_with_seven(status);
}

static int by_waitpid(struct state *s)
{
    int status;

    return waitpid(s->child, &status, 0) != s->child ? -1 : ended_with_seven(status);
}

static int by_wait4(struct state *s)
{
    int status;

    return wait4(s->child, &status, 0, NULL) != s->child ? -1 : ended_with_seven(status);
}

static int by_waitid(struct state *s)
{
    siginfo_t info;

    return waitid(P_PID, (id_t)s->child, &info, WEXITED) != 0 ? -1 : info.si_status == 7 ? 0 : 1;
}

static int by_system(struct state *s)
{
    int status = system("sleep 0.25; exit 7");

    (void)s;
    return status < 0 ? -1 : ended_with_seven(status);
}

static int by_pclose(struct state *s)
{
    FILE *stream = popen("exec >&-; sleep 0.25; exit 7", "r");
    int status;

    (void)s;
    if (!stream)
        return -1;
    status = pclose(stream);
    return status < 0 ? -1 : ended_with_seven(status);
}

static int by_popen_and_fgets(struct state *s)
{
    FILE *stream = popen("sleep 0.25; echo line", "r");
    char line[BUFFER], *got;
    int error;

    (void)s;
    if (!stream)
        return -1;
    got = fgets(line, sizeof line, stream);
    error = errno;
    if (got)
        pclose(stream);
    errno = error;
    return got ? 0 : -1;
}

/* ---- stdio ---- */

static FILE *stream_of(int fd, const char *mode)
{
    return fdopen(fd, mode);
}

static int by_fgets(struct state *s)
{
    char line[BUFFER];

    errno = 0;
    return fgets(line, (int)s->number + (int)sizeof line, stream_of(s->fd[0], "r")) ? 0 : -1;
}

static int by_getc(struct state *s)
{
    errno = 0;
    return expect(getc(stream_of(s->fd[0], "r")), 1);
}

static int by_fread(struct state *s)
{
    char buffer[BUFFER];

    errno = 0;
    return fread(buffer, 1, (size_t)s->number + 8, stream_of(s->fd[0], "r")) == 8 ? 0 : -1;
}

static int by_fwrite(struct state *s)
{
    FILE *stream = stream_of(s->fd[1], "w");

    return fwrite("12345678", 1, 8, stream) != 8 ? -1 : fflush(stream);
}

static int by_fprintf(struct state *s)
{
    FILE *stream = stream_of(s->fd[1], "w");

    return fprintf(stream, "%d\n", 12345678) != 9 ? -1 : fflush(stream);
}

static int make_fifo_alone(struct state *s)
{
    (void)s;
    return mkfifo("fifo", 0600);
}

static void open_other_end(struct state *s)
{
    (void)s;
    close(open("fifo", O_WRONLY | O_NONBLOCK));
}

static int by_open(struct state *s)
{
    (void)s;
    return open("fifo", O_RDONLY) < 0 ? -1 : 0;
}

static int by_openat(struct state *s)
{
    (void)s;
    return openat(AT_FDCWD, "fifo", O_RDONLY) < 0 ? -1 : 0;
}

static int by_fopen(struct state *s)
{
    (void)s;
    return fopen("fifo", "r") ? 0 : -1;
}

/* ---- names: a server of our own that takes its time, in a network of our own ---- */

static void put_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0644);

    (void)!write(fd, text, strlen(text));
    close(fd);
}

static int raise_loopback(void)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int fd = socket(AF_INET, SOCK_DGRAM, 0), result = ioctl(fd, SIOCSIFFLAGS, &request);

    close(fd);
    return result;
}

/* The first question takes a while. Addresses and names have an answer, other types have none. */
static void serve_names(int fd, int delay_ms)
{
    static const unsigned char address[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, 1};
    static const unsigned char name[] = {0xc0, 12, 0, 12, 0, 1, 0, 0, 0, 1, 0, 6, 4, 's', 'l', 'o', 'w', 0};
    unsigned char packet[600];
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    ssize_t n;

    for (;; delay_ms = 0, length = sizeof from) {
        n = recvfrom(fd, packet, 512, 0, (struct sockaddr *)&from, &length);
        usleep((unsigned)delay_ms * 1000);
        ssize_t end = 12;
        while (end < n && packet[end])
            end += packet[end] + 1;
        end += 5; /* the last label, type and class */
        packet[2] |= 0x80;
        packet[3] = 0x80;
        packet[7] = packet[end - 3] == 1 || packet[end - 3] == 12;
        packet[9] = packet[11] = 0;
        if (packet[end - 3] == 1)
            memcpy(packet + end, address, sizeof address), end += sizeof address;
        else if (packet[end - 3] == 12)
            memcpy(packet + end, name, sizeof name), end += sizeof name;
        sendto(fd, packet, (size_t)end, 0, (struct sockaddr *)&from, length);
    }
}

static int make_resolver(struct state *s)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons(53)};
    pid_t child;
    int fd;

    put_text("resolv.conf", "nameserver 127.0.0.1\n");
    put_text("nsswitch.conf", "hosts: dns\n");
    if (slow_own_mounts(CLONE_NEWNET) != 0
        || mount("resolv.conf", "/etc/resolv.conf", NULL, MS_BIND, NULL) != 0
        || mount("nsswitch.conf", "/etc/nsswitch.conf", NULL, MS_BIND, NULL) != 0 || raise_loopback() != 0)
        return -1;
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0)
        return -1;
    child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve_names(fd, s->longer ? 600 : DELAY_MS);
    }
    return child < 0 ? -1 : 0;
}

static int by_getaddrinfo(struct state *s)
{
    struct addrinfo *found;

    (void)s;
    return getaddrinfo("slow.cede.test", NULL, NULL, &found) == 0 ? 0 : -1;
}

static int by_getnameinfo(struct state *s)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc6336401)}; /* 198.51.100.1 */
    char name[256];

    (void)s;
    return getnameinfo((struct sockaddr *)&address, sizeof address, name, sizeof name, NULL, 0, NI_NAMEREQD) == 0 ? 0
                                                                                                                   : -1;
}

static int by_gethostbyname(struct state *s)
{
    (void)s;
    return gethostbyname("slow.cede.test") ? 0 : -1;
}

static int by_gethostbyname_r(struct state *s)
{
    struct hostent host, *found;
    char buffer[1024];
    int error;

    (void)s;
    return expect_no_error(gethostbyname_r("slow.cede.test", &host, buffer, sizeof buffer, &found, &error)) != 0 ? -1
           : found                                                                                             ? 0
                                                                                                               : 1;
}

static int by_gethostbyaddr(struct state *s)
{
    struct in_addr address = {htonl(0xc6336401)};

    (void)s;
    return gethostbyaddr(&address, sizeof address, AF_INET) ? 0 : -1;
}

static int by_res_query(struct state *s)
{
    unsigned char answer[512];

    (void)s;
    return res_query("slow.cede.test", 1, 1, answer, sizeof answer) > 0 ? 0 : -1;
}

static int by_res_search(struct state *s)
{
    unsigned char answer[512];

    (void)s;
    return res_search("slow.cede.test", 1, 1, answer, sizeof answer) > 0 ? 0 : -1;
}

/* ---- files ---- */

static int make_file(struct state *s)
{
    s->fd[0] = open("file", O_RDWR | O_CREAT, 0600);
    s->fd[1] = open("file", O_RDWR);
    return s->fd[1] < 0 || write(s->fd[0], "12345678", 8) != 8 ? -1 : 0;
}

/* Another process holds the lock, until it ends. */
static int make_locked(struct state *s)
{
    int ready[2];
    char byte;

    if (make_file(s) != 0 || pipe(ready) != 0)
        return -1;
    s->child = fork();
    if (s->child == 0) {
        struct flock whole = {.l_type = F_WRLCK};
        int fd = open("file", O_RDWR);

        if (flock(fd, LOCK_EX) != 0 || fcntl(fd, F_SETLK, &whole) != 0)
            _exit(1);
        (void)!write(ready[1], "x", 1);
        usleep(DELAY_MS * 1000 + (s->longer ? 350000 : 0));
        _exit(0);
    }
    return read(ready[0], &byte, 1) == 1 ? 0 : -1;
}

static int by_flock(struct state *s)
{
    return flock(s->fd[0], LOCK_EX);
}

static int by_setlkw(struct state *s)
{
    struct flock whole = {.l_type = F_WRLCK};

    return fcntl(s->fd[0], F_SETLKW, &whole) < 0 ? -1 : 0;
}

static int by_lockf(struct state *s)
{
    return lseek(s->fd[0], 0, SEEK_SET) != 0 ? -1 : lockf(s->fd[0], F_LOCK, 0);
}

static int make_file_and_full_socket(struct state *s)
{
    if (make_full_socket(s) != 0)
        return -1;
    s->fd[2] = open("file", O_RDWR | O_CREAT, 0600);
    return s->fd[2] < 0 || pwrite(s->fd[2], "12345678", 8, 0) != 8 ? -1 : 0;
}

static int by_sendfile(struct state *s)
{
    return expect(sendfile(s->fd[1], s->fd[2], NULL, 8), 8);
}

static int make_two_pipes(struct state *s)
{
    return pipe(s->fd) != 0 ? -1 : pipe(s->fd + 2);
}

static int by_splice(struct state *s)
{
    return expect(splice(s->fd[0], NULL, s->fd[3], NULL, 8, 0), 8);
}

static int by_tee(struct state *s)
{
    return expect(tee(s->fd[0], s->fd[3], 8, 0), 8);
}

/* ---- between processes ---- */

struct message {
    long type;
    char text[8];
};

static int make_messages(struct state *s)
{
    s->number = msgget(IPC_PRIVATE, 0600);
    return s->number < 0 ? -1 : 0;
}

static int make_full_messages(struct state *s)
{
    struct msqid_ds limits;

    if (make_messages(s) != 0 || msgctl((int)s->number, IPC_STAT, &limits) != 0)
        return -1;
    limits.msg_qbytes = 8;
    return msgctl((int)s->number, IPC_SET, &limits) != 0
               ? -1
               : msgsnd((int)s->number, &(struct message){1, "1234567"}, 8, 0);
}

static void send_message(struct state *s)
{
    msgsnd((int)s->number, &(struct message){1, "1234567"}, 8, 0);
}

static void take_message(struct state *s)
{
    struct message message;

    msgrcv((int)s->number, &message, 8, 0, 0);
}

static int by_msgrcv(struct state *s)
{
    struct message message;
    int result = expect(msgrcv((int)s->number, &message, 8, 0, 0), 8), error = errno;

    msgctl((int)s->number, IPC_RMID, NULL);
    errno = error;
    return result;
}

static int by_msgsnd(struct state *s)
{
    int result = (int)msgsnd((int)s->number, &(struct message){1, "1234567"}, 8, 0), error = errno;

    msgctl((int)s->number, IPC_RMID, NULL);
    errno = error;
    return result;
}

static int make_semaphore(struct state *s)
{
    s->number = semget(IPC_PRIVATE, 1, 0600);
    return s->number < 0 ? -1 : 0;
}

static void raise_semaphore(struct state *s)
{
    semop((int)s->number, &(struct sembuf){.sem_op = 1}, 1);
}

static int by_semop(struct state *s)
{
    int result = (int)semop((int)s->number, &(struct sembuf){.sem_op = -1}, 1), error = errno;

    semctl((int)s->number, 0, IPC_RMID);
    errno = error;
    return result;
}

static int make_queue(struct state *s)
{
    struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 8};
    char name[32];

    snprintf(name, sizeof name, "/cede-calls-%d", (int)getpid());
    s->fd[0] = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
    mq_unlink(name);
    return s->fd[0] < 0 ? -1 : 0;
}

static int make_full_queue(struct state *s)
{
    return make_queue(s) != 0 ? -1 : mq_send(s->fd[0], "12345678", 8, 0);
}

static void put_into_queue(struct state *s)
{
    mq_send(s->fd[0], "12345678", 8, 0);
}

static void take_from_queue(struct state *s)
{
    char message[8];

    mq_receive(s->fd[0], message, sizeof message, NULL);
}

static int by_mq_receive(struct state *s)
{
    char message[8];

    return expect(mq_receive(s->fd[0], message, sizeof message, NULL), 8);
}

static int by_mq_send(struct state *s)
{
    return mq_send(s->fd[0], "12345678", 8, 0);
}

/* ---- the table ---- */

#define FORTIFIED .fortified = true
#define RAW_TOO   .raw = true
#define INSIDE    .form = "inside"

extern const struct row ROWS(call)[];
const struct row ROWS(call)[] = {
    {"read, pipe", RAW_TOO, FORTIFIED, .prepare = make_pipe, .call_it = read_some, .end_it = put_eight},
    {"read, FIFO", RAW_TOO, FORTIFIED, .prepare = make_fifo, .call_it = read_some, .end_it = put_eight},
    {"read, TCP", RAW_TOO, FORTIFIED, .prepare = make_tcp, .call_it = read_some, .end_it = put_eight},
    {"read, UNIX socket", RAW_TOO, FORTIFIED, .prepare = make_unix, .call_it = read_some, .end_it = put_eight},
    {"read, socketpair", RAW_TOO, FORTIFIED, .prepare = make_socketpair, .call_it = read_some, .end_it = put_eight},
    {"read, eventfd", RAW_TOO, FORTIFIED, .prepare = make_eventfd, .call_it = read_some, .end_it = put_eight},
    {"read, timerfd", RAW_TOO, FORTIFIED, .prepare = make_timerfd, .call_it = read_timer},
    {"read, signalfd", RAW_TOO, FORTIFIED, .prepare = make_signalfd, .call_it = read_some, .end_it = put_signal},
    {"read, inotify", RAW_TOO, FORTIFIED, .prepare = make_inotify, .call_it = read_some, .end_it = put_file},
    {"read, tty", RAW_TOO, FORTIFIED, .prepare = make_tty, .call_it = read_some, .end_it = put_eight},
    {"readv, pipe", RAW_TOO, .prepare = make_pipe, .call_it = by_readv, .end_it = put_eight},
    {"readv, TCP", RAW_TOO, .prepare = make_tcp, .call_it = by_readv, .end_it = put_eight},
    {"readv, socketpair", RAW_TOO, .prepare = make_socketpair, .call_it = by_readv, .end_it = put_eight},
    {"readv, tty", RAW_TOO, .prepare = make_tty, .call_it = by_readv, .end_it = put_eight},
    {"preadv2, pipe", .prepare = make_pipe, .call_it = by_preadv2, .end_it = put_eight},
    {"recv, TCP", FORTIFIED, .prepare = make_tcp, .call_it = by_recv, .end_it = put_eight},
    {"recv, UNIX socket", FORTIFIED, .prepare = make_unix, .call_it = by_recv, .end_it = put_eight},
    {"recv, socketpair", FORTIFIED, .prepare = make_socketpair, .call_it = by_recv, .end_it = put_eight},
    {"recv, datagrams", FORTIFIED, .prepare = make_datagrams, .call_it = by_recv, .end_it = put_eight},
    {"recvfrom, TCP", RAW_TOO, FORTIFIED, .prepare = make_tcp, .call_it = by_recvfrom, .end_it = put_eight},
    {"recvfrom, UNIX socket", RAW_TOO, FORTIFIED, .prepare = make_unix, .call_it = by_recvfrom, .end_it = put_eight},
    {"recvfrom, socketpair", RAW_TOO, FORTIFIED, .prepare = make_socketpair, .call_it = by_recvfrom,
     .end_it = put_eight},
    {"recvfrom, datagrams", RAW_TOO, FORTIFIED, .prepare = make_datagrams, .call_it = by_recvfrom, .end_it = put_eight},
    {"recvmsg, TCP", RAW_TOO, .prepare = make_tcp, .call_it = by_recvmsg, .end_it = put_eight},
    {"recvmsg, UNIX socket", RAW_TOO, .prepare = make_unix, .call_it = by_recvmsg, .end_it = put_eight},
    {"recvmsg, socketpair", RAW_TOO, .prepare = make_socketpair, .call_it = by_recvmsg, .end_it = put_eight},
    {"recvmsg, datagrams", RAW_TOO, .prepare = make_datagrams, .call_it = by_recvmsg, .end_it = put_eight},
    {"recvmmsg, TCP", RAW_TOO, .prepare = make_tcp, .call_it = by_recvmmsg, .end_it = put_eight},
    {"recvmmsg, UNIX socket", RAW_TOO, .prepare = make_unix, .call_it = by_recvmmsg, .end_it = put_eight},
    {"recvmmsg, socketpair", RAW_TOO, .prepare = make_socketpair, .call_it = by_recvmmsg, .end_it = put_eight},
    {"recvmmsg, datagrams", RAW_TOO, .prepare = make_datagrams, .call_it = by_recvmmsg, .end_it = put_eight},
    {"write, pipe", RAW_TOO, .prepare = make_full_pipe, .call_it = by_write, .end_it = drain},
    {"write, FIFO", RAW_TOO, .prepare = make_full_fifo, .call_it = by_write, .end_it = drain},
    {"write, TCP", RAW_TOO, .prepare = make_full_tcp, .call_it = by_write, .end_it = drain},
    {"write, UNIX socket", RAW_TOO, .prepare = make_full_unix, .call_it = by_write, .end_it = drain},
    {"write, socketpair", RAW_TOO, .prepare = make_full_socket, .call_it = by_write, .end_it = drain},
    {"write, tty", RAW_TOO, .prepare = make_full_tty, .call_it = by_write, .end_it = drain},
    {"write, eventfd", RAW_TOO, .prepare = make_full_eventfd, .call_it = by_write, .end_it = empty_eventfd},
    {"writev, pipe", RAW_TOO, .prepare = make_full_pipe, .call_it = by_writev, .end_it = drain},
    {"writev, TCP", RAW_TOO, .prepare = make_full_tcp, .call_it = by_writev, .end_it = drain},
    {"writev, UNIX socket", RAW_TOO, .prepare = make_full_unix, .call_it = by_writev, .end_it = drain},
    {"writev, socketpair", RAW_TOO, .prepare = make_full_socket, .call_it = by_writev, .end_it = drain},
    {"pwritev2, pipe", .prepare = make_full_pipe, .call_it = by_pwritev2, .end_it = drain},
    {"send, TCP", .prepare = make_full_tcp, .call_it = by_send, .end_it = drain},
    {"send, UNIX socket", .prepare = make_full_unix, .call_it = by_send, .end_it = drain},
    {"send, socketpair", .prepare = make_full_socket, .call_it = by_send, .end_it = drain},
    {"sendto, TCP", RAW_TOO, .prepare = make_full_tcp, .call_it = by_sendto, .end_it = drain},
    {"sendto, UNIX socket", RAW_TOO, .prepare = make_full_unix, .call_it = by_sendto, .end_it = drain},
    {"sendto, socketpair", RAW_TOO, .prepare = make_full_socket, .call_it = by_sendto, .end_it = drain},
    {"sendmsg, TCP", RAW_TOO, .prepare = make_full_tcp, .call_it = by_sendmsg, .end_it = drain},
    {"sendmsg, UNIX socket", RAW_TOO, .prepare = make_full_unix, .call_it = by_sendmsg, .end_it = drain},
    {"sendmsg, socketpair", RAW_TOO, .prepare = make_full_socket, .call_it = by_sendmsg, .end_it = drain},
    {"sendmmsg, TCP", RAW_TOO, .prepare = make_full_tcp, .call_it = by_sendmmsg, .end_it = drain},
    {"sendmmsg, UNIX socket", RAW_TOO, .prepare = make_full_unix, .call_it = by_sendmmsg, .end_it = drain},
    {"sendmmsg, socketpair", RAW_TOO, .prepare = make_full_socket, .call_it = by_sendmmsg, .end_it = drain},
    {"accept, TCP", RAW_TOO, .prepare = make_listener, .call_it = by_accept, .end_it = connect_late},
    {"accept, UNIX socket", RAW_TOO, .prepare = make_quiet_unix, .call_it = by_accept, .end_it = connect_unix_late},
    {"accept4, TCP", RAW_TOO, .prepare = make_listener, .call_it = by_accept4, .end_it = connect_late},
    {"accept4, UNIX socket", RAW_TOO, .prepare = make_quiet_unix, .call_it = by_accept4, .end_it = connect_unix_late},
    {"connect, full backlog", RAW_TOO, .prepare = make_full_backlog, .call_it = by_connect, .end_it = accept_all},
    {"poll, pipe", FORTIFIED, .prepare = make_pipe, .call_it = by_poll, .end_it = put_eight},
    {"poll, FIFO", FORTIFIED, .prepare = make_fifo, .call_it = by_poll, .end_it = put_eight},
    {"poll, TCP", FORTIFIED, .prepare = make_tcp, .call_it = by_poll, .end_it = put_eight},
    {"poll, UNIX socket", FORTIFIED, .prepare = make_unix, .call_it = by_poll, .end_it = put_eight},
    {"poll, socketpair", FORTIFIED, .prepare = make_socketpair, .call_it = by_poll, .end_it = put_eight},
    {"poll, eventfd", FORTIFIED, .prepare = make_eventfd, .call_it = by_poll, .end_it = put_eight},
    {"poll, tty", FORTIFIED, .prepare = make_tty, .call_it = by_poll, .end_it = put_eight},
    {"poll, timerfd", FORTIFIED, .prepare = make_timerfd, .call_it = poll_timer},
    {"poll, signalfd", FORTIFIED, .prepare = make_signalfd, .call_it = by_poll, .end_it = put_signal},
    {"poll, inotify", FORTIFIED, .prepare = make_inotify, .call_it = by_poll, .end_it = put_file},
    {"ppoll", RAW_TOO, FORTIFIED, .prepare = make_pipe, .call_it = by_ppoll, .end_it = put_eight},
    {"select", .prepare = make_pipe, .call_it = by_select, .end_it = put_eight},
    {"pselect", .prepare = make_pipe, .call_it = by_pselect, .end_it = put_eight},
    {"epoll_wait", .prepare = make_epoll, .call_it = by_epoll_wait, .end_it = put_eight},
    {"epoll_pwait", RAW_TOO, .prepare = make_epoll, .call_it = by_epoll_pwait, .end_it = put_eight},
    {"epoll_pwait2", .prepare = make_epoll, .call_it = by_epoll_pwait2, .end_it = put_eight},
    {"sleep", .call_it = by_sleep},
    {"usleep", .call_it = by_usleep},
    {"nanosleep", RAW_TOO, .call_it = by_nanosleep},
    {"clock_nanosleep", RAW_TOO, .call_it = by_clock_nanosleep},
    {"clock_nanosleep", INSIDE, .call_it = by_thrd_sleep},
    {"thrd_sleep", .call_it = by_thrd_sleep},
    {"pause", .prepare = make_handler, .call_it = by_pause, .end_it = put_signal},
    {"sigsuspend", .prepare = make_handler, .call_it = by_sigsuspend, .end_it = put_signal},
    {"sigwait", .prepare = make_blocked_signal, .call_it = by_sigwait, .end_it = put_signal},
    {"sigwaitinfo", .prepare = make_blocked_signal, .call_it = by_sigwaitinfo, .end_it = put_signal},
    {"sigtimedwait", .prepare = make_blocked_signal, .call_it = by_sigtimedwait, .end_it = put_signal},
    {"wait", .prepare = make_child, .call_it = by_wait},
    {"waitpid", .prepare = make_child, .call_it = by_waitpid},
    {"wait4", RAW_TOO, .prepare = make_child, .call_it = by_wait4},
    {"wait4", INSIDE, .call_it = by_pclose},
    {"waitid", .prepare = make_child, .call_it = by_waitid},
    {"system", .call_it = by_system},
    {"popen, fgets", .call_it = by_popen_and_fgets},
    {"pclose", .call_it = by_pclose},
    {"fgets, socket", FORTIFIED, .prepare = make_socketpair, .call_it = by_fgets, .end_it = put_eight},
    {"fgets, pipe", FORTIFIED, .prepare = make_pipe, .call_it = by_fgets, .end_it = put_eight},
    {"read, pipe", INSIDE, .prepare = make_pipe, .call_it = by_fgets, .end_it = put_eight},
    {"read, socketpair", INSIDE, .prepare = make_socketpair, .call_it = by_fgets, .end_it = put_eight},
    {"read, TCP", INSIDE, .prepare = make_tcp, .call_it = by_fgets, .end_it = put_eight},
    {"read, tty", INSIDE, .prepare = make_tty, .call_it = by_fgets, .end_it = put_eight},
    {"getc", .prepare = make_socketpair, .call_it = by_getc, .end_it = put_eight},
    {"fread", FORTIFIED, .prepare = make_socketpair, .call_it = by_fread, .end_it = put_eight},
    {"fwrite", .prepare = make_full_socket, .call_it = by_fwrite, .end_it = drain},
    {"write, socketpair", INSIDE, .prepare = make_full_socket, .call_it = by_fwrite, .end_it = drain},
    {"write, pipe", INSIDE, .prepare = make_full_pipe, .call_it = by_fwrite, .end_it = drain},
    {"fprintf", FORTIFIED, .prepare = make_full_pipe, .call_it = by_fprintf, .end_it = drain},
    {"open, FIFO", .prepare = make_fifo_alone, .call_it = by_open, .end_it = open_other_end},
    {"open, FIFO", INSIDE, .prepare = make_fifo_alone, .call_it = by_fopen, .end_it = open_other_end},
    {"openat, FIFO", RAW_TOO, .prepare = make_fifo_alone, .call_it = by_openat, .end_it = open_other_end},
    {"fopen, FIFO", .prepare = make_fifo_alone, .call_it = by_fopen, .end_it = open_other_end},
    {"flock", RAW_TOO, .prepare = make_locked, .call_it = by_flock},
    {"fcntl(F_SETLKW)", RAW_TOO, .prepare = make_locked, .call_it = by_setlkw},
    {"lockf", .prepare = make_locked, .call_it = by_lockf},
    {"sendfile", RAW_TOO, .prepare = make_file_and_full_socket, .call_it = by_sendfile, .end_it = drain},
    {"splice", RAW_TOO, .prepare = make_two_pipes, .call_it = by_splice, .end_it = put_eight},
    {"tee", RAW_TOO, .prepare = make_two_pipes, .call_it = by_tee, .end_it = put_eight},
    {"msgrcv", .prepare = make_messages, .call_it = by_msgrcv, .end_it = send_message},
    {"msgsnd", .prepare = make_full_messages, .call_it = by_msgsnd, .end_it = take_message},
    {"semop", .prepare = make_semaphore, .call_it = by_semop, .end_it = raise_semaphore},
    {"mq_receive", .prepare = make_queue, .call_it = by_mq_receive, .end_it = put_into_queue},
    {"mq_send", .prepare = make_full_queue, .call_it = by_mq_send, .end_it = take_from_queue},
    {"getaddrinfo", .prepare = make_resolver, .call_it = by_getaddrinfo},
    {"getnameinfo", .prepare = make_resolver, .call_it = by_getnameinfo},
    {"gethostbyname", .prepare = make_resolver, .call_it = by_gethostbyname},
    {"gethostbyname_r", .prepare = make_resolver, .call_it = by_gethostbyname_r},
    {"gethostbyaddr", .prepare = make_resolver, .call_it = by_gethostbyaddr},
    {"res_query", .prepare = make_resolver, .call_it = by_res_query},
    {"res_search", .prepare = make_resolver, .call_it = by_res_search},
    {0},
};
