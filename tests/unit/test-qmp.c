/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The monitor's other side is a socket pair that says whatever a test wants. */
#include "vm/qmp.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define GREETING                                                                                   \
    "{\"QMP\":{\"version\":{\"qemu\":{\"micro\":22,\"minor\":2,\"major\":7}},\"capabilities\":[]}" \
    "}\n"

typedef struct {
    int peer;
    DpQmp *qmp;
    GString *events;
} Pair;

static void
on_event(const char *name, const json_t *data, void *user)
{
    Pair *pair = user;
    const char *reason = json_string_value(json_object_get(data, "reason"));

    g_string_append_printf(pair->events, "%s(%s) ", name, reason != NULL ? reason : "");
}

static void
pair_open(Pair *pair)
{
    int fds[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
    pair->peer = fds[0];
    pair->events = g_string_new(NULL);
    pair->qmp = dp_qmp_new(fds[1], on_event, pair);
}

static void
pair_close(Pair *pair)
{
    dp_close_fd(&pair->peer);
    dp_qmp_free(pair->qmp);
    g_string_free(pair->events, TRUE);
}

static void
say(const Pair *pair, const char *text)
{
    g_assert_cmpint(write(pair->peer, text, strlen(text)), ==, (gssize)strlen(text));
}

static void
test_handshake(void)
{
    g_autoptr(GError) error = NULL;
    char buf[256] = "";
    int version = 0;
    Pair pair;

    pair_open(&pair);
    say(&pair, GREETING "{\"return\": {}, \"id\": 1}\n");
    g_assert_true(dp_qmp_handshake(pair.qmp, 20000, &version, &error));
    g_assert_no_error(error);
    g_assert_cmpint(version, ==, 702);
    g_assert_cmpint(read(pair.peer, buf, sizeof buf - 1), >, 0);
    g_assert_cmpstr(buf, ==, "{\"execute\":\"qmp_capabilities\",\"id\":1}\n");
    pair_close(&pair);
}

static void
test_events_in_between(void)
{
    g_autoptr(GError) error = NULL;
    json_t *answer;
    Pair pair;

    pair_open(&pair);
    say(&pair, "{\"event\":\"RESUME\"}\n{\"return\": {}, \"id\": 77}\n"
               "{\"event\":\"SHUTDOWN\",\"data\":{\"guest\":true,\"reason\":\"guest-shutdown\"}}\n"
               "{\"return\": {\"status\":\"running\"}, \"id\": 1}\n{\"event\":\"STOP\"}\n");
    answer = dp_qmp_execute(pair.qmp, "query-status", NULL, 20000, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(json_string_value(json_object_get(answer, "status")), ==, "running");
    g_assert_cmpstr(pair.events->str, ==, "RESUME() SHUTDOWN(guest-shutdown) ");
    g_assert_true(dp_qmp_drain(pair.qmp, &error));
    g_assert_cmpstr(pair.events->str, ==, "RESUME() SHUTDOWN(guest-shutdown) STOP() ");
    json_decref(answer);
    pair_close(&pair);
}

static void
test_refusal_in_the_engines_words(void)
{
    g_autoptr(GError) error = NULL;
    Pair pair;

    pair_open(&pair);
    say(&pair,
        "{\"error\":{\"class\":\"GenericError\",\"desc\":\"No \\u001b[31mway\"},\"id\":1}\n");
    g_assert_null(dp_qmp_execute(pair.qmp, "cont", NULL, 20000, &error));
    g_assert_error(error, DP_ERROR, DP_ERROR_REFUSED);
    g_assert_cmpstr(error->message, ==, "the engine refused cont: No \\x1b[31mway");
    pair_close(&pair);
}

/* What must end a command, and how. */
static void
test_bad_peers(void)
{
    static const struct {
        const char *text;
        bool hang_up;
        DpError code;
    } rows[] = {
        {"", false, DP_ERROR_TIMEOUT},
        {"{\"return\"", false, DP_ERROR_TIMEOUT},
        {"", true, DP_ERROR_IO},
        {"not json\n", false, DP_ERROR_PARSE},
        {"[1]\n", false, DP_ERROR_PARSE},
        {"{\"id\":1,\"id\":1,\"return\":{}}\n", false, DP_ERROR_PARSE},
        {"{\"id\":1}\n", false, DP_ERROR_REFUSED},
        {"{\"id\":\"1\",\"return\":{}}\n", false, DP_ERROR_TIMEOUT},
        {"{\"return\":\"\xff\",\"id\":1}\n", false, DP_ERROR_PARSE},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        Pair pair;

        pair_open(&pair);
        say(&pair, rows[i].text);
        if (rows[i].hang_up) {
            g_assert_cmpint(shutdown(pair.peer, SHUT_WR), ==, 0);
        }
        /* What is said is there already, and is read before a deadline that is no part of the row.
         */
        g_assert_null(dp_qmp_execute(pair.qmp, "stop", NULL,
                                     rows[i].code == DP_ERROR_TIMEOUT ? 50 : 20000, &error));
        g_assert_error(error, DP_ERROR, (gint)rows[i].code);
        pair_close(&pair);
    }
}

static void
test_bad_greetings(void)
{
    static const char *const greetings[] = {
        "{}\n", "{\"QMP\":7}\n", "{\"QMP\":{\"version\":{\"qemu\":{\"minor\":-1,\"major\":7}}}}\n",
        "220 mail.example ESMTP\n"};

    for (size_t i = 0; i < G_N_ELEMENTS(greetings); i++) {
        g_autoptr(GError) error = NULL;
        Pair pair;

        pair_open(&pair);
        say(&pair, greetings[i]);
        g_assert_false(dp_qmp_handshake(pair.qmp, 20000, NULL, &error));
        g_assert_error(error, DP_ERROR, DP_ERROR_PARSE);
        pair_close(&pair);
    }
}

static gpointer
flood(gpointer data)
{
    int fd = GPOINTER_TO_INT(data);
    char block[4096];

    memset(block, 'x', sizeof block);
    while (send(fd, block, sizeof block, MSG_NOSIGNAL) > 0) {
    }
    return NULL;
}

static void
test_an_endless_line_ends(void)
{
    g_autoptr(GError) error = NULL;
    GThread *thread;
    Pair pair;

    pair_open(&pair);
    thread = g_thread_new("flood", flood, GINT_TO_POINTER(pair.peer));
    g_assert_null(dp_qmp_execute(pair.qmp, "stop", NULL, 20000, &error));
    g_assert_error(error, DP_ERROR, DP_ERROR_PARSE);
    g_assert_cmpint(shutdown(dp_qmp_fd(pair.qmp), SHUT_RDWR), ==, 0);
    g_thread_join(thread);
    pair_close(&pair);
}

/* An engine that has stopped accepts nobody; callers queue until there is no more room. */
static void
test_a_full_queue_is_no_wait_for_ever(void)
{
    g_autofree char *folder = g_dir_make_tmp("dp-qmp-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "qmp.sock", NULL);
    dp_autofd int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    bool refused = false;

    g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    g_assert_cmpint(bind(server, (const struct sockaddr *)&address, sizeof address), ==, 0);
    g_assert_cmpint(listen(server, 1), ==, 0);
    (void)alarm(60); /* the wait for ever would be here */
    for (int i = 0; i < 4 && !refused; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(DpQmp) qmp = dp_qmp_connect(path, NULL, NULL, &error);

        refused = qmp == NULL;
        g_assert_true(refused == (error != NULL));
    }
    (void)alarm(0);
    g_assert_true(refused);
    (void)g_unlink(path);
    (void)g_rmdir(folder);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qmp/handshake", test_handshake);
    g_test_add_func("/qmp/events", test_events_in_between);
    g_test_add_func("/qmp/refusal", test_refusal_in_the_engines_words);
    g_test_add_func("/qmp/bad-peers", test_bad_peers);
    g_test_add_func("/qmp/bad-greetings", test_bad_greetings);
    g_test_add_func("/qmp/endless", test_an_endless_line_ends);
    g_test_add_func("/qmp/full", test_a_full_queue_is_no_wait_for_ever);
    return g_test_run();
}
