/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's machine protocol over one socket: one JSON object a line, an answer for each command,
 * events in between. The other side is not trusted: lines are bounded, keys may not repeat, every
 * wait has a deadline.
 */
#pragma once

#include "base/error.h"

#include <jansson.h>

/* Longest line that is accepted. */
#define DP_QMP_LINE_MAX (1u << 20)

typedef struct DpQmp DpQmp;

/* Called for each event, from within the functions below. */
typedef void (*DpQmpEvent)(const char *name, const json_t *data, void *user);

/* Takes the connected stream socket @fd. */
DpQmp *dp_qmp_new(int fd, DpQmpEvent event, void *user);

/* Connects to the socket at @path. */
DpQmp *dp_qmp_connect(const char *path, DpQmpEvent event, void *user, GError **error);
void dp_qmp_free(DpQmp *qmp);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpQmp, dp_qmp_free)

/* To poll on; still owned by @qmp. */
int dp_qmp_fd(const DpQmp *qmp);

/* Reads the greeting and leaves the negotiation. @ret_version (may be NULL) receives major * 100 +
 * minor of QEMU's version. DP_ERROR_TIMEOUT after @timeout_ms; DP_ERROR_IO if the other side
 * closed; DP_ERROR_PARSE if it talks something else. */
bool dp_qmp_handshake(DpQmp *qmp, int timeout_ms, int *ret_version, GError **error);

/* Sends @command with @arguments (stolen; NULL: none) and waits for its answer: a new reference to
 * what follows "return". DP_ERROR_REFUSED with QEMU's own words if it answered with an error. */
json_t *
dp_qmp_execute(DpQmp *qmp, const char *command, json_t *arguments, int timeout_ms, GError **error);

/* Reads what is there without waiting and reports the events in it. False if the other side closed
 * or talks nonsense. */
bool dp_qmp_drain(DpQmp *qmp, GError **error);
