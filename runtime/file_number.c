/* SPDX-License-Identifier: MIT */
/* Numbers that must not be handed out again yet; see file_number.h. */
#include "file_number.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "sys.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the list, and `closed` of all in it */
static struct cede__list held;
static atomic_uint count; /* of the list: closing takes no lock while it is empty */

static struct cede__file_number *find(int fd)
{
    struct cede__list *link;
    struct cede__file_number *number;

    for (link = held.next; link && link != &held; link = link->next) {
        number = CEDE__CONTAINER(link, struct cede__file_number, link);
        if (number->fd == fd)
            return number;
    }
    return NULL;
}

/* ---- fork: the helpers, and so their calls, are not in the child ---- */

static void before_fork(void)
{
    pthread_mutex_lock(&lock);
}

static void after_fork_in_parent(void)
{
    pthread_mutex_unlock(&lock);
}

static void after_fork_in_child(void)
{
    struct cede__list *link;
    struct cede__file_number *number;

    while ((link = cede__list_take(&held))) {
        number = CEDE__CONTAINER(link, struct cede__file_number, link);
        if (number->closed && !find(number->fd))
            cede__sys_close(number->fd);
    }
    atomic_store(&count, 0);
    pthread_mutex_unlock(&lock);
}

static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

/* ---- holding ---- */

void cede__file_number_hold(struct cede__file_number *number, int fd)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    *number = (struct cede__file_number){.fd = fd};
    if (fd < 0)
        return;
    pthread_once(&once, watch_forks);
    pthread_mutex_lock(&lock);
    cede__list_append(&held, &number->link);
    atomic_fetch_add(&count, 1);
    pthread_mutex_unlock(&lock);
}

void cede__file_number_release(struct cede__file_number *number)
{
    if (number->fd < 0)
        return;
    pthread_mutex_lock(&lock);
    cede__list_remove(&number->link);
    atomic_fetch_sub(&count, 1);
    if (number->closed && !find(number->fd))
        cede__sys_close(number->fd);
    pthread_mutex_unlock(&lock);
}

int cede__file_number_next(int from)
{
    const struct cede__file_number *number;
    const struct cede__list *link;
    int next = -1;

    if (atomic_load(&count) == 0)
        return -1;
    pthread_mutex_lock(&lock);
    for (link = held.next; link && link != &held; link = link->next) {
        number = CEDE__CONTAINER(link, struct cede__file_number, link);
        if (number->fd >= from && (next < 0 || number->fd < next))
            next = number->fd;
    }
    pthread_mutex_unlock(&lock);
    return next;
}

/* ---- closing ---- */

/* Closes the file, but keeps the number. 0, or -1 with errno. */
static int replace(int fd)
{
    int nothing = cede__sys_open("/", O_PATH | O_CLOEXEC, 0), result;

    if (nothing < 0)
        return -1;
    result = cede__sys_dup3(nothing, fd, O_CLOEXEC);
    cede__sys_close(nothing);
    return result < 0 ? -1 : 0;
}

static int close_held(int fd)
{
    struct cede__file_number *number = find(fd);
    struct cede__list *link;

    if (!number)
        return cede__sys_close(fd);
    if (number->closed) {
        errno = EBADF;
        return -1;
    }
    /* Without a descriptor to put there, better closed than not. */
    if (cede__sys_fcntl(fd, F_GETFD, 0) < 0 || replace(fd) != 0)
        return cede__sys_close(fd);
    for (link = held.next; link != &held; link = link->next) {
        number = CEDE__CONTAINER(link, struct cede__file_number, link);
        number->closed |= number->fd == fd;
    }
    return 0;
}

int cede__file_number_close(int fd)
{
    int result, error;

    if (atomic_load(&count) == 0)
        return cede__sys_close(fd);
    pthread_mutex_lock(&lock);
    result = close_held(fd);
    error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}
