/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules about memory: what the firmware reserves for a function, where its BARs lie and who
 * still uses them. */
#include "base/text.h"
#include "private.h"

/* Ranges or BARs that one message names. */
#define NAMED_MAX 4u

/* Words for a list of which only the first NAMED_MAX are named. */
typedef struct {
    GString *text;
    unsigned n;
} List;

static bool
list_has_room(List *list)
{
    if (list->text == NULL) {
        list->text = g_string_new(NULL);
    }
    if (list->n++ >= NAMED_MAX) {
        return false;
    }
    g_string_append(list->text, list->n > 1 ? ", " : "");
    return true;
}

static const char *
list_end(List *list)
{
    if (list->n > NAMED_MAX) {
        g_string_append_printf(list->text, " and %u more", list->n - NAMED_MAX);
    }
    return list->text->str;
}

static void
list_clear(List *list)
{
    if (list->text != NULL) {
        g_string_free(list->text, true);
    }
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(List, list_clear)

/* Which function of the group a table reserves the range for; NULL: no table says. */
static const DpFunction *
reserved_for(const DpJudge *judge, const DpFunction *fn, const DpReserved *region)
{
    const GPtrArray *group = g_hash_table_lookup(judge->groups, GINT_TO_POINTER(fn->iommu_group));

    for (guint i = 0; group != NULL && i < group->len; i++) {
        const DpFunction *other = group->pdata[i];

        for (guint k = 0; other->table_reserved != NULL && k < other->table_reserved->len; k++) {
            const DpReserved *own = &g_array_index(other->table_reserved, DpReserved, k);

            if (own->start <= region->last && region->start <= own->last) {
                return other;
            }
        }
    }
    return NULL;
}

static void
name_region(const DpJudge *judge, const DpFunction *fn, const DpReserved *region, List *list)
{
    uint64_t size = region->last - region->start + 1;
    const DpFunction *whose;
    g_autofree char *shown = NULL;

    if (!list_has_room(list)) {
        return;
    }
    whose = reserved_for(judge, fn, region);
    shown = dp_size_text(size == 0 ? UINT64_MAX : size);
    g_string_append_printf(
        list->text, "0x%" G_GINT64_MODIFIER "x-0x%" G_GINT64_MODIFIER "x (%s%s%s)", region->start,
        region->last, shown, whose != NULL ? ", for " : "", whose != NULL ? whose->name : "");
}

static bool
any_kept(const GArray *regions)
{
    for (guint i = 0; regions != NULL && i < regions->len; i++) {
        if (!g_array_index(regions, DpReserved, i).relaxable) {
            return true;
        }
    }
    return false;
}

void
dp_memory_index(DpJudge *judge, DpFunction *fn)
{
    gpointer group = GINT_TO_POINTER(fn->iommu_group);

    if (fn->iommu_group >= 0 && fn->group_reserved == NULL && any_kept(fn->table_reserved) &&
        g_hash_table_lookup(judge->reserved, group) == NULL) {
        g_hash_table_insert(judge->reserved, group, fn);
    }
}

static void
report_regions(const DpJudge *judge, DpVerdict *verdict, const GArray *regions, const char *where)
{
    const DpFunction *fn = verdict->fn;
    g_auto(List) kept = {NULL, 0}, lent = {NULL, 0};

    for (guint i = 0; regions != NULL && i < regions->len; i++) {
        const DpReserved *region = &g_array_index(regions, DpReserved, i);

        name_region(judge, fn, region, region->relaxable ? &lent : &kept);
    }
    if (kept.n > 0) {
        dp_diags_add(verdict->diags, DP_DIAG_RESERVED_MEMORY, fn->name,
                     "%s cannot leave the host: the firmware reserves memory for %s, %s", fn->name,
                     where, list_end(&kept));
    }
    if (lent.n > 0) {
        dp_diags_add(verdict->diags, DP_DIAG_RESERVED_RELAXABLE, fn->name,
                     "%s may go although memory is reserved for %s, %s", fn->name, where,
                     list_end(&lent));
    }
}

/* The kernel's word counts where there is one: it speaks of the group, which is what VFIO attaches.
 * The firmware's table alone tells where the IOMMU is off, or before Linux 4.11. */
static void
judge_reserved(const DpJudge *judge, DpVerdict *verdict)
{
    const DpFunction *fn = verdict->fn;
    const DpFunction *holder =
        g_hash_table_lookup(judge->reserved, GINT_TO_POINTER(fn->iommu_group));

    if (fn->group_reserved != NULL) {
        g_autofree char *where = g_strdup_printf("IOMMU group %d", fn->iommu_group);

        report_regions(judge, verdict, fn->group_reserved, where);
        return;
    }
    report_regions(judge, verdict, fn->table_reserved, "it");
    if (fn->iommu_group >= 0 && holder != NULL && !any_kept(fn->table_reserved)) {
        dp_diags_add(verdict->diags, DP_DIAG_RESERVED_MEMORY, fn->name,
                     "%s cannot leave the host: the firmware reserves memory for %s in its IOMMU "
                     "group %d",
                     fn->name, holder->name, fn->iommu_group);
    }
}

/* A BAR that has a size and no address. Address 0 is never given to a BAR of memory. */
static bool
unassigned(const DpBar *bar)
{
    return bar->size > 0 && (bar->flags & (DP_BAR_MEM | DP_BAR_IO)) != 0 &&
           ((bar->flags & DP_BAR_UNSET) != 0 || bar->start == 0);
}

/* Few devices need their ports, and the ROM has been run. */
static bool
optional(const DpBar *bar, unsigned i)
{
    return i == DP_N_BARS - 1 || (bar->flags & DP_BAR_MEM) == 0;
}

static void
name_bar(const DpBar *bar, unsigned i, List *list)
{
    g_autofree char *size = dp_size_text(bar->size);

    if (!list_has_room(list)) {
        return;
    }
    if (i == DP_N_BARS - 1) {
        g_string_append_printf(list->text, "ROM (%s)", size);
    } else {
        g_string_append_printf(list->text, "BAR %u (%s, %s%s)", i,
                               (bar->flags & DP_BAR_MEM) != 0 ? "memory" : "I/O",
                               (bar->flags & DP_BAR_64) != 0 ? "64-bit, " : "", size);
    }
}

static void
report_unassigned(DpVerdict *verdict, List *missing)
{
    const DpFunction *fn = verdict->fn, *bridge = fn->parent;
    g_autofree char *window = bridge != NULL ? dp_size_text(bridge->window) : NULL;

    if (bridge == NULL) {
        dp_diags_add(verdict->diags, DP_DIAG_BAR_UNASSIGNED, fn->name,
                     "%s has no address for its %s", fn->name, list_end(missing));
        return;
    }
    dp_diags_add(verdict->diags, DP_DIAG_BAR_UNASSIGNED, fn->name,
                 "%s has no address for its %s; the largest memory window of the bridge above, %s, "
                 "is %s",
                 fn->name, list_end(missing), bridge->name, window);
}

static void
judge_assignment(DpVerdict *verdict)
{
    const DpFunction *fn = verdict->fn;
    g_auto(List) missing = {NULL, 0}, minor = {NULL, 0};

    for (unsigned i = 0; i < DP_N_BARS; i++) {
        if (unassigned(&fn->bars[i])) {
            name_bar(&fn->bars[i], i, optional(&fn->bars[i], i) ? &minor : &missing);
        }
    }
    if (missing.n > 0) {
        report_unassigned(verdict, &missing);
    }
    if (minor.n > 0) {
        dp_diags_add(verdict->diags, DP_DIAG_BAR_OPTIONAL_UNASSIGNED, fn->name,
                     "%s has no address for its %s, which a VM does not see", fn->name,
                     list_end(&minor));
    }
}

/* A VM has as many address bits as the host, and its own memory needs some of them too. */
static void
judge_size(const DpJudge *judge, DpVerdict *verdict)
{
    const DpFunction *fn = verdict->fn;
    unsigned bits = judge->host->platform.address_bits;
    g_autofree char *needed = NULL, *room = NULL;
    uint64_t sum = 0;

    for (unsigned i = 0; i < DP_N_BARS; i++) {
        if ((fn->bars[i].flags & DP_BAR_64) != 0) {
            sum = fn->bars[i].size > UINT64_MAX - sum ? UINT64_MAX : sum + fn->bars[i].size;
        }
    }
    if (bits == 0 || bits >= 64 || sum < UINT64_C(1) << bits) {
        return;
    }
    needed = dp_size_text(sum);
    room = dp_size_text(UINT64_C(1) << bits);
    dp_diags_add(verdict->diags, DP_DIAG_BAR_BEYOND_CPU, fn->name,
                 "%s needs %s for its 64-bit BARs; the processor's %u address bits reach %s",
                 fn->name, needed, bits, room);
}

/* What keeps the kernel from showing the firmware's picture, by the driver that does. */
static const struct {
    const char *driver, *word;
} picture_words[] = {
    {"efifb", "video=efifb:off"},
    {"vesafb", "video=vesafb:off"},
};

static const char *
picture_word(const char *driver)
{
    for (size_t i = 0; i < G_N_ELEMENTS(picture_words); i++) {
        if (g_str_equal(driver, picture_words[i].driver)) {
            return picture_words[i].word;
        }
    }
    return "initcall_blacklist=sysfb_init"; /* simplefb, simpledrm and what is to be one of them */
}

static void
report_framebuffer(DpVerdict *verdict, unsigned bar, const DpFramebuffer *picture)
{
    const DpFunction *fn = verdict->fn;
    DpDiag *diag = dp_diags_add(verdict->diags, DP_DIAG_FRAMEBUFFER_IN_BAR, fn->name,
                                "%s holds the host's console in BAR %u: %s shows it in "
                                "0x%" G_GINT64_MODIFIER "x-0x%" G_GINT64_MODIFIER "x",
                                fn->name, bar, picture->driver, picture->start, picture->last);

    dp_diag_set_remedy(
        diag,
        "put %s on the kernel's command line and boot again, or make another display "
        "the primary one in the firmware's setup",
        picture_word(picture->driver));
}

static void
judge_framebuffers(const DpJudge *judge, DpVerdict *verdict)
{
    const GArray *pictures = judge->host->framebuffers;

    for (guint i = 0; i < pictures->len; i++) {
        const DpFramebuffer *picture = &g_array_index(pictures, DpFramebuffer, i);

        for (unsigned k = 0; k < DP_N_BARS; k++) {
            const DpBar *bar = &verdict->fn->bars[k];

            if ((bar->flags & DP_BAR_MEM) != 0 && bar->size > 0 && !unassigned(bar) &&
                bar->start <= picture->last && picture->start <= bar->start + (bar->size - 1)) {
                report_framebuffer(verdict, k, picture);
                return;
            }
        }
    }
}

void
dp_memory_judge(const DpJudge *judge, DpVerdict *verdict)
{
    judge_reserved(judge, verdict);
    judge_assignment(verdict);
    judge_size(judge, verdict);
    judge_framebuffers(judge, verdict);
}
