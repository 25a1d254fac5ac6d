/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan-check.h"

#include <string.h>

/* Options with a value, and those without. */
static const char *const valued[] = {
    "-sandbox",  "-name",     "-machine", "-cpu",     "-smp",     "-m",      "-uuid",   "-rtc",
    "-boot",     "-display",  "-vnc",     "-monitor", "-chardev", "-mon",    "-global", "-add-fd",
    "-audiodev", "-blockdev", "-device",  "-netdev",  "-object",  "-fw_cfg", NULL,
};

static const char *const alone[] = {"-nodefaults", "-no-user-config", "-S", NULL};

static const char *const block_drivers[] = {"file", "vmdk", "raw", NULL};

/* Our own words: what a value of a VMX must never be part of. */
static bool
plain(const char *text)
{
    return text != NULL &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                        "-_.: /") == strlen(text);
}

static bool
object_plain(const json_t *object)
{
    const char *key;
    json_t *value;

    if (!json_is_object(object)) {
        return false;
    }
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        if (json_is_string(value) && !plain(json_string_value(value))) {
            return false;
        }
    }
    return true;
}

static const char *
check_blockdev(const json_t *node)
{
    const char *driver = json_string_value(json_object_get(node, "driver"));
    const char *filename = json_string_value(json_object_get(node, "filename"));

    if (driver == NULL || !g_strv_contains(block_drivers, driver)) {
        return "an unknown block driver";
    }
    if (strcmp(driver, "file") == 0 &&
        (filename == NULL || !g_str_has_prefix(filename, "/dev/fdset/"))) {
        return "a file opened by name";
    }
    return NULL;
}

static const char *
check_json(const char *option, const char *text)
{
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    const char *wrong = NULL;

    if (!object_plain(object)) {
        wrong = "JSON that is none, or holds foreign words";
    } else if (strcmp(option, "-blockdev") == 0) {
        wrong = check_blockdev(object);
    } else if (json_string_value(json_object_get(object, "driver")) == NULL) {
        wrong = "a device without a driver";
    }
    json_decref(object);
    return wrong;
}

/* "user,id=net-ethernetN" or "tap,id=net-ethernetN,fd=M", letter by letter. */
static const char *
check_netdev(const char *value)
{
    return g_regex_match_simple(
               "^(user,id=net-ethernet[0-9]|tap,id=net-ethernet[0-9],fd=[0-9]+)\\z", value, 0, 0)
               ? NULL
               : "a network that no plan has";
}

static const char *
check_object(const char *value)
{
    return g_regex_match_simple(
               "^\\{\"qom-type\":\"memory-backend-memfd\",\"id\":\"memory\",\"size\":"
               "[0-9]+,\"hugetlb\":true,\"hugetlbsize\":[0-9]+,\"merge\":false,"
               "\"dump\":false\\}\\z",
               value, 0, 0)
               ? NULL
               : "an object that no plan has";
}

static const char *
check_value(const char *option, const char *value)
{
    if (!g_utf8_validate(value, -1, NULL)) {
        return "an argument that is not UTF-8";
    }
    if (strcmp(option, "-blockdev") == 0 || strcmp(option, "-device") == 0) {
        return check_json(option, value);
    }
    if (strcmp(option, "-object") == 0) {
        return check_object(value);
    }
    if (strcmp(option, "-netdev") == 0) {
        return check_netdev(value);
    }
    if (strcmp(option, "-name") == 0) {
        return g_str_has_prefix(value, "guest=") ? NULL : "a name that is none";
    }
    return NULL;
}

const char *
plan_check_argv(const DpPlan *plan)
{
    const GPtrArray *argv = plan->argv;

    if (strcmp(g_ptr_array_index(argv, 0), "qemu-system-x86_64") != 0) {
        return "another program";
    }
    for (guint i = 1; i < argv->len; i++) {
        const char *option = g_ptr_array_index(argv, i);
        const char *wrong;

        if (g_strv_contains(alone, option)) {
            continue;
        }
        if (!g_strv_contains(valued, option) || ++i == argv->len) {
            return "an option that no plan has";
        }
        wrong = check_value(option, g_ptr_array_index(argv, i));
        if (wrong != NULL) {
            return wrong;
        }
    }
    return NULL;
}
