/*
 * A kiosk application in small: what a bank's own program does with Sotto's local API, played from a list of
 * arrivals.
 *
 *   kiosk-app SOCKET ARRIVALS.csv TRUTH.json [SEED]
 *
 * ARRIVALS.csv: minute,customer,<campaign id>,...; the numbers below a campaign say how likely (parts per
 * million) this customer takes that offer when it is shown. For each arrival: card_in, decide, shown, and by
 * the toss of a seeded coin taken. Now and then somebody pays in a larger sum first, until a trigger has been
 * seen. What really happened goes to TRUTH.json; the first of each kind of answer is told in words on
 * standard output.
 */
#include "sotto/codec.h"
#include "sotto/port.h"
#include "sotto/sync.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAMPAIGNS_MAX 64

typedef struct campaign {
    char id[65];
    uint64_t shown, taken;                 /* what happened */
    uint64_t counted_shown, counted_taken; /* of these, what the terminal may count for the report */
} campaign;

typedef struct app {
    sotto_client *client;
    uint64_t coin; /* state of the generator */
    campaign campaigns[CAMPAIGNS_MAX];
    size_t campaign_count;
    uint64_t arrivals, unknown, nothing, unprofiled, capped, refused;
    int64_t slowest_ms, total_ms;
    bool told_offer, told_unknown, told_unprofiled, told_capped, told_nothing, told_trigger, told_explored;
} app;

static int64_t now_ms(void)
{
    sotto_clock clock = sotto_port_clock();
    return clock.mono_ms(clock.ctx);
}

/* xorshift64* (Vigna 2016): a coin that falls the same way on every machine. */
static uint32_t toss(app *a)
{
    a->coin ^= a->coin >> 12;
    a->coin ^= a->coin << 25;
    a->coin ^= a->coin >> 27;
    return (uint32_t)((a->coin * 0x2545F4914F6CDD1Dull) >> 32);
}

/* One request; *doc is the parsed answer, to be freed by the caller, or NULL. Returns the HTTP code, or -1
 * when nothing came back. */
static int ask(app *a, const char *target, sotto_span body, sotto_json **doc)
{
    const sotto_http_message *response;
    sotto_diag diag = {0};
    *doc = NULL;
    sotto_status status =
        sotto_client_request(a->client, "POST", target, "application/json", body, &response, &diag);
    if (status == SOTTO_OK && response->body.len > 0)
        status = sotto_json_parse(doc, response->body, "answer", &diag);
    if (status != SOTTO_OK) {
        char text[512];
        sotto_diag_format(&diag, text, sizeof text);
        fprintf(stderr, "kiosk-app: %s\n", text);
        return -1;
    }
    return response->code;
}

static int send_event(app *a, sotto_span customer, const char *kind, const char *campaign_id, int64_t amount,
                      bool *counted)
{
    uint8_t memory[512];
    sotto_buf body = sotto_buf_of(memory, sizeof memory);
    sotto_json_writer w = sotto_json_writer_of(&body);
    sotto_json_obj(&w);
    sotto_json_name(&w, "customer");
    sotto_json_str(&w, customer);
    sotto_json_name(&w, "kind");
    sotto_json_cstr(&w, kind);
    if (campaign_id != NULL) {
        sotto_json_name(&w, "campaign");
        sotto_json_cstr(&w, campaign_id);
    }
    if (amount > 0) {
        sotto_json_name(&w, "amount");
        sotto_json_i64(&w, amount);
    }
    sotto_json_obj_end(&w);
    sotto_json *doc;
    int code = ask(a, "/v1/events", sotto_buf_span(&body), &doc);
    *counted = false;
    if (code == 200 && sotto_json_get_bool(sotto_json_root(doc), "counted", counted, NULL) != SOTTO_OK)
        *counted = false;
    sotto_json_free(doc);
    return code;
}

static int ask_decision(app *a, sotto_span customer, sotto_json **doc)
{
    uint8_t memory[512];
    sotto_buf body = sotto_buf_of(memory, sizeof memory);
    sotto_json_writer w = sotto_json_writer_of(&body);
    sotto_json_obj(&w);
    sotto_json_name(&w, "customer");
    sotto_json_str(&w, customer);
    sotto_json_name(&w, "offers");
    sotto_json_i64(&w, 3);
    sotto_json_name(&w, "explain");
    sotto_json_bool(&w, true);
    sotto_json_obj_end(&w);
    int64_t start_ms = now_ms();
    int code = ask(a, "/v1/decide", sotto_buf_span(&body), doc);
    int64_t took_ms = now_ms() - start_ms;
    a->total_ms += took_ms;
    if (took_ms > a->slowest_ms)
        a->slowest_ms = took_ms;
    return code;
}

/* ---- telling ---- */

static sotto_span text_of(sotto_json_node obj, const char *name)
{
    sotto_span text;
    return sotto_json_get_str(obj, name, &text, NULL) == SOTTO_OK ? text : sotto_span_str("");
}

#define SPAN(s) (int)(s).len, (const char *)(s).ptr

static bool flag_of(sotto_json_node obj, const char *name)
{
    bool value = false;
    return sotto_json_get_bool(obj, name, &value, NULL) == SOTTO_OK && value;
}

static sotto_span number_of(sotto_json_node obj, const char *name)
{
    sotto_span text = sotto_span_str("-");
    return sotto_json_as_number_text(sotto_json_member(obj, name), &text, NULL) == SOTTO_OK
               ? text
               : sotto_span_str("-");
}

static void tell_offer(sotto_json_node offer, size_t place)
{
    sotto_json_node reasons = sotto_json_member(offer, "reasons");
    printf("    %zu. %.*s", place, SPAN(text_of(offer, "title")));
    if (flag_of(offer, "notice"))
        printf(" (a notice, which comes before all offers)");
    if (text_of(offer, "trigger").len > 0)
        printf(", called for by: %.*s", SPAN(text_of(offer, "trigger")));
    if (flag_of(offer, "explored"))
        printf(", shown to learn, by a chance of %.*s", SPAN(number_of(offer, "chance")));
    if (sotto_json_count(reasons) > 0)
        printf(" (propensity %.*s)", SPAN(number_of(offer, "propensity")));
    for (size_t k = 0; k < sotto_json_count(reasons) && k < 3; k++)
        printf("%s%.*s", k == 0 ? ", moved most by: " : ", ",
               SPAN(text_of(sotto_json_at(reasons, k), "name")));
    printf("\n");
}

static void tell_offers(sotto_json_node offers)
{
    for (size_t i = 0; i < sotto_json_count(offers); i++)
        tell_offer(sotto_json_at(offers, i), i + 1);
}

/* The reason that kept back most of the others, and how many. */
static void tell_left_out(sotto_json_node answer)
{
    sotto_json_node excluded = sotto_json_member(answer, "excluded"), most = {0};
    size_t all = sotto_json_count(excluded), best = 0;
    for (size_t i = 0; i < all; i++) {
        sotto_json_node because = sotto_json_member(sotto_json_at(excluded, i), "because");
        size_t same = 0;
        for (size_t k = 0; k < all; k++)
            same +=
                sotto_span_equal(text_of(because, "code"),
                                 text_of(sotto_json_member(sotto_json_at(excluded, k), "because"), "code"));
        most = same > best ? because : most;
        best = same > best ? same : best;
    }
    if (best > 0)
        printf("    left out: %zu of %zu, %.*s\n", best, all, SPAN(text_of(most, "text")));
}

/* How many campaigns a frequency cap kept back. */
static size_t count_caps(sotto_json_node answer)
{
    sotto_json_node excluded = sotto_json_member(answer, "excluded");
    size_t caps = 0;
    for (size_t i = 0; i < sotto_json_count(excluded); i++) {
        sotto_span code = text_of(sotto_json_member(sotto_json_at(excluded, i), "because"), "code");
        caps += code.len > 4 && memcmp(code.ptr, "cap_", 4) == 0;
    }
    return caps;
}

static void tell_cap(sotto_json_node answer)
{
    sotto_json_node excluded = sotto_json_member(answer, "excluded");
    for (size_t i = 0; i < sotto_json_count(excluded); i++) {
        sotto_json_node one = sotto_json_at(excluded, i);
        sotto_span code = text_of(sotto_json_member(one, "because"), "code"), id = text_of(one, "campaign");
        sotto_span why = text_of(sotto_json_member(one, "because"), "text");
        if (code.len > 4 && memcmp(code.ptr, "cap_", 4) == 0)
            printf("    left out: %.*s, %.*s\n", SPAN(id), SPAN(why));
    }
}

/* True the first time. */
static bool once(bool *told)
{
    bool first = !*told;
    *told = true;
    return first;
}

static bool any_offer(sotto_json_node offers, bool explored)
{
    for (size_t i = 0; i < sotto_json_count(offers); i++) {
        sotto_json_node offer = sotto_json_at(offers, i);
        if (explored ? flag_of(offer, "explored") : text_of(offer, "trigger").len > 0)
            return true;
    }
    return false;
}

/* Of somebody who agreed to be profiled. */
static void tell_profiled(app *a, sotto_json_node answer, sotto_json_node offers)
{
    if (any_offer(offers, false) && once(&a->told_trigger))
        printf("  A customer who has just paid in 9,000: a trigger calls for an offer.\n");
    else if (any_offer(offers, true) && once(&a->told_explored))
        printf(
            "  A customer for whom the draw fell on learning: another offer than the best stands first.\n");
    else if (count_caps(answer) > 0 && once(&a->told_capped)) {
        printf("  A customer who has been here before today: a frequency cap holds.\n");
        tell_cap(answer);
    } else if (sotto_json_count(offers) > 0 && once(&a->told_offer))
        printf("  A customer who agreed:\n");
    else
        return;
    tell_offers(offers);
}

/* Tells the first answer of each kind, so that a reader sees one of each and not four hundred. */
static void tell(app *a, sotto_json_node answer, bool known, bool profiled)
{
    sotto_json_node offers = sotto_json_member(answer, "offers");
    if (known && sotto_json_count(offers) == 0 && once(&a->told_nothing)) {
        sotto_span why = text_of(sotto_json_member(answer, "nothing_because"), "text");
        printf("  A customer for whom nothing fits: show nothing, since %.*s.\n", SPAN(why));
    } else if (profiled)
        tell_profiled(a, answer, offers);
    else if (once(known ? &a->told_unprofiled : &a->told_unknown)) {
        printf(known ? "  A customer who did not agree to profiling: tags are not read.\n"
                     : "  A card nobody knows: no profile, only what needs none.\n");
        tell_offers(offers);
        tell_left_out(answer);
    }
}

/* ---- one arrival ---- */

static campaign *find(app *a, sotto_span id)
{
    for (size_t i = 0; i < a->campaign_count; i++)
        if (sotto_span_is(id, a->campaigns[i].id))
            return &a->campaigns[i];
    return NULL;
}

static bool show(app *a, const sotto_csv *csv, sotto_span customer, sotto_json_node offer)
{
    campaign *c = find(a, text_of(offer, "campaign"));
    uint64_t ppm = 0;
    bool counted;
    if (c == NULL)
        return true;
    if (send_event(a, customer, "shown", c->id, 0, &counted) != 200)
        return false;
    c->shown++;
    c->counted_shown += counted;
    if (sotto_parse_u64(csv->field[2 + (size_t)(c - a->campaigns)], &ppm) != SOTTO_OK)
        return false;
    if (flag_of(offer, "notice") || toss(a) % 1000000 >= ppm)
        return true;
    if (send_event(a, customer, "taken", c->id, 0, &counted) != 200)
        return false;
    c->taken++;
    c->counted_taken += counted;
    return true;
}

/* Notices, then the first offer. What is shown to somebody unknown is remembered for no one. */
static bool show_first(app *a, const sotto_csv *csv, sotto_span customer, sotto_json_node answer, bool known)
{
    sotto_json_node offers = sotto_json_member(answer, "offers");
    bool fine = true, notice = true;
    a->nothing += sotto_json_count(offers) == 0;
    for (size_t i = 0; known && notice && fine && i < sotto_json_count(offers); i++) {
        notice = flag_of(sotto_json_at(offers, i), "notice");
        fine = show(a, csv, customer, sotto_json_at(offers, i));
    }
    return fine;
}

/* A larger sum, paid in by one customer in twenty until it has called for an offer. */
static bool pay_in(app *a, sotto_span customer)
{
    bool counted;
    return a->told_trigger || a->arrivals % 20 != 0 ||
           send_event(a, customer, "deposit", NULL, 9000, &counted) == 200;
}

static bool arrive(app *a, const sotto_csv *csv)
{
    sotto_span customer = csv->field[1];
    sotto_json *doc;
    bool counted, known = false, profiled = false;
    a->arrivals++;
    int code = send_event(a, customer, "card_in", NULL, 0, &counted);
    if (code != 200 && code != 404)
        return false;
    if (code == 200 && !pay_in(a, customer))
        return false;
    if (ask_decision(a, customer, &doc) != 200) {
        a->refused++;
        sotto_json_free(doc);
        return false;
    }
    sotto_json_node answer = sotto_json_root(doc);
    bool read = sotto_json_get_bool(answer, "known", &known, NULL) == SOTTO_OK &&
                sotto_json_get_bool(answer, "profiled", &profiled, NULL) == SOTTO_OK;
    a->unknown += !known;
    a->unprofiled += known && !profiled;
    a->capped += count_caps(answer) > 0;
    tell(a, answer, known, profiled);
    bool fine = read && show_first(a, csv, customer, answer, known);
    sotto_json_free(doc);
    return fine;
}

static bool read_campaigns(app *a, const sotto_csv *csv)
{
    if (csv->columns < 3 || csv->columns - 2 > CAMPAIGNS_MAX || !sotto_span_is(csv->field[1], "customer"))
        return false;
    a->campaign_count = csv->columns - 2;
    for (size_t i = 0; i < a->campaign_count; i++)
        if (sotto_span_to_str(csv->field[i + 2], a->campaigns[i].id, sizeof a->campaigns[i].id) != SOTTO_OK)
            return false;
    return true;
}

static void put_number(sotto_json_writer *w, const char *name, uint64_t value)
{
    sotto_json_name(w, name);
    sotto_json_u64(w, value);
}

static sotto_status write_truth(const app *a, const char *path, sotto_diag *diag)
{
    static uint8_t memory[65536];
    sotto_buf out = sotto_buf_of(memory, sizeof memory);
    sotto_json_writer w = sotto_json_writer_of(&out);
    sotto_json_obj(&w);
    put_number(&w, "arrivals", a->arrivals);
    put_number(&w, "unknown", a->unknown);
    put_number(&w, "unprofiled", a->unprofiled);
    put_number(&w, "nothing", a->nothing);
    put_number(&w, "capped", a->capped);
    put_number(&w, "decide_mean_us", a->arrivals > 0 ? (uint64_t)a->total_ms * 1000 / a->arrivals : 0);
    put_number(&w, "decide_slowest_ms", (uint64_t)a->slowest_ms);
    sotto_json_name(&w, "campaigns");
    sotto_json_arr(&w);
    for (size_t i = 0; i < a->campaign_count; i++) {
        const campaign *c = &a->campaigns[i];
        sotto_json_obj(&w);
        sotto_json_name(&w, "campaign");
        sotto_json_cstr(&w, c->id);
        put_number(&w, "shown", c->shown);
        put_number(&w, "taken", c->taken);
        put_number(&w, "counted_shown", c->counted_shown);
        put_number(&w, "counted_taken", c->counted_taken);
        sotto_json_obj_end(&w);
    }
    sotto_json_arr_end(&w);
    sotto_json_obj_end(&w);
    sotto_status status = sotto_json_writer_end(&w);
    return status == SOTTO_OK ? sotto_port_write_file(path, sotto_buf_span(&out), 0644, diag) : status;
}

static sotto_status play(app *a, sotto_span arrivals, const char *name, sotto_diag *diag)
{
    static sotto_csv csv;
    bool more = true;
    sotto_status status = sotto_csv_open(&csv, arrivals, name, ',', diag);
    if (status == SOTTO_OK && !read_campaigns(a, &csv))
        return sotto_diag_set(diag, SOTTO_ERR(CODEC, MALFORMED),
                              "%s: columns must be minute,customer,CAMPAIGN...", name);
    while (status == SOTTO_OK) {
        status = sotto_csv_next(&csv, &more, diag);
        if (status != SOTTO_OK || !more)
            break;
        if (!arrive(a, &csv))
            return sotto_diag_set(diag, SOTTO_ERR(SYNC, PROTOCOL), "%s:%llu: serve refused a request", name,
                                  (unsigned long long)csv.line);
    }
    return status;
}

int main(int argc, char **argv)
{
    static app a;
    uint64_t seed = 1;
    char url[300];
    sotto_diag diag = {0};
    if (argc < 4 || argc > 5 || (argc == 5 && sotto_parse_u64(sotto_span_str(argv[4]), &seed) != SOTTO_OK)) {
        fprintf(stderr, "usage: kiosk-app SOCKET ARRIVALS.csv TRUTH.json [SEED]\n");
        return 2;
    }
    a.coin = (seed + 1) * 0x9E3779B97F4A7C15ull;
    snprintf(url, sizeof url, "unix:%s", argv[1]);
    sotto_vec file;
    sotto_vec_init(&file, 64u << 20);
    const sotto_client_config config = {.url = url, .timeout_ms = 30000, .clock = sotto_port_clock()};
    sotto_status status = sotto_port_read_file(argv[2], &file, &diag);
    if (status == SOTTO_OK)
        status = sotto_client_new(&a.client, &config, &diag);
    if (status == SOTTO_OK)
        status = play(&a, sotto_vec_span(&file), argv[2], &diag);
    if (status == SOTTO_OK)
        status = write_truth(&a, argv[3], &diag);
    sotto_client_free(a.client);
    sotto_vec_free(&file);
    if (status != SOTTO_OK) {
        char text[512];
        sotto_diag_format(&diag, text, sizeof text);
        fprintf(stderr, "kiosk-app: %s\n", text);
    }
    return sotto_status_exit_code(status);
}
