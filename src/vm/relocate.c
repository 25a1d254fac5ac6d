/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "relocate.h"

#include "resolve.h"

#include <string.h>

static void
relocation_free(gpointer data)
{
    DpRelocation *move = data;

    g_free(move->id);
    g_free(move->system_id);
    g_free(move);
}

static const DpVmxEntry *
line_of(const DpVmx *vmx, unsigned index, const char *name)
{
    g_autofree char *key = g_strdup_printf("pciPassthru%u.%s", index, name);

    return dp_vmx_lookup(vmx, key);
}

static bool
read_ids(const DpVmx *vmx, DpRelocation *move)
{
    const DpVmxEntry *vendor = line_of(vmx, move->index, "vendorId");
    const DpVmxEntry *device = line_of(vmx, move->index, "deviceId");
    uint16_t v = 0, d = 0;

    if (vendor == NULL || device == NULL || !dp_resolve_id16(vendor->value, &v) ||
        !dp_resolve_id16(device->value, &d)) {
        return false;
    }
    move->vendor = v;
    move->device = d;
    return true;
}

/* No host is meant (an SR-IOV NIC), or no function: nothing to be compared. */
static bool
names_no_function(const DpVmx *vmx, const DpRelocation *move)
{
    return g_strcmp0(move->system_id, "BYPASS") == 0 || line_of(vmx, move->index, "id") == NULL;
}

/* What is judged, and over what. */
typedef struct {
    const DpHost *host;
    const GPtrArray *gone, *moves;
    DpRelocateJudge judge;
    void *user;
} Search;

/* The card that was enabled where another one is now, @fn. */
static const DpStoredGone *
exchanged_at(const GPtrArray *gone, const DpFunction *fn)
{
    for (guint i = 0; fn != NULL && i < gone->len; i++) {
        const DpStoredGone *one = gone->pdata[i];

        if (one->there == fn && one->card != NULL) {
            return one;
        }
    }
    return NULL;
}

static DpRelocation *
relocation_new(const DpVmx *vmx, const DpVmDevice *device, const char *own, const GPtrArray *gone)
{
    DpRelocation *move = g_new0(DpRelocation, 1);
    const DpVmxEntry *id = line_of(vmx, device->index, "id");
    const DpVmxEntry *system_id = line_of(vmx, device->index, "systemId");
    bool ours = system_id == NULL || (own != NULL && dp_system_uuid_equal(system_id->value, own));

    move->index = device->index;
    move->id = id != NULL ? g_strdup(id->shown) : NULL;
    move->system_id = system_id != NULL ? g_strdup(system_id->shown) : NULL;
    move->result = DP_RELOCATE_NONE;
    (void)read_ids(vmx, move);
    if (names_no_function(vmx, move)) {
        move->result = DP_RELOCATE_KEPT;
        move->fn = device->resolved ? device->fn : NULL;
    } else if (device->resolved && ours) {
        move->exchanged = exchanged_at(gone, device->fn);
        move->result = move->exchanged != NULL ? DP_RELOCATE_NONE : DP_RELOCATE_KEPT;
        move->fn = move->exchanged != NULL ? NULL : device->fn;
    }
    return move;
}

static bool
is_claimed(const GPtrArray *moves, const DpFunction *fn)
{
    for (guint i = 0; i < moves->len; i++) {
        const DpRelocation *other = moves->pdata[i];

        if (other->fn == fn) {
            return true;
        }
    }
    return false;
}

/* @fn is of the model: takes it, counts it, or keeps it as a hint. One that is another card than
 * was enabled has to be enabled again. */
static void
consider(const Search *search, DpRelocation *move, const DpFunction *fn)
{
    DpCandidate candidate = search->judge(fn, search->user);

    if (candidate == DP_CANDIDATE_NO) {
        move->refused = move->refused != NULL ? move->refused : fn;
    } else if (candidate == DP_CANDIDATE_DISABLED || exchanged_at(search->gone, fn) != NULL) {
        move->to_enable = move->to_enable != NULL ? move->to_enable : fn;
    } else if (move->fn == NULL) {
        move->fn = fn;
        move->result = DP_RELOCATE_MOVE;
    } else {
        move->n_others++;
    }
}

static bool
is_model(const DpRelocation *move, const DpFunction *fn)
{
    return move->vendor != 0 && fn->vendor == move->vendor && fn->device == move->device;
}

static void
propose(const Search *search, DpRelocation *move, const DpVmDevice *device)
{
    const DpFunction *there = device->resolved ? device->fn : NULL;

    if (there != NULL && is_model(move, there) && !is_claimed(search->moves, there)) {
        consider(search, move, there);
        move->same_address = move->fn != NULL;
    }
    for (guint i = 0; i < search->host->functions->len; i++) {
        const DpFunction *fn = search->host->functions->pdata[i];

        if (fn != there && is_model(move, fn) && !is_claimed(search->moves, fn)) {
            consider(search, move, fn);
        }
    }
}

/* A card's functions keep their numbers when it moves. */
static DpCardMatch
match_of(const DpStoredGone *stored, const DpFunction *fn)
{
    g_autoptr(DpCard) card = NULL;

    if (fn == stored->there || fn->is_bridge || fn->addr.function != stored->addr.function) {
        return DP_CARD_OTHER;
    }
    card = dp_card_of(fn);
    return dp_card_compare(stored->card, card);
}

/* The card that was enabled, at another address: by its serial number or MAC, or else what nothing
 * tells from it. */
static void
propose_card(const Search *search, DpRelocation *move)
{
    const GPtrArray *functions = search->host->functions;
    DpCardMatch least = DP_CARD_ELSEWHERE;

    for (guint i = 0; move->exchanged->card->ids_known && i < functions->len; i++) {
        if (match_of(move->exchanged, functions->pdata[i]) == DP_CARD_SAME) {
            least = DP_CARD_SAME;
        }
    }
    for (guint i = 0; move->exchanged->card->ids_known && i < functions->len; i++) {
        const DpFunction *fn = functions->pdata[i];

        if (match_of(move->exchanged, fn) >= least && !is_claimed(search->moves, fn)) {
            consider(search, move, fn);
        }
    }
}

GPtrArray *
dp_relocate_propose(const DpVmx *vmx,
                    const DpPlan *plan,
                    const DpHost *host,
                    const char *own,
                    const GPtrArray *gone,
                    DpRelocateJudge judge,
                    void *user)
{
    GPtrArray *moves = g_ptr_array_new_with_free_func(relocation_free);
    Search search = {host, gone, moves, judge, user};

    for (guint i = 0; i < plan->devices->len; i++) {
        g_ptr_array_add(moves, relocation_new(vmx, plan->devices->pdata[i], own, gone));
    }
    for (guint i = 0; i < moves->len; i++) {
        DpRelocation *move = moves->pdata[i];

        if (move->exchanged != NULL) {
            propose_card(&search, move);
        } else if (move->result != DP_RELOCATE_KEPT) {
            propose(&search, move, plan->devices->pdata[i]);
        }
    }
    return moves;
}

bool
dp_relocate_write(DpVmx *vmx, const DpRelocation *move, const char *system_id, GError **error)
{
    g_autofree char *id_key = g_strdup_printf("pciPassthru%u.id", move->index);
    g_autofree char *system_key = g_strdup_printf("pciPassthru%u.systemId", move->index);
    char id[DP_ADDR_LEN];

    return (move->same_address ||
            dp_vmx_set(vmx, id_key, dp_addr_format_vmx(&move->fn->addr, id), error)) &&
           dp_vmx_set(vmx, system_key, system_id, error);
}
