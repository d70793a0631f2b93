/* SPDX-License-Identifier: MIT */
/* Looking up hosts, users and groups under libc's names. cede's helper threads, which are no tasks, reach libc's
 * functions through these. */
#include <cede/lookup.h>

#include "name.h"

CEDE__POSIX_FORWARD(int, getnameinfo,
                    (const struct sockaddr *addr, socklen_t addrlen, char *host, socklen_t hostlen, char *service,
                     socklen_t servicelen, int flags),
                    (addr, addrlen, host, hostlen, service, servicelen, flags));

CEDE__POSIX_FORWARD(int, gethostbyname_r,
                    (const char *name, struct hostent *host, char *buffer, size_t size, struct hostent **result,
                     int *host_error),
                    (name, host, buffer, size, result, host_error));
CEDE__POSIX_FORWARD(int, gethostbyname2_r,
                    (const char *name, int family, struct hostent *host, char *buffer, size_t size,
                     struct hostent **result, int *host_error),
                    (name, family, host, buffer, size, result, host_error));
CEDE__POSIX_FORWARD(int, gethostbyaddr_r,
                    (const void *addr, socklen_t length, int family, struct hostent *host, char *buffer, size_t size,
                     struct hostent **result, int *host_error),
                    (addr, length, family, host, buffer, size, result, host_error));
CEDE__POSIX_FORWARD(struct hostent *, gethostbyname, (const char *name), (name));
CEDE__POSIX_FORWARD(struct hostent *, gethostbyname2, (const char *name, int family), (name, family));
CEDE__POSIX_FORWARD(struct hostent *, gethostbyaddr, (const void *addr, socklen_t length, int family),
                    (addr, length, family));

CEDE__POSIX_FORWARD(int, getpwnam_r,
                    (const char *name, struct passwd *user, char *buffer, size_t size, struct passwd **result),
                    (name, user, buffer, size, result));
CEDE__POSIX_FORWARD(int, getpwuid_r,
                    (uid_t uid, struct passwd *user, char *buffer, size_t size, struct passwd **result),
                    (uid, user, buffer, size, result));
CEDE__POSIX_FORWARD(int, getgrnam_r,
                    (const char *name, struct group *group, char *buffer, size_t size, struct group **result),
                    (name, group, buffer, size, result));
CEDE__POSIX_FORWARD(int, getgrgid_r,
                    (gid_t gid, struct group *group, char *buffer, size_t size, struct group **result),
                    (gid, group, buffer, size, result));
CEDE__POSIX_FORWARD(struct passwd *, getpwnam, (const char *name), (name));
CEDE__POSIX_FORWARD(struct passwd *, getpwuid, (uid_t uid), (uid));
CEDE__POSIX_FORWARD(struct group *, getgrnam, (const char *name), (name));
CEDE__POSIX_FORWARD(struct group *, getgrgid, (gid_t gid), (gid));

CEDE__POSIX_FORWARD(int, res_query, (const char *name, int class_, int type, unsigned char *answer, int size),
                    (name, class_, type, answer, size));
CEDE__POSIX_FORWARD(int, res_search, (const char *name, int class_, int type, unsigned char *answer, int size),
                    (name, class_, type, answer, size));
