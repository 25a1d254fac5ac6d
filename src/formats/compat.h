/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The compatibility list: what an administrator or vendor says of devices, in lines of
 * "vendor device status". Rules: docs/formats.md. */
#pragma once

#include "base/diag.h"
#include "base/error.h"
#include "id-line.h"

/* Where it lies beneath the root. */
#define DP_COMPAT_PATH "etc/directpath/compatibility"

typedef enum {
    DP_SUPPORT_UNLISTED,
    DP_SUPPORT_EXPERIMENTAL,
    DP_SUPPORT_SUPPORTED,
} DpSupport;

typedef struct DpCompat DpCompat;

DpCompat *dp_compat_new(void);
/* Adds the lines of one file, which is as tolerant as dp_map_add. */
bool dp_compat_add(DpCompat *compat,
                   const char *name,
                   const char *bytes,
                   size_t len,
                   DpDiagList *diags,
                   GError **error);
void dp_compat_free(DpCompat *compat);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpCompat, dp_compat_free)

/* True if a line is about the device: the most specific, and of equals the last. @ret_exact: the
 * line names both ids. */
bool dp_compat_lookup(const DpCompat *compat,
                      uint16_t vendor,
                      uint16_t device,
                      DpSupport *ret_support,
                      bool *ret_exact);

/* "supported", "experimental", "unlisted". */
const char *dp_support_name(DpSupport support);
/* The form of its lines. */
const DpIdSpec *dp_compat_spec(void);
