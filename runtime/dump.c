/* SPDX-License-Identifier: MIT */
/* Reports on tasks; see cede/dump.h. */
#include "dump.h"

#include <cede/dump.h>
#include <errno.h>
#include <stdio.h>

void cede__dump_start(void) {}
int cede_dump(int fd) { (void)fd; errno = ENOSYS; return -1; }
int cede_dump_on_signal(int signo) { (void)signo; return 0; }
void cede__sched_report(struct cede__worker *worker) { (void)worker; }
void cede__sched_deadlock(struct cede__worker *worker)
{
    struct cede__task *root = worker->root;
    fputs("cede: deadlock\n", stderr);
    if (root->state == CEDE__TASK_PARKED) cede__sched_wake(root->run.waiter, CEDE__WAKE_DEADLOCK);
    else __builtin_trap();
}
