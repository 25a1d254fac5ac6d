/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files by which this program keeps a VM, and which no guest gets. */
#pragma once

#include "build.h"

/* True if @path has the name of one: *.vmx, directpath*.log, *.ovmf-vars*.fd. */
bool dp_kept_name(const char *path);

/* False, and reported, if the file @path of @key has such a name or is the VMX. */
bool dp_kept_check_name(DpBuild *build, const char *key, const char *path);

/* Reports the file @path of @key, which is one. */
void dp_kept_report(DpBuild *build, const char *key, const char *path);

/* DpVmFileFacts of those of this VM that are there, looked at by the plan's file_look. */
GArray *dp_kept_facts(const DpBuild *build);

/* True if @file is one of @facts, by whatever name. */
bool dp_kept_is_one(const GArray *facts, const DpVmFileFacts *file);
