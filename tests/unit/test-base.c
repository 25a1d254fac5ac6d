/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/child.h"
#include "base/diag.h"
#include "base/each.h"
#include "base/file.h"
#include "base/text.h"
#include "base/undo.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void
append_digit(gpointer data)
{
    GString *log = ((gpointer *)data)[0];

    g_string_append_c(log, ((char *)((gpointer *)data)[1])[0]);
}

static void
test_undo_newest_first(void)
{
    g_autoptr(GString) log = g_string_new(NULL);
    gpointer one[] = {log, (gpointer) "1"}, two[] = {log, (gpointer) "2"};
    DpUndo *undo = dp_undo_new();

    dp_undo_push(undo, append_digit, one, NULL);
    dp_undo_push(undo, append_digit, two, NULL);
    dp_undo_free(undo);
    g_assert_cmpstr(log->str, ==, "21");

    undo = dp_undo_new();
    dp_undo_push(undo, append_digit, one, NULL);
    dp_undo_commit(undo);
    dp_undo_free(undo);
    g_assert_cmpstr(log->str, ==, "21");
}

static void
test_text_visible(void)
{
    g_autofree char *bidi = dp_text_visible("a\xe2\x80\xae"
                                            "b\x1b[31m",
                                            -1);
    g_autofree char *broken = dp_text_visible("x\xff\x00y", 4);
    g_autofree char *longer = g_strnfill(5000, 'z');
    g_autofree char *cut = dp_text_visible(longer, -1);

    g_assert_cmpstr(bidi, ==, "a\\u{202e}b\\x1b[31m");
    g_assert_cmpstr(broken, ==, "x\\xff\\x00y");
    g_assert_cmpuint(strlen(cut), ==, DP_TEXT_MAX + 3);
}

static int
return_number(void *data)
{
    return *(int *)data;
}

static int
sleep_long(void *data G_GNUC_UNUSED)
{
    g_usleep(60 * G_USEC_PER_SEC);
    return 0;
}

static int
die(void *data G_GNUC_UNUSED)
{
    _exit(3);
}

static int
count_open(void *data)
{
    int n = 0;

    for (int fd = 0; fd < 1024; fd++) {
        n += fcntl(fd, F_GETFD) >= 0;
    }
    return fcntl(*(int *)data, F_GETFD) >= 0 ? n : -n;
}

/* A child that is given up must hold nothing of its parent: no lock, no pipe that a reader waits
 * on. */
static int
tell_parent(void *data)
{
    pid_t parent = getppid();

    return write(*(int *)data, &parent, sizeof parent) == sizeof parent ? 0 : -EIO;
}

/* It is nobody's child here, and holds one descriptor only. */
/* A program: its exit status, a death, a deadline, a path that is none. */
static void
test_child_program(void)
{
    static const char *const well[] = {"/bin/sh", "-c", "exit 7", NULL};
    static const char *const dead[] = {"/bin/sh", "-c", "kill -9 $$", NULL};
    static const char *const slow[] = {"/bin/sleep", "60", NULL};
    static const char *const none[] = {"/nowhere/at/all", NULL};
    gint64 begin = g_get_monotonic_time();

    g_assert_cmpint(dp_child_program(well, true, 60000), ==, 7);
    g_assert_cmpint(dp_child_program(dead, true, 60000), ==, -ECHILD);
    g_assert_cmpint(dp_child_program(none, false, 60000), ==, -ENOENT);
    g_assert_cmpint(dp_child_program(slow, true, 100), ==, -ETIMEDOUT);
    g_assert_cmpint(g_get_monotonic_time() - begin, <, 50 * G_USEC_PER_SEC);
}

static void
test_child_detach(void)
{
    int fds[2];
    pid_t parent = 0;
    char more;

    g_assert_cmpint(pipe(fds), ==, 0);
    g_assert_cmpint(dp_child_detach(tell_parent, &fds[1], fds[1]), ==, 0);
    (void)close(fds[1]);
    g_assert_cmpint(read(fds[0], &parent, sizeof parent), ==, sizeof parent);
    g_assert_cmpint(parent, !=, getpid());
    g_assert_cmpint(read(fds[0], &more, 1), ==, 0);
    (void)close(fds[0]);
}

static void
test_child_apart(void)
{
    dp_autofd int a = open("/", O_PATH | O_CLOEXEC);
    dp_autofd int keep = open("/", O_PATH | O_CLOEXEC);
    dp_autofd int z = open("/", O_PATH | O_CLOEXEC);

    /* Three standard ones, the one that is kept, the pipe. */
    g_assert_cmpint(dp_child_run_apart(count_open, &keep, 5000, keep, NULL), ==, 5);
    g_assert_cmpint(dp_child_run_apart(count_open, &keep, 5000, -1, NULL), ==, -4);
    g_assert_cmpint(count_open(&z), >, 5);
    g_assert_cmpint(fcntl(a, F_GETFD), >=, 0);
}

static void
test_child(void)
{
    int number = -EROFS, status;
    pid_t stuck = 1;
    gint64 start = g_get_monotonic_time();

    g_assert_cmpint(dp_child_run_apart(return_number, &number, 5000, -1, &stuck), ==, -EROFS);
    g_assert_cmpint(stuck, ==, 0);
    g_assert_cmpint(dp_child_run_apart(die, NULL, 5000, -1, NULL), ==, -ECHILD);
    g_assert_cmpint(dp_child_run_apart(sleep_long, NULL, 100, -1, &stuck), ==, -ETIMEDOUT);
    /* It could be killed, if not within the moment that is waited for that. */
    g_assert_true(stuck == 0 || (waitpid(stuck, &status, 0) == stuck && WIFSIGNALED(status)));
    g_assert_cmpint(g_get_monotonic_time() - start, <, 20 * G_USEC_PER_SEC);
}

static void
test_replace(void)
{
    g_autofree char *dir = g_dir_make_tmp("directpath-XXXXXX", NULL);
    dp_autofd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_autoptr(GError) error = NULL;
    g_autofree char *back = NULL;
    struct stat st;

    g_assert_true(dp_file_replace(fd, "a", "one", 3, 0640, &error));
    g_assert_true(dp_file_replace(fd, "a", "three", 5, 0600, &error));
    g_assert_no_error(error);
    back = dp_file_read(fd, "a", 100, NULL, &error);
    g_assert_cmpstr(back, ==, "three");
    g_assert_cmpint(fstatat(fd, "a", &st, 0), ==, 0);
    g_assert_cmpint(st.st_mode & 0777, ==, 0640);
    g_assert_null(dp_file_read(fd, "a", 4, NULL, &error));
    g_assert_error(error, DP_ERROR, DP_ERROR_PARSE);
    g_clear_error(&error);
    g_assert_null(dp_file_read(fd, "none", 4, NULL, &error));
    g_assert_error(error, DP_ERROR, DP_ERROR_NOT_FOUND);
    g_assert_cmpint(unlinkat(fd, "a", 0), ==, 0);
    g_assert_cmpint(g_rmdir(dir), ==, 0);
}

/* A captured tree must not lead out of itself: absolute links and too many ".." stay beneath it. */
static void
test_beneath(void)
{
    g_autofree char *dir = g_dir_make_tmp("directpath-XXXXXX", NULL);
    dp_autofd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_autoptr(GPtrArray) names = NULL;
    g_autofree char *link = NULL;

    g_assert_cmpint(symlinkat("/etc/hostname", fd, "out"), ==, 0);
    g_assert_cmpint(symlinkat("../../../../../../etc/hostname", fd, "up"), ==, 0);
    g_assert_cmpint(dp_file_open(fd, "out", O_RDONLY), ==, -ENOENT);
    g_assert_cmpint(dp_file_open(fd, "up", O_RDONLY), ==, -ENOENT);
    link = dp_file_read_link(fd, "out");
    g_assert_cmpstr(link, ==, "/etc/hostname");
    names = dp_file_list(fd, ".", NULL);
    g_assert_cmpuint(names->len, ==, 2);
    g_assert_cmpstr(names->pdata[0], ==, "out");
    (void)unlinkat(fd, "out", 0);
    (void)unlinkat(fd, "up", 0);
    g_assert_cmpint(g_rmdir(dir), ==, 0);
}

static void
test_lock(void)
{
    g_autofree char *dir = g_dir_make_tmp("directpath-XXXXXX", NULL);
    dp_autofd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_autoptr(GError) error = NULL;
    dp_autofd int first = dp_file_lock(fd, "lock", 0, &error);
    dp_autofd int second = -1;

    g_assert_no_error(error);
    g_assert_cmpint(first, >=, 0);
    second = dp_file_lock(fd, "lock", 40, &error);
    g_assert_cmpint(second, ==, -1);
    g_assert_error(error, DP_ERROR, DP_ERROR_BUSY);
    (void)unlinkat(fd, "lock", 0);
    g_assert_cmpint(g_rmdir(dir), ==, 0);
}

/* Longest text of one field: what a person still reads, and what fits a diagnostic. */
#define FIELD_MAX 600
/* Longest word: what `explain` can print beside its headings in 80 columns. */
#define WORD_MAX 61

static void
check_field(const DpDiagRow *row, const char *text)
{
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    size_t len = strlen(text);

    g_test_message("DP%d: %s", (int)row->id, text);
    g_assert_cmpuint(len, >=, 3);
    g_assert_cmpuint(len, <=, FIELD_MAX);
    for (size_t i = 0; i < len; i++) {
        g_assert_true(g_ascii_isprint(text[i]));
    }
    g_assert_null(strstr(text, "  "));
    for (size_t i = 0; words[i] != NULL; i++) {
        g_assert_cmpuint(strlen(words[i]), <=, WORD_MAX);
    }
    g_assert_false(g_ascii_isspace(text[0]) || g_ascii_isspace(text[len - 1]));
}

/* Words within a line: a capital only where the word has one anyway (QEMU, AMD-V, PCIe). */
static void
check_phrase(const DpDiagRow *row, const char *text)
{
    size_t word = strcspn(text, " ,:");
    bool name = false;

    check_field(row, text);
    for (size_t i = 1; i < word; i++) {
        name = name || g_ascii_isupper(text[i]) || g_ascii_isdigit(text[i]);
    }
    g_assert_true(!g_ascii_isupper(text[0]) || name ||
                  g_str_has_prefix(text, "Dynamic DirectPath"));
    g_assert_false(g_str_has_suffix(text, "."));
}

static void
check_sentence(const DpDiagRow *row, const char *text)
{
    check_field(row, text);
    g_assert_true(g_ascii_isupper(text[0]));
    g_assert_true(g_str_has_suffix(text, "."));
}

static void
test_catalogue(void)
{
    size_t n = 0;
    const DpDiagRow *rows = dp_diag_rows(&n);

    g_assert_cmpuint(n, >, 0);
    for (size_t i = 0; i < n; i++) {
        if (i > 0) {
            g_assert_cmpint((int)rows[i].id, >, (int)rows[i - 1].id);
        }
        check_phrase(&rows[i], rows[i].title);
        check_phrase(&rows[i], rows[i].cause);
        check_phrase(&rows[i], rows[i].remedy);
        check_sentence(&rows[i], rows[i].why);
        check_sentence(&rows[i], rows[i].seen);
        check_sentence(&rows[i], rows[i].source);
        g_assert_true(dp_diag_row((int)rows[i].id) == &rows[i]);
    }
    g_assert_null(dp_diag_row(1));
}

static void
test_diag(void)
{
    g_autoptr(DpDiagList) diags = dp_diags_new();
    json_auto_t *json = NULL;
    DpDiag *diag = dp_diags_add(diags, DP_DIAG_NOT_ROOT, "host", "uid %d\n", 7);

    dp_diag_set_remedy(diag, "use %s", "sudo");
    g_assert_true(dp_diags_have_error(diags));
    g_assert_true(dp_diags_have(diags, DP_DIAG_NOT_ROOT));
    json = dp_diag_to_json(diag);
    g_assert_cmpstr(json_string_value(json_object_get(json, "id")), ==, "DP9001");
    g_assert_cmpstr(json_string_value(json_object_get(json, "message")), ==, "uid 7\\x0a");
    g_assert_cmpstr(json_string_value(json_object_get(json, "remedy")), ==, "use sudo");
}

/* Renames the first name to the second and back until there is a third. */
static gpointer
rename_until_told(gpointer data)
{
    char **names = data;

    while (g_atomic_pointer_get(&names[2]) == NULL) {
        (void)g_rename(names[0], names[1]);
        (void)g_rename(names[1], names[0]);
    }
    return NULL;
}

/* A rename anywhere makes openat2 answer EAGAIN where a path has ".."; sysfs is full of such links,
 * and a busy machine renames all the time. */
static void
test_open_while_renaming(void)
{
    g_autofree char *dir = g_dir_make_tmp("directpath-XXXXXX", NULL);
    g_autofree char *one = g_build_filename(dir, "x", NULL);
    g_autofree char *other = g_build_filename(dir, "y", NULL);
    char *names[] = {one, other, NULL};
    dp_autofd int root_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    GThread *thread;

    g_assert_cmpint(g_mkdir(one, 0755), ==, 0);
    g_assert_cmpint(mkdirat(root_fd, "a", 0755), ==, 0);
    g_assert_cmpint(mkdirat(root_fd, "a/b", 0755), ==, 0);
    g_assert_cmpint(symlinkat("../a/b/../b", root_fd, "a/link"), ==, 0);
    thread = g_thread_new("rename", rename_until_told, names);
    for (int i = 0; i < 20000; i++) {
        dp_autofd int fd = dp_file_open(root_fd, "a/b/../link", O_PATH);

        g_assert_cmpint(fd, >=, 0);
    }
    g_atomic_pointer_set(&names[2], one);
    (void)g_thread_join(thread);
    (void)unlinkat(root_fd, "a/link", 0);
    (void)unlinkat(root_fd, "a/b", AT_REMOVEDIR);
    (void)unlinkat(root_fd, "a", AT_REMOVEDIR);
    (void)unlinkat(root_fd, "x", AT_REMOVEDIR);
    (void)g_rmdir(dir);
}

static void
test_diags_sorted(void)
{
    g_autoptr(DpDiagList) diags = dp_diags_new();
    static const char *const expected[] = {"host", "b", "d", "c", "a", "e"};

    dp_diags_add(diags, DP_DIAG_USAGE, "a", "m")->severity = DP_NOTE;
    dp_diags_add(diags, DP_DIAG_USAGE, "b", "m")->severity = DP_ERROR_SEVERITY;
    dp_diags_add(diags, DP_DIAG_USAGE, "c", "m")->severity = DP_WARNING;
    dp_diags_add(diags, DP_DIAG_USAGE, "d", "m")->severity = DP_ERROR_SEVERITY;
    dp_diags_add(diags, DP_DIAG_USAGE, "host", "m")->severity = DP_ERROR_SEVERITY;
    dp_diags_add(diags, DP_DIAG_USAGE, "e", "m")->severity = DP_NOTE;
    dp_diags_sort(diags);
    for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
        g_assert_cmpstr(((DpDiag *)diags->pdata[i])->subject, ==, expected[i]);
    }
}

#define EACH_MAX 5000

/* Also what the work opens: each thread may have descriptors of its own. */
static void
count_up(size_t i, void *data)
{
    dp_autofd int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int *counts = data;

    g_assert_cmpint(fd, >=, 0);
    counts[i]++;
}

static void
test_each(void)
{
    static const size_t sizes[] = {0, 1, 63, 64, 65, 200, EACH_MAX};
    static int counts[EACH_MAX + 1];

    for (size_t k = 0; k < G_N_ELEMENTS(sizes); k++) {
        memset(counts, 0, sizeof counts);
        dp_each(sizes[k], count_up, counts);
        for (size_t i = 0; i <= EACH_MAX; i++) {
            g_assert_cmpint(counts[i], ==, i < sizes[k] ? 1 : 0);
        }
    }
}

/* Single names take a shorter way, and find the same. */
static void
test_single_names(void)
{
    g_autofree char *dir = g_dir_make_tmp("directpath-XXXXXX", NULL);
    dp_autofd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_autoptr(GBytes) mapped = NULL;
    g_autofree char *text = NULL;
    dp_autofd int folder = -1;

    g_assert_true(dp_file_replace(fd, "file", "one\n", 4, 0600, NULL));
    g_assert_cmpint(mkdirat(fd, "folder", 0700), ==, 0);
    g_assert_cmpint(symlinkat("/file", fd, "link"), ==, 0);
    g_assert_cmpint(symlinkat("folder", fd, "way"), ==, 0);
    mapped = dp_file_map(fd, "file");
    g_assert_cmpmem(g_bytes_get_data(mapped, NULL), g_bytes_get_size(mapped), "one\n", 4);
    g_assert_null(dp_file_map(fd, "folder"));
    g_assert_null(dp_file_map(fd, "none"));
    text = dp_file_read_line(fd, "link", NULL);
    g_assert_cmpstr(text, ==, "one");
    folder = dp_file_open(fd, "way", O_RDONLY | O_DIRECTORY);
    g_assert_cmpint(folder, >=, 0);
    g_assert_cmpint(dp_file_open(fd, "file", O_RDONLY | O_DIRECTORY), ==, -ENOTDIR);
    g_assert_cmpint(dp_file_open(fd, "none", O_RDONLY), ==, -ENOENT);
    g_assert_null(dp_file_read_link(fd, "file"));
    (void)unlinkat(fd, "file", 0);
    (void)unlinkat(fd, "link", 0);
    (void)unlinkat(fd, "way", 0);
    (void)unlinkat(fd, "folder", AT_REMOVEDIR);
    g_assert_cmpint(g_rmdir(dir), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/each", test_each);
    g_test_add_func("/base/single-names", test_single_names);
    g_test_add_func("/base/undo-newest-first", test_undo_newest_first);
    g_test_add_func("/base/text-visible", test_text_visible);
    g_test_add_func("/base/child", test_child);
    g_test_add_func("/base/child-apart", test_child_apart);
    g_test_add_func("/base/child-program", test_child_program);
    g_test_add_func("/base/child-detach", test_child_detach);
    g_test_add_func("/base/replace", test_replace);
    g_test_add_func("/base/beneath", test_beneath);
    g_test_add_func("/base/open-while-renaming", test_open_while_renaming);
    g_test_add_func("/base/lock", test_lock);
    g_test_add_func("/base/catalogue", test_catalogue);
    g_test_add_func("/base/diag", test_diag);
    g_test_add_func("/base/diags-sorted", test_diags_sorted);
    return g_test_run();
}
