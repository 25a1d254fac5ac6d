/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a supervisor does about DMA that the IOMMU has refused to its VM's functions. */
#pragma once

#include "fault.h"
#include "supervise.h"

/* Opens the kernel's log, for a VM that has functions; what keeps it from that is in the VM's log.
 * What was recorded of an earlier life of the VM is forgotten, unless a supervisor went before. */
void dp_on_fault_begin(DpSupervisor *supervisor);

/* True if nothing is under way: no engine is being ended, and all that was seen is told. */
bool dp_on_fault_is_idle(const DpSupervisor *supervisor);

/* To poll on, -1: nothing is to be read now. */
int dp_on_fault_fd(const DpSupervisor *supervisor);
/* Until dp_on_fault_look has something to do by itself; -1: nothing. */
int dp_on_fault_timeout_ms(const DpSupervisor *supervisor);

/* Reads the log. The first fault ends the engine, unless the VM is to run on; what is seen is told
 * in the VM's log and its record, the first at once and further ones at most every ten seconds. */
void dp_on_fault_look(DpSupervisor *supervisor);

/* The engine has ended: looks and tells for the last time. A fault that is seen only now is
 * counted, and has powered nobody off. */
void dp_on_fault_end(DpSupervisor *supervisor);
