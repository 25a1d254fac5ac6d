/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VMs that are registered on this host: etc/directpath/vms.json. Which of them start with the
 * host, in which order, and how long each is waited for when the host shuts down.
 */
#pragma once

#include "base/diag.h"
#include "base/error.h"
#include "host/root.h"

#define DP_REGISTRY_PATH      "etc/directpath/vms.json"
#define DP_REGISTRY_MAX_BYTES (4u << 20)
#define DP_REGISTRY_MAX       4096u
#define DP_ORDER_MAX          9999
#define DP_STOP_TIMEOUT_S     120   /* unless said */
#define DP_STOP_TIMEOUT_MAX_S 86400 /* a day */

typedef struct {
    char *vmx;     /* absolute path beneath the root */
    char *name;    /* displayName when it was registered */
    char *uuid;    /* uuid.bios then, by which a file is known again that has moved; NULL: none */
    int order;     /* 1 to DP_ORDER_MAX: starts with the host; 0: it does not */
    int timeout_s; /* how long its guest is waited for before it is powered off */
} DpRegistered;

typedef struct {
    GPtrArray *vms; /* DpRegistered, as they were registered */
} DpRegistry;

DpRegistry *dp_registry_new(void);
void dp_registry_free(DpRegistry *registry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpRegistry, dp_registry_free)

/* Of any bytes; NULL with *ret_why (the caller frees it) unless each entry is one of this version
 * and no path comes twice. */
DpRegistry *dp_registry_parse(const char *text, size_t len, char **ret_why);

/* A missing file is an empty registry. One that cannot be used is an error, with a diagnostic:
 * nobody writes over what he could not read. */
DpRegistry *dp_registry_load(DpRoot *root, DpDiagList *diags, GError **error);

/* Writes it, and makes it durable where it was written before. The caller holds the store's lock.
 */
bool dp_registry_save(DpRoot *root, const DpRegistry *registry, GError **error);

/* The entry of the file @vmx, or NULL. */
DpRegistered *dp_registry_find(const DpRegistry *registry, const char *vmx);

/* An entry of another file whose VM has this uuid.bios, or NULL. @uuid may be NULL. */
DpRegistered *dp_registry_twin(const DpRegistry *registry, const char *vmx, const char *uuid);

/* A new entry, which starts by hand; NULL if there are DP_REGISTRY_MAX. */
DpRegistered *
dp_registry_add(DpRegistry *registry, const char *vmx, const char *name, const char *uuid);
void dp_registry_remove(DpRegistry *registry, DpRegistered *vm);

/* The order that comes after all others. */
int dp_registry_next_order(const DpRegistry *registry);

/* Those that start with the host, in their order; those of one order as they were registered. A
 * GPtrArray of borrowed entries. */
GPtrArray *dp_registry_in_order(const DpRegistry *registry);
