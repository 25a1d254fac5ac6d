/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "state.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define ALL_PATH      "run/directpath/vm"
#define STATE_MAX     (256u << 10)
#define MAX_FUNCTIONS 256

#define PINNING_MS_PER_GIB 4000
#define PINNED_GIB_MAX     ((uint64_t)64 << 10)

uint64_t
dp_process_start(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)pid);
    g_autofree char *text = NULL;
    unsigned long long start = 0;
    const char *rest;
    char kind;

    if (pid <= 0 || !g_file_get_contents(path, &text, NULL, NULL)) {
        return 0;
    }
    rest = strrchr(text, ')'); /* the name before it may hold anything */
    if (rest == NULL ||
        sscanf(rest + 1,
               " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
               &kind, &start) != 2 ||
        kind == 'Z' || kind == 'X') {
        return 0;
    }
    return start;
}

bool
dp_process_alive(const DpProcess *process)
{
    return process->pid > 0 && process->start != 0 &&
           dp_process_start(process->pid) == process->start;
}

int
dp_run_pinning_ms(uint64_t memlock)
{
    return (int)MIN(memlock >> 30, PINNED_GIB_MAX) * PINNING_MS_PER_GIB;
}

DpRunState *
dp_run_state_new(void)
{
    DpRunState *state = g_new0(DpRunState, 1);

    state->functions = g_array_new(FALSE, TRUE, sizeof(DpRunFunction));
    state->kmsg_number = -1;
    return state;
}

void
dp_run_state_free(DpRunState *state)
{
    if (state == NULL) {
        return;
    }
    g_free(state->id);
    g_free(state->name);
    g_free(state->vmx_path);
    g_free(state->accel);
    g_free(state->started);
    g_free(state->vnc);
    g_free(state->vmx_sum);
    g_array_unref(state->functions);
    g_free(state);
}

static json_t *
process_to_json(const DpProcess *process)
{
    return json_pack("{s:i, s:I}", "pid", (int)process->pid, "start", (json_int_t)process->start);
}

static DpProcess
process_from_json(const json_t *object)
{
    DpProcess process = {
        .pid = (pid_t)json_integer_value(json_object_get(object, "pid")),
        .start = (uint64_t)json_integer_value(json_object_get(object, "start")),
    };

    return process;
}

static json_t *
function_to_json(const DpRunFunction *fn)
{
    return json_pack("{s:s, s:i, s:i, s:i, s:b, s:s, s:b, s:I, s:I, s:I}", "name", fn->name,
                     "index", (int)fn->index, "slot", fn->slot, "group", fn->group, "msi_enabled",
                     fn->msi_enabled, "reset", fn->reset, "saved", fn->saved, "node_uid",
                     (json_int_t)fn->node_uid, "node_gid", (json_int_t)fn->node_gid, "node_mode",
                     (json_int_t)fn->node_mode);
}

static bool
function_from_json(const json_t *object, DpRunFunction *fn)
{
    const char *name = json_string_value(json_object_get(object, "name"));
    const char *reset = json_string_value(json_object_get(object, "reset"));
    DpAddr addr;

    if (name == NULL || !dp_addr_parse_sysfs(name, &addr)) {
        return false;
    }
    memset(fn, 0, sizeof *fn);
    g_strlcpy(fn->name, name, sizeof fn->name);
    g_strlcpy(fn->reset, reset != NULL ? reset : "", sizeof fn->reset);
    fn->index = (unsigned)json_integer_value(json_object_get(object, "index"));
    fn->slot = (int)json_integer_value(json_object_get(object, "slot"));
    fn->group = (int)json_integer_value(json_object_get(object, "group"));
    fn->msi_enabled = json_is_true(json_object_get(object, "msi_enabled"));
    fn->saved = json_is_true(json_object_get(object, "saved"));
    fn->node_uid = (uint32_t)json_integer_value(json_object_get(object, "node_uid"));
    fn->node_gid = (uint32_t)json_integer_value(json_object_get(object, "node_gid"));
    fn->node_mode = (uint32_t)json_integer_value(json_object_get(object, "node_mode"));
    return true;
}

json_t *
dp_run_state_to_json(const DpRunState *state)
{
    json_t *functions = json_array(), *document;

    for (guint i = 0; i < state->functions->len; i++) {
        (void)json_array_append_new(
            functions, function_to_json(&g_array_index(state->functions, DpRunFunction, i)));
    }
    document = json_pack(
        "{s:i, s:s, s:s, s:s, s:s, s:s, s:s?, s:I, s:s, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:s?, "
        "s:o}",
        "version", 1, "id", state->id, "name", state->name, "vmx", state->vmx_path, "accel",
        state->accel, "started", state->started, "vnc", state->vnc, "uid", (json_int_t)state->uid,
        "phase", dp_vm_state_name(state->phase), "starter", process_to_json(&state->starter),
        "supervisor", process_to_json(&state->supervisor), "engine",
        process_to_json(&state->engine), "memory", (json_int_t)state->memory, "memlock",
        (json_int_t)state->memlock, "reserved", (json_int_t)state->reserved, "page",
        (json_int_t)state->page, "vmx_sum", state->vmx_sum, "functions", functions);
    (void)json_object_set_new(document, "runs_on_at_fault", json_boolean(state->runs_on_at_fault));
    (void)json_object_set_new(document, "kmsg_number", json_integer(state->kmsg_number));
    return document;
}

static DpVmState
phase_from_name(const char *name)
{
    for (DpVmState state = DP_VM_STARTING; state <= DP_VM_STOPPING; state++) {
        if (g_strcmp0(name, dp_vm_state_name(state)) == 0) {
            return state;
        }
    }
    return DP_VM_OFF;
}

DpRunState *
dp_run_state_from_json(const json_t *document)
{
    g_autoptr(DpRunState) state = dp_run_state_new();
    const json_t *functions = json_object_get(document, "functions");
    const struct {
        const char *name;
        char **field;
    } texts[] = {
        {"id", &state->id},       {"name", &state->name},       {"vmx", &state->vmx_path},
        {"accel", &state->accel}, {"started", &state->started},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        const char *value = json_string_value(json_object_get(document, texts[i].name));

        if (value == NULL) {
            return NULL;
        }
        *texts[i].field = g_strdup(value);
    }
    state->vnc = g_strdup(json_string_value(json_object_get(document, "vnc")));
    state->vmx_sum = g_strdup(json_string_value(json_object_get(document, "vmx_sum")));
    state->uid = (uint32_t)json_integer_value(json_object_get(document, "uid"));
    state->phase = phase_from_name(json_string_value(json_object_get(document, "phase")));
    state->starter = process_from_json(json_object_get(document, "starter"));
    state->supervisor = process_from_json(json_object_get(document, "supervisor"));
    state->engine = process_from_json(json_object_get(document, "engine"));
    state->memory = (uint64_t)json_integer_value(json_object_get(document, "memory"));
    state->memlock = (uint64_t)json_integer_value(json_object_get(document, "memlock"));
    state->reserved = (uint64_t)json_integer_value(json_object_get(document, "reserved"));
    state->page = (uint64_t)json_integer_value(json_object_get(document, "page"));
    state->runs_on_at_fault = json_is_true(json_object_get(document, "runs_on_at_fault"));
    if (json_is_integer(json_object_get(document, "kmsg_number"))) {
        state->kmsg_number = json_integer_value(json_object_get(document, "kmsg_number"));
    }
    for (size_t i = 0; i < json_array_size(functions) && i < MAX_FUNCTIONS; i++) {
        DpRunFunction fn;

        if (!function_from_json(json_array_get(functions, i), &fn)) {
            return NULL;
        }
        g_array_append_val(state->functions, fn);
    }
    return state->phase != DP_VM_OFF ? g_steal_pointer(&state) : NULL;
}

bool
dp_run_id_valid(const char *id)
{
    return strlen(id) == 16 && strspn(id, "0123456789abcdef") == 16;
}

int
dp_run_folder_all(DpRoot *root)
{
    int fd = dp_file_open(root->fd, ALL_PATH, O_RDONLY | O_DIRECTORY);

    if (fd < 0) {
        errno = -fd;
        return -1;
    }
    return fd;
}

int
dp_run_folder(DpRoot *root, const char *id)
{
    dp_autofd int all = dp_run_folder_all(root);

    if (all < 0 || !dp_run_id_valid(id)) {
        return -1;
    }
    return openat(all, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

DpRunState *
dp_run_state_load(int folder, GError **error)
{
    size_t len = 0;
    g_autofree char *text = dp_file_read(folder, DP_STATE_NAME, STATE_MAX, &len, error);
    DpRunState *state;
    json_t *document;

    if (text == NULL) {
        return NULL;
    }
    document = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    state = dp_run_state_from_json(document);
    json_decref(document);
    if (state == NULL) {
        dp_fail(error, DP_ERROR_PARSE, "%s of a VM cannot be understood", DP_STATE_NAME);
    }
    return state;
}

bool
dp_run_state_save(const DpRunState *state, int folder, GError **error)
{
    json_t *document = dp_run_state_to_json(state);
    char *text = document != NULL ? json_dumps(document, JSON_INDENT(1)) : NULL;
    bool ok;

    json_decref(document);
    if (text == NULL) {
        return dp_fail(error, DP_ERROR_PARSE, "%s: a name that JSON cannot hold", state->id);
    }
    ok = dp_file_replace(folder, DP_STATE_NAME, text, strlen(text), 0644, error);
    free(text);
    return ok;
}

bool
dp_run_folder_remove(DpRoot *root, const char *id, GError **error)
{
    dp_autofd int all = dp_run_folder_all(root);
    dp_autofd int folder = dp_run_folder(root, id);
    g_autoptr(GPtrArray) names = folder >= 0 ? dp_file_list(folder, ".", NULL) : NULL;

    if (folder < 0) {
        return true;
    }
    for (guint i = 0; names != NULL && i < names->len; i++) {
        (void)unlinkat(folder, g_ptr_array_index(names, i), 0);
    }
    if (unlinkat(all, id, AT_REMOVEDIR) < 0 && errno != ENOENT) {
        return dp_fail_errno(error, errno, "cannot remove the run folder of VM %s", id);
    }
    return true;
}
