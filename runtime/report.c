/* SPDX-License-Identifier: MIT */
/* Text for people, from any place; see report.h. */
#include "report.h"

#include "sys.h"

enum { PATIENCE_MS = 1000 };

/* Whether it is worth trying again after a write that failed with errno. */
static int may_retry(int fd)
{
    struct pollfd writable = {.fd = fd, .events = POLLOUT};
    const struct timespec patience = {.tv_sec = PATIENCE_MS / 1000};

    if (errno == EINTR)
        return 1;
    if (errno != EAGAIN)
        return 0;
    if (cede__sys_ppoll(&writable, 1, &patience, NULL) > 0)
        return 1;
    errno = EAGAIN;
    return 0;
}

static void flush(struct cede__report *report)
{
    int saved = errno;
    size_t done = 0;
    ssize_t count;

    while (done < report->used && !report->error) {
        count = cede__sys_write(report->fd, report->buffer + done, report->used - done);
        if (count >= 0)
            done += (size_t)count;
        else if (!may_retry(report->fd))
            report->error = errno;
    }
    report->used = 0;
    errno = saved;
}

static void put(struct cede__report *report, char byte)
{
    if (report->used == sizeof report->buffer)
        flush(report);
    report->buffer[report->used++] = byte;
}

static void put_number(struct cede__report *report, uint64_t value, unsigned base)
{
    char digits[20]; /* of 2^64 in decimal */
    int count = 0;

    do
        digits[count++] = "0123456789abcdef"[value % base];
    while (value /= base);
    while (count > 0)
        put(report, digits[--count]);
}

void cede__report_begin(struct cede__report *report, int fd)
{
    report->fd = fd;
    report->error = 0;
    report->used = 0;
}

int cede__report_end(struct cede__report *report)
{
    flush(report);
    if (!report->error)
        return 0;
    errno = report->error;
    return -1;
}

void cede__report_text(struct cede__report *report, const char *text)
{
    while (*text)
        put(report, *text++);
}

void cede__report_quoted(struct cede__report *report, const char *text)
{
    put(report, '"');
    for (; *text; text++)
        put(report, *text >= ' ' && *text <= '~' ? *text : '?');
    put(report, '"');
}

void cede__report_decimal(struct cede__report *report, int64_t value)
{
    if (value < 0)
        put(report, '-');
    put_number(report, value < 0 ? -(uint64_t)value : (uint64_t)value, 10);
}

void cede__report_hex(struct cede__report *report, uintptr_t value)
{
    cede__report_text(report, "0x");
    put_number(report, value, 16);
}

void cede__report_duration(struct cede__report *report, int64_t duration_ns)
{
    static const struct {
        const char *name;
        int64_t ns, from_ns;
    } units[] = {
        {" h", INT64_C(3600000000000), INT64_C(36000000000000)},
        {" min", INT64_C(60000000000), INT64_C(600000000000)},
        {" s", 1000000000, 1000000000},
        {" ms", 1000000, 1000000},
        {" us", 1000, INT64_MIN},
    };
    unsigned i = 0;

    if (duration_ns < 0)
        duration_ns = 0;
    while (duration_ns < units[i].from_ns)
        i++;
    put_number(report, (uint64_t)(duration_ns / units[i].ns), 10);
    if (duration_ns / units[i].ns < 10 && units[i].ns >= 1000000) {
        put(report, '.');
        put_number(report, (uint64_t)(duration_ns % units[i].ns / (units[i].ns / 10)), 10);
    }
    cede__report_text(report, units[i].name);
}
