/* The words of decide, event and forget, and the JSON that they ask for. */
#include "commands/words.h"
#include "config/args.h"

#include "sotto/history.h"

#include <stdio.h>
#include <string.h>

static bool take_word(kiosk_words *w, int argc, char **argv, int *i)
{
    const struct {
        const char *name;
        const char **value;
    } option[] = {{"--customer", &w->customer},
                  {"--offers", &w->offers},
                  {"--slot", &w->slot},
                  {"--channel", &w->channel},
                  {"--language", &w->language},
                  {"--kind", &w->kind},
                  {"--campaign", &w->campaign},
                  {"--at", &w->at},
                  {"--id", &w->id},
                  {"--amount", &w->amount},
                  {"--balance", &w->balance},
                  {"--product", &w->product},
                  {"--page", &w->page},
                  {"--due", &w->due}};
    for (size_t k = 0; k < SOTTO_COUNT(option); k++) {
        const char *value = kiosk_option(argc, argv, i, option[k].name);
        if (value != NULL) {
            *option[k].value = value;
            return true;
        }
    }
    w->explain = w->explain || strcmp(argv[*i], "--explain") == 0;
    w->json = w->json || strcmp(argv[*i], "--json") == 0;
    w->lines = w->lines || strcmp(argv[*i], "-") == 0;
    return strcmp(argv[*i], "--explain") == 0 || strcmp(argv[*i], "--json") == 0 ||
           strcmp(argv[*i], "-") == 0;
}

/* allowed: names, each between two spaces. */
static bool is_allowed(const char *allowed, const char *word)
{
    char name[32];
    int len = snprintf(name, sizeof name, " %.*s ", (int)strcspn(word, "="), word);
    return len > 2 && (size_t)len < sizeof name && strstr(allowed, name) != NULL;
}

bool kiosk_take_words(kiosk_words *w, int argc, char **argv, const char *allowed)
{
    *w = (kiosk_words){.command = argv[0]};
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (!is_allowed(allowed, word) || !take_word(w, argc, argv, &i)) {
            (void)kiosk_usage_at(argv[0], word,
                                 word[0] == '-'
                                     ? "unknown option, or one without its value"
                                     : "what it says stands behind an option, as --customer NUMBER");
            return false;
        }
    }
    return true;
}

static void put_text(sotto_json_writer *j, const char *name, const char *value)
{
    if (value == NULL)
        return;
    sotto_json_name(j, name);
    sotto_json_cstr(j, value);
}

/* Money as a JSON number: what is none goes as a text and is refused by name. */
static void put_money(sotto_json_writer *j, const char *name, const char *value)
{
    int64_t money;
    if (value == NULL)
        return;
    sotto_json_name(j, name);
    if (sotto_fixed_parse_decimal(sotto_span_str(value), SOTTO_EVENT_DECIMALS, &money) == SOTTO_OK)
        sotto_json_decimal(j, money, SOTTO_EVENT_DECIMALS);
    else
        sotto_json_cstr(j, value);
}

sotto_status kiosk_words_request(const kiosk_words *w, sotto_buf *out)
{
    sotto_json_writer j = sotto_json_writer_of(out);
    sotto_json_obj(&j);
    put_text(&j, "customer", w->customer);
    put_text(&j, "slot", w->slot);
    put_text(&j, "channel", w->channel);
    put_text(&j, "language", w->language);
    put_text(&j, "kind", w->kind);
    put_text(&j, "campaign", w->campaign);
    put_text(&j, "at", w->at);
    put_text(&j, "id", w->id);
    put_money(&j, "amount", w->amount);
    put_money(&j, "balance", w->balance);
    put_text(&j, "product", w->product);
    put_text(&j, "page", w->page);
    put_text(&j, "due", w->due);
    int64_t offers = 0;
    if (w->offers != NULL && sotto_parse_i64(sotto_span_str(w->offers), &offers) == SOTTO_OK) {
        sotto_json_name(&j, "offers");
        sotto_json_i64(&j, offers);
    }
    if (w->explain) {
        sotto_json_name(&j, "explain");
        sotto_json_bool(&j, true);
    }
    sotto_json_obj_end(&j);
    return sotto_json_writer_end(&j);
}
