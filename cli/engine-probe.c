/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine-probe.h"

#include "base/child.h"
#include "document.h"
#include "output.h"
#include "vm/engine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

void
dp_engine_free(DpEngine *engine)
{
    if (engine == NULL) {
        return;
    }
    g_free(engine->path);
    g_free(engine->version);
    g_free(engine);
}

bool
dp_engine_parse_version(const char *text,
                        unsigned *ret_major,
                        unsigned *ret_minor,
                        char **ret_version)
{
    static const char label[] = "version ";
    const char *at = strstr(text, label);
    unsigned major, minor;
    size_t len;

    if (at == NULL) {
        return false;
    }
    at += strlen(label);
    if (sscanf(at, "%3u.%3u", &major, &minor) != 2) {
        return false;
    }
    len = strspn(at, "0123456789.");
    *ret_major = major;
    *ret_minor = minor;
    *ret_version = g_strndup(at, MIN(len, 32u));
    return true;
}

/* A program on a file system that has gone away blocks; it is asked in a child that can be given
 * up. */
#define ASK_TIMEOUT_MS 5000
#define ANSWER_MAX     4096

typedef struct {
    const char *path;
    int answer; /* a descriptor that parent and child share */
} Question;

static int
ask(void *data)
{
    const Question *question = data;
    char *argv[] = {(char *)question->path, (char *)"--version", NULL};
    g_autofree char *text = NULL;
    size_t len;

    if (!g_spawn_sync("/", argv, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &text, NULL, NULL,
                      NULL)) {
        return -ENOEXEC;
    }
    len = MIN(strlen(text), (size_t)ANSWER_MAX);
    return write(question->answer, text, len) == (ssize_t)len ? 0 : -EIO;
}

static char *
ask_version(const char *path)
{
    dp_autofd int fd = memfd_create("engine-version", MFD_CLOEXEC);
    Question question = {path, fd};
    char text[ANSWER_MAX];
    ssize_t len;

    if (fd < 0 || dp_child_run_apart(ask, &question, ASK_TIMEOUT_MS, fd, NULL) < 0) {
        return NULL;
    }
    len = pread(fd, text, sizeof text, 0);
    return len < 0 ? NULL : g_strndup(text, (gsize)len);
}

static DpTri
judge(DpEngine *engine, DpDiagList *diags)
{
    g_autofree char *text = NULL;
    unsigned major, minor;

    engine->path = dp_engine_find();
    if (engine->path == NULL) {
        dp_diags_add(diags, DP_DIAG_ENGINE_MISSING, "host", "there is no qemu-system-x86_64");
        return DP_TRI_NO;
    }
    text = ask_version(engine->path);
    if (text == NULL || !dp_engine_parse_version(text, &major, &minor, &engine->version)) {
        dp_diags_add(diags, DP_DIAG_ENGINE_MISSING, "host", "%s does not tell its version",
                     engine->path);
        return DP_TRI_NO;
    }
    if (major * 100 + minor < DP_ENGINE_VERSION) {
        dp_diags_add(diags, DP_DIAG_ENGINE_TOO_OLD, "host", "%s is version %s, and %d.%d is needed",
                     engine->path, engine->version, DP_ENGINE_VERSION / 100,
                     DP_ENGINE_VERSION % 100);
        return DP_TRI_NO;
    }
    return DP_TRI_YES;
}

DpEngine *
dp_engine_probe(const DpRoot *root, DpDiagList *diags)
{
    DpEngine *engine = g_new0(DpEngine, 1);

    engine->usable = root->live ? judge(engine, diags) : DP_TRI_UNKNOWN;
    return engine;
}

json_t *
dp_engine_json(const DpEngine *engine)
{
    return dp_json_pack("{s:o, s:o, s:o}", "path", dp_json_text(engine->path), "version",
                        dp_json_text(engine->version), "usable", dp_json_tri(engine->usable));
}
