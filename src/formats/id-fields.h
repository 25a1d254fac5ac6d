/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The places of one line of a list of devices: two ids, then the words that its DpIdSpec has. */
#pragma once

#include "id-line.h"

enum { DP_ID_VENDOR, DP_ID_DEVICE, DP_ID_FIRST_WORD };

#define DP_ID_FIELDS_MAX (DP_ID_FIRST_WORD + DP_ID_WORDS_MAX)

/* How many an entry has. */
guint dp_id_n_fields(const DpIdSpec *spec);
/* "method", and what it may be, for messages. */
const char *dp_id_field_name(const DpIdSpec *spec, guint field);
const char *dp_id_field_form(const DpIdSpec *spec, guint field);

/* Reads @word as @field into @row; false if it is none. */
bool dp_id_field_read(const DpIdSpec *spec, guint field, const char *word, DpIdRow *row);
bool dp_id_field_valid(const DpIdSpec *spec, guint field, const char *word);
/* What @word was probably meant to be, or NULL; the caller frees it. */
char *dp_id_field_likely(const DpIdSpec *spec, guint field, const char *word);

/* The words in @len bytes: a GPtrArray of strings. */
GPtrArray *dp_id_split(const char *text, size_t len);
