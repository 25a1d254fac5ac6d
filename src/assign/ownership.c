/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ownership.h"

#include "identity.h"
#include "initramfs.h"
#include "outcome.h"
#include "sysfs.h"

#include <string.h>

static void
record_step(const DpAddr *addr, DpOwner owner, DpOutcome *outcome)
{
    bool passthru = owner == DP_OWNER_PASSTHRU;
    char name[DP_ADDR_LEN];

    dp_outcome_step(outcome, "store owner", dp_addr_format(addr, name),
                    passthru ? "passthru" : "vmkernel",
                    passthru ? "owner = vmkernel" : "owner = passthru");
}

static void
edit_line(DpEsxconf *conf, const DpIdentities *identities, const DpAddr *addr, DpOwner owner)
{
    if (owner == DP_OWNER_HOST && dp_identities_line_added(identities, addr)) {
        (void)dp_esxconf_remove_owner(conf, addr);
    } else {
        (void)dp_esxconf_set_owner(conf, addr, owner);
    }
}

static void
edit(DpEsxconf *conf, const DpIdentities *identities, const GArray *lines, DpOwner owner)
{
    for (guint i = 0; i < lines->len; i++) {
        edit_line(conf, identities, &g_array_index(lines, DpAddr, i), owner);
    }
}

static GArray *
judged_overrides(const DpChange *change, const DpFunction *fn)
{
    GArray *ids = g_array_new(false, false, sizeof(int));

    for (guint i = 0; i < change->judged->len; i++) {
        const DpOverride *override = &g_array_index(change->judged, DpOverride, i);

        if (dp_addr_compare(&override->addr, &fn->addr) == 0) {
            g_array_append_val(ids, override->id);
        }
    }
    return ids;
}

GArray *
dp_ownership_overrides(const DpChange *change, const DpFunction *fn)
{
    const DpVerdict *verdict = dp_policy_verdict(change->policy, &fn->addr);
    GArray *ids;

    if (change->judged != NULL) {
        return judged_overrides(change, fn);
    }
    ids = g_array_new(false, false, sizeof(int));
    for (size_t i = 0; i < change->n_overrides; i++) {
        if (fn->is_bridge ||
            (verdict != NULL && dp_diags_have(verdict->diags, (DpDiagId)change->overrides[i]))) {
            g_array_append_val(ids, change->overrides[i]);
        }
    }
    return ids;
}

/* A line that stays from an earlier `enable`, of another card, is still that command's. */
static bool
line_is_ours(const DpChange *change, const DpIdentities *identities, const DpAddr *addr)
{
    bool present = false;

    if (dp_esxconf_owner(change->conf, addr, &present) == DP_OWNER_PASSTHRU) {
        return dp_identities_line_added(identities, addr);
    }
    return !present;
}

static void
identify(const DpChange *change, DpIdentities *identities, const DpAddr *addr)
{
    const DpFunction *fn = dp_host_find(change->host, addr);

    if (fn != NULL) {
        g_autoptr(GArray) ids = dp_ownership_overrides(change, fn);
        g_autofree char *name =
            change->name_of == NULL ? NULL : change->name_of(fn, change->name_of_user);

        dp_identities_record(identities, fn, line_is_ours(change, identities, addr),
                             (const int *)(void *)ids->data, ids->len);
        dp_identities_set_name(identities, addr, name);
    }
}

/* Ids first, so that a stored function always has them; ids without a line mean nothing. */
static bool
save_passthru(const DpChange *change,
              const DpEsxconf *next,
              DpIdentities *identities,
              const GArray *lines,
              GError **error)
{
    for (guint i = 0; i < lines->len; i++) {
        identify(change, identities, &g_array_index(lines, DpAddr, i));
    }
    return dp_identities_save(change->root, identities, error) &&
           dp_store_save(change->root, next, error);
}

static bool
save_host(const DpChange *change,
          const DpEsxconf *next,
          const DpIdentities *identities,
          GError **error)
{
    if (!dp_store_save(change->root, next, error)) {
        return false;
    }
    /* The owner is stored and durable; an entry that is left over means nothing. */
    (void)dp_identities_save(change->root, identities, NULL);
    return true;
}

/* A write that failed late (fsync of the folder) may have left the new file in place. */
static void
put_back(const DpChange *change)
{
    if (dp_sysfs_exists(change->root, "etc/directpath/esx.conf")) {
        (void)dp_store_save(change->root, change->conf, NULL);
    }
}

static DpEsxconf *
parse(const char *data, size_t len, GError **error)
{
    return dp_esxconf_parse("esx.conf", data == NULL ? "" : data, len, NULL, error);
}

static DpEsxconf *
copy(const DpEsxconf *conf, GError **error)
{
    g_autoptr(GBytes) bytes = dp_esxconf_bytes(conf);
    gsize len = 0;
    const char *data = g_bytes_get_data(bytes, &len);

    return parse(data, len, error);
}

/* Where the last line of @len bytes starts. */
static size_t
last_line(const char *data, size_t len)
{
    while (len > 0 && data[len - 1] != '\n' && data[len - 1] != '\r') {
        len--;
    }
    return len;
}

/* A line that is added gives the last one the end it lacked. */
static void
remember_bare_end(DpIdentities *identities, const DpEsxconf *conf)
{
    g_autoptr(GBytes) bytes = dp_esxconf_bytes(conf);
    gsize len = 0;
    const char *data = g_bytes_get_data(bytes, &len);
    size_t start = last_line(data, len);

    if (start < len && g_utf8_validate_len(data + start, len - start, NULL) &&
        !dp_identities_any_line_added(identities)) {
        g_autofree char *text = g_strndup(data + start, len - start);

        dp_identities_set_bare_end(identities, text);
    }
}

/* Takes that end away once the last added line has gone. @next may be replaced. */
static bool
restore_bare_end(DpIdentities *identities, DpEsxconf **next, GError **error)
{
    const char *text = dp_identities_bare_end(identities);
    g_autoptr(GBytes) bytes = NULL;
    DpEsxconf *stripped;
    gsize len = 0;
    const char *data;
    size_t end, start;

    if (text == NULL || dp_identities_any_line_added(identities)) {
        return true;
    }
    bytes = dp_esxconf_bytes(*next);
    data = g_bytes_get_data(bytes, &len);
    for (end = len; end > 0 && len - end < 2 && strchr("\r\n", data[end - 1]) != NULL;) {
        end--;
    }
    start = last_line(data, end);
    if (strlen(text) == end - start && memcmp(text, data + start, end - start) == 0) {
        stripped = parse(data, end, error);
        if (stripped == NULL) {
            return false;
        }
        dp_esxconf_free(*next);
        *next = stripped;
    }
    dp_identities_set_bare_end(identities, NULL);
    return true;
}

static bool
save_as_host(const DpChange *change,
             const GArray *lines,
             DpIdentities *identities,
             DpEsxconf **next,
             GError **error)
{
    for (guint i = 0; i < lines->len; i++) {
        dp_identities_forget(identities, &g_array_index(lines, DpAddr, i));
    }
    return restore_bare_end(identities, next, error) && save_host(change, *next, identities, error);
}

static bool
save(const DpChange *change,
     const GArray *lines,
     DpOwner owner,
     DpIdentities *identities,
     GError **error)
{
    g_autoptr(DpEsxconf) next = copy(change->conf, error);
    const char *uuid;
    bool done;

    if (next == NULL) {
        return false;
    }
    edit(next, identities, lines, owner);
    (void)dp_store_ensure_system_uuid(next);
    if (owner == DP_OWNER_PASSTHRU) {
        remember_bare_end(identities, change->conf);
        done = save_passthru(change, next, identities, lines, error);
    } else {
        done = save_as_host(change, lines, identities, &next, error);
    }
    if (!done) {
        put_back(change);
        return false;
    }
    uuid = dp_esxconf_system_uuid(next);
    if (dp_esxconf_system_uuid(change->conf) == NULL && uuid != NULL) {
        (void)dp_esxconf_set_system_uuid(change->conf, uuid);
    }
    return true;
}

bool
dp_ownership_store(
    const DpChange *change, const GArray *lines, DpOwner owner, DpOutcome *outcome, GError **error)
{
    g_autoptr(DpIdentities) identities = NULL;
    g_autoptr(DpIdentities) as_before = NULL;

    for (guint i = 0; i < lines->len; i++) {
        record_step(&g_array_index(lines, DpAddr, i), owner, outcome);
    }
    if (change->dry_run || lines->len == 0) {
        return change->dry_run || dp_store_sync(change->root, error);
    }
    identities = dp_identities_load(change->root, outcome->diags, error);
    as_before = identities == NULL ? NULL : dp_identities_load(change->root, NULL, error);
    if (as_before == NULL || !save(change, lines, owner, identities, error)) {
        return false;
    }
    edit(change->conf, as_before, lines, owner);
    dp_initramfs_note(change->root, outcome->diags);
    return true;
}
