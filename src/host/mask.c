/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mask.h"

#include "mask-forms.h"
#include "scrub.h"

#include <string.h>

typedef struct {
    char *text, *token;
    size_t len;
} Word;

struct DpMask {
    GHashTable *tokens; /* kind and word in lower case -> token */
    guint counts[DP_MASK_N];
    GHashTable *nets; /* as of dp_scrub_net */
    GHashTable *kept;
    GPtrArray *words[256]; /* Word, by the first byte in lower case */
};

static void
word_free(gpointer data)
{
    Word *word = data;

    g_free(word->text);
    g_free(word->token);
    g_free(word);
}

DpMask *
dp_mask_new(void)
{
    DpMask *mask = g_new0(DpMask, 1);

    mask->tokens = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    mask->nets = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    mask->kept = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return mask;
}

void
dp_mask_free(DpMask *mask)
{
    if (mask == NULL) {
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(mask->words); i++) {
        g_clear_pointer(&mask->words[i], g_ptr_array_unref);
    }
    g_hash_table_unref(mask->tokens);
    g_hash_table_unref(mask->nets);
    g_hash_table_unref(mask->kept);
    g_free(mask);
}

static const char *const kind_names[DP_MASK_N] = {
    [DP_MASK_HOST] = "host",     [DP_MASK_USER] = "user", [DP_MASK_SERIAL] = "serial",
    [DP_MASK_SECRET] = "secret", [DP_MASK_VM] = "vm",     [DP_MASK_FILE] = "file",
    [DP_MASK_IP] = "address",    [DP_MASK_HEX] = "hex",
};

static char *
make_token(DpMaskKind kind, guint number, const char *word)
{
    if (kind == DP_MASK_MAC) {
        return g_strdup_printf("02:00:00:00:%02x:%02x", number >> 8 & 0xff, number & 0xff);
    }
    if (kind == DP_MASK_UUID) { /* as ESX divides it in a VMX, and in esx.conf */
        return g_strdup_printf(word[13] == '-' ? "00000000-0000-0000-0000-%012x"
                                               : "00000000-00000000-0000-%012x",
                               number);
    }
    return g_strdup_printf("%s%u", kind_names[kind], number);
}

/* Of addresses and UUIDs only the digits count. */
static char *
token_key(DpMaskKind kind, const char *word)
{
    g_autofree char *lower = g_ascii_strdown(word, -1);
    GString *key = g_string_new(NULL);

    g_string_append_printf(key, "%d ", (int)kind);
    for (const char *at = lower; *at != '\0'; at++) {
        if ((kind != DP_MASK_MAC && kind != DP_MASK_UUID) || g_ascii_isxdigit(*at)) {
            g_string_append_c(key, *at);
        }
    }
    return g_string_free(key, false);
}

const char *
dp_mask_token(DpMask *mask, DpMaskKind kind, const char *word)
{
    g_autofree char *key = token_key(kind, word);
    g_autofree char *full = NULL;
    const char *token;
    guint number;

    if (kind != DP_MASK_UUID) {
        token = g_hash_table_lookup(mask->tokens, key);
        if (token == NULL) {
            g_hash_table_insert(mask->tokens, g_strdup(key),
                                make_token(kind, ++mask->counts[kind], word));
            token = g_hash_table_lookup(mask->tokens, key);
        }
        return token;
    }
    /* One number for both ways to divide it. */
    number = GPOINTER_TO_UINT(g_hash_table_lookup(mask->nets, key));
    if (number == 0) {
        number = ++mask->counts[kind];
        g_hash_table_insert(mask->nets, g_strdup(key), GUINT_TO_POINTER(number));
    }
    full = g_strdup_printf("%s %c", key, word[13]);
    g_hash_table_replace(mask->tokens, g_strdup(full), make_token(kind, number, word));
    return g_hash_table_lookup(mask->tokens, full);
}

static void
add_word(DpMask *mask, const char *text, const char *token)
{
    unsigned char first = (unsigned char)g_ascii_tolower(text[0]);
    Word *word = g_new0(Word, 1);
    guint at = 0;

    *word = (Word){g_strdup(text), g_strdup(token), strlen(text)};
    if (mask->words[first] == NULL) {
        mask->words[first] = g_ptr_array_new_with_free_func(word_free);
    }
    while (at < mask->words[first]->len &&
           ((const Word *)mask->words[first]->pdata[at])->len > word->len) {
        at++;
    }
    g_ptr_array_insert(mask->words[first], (gint)at, word); /* the longest comes first */
}

/* Everybody's, or too much of everything to be anybody's. */
static const char *const common[] = {
    "localhost", "localdomain", "root", "none", "(none)",  "home", "srv",     "tmp",  "var",  "mnt",
    "media",     "vmfs",        "vm",   "vms",  "volumes", "sys",  "proc",    "dev",  "etc",  "usr",
    "boot",      "nobody",      "host", "user", "pci",     "kvm",  "default", "true", "false"};

static bool
is_common(const char *word)
{
    for (size_t i = 0; i < G_N_ELEMENTS(common); i++) {
        if (g_ascii_strcasecmp(word, common[i]) == 0) {
            return true;
        }
    }
    return strlen(word) < 2;
}

void
dp_mask_learn(DpMask *mask, DpMaskKind kind, const char *word)
{
    g_autofree char *copy = g_strstrip(g_strdup(word));
    g_auto(GStrv) parts = g_strsplit(copy, "-", -1);
    g_autofree char *doubled = g_strjoinv("--", parts); /* as device-mapper writes a dash */
    const char *token;

    if (is_common(copy)) {
        return;
    }
    token = dp_mask_token(mask, kind, copy);
    add_word(mask, copy, token);
    if (strcmp(doubled, copy) != 0) {
        add_word(mask, doubled, token);
    }
    if (kind == DP_MASK_MAC) { /* as firmware and names of interfaces write it */
        g_auto(GStrv) pairs = g_strsplit_set(copy, ":-", -1);
        g_autofree char *plain = g_strjoinv("", pairs);

        add_word(mask, plain, token);
    }
}

void
dp_mask_keep(DpMask *mask, const char *word)
{
    (void)g_hash_table_add(mask->kept, g_strdup(word));
}

static bool
in_word(char c)
{
    return g_ascii_isalnum(c) || (c & 0x80) != 0;
}

/* The longest learned word that stands at @at; 0: none. */
static size_t
learned_at(const DpMask *mask, const char *at, const char **ret_token)
{
    const GPtrArray *words = mask->words[(unsigned char)g_ascii_tolower(*at)];

    for (guint i = 0; words != NULL && i < words->len; i++) {
        const Word *word = words->pdata[i];

        if (g_ascii_strncasecmp(at, word->text, word->len) == 0 &&
            (!in_word(word->text[word->len - 1]) || !in_word(at[word->len]))) {
            *ret_token = word->token;
            return word->len;
        }
    }
    return 0;
}

/* What stands for the @len bytes at @at, which have the form of @form; NULL: they stay. */
static char *
stand_in(DpMask *mask, const DpMaskForm *form, const char *at, size_t len)
{
    g_autofree char *word = g_strndup(at, len);

    if (g_hash_table_contains(mask->kept, word)) {
        return NULL;
    }
    if (form->net) {
        return dp_scrub_net(mask->nets, word);
    }
    return g_strdup(dp_mask_token(mask, form->kind, word));
}

/* Copies what leads to a thing, and its stand-in; the bytes that were used up, 0: there is none. */
static size_t
replace_form(DpMask *mask, const char *text, const char *at, GString *out)
{
    DpMaskForm form = dp_mask_form(text, at);
    g_autofree char *token = NULL;
    const char *learned = NULL;

    if (form.length == 0) {
        return 0;
    }
    g_string_append_len(out, at, (gssize)form.before);
    if (learned_at(mask, at + form.before, &learned) == form.length) {
        token = g_strdup(learned);
    } else {
        token = stand_in(mask, &form, at + form.before, form.length);
    }
    if (token != NULL) {
        g_string_append(out, token);
    } else {
        g_string_append_len(out, at + form.before, (gssize)form.length);
    }
    return form.before + form.length;
}

static char *
replace(DpMask *mask, const char *text, bool forms)
{
    GString *out = g_string_sized_new(strlen(text) + 64);

    for (const char *at = text; *at != '\0';) {
        bool inside = at > text && in_word(at[-1]) && in_word(*at);
        const char *token = NULL;
        size_t used = inside ? 0 : learned_at(mask, at, &token);

        if (used > 0) {
            g_string_append(out, token);
        } else if (!inside && forms) {
            used = replace_form(mask, text, at, out);
        }
        if (used == 0) {
            g_string_append_c(out, *at);
            used = 1;
        }
        at += used;
    }
    return g_string_free(out, false);
}

char *
dp_mask_text(DpMask *mask, const char *text)
{
    return replace(mask, text, true);
}

char *
dp_mask_words(DpMask *mask, const char *text)
{
    return replace(mask, text, false);
}

static const struct {
    const char *key;
    DpMaskKind kind;
} whole_keys[] = {
    {"serial", DP_MASK_SERIAL},   {"mac", DP_MASK_MAC},       {"vmx_sum", DP_MASK_HEX},
    {"password", DP_MASK_SECRET}, {"hostname", DP_MASK_HOST}, {"user", DP_MASK_USER},
};

static json_t *
mask_member(DpMask *mask, const char *key, const json_t *value)
{
    for (size_t i = 0; json_is_string(value) && i < G_N_ELEMENTS(whole_keys); i++) {
        if (strcmp(key, whole_keys[i].key) == 0) {
            return json_string(dp_mask_token(mask, whole_keys[i].kind, json_string_value(value)));
        }
    }
    return dp_mask_json(mask, value);
}

static json_t *
mask_object(DpMask *mask, json_t *object)
{
    json_t *copy = json_object(), *value;
    const char *key;

    json_object_foreach(object, key, value) /* keys are our own words and addresses */
    {
        json_object_set_new(copy, key, mask_member(mask, key, value));
    }
    return copy;
}

json_t *
dp_mask_json(DpMask *mask, const json_t *value)
{
    json_t *copy, *element;
    size_t i;

    if (json_is_string(value)) {
        g_autofree char *text = dp_mask_text(mask, json_string_value(value));

        return json_string(text);
    }
    if (json_is_object(value)) {
        return mask_object(mask, (json_t *)value);
    }
    if (!json_is_array(value)) {
        return json_deep_copy(value);
    }
    copy = json_array();
    json_array_foreach(value, i, element)
    {
        json_array_append_new(copy, dp_mask_json(mask, element));
    }
    return copy;
}

/* The numbers of interface names in the order of a capture, where the same are. */
void
dp_mask_number_nets(DpMask *mask, const DpHost *host)
{
    for (guint i = 0; i < host->nets->len; i++) {
        const DpNet *net = host->nets->pdata[i];

        g_free(dp_scrub_net(mask->nets, net->name));
        for (char **below = net->below; *below != NULL; below++) {
            g_free(dp_scrub_net(mask->nets, *below));
        }
    }
}
