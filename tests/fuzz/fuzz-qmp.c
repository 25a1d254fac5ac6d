/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A monitor that says any bytes and then hangs up. */
#include "vm/qmp.h"

#include <stdint.h>
#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST (64u << 10) /* what a socket takes without a reader */

static void
on_event(const char *name, const json_t *data, void *user)
{
    (void)data;
    (void)user;
    if (name == NULL) {
        __builtin_trap();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(DpQmp) qmp = NULL;
    json_t *answer;
    int fds[2];

    if (size > MOST || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
        return 0;
    }
    qmp = dp_qmp_new(fds[1], on_event, NULL);
    if (size > 0 && write(fds[0], data, size) != (ssize_t)size) {
        __builtin_trap();
    }
    (void)shutdown(fds[0], SHUT_WR);
    if (dp_qmp_handshake(qmp, 1000, NULL, NULL)) {
        answer = dp_qmp_execute(qmp, "query-status", NULL, 1000, NULL);
        json_decref(answer);
        (void)dp_qmp_drain(qmp, NULL);
    }
    (void)close(fds[0]);
    return 0;
}
