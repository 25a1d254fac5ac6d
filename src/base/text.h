/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strings that came from devices, files and guests, made safe to show. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* At most this many bytes of a foreign string are shown. */
#define DP_TEXT_MAX 256

/* A new string of valid UTF-8 in which control characters, bidirectional overrides and broken bytes
 * are written as \xNN or \u{NNNN}, cut after DP_TEXT_MAX bytes with "...". @len -1: NUL-terminated.
 */
char *dp_text_visible(const char *bytes, gssize len);

/* The same with a limit of the caller's. */
char *dp_text_visible_max(const char *bytes, gssize len, size_t max);

/* A size for people: "16 KiB". */
char *dp_size_text(uint64_t bytes);

/* True if a control character of ASCII is in @text. */
bool dp_text_has_control(const char *text);

/* True if a component of @path is "..". */
bool dp_path_climbs(const char *path);
