/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of the host's needs share: a host made by hand, judged, and what is said of one
 * function. */
#pragma once

#include "fake-host.h"
#include "policy/policy.h"

#include <string.h>

static inline DpPolicy *
judge(FakeHost *fake)
{
    g_autoptr(DpMap) map = fake_map("");

    return dp_policy_new(&fake->host, map);
}

/* One that can be reset, in a group of its own. */
static inline DpFunction *
add_function(FakeHost *fake, const char *name)
{
    DpFunction *fn = fake_function(fake, name, NULL, (int)fake->host.functions->len);

    fn->caps.flr = DP_TRI_YES;
    return fn;
}

/* Needs, and what is said of keyboards and of ways that are not known, a line each. */
static inline void
assert_says(const DpPolicy *policy, const DpFunction *fn, const char *expected)
{
    const DpVerdict *verdict = dp_policy_verdict(policy, &fn->addr);
    g_autoptr(GString) text = g_string_new(NULL);
    bool refused = false;

    for (guint i = 0; i < verdict->diags->len; i++) {
        const DpDiag *diag = verdict->diags->pdata[i];
        bool need = dp_policy_is_host_need(diag->row->id);

        if (need) {
            g_assert_cmpint(diag->severity, ==, DP_ERROR_SEVERITY);
        }
        if (need || diag->row->id == DP_DIAG_KEYBOARD_GOES_ALONG ||
            diag->row->id == DP_DIAG_WAY_UNKNOWN) {
            g_string_append_printf(text, "DP%d %s\n", (int)diag->row->id, diag->message);
        }
        refused |= diag->severity == DP_ERROR_SEVERITY;
    }
    g_assert_cmpstr(text->str, ==, expected);
    g_assert_cmpint(verdict->allowed, ==, !refused);
}
