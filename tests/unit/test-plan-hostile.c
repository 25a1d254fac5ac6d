/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VMX from a stranger: whatever its values hold, the engine gets no option and no file that was
 * not meant. */
#include "plan-check.h"
#include "plan-fixture.h"
#include "vm/net.h"

#include <string.h>
#include <time.h>

static void
check_argv(const DpPlan *plan)
{
    g_assert_cmpstr(plan_check_argv(plan), ==, NULL);
}

static const char *
argument(const DpPlan *plan, const char *option)
{
    for (guint i = 0; i + 1 < plan->argv->len; i++) {
        if (strcmp(g_ptr_array_index(plan->argv, i), option) == 0) {
            return g_ptr_array_index(plan->argv, i + 1);
        }
    }
    return NULL;
}

static void
test_names(void)
{
    static const char *const names[][2] = {
        {"displayName=a,process=x,debug-threads=off",
         "guest=a,,process=x,,debug-threads=off,debug-threads=on"},
        {"displayName=a|0A-device|0Aqxl|22", "guest=a\\x0a-device\\x0aqxl\",debug-threads=on"},
        {"displayName=-monitor stdio", "guest=-monitor stdio,debug-threads=on"},
        {"displayName=,", "guest=,,,debug-threads=on"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(PlanFixture) fixture = plan_fixture_new();
        g_autoptr(DpPlan) plan = NULL;
        g_autofree char *text = plan_fixture_sample(NULL);
        g_autofree char *value = g_strdup_printf("displayName = \"%s\"", names[i][0] + 12);
        g_autoptr(GString) file = g_string_new(text);

        g_assert_cmpuint(g_string_replace(file, "displayName = \"RHEL3\"", value, 1), ==, 1);
        plan = plan_fixture_plan(fixture, file->str);
        check_argv(plan);
        g_assert_cmpstr(argument(plan, "-name"), ==, names[i][1]);
    }
}

/* Every value of the sample in turn becomes each of these: at worst a diagnostic. */
static void
test_every_value_replaced(void)
{
    static const char *const values[] = {
        "",
        ",",
        "x,file=/etc/shadow",
        "\",\"driver\":\"file\",\"filename\":\"/etc/shadow\"}",
        "../../../etc/shadow",
        "/etc/shadow",
        "nbd://host/disk",
        "json:{\"driver\":\"file\",\"filename\":\"/etc/shadow\"}",
        "fat:rw:/etc",
        "|exec id",
        "$(id)",
        "1000000000000000000",
        "-1",
        "99999999999999999999999999",
        "TRUE",
        "FALSE",
        "0",
        "7",
        "\xff\xfe\xc3",
        "%s%n%n",
    };
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autofree char *text = plan_fixture_text("passthru.vmx");
    g_autoptr(DpVmx) sample = dp_vmx_parse("passthru.vmx", text, strlen(text), NULL, NULL);

    for (size_t k = 0; k < dp_vmx_n_entries(sample); k++) {
        for (size_t v = 0; v < G_N_ELEMENTS(values); v++) {
            g_autofree char *change =
                g_strdup_printf("%s=%s", dp_vmx_entry(sample, k)->key, values[v]);
            const char *const changes[] = {change, NULL};
            g_autoptr(DpPlan) plan = plan_fixture_changed(fixture, changes);

            check_argv(plan);
        }
    }
}

static void
test_huge_numbers(void)
{
    static const char *const changes[] = {"memsize=1000000000000000000", "numvcpus=4294967297",
                                          "pciBridge4.functions=18446744073709551617",
                                          "pciPassthru0.pciSlotNumber=99999", NULL};
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) plan = plan_fixture_changed(fixture, changes);

    g_assert_true(dp_diags_have_error(plan->diags));
    check_argv(plan);
    g_assert_cmpstr(argument(plan, "-m"), ==, "32M");
}

/* As many lines as the parser takes, each a device that wants a place. */
static void
test_many_keys(void)
{
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(DpPlan) plan = NULL;
    clock_t start;

    for (unsigned i = 0; i < 90000; i++) {
        g_string_append_printf(text, "pciPassthru%u.present = \"TRUE\"\n", i);
    }
    start = clock();
    plan = plan_fixture_plan(fixture, text->str);
    check_argv(plan);
    g_assert_cmpuint(plan->devices->len, ==, 128);
    g_assert_true(dp_diags_have_error(plan->diags));
    g_assert_cmpint(clock() - start, <, 20 * CLOCKS_PER_SEC);
}

static void
test_secrets_stay_out(void)
{
    static const char *const changes[] = {"RemoteDisplay.vnc.password=hunter2X", NULL};
    g_autoptr(PlanFixture) fixture = plan_fixture_new();
    g_autoptr(DpPlan) plan = plan_fixture_changed(fixture, changes);
    g_autofree char *argv = plan_argv(plan);

    check_argv(plan);
    g_assert_null(strstr(argv, "hunter2"));
    g_assert_nonnull(strstr(argv, "127.0.0.1:0,password=on"));
    g_assert_cmpstr(plan->vnc_password, ==, "hunter2X");
    g_assert_cmpstr(plan_key(plan, "RemoteDisplay.vnc.password")->value, ==, "********");
}

static void
test_mac(void)
{
    static const char *const bad[] = {
        "",
        "00:50:56:00:00",
        "00:50:56:-1:00:01",
        "00:50:56: 1:00:01",
        "00:50:56:+1:00:01",
        "00:50:56:0x:00:01",
        "01:50:56:00:00:01",
        "00:50:56:00:00:011",
        "00.50.56.00.00.01",
    };
    char mac[DP_MAC_LEN];

    g_assert_true(dp_net_mac("00:50:56:Ab:0C:01", mac));
    g_assert_cmpstr(mac, ==, "00:50:56:ab:0c:01");
    g_assert_true(dp_net_mac("00-50-56-Ab-0C-01", mac));
    g_assert_cmpstr(mac, ==, "00:50:56:ab:0c:01");
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_false(dp_net_mac(bad[i], mac));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hostile/names", test_names);
    g_test_add_func("/hostile/values", test_every_value_replaced);
    g_test_add_func("/hostile/numbers", test_huge_numbers);
    g_test_add_func("/hostile/keys", test_many_keys);
    g_test_add_func("/hostile/secrets", test_secrets_stay_out);
    g_test_add_func("/hostile/mac", test_mac);
    return g_test_run();
}
