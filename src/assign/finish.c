/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "finish.h"

#include "base/child.h"
#include "base/file.h"
#include "holders.h"
#include "intent.h"

#include <errno.h>

#define RUN_FOLDER  "run/directpath"
#define FINISH_LOCK "finish.lock"

#define TICK_MS       500
#define TIMEOUT_MS    3600000
#define STORE_LOCK_MS 2000
/* Tries that change nothing before it is left to people. */
#define FRUITLESS_MAX 5u

typedef struct {
    DpRoot *root;
    GPtrArray *nodes;   /* of the groups that wait, NULL at the end */
    GPtrArray *holders; /* pids that had one of them open when last looked for */
    guint n_waiting;
    unsigned fruitless;
} Finish;

static DpIntent *
read_intent(const Finish *finish)
{
    return dp_intent_read(finish->root, NULL, NULL);
}

/* Looks for the processes to wait for; only when something changed, since it reads all of /proc. */
static void
learn(Finish *finish, const DpIntent *intent)
{
    g_ptr_array_set_size(finish->nodes, 0);
    for (guint i = 0; i < intent->bindings->len; i++) {
        const DpBinding *binding = intent->bindings->pdata[i];
        char *node = dp_holders_group_node(finish->root, binding->name);

        if (node != NULL) {
            g_ptr_array_add(finish->nodes, node);
        }
    }
    g_ptr_array_add(finish->nodes, NULL);
    g_clear_pointer(&finish->holders, g_ptr_array_unref);
    finish->holders = dp_holders_pids(finish->root, (const char *const *)finish->nodes->pdata);
}

/* True if a holder has let go, or what waits does not wait for one. */
static bool
worth_a_try(const Finish *finish, const DpIntent *intent)
{
    bool any_free = false;

    for (guint i = 0; i < intent->bindings->len; i++) {
        const DpBinding *binding = intent->bindings->pdata[i];

        any_free |= !binding->stuck;
    }
    if (!any_free) {
        return false;
    }
    for (guint i = 0; i < finish->holders->len; i++) {
        if (!dp_holders_still(finish->root, finish->holders->pdata[i],
                              (const char *const *)finish->nodes->pdata)) {
            return true;
        }
    }
    return finish->holders->len == 0;
}

static bool
put_right(DpRoot *root)
{
    g_autoptr(DpHost) host = dp_host_scan(root, NULL);
    g_autoptr(DpEsxconf) conf = host == NULL ? NULL : dp_store_load(root, NULL, NULL);
    g_autoptr(DpOutcome) outcome = dp_outcome_new();
    DpChange change = {.root = root, .host = host, .conf = conf};

    return conf != NULL && dp_assign_recover(&change, outcome, NULL);
}

static void
attempt(Finish *finish)
{
    dp_autofd int lock = dp_store_lock(finish->root, STORE_LOCK_MS, NULL);
    g_autoptr(DpIntent) left = NULL;
    guint n;

    if (lock < 0 || !put_right(finish->root)) {
        finish->fruitless++;
        return;
    }
    left = read_intent(finish);
    n = left == NULL ? 0 : left->bindings->len;
    finish->fruitless = n < finish->n_waiting ? 0 : finish->fruitless + 1;
    finish->n_waiting = n;
    if (left != NULL) {
        learn(finish, left);
    }
}

static int
wait_for_end(Finish *finish, int tick_ms, int timeout_ms)
{
    gint64 end = g_get_monotonic_time() + (gint64)timeout_ms * 1000;

    while (g_get_monotonic_time() < end && finish->fruitless < FRUITLESS_MAX) {
        g_autoptr(DpIntent) intent = read_intent(finish);

        if (intent == NULL || !intent->pending) {
            return 0; /* done, or another command is at it and will leave a process of its own */
        }
        if (finish->holders == NULL || intent->bindings->len != finish->n_waiting) {
            finish->n_waiting = intent->bindings->len;
            learn(finish, intent);
        }
        if (worth_a_try(finish, intent)) {
            attempt(finish);
        }
        g_usleep((gulong)tick_ms * 1000);
    }
    return -ETIMEDOUT;
}

int
dp_finish_wait(DpRoot *root, int tick_ms, int timeout_ms)
{
    Finish finish = {.root = root};
    dp_autofd int folder = dp_store_folder(root, RUN_FOLDER, NULL);
    dp_autofd int lock = folder < 0 ? -1 : dp_file_lock(folder, FINISH_LOCK, STORE_LOCK_MS, NULL);
    int r;

    if (lock < 0) {
        return -EBUSY; /* there is one already, and it reads the intent anew each time */
    }
    finish.nodes = g_ptr_array_new_with_free_func(g_free);
    r = wait_for_end(&finish, tick_ms, timeout_ms);
    g_ptr_array_unref(finish.nodes);
    g_clear_pointer(&finish.holders, g_ptr_array_unref);
    return r;
}

static int
wait_detached(void *data)
{
    return dp_finish_wait(data, TICK_MS, TIMEOUT_MS);
}

void
dp_finish_later(DpRoot *root)
{
    if (root->live) {
        (void)dp_child_detach(wait_detached, root, root->fd);
    }
}
