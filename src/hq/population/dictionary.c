/* The dictionary of a table's columns, with the tags that policies and measurement need. */
#include "office/day.h"
#include "population/population.h"

#include <stdlib.h>
#include <string.h>

static const char *const SEGMENTS[] = {"under_30", "30_44", "45_59", "60_up", "all"};

#define FOR_SERVICE (SOTTO_PURPOSE_SERVICE)
#define FOR_BOTH    (SOTTO_PURPOSE_SERVICE | SOTTO_PURPOSE_MARKETING)
#define FOR_ALL     (SOTTO_PURPOSE_SERVICE | SOTTO_PURPOSE_MARKETING | SOTTO_PURPOSE_MEASUREMENT)

static const sotto_tag STANDARD[] = {
    {.id = "age_segment",
     .name = "Age group",
     .kind = SOTTO_TAG_CHOICE,
     .facet = SOTTO_FACET_FIXED,
     .purposes = FOR_ALL,
     .aggregate = true,
     .choices = SEGMENTS,
     .choice_count = SOTTO_COUNT(SEGMENTS)},
    {.id = "risk_grade",
     .name = "Risk grade",
     .kind = SOTTO_TAG_COUNT,
     .facet = SOTTO_FACET_FIXED,
     .purposes = FOR_BOTH},
    {.id = "consent_profiling",
     .name = "Agrees to be profiled",
     .kind = SOTTO_TAG_FLAG,
     .facet = SOTTO_FACET_FIXED,
     .purposes = FOR_SERVICE},
    {.id = "consent_measurement",
     .name = "Agrees to be counted",
     .kind = SOTTO_TAG_FLAG,
     .facet = SOTTO_FACET_FIXED,
     .purposes = FOR_SERVICE},
    {.id = "visits_30",
     .name = "Days at a terminal, of 30",
     .kind = SOTTO_TAG_COUNT,
     .facet = SOTTO_FACET_DYNAMIC,
     .purposes = FOR_BOTH,
     .from = SOTTO_FROM_VISIT_DAYS_30},
    {.id = "visit_last",
     .name = "Last at a terminal",
     .kind = SOTTO_TAG_DATE,
     .facet = SOTTO_FACET_DYNAMIC,
     .purposes = FOR_BOTH,
     .from = SOTTO_FROM_VISIT_LAST},
    {.id = "offer_last",
     .name = "Last offer shown",
     .kind = SOTTO_TAG_DATE,
     .facet = SOTTO_FACET_DYNAMIC,
     .purposes = FOR_BOTH,
     .from = SOTTO_FROM_OFFER_LAST},
    {.id = "offers_shown",
     .name = "Offers shown",
     .kind = SOTTO_TAG_COUNT,
     .facet = SOTTO_FACET_DYNAMIC,
     .purposes = FOR_BOTH,
     .from = SOTTO_FROM_OFFER_COUNT},
    {.id = "offers_taken",
     .name = "Offers taken",
     .kind = SOTTO_TAG_COUNT,
     .facet = SOTTO_FACET_DYNAMIC,
     .purposes = FOR_BOTH,
     .from = SOTTO_FROM_TAKEN_COUNT},
};

static void write_str(sotto_json_writer *w, const char *name, const char *text)
{
    sotto_json_name(w, name);
    sotto_json_cstr(w, text);
}

static void write_purposes(sotto_json_writer *w, unsigned purposes)
{
    static const char *const NAMES[] = {"service", "marketing", "measurement"};
    sotto_json_name(w, "purpose");
    sotto_json_arr(w);
    for (size_t i = 0; i < SOTTO_COUNT(NAMES); i++)
        if ((purposes >> i & 1) != 0)
            sotto_json_cstr(w, NAMES[i]);
    sotto_json_arr_end(w);
}

static void write_bins(sotto_json_writer *w, const sotto_tag *tag)
{
    sotto_json_name(w, "bins");
    sotto_json_arr(w);
    for (size_t i = 0; i < tag->bin_count; i++) {
        char day[11];
        if (tag->kind != SOTTO_TAG_DATE) {
            sotto_json_decimal(w, tag->bins[i], tag->decimals);
            continue;
        }
        hq_day_format(tag->bins[i], day);
        sotto_json_cstr(w, day);
    }
    sotto_json_arr_end(w);
}

static void write_choices(sotto_json_writer *w, const sotto_tag *tag)
{
    sotto_json_name(w, "choices");
    sotto_json_arr(w);
    for (size_t i = 0; i < tag->choice_count; i++)
        sotto_json_cstr(w, tag->choices[i]);
    sotto_json_arr_end(w);
}

static void write_tag(sotto_json_writer *w, const sotto_tag *tag, uint16_t number)
{
    static const char *const KINDS[] = {"", "flag", "choice", "count", "amount", "date", "text"};
    static const char *const FACETS[] = {"", "fixed", "interest", "social", "consumption", "dynamic"};
    static const char *const FROMS[] = {"",           "visit.last",  "visit.days_30",
                                        "offer.last", "offer.count", "taken.count"};
    sotto_json_obj(w);
    sotto_json_name(w, "number");
    sotto_json_u64(w, number);
    write_str(w, "id", tag->id);
    write_str(w, "name", tag->name);
    write_str(w, "kind", KINDS[tag->kind]);
    write_str(w, "facet", FACETS[tag->facet]);
    write_purposes(w, tag->purposes);
    sotto_json_name(w, "ttl_days");
    sotto_json_u64(w, tag->ttl_days);
    sotto_json_name(w, "aggregate");
    sotto_json_bool(w, tag->aggregate);
    if (tag->kind == SOTTO_TAG_AMOUNT) {
        sotto_json_name(w, "decimals");
        sotto_json_u64(w, tag->decimals);
    }
    if (tag->kind == SOTTO_TAG_CHOICE)
        write_choices(w, tag);
    if (tag->bin_count > 0)
        write_bins(w, tag);
    if (tag->from != SOTTO_FROM_IMPORT)
        write_str(w, "from", FROMS[tag->from]);
    sotto_json_obj_end(w);
}

static sotto_status check_names(const sotto_dictionary *d, const char *name, sotto_diag *diag)
{
    for (size_t i = 0; i < SOTTO_COUNT(STANDARD); i++)
        if (sotto_dictionary_find(d, sotto_span_str(STANDARD[i].id)) >= 0)
            return sotto_diag_at(
                diag, SOTTO_ERR(HQ, CONFLICT), name, 0,
                "tag '%s' has the name of a standard tag: rename the column, or leave it out with --drop",
                STANDARD[i].id);
    if (sotto_dictionary_count(d) + SOTTO_COUNT(STANDARD) > SOTTO_TAGS_MAX)
        return sotto_diag_at(diag, SOTTO_ERR(HQ, RANGE), name, 0, "no room for %zu standard tags in %d",
                             SOTTO_COUNT(STANDARD), SOTTO_TAGS_MAX);
    return SOTTO_OK;
}

/* Free numbers from 1001 up, so that a table with a column more keeps the standard tags' numbers. */
static void write_all(sotto_json_writer *w, const sotto_dictionary *d)
{
    uint16_t number = 1001;
    sotto_json_obj(w);
    sotto_json_name(w, "version");
    sotto_json_u64(w, 1);
    sotto_json_name(w, "tags");
    sotto_json_arr(w);
    for (size_t i = 0; i < sotto_dictionary_count(d); i++)
        write_tag(w, sotto_dictionary_at(d, i), sotto_dictionary_at(d, i)->number);
    for (size_t i = 0; i < SOTTO_COUNT(STANDARD); i++) {
        while (sotto_dictionary_find_number(d, number) >= 0)
            number++;
        write_tag(w, &STANDARD[i], number++);
    }
    sotto_json_arr_end(w);
    sotto_json_obj_end(w);
}

sotto_status pop_dictionary_write(const sotto_dictionary *d, const char *name, sotto_vec *out,
                                  sotto_diag *diag)
{
    enum { JSON_MAX = 16 << 20 };
    sotto_status status = check_names(d, name, diag);
    uint8_t *memory = status == SOTTO_OK ? malloc(JSON_MAX) : NULL;
    if (status != SOTTO_OK || memory == NULL)
        return status != SOTTO_OK ? status : hq_no_memory(diag);
    sotto_buf buf = sotto_buf_of(memory, JSON_MAX);
    sotto_json_writer w = sotto_json_writer_of(&buf);
    write_all(&w, d);
    status = sotto_json_writer_end(&w);
    if (status == SOTTO_OK)
        status = sotto_vec_put(out, buf.ptr, buf.len);
    if (status == SOTTO_OK)
        status = pop_put(out, "\n");
    free(memory);
    return status == SOTTO_OK ? status : sotto_diag_set(diag, status, "the dictionary does not fit");
}
