/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What somebody at the machine itself needs: keyboards, and the terminals of the kernel's console.
 */
#include "base/file.h"
#include "scan.h"

#include <linux/input-event-codes.h>
#include <string.h>

#define INPUT    "sys/class/input"
#define TTY      "sys/class/tty"
#define CONSOLES "proc/consoles"

/* KEY_ESC to KEY_S, all of them: what udev calls a keyboard, and power buttons are not. */
#define KEYS_OF_A_KEYBOARD 0xfffffffeu

static void
seat_free(gpointer data)
{
    DpSeat *seat = data;

    g_free(seat->name);
    g_strfreev(seat->functions);
    g_free(seat->path);
    g_free(seat);
}

static DpSeat *
new_seat(const DpHost *host, const char *name, const char *link)
{
    DpSeat *seat = g_new0(DpSeat, 1);
    g_autofree char *path = dp_scan_describe_link(link);

    seat->name = dp_scan_visible(g_strdup(name));
    seat->functions = dp_scan_path_functions(host, link);
    if (path != NULL && g_str_has_prefix(path, "usb ")) {
        seat->path = g_steal_pointer(&path);
    }
    return seat;
}

bool
dp_seat_is_keyboard(const char *ev, const char *key)
{
    const char *last = strrchr(key, ' ');
    guint64 keys = g_ascii_strtoull(last == NULL ? key : last + 1, NULL, 16);

    return (g_ascii_strtoull(ev, NULL, 16) & (1u << EV_KEY)) != 0 &&
           (keys & KEYS_OF_A_KEYBOARD) == KEYS_OF_A_KEYBOARD;
}

static bool
is_keyboard(DpRoot *root, const char *name)
{
    g_autofree char *ev_path = g_strdup_printf(INPUT "/%s/capabilities/ev", name);
    g_autofree char *key_path = g_strdup_printf(INPUT "/%s/capabilities/key", name);
    g_autofree char *ev = dp_file_read_line(root->fd, ev_path, NULL);
    g_autofree char *key = dp_file_read_line(root->fd, key_path, NULL);

    return ev != NULL && key != NULL && dp_seat_is_keyboard(ev, key);
}

/* A keyboard that a program made up (uinput) is nobody's. */
static void
add_keyboard(DpRoot *root, DpHost *host, const char *name)
{
    g_autofree char *path = g_strdup_printf(INPUT "/%s", name);
    g_autofree char *link = dp_file_read_link(root->fd, path);

    if (link != NULL && strstr(link, "/virtual/") == NULL && is_keyboard(root, name)) {
        g_ptr_array_add(host->keyboards, new_seat(host, name, link));
    }
}

static void
add_console(DpRoot *root, DpHost *host, const char *name)
{
    g_autofree char *path = g_strdup_printf(TTY "/%s", name);
    g_autofree char *link = strchr(name, '/') != NULL ? NULL : dp_file_read_link(root->fd, path);
    DpSeat *seat = link == NULL ? NULL : new_seat(host, name, link);

    if (seat != NULL && seat->functions[0] != NULL) {
        g_ptr_array_add(host->consoles, seat);
    } else if (seat != NULL) {
        seat_free(seat);
    }
}

/* "ttyS0                -W- (EC p a)    4:64" */
static void
add_consoles(DpRoot *root, DpHost *host)
{
    g_auto(GStrv) lines = dp_scan_lines(root, host, CONSOLES);

    for (char **line = lines; line != NULL && *line != NULL; line++) {
        g_auto(GStrv) words = dp_scan_words(*line);

        if (words[0] != NULL) {
            add_console(root, host, words[0]);
        }
    }
}

/* "console=ttyS4,115200n8": what was asked for, where the kernel does not show what it has. */
static void
add_asked_consoles(DpRoot *root, DpHost *host)
{
    g_auto(GStrv) words =
        dp_scan_words(host->platform.cmdline == NULL ? "" : host->platform.cmdline);

    for (char **word = words; *word != NULL; word++) {
        if (g_str_has_prefix(*word, "console=")) {
            const char *value = *word + strlen("console=");
            g_autofree char *name = g_strndup(value, strcspn(value, ","));

            add_console(root, host, name);
        }
    }
}

void
dp_scan_seats(DpRoot *root, DpHost *host)
{
    g_autoptr(GPtrArray) names = dp_file_list(root->fd, INPUT, NULL);

    g_ptr_array_set_free_func(host->keyboards, seat_free);
    g_ptr_array_set_free_func(host->consoles, seat_free);
    for (guint i = 0; names != NULL && i < names->len; i++) {
        if (g_str_has_prefix(names->pdata[i], "input")) {
            add_keyboard(root, host, names->pdata[i]);
        }
    }
    if (dp_scan_exists(root->fd, CONSOLES)) {
        add_consoles(root, host);
    } else {
        add_asked_consoles(root, host);
    }
}
