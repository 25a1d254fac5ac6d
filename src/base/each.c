/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "each.h"

#include <glib.h>
#include <sched.h>

/* What a thread takes at a time; fewer things than two portions are not worth a thread. */
#define PORTION 32
/* More gain little: the kernel's own locks come next. */
#define HELPERS_MAX 3

typedef struct {
    size_t n;
    DpEachFunc work;
    void *data;
    gsize next; /* first index that nobody has taken */
} Each;

static gpointer
take_portions(gpointer data)
{
    Each *each = data;
    size_t first;

    while ((first = __atomic_fetch_add(&each->next, PORTION, __ATOMIC_RELAXED)) < each->n) {
        for (size_t i = first; i < MIN(first + PORTION, each->n); i++) {
            each->work(i, each->data);
        }
    }
    return NULL;
}

/* With a table of descriptors of its own: one that threads share is locked at each open and close.
 * Where that is refused, they share it. */
static gpointer
help(gpointer data)
{
    (void)unshare(CLONE_FILES);
    return take_portions(data);
}

void
dp_each(size_t n, DpEachFunc work, void *data)
{
    Each each = {.n = n, .work = work, .data = data};
    size_t wanted = n < 2 * PORTION ? 0 : MIN(n / PORTION - 1, HELPERS_MAX);
    GThread *helpers[HELPERS_MAX] = {NULL};

    if (wanted > 0) {
        wanted = MIN(wanted, g_get_num_processors() - 1);
    }
    for (size_t i = 0; i < wanted; i++) {
        helpers[i] = g_thread_try_new("each", help, &each, NULL);
    }
    (void)take_portions(&each);
    for (size_t i = 0; i < wanted; i++) {
        if (helpers[i] != NULL) {
            (void)g_thread_join(helpers[i]);
        }
    }
}
