/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deciding: may a function be passed through, with whom must it go, how is it reset. Pure functions
 * of a snapshot and the formats: no file, no clock, no host is touched here. Every reason is a
 * diagnostic with its evidence.
 */
#pragma once

#include "formats/compat.h"
#include "formats/esxconf.h"
#include "formats/map.h"
#include "host/host.h"

typedef enum {
    DP_RESET_NONE,
    DP_RESET_DEVICE_SPECIFIC, /* the kernel's quirk, or ACPI _RST */
    DP_RESET_FLR,
    DP_RESET_BUS, /* secondary bus reset, alone or shared: VFIO_DEVICE_PCI_HOT_RESET */
    DP_RESET_PM,  /* D3hot to D0 */
} DpResetMethod;

typedef struct {
    DpMapMethod policy;      /* the map's word */
    bool shareable;          /* the map's second word */
    const DpMapEntry *entry; /* the map's entry that counts; NULL: none */
    DpResetMethod method;
    unsigned available;  /* bits 1 << DpResetMethod: what could be done here */
    bool uncertain;      /* what the function can do could not all be read: `method` is the best
                            that is known, and none means unknown */
    GPtrArray *affected; /* DpFunction reset together with this one (itself included), borrowed, by
                            address */
} DpResetChoice;

/* "none", "device-specific", "flr", "bus", "pm". */
const char *dp_reset_method_name(DpResetMethod method);
/* The same of the choice, or NULL where it is not known (an ordinary user). */
const char *dp_reset_choice_name(const DpResetChoice *choice);
/* Whether the function can do what the map asks for; always if that is `default`. */
DpTri dp_reset_choice_heeds(const DpResetChoice *choice);

/* Why a function belongs to a unit. */
typedef enum {
    DP_RULE_SELF,
    DP_RULE_IOMMU_GROUP,
    DP_RULE_SHARED_RESET,
    DP_RULE_NOT_SHAREABLE,
} DpUnitRule;

typedef struct {
    DpFunction *fn;
    DpUnitRule rule;
    DpFunction *because_of; /* the member through which the rule applied; NULL for self */
} DpUnitMember;

const char *dp_unit_rule_name(DpUnitRule rule);

/* A function whose reset failed: until one succeeds nobody gets it. The record of it is kept by the
 * layer above. */
typedef struct {
    DpAddr addr;
    char *since;       /* "2026-11-21T02:24:31Z" */
    char *reason;      /* for people */
    bool earlier_boot; /* the host was booted since */
} DpQuarantined;

/* An array for DpQuarantined, by address: what dp_policy_new_with is given. */
GPtrArray *dp_quarantine_new(void);

typedef struct {
    DpFunction *fn;
    bool assignable; /* false: a bridge, a host bridge: never passed through itself */
    bool allowed;    /* no diagnostic of severity error */
    DpResetChoice reset;
    GArray *unit; /* DpUnitMember, assignable functions only, by address; always has the function
                     itself if assignable */
    DpDiagList *diags; /* errors first */
    DpSupport support;
    const DpQuarantined *quarantined; /* NULL: it is not */
} DpVerdict;

typedef struct {
    const DpHost *host;
    GPtrArray *quarantine; /* what it was given, or NULL */
    GPtrArray *verdicts;   /* DpVerdict, one per function, in the order of host->functions; owned */
    DpDiagList *diags;     /* about the host as a whole: what `host check` reports */
    bool capable; /* no error among diags: passthrough is possible on this host at all. What
                     keeps VFIO from working refuses each function too; a missing KVM does
                     not: devices can be marked, and a VM can be emulated */
} DpPolicy;

/* @map must not be NULL (dp_map_new() for an empty one). @host and @map must outlive the result. */
DpPolicy *dp_policy_new(const DpHost *host, const DpMap *map);
/* The same with a compatibility list beside the built-in one (may be NULL). */
DpPolicy *dp_policy_new_listed(const DpHost *host, const DpMap *map, const DpCompat *compat);
/* The same with the functions that are quarantined (DpQuarantined, by address; may be NULL). */
DpPolicy *dp_policy_new_with(const DpHost *host,
                             const DpMap *map,
                             const DpCompat *compat,
                             GPtrArray *quarantine);
void dp_policy_free(DpPolicy *policy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpPolicy, dp_policy_free)

const DpVerdict *dp_policy_verdict(const DpPolicy *policy, const DpAddr *addr);

/* Adds what would make the unit of @verdict's function smaller, each as a note with its remedy: a
 * line with d3d0, another slot, the administrator's own `false`. Nothing if it is alone, or if none
 * of them would. Its time grows with the square of the unit. */
void dp_unit_advise(const DpPolicy *policy, const DpVerdict *verdict, DpDiagList *diags);

/* True for the ids that say that a function, or one that goes with it, is quarantined: no override
 * makes it fit for use, and none is a reason to leave it with the host. */
bool dp_policy_is_quarantine(DpDiagId id);

/* vfio-pci or a variant of it ("mlx5_vfio_pci"); NULL is none. */
bool dp_policy_is_vfio(const char *driver);
bool dp_policy_on_vfio(const DpFunction *fn);

/* True if the kernel was booted with directpath=off: nothing is given to vfio-pci in this boot. */
bool dp_policy_claims_off(const DpHost *host);

/* True for the ids that say what the host would lose with a function. */
bool dp_policy_is_host_need(DpDiagId id);
/* Those of them that may cut off whoever gives the command: they are overridden for a time only,
 * until the change is confirmed. */
bool dp_policy_is_network_need(DpDiagId id);

/* Who owns @fn by the store: its own line, or a bridge above it that is owned (the bridge wins).
 * @ret_bridge (may be NULL) receives that bridge. */
DpOwner
dp_policy_stored_owner(const DpEsxconf *conf, const DpFunction *fn, const DpFunction **ret_bridge);

/* State as vSphere shows it. */
typedef enum {
    DP_STATE_AVAILABLE,
    DP_STATE_ACTIVE,
    DP_STATE_REBOOT_REQUIRED,
    DP_STATE_IN_USE,
    DP_STATE_UNAVAILABLE,
} DpState;

const char *dp_state_name(DpState state);

/* A change of driver that has begun and not come to its end. */
typedef struct {
    const char *holders; /* who has the device open, for people; NULL: not known */
    bool finishes;       /* by itself, when they let go */
    bool claims_off;     /* nothing is claimed in this boot: dp_policy_claims_off */
} DpWait;

/* @wait: NULL if none is known. @used_by: name of the running VM that has it, or NULL. The reason
 * for reboot-required, and a bridge that decides against the function's own line, are added to
 * @diags (may be NULL). */
DpState dp_policy_state(const DpVerdict *verdict,
                        const DpEsxconf *conf,
                        const char *used_by,
                        const DpWait *wait,
                        DpDiagList *diags);
