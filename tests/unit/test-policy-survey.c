/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which diagnostic speaks in which column of the survey, and what its cells come to. */
#include "fake-host.h"
#include "policy/survey.h"

/* Numbers of one function's verdict: each of them is a reason that somebody may look for. */
#define FIRST_VERDICT 1200
#define LAST_VERDICT  1399

static void
test_every_verdict_has_a_column(void)
{
    size_t n;
    const DpDiagRow *rows = dp_diag_rows(&n);
    unsigned checked = 0;

    for (size_t i = 0; i < n; i++) {
        DpSurveyColumn column = DP_SURVEY_N;

        if ((int)rows[i].id < FIRST_VERDICT || (int)rows[i].id > LAST_VERDICT) {
            continue;
        }
        g_test_message("DP%d %s needs a row in src/policy/survey.c", (int)rows[i].id, rows[i].name);
        g_assert_true(dp_survey_column_of((int)rows[i].id, &column));
        g_assert_cmpint(column, <, DP_SURVEY_N);
        if (dp_policy_is_host_need(rows[i].id)) {
            g_assert_cmpint(column, ==, DP_SURVEY_HOST_NEED);
        }
        checked++;
    }
    g_assert_cmpuint(checked, >=, 25);
}

static void
test_columns(void)
{
    static const struct {
        int id;
        DpSurveyColumn column;
    } cases[] = {
        {DP_DIAG_IOMMU_ABSENT, DP_SURVEY_IOMMU},
        {DP_DIAG_ACS_OVERRIDE, DP_SURVEY_IOMMU},
        {DP_DIAG_NO_IOMMU_GROUP, DP_SURVEY_GROUP},
        {DP_DIAG_GROUP_NOT_VIABLE, DP_SURVEY_GROUP},
        {DP_DIAG_RESET_NONE, DP_SURVEY_RESET},
        {DP_DIAG_UNIT_COULD_SHRINK, DP_SURVEY_RESET},
        {DP_DIAG_HOST_NEEDS_CONSOLE, DP_SURVEY_HOST_NEED},
        {DP_DIAG_UNIT_HOST_NEEDS, DP_SURVEY_HOST_NEED},
        {DP_DIAG_INTX_SHARED, DP_SURVEY_IRQ},
        {DP_DIAG_RESERVED_MEMORY, DP_SURVEY_MEMORY},
        {DP_DIAG_DEVICE_DEAD, DP_SURVEY_STATE},
        {DP_DIAG_PENDING_ENABLE, DP_SURVEY_STATE},
    };
    DpSurveyColumn column;

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_assert_true(dp_survey_column_of(cases[i].id, &column));
        g_assert_cmpint(column, ==, cases[i].column);
    }
    g_assert_false(dp_survey_column_of(DP_DIAG_NOT_ROOT, &column));
    g_assert_false(dp_survey_column_of(DP_DIAG_SYSFS_STRANGE, &column));
    g_assert_false(dp_survey_column_of(0, &column));
    g_assert_false(dp_survey_column_of(-1, &column));
}

static void
test_cells(void)
{
    static const struct {
        DpDiagId id;
        DpSurveyColumn column;
        DpSurveyCell cell;
    } cases[] = {
        {DP_DIAG_RESET_NONE, DP_SURVEY_RESET, DP_CELL_NO},
        {DP_DIAG_RESET_HITS_BRIDGE, DP_SURVEY_RESET, DP_CELL_WARN},
        {DP_DIAG_RESET_UNKNOWN, DP_SURVEY_RESET, DP_CELL_UNKNOWN},
        {DP_DIAG_UNIT_COULD_SHRINK, DP_SURVEY_RESET, DP_CELL_OK},
        {DP_DIAG_RESET_NONE, DP_SURVEY_IRQ, DP_CELL_OK},
        {DP_DIAG_INTREMAP_UNKNOWN, DP_SURVEY_IOMMU, DP_CELL_UNKNOWN},
        {DP_DIAG_DEVICE_ASLEEP, DP_SURVEY_STATE, DP_CELL_UNKNOWN},
        {DP_DIAG_USB_WHOLE_CONTROLLER, DP_SURVEY_STATE, DP_CELL_OK},
        {DP_DIAG_PENDING_DISABLE, DP_SURVEY_STATE, DP_CELL_WARN},
    };
    g_autoptr(FakeHost) fake = fake_host_new();
    DpVerdict verdict = {.fn = fake_function(fake, "0000:01:00.0", NULL, 1)};

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(DpDiagList) diags = dp_diags_new();

        dp_diags_add(diags, cases[i].id, verdict.fn->name, "made for this test");
        g_assert_cmpint(dp_survey_cell(&verdict, diags, cases[i].column), ==, cases[i].cell);
        dp_diags_add(diags, DP_DIAG_RESET_NONE, verdict.fn->name, "graver");
        g_assert_cmpint(dp_survey_cell(&verdict, diags, DP_SURVEY_RESET), ==, DP_CELL_NO);
    }
}

/* What an ordinary user cannot read is unknown, not fine. */
static void
test_hidden(void)
{
    g_autoptr(FakeHost) fake = fake_host_new();
    g_autoptr(DpDiagList) none = dp_diags_new();
    DpVerdict verdict = {.fn = fake_function(fake, "0000:01:00.0", NULL, 1)};

    verdict.fn->irq_pin = 1;
    verdict.fn->caps.msi = verdict.fn->caps.msix = DP_TRI_NO;
    g_assert_cmpint(dp_survey_cell(&verdict, none, DP_SURVEY_IRQ), ==, DP_CELL_OK);
    verdict.fn->caps.msi = verdict.fn->caps.msix = DP_TRI_UNKNOWN;
    g_assert_cmpint(dp_survey_cell(&verdict, none, DP_SURVEY_IRQ), ==, DP_CELL_UNKNOWN);
    verdict.fn->irq_pin = 0;
    g_assert_cmpint(dp_survey_cell(&verdict, none, DP_SURVEY_IRQ), ==, DP_CELL_OK);
    verdict.reset.uncertain = true;
    g_assert_cmpint(dp_survey_cell(&verdict, none, DP_SURVEY_RESET), ==, DP_CELL_UNKNOWN);
    verdict.reset.method = DP_RESET_FLR;
    g_assert_cmpint(dp_survey_cell(&verdict, none, DP_SURVEY_RESET), ==, DP_CELL_OK);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/survey/every-verdict", test_every_verdict_has_a_column);
    g_test_add_func("/survey/columns", test_columns);
    g_test_add_func("/survey/cells", test_cells);
    g_test_add_func("/survey/hidden", test_hidden);
    return g_test_run();
}
