/* SPDX-License-Identifier: MIT */
/*
 * Intrusive circular lists. A head and a link are the same structure; a link can leave its list without knowing the
 * head. All zero is an empty head, so that public objects need no initialiser, and a link that is in no list.
 */
#ifndef CEDE_RUNTIME_LIST_H
#define CEDE_RUNTIME_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct cede__list {
    struct cede__list *next, *prev;
};

#define CEDE__CONTAINER(pointer, type, member) ((type *)((char *)(pointer) - offsetof(type, member)))

static inline bool cede__list_empty(const struct cede__list *head)
{
    return !head->next || head->next == head;
}

static inline bool cede__list_linked(const struct cede__list *link)
{
    return link->next;
}

static inline void cede__list_append(struct cede__list *head, struct cede__list *link)
{
    if (cede__list_empty(head)) { /* mostly: and then no store has to wait for the address of the last link */
        link->next = link->prev = head;
        head->next = head->prev = link;
        return;
    }
    link->next = head;
    link->prev = head->prev;
    head->prev->next = link;
    head->prev = link;
}

static inline void cede__list_prepend(struct cede__list *head, struct cede__list *link)
{
    if (!head->next)
        head->next = head->prev = head;
    cede__list_append(head->next, link); /* at the end of a list is before its head, whoever that is */
}

/* Takes a link out of its list; it must be in one. */
static inline void cede__list_unlink(struct cede__list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->next = NULL;
}

/* Does nothing to a link that is in no list. */
static inline void cede__list_remove(struct cede__list *link)
{
    if (link->next)
        cede__list_unlink(link);
}

/* Moves all links of `from` to the end of `to`, in order. */
static inline void cede__list_move_all(struct cede__list *to, struct cede__list *from)
{
    if (cede__list_empty(from))
        return;
    if (!to->next)
        to->next = to->prev = to;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    from->next = from->prev = NULL;
}

/* Takes the oldest link out; NULL if the list is empty. */
static inline struct cede__list *cede__list_take(struct cede__list *head)
{
    struct cede__list *link = head->next;

    if (cede__list_empty(head))
        return NULL;
    head->next = link->next;
    link->next->prev = head;
    link->next = NULL;
    return link;
}

#endif
