/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "context.h"

/* After `device apply`, when all is as stored: writes down what the host is now. */
void dp_record_good_boot(DpCli *cli, DpContext *context, const DpChange *change);
