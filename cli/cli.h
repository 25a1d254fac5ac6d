/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One invocation of the command: what was asked, what is to be said, how it ends. */
#pragma once

#include "base/diag.h"
#include "base/error.h"

#include "options.h"

/* Exit status, part of the contract with scripts. */
typedef enum {
    DP_EXIT_DONE = 0,
    DP_EXIT_NO = 1,     /* the answer is no; reasons are printed */
    DP_EXIT_USAGE = 2,  /* the command line is wrong */
    DP_EXIT_FAILED = 3, /* the system failed; what was undone is printed */
    DP_EXIT_PARTLY = 4, /* partly done */
} DpExit;

typedef struct DpCli DpCli;
typedef struct DpVerb DpVerb;

struct DpCli {
    DpOptions *options;
    const DpVerb *verb;
    json_t *doc;          /* the JSON document, an object; "diagnostics" is added at the end */
    const char *rows_key; /* the key in it whose value is `rows`; NULL: none */
    GPtrArray *rows;      /* elements of an array, as texts: dp_cli_set_rows */
    DpDiagList *diags;    /* everything to be reported */
    char *unpacked;       /* folder of an archive that --host named; removed at the end */
    DpExit exit;          /* of a verb that returned true; DP_EXIT_PARTLY counts in any case */
    bool colour;          /* standard output is a terminal that wants colour */
    bool colour_err;      /* the same for standard error */
    int width;            /* columns of a table at most */
};

/* One command. It fills cli->doc, prints text through output.h (silent with --json), leaves its
 * diagnostics in cli->diags. False with @error: the exit status follows from the error's code. */
typedef bool (*DpVerbRun)(DpCli *cli, GError **error);

DpCli *dp_cli_new(DpOptions *options);
void dp_cli_free(DpCli *cli);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DpCli, dp_cli_free)

/* The array @key of cli->doc with @n elements, for arrays that can be long: each is made by @make
 * (for different indices in several threads), written as text and let go, before this returns. @key
 * is static. */
typedef json_t *(*DpRowMake)(size_t index, void *data);
void dp_cli_set_rows(DpCli *cli, const char *key, size_t n, DpRowMake make, void *data);

/* What would be printed with --json, for a verb that another one has run: a new reference. @error
 * as of dp_cli_finish. */
json_t *dp_cli_document(DpCli *cli, const GError *error);

/* Reports and gives the exit status: prints diagnostics or the JSON document. @error (may be NULL)
 * is why the verb failed; where no diagnostic says so, one is made of it. */
DpExit dp_cli_finish(DpCli *cli, const GError *error);
