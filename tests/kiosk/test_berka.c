/*
 * Tags of real accounts: the transactions of the PKDD'99 bank (data/berka-pkdd99; not part of this project)
 * as events. A credit is a deposit, a debit a withdrawal, each with the balance after it; the file has days
 * but no times, so the place in the day stands for the second. Three accounts are worked by hand (another
 * program, exact fractions, straight from docs/formats/dictionary.md) as of 1994-03-31. Skipped (77) where
 * the data is absent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sotto/history.h"
#include "sotto/port.h"

enum { ACCOUNTS = 12000, TODAY = 8855 }; /* 1994-03-31 */
#define P "\"purpose\":[\"marketing\"]"

static const char DICTIONARY[] =
    "{\"version\":1,\"tags\":["
    "{\"number\":1,\"id\":\"in_count\",\"kind\":\"count\"," P
    ",\"derive\":{\"rule\":\"count\",\"events\":[\"deposit\"],\"days\":90}},"
    "{\"number\":2,\"id\":\"in_sum\",\"kind\":\"amount\"," P
    ",\"derive\":{\"rule\":\"sum\",\"events\":[\"deposit\"],\"days\":90}},"
    "{\"number\":3,\"id\":\"average_7\",\"kind\":\"amount\"," P
    ",\"derive\":{\"rule\":\"average_balance\",\"days\":7}},"
    "{\"number\":4,\"id\":\"average_30\",\"kind\":\"amount\"," P
    ",\"derive\":{\"rule\":\"average_balance\",\"days\":30}},"
    "{\"number\":5,\"id\":\"average_90\",\"kind\":\"amount\"," P
    ",\"derive\":{\"rule\":\"average_balance\",\"days\":90}},"
    "{\"number\":6,\"id\":\"change_30\",\"kind\":\"amount\"," P
    ",\"derive\":{\"rule\":\"balance_change\",\"days\":30}},"
    "{\"number\":7,\"id\":\"out_ago\",\"kind\":\"count\"," P
    ",\"derive\":{\"rule\":\"days_since\",\"events\":[\"withdrawal\"]}},"
    "{\"number\":8,\"id\":\"stage\",\"kind\":\"choice\",\"choices\":[\"new\",\"rising\",\"stable\","
    "\"leaving\"]," P ",\"derive\":{\"rule\":\"stage\",\"events\":[\"withdrawal\"],\"days\":30}}]}";

static uint8_t memory[65536];
static sotto_dictionary *d;
static sotto_profile profile;
static sotto_history *histories[ACCOUNTS];
static size_t accounts, events;

static int64_t number_in(sotto_span text, unsigned decimals)
{
    int64_t value = 0;
    assert_int_equal(sotto_fixed_parse_decimal(text, decimals, &value), SOTTO_OK);
    return value;
}

static void take_row(const sotto_csv *csv, uint64_t id)
{
    static int64_t last_day = -1, second = 0;
    int64_t date = number_in(csv->field[2], 0), account = number_in(csv->field[1], 0);
    int64_t day =
        sotto_time_days_from_civil(1900 + date / 10000, (unsigned)(date / 100 % 100), (unsigned)(date % 100));
    second = day == last_day ? second + 1 : 0;
    last_day = day;
    bool credit = sotto_span_is(csv->field[3], "PRIJEM");
    const sotto_event event = {.kind = credit ? SOTTO_EVENT_DEPOSIT : SOTTO_EVENT_WITHDRAWAL,
                               .at_s = day * 86400 + second,
                               .id = id,
                               .amount = number_in(csv->field[5], 3),
                               .has_balance = true,
                               .balance = number_in(csv->field[6], 3)};
    assert_true(account > 0 && account < ACCOUNTS);
    if (histories[account] == NULL) {
        histories[account] = calloc(1, sizeof *histories[account]);
        assert_non_null(histories[account]);
        accounts++;
    }
    assert_int_equal(sotto_history_apply(histories[account], d, &event, true), SOTTO_HISTORY_TAKEN);
    events++;
}

static void all_transactions_are_taken(void **state)
{
    static sotto_csv csv;
    sotto_arena arena;
    sotto_vec file;
    bool more = true;
    sotto_arena_init(&arena, memory, sizeof memory);
    assert_int_equal(sotto_dictionary_load(&d, sotto_span_str(DICTIONARY), "d", &arena, NULL), SOTTO_OK);
    assert_int_equal(sotto_profile_init(&profile, d, &arena), SOTTO_OK);
    sotto_vec_init(&file, 64u << 20);
    assert_int_equal(sotto_port_read_data_file(*state, &file, NULL), SOTTO_OK);
    assert_int_equal(sotto_csv_open(&csv, sotto_vec_span(&file), "trans", ';', NULL), SOTTO_OK);
    for (uint64_t id = 1;; id++) {
        assert_int_equal(sotto_csv_next(&csv, &more, NULL), SOTTO_OK);
        if (!more)
            break;
        take_row(&csv, id);
    }
    sotto_vec_free(&file);
    assert_int_equal(events, 49102);
    assert_int_equal(accounts, 1229);
}

static void three_accounts_by_hand(void **state)
{
    (void)state;
    static const struct {
        int account;
        const char *tags[8]; /* in the dictionary's order */
    } KNOWN[] = {
        {576, {"6", "18833.00", "18506.41", "17980.67", "17295.15", "2760.56", "0", "stable"}},
        {2378, {"8", "79662.00", "29199.10", "29760.81", "36957.70", "-20181.94", "0", "stable"}},
        {704, {"6", "52901.20", "38505.91", "39507.34", "37612.52", "5151.18", "0", "stable"}},
    };
    for (size_t k = 0; k < SOTTO_COUNT(KNOWN); k++) {
        sotto_profile_clear(&profile);
        sotto_history_derive(histories[KNOWN[k].account], TODAY, &profile);
        for (size_t i = 0; i < 8; i++) {
            char text[64];
            assert_int_equal(
                sotto_tag_format(sotto_dictionary_at(d, i), &profile.values[i], text, sizeof text), SOTTO_OK);
            assert_string_equal(text, KNOWN[k].tags[i]);
        }
    }
}

static void what_it_takes(void **state)
{
    (void)state;
    static uint8_t packed[SOTTO_HISTORY_MAX];
    size_t bytes = 0, most = 0, stages[4] = {0};
    for (size_t i = 0; i < ACCOUNTS; i++) {
        if (histories[i] == NULL)
            continue;
        sotto_buf buf = sotto_buf_of(packed, sizeof packed);
        assert_int_equal(sotto_history_pack(histories[i], &buf), SOTTO_OK);
        bytes += buf.len;
        most = buf.len > most ? buf.len : most;
        sotto_profile_clear(&profile);
        sotto_history_derive(histories[i], TODAY, &profile);
        if (profile.values[7].present)
            stages[profile.values[7].num]++;
        free(histories[i]);
    }
    printf("%zu events of %zu accounts: %zu bytes an account, at most %zu; new %zu, rising %zu, stable %zu, "
           "leaving "
           "%zu\n",
           events, accounts, bytes / accounts, most, stages[0], stages[1], stages[2], stages[3]);
    assert_true(most < SOTTO_HISTORY_MAX / 8);
}

int main(int argc, char **argv)
{
    if (argc < 2 || !sotto_port_exists(argv[1])) {
        printf("skipped: the transactions are not here\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(all_transactions_are_taken, argv[1]),
        cmocka_unit_test(three_accounts_by_hand),
        cmocka_unit_test(what_it_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
