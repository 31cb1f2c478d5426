/* The population: the same bytes for the same seed, customers that the example dictionary takes, a day with
 * regulars and strangers, and the same from a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "commands.h"
#include "population/population.h"

#include "sotto/port.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BANK  SOTTO_SOURCE_DIR "/docs/examples/bank"
#define TABLE SOTTO_SOURCE_DIR "/docs/examples/table"

static char dir[] = "/tmp/sotto-population-XXXXXX";
static sotto_csv csv; /* too large for the stack */
static uint8_t memory[1 << 20];

static const char *at(const char *name)
{
    static char paths[8][256];
    static size_t next;
    char *path = paths[next++ % 8];
    (void)snprintf(path, sizeof paths[0], "%s/%s", dir, name);
    return path;
}

/* The exit code of "population ...", words separated by blanks. %D is the folder of the test. */
static int run(const char *words)
{
    static char line[2048];
    char *argv[64] = {NULL}, *at_word = line;
    int argc = 0;
    line[0] = '\0';
    for (const char *w = words; *w != '\0'; w++) {
        size_t len = strlen(line);
        bool is_dir = strncmp(w, "%D", 2) == 0;
        (void)snprintf(line + len, sizeof line - len, is_dir ? "%s" : "%.1s", is_dir ? dir : w);
        w += is_dir;
    }
    for (char *word; (word = strsep(&at_word, " ")) != NULL;)
        if (word[0] != '\0')
            argv[argc++] = word;
    int kept[2] = {dup(STDOUT_FILENO), dup(STDERR_FILENO)}, quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_true(kept[0] >= 0 && kept[1] >= 0 && quiet >= 0);
    (void)fflush(NULL);
    assert_true(dup2(quiet, STDOUT_FILENO) >= 0 && dup2(quiet, STDERR_FILENO) >= 0);
    int code = hq_cmd_population(argc, argv);
    (void)fflush(NULL);
    assert_true(dup2(kept[0], STDOUT_FILENO) >= 0 && dup2(kept[1], STDERR_FILENO) >= 0);
    (void)close(quiet);
    (void)close(kept[0]);
    (void)close(kept[1]);
    return code;
}

static sotto_vec slurp(const char *name)
{
    sotto_vec text;
    sotto_vec_init(&text, 64 << 20);
    assert_int_equal(sotto_port_read_file(at(name), &text, NULL), SOTTO_OK);
    return text;
}

static void write_text(const char *name, const char *text)
{
    assert_int_equal(sotto_port_write_file(at(name), sotto_span_str(text), 0644, NULL), SOTTO_OK);
}

static uint32_t crc_of(const char *name)
{
    sotto_vec text = slurp(name);
    uint32_t crc = sotto_crc32(0, sotto_vec_span(&text));
    sotto_vec_free(&text);
    return crc;
}

static sotto_dictionary *load_dictionary(const char *path, sotto_arena *arena)
{
    sotto_vec text;
    sotto_dictionary *d;
    sotto_diag diag = {0};
    sotto_vec_init(&text, 1 << 20);
    assert_int_equal(sotto_port_read_file(path, &text, NULL), SOTTO_OK);
    if (sotto_dictionary_load(&d, sotto_vec_span(&text), path, arena, &diag) != SOTTO_OK)
        fail_msg("%s:%d: %s", diag.where, (int)diag.line, diag.text);
    sotto_vec_free(&text);
    return d;
}

/* ---- The generator ---- */

/* The first numbers of PCG32's own demonstration program (seed 42, sequence 54). */
static void test_pcg32_is_pcg32(void **state)
{
    (void)state;
    static const uint32_t FIRST[] = {0xa15c02b7, 0x7b47f409, 0xba1d3330, 0x83d2f293, 0xbfa4784b, 0xcbed606e};
    pop_random r = {.state = 0, .increment = 54 << 1 | 1};
    (void)pop_next(&r);
    r.state += 42;
    (void)pop_next(&r);
    for (size_t i = 0; i < SOTTO_COUNT(FIRST); i++)
        assert_int_equal(pop_next(&r), FIRST[i]);
}

static void test_draws(void **state)
{
    (void)state;
    pop_random r = pop_random_of(1, POP_PERSON, 7);
    unsigned counts[3] = {0};
    int64_t sum = 0, squares = 0;
    for (int i = 0; i < 30000; i++) {
        int64_t v = pop_bell(&r, 1000);
        counts[pop_below(&r, 3)]++;
        sum += v;
        squares += v * v;
    }
    for (size_t i = 0; i < 3; i++) /* 10000 expected, deviation 82 */
        assert_in_range(counts[i], 9500, 10500);
    assert_in_range(sum / 30000 + 1000, 960, 1040); /* mean 0, deviation of the mean 6 */
    assert_in_range(squares / 30000, 950000, 1050000);
    assert_int_equal(pop_scale(1000, 0), 1000);
    assert_in_range(pop_scale(1000000, 693), 1998000, 2002000); /* e^0.693 is nearly 2 */
    assert_in_range(pop_scale(1000000, -693), 499500, 500500);
    assert_int_equal(pop_scale(-1000, 0), -1000);
}

/* ---- The generated bank ---- */

static void test_same_seed_same_bytes(void **state)
{
    (void)state;
    assert_int_equal(run("population --customers 300 --arrivals 200 --examples " BANK " -o %D/a"), 0);
    assert_int_equal(run("population --customers 300 --arrivals 200 --examples " BANK " -o %D/b"), 0);
    assert_int_equal(run("population --customers 300 --seed 2 --examples " BANK " -o %D/c --json"), 0);
    assert_int_equal(crc_of("a/customers.csv"), crc_of("b/customers.csv"));
    assert_int_equal(crc_of("a/contacts.csv"), crc_of("b/contacts.csv"));
    assert_int_equal(crc_of("a/arrivals.csv"), crc_of("b/arrivals.csv"));
    assert_int_not_equal(crc_of("a/customers.csv"), crc_of("c/customers.csv"));
    /* On every machine: computed once. A change of the population is a change of these numbers. */
    assert_int_equal(crc_of("a/customers.csv"), UINT32_C(0x053845fd));
    assert_int_equal(crc_of("a/contacts.csv"), UINT32_C(0x0448c5c4));
    assert_int_equal(crc_of("a/arrivals.csv"), UINT32_C(0xf02f1a6c));
}

/* A larger bank begins with the same customers. */
static void test_more_customers_are_added_at_the_end(void **state)
{
    (void)state;
    assert_int_equal(run("population --customers 20 --examples " BANK " -o %D/small"), 0);
    assert_int_equal(run("population --customers 40 --examples " BANK " -o %D/large"), 0);
    sotto_vec small = slurp("small/customers.csv"), large = slurp("large/customers.csv");
    assert_true(large.len > small.len);
    assert_memory_equal(small.ptr, large.ptr, small.len);
    sotto_vec_free(&small);
    sotto_vec_free(&large);
}

static void test_customers_are_importable(void **state)
{
    (void)state;
    static sotto_import_plan plan;
    sotto_arena arena;
    sotto_profile profile;
    sotto_diag diag = {0};
    bool more = true;
    size_t rows = 0, imported = 0;
    sotto_arena_init(&arena, memory, sizeof memory);
    sotto_dictionary *d = load_dictionary(BANK "/dictionary.json", &arena);
    assert_int_equal(sotto_profile_init(&profile, d, &arena), SOTTO_OK);
    sotto_vec text = slurp("a/customers.csv");
    assert_int_equal(sotto_csv_open(&csv, sotto_vec_span(&text), "customers.csv", 0, NULL), SOTTO_OK);
    if (sotto_import_plan_make(&plan, &csv, d, "customer", NULL, 0, &diag) != SOTTO_OK)
        fail_msg("%s", diag.text);
    for (size_t i = 0; i < plan.columns; i++)
        imported += plan.tag_of_column[i] >= 0;
    assert_true(imported >= 30);
    while (sotto_csv_next(&csv, &more, &diag) == SOTTO_OK && more) {
        uint8_t packed[SOTTO_PROFILE_MAX];
        sotto_buf out = sotto_buf_of(packed, sizeof packed);
        rows++;
        sotto_profile_clear(&profile);
        if (sotto_import_row(&plan, &csv, 20778, &profile, &diag) != SOTTO_OK)
            fail_msg("line %d: %s", (int)diag.line, diag.text);
        assert_int_equal(sotto_profile_pack(&profile, &out), SOTTO_OK);
        assert_in_range(out.len, 100, 500);
    }
    assert_int_equal(rows, 300);
    sotto_vec_free(&text);
}

/* Column of the open table. */
static size_t column(const char *name)
{
    for (size_t i = 0; i < csv.columns; i++)
        if (sotto_span_is(csv.field[i], name))
            return i;
    fail_msg("no column %s", name);
    return 0;
}

static void test_contacts(void **state)
{
    (void)state;
    sotto_vec text = slurp("a/contacts.csv");
    char last[16] = "";
    bool more = true;
    size_t rows = 0, taken = 0;
    assert_int_equal(sotto_csv_open(&csv, sotto_vec_span(&text), "contacts.csv", 0, NULL), SOTTO_OK);
    size_t date = column("date"), label = column("taken"), rate = column("rate"), product = column("product"),
           held = column("has_savings");
    while (sotto_csv_next(&csv, &more, NULL) == SOTTO_OK && more) {
        char day[16];
        rows++;
        assert_int_equal(sotto_span_to_str(csv.field[date], day, sizeof day), SOTTO_OK);
        assert_true(strcmp(last, day) <= 0); /* in the order of time */
        strcpy(last, day);
        taken += sotto_span_is(csv.field[label], "1");
        assert_true(sotto_span_is(csv.field[label], "0") || sotto_span_is(csv.field[label], "1"));
        assert_true(csv.field[rate].len > 0);
        assert_false(sotto_span_is(csv.field[product], "saver") && sotto_span_is(csv.field[held], "1"));
    }
    assert_int_equal(rows, 30000);
    assert_in_range(taken, 2000, 6000);
    sotto_vec_free(&text);
}

static void test_a_day(void **state)
{
    (void)state;
    sotto_vec text = slurp("a/arrivals.csv");
    uint64_t numbers[256], last = 0;
    size_t rows = 0, unknown = 0, most = 0;
    bool more = true;
    assert_int_equal(sotto_csv_open(&csv, sotto_vec_span(&text), "arrivals.csv", 0, NULL), SOTTO_OK);
    assert_int_equal(csv.columns, 13);
    assert_int_equal(column("term-12"), 3);
    while (sotto_csv_next(&csv, &more, NULL) == SOTTO_OK && more) {
        uint64_t minute, ppm;
        assert_int_equal(sotto_parse_u64(csv.field[0], &minute), SOTTO_OK);
        assert_int_equal(sotto_parse_u64(csv.field[1], &numbers[rows]), SOTTO_OK);
        assert_true(minute >= last && minute >= 480 && minute < 1140);
        last = minute;
        unknown += numbers[rows] >= UINT64_C(9900000000);
        for (size_t i = 2; i < csv.columns; i++) {
            assert_int_equal(sotto_parse_u64(csv.field[i], &ppm), SOTTO_OK);
            assert_in_range(ppm, 0, POP_MILLION);
        }
        rows++;
    }
    assert_int_equal(rows, 200);
    assert_in_range(unknown, 1, 20);
    for (size_t i = 0; i < rows; i++) {
        size_t times = 0;
        for (size_t k = 0; k < rows; k++)
            times += numbers[k] == numbers[i];
        most = times > most ? times : most;
    }
    assert_true(most >= 3); /* so that caps are felt */
    sotto_vec_free(&text);
}

/* ---- From a table ---- */

static const char ROWS[] = "age;job;balance;note;y\n"
                           "25;\"clerk, junior\";10.50;x;no\n"
                           "31;boss;-3;x;yes\n"
                           "50;boss;0;x;no\n"
                           "77;\"clerk, junior\";9;x;no\n";
static const char TAGS[] =
    "{\"version\":1,\"tags\":["
    "{\"number\":1,\"id\":\"age\",\"kind\":\"count\",\"purpose\":[\"marketing\"],\"bins\":[30,60]},"
    "{\"number\":1001,\"id\":\"job\",\"kind\":\"choice\",\"purpose\":[\"marketing\"],\"choices\":[\"boss\","
    "\"clerk, "
    "junior\"]},"
    "{\"number\":3,\"id\":\"balance\",\"kind\":\"amount\",\"purpose\":[\"marketing\"],\"decimals\":2}]}";

#define FROM_TABLE "population --from %D/t.csv --label y --dictionary %D/d.json --examples " TABLE " -o %D/t "

static void test_a_table(void **state)
{
    (void)state;
    sotto_arena arena;
    static const char *const SEGMENTS[] = {"under_30", "30_44", "45_59", "60_up"};
    write_text("t.csv", ROWS);
    write_text("d.json", TAGS);
    assert_int_equal(run(FROM_TABLE), 0);
    sotto_arena_init(&arena, memory, sizeof memory);
    sotto_dictionary *d = load_dictionary(at("t/dictionary.json"), &arena);
    assert_int_equal(sotto_dictionary_count(d), 12);
    assert_int_equal(sotto_dictionary_find_number(d, 1002), 3); /* 1001 was taken by a column */
    assert_int_equal(sotto_dictionary_at(d, 0)->bin_count, 2);
    sotto_vec contacts = slurp("t/contacts.csv"), customers = slurp("t/customers.csv");
    assert_memory_equal(contacts.ptr, "age,job,balance,y\n25,\"clerk, junior\",10.50,no\n", 44);
    assert_int_equal(sotto_csv_open(&csv, sotto_vec_span(&customers), "customers.csv", 0, NULL), SOTTO_OK);
    size_t segment = column("age_segment"), rows = 0;
    (void)column("consent_profiling");
    bool more = true;
    for (; sotto_csv_next(&csv, &more, NULL) == SOTTO_OK && more; rows++)
        assert_true(sotto_span_is(csv.field[segment], SEGMENTS[rows]));
    assert_int_equal(rows, 4);
    sotto_vec_free(&contacts);
    sotto_vec_free(&customers);
}

/* The offers for any table fit the dictionary that comes of one. */
static void test_offers_for_any_table(void **state)
{
    (void)state;
    sotto_arena arena;
    sotto_diag diag = {0};
    const sotto_plan *plan;
    sotto_vec catalogue, policy;
    sotto_vec_init(&catalogue, 1 << 20);
    sotto_vec_init(&policy, 1 << 20);
    sotto_arena_init(&arena, memory, sizeof memory);
    assert_int_equal(sotto_port_read_file(TABLE "/catalogue.json", &catalogue, NULL), SOTTO_OK);
    assert_int_equal(sotto_port_read_file(TABLE "/policy.json", &policy, NULL), SOTTO_OK);
    sotto_plan_sources sources = {.dictionary = load_dictionary(at("t/dictionary.json"), &arena),
                                  .catalogue = sotto_vec_span(&catalogue),
                                  .policy = sotto_vec_span(&policy),
                                  .catalogue_name = "catalogue.json",
                                  .policy_name = "policy.json"};
    if (sotto_plan_load(&plan, &sources, &arena, &diag) != SOTTO_OK)
        fail_msg("%s:%d: %s", diag.where, (int)diag.line, diag.text);
    assert_int_equal(sotto_plan_campaigns(plan), 3);
    sotto_vec_free(&catalogue);
    sotto_vec_free(&policy);
}

static void test_bad_tables(void **state)
{
    (void)state;
    assert_int_equal(
        run("population --from %D/none.csv --label y --dictionary %D/d.json --examples " TABLE " -o %D/x"),
        4);
    assert_int_equal(
        run("population --from %D/t.csv --label z --dictionary %D/d.json --examples " TABLE " -o %D/x"), 4);
    assert_int_equal(run(FROM_TABLE "--positive maybe"), 3);
    write_text("t.csv", "age;y\n25;no\n26\n");
    assert_int_equal(run(FROM_TABLE), 3);
    write_text("t.csv", "size;y\n25;no\n26;yes\n");
    assert_int_equal(run(FROM_TABLE), 4); /* no column is a tag */
    write_text("t.csv", ROWS);
    write_text(
        "d.json",
        "{\"version\":1,\"tags\":[{\"number\":1,\"id\":\"age_segment\",\"kind\":\"count\",\"purpose\":["
        "\"marketing\"]},{\"number\":2,\"id\":\"age\",\"kind\":\"count\",\"purpose\":[\"marketing\"]}]}");
    assert_int_equal(run(FROM_TABLE), 9); /* a column with the name of a standard tag */
}

static void test_wrong_use(void **state)
{
    (void)state;
    assert_int_equal(run("population --help"), 0);
    assert_int_equal(run("population"), 2);
    assert_int_equal(run("population -o %D/x --colour red"), 2);
    assert_int_equal(run("population -o %D/x --customers 3"), 2);
    assert_int_equal(run("population -o %D/x --label y"), 2);
    assert_int_equal(run("population -o %D/x --from %D/t.csv"), 2);
    assert_int_equal(run("population -o %D/x --today tomorrow"), 2);
    assert_int_equal(run("population -o %D/x --examples %D/nowhere"), 4);
    assert_false(sotto_port_exists(at("x/customers.csv")));
}

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) == NULL ? -1 : 0;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info, (void)kind, (void)walk;
    return remove(path);
}

static int remove_dir(void **state)
{
    (void)state;
    return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pcg32_is_pcg32),
        cmocka_unit_test(test_draws),
        cmocka_unit_test(test_same_seed_same_bytes),
        cmocka_unit_test(test_more_customers_are_added_at_the_end),
        cmocka_unit_test(test_customers_are_importable),
        cmocka_unit_test(test_contacts),
        cmocka_unit_test(test_a_day),
        cmocka_unit_test(test_a_table),
        cmocka_unit_test(test_offers_for_any_table),
        cmocka_unit_test(test_bad_tables),
        cmocka_unit_test(test_wrong_use),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
