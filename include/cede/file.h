/* SPDX-License-Identifier: MIT */
/*
 * Files: the calls of POSIX that wait for storage, without blocking the OS thread.
 *
 *     int fd = cede_open("notes.txt", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
 *
 *     cede_pwrite(fd, "hello\n", 6, 0);
 *     cede_fsync(fd);
 *     cede_close(fd);
 *
 * Each has the signature, the return value and the errno of the POSIX or Linux call without the prefix; cede_read(),
 * cede_write() and their relatives are in cede/io.h, cede_close() too. In a task:
 *   - What is in the page cache is read in place, which is quicker than anything else (RWF_NOWAIT). Files in memory
 *     (tmpfs) are read and written in place. Opening and looking up what the kernel has in its cache of names
 *     is done in place as well.
 *   - Anything else parks the task, while the kernel works on the request (io_uring, Linux 6.1) or a helper thread
 *     makes the call. bench/README.md has the figures behind this. cede_file_engine() tells which of the two it is; the
 *     member `files` of struct cede_run_attr and the environment variable CEDE_FILE ("ring" or "pool") choose. Where
 *     the kernel has no io_uring, or forbids it, "ring" means "pool".
 *   - Such a wait can end early. A task that is cancelled already does not begin one. -1, or NULL, with errno
 *       ECANCELED  the task was cancelled
 *       ETIMEDOUT  a cede_timeout scope ended
 *   - Where it takes a helper, but for reading and writing, which are then done in place, it may fail with ENOMEM (no
 *     memory for the call) or EAGAIN (no helper thread could be started).
 * Outside a task each is the plain blocking call.
 *
 * When a wait ends early, the caller's memory is free again when the call returns, and nobody writes to it later.
 * With "ring" the request is taken back from the kernel first: it has not happened (what had been transferred is
 * returned as a short count), and one that could not be taken back any more keeps its result. With "pool" a call that
 * has begun goes on to its end on a copy of its arguments: a file may be written, renamed or removed later; one that is
 * opened is closed again; a read at the descriptor's own position moves it all the same.
 *
 * Several tasks may use one descriptor: reads and writes at its own position come one after the other.
 * Closing a descriptor that others are using with cede_close() leaves them what they had: their calls go on to their
 * end. (With "pool" one that has not begun yet fails with EBADF, and the number is handed out again only after it.)
 */
#ifndef CEDE_FILE_H
#define CEDE_FILE_H

#include <fcntl.h>
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cede/base.h>
#include <cede/io.h>

CEDE_BEGIN_DECLS

/* open(2), openat(2). Opening a FIFO waits for its other end, as ever, with only the task parked; with "pool" one of
 * the 16 helper threads waits with it, and goes on to if the task is cancelled. -1 with errno ENOMEM or EAGAIN: see
 * above. */
CEDE_API int cede_open(const char *path, int flags, ...);
CEDE_API int cede_openat(int directory, const char *path, int flags, ...);

/* preadv(2), pwritev(2). What has no positions: -1 with errno ESPIPE. */
CEDE_API ssize_t cede_preadv(int fd, const struct iovec *iov, int iovcnt, off_t offset);
CEDE_API ssize_t cede_pwritev(int fd, const struct iovec *iov, int iovcnt, off_t offset);

/* fsync(2), fdatasync(2). -1 with errno ENOMEM or EAGAIN: see above. */
CEDE_API int cede_fsync(int fd);
CEDE_API int cede_fdatasync(int fd);

/*
 * flock(2), lockf(3); fcntl(2) for the commands that lock: F_SETLKW and F_OFD_SETLKW wait. The kernel tells nobody when
 * a lock is free: the task tries again after 1 ms, then less often, down to every 16 ms; and it does not detect
 * (EDEADLK) that two processes wait for each other.
 *
 * Return what these return; -1 with errno
 *   ECANCELED, ETIMEDOUT  as above; nothing has been locked
 *   EAGAIN  cede_lockf(): locked by another process, and the command is F_TLOCK
 *   EACCES  cede_lockf(): locked by another process, and the command is F_TEST
 *   EAGAIN  cede_fcntl_lock(): locked by another process, and the command does not wait
 *   EWOULDBLOCK  cede_flock(): locked, and the operation has LOCK_NB
 *   EBADF   it is not open, or not for that
 *   EINVAL  the operation, the command or the range means nothing
 */
CEDE_API int cede_flock(int fd, int operation);
CEDE_API int cede_lockf(int fd, int command, off_t length);
CEDE_API int cede_fcntl_lock(int fd, int command, struct flock *lock);

/*
 * copy_file_range(2), on a helper thread; one that has begun goes on to its end when the wait ends early.
 *
 * Returns what it returns; -1 with errno
 *   ECANCELED, ETIMEDOUT  as above
 *   ENOMEM, EAGAIN  as above
 *   EBADF   a file is not open, or not for that
 *   EINVAL  flags is not 0; the ranges overlap in one file
 */
CEDE_API ssize_t cede_copy_file_range(int in, int64_t *in_offset, int out, int64_t *out_offset, size_t size,
                                      unsigned flags);

/* stat(2), lstat(2), fstatat(2). -1 with errno ENOMEM or EAGAIN: see above. */
CEDE_API int cede_stat(const char *path, struct stat *status);
CEDE_API int cede_lstat(const char *path, struct stat *status);
CEDE_API int cede_fstatat(int directory, const char *path, struct stat *status, int flags);

/* fstat(2). Does not park: it is done in place, since the kernel has the answer in memory (a network file system may
 * ask its server). -1 with errno EBADF. */
CEDE_API int cede_fstat(int fd, struct stat *status);

/* rename(2), renameat(2), unlink(2), unlinkat(2), mkdir(2), rmdir(2). -1 with errno ENOMEM or EAGAIN: see above. */
CEDE_API int cede_rename(const char *from, const char *to);
CEDE_API int cede_renameat(int from_directory, const char *from, int to_directory, const char *to);
CEDE_API int cede_unlink(const char *path);
CEDE_API int cede_unlinkat(int directory, const char *path, int flags);
CEDE_API int cede_mkdir(const char *path, mode_t mode);
CEDE_API int cede_rmdir(const char *path);

/*
 * Directories.
 *
 *     struct cede_dir *directory = cede_opendir("/etc");
 *     struct dirent *entry;
 *
 *     while ((entry = cede_readdir(directory)))
 *         puts(entry->d_name);
 *     cede_closedir(directory);
 */
struct cede_dir;

/* opendir(3). NULL with errno ENOTDIR, ENOMEM, EAGAIN (see above), or those of open(2). */
CEDE_API struct cede_dir *cede_opendir(const char *path);

/* fdopendir(3): fd belongs to the directory then, and is closed with it. NULL with errno ENOTDIR, EBADF or ENOMEM. Does
 * not park. */
CEDE_API struct cede_dir *cede_fdopendir(int fd);

/*
 * readdir(3): the next entry, which is valid until the next call for this directory; at the end NULL with errno as it
 * was. It reads many entries at a time, always on a helper thread: io_uring has no such request. One task at a time.
 * After NULL with errno ENOENT (the directory has been removed), ENOMEM or EAGAIN (see above) it may be called again.
 * EINVAL: directory is NULL.
 */
CEDE_API struct dirent *cede_readdir(struct cede_dir *directory);

/* closedir(3). Does not park. Returns 0, or -1 with errno EINVAL (it is NULL). */
CEDE_API int cede_closedir(struct cede_dir *directory);

/* How the calls of this task are made where they cannot be made in place: "ring", "pool"; "plain" outside a task. Valid
 * for ever. Does not park. */
CEDE_API const char *cede_file_engine(void);

CEDE_END_DECLS

#endif
