/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must hold of the arguments of every plan, whatever the VMX says. */
#pragma once

#include "vm/vm.h"

/* NULL, or what is wrong: an option that no plan has, an argument that is not UTF-8 or not JSON
 * where it must be, a file that is opened by name, a foreign string in a device. */
const char *plan_check_argv(const DpPlan *plan);
