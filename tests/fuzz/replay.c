/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a fuzz target once over each file of a corpus folder: the same code, any compiler, no
 * libFuzzer. */
#include <glib.h>
#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GDir) dir = argc == 2 ? g_dir_open(argv[1], 0, &error) : NULL;
    const char *name;
    unsigned n = 0;

    if (dir == NULL) {
        printf("Bail out! usage: replay FOLDER (%s)\n",
               error != NULL ? error->message : "one folder");
        return 1;
    }
    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(argv[1], name, NULL);
        g_autofree char *bytes = NULL;
        gsize len = 0;

        if (!g_file_get_contents(path, &bytes, &len, &error)) {
            printf("Bail out! %s\n", error->message);
            return 1;
        }
        (void)LLVMFuzzerTestOneInput((const uint8_t *)bytes, len);
        printf("ok %u - %s\n", ++n, name);
    }
    printf("1..%u\n", n);
    return n == 0; /* an empty corpus proves nothing */
}
