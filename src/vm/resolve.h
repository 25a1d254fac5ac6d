/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From pciPassthruN to a function of this host, and whether that function may go to this VM now. */
#pragma once

#include "build.h"

/* Passed-through devices that a VM of @hw_version may have; 0: none at all. */
unsigned dp_resolve_limit(int64_t hw_version);

/* vendorId or deviceId: one to four hex digits, "0x" optional; a negative number is its two's
 * complement. */
bool dp_resolve_id16(const char *text, uint16_t *ret_id);

/* How many there are against the hardware version and the ports, once all that names its place has
 * it. */
void dp_resolve_check_count(DpBuild *build);

/* dynamic.c: the first free function of allowedDevices for @device, or a diagnostic. */
void dp_resolve_dynamic(DpBuild *build, DpVmDevice *device);

/* dynamic.c: appends what the list @text names to @models (pairs of uint16_t); false if it is none.
 */
bool dp_dynamic_parse(const char *text, GArray *models);

/* check.c: @fn is one of this VM's. */
bool dp_resolve_in_vm(const DpBuild *build, const DpFunction *fn);

/* check.c: "CARD was enabled, and CARD is there now" if @fn is not the card that the store means;
 * NULL if it is, or nothing is known. The caller frees it. */
char *dp_resolve_other_card(const DpBuild *build, const DpFunction *fn);

/* check.c: no rule that nobody overrode speaks against the function of @verdict. */
bool dp_resolve_allows(const DpBuild *build, const DpVerdict *verdict);

/* check.c: owner, verdict, users of @device, which is resolved. */
void dp_resolve_check(DpBuild *build, const char *prefix, const DpVmDevice *device);

/* intx.c: refuses @device if it cannot mask its INTx and another is on its line of the host. */
void dp_resolve_check_intx(DpBuild *build, const char *prefix, const DpVmDevice *device);

/* check.c: what the host as a whole lacks for this VM. */
void dp_resolve_check_host(DpBuild *build);
