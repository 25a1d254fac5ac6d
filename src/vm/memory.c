/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM with passed-through devices has all its memory reserved and pinned: limits, room, pages, the
 * lock limit. Of another VM that much is reserved as its file says. */
#include "base/text.h"
#include "build.h"

#include <stdlib.h>

/* Beside the guest's memory, BARs and the display's memory VFIO maps what else the guest sees as
 * memory: firmware, ROMs. */
#define LOCK_SLACK ((uint64_t)256 << 20)
/* QEMU itself. */
#define PROCESS_BYTES ((uint64_t)96 << 20)
/* VMs that one message names. */
#define NAMED_MAX 4u

static void
check_limit(DpBuild *build)
{
    const char *limit = dp_vmx_get(build->vmx, "sched.mem.max");
    int64_t mb;

    if (limit == NULL || limit[0] == '\0' || g_ascii_strcasecmp(limit, "unlimited") == 0) {
        return;
    }
    if (!dp_vmx_get_int(build->vmx, "sched.mem.max", -1, G_MAXINT64, &mb, build->plan->diags) ||
        mb < 0) {
        return;
    }
    if ((uint64_t)mb >= build->plan->memory >> 20) {
        return;
    }
    if (!build->wants_passthru) {
        dp_build_effect(build, "sched.mem.max", DP_EFFECT_SUBSTITUTED,
                        "not applied: the guest may use all of its memory");
        return;
    }
    dp_build_diag(build, DP_DIAG_VMX_MEM_LIMIT, "sched.mem.max",
                  "the limit of %" G_GINT64_FORMAT " MB is below memsize, %" G_GUINT64_FORMAT
                  " MB, and passthrough needs all of it",
                  mb, build->plan->memory >> 20);
}

/* It would keep the memory of a VM from being swapped; here only VFIO pins. */
static void
check_pin(DpBuild *build)
{
    if (dp_build_bool(build, "sched.mem", "pin", false) && !build->wants_passthru) {
        dp_build_effect(build, "sched.mem.pin", DP_EFFECT_SUBSTITUTED,
                        "not applied: memory is pinned only where a device is passed through");
    }
}

/* What the file reserves of a VM without passed-through devices: never more than it has. */
static uint64_t
read_reservation(DpBuild *build)
{
    const char *key =
        dp_vmx_lookup(build->vmx, "sched.mem.min") != NULL ? "sched.mem.min" : "sched.mem.minsize";
    int64_t mb = 0;

    if (!dp_vmx_get_int(build->vmx, key, 0, G_MAXINT64, &mb, NULL) || mb <= 0) {
        return 0;
    }
    return MIN((uint64_t)mb, build->plan->memory >> 20) << 20;
}

/* Bytes of pages of @page (0: ordinary) of other VMs that still count as available. */
static uint64_t
promised(const DpBuild *build, uint64_t page)
{
    const GArray *promises = build->input->promises;
    uint64_t sum = 0;

    for (guint i = 0; promises != NULL && i < promises->len; i++) {
        const DpPromise *promise = &g_array_index(promises, DpPromise, i);

        sum += promise->page == page ? promise->missing : 0;
    }
    return sum;
}

static uint64_t
left_of(uint64_t available, uint64_t taken)
{
    return available > taken ? available - taken : 0;
}

/* The largest huge pages that hold all of the guest's memory: fewest to pin, and kept for nothing
 * else (docs/results/pinning.md). */
static void
choose_pages(DpBuild *build)
{
    const DpHost *host = build->input->host;
    DpPlan *plan = build->plan;

    for (size_t i = 0; host != NULL && build->wants_passthru && i < DP_N_HUGE; i++) {
        const DpHugePool *pool = &host->platform.huge[i];

        if (pool->page != 0 && plan->memory > 0 && plan->memory % pool->page == 0 &&
            left_of(pool->free, promised(build, pool->page)) >= plan->memory) {
            plan->page = pool->page;
            return;
        }
    }
    if (host != NULL && build->wants_passthru && host->platform.transparent == DP_TRI_NO) {
        dp_build_diag(build, DP_DIAG_VMX_SMALL_PAGES, "memsize",
                      "%" G_GUINT64_FORMAT " MiB are pinned in pages of 4 KiB", plan->memory >> 20);
    }
}

static int
compare_promises(const void *a, const void *b)
{
    const DpPromise *left = a, *right = b;

    return left->bytes < right->bytes ? 1 : left->bytes > right->bytes ? -1 : 0;
}

/* "; the VM "one" has 608 MiB of it, "two" 352 MiB"; NULL: nobody has any. */
static char *
holders(const DpBuild *build)
{
    g_autoptr(GArray) all = build->input->promises != NULL
                                ? g_array_copy((GArray *)(uintptr_t)build->input->promises)
                                : g_array_new(FALSE, FALSE, sizeof(DpPromise));
    GString *text = g_string_new(NULL);
    guint n = 0;

    g_array_sort(all, compare_promises);
    for (guint i = 0; i < all->len && n < NAMED_MAX; i++) {
        const DpPromise *promise = &g_array_index(all, DpPromise, i);
        g_autofree char *shown = dp_text_visible(promise->name, -1);

        if (promise->page == 0) {
            g_string_append_printf(text, "%s\"%s\"%s %" G_GUINT64_FORMAT " MiB",
                                   n == 0 ? "the VM " : ", ", shown, n == 0 ? " has" : "",
                                   promise->bytes >> 20);
            n++;
        }
    }
    return g_string_free(text, n == 0);
}

/* What a VM with devices takes of ordinary pages beside the guest's memory. VFIO pins the display's
 * memory with the rest, whether or not anything has been drawn. */
static uint64_t
beside_memory(const DpBuild *build)
{
    return PROCESS_BYTES + build->display_bytes;
}

static void
check_room(DpBuild *build)
{
    const DpHost *host = build->input->host;
    uint64_t need = build->plan->page != 0 ? beside_memory(build) : build->plan->reserved;
    uint64_t available = host != NULL ? host->platform.mem_available : 0;
    g_autofree char *others = holders(build);
    DpDiag *diag;

    /* Of a VM that runs the host has given that memory already. */
    if (available == 0 || build->input->running) {
        return;
    }
    available = left_of(available, promised(build, 0));
    if (need <= available) {
        return;
    }
    diag = dp_build_diag(build, DP_DIAG_VM_MEMORY_SHORT, "memsize",
                         "%" G_GUINT64_FORMAT " MiB must be %s, and %" G_GUINT64_FORMAT
                         " MiB of this host's memory are available%s%s",
                         need >> 20,
                         build->wants_passthru ? "pinned for the VM and its engine"
                                               : "reserved for the VM",
                         available >> 20, others != NULL ? "; " : "", others != NULL ? others : "");
    if (others != NULL) {
        dp_diag_set_remedy(diag, "power a VM off that has memory (%s), or give this one less",
                           others);
    }
}

/* Huge pages as a file without a name: the engine needs no right on a path for them. */
static void
add_backend(DpBuild *build)
{
    dp_build_argf(build, "-object",
                  "{\"qom-type\":\"memory-backend-memfd\",\"id\":\"memory\","
                  "\"size\":%" G_GUINT64_FORMAT ",\"hugetlb\":true,"
                  "\"hugetlbsize\":%" G_GUINT64_FORMAT ",\"merge\":false,\"dump\":false}",
                  build->plan->memory, build->plan->page);
    dp_build_arg(build, "-machine", "memory-backend=memory");
}

void
dp_build_memory(DpBuild *build)
{
    DpPlan *plan = build->plan;

    check_limit(build);
    check_pin(build);
    choose_pages(build);
    plan->reserved = !build->wants_passthru ? read_reservation(build)
                     : plan->page != 0      ? plan->memory
                                            : plan->memory + beside_memory(build);
    check_room(build);
    plan->memlock = build->wants_passthru
                        ? plan->memory + build->bar_bytes + build->display_bytes + LOCK_SLACK
                        : 0;
    if (plan->page != 0) {
        add_backend(build);
    }
}
