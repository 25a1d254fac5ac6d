/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "card.h"

#include "base/text.h"

#include <stddef.h>
#include <string.h>

DpCard *
dp_card_new(void)
{
    return g_new0(DpCard, 1);
}

void
dp_card_free(DpCard *card)
{
    if (card == NULL) {
        return;
    }
    g_free(card->serial);
    g_free(card->mac);
    g_free(card->path);
    g_free(card->name);
    g_free(card);
}

/* As lspci: the upper four bytes first. */
static char *
serial_text(uint64_t serial)
{
    GString *text = g_string_new(NULL);

    for (int shift = 56; shift >= 0; shift -= 8) {
        g_string_append_printf(text, "%s%02x", text->len > 0 ? "-" : "",
                               (unsigned)(serial >> shift & 0xff));
    }
    return g_string_free(text, false);
}

DpCard *
dp_card_of(const DpFunction *fn)
{
    DpCard *card = dp_card_new();

    card->ids_known = fn->ids_known != DP_TRI_NO;
    card->vendor = fn->vendor;
    card->device = fn->device;
    card->subvendor = fn->subvendor;
    card->subdevice = fn->subdevice;
    card->serial = fn->caps.serial != 0 ? serial_text(fn->caps.serial) : NULL;
    card->mac = g_strdup(fn->mac);
    card->path = dp_function_path(fn);
    return card;
}

static const struct {
    const char *key;
    size_t offset;
} id_keys[] = {
    {"vendor", offsetof(DpCard, vendor)},
    {"device", offsetof(DpCard, device)},
    {"subsystem_vendor", offsetof(DpCard, subvendor)},
    {"subsystem_device", offsetof(DpCard, subdevice)},
};

static const struct {
    const char *key;
    size_t offset;
} text_keys[] = {
    {"serial", offsetof(DpCard, serial)},
    {"mac", offsetof(DpCard, mac)},
    {"path", offsetof(DpCard, path)},
    {"name", offsetof(DpCard, name)},
};

static uint16_t *
id_field(const DpCard *card, size_t i)
{
    return (uint16_t *)(void *)((char *)card + id_keys[i].offset);
}

static char **
text_field(const DpCard *card, size_t i)
{
    return (char **)(void *)((char *)card + text_keys[i].offset);
}

void
dp_card_to_json(const DpCard *card, json_t *object)
{
    for (size_t i = 0; card->ids_known && i < G_N_ELEMENTS(id_keys); i++) {
        char text[8];

        (void)g_snprintf(text, sizeof text, "%04x", (unsigned)*id_field(card, i));
        json_object_set_new(object, id_keys[i].key, json_string(text));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(text_keys); i++) {
        const char *text = *text_field(card, i);

        if (text != NULL) {
            g_autofree char *shown = dp_text_visible(text, -1);

            json_object_set_new(object, text_keys[i].key, json_string(shown));
        }
    }
}

static bool
read_id(const json_t *object, const char *key, uint16_t *ret_id)
{
    const char *text = json_string_value(json_object_get(object, key));
    guint64 id;

    if (text == NULL || !g_ascii_string_to_unsigned(text, 16, 0, 0xffff, &id, NULL)) {
        return false;
    }
    *ret_id = (uint16_t)id;
    return true;
}

DpCard *
dp_card_from_json(const json_t *object)
{
    DpCard *card = dp_card_new();
    bool known[G_N_ELEMENTS(id_keys)];

    for (size_t i = 0; i < G_N_ELEMENTS(id_keys); i++) {
        known[i] = read_id(object, id_keys[i].key, id_field(card, i));
    }
    card->ids_known = known[0] && known[1];
    for (size_t i = 0; i < G_N_ELEMENTS(text_keys); i++) {
        const char *text = json_string_value(json_object_get(object, text_keys[i].key));

        *text_field(card, i) = text == NULL || *text == '\0' ? NULL : g_strdup(text);
    }
    return card;
}

static bool
id_is_set(uint16_t id)
{
    return id != 0 && id != 0xffff;
}

static bool
differ(uint16_t a, uint16_t b)
{
    return id_is_set(a) && id_is_set(b) && a != b;
}

/* 1: the same; -1: not; 0: unknown. */
static int
texts(const char *a, const char *b)
{
    return a == NULL || b == NULL ? 0 : g_ascii_strcasecmp(a, b) == 0 ? 1 : -1;
}

DpCardMatch
dp_card_compare(const DpCard *a, const DpCard *b)
{
    int serial = texts(a->serial, b->serial), mac = texts(a->mac, b->mac);

    if (a->ids_known && b->ids_known &&
        (a->vendor != b->vendor || a->device != b->device || differ(a->subvendor, b->subvendor) ||
         differ(a->subdevice, b->subdevice))) {
        return DP_CARD_OTHER_MODEL;
    }
    if (serial < 0 || mac < 0) {
        return DP_CARD_OTHER;
    }
    if (serial > 0 || mac > 0) {
        return DP_CARD_SAME;
    }
    return texts(a->path, b->path) < 0 ? DP_CARD_ELSEWHERE : DP_CARD_ALIKE;
}

bool
dp_card_learn(DpCard *card, const DpCard *from)
{
    bool learnt = false;

    if (!card->ids_known && from->ids_known) {
        for (size_t i = 0; i < G_N_ELEMENTS(id_keys); i++) {
            *id_field(card, i) = *id_field(from, i);
        }
        card->ids_known = learnt = true;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(text_keys); i++) {
        char **own = text_field(card, i);

        if (*own == NULL && *text_field(from, i) != NULL) {
            *own = g_strdup(*text_field(from, i));
            learnt = true;
        }
    }
    return learnt;
}

char *
dp_card_describe(const DpCard *card)
{
    g_autoptr(GString) text = g_string_new(card->name != NULL ? card->name : "a device");

    if (card->ids_known) {
        g_string_append_printf(text, " (%04x:%04x)", card->vendor, card->device);
    }
    if (card->serial != NULL) {
        g_string_append_printf(text, ", serial %s", card->serial);
    } else if (card->mac != NULL) {
        g_string_append_printf(text, ", MAC %s", card->mac);
    }
    if (card->path != NULL) {
        g_string_append_printf(text, ", in %s", card->path);
    }
    return dp_text_visible_max(text->str, (gssize)text->len, DP_DIAG_TEXT_MAX);
}
