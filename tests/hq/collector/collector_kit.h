/* What the collector's tests share: a collector of a published release, and two terminals that it has
 * enrolled. */
#ifndef SOTTO_TESTS_HQ_COLLECTOR_KIT_H
#define SOTTO_TESTS_HQ_COLLECTOR_KIT_H

#include "../hq_test.h"

static hq_collector collector;
static terminal *one, *two;

static inline int setup(void **state)
{
    if (test_setup(state) != 0)
        return 1;
    open_published(&collector);
    one = terminal_new("atm-1", 1);
    two = terminal_new("atm-2", 2);
    enrol(&collector, one);
    enrol(&collector, two);
    return 0;
}

static inline int teardown(void **state)
{
    terminal_free(one);
    terminal_free(two);
    close_published(&collector);
    return test_teardown(state);
}

static inline uint64_t reports_of(const char *id)
{
    hq_device device;
    assert_int_equal(hq_registry_device(collector.registry, id, &device, NULL), SOTTO_OK);
    return device.reports;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
