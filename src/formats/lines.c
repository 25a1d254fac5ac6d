/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lines.h"

#include <string.h>

DpLines
dp_lines_of(const char *bytes, size_t len)
{
    return (DpLines){.next = bytes, .stop = len > 0 ? bytes + len : bytes, .number = 0};
}

bool
dp_lines_next(DpLines *lines, DpLine *ret_line)
{
    const char *p = lines->next;
    const char *end = "";

    if (p == lines->stop) {
        return false;
    }
    while (p < lines->stop && *p != '\n' && *p != '\r') {
        p++;
    }
    if (p < lines->stop) {
        bool pair = *p == '\r' && lines->stop - p > 1 && p[1] == '\n';

        end = pair ? "\r\n" : *p == '\r' ? "\r" : "\n";
    }
    *ret_line = (DpLine){.text = lines->next,
                         .len = (size_t)(p - lines->next),
                         .end = end,
                         .number = ++lines->number};
    lines->next = p + strlen(end);
    return true;
}

bool
dp_bytes_have_bom(const char *bytes, size_t len)
{
    return len >= DP_BOM_LEN && memcmp(bytes, DP_BOM, DP_BOM_LEN) == 0;
}
