/* SPDX-License-Identifier: MIT */
/* Looking up names, from a server of our own that takes its time, in a network of our own; see row.h. */
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "row.h"
#include "slow.h"

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

extern const struct row ROWS(name)[];
const struct row ROWS(name)[] = {
    {"getaddrinfo", .prepare = make_resolver, .call_it = by_getaddrinfo},
    {"getnameinfo", .prepare = make_resolver, .call_it = by_getnameinfo},
    {"gethostbyname", .prepare = make_resolver, .call_it = by_gethostbyname},
    {"gethostbyname_r", .prepare = make_resolver, .call_it = by_gethostbyname_r},
    {"gethostbyaddr", .prepare = make_resolver, .call_it = by_gethostbyaddr},
    {"res_query", .prepare = make_resolver, .call_it = by_res_query},
    {"res_search", .prepare = make_resolver, .call_it = by_res_search},
    {0},
};
