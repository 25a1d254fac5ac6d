/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a passed-through function interrupts: on the host by /proc/interrupts, in the guest by what
 * its configuration space shows there. */
#include "interrupts.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QMP_TIMEOUT_MS 2000

/* "vfio-msix[3](0000:03:00.0)" in a line's end: mode and vector. */
static bool
match_action(const char *action, const char *name, char *ret_mode, unsigned *ret_vector)
{
    g_autofree char *suffix = g_strdup_printf("(%s)", name);
    const char *mode = strstr(action, "vfio-");
    const char *bracket;

    if (mode == NULL || strstr(mode, suffix) == NULL) {
        return false;
    }
    mode += strlen("vfio-");
    g_snprintf(ret_mode, DP_STATUS_MODE, "%.*s", (int)strspn(mode, "abcdefghijklmnopqrstuvwxyz"),
               mode);
    bracket = strchr(mode, '[');
    *ret_vector = bracket != NULL ? (unsigned)strtoul(bracket + 1, NULL, 10) : 0;
    return true;
}

/* The numbers after "IRQ:", one for each processor; @ret_rest is what follows. */
static guint64
sum_counts(const char *text, const char **ret_rest)
{
    guint64 sum = 0;

    for (;;) {
        char *end;
        guint64 value;

        text += strspn(text, " \t");
        if (!g_ascii_isdigit(*text)) {
            break;
        }
        value = g_ascii_strtoull(text, &end, 10);
        if (*end != ' ' && *end != '\t' && *end != '\0') {
            break;
        }
        sum += value;
        text = end;
    }
    *ret_rest = text;
    return sum;
}

json_t *
dp_status_interrupts(const char *text, const char *name, char *ret_mode)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    json_t *found = json_array();

    g_strlcpy(ret_mode, "none", DP_STATUS_MODE);
    for (size_t i = 0; lines[i] != NULL; i++) {
        char *colon = strchr(lines[i], ':');
        const char *rest;
        unsigned vector;
        guint64 count;

        if (colon == NULL) {
            continue;
        }
        count = sum_counts(colon + 1, &rest);
        if (match_action(rest, name, ret_mode, &vector)) {
            (void)json_array_append_new(found, json_pack("{s:i, s:i, s:I}", "irq",
                                                         (int)strtol(lines[i], NULL, 10), "vector",
                                                         (int)vector, "count", (json_int_t)count));
        }
    }
    return found;
}

/* The actions of a line of /proc/interrupts: what stands behind counts, chip and trigger. */
static char **
split_actions(const char *rest)
{
    const char *last = g_strrstr(rest, "  ");
    const char *comma = strchr(rest, ',');

    while (comma != NULL && last != NULL && last > comma) { /* a name may hold two spaces */
        g_autofree char *head = g_strndup(rest, (gsize)(comma - rest));
        const char *found = g_strrstr(head, "  ");

        last = found != NULL ? rest + (found - head) : NULL;
    }
    return g_strsplit(last != NULL ? last + 2 : rest, ", ", -1);
}

static void
add_others(json_t *users, const char *rest, const char *own)
{
    g_auto(GStrv) actions = split_actions(rest);

    for (size_t i = 0; actions[i] != NULL; i++) {
        if (strstr(actions[i], own) == NULL && actions[i][0] != '\0') {
            g_autofree char *shown = dp_text_visible(actions[i], -1);

            (void)json_array_append_new(users, json_string(shown));
        }
    }
}

json_t *
dp_status_line_users(const char *text, const char *name)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autofree char *own = g_strdup_printf("vfio-intx(%s)", name);
    json_t *users = json_array();

    for (size_t i = 0; lines[i] != NULL; i++) {
        const char *colon = strchr(lines[i], ':');
        const char *rest;

        if (colon != NULL && strstr(colon, own) != NULL) {
            (void)sum_counts(colon + 1, &rest);
            add_others(users, rest, own);
        }
    }
    return users;
}

bool
dp_guest_word(const char *answer, uint32_t *ret_word)
{
    const char *colon = strstr(answer, ": 0x");
    guint64 value;
    char *end;

    if (colon == NULL || !g_ascii_isxdigit(colon[4])) {
        return false;
    }
    value = g_ascii_strtoull(colon + 4, &end, 16);
    if (value > G_MAXUINT32 || (*end != '\0' && *end != '\r' && *end != '\n')) {
        return false;
    }
    *ret_word = (uint32_t)value;
    return true;
}

/* Where the guest reads a function's configuration space: 4 KiB in the window of the chipset. */
typedef struct {
    DpQmp *qmp;
    uint64_t base;
} GuestSpace;

static bool
read_word(void *user, unsigned offset, uint32_t *ret_word)
{
    const GuestSpace *space = user;
    g_autofree char *line =
        g_strdup_printf("xp /1wx 0x%" G_GINT64_MODIFIER "x", space->base + offset);
    json_t *answer = dp_qmp_execute(space->qmp, "human-monitor-command",
                                    json_pack("{s:s}", "command-line", line), QMP_TIMEOUT_MS, NULL);
    const char *text = json_string_value(answer);
    bool ok = text != NULL && dp_guest_word(text, ret_word);

    json_decref(answer);
    return ok;
}

/* MSI: enabled, and how many; MSI-X: enabled, and the size of its table. PCI Local Bus 3.0, 6.8. */
static bool
judge_capability(unsigned id, uint32_t head, DpGuestInterrupts *ret)
{
    unsigned control = head >> 16;

    if (id == 0x11 && (control & 0x8000) != 0) {
        *ret = (DpGuestInterrupts){.mode = "msix", .vectors = (control & 0x7ff) + 1};
        return true;
    }
    if (id == 0x05 && (control & 1) != 0) {
        *ret = (DpGuestInterrupts){.mode = "msi", .vectors = 1u << ((control >> 4) & 7)};
        return true;
    }
    return false;
}

bool
dp_guest_judge(DpGuestRead read, void *user, DpGuestInterrupts *ret)
{
    uint32_t command, pointer, pin, head;

    if (!read(user, 0x04, &command) || !read(user, 0x34, &pointer) || !read(user, 0x3c, &pin) ||
        command == G_MAXUINT32) {
        return false;
    }
    pointer = (command & 0x100000) != 0 ? pointer & 0xfc : 0;
    for (unsigned n = 0; pointer >= 0x40 && n < 48; n++) {
        if (!read(user, pointer, &head)) {
            return false;
        }
        if (judge_capability(head & 0xff, head, ret)) {
            return true;
        }
        pointer = (head >> 8) & 0xfc;
    }
    *ret = (DpGuestInterrupts){.mode = "none"};
    if ((pin >> 8 & 0xff) != 0 && (command & 0x400) == 0) {
        *ret = (DpGuestInterrupts){.mode = "intx", .vectors = 1};
    }
    return true;
}

bool
dp_guest_interrupts(DpQmp *qmp, const char *function, DpGuestInterrupts *ret)
{
    unsigned domain, bus, device, fn;
    GuestSpace space = {.qmp = qmp};
    json_t *base;

    if (qmp == NULL || sscanf(function, "%x:%x:%x.%x", &domain, &bus, &device, &fn) != 4) {
        return false;
    }
    base = dp_qmp_execute(qmp, "qom-get",
                          json_pack("{s:s, s:s}", "path", "/machine/q35", "property", "MCFG"),
                          QMP_TIMEOUT_MS, NULL);
    if (!json_is_integer(base) || json_integer_value(base) <= 0) {
        json_decref(base);
        return false;
    }
    space.base = (uint64_t)json_integer_value(base) + ((uint64_t)bus << 20) +
                 ((uint64_t)device << 15) + ((uint64_t)fn << 12);
    json_decref(base);
    return dp_guest_judge(read_word, &space, ret);
}
