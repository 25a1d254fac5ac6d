/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All VMs of this host: at its boot, and when it shuts down. */
#pragma once

#include "registered.h"

/* Powers on every registered VM that starts with the host, in its order. One that is refused does
 * not keep the next from starting. "changed", "vms"; DP_EXIT_PARTLY if some were not started. */
bool dp_cli_start_all(DpCli *cli, GError **error);

/* Asks the guest of every VM that runs to shut down, in reverse order: first all that do not start
 * with the host, then those of the last number, and so on. Who has not ended in his time is powered
 * off. "changed", "vms". */
bool dp_cli_shut_down_all(DpCli *cli, GError **error);

/* vm.c: what `vm power-on` does, for the file @path. */
bool dp_cli_power_on(DpCli *cli, const char *path, GError **error);

/* vm.c: what `vm power-off` (@hard) and `vm shut-down` do to one that was seen to run. True if it
 * is off; @ret_already: it was so before anything was done. */
bool dp_cli_end_run(DpCli *cli,
                    DpRoot *root,
                    const DpRun *run,
                    bool hard,
                    DpOutcome *outcome,
                    bool *ret_already,
                    GError **error);

/* Puts right what the supervisor of @run left when it died while @run was being ended; whether it
 * is off now. Waits for the store's lock. */
bool dp_cli_end_orphan(DpCli *cli, const DpRun *run);
