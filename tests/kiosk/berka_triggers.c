/*
 * The days on which a policy's triggers let an offer through, for accounts of the PKDD'99 bank whose
 * transactions happen day by day: berka_triggers TRANSACTIONS ACCOUNT... prints "account,date,trigger", which
 * triggers.sh holds against its own arithmetic. A credit is a deposit, a debit a withdrawal, each with the
 * balance after it; a day's triggers are asked at its end.
 */
#include "sotto/decide.h"
#include "sotto/history.h"
#include "sotto/port.h"

#include <stdio.h>
#include <stdlib.h>

enum { ACCOUNTS_MAX = 16, ROWS_MAX = 4096, DAY_S = 86400, CONSENT = 0 };
#define P "\"purpose\":[\"marketing\"],\"derive\":"

static const char DICTIONARY[] =
    "{\"version\":1,\"tags\":["
    "{\"number\":1,\"id\":\"consent\",\"kind\":\"flag\",\"purpose\":[\"service\"]},"
    "{\"number\":2,\"id\":\"balance\",\"kind\":\"amount\"," P "{\"rule\":\"average_balance\",\"days\":1}},"
    "{\"number\":3,\"id\":\"sum_7\",\"kind\":\"amount\"," P
    "{\"rule\":\"sum\",\"events\":[\"deposit\"],\"days\":7}},"
    "{\"number\":4,\"id\":\"largest_7\",\"kind\":\"amount\"," P
    "{\"rule\":\"largest\",\"events\":[\"deposit\"],\"days\":7}}]}";

#define PRODUCT(id) "{\"id\":\"" id "\",\"category\":\"" id "\",\"risk\":1,\"value\":1}"
static const char CATALOGUE[] =
    "{\"version\":1,\"currency\":\"CZK\",\"products\":[" PRODUCT("a") "," PRODUCT("b") "," PRODUCT("c") "]}";

#define CAMPAIGN(number, product, trigger, when)                                                             \
    "{\"number\":" number ",\"id\":\"" product "\",\"product\":\"" product                                   \
    "\",\"triggers\":[{\"id\":\"" trigger "\",\"when\":" when                                                \
    "}],\"creatives\":[{\"language\":\"en\",\"title\":\"T\",\"text\":\"T\"}]}"
#define BELOW CAMPAIGN("1", "a", "balance_below_15000", "{\"<\":[{\"var\":\"balance\"},15000]}")
#define SUM   CAMPAIGN("2", "b", "paid_in_above_20000_in_7_days", "{\">\":[{\"var\":\"sum_7\"},20000]}")
#define LARGEST                                                                                              \
    CAMPAIGN("3", "c", "deposit_above_20000_within_7_days", "{\">\":[{\"var\":\"largest_7\"},20000]}")
static const char POLICY[] =
    "{\"version\":1,\"profiling_tag\":\"consent\",\"campaigns\":[" BELOW "," SUM "," LARGEST "]}";

typedef struct row {
    int32_t day;
    sotto_event event;
} row;

static uint8_t memory[1 << 20];
static sotto_dictionary *dictionary;
static const sotto_plan *plan;
static sotto_profile profile;
static void *scratch;
static sotto_history history;
static row rows[ACCOUNTS_MAX][ROWS_MAX];
static size_t row_count[ACCOUNTS_MAX];
static int32_t last_day;

static bool number_in(sotto_span text, unsigned decimals, int64_t *out)
{
    return sotto_fixed_parse_decimal(text, decimals, out) == SOTTO_OK;
}

static bool take_row(const sotto_csv *csv, uint64_t id, char **accounts, size_t count)
{
    size_t k = 0;
    int64_t date = 0;
    while (k < count && !sotto_span_is(csv->field[1], accounts[k]))
        k++;
    if (!number_in(csv->field[2], 0, &date))
        return false;
    int32_t day = (int32_t)sotto_time_days_from_civil(1900 + date / 10000, (unsigned)(date / 100 % 100),
                                                      (unsigned)(date % 100));
    last_day = day > last_day ? day : last_day;
    if (k == count)
        return true;
    if (row_count[k] == ROWS_MAX)
        return false;
    row *r = &rows[k][row_count[k]++];
    bool credit = sotto_span_is(csv->field[3], "PRIJEM");
    *r = (row){.day = day,
               .event = {.kind = credit ? SOTTO_EVENT_DEPOSIT : SOTTO_EVENT_WITHDRAWAL,
                         .at_s = (int64_t)day * DAY_S + (int64_t)row_count[k],
                         .id = id,
                         .has_balance = true}};
    return number_in(csv->field[5], SOTTO_EVENT_DECIMALS, &r->event.amount) &&
           number_in(csv->field[6], SOTTO_EVENT_DECIMALS, &r->event.balance);
}

static bool read_rows(const char *path, char **accounts, size_t count)
{
    static sotto_csv csv;
    sotto_vec file;
    bool more = true, good;
    sotto_vec_init(&file, 64u << 20);
    good = sotto_port_read_data_file(path, &file, NULL) == SOTTO_OK &&
           sotto_csv_open(&csv, sotto_vec_span(&file), "trans", ';', NULL) == SOTTO_OK;
    for (uint64_t id = 1; good && more; id++) {
        good = sotto_csv_next(&csv, &more, NULL) == SOTTO_OK;
        if (good && more)
            good = take_row(&csv, id, accounts, count);
    }
    sotto_vec_free(&file);
    return good;
}

static bool load(void)
{
    sotto_arena arena;
    sotto_diag diag = {0};
    sotto_arena_init(&arena, memory, sizeof memory);
    sotto_status status =
        sotto_dictionary_load(&dictionary, sotto_span_str(DICTIONARY), "dictionary", &arena, &diag);
    const sotto_plan_sources sources = {.dictionary = dictionary,
                                        .catalogue = sotto_span_str(CATALOGUE),
                                        .policy = sotto_span_str(POLICY),
                                        .catalogue_name = "catalogue",
                                        .policy_name = "policy"};
    if (status == SOTTO_OK)
        status = sotto_plan_load(&plan, &sources, &arena, &diag);
    if (status == SOTTO_OK)
        status = sotto_profile_init(&profile, dictionary, &arena);
    if (status != SOTTO_OK)
        (void)fprintf(stderr, "%s: %s\n", diag.where, diag.text);
    scratch = status == SOTTO_OK ? sotto_arena_take(&arena, sotto_decide_scratch_size(plan)) : NULL;
    return scratch != NULL;
}

static void print_day(const char *account, int32_t day)
{
    static sotto_decision answer;
    char date[21];
    sotto_profile_clear(&profile);
    sotto_history_derive(&history, day, &profile);
    profile.values[CONSENT] = (sotto_tag_value){.present = true, .set_day = day, .num = 1};
    const sotto_decide_request request = {
        .profile = &profile, .now_s = (int64_t)day * DAY_S + DAY_S - 1, .offers_max = SOTTO_OFFERS_MAX};
    sotto_decide(plan, &request, scratch, &answer);
    sotto_time_format(request.now_s, date);
    for (size_t i = 0; i < answer.offer_count; i++)
        printf("%s,%.10s,%s\n", account, date, answer.offers[i].trigger);
}

/* From the account's first transaction to the file's last day, whether or not something happens on it. */
static bool run_account(const char *account, const row *all, size_t count)
{
    sotto_history_clear(&history);
    size_t next = 0;
    for (int32_t day = count > 0 ? all[0].day : last_day + 1; day <= last_day; day++) {
        for (; next < count && all[next].day == day; next++)
            if (sotto_history_apply(&history, dictionary, &all[next].event, true) != SOTTO_HISTORY_TAKEN)
                return false;
        print_day(account, day);
    }
    return next == count && count > 0;
}

int main(int argc, char **argv)
{
    size_t count = argc < 3 ? 0 : (size_t)argc - 2;
    if (count == 0 || count > ACCOUNTS_MAX || !load() || !read_rows(argv[1], argv + 2, count))
        return 1;
    for (size_t k = 0; k < count; k++)
        if (!run_account(argv[2 + k], rows[k], row_count[k]))
            return 1;
    return 0;
}
