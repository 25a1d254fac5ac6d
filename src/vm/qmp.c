/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "qmp.h"

#include "base/text.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define CONNECT_TIMEOUT_MS 2000

struct DpQmp {
    int fd;
    GByteArray *input;
    DpQmpEvent event;
    void *user;
    json_int_t next_id;
};

DpQmp *
dp_qmp_new(int fd, DpQmpEvent event, void *user)
{
    DpQmp *qmp = g_new0(DpQmp, 1);

    qmp->fd = fd;
    qmp->input = g_byte_array_new();
    qmp->event = event;
    qmp->user = user;
    return qmp;
}

/* A blocking connect waits for ever where an engine that has stopped lets callers queue. */
static bool
connect_patiently(int fd, const struct sockaddr_un *address)
{
    for (int waited = 0;; waited += 20) {
        if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0) {
            return true;
        }
        if ((errno != EAGAIN && errno != EINTR) || waited >= CONNECT_TIMEOUT_MS) {
            return false;
        }
        g_usleep(20000);
    }
}

DpQmp *
dp_qmp_connect(const char *path, DpQmpEvent event, void *user, GError **error)
{
    dp_autofd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (fd < 0 ||
        g_strlcpy(address.sun_path, path, sizeof address.sun_path) >= sizeof address.sun_path) {
        return dp_fail_errno(error, fd < 0 ? errno : ENAMETOOLONG, "%s", path), NULL;
    }
    if (!connect_patiently(fd, &address)) {
        return dp_fail_errno(error, errno, "cannot connect to %s", path), NULL;
    }
    return dp_qmp_new(dp_steal_fd(&fd), event, user);
}

void
dp_qmp_free(DpQmp *qmp)
{
    if (qmp == NULL) {
        return;
    }
    dp_close_fd(&qmp->fd);
    g_byte_array_unref(qmp->input);
    g_free(qmp);
}

int
dp_qmp_fd(const DpQmp *qmp)
{
    return qmp->fd;
}

/* 1: there is something to read; 0: @deadline passed. */
static int
wait_until(int fd, short events, gint64 deadline)
{
    for (;;) {
        gint64 left = (deadline - g_get_monotonic_time()) / 1000;
        struct pollfd pfd = {.fd = fd, .events = events};
        int r = poll(&pfd, 1, left > 0 ? (int)MIN(left, G_MAXINT) : 0);

        if (r >= 0 || errno != EINTR) {
            return r > 0;
        }
    }
}

/* A whole line out of what was read; NULL if there is none yet. */
static char *
take_line(DpQmp *qmp)
{
    const guint8 *end =
        qmp->input->len > 0 ? memchr(qmp->input->data, '\n', qmp->input->len) : NULL;
    size_t n;
    char *line;

    if (end == NULL) {
        return NULL;
    }
    n = (size_t)(end - qmp->input->data);
    line = g_strndup((const char *)qmp->input->data, n);
    g_byte_array_remove_range(qmp->input, 0, (guint)n + 1);
    return line;
}

/* One read; false at the end of the stream and on errors. */
static bool
fill(DpQmp *qmp, GError **error)
{
    char buf[4096];
    ssize_t n = recv(qmp->fd, buf, sizeof buf, MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return true;
    }
    if (n < 0) {
        return dp_fail_errno(error, errno, "the engine's monitor");
    }
    if (n == 0) {
        return dp_fail(error, DP_ERROR_IO, "the engine closed its monitor");
    }
    if (qmp->input->len + (size_t)n > DP_QMP_LINE_MAX) {
        return dp_fail(error, DP_ERROR_PARSE, "the engine's monitor sent an endless line");
    }
    g_byte_array_append(qmp->input, (const guint8 *)buf, (guint)n);
    return true;
}

static json_t *
parse_line(const char *line, GError **error)
{
    json_error_t why;
    json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, &why);

    if (json_is_object(object)) {
        return object;
    }
    json_decref(object);
    {
        g_autofree char *shown = dp_text_visible_max(line, -1, 80);

        dp_fail(error, DP_ERROR_PARSE, "the engine's monitor sent no JSON object: %s", shown);
    }
    return NULL;
}

/* Events are reported and swallowed: true then. */
static bool
report_event(DpQmp *qmp, const json_t *object)
{
    const char *name = json_string_value(json_object_get(object, "event"));

    if (name == NULL) {
        return false;
    }
    if (qmp->event != NULL) {
        qmp->event(name, json_object_get(object, "data"), qmp->user);
    }
    return true;
}

/* The next object that is no event, or NULL with error. */
static json_t *
next_object(DpQmp *qmp, gint64 deadline, GError **error)
{
    for (;;) {
        g_autofree char *line = take_line(qmp);
        json_t *object;

        if (line == NULL) {
            if (wait_until(qmp->fd, POLLIN, deadline) == 0) {
                return dp_fail(error, DP_ERROR_TIMEOUT, "the engine does not answer its monitor"),
                       NULL;
            }
            if (!fill(qmp, error)) {
                return NULL;
            }
            continue;
        }
        object = parse_line(line, error);
        if (object == NULL || !report_event(qmp, object)) {
            return object;
        }
        json_decref(object);
    }
}

static bool
send_all(DpQmp *qmp, const char *text, size_t len, gint64 deadline, GError **error)
{
    while (len > 0) {
        ssize_t n = send(qmp->fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            return dp_fail_errno(error, errno, "the engine's monitor");
        }
        if (n > 0) {
            text += n;
            len -= (size_t)n;
        } else if (wait_until(qmp->fd, POLLOUT, deadline) == 0) {
            return dp_fail(error, DP_ERROR_TIMEOUT, "the engine does not read its monitor");
        }
    }
    return true;
}

static bool
fail_with_answer(const char *command, const json_t *object, GError **error)
{
    const char *text = json_string_value(json_object_get(json_object_get(object, "error"), "desc"));
    g_autofree char *shown = dp_text_visible(text != NULL ? text : "no reason", -1);

    return dp_fail(error, DP_ERROR_REFUSED, "the engine refused %s: %s", command, shown);
}

json_t *
dp_qmp_execute(DpQmp *qmp, const char *command, json_t *arguments, int timeout_ms, GError **error)
{
    gint64 deadline = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
    json_int_t id = ++qmp->next_id;
    json_t *message =
        json_pack("{s:s, s:I, s:o*}", "execute", command, "id", id, "arguments", arguments);
    char *dumped = message != NULL ? json_dumps(message, JSON_COMPACT) : NULL;
    g_autofree char *text = dumped != NULL ? g_strconcat(dumped, "\n", NULL) : NULL;

    free(dumped);
    json_decref(message);
    if (text == NULL) {
        return dp_fail(error, DP_ERROR_PARSE, "%s: arguments that JSON cannot hold", command), NULL;
    }
    if (!send_all(qmp, text, strlen(text), deadline, error)) {
        return NULL;
    }
    for (;;) {
        json_t *object = next_object(qmp, deadline, error);
        json_t *result = NULL;

        if (object == NULL) {
            return NULL;
        }
        if (json_integer_value(json_object_get(object, "id")) == id) {
            result = json_incref(json_object_get(object, "return"));
            if (result == NULL) {
                fail_with_answer(command, object, error);
            }
            json_decref(object);
            return result;
        }
        json_decref(object); /* an answer to a command whose deadline had passed */
    }
}

bool
dp_qmp_handshake(DpQmp *qmp, int timeout_ms, int *ret_version, GError **error)
{
    json_t *greeting = next_object(qmp, g_get_monotonic_time() + (gint64)timeout_ms * 1000, error);
    int major = 0, minor = 0;
    json_t *answer;

    if (greeting == NULL) {
        return false;
    }
    if (json_unpack(greeting, "{s:{s:{s:{s:i, s:i}}}}", "QMP", "version", "qemu", "major", &major,
                    "minor", &minor) < 0 ||
        major < 0 || major > 999 || minor < 0 || minor > 99) {
        json_decref(greeting);
        return dp_fail(error, DP_ERROR_PARSE, "the engine's monitor gave no greeting of QMP");
    }
    json_decref(greeting);
    answer = dp_qmp_execute(qmp, "qmp_capabilities", NULL, timeout_ms, error);
    if (answer == NULL) {
        return false;
    }
    json_decref(answer);
    if (ret_version != NULL) {
        *ret_version = major * 100 + minor;
    }
    return true;
}

bool
dp_qmp_drain(DpQmp *qmp, GError **error)
{
    if (!fill(qmp, error)) {
        return false;
    }
    for (;;) {
        g_autofree char *line = take_line(qmp);
        json_t *object;

        if (line == NULL) {
            return true;
        }
        object = parse_line(line, error);
        if (object == NULL) {
            return false;
        }
        (void)report_event(qmp, object);
        json_decref(object);
    }
}
