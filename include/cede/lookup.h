/* SPDX-License-Identifier: MIT */
/*
 * Looking up names: hosts, users, groups, and questions to the domain name system. (getaddrinfo: cede/io.h.)
 *
 * Each has the signature and the return value of the function without the prefix. libc cannot be made to park in them,
 * because the resolver and the name services keep state per thread: in a task they run on a helper thread (at most 16
 * at once, see cede/offload.h), on copies of their arguments, while the task parks. The wait can end early: what was
 * asked goes on to its end, and nobody hears the answer. Outside a task each is the plain call.
 *
 * In a task, beside what libc's function fails with, each fails with
 *   ECANCELED, ETIMEDOUT  as every wait
 *   EAGAIN  no helper thread could be started
 *   ENOMEM  no memory for the copies
 * where that function tells an error number: below, by each.
 *
 * What is returned in static memory by libc (gethostbyname, getpwnam ...) stays valid until the next call of that
 * function by any task of the same thread. Models: the functions without the prefix, loop.getnameinfo.
 */
#ifndef CEDE_LOOKUP_H
#define CEDE_LOOKUP_H

#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <cede/base.h>

struct hostent;
struct passwd;
struct group;

CEDE_BEGIN_DECLS

/* getnameinfo(3). Returns 0 or EAI_...: EAI_SYSTEM with the number in errno, but EAI_MEMORY for ENOMEM. */
CEDE_API int cede_getnameinfo(const struct sockaddr *addr, socklen_t addrlen, char *host, socklen_t hostlen,
                              char *service, socklen_t servicelen, int flags);

/*
 * gethostbyname_r(3), gethostbyname2_r(3), gethostbyaddr_r(3). Return 0 or the error number, and leave errno alone:
 * those above, with *host_error NETDB_INTERNAL, and
 *   ERANGE  the buffer is too small
 * *result is NULL where there is no answer; that there is no such host is told by *host_error.
 */
CEDE_API int cede_gethostbyname_r(const char *name, struct hostent *host, char *buffer, size_t size,
                                  struct hostent **result, int *host_error);
CEDE_API int cede_gethostbyname2_r(const char *name, int family, struct hostent *host, char *buffer, size_t size,
                                   struct hostent **result, int *host_error);
CEDE_API int cede_gethostbyaddr_r(const void *addr, socklen_t length, int family, struct hostent *host, char *buffer,
                                  size_t size, struct hostent **result, int *host_error);

/* gethostbyname(3), gethostbyname2(3), gethostbyaddr(3). Return the host, or NULL with h_errno; where that is
 * NETDB_INTERNAL, with the number in errno. */
CEDE_API struct hostent *cede_gethostbyname(const char *name);
CEDE_API struct hostent *cede_gethostbyname2(const char *name, int family);
CEDE_API struct hostent *cede_gethostbyaddr(const void *addr, socklen_t length, int family);

/*
 * getpwnam_r(3), getpwuid_r(3), getgrnam_r(3), getgrgid_r(3). Return 0 or the error number, and leave errno alone:
 * those above and
 *   ERANGE  the buffer is too small
 * 0 with *result NULL: there is no such entry.
 */
CEDE_API int cede_getpwnam_r(const char *name, struct passwd *user, char *buffer, size_t size, struct passwd **result);
CEDE_API int cede_getpwuid_r(uid_t uid, struct passwd *user, char *buffer, size_t size, struct passwd **result);
CEDE_API int cede_getgrnam_r(const char *name, struct group *group, char *buffer, size_t size, struct group **result);
CEDE_API int cede_getgrgid_r(gid_t gid, struct group *group, char *buffer, size_t size, struct group **result);

/* getpwnam(3), getpwuid(3), getgrnam(3), getgrgid(3). Return the entry; NULL with the number in errno; NULL with errno
 * as it was: there is no such entry. */
CEDE_API struct passwd *cede_getpwnam(const char *name);
CEDE_API struct passwd *cede_getpwuid(uid_t uid);
CEDE_API struct group *cede_getgrnam(const char *name);
CEDE_API struct group *cede_getgrgid(gid_t gid);

/* res_query(3), res_search(3). Return the length of the answer, which may be more than there was room for, or -1 with
 * h_errno; where that is NETDB_INTERNAL, with the number in errno. */
CEDE_API int cede_res_query(const char *name, int class_, int type, unsigned char *answer, int size);
CEDE_API int cede_res_search(const char *name, int class_, int type, unsigned char *answer, int size);

CEDE_END_DECLS

#endif
