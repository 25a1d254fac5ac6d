/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dump-host ROOT: the snapshot of a host as JSON, for eyes and scripts. */
#include "host-dump.h"

#include <stdio.h>
#include <stdlib.h>

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DpRoot) root = dp_root_open(argc == 2 ? argv[1] : "/", &error);
    g_autoptr(DpHost) host = root == NULL ? NULL : dp_host_scan(root, &error);
    json_auto_t *dump = NULL;

    if (host == NULL) {
        fprintf(stderr, "dump-host: %s\n", error->message);
        return 3;
    }
    dump = dp_host_dump(host);
    if (json_dumpf(dump, stdout, JSON_INDENT(1)) < 0) {
        return 3;
    }
    (void)putchar('\n');
    return 0;
}
