/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A whole snapshot as JSON, for tests: two scans are equal if their dumps are. */
#pragma once

#include "host/host.h"

json_t *dp_host_dump(const DpHost *host);
