/* What `sotto-hq devices` says of a terminal: one check at a time, from one that does well. */
#include "../hq_test.h"

#include "admin/devices.h"

#define NOW_S INT64_C(1795000000)

typedef struct fleet {
    hq_device device;
    hq_health health;
    hq_newest newest;
} fleet;

static fleet well(void)
{
    return (fleet){.device = {.id = "atm-1",
                              .state = HQ_DEVICE_ENROLLED,
                              .enrolled_s = NOW_S - 100 * HQ_DAY_S,
                              .certificate_from_s = NOW_S - 100 * HQ_DAY_S,
                              .certificate_until_s = NOW_S + 265 * HQ_DAY_S,
                              .contact_s = NOW_S - HQ_DAY_S / 2,
                              .last_report = NOW_S - HQ_DAY_S / 2,
                              .release = 8},
                   .health = {.told_s = NOW_S - 20 * HQ_DAY_S,
                              .release = 8,
                              .good = 7,
                              .why = "none",
                              .has_disk = true,
                              .has_waiting = true,
                              .has_clock = true,
                              .disk_free_mib = 512},
                   .newest = {.release = 8, .published_s = NOW_S - 21 * HQ_DAY_S, .days = 1}};
}

/* The findings' names in their order, and the first one's words. */
static void assert_found(const fleet *f, const char *checks, const char *words)
{
    hq_finding found[HQ_CHECK_COUNT];
    char names[128] = "";
    size_t count = hq_device_judge(&f->device, &f->health, &f->newest, NOW_S, found);
    for (size_t i = 0; i < count; i++) {
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", i > 0 ? " " : "",
                 hq_check_name(found[i].check));
        assert_true(found[i].remedy[0] != '\0' && strlen(found[i].text) + 1 < sizeof found[i].text);
    }
    assert_string_equal(names, checks);
    if (count > 0 && strstr(found[0].text, words) == NULL)
        fail_msg("'%s' holds no '%s'", found[0].text, words);
}

static void one_that_does_well(void **state)
{
    (void)state;
    fleet f = well();
    assert_found(&f, "", "");
    f.health = (hq_health){0}; /* an older terminal: nothing is made up */
    assert_found(&f, "", "");
    f.newest = (hq_newest){0}; /* nor where the repository cannot be read */
    assert_found(&f, "", "");
}

static void clocks(void **state)
{
    (void)state;
    fleet f = well();
    f.health.clock_ahead_min = SOTTO_CLOCK_OFF_MIN;
    assert_found(&f, "", "");
    f.health.clock_ahead_min = 3 * 24 * 60 + 5;
    assert_found(&f, "clock", "3 days ahead");
    f.health.clock_ahead_min = -20000 * 24 * 60;
    assert_found(&f, "clock", "20000 days behind");
}

static void disks(void **state)
{
    (void)state;
    fleet f = well();
    f.health.disk_free_mib = 64;
    assert_found(&f, "", "");
    f.health.disk_free_mib = 32;
    assert_found(&f, "disk", "less than 64 MiB");
    f.health.disk_free_mib = 0;
    assert_found(&f, "disk", "less than 1 MiB");
}

static void certificates(void **state)
{
    (void)state;
    fleet f = well();
    f.device.certificate_until_s = NOW_S - 1;
    assert_found(&f, "certificate", "has ended");
    f.device.certificate_until_s = NOW_S - (HQ_RENEW_GRACE_DAYS + 1) * HQ_DAY_S;
    assert_found(&f, "certificate", "long ago");
    /* A year, of which a third and not yet a week less is left; and a day later. */
    f.device.certificate_from_s = NOW_S - 250 * HQ_DAY_S;
    f.device.certificate_until_s = NOW_S + 115 * HQ_DAY_S;
    assert_found(&f, "", "");
    f.device.certificate_from_s -= HQ_DAY_S;
    f.device.certificate_until_s -= HQ_DAY_S;
    assert_found(&f, "certificate", "overdue: it ends in 114 days");
}

static void releases(void **state)
{
    (void)state;
    fleet f = well();
    f.newest.release = 9;
    f.newest.published_s = NOW_S - HQ_DAY_S; /* it called at noon: the night may have begun before */
    assert_found(&f, "", "");
    f.newest.published_s = NOW_S - 2 * HQ_DAY_S;
    assert_found(&f, "release", "8 is in use, 9 is the newest");
    f.health.failed = 9; /* an alarm tells it */
    assert_found(&f, "", "");
    f = well();
    f.health.release = 0;
    assert_found(&f, "release", "none");
    f = well(); /* an older copy of the office was put back */
    f.newest.release = 5;
    assert_found(&f, "release", "holds release 8, and this office has published none after 5");
    f.newest.release = 8;
    f.health.failed = 9; /* it holds what it does not use, too */
    assert_found(&f, "release", "holds release 9, and this office has published none after 8");
    f.newest.published_s = 0;
    assert_found(&f, "release", "holds release 9");
    f = well();
    f.health.told_s = 0;
    f.device.release = 7; /* as its last report says */
    assert_found(&f, "release", "7 is in use");
    assert_int_equal(hq_device_release(&f.device, &f.health), 7);
}

static void silent_ones(void **state)
{
    (void)state;
    fleet f = well();
    f.health.told_s = f.device.contact_s = f.device.last_report = NOW_S - 4 * HQ_DAY_S;
    assert_found(&f, "sync", "has not called for 4 days");
    f.device.contact_s = 0; /* its report says when */
    assert_int_equal(hq_device_contact(&f.device, &f.health), NOW_S - 4 * HQ_DAY_S);
    f.health = (hq_health){0};
    f.device.last_report = 0;
    assert_found(&f, "sync", "has not called since it was enrolled, 100 days ago");
    f.device.enrolled_s = NOW_S - 3600;
    assert_found(&f, "sync", "has not called since it was enrolled, 0 days ago");
}

static void outboxes(void **state)
{
    (void)state;
    fleet f = well();
    f.health.waiting = SOTTO_WAITING_MANY;
    assert_found(&f, "", "");
    f.health.waiting = 900;
    assert_found(&f, "outbox", "900 reports wait");
    f = well();
    f.device.last_report = 0; /* it calls, and never reported */
    assert_found(&f, "outbox", "no report since it was enrolled, 100 days ago");
    f.newest.days = 0; /* nobody asked it for one */
    assert_found(&f, "", "");
    f = well();
    f.device.last_report = NOW_S - 17 * HQ_DAY_S;
    f.newest.days = 7;
    assert_found(&f, "", "");
    f.device.last_report -= HQ_DAY_S;
    assert_found(&f, "outbox", "no report for 18 days");
}

static void those_that_do_not_call(void **state)
{
    (void)state;
    fleet f = {.device = {.id = "atm-1", .state = HQ_DEVICE_INVITED}};
    assert_found(&f, "state", "waits for its code");
    f = well();
    f.device.state = HQ_DEVICE_REVOKED;
    f.device.certificate_until_s = 0;
    assert_found(&f, "", "");
    f = well();
    f.device.quarantined_s = 5;
    f.health.told_s = f.device.contact_s = f.device.last_report = NOW_S - 40 * HQ_DAY_S;
    assert_found(&f, "state", "quarantined");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_does_well),
        cmocka_unit_test(clocks),
        cmocka_unit_test(disks),
        cmocka_unit_test(certificates),
        cmocka_unit_test(releases),
        cmocka_unit_test(silent_ones),
        cmocka_unit_test(outboxes),
        cmocka_unit_test(those_that_do_not_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
