/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <termios.h>
#include <unistd.h>

#include "harness.h"

enum { MIB = 1 << 20 };

static int fds[2]; /* what most tests are about: fds[0] is read, fds[1] written */

static void open_pipe(void)
{
    ck_assert_int_eq(cede_pipe2(fds, O_CLOEXEC), 0);
}

static void open_sockets(void)
{
    ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
}

static void close_both(void)
{
    ck_assert_int_eq(cede_close(fds[0]), 0);
    ck_assert_int_eq(cede_close(fds[1]), 0);
}

/* The byte at offset i of a stream. */
static unsigned char pattern(size_t i)
{
    return (unsigned char)(i * 7 + i / 251);
}

static unsigned char *make_pattern(size_t size)
{
    unsigned char *bytes = malloc(size);

    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = pattern(i);
    return bytes;
}

/* ---- every call ---- */

struct writer {
    int fd;
    const char *text;
};

static int writer(struct writer *a)
{
    return (int)cede_write(a->fd, a->text, strlen(a->text));
}

static void read_waits_for_data(void)
{
    struct cede_task *task = cede_go(writer, .fd = fds[1], .text = "hello");
    char buf[16];

    ck_assert_int_eq(cede_read(fds[0], buf, sizeof buf), 5);
    ck_assert_mem_eq(buf, "hello", 5);
    ck_assert_int_eq(cede_await(task), 5);
    ck_assert_int_eq(cede_read(fds[0], buf, 0), 0);
    ck_assert_int_eq(cede_readv(fds[0], &(struct iovec){buf, 0}, 1), 0);
}

TASK_TEST(a_pipe_is_read_when_data_comes)
{
    open_pipe();
    read_waits_for_data();
    close_both();
}

TASK_TEST(a_socket_is_read_when_data_comes)
{
    open_sockets();
    read_waits_for_data();
    close_both();
}

TASK_TEST(descriptors_that_cede_did_not_make_work)
{
    ck_assert_int_eq(pipe(fds), 0);
    read_waits_for_data();
    read_waits_for_data();
    close_both();
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    read_waits_for_data();
    read_waits_for_data();
    close_both();
}

TASK_TEST(end_of_file_is_zero)
{
    char c;

    open_pipe();
    ck_assert_int_eq(cede_close(fds[1]), 0);
    ck_assert_int_eq(cede_read(fds[0], &c, 1), 0);
    cede_close(fds[0]);
}

TASK_TEST(vectors_are_filled_in_order)
{
    char a[3], b[4];
    struct iovec out[] = {{"ab", 2}, {"", 0}, {"cdefg", 5}}, in[] = {{a, 3}, {b, 4}};

    open_sockets();
    ck_assert_int_eq(cede_writev(fds[1], out, 3), 7);
    ck_assert_int_eq(cede_readv(fds[0], in, 2), 7);
    ck_assert_mem_eq(a, "abc", 3);
    ck_assert_mem_eq(b, "defg", 4);
    ck_assert_fails(cede_readv(fds[0], in, -1), EINVAL);
    ck_assert_fails(cede_writev(fds[0], in, 5000), EINVAL);
    close_both();
}

TASK_TEST(messages_carry_descriptors)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {0};
    char c;
    struct iovec iov = {"x", 1};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&msg);
    int passed;

    open_sockets();
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &fds[1], sizeof(int));
    ck_assert_int_eq(cede_sendmsg(fds[1], &msg, 0), 1);
    memset(&control, 0, sizeof control);
    iov.iov_base = &c;
    ck_assert_int_eq(cede_recvmsg(fds[0], &msg, MSG_CMSG_CLOEXEC), 1);
    ck_assert_uint_eq(msg.msg_controllen, sizeof control);
    memcpy(&passed, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
    ck_assert_int_eq(cede_write(passed, "y", 1), 1);
    ck_assert_int_eq(cede_read(fds[0], &c, 1), 1);
    ck_assert_int_eq(c, 'y');
    cede_close(passed);
    close_both();
}

TASK_TEST(files_are_read_and_written_in_place)
{
    char path[] = "/tmp/cede-test-XXXXXX", buf[8];
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    unlink(path);
    ck_assert_int_eq(cede_write(fd, "abcdef", 6), 6);
    ck_assert_int_eq(cede_pwrite(fd, "X", 1, 2), 1);
    ck_assert_int_eq(cede_pread(fd, buf, 8, 1), 5);
    ck_assert_mem_eq(buf, "bXdef", 5);
    ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
    ck_assert_int_eq(cede_read(fd, buf, 8), 6);
    ck_assert_fails(cede_recv(fd, buf, 8, 0), ENOTSOCK);
    ck_assert_fails(cede_send(fd, buf, 8, 0), ENOTSOCK);
    /* A file needs no cede_close(): its number may then be a pipe's. */
    close(fd);
    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(fds[0], fd);
    read_waits_for_data();
    ck_assert_fails(cede_pread(fds[0], buf, 1, 0), ESPIPE);
    ck_assert_fails(cede_pwrite(fds[1], buf, 1, 0), ESPIPE);
    close_both();
}

/* What an eventfd refuses it refuses at once, whether it is empty, full, or was written to before. */
TASK_TEST(an_eventfd_refuses_at_once)
{
    uint64_t value = 1, most = UINT64_MAX - 1, wrong = UINT64_MAX;
    char few[8];
    int round;

    fds[0] = eventfd(0, 0);
    for (round = 0; round < 2; round++) {
        ck_assert_fails(cede_read(fds[0], few, 7), EINVAL);
        ck_assert_fails(cede_write(fds[0], &value, 7), EINVAL);
        ck_assert_fails(cede_write(fds[0], &wrong, 8), EINVAL);
        ck_assert_int_eq(cede_write(fds[0], &value, 8), 8);
        ck_assert_int_eq(cede_read(fds[0], &value, 8), 8);
        ck_assert_int_eq(value, 1);
    }
    ck_assert_int_eq(cede_write(fds[0], &most, 8), 8);
    ck_assert_fails(cede_write(fds[0], &value, 7), EINVAL);
    ck_assert_fails(cede_write(fds[0], &wrong, 8), EINVAL);
    ck_assert_int_eq(cede_close(fds[0]), 0);
    fds[0] = timerfd_create(CLOCK_MONOTONIC, 0);
    ck_assert_fails(cede_read(fds[0], few, 7), EINVAL);
    ck_assert_int_eq(cede_close(fds[0]), 0);
}

TASK_TEST(an_eventfd_waits)
{
    uint64_t value = 3;

    fds[0] = eventfd(0, 0);
    cede_timeout (5 * CEDE_MILLISECOND)
        ck_assert_fails(cede_read(fds[0], &value, sizeof value), ETIMEDOUT);
    ck_assert_int_eq(cede_write(fds[0], &value, sizeof value), 8);
    value = 0;
    ck_assert_int_eq(cede_read(fds[0], &value, sizeof value), 8);
    ck_assert_uint_eq(value, 3);
    cede_close(fds[0]);
}

/* A terminal may only be asked: the kernel cannot read it without waiting. */
TASK_TEST(a_terminal_waits)
{
    struct termios mode;
    int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
    struct cede_task *task;
    char buf[16];

    ck_assert_int_ge(master, 0);
    ck_assert_int_eq(grantpt(master) | unlockpt(master), 0);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    ck_assert_int_ge(slave, 0);
    ck_assert_int_eq(tcgetattr(slave, &mode), 0);
    cfmakeraw(&mode);
    ck_assert_int_eq(tcsetattr(slave, TCSANOW, &mode), 0);
    cede_timeout (5 * CEDE_MILLISECOND)
        ck_assert_fails(cede_read(slave, buf, sizeof buf), ETIMEDOUT);
    task = cede_go(writer, .fd = master, .text = "typed");
    ck_assert_int_eq(cede_read(slave, buf, sizeof buf), 5);
    ck_assert_int_eq(cede_await(task), 5);
    ck_assert_int_eq(fcntl(slave, F_GETFL) & O_NONBLOCK, 0);
    cede_close(slave);
    cede_close(master);
}

/* It cannot be read, which no question for readiness tells: the call must be made. */
TASK_TEST(a_terminal_that_is_open_for_writing)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
    char c;

    ck_assert_int_ge(master, 0);
    ck_assert_int_eq(grantpt(master) | unlockpt(master), 0);
    slave = cede_open(ptsname(master), O_WRONLY | O_NOCTTY);
    ck_assert_int_ge(slave, 0);
    ck_assert_int_eq(cede_write(slave, "x", 1), 1);
    ck_assert_fails(cede_read(slave, &c, 1), EBADF);
    cede_close(slave);
    slave = cede_open(ptsname(master), O_RDONLY | O_NOCTTY);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_read(slave, &c, 1), ETIMEDOUT);
    ck_assert_fails(cede_write(slave, "x", 1), EBADF);
    cede_close(slave);
    cede_close(master);
}

TASK_TEST(bad_descriptors_and_addresses)
{
    char c = 0;
    struct iovec iov = {&c, 1};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    static const int bad[] = {-1, 987654};

    if (harness_emulated("EFAULT from every call"))
        return;
    for (int i = 0; i < 2; i++) {
        ck_assert_fails(cede_read(bad[i], &c, 1), EBADF);
        ck_assert_fails(cede_read(bad[i], &c, 0), EBADF);
        ck_assert_fails(cede_readv(bad[i], &iov, 1), EBADF);
        ck_assert_fails(cede_pread(bad[i], &c, 1, 0), EBADF);
        ck_assert_fails(cede_write(bad[i], &c, 1), EBADF);
        ck_assert_fails(cede_writev(bad[i], &iov, 1), EBADF);
        ck_assert_fails(cede_pwrite(bad[i], &c, 1, 0), EBADF);
        ck_assert_fails(cede_recv(bad[i], &c, 1, 0), EBADF);
        ck_assert_fails(cede_recvfrom(bad[i], &c, 1, 0, NULL, NULL), EBADF);
        ck_assert_fails(cede_recvmsg(bad[i], &msg, 0), EBADF);
        ck_assert_fails(cede_send(bad[i], &c, 1, 0), EBADF);
        ck_assert_fails(cede_sendto(bad[i], &c, 1, 0, NULL, 0), EBADF);
        ck_assert_fails(cede_sendmsg(bad[i], &msg, 0), EBADF);
    }
    open_sockets();
    ck_assert_fails(cede_write(fds[0], (void *)8, 1), EFAULT);
    ck_assert_fails(cede_sendto(fds[0], "x", 1, MSG_NOSIGNAL, (struct sockaddr *)&c, 1), EISCONN);
    close_both();
    open_pipe();
    ck_assert_fails(cede_read(fds[1], &c, 1), EBADF); /* open for writing */
    ck_assert_fails(cede_recv(fds[0], &c, 1, 0), ENOTSOCK);
    close_both();
}

START_TEST(outside_a_task_calls_are_plain)
{
    char buf[4] = {0};
    struct iovec iov = {buf, 4};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

    open_sockets();
    ck_assert_int_eq(cede_write(fds[1], "a", 1), 1);
    ck_assert_int_eq(cede_read(fds[0], buf, 4), 1);
    ck_assert_int_eq(cede_writev(fds[1], &(struct iovec){"b", 1}, 1), 1);
    ck_assert_int_eq(cede_readv(fds[0], &iov, 1), 1);
    ck_assert_int_eq(cede_send(fds[1], "c", 1, 0), 1);
    ck_assert_int_eq(cede_recv(fds[0], buf, 4, 0), 1);
    ck_assert_int_eq(cede_sendmsg(fds[1], &(struct msghdr){.msg_iov = &(struct iovec){"d", 1}, .msg_iovlen = 1}, 0), 1);
    ck_assert_int_eq(cede_recvmsg(fds[0], &msg, 0), 1);
    ck_assert_int_eq(buf[0], 'd');
    ck_assert_fails(cede_recv(fds[0], buf, 4, MSG_DONTWAIT), EAGAIN);
    close_both();
}
END_TEST

/* ---- what must not wait ---- */

TASK_TEST(who_asked_not_to_wait_gets_eagain)
{
    char c = 0, *big = calloc(1, MIB);

    open_sockets();
    ck_assert_fails(cede_recv(fds[0], &c, 1, MSG_DONTWAIT), EAGAIN);
    ck_assert_int_eq(cede_fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    ck_assert_fails(cede_read(fds[0], &c, 1), EAGAIN);
    ck_assert_fails(cede_recv(fds[0], &c, 1, 0), EAGAIN);
    /* Looked up once, but cede_fcntl() tells. */
    ck_assert_int_eq(cede_fcntl(fds[0], F_SETFL, 0), 0);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_read(fds[0], &c, 1), ETIMEDOUT);
    ck_assert_int_eq(cede_fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
    ck_assert_int_gt(cede_write(fds[1], big, MIB), 0);
    ck_assert_fails(cede_write(fds[1], big, MIB), EAGAIN);
    ck_assert_fails(cede_send(fds[1], big, MIB, MSG_DONTWAIT), EAGAIN);
    close_both();
    ck_assert_int_eq(cede_pipe2(fds, O_NONBLOCK), 0);
    ck_assert_fails(cede_read(fds[0], &c, 1), EAGAIN);
    ck_assert_int_gt(cede_write(fds[1], big, MIB), 0);
    ck_assert_fails(cede_write(fds[1], big, MIB), EAGAIN);
    close_both();
    free(big);
}

TASK_TEST(flags_stay_as_they_were)
{
    int before;

    open_pipe();
    before = fcntl(fds[0], F_GETFL);
    read_waits_for_data();
    ck_assert_int_eq(fcntl(fds[0], F_GETFL), before);
    close_both();
    open_sockets();
    before = fcntl(fds[0], F_GETFL);
    read_waits_for_data();
    ck_assert_int_eq(fcntl(fds[0], F_GETFL), before);
    close_both();
}

TASK_TEST(timeouts_of_the_socket_count)
{
    struct timeval short_time = {.tv_usec = 3000};
    char c = 0, *big = calloc(1, MIB);
    int64_t start = cede_now();

    open_sockets();
    ck_assert_int_eq(setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &short_time, sizeof short_time), 0);
    ck_assert_fails(cede_read(fds[0], &c, 1), EAGAIN);
    ck_assert_int_ge(cede_now() - start, 3 * CEDE_MILLISECOND);
    ck_assert_int_eq(setsockopt(fds[1], SOL_SOCKET, SO_SNDTIMEO, &short_time, sizeof short_time), 0);
    ck_assert_int_gt(cede_write(fds[1], big, MIB), 0);
    ck_assert_fails(cede_write(fds[1], big, MIB), EAGAIN);
    close_both();
    free(big);
}

/* ---- everything, or a part ---- */

struct sender {
    const unsigned char *bytes;
    size_t size;
    int pieces; /* 0: write */
};

static int sender(struct sender *a)
{
    struct iovec iov[8];
    size_t each;
    ssize_t n;

    if (!a->pieces) {
        n = cede_write(fds[1], a->bytes, a->size);
    } else {
        each = a->size / (size_t)a->pieces;
        for (int i = 0; i < a->pieces; i++)
            iov[i] = (struct iovec){(void *)(a->bytes + (size_t)i * each), each};
        iov[a->pieces - 1].iov_len += a->size - each * (size_t)a->pieces;
        n = cede_writev(fds[1], iov, a->pieces);
    }
    cede_close(fds[1]);
    return (int)n;
}

static void whole_stream_arrives(int pieces)
{
    unsigned char *sent = make_pattern(MIB + 17), buf[5000];
    struct cede_task *task = cede_go(sender, .bytes = sent, .size = MIB + 17, .pieces = pieces);
    size_t got = 0;
    ssize_t n;

    while ((n = cede_read(fds[0], buf, sizeof buf)) > 0) {
        ck_assert_mem_eq(buf, sent + got, (size_t)n);
        got += (size_t)n;
    }
    ck_assert_int_eq(n, 0);
    ck_assert_uint_eq(got, MIB + 17);
    ck_assert_int_eq(cede_await(task), MIB + 17);
    cede_close(fds[0]);
    free(sent);
}

TASK_TEST(a_pipe_takes_everything)
{
    open_pipe();
    whole_stream_arrives(0);
    open_pipe();
    whole_stream_arrives(7);
}

TASK_TEST(a_socket_takes_everything)
{
    open_sockets();
    whole_stream_arrives(0);
    open_sockets();
    whole_stream_arrives(7);
}

TASK_TEST(waitall_waits_for_all)
{
    struct cede_task *task;
    char buf[16];

    open_sockets();
    ck_assert_int_eq(cede_write(fds[1], "abc", 3), 3);
    task = cede_go(writer, .fd = fds[1], .text = "defgh");
    ck_assert_int_eq(cede_recv(fds[0], buf, 8, MSG_WAITALL), 8);
    ck_assert_mem_eq(buf, "abcdefgh", 8);
    ck_assert_int_eq(cede_await(task), 5);
    /* The end of the stream makes it short, and so does a deadline. */
    ck_assert_int_eq(cede_write(fds[1], "ijk", 3), 3);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_int_eq(cede_recv(fds[0], buf, 8, MSG_WAITALL), 3);
    ck_assert_int_eq(cede_write(fds[1], "lm", 2), 2);
    ck_assert_int_eq(shutdown(fds[1], SHUT_WR), 0);
    ck_assert_int_eq(cede_recv(fds[0], buf, 8, MSG_WAITALL), 2);
    ck_assert_int_eq(cede_recv(fds[0], buf, 8, MSG_WAITALL), 0);
    /* The other half still works. */
    ck_assert_int_eq(cede_write(fds[0], "x", 1), 1);
    ck_assert_int_eq(cede_read(fds[1], buf, 8), 1);
    close_both();
}

TASK_TEST(a_datagram_is_one_read)
{
    char buf[16];

    ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
    ck_assert_int_eq(cede_send(fds[1], "one", 3, 0), 3);
    ck_assert_int_eq(cede_write(fds[1], "", 0), 0);
    ck_assert_int_eq(cede_recv(fds[0], buf, sizeof buf, MSG_WAITALL), 3);
    ck_assert_int_eq(cede_recv(fds[0], buf, sizeof buf, 0), 0);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(cede_recv(fds[0], buf, sizeof buf, MSG_WAITALL), ETIMEDOUT);
    close_both();
}

TASK_TEST(peeking_takes_nothing)
{
    char buf[16];

    open_sockets();
    read_waits_for_data();
    ck_assert_int_eq(cede_write(fds[1], "abc", 3), 3);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(cede_recv(fds[0], buf, sizeof buf, MSG_PEEK), 3);
    ck_assert_int_eq(cede_recv(fds[0], buf, sizeof buf, 0), 3);
    close_both();
}

TASK_TEST(a_peer_that_is_gone_is_epipe)
{
    open_sockets();
    cede_close(fds[0]);
    ck_assert_fails(cede_send(fds[1], "x", 1, MSG_NOSIGNAL), EPIPE);
    cede_close(fds[1]);
    signal(SIGPIPE, SIG_IGN);
    open_pipe();
    cede_close(fds[0]);
    ck_assert_fails(cede_write(fds[1], "x", 1), EPIPE);
    cede_close(fds[1]);
}

/* ---- waits that end otherwise ---- */

struct reader {
    int fd, error;
};

static int reader(struct reader *a)
{
    char c;
    int result = (int)cede_read(a->fd, &c, 1);

    ck_assert_int_eq(result < 0 ? errno : 0, a->error);
    return result < 0 ? 0 : result;
}

static int filler(struct reader *a)
{
    char *big = calloc(1, MIB);
    ssize_t n = cede_write(a->fd, big, MIB);

    ck_assert_int_gt(n, 0);
    ck_assert_int_lt(n, MIB);
    ck_assert_fails(cede_write(a->fd, big, MIB), a->error);
    free(big);
    return 0;
}

static struct cede_task *go_filler(int fd, int error)
{
    return cede__task_go("filler", (cede_task_fn *)filler, &(struct reader){fd, error}, sizeof(struct reader), NULL);
}

/* From fds[0] nothing comes; full[1] takes nothing once it has been filled. */
static void waits_end_early(const int full[2])
{
    struct cede_task *read = cede_go(reader, .fd = fds[0], .error = ECANCELED);
    struct cede_task *fill = go_filler(full[1], ECANCELED);
    char c;

    cede_sleep(2 * CEDE_MILLISECOND);
    ck_assert_int_eq(cede_cancel(read), 0);
    ck_assert_int_eq(cede_await(read), 0);
    ck_assert_int_eq(cede_cancel(fill), 0);
    ck_assert_int_eq(cede_await(fill), 0);
    cede_timeout (0)
        ck_assert_int_eq(cede_read(full[0], &c, 1), 1); /* need not wait */
}

TASK_TEST(cancel_ends_waits)
{
    int full[2];

    open_pipe();
    ck_assert_int_eq(cede_pipe2(full, 0), 0);
    waits_end_early(full);
    cede_close(full[0]);
    cede_close(full[1]);
    close_both();
    open_sockets();
    waits_end_early((int[2]){fds[1], fds[0]});
    close_both();
}

TASK_TEST(a_deadline_leaves_a_short_count)
{
    char *big = calloc(1, MIB);
    ssize_t n;

    open_sockets();
    cede_timeout (2 * CEDE_MILLISECOND) {
        n = cede_write(fds[1], big, MIB);
        ck_assert_int_gt(n, 0);
        ck_assert_int_lt(n, MIB);
        ck_assert_fails(cede_write(fds[1], big, 1), ETIMEDOUT);
    }
    close_both();
    free(big);
}

TASK_TEST(close_wakes_reader_and_writer)
{
    struct cede_task *tasks[3];

    open_sockets();
    tasks[0] = cede_go(reader, .fd = fds[0], .error = EBADF);
    tasks[1] = cede_go(reader, .fd = fds[0], .error = EBADF);
    tasks[2] = go_filler(fds[0], EBADF);
    cede_sleep(2 * CEDE_MILLISECOND);
    close_both();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(cede_await(tasks[i]), 0);
}

TASK_TEST(each_of_many_readers_gets_a_byte)
{
    enum { READERS = 100 };
    struct cede_task *tasks[READERS];
    char buf[READERS] = {0};

    open_sockets();
    for (int i = 0; i < READERS; i++)
        tasks[i] = cede_go(reader, .fd = fds[0]);
    cede_yield();
    ck_assert_int_eq(cede_write(fds[1], buf, READERS / 2), READERS / 2);
    cede_sleep(CEDE_MILLISECOND);
    ck_assert_int_eq(cede_write(fds[1], buf, READERS / 2), READERS / 2);
    for (int i = 0; i < READERS; i++)
        ck_assert_int_eq(cede_await(tasks[i]), 1);
    close_both();
}

static int counter(void *count)
{
    while (cede_yield() == 0)
        ++*(int *)count;
    return 0;
}

TASK_TEST(who_never_waits_starves_nobody)
{
    int count = 0;
    struct cede_task *task = cede_spawn(counter, &count);
    char c;

    open_sockets();
    for (int i = 0; i < 10000; i++) {
        ck_assert_int_eq(cede_write(fds[1], "x", 1), 1);
        ck_assert_int_eq(cede_read(fds[0], &c, 1), 1);
    }
    ck_assert_int_ge(count, 100);
    cede_cancel(task);
    cede_await(task);
    close_both();
}

TASK_TEST(errno_of_a_success_is_the_callers)
{
    struct cede_task *task;
    char buf[8];

    open_sockets();
    task = cede_go(writer, .fd = fds[1], .text = "hello");
    errno = 12345;
    ck_assert_int_eq(cede_read(fds[0], buf, sizeof buf), 5);
    ck_assert_int_eq(errno, 12345);
    cede_await(task);
    close_both();
}

TASK_TEST(null_is_EFAULT)
{
    open_sockets();
    ck_assert_fails(cede_readv(fds[0], NULL, 2), EFAULT);
    ck_assert_fails(cede_writev(fds[0], NULL, 1), EFAULT);
    ck_assert_fails(cede_recvmsg(fds[0], NULL, 0), EFAULT);
    ck_assert_fails(cede_sendmsg(fds[0], NULL, 0), EFAULT);
    close_both();
}

Suite *suite(void)
{
    Suite *io = suite_create("io");
    TCase *calls = tcase_create("calls"), *waits = tcase_create("waits");

    tcase_add_test(calls, a_pipe_is_read_when_data_comes);
    tcase_add_test(calls, a_socket_is_read_when_data_comes);
    tcase_add_test(calls, descriptors_that_cede_did_not_make_work);
    tcase_add_test(calls, end_of_file_is_zero);
    tcase_add_test(calls, vectors_are_filled_in_order);
    tcase_add_test(calls, messages_carry_descriptors);
    tcase_add_test(calls, files_are_read_and_written_in_place);
    tcase_add_test(calls, an_eventfd_waits);
    tcase_add_test(calls, an_eventfd_refuses_at_once);
    tcase_add_test(calls, a_terminal_waits);
    tcase_add_test(calls, a_terminal_that_is_open_for_writing);
    tcase_add_test(calls, bad_descriptors_and_addresses);
    tcase_add_test(calls, outside_a_task_calls_are_plain);
    tcase_add_test(calls, who_asked_not_to_wait_gets_eagain);
    tcase_add_test(calls, flags_stay_as_they_were);
    tcase_add_test(calls, timeouts_of_the_socket_count);
    tcase_add_test(calls, a_pipe_takes_everything);
    tcase_add_test(calls, a_socket_takes_everything);
    tcase_add_test(calls, waitall_waits_for_all);
    tcase_add_test(calls, a_datagram_is_one_read);
    tcase_add_test(calls, peeking_takes_nothing);
    tcase_add_test(calls, a_peer_that_is_gone_is_epipe);
    tcase_add_test(waits, cancel_ends_waits);
    tcase_add_test(waits, a_deadline_leaves_a_short_count);
    tcase_add_test(waits, close_wakes_reader_and_writer);
    tcase_add_test(waits, each_of_many_readers_gets_a_byte);
    tcase_add_test(waits, who_never_waits_starves_nobody);
    tcase_add_test(waits, errno_of_a_success_is_the_callers);
    tcase_add_test(calls, null_is_EFAULT);
    suite_add_tcase(io, calls);
    suite_add_tcase(io, waits);
    return io;
}
