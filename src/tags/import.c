/* From CSV rows to profiles. */
#include "tags_priv.h"

#include <assert.h>

enum { SHOWN_BYTES = 64 }; /* of a column's name in a message */

static bool is_among(sotto_span column, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (sotto_span_is(column, names[i]))
            return true;
    return false;
}

static int shown_len(sotto_span text)
{
    return (int)(text.len < SHOWN_BYTES ? text.len : SHOWN_BYTES);
}

static sotto_status plan_column(sotto_import_plan *plan, const sotto_csv *header, size_t column,
                                const sotto_dictionary *d, bool ignored, sotto_diag *diag)
{
    sotto_span name = header->field[column];
    plan->tag_of_column[column] = ignored ? -1 : sotto_dictionary_find(d, name);
    if (ignored || plan->tag_of_column[column] >= 0)
        return SOTTO_OK;
    return sotto_diag_at(diag, SOTTO_ERR(TAGS, NOT_FOUND), header->name, 1,
                         "column %zu, '%.*s', is not a tag of the dictionary", column + 1, shown_len(name),
                         (const char *)name.ptr);
}

sotto_status sotto_import_plan_make(sotto_import_plan *plan, const sotto_csv *header,
                                    const sotto_dictionary *d, const char *customer_column,
                                    const char *const *ignore, size_t ignore_count, sotto_diag *diag)
{
    plan->columns = header->columns;
    plan->customer_column = SIZE_MAX;
    for (size_t i = 0; i < header->columns; i++) {
        bool is_customer = customer_column != NULL && sotto_span_is(header->field[i], customer_column);
        if (is_customer)
            plan->customer_column = i;
        bool ignored = is_customer || is_among(header->field[i], ignore, ignore_count);
        sotto_status status = plan_column(plan, header, i, d, ignored, diag);
        if (status != SOTTO_OK)
            return status;
    }
    if (customer_column != NULL && plan->customer_column == SIZE_MAX)
        return sotto_diag_at(diag, SOTTO_ERR(TAGS, NOT_FOUND), header->name, 1,
                             "there is no column '%s' with the customer number", customer_column);
    return SOTTO_OK;
}

static sotto_status parse_field(const sotto_import_plan *plan, const sotto_csv *csv, size_t column,
                                const sotto_dictionary *d, int32_t today, sotto_tag_value *out,
                                sotto_diag *diag)
{
    sotto_diag detail = {0};
    sotto_status status =
        sotto_tag_parse(&d->tags[plan->tag_of_column[column]], csv->field[column], today, out, &detail);
    if (status != SOTTO_OK)
        return sotto_diag_at(diag, status, csv->name, csv->line, "column %zu: %s", column + 1, detail.text);
    return SOTTO_OK;
}

static void store_field(sotto_profile *profile, size_t index, const sotto_tag_value *value)
{
    enum sotto_tag_from from = profile->dictionary->tags[index].from;
    bool from_event = from != SOTTO_FROM_IMPORT && from < SOTTO_FROM_SEGMENT;
    if (!from_event || !profile->values[index].present)
        profile->values[index] = *value;
}

/* Twice over the row, so that a bad field leaves the profile as it was. */
sotto_status sotto_import_row(const sotto_import_plan *plan, const sotto_csv *csv, int32_t today,
                              sotto_profile *profile, sotto_diag *diag)
{
    assert(csv->count == plan->columns);
    sotto_tag_value value;
    for (size_t i = 0; i < plan->columns; i++) {
        if (plan->tag_of_column[i] < 0)
            continue;
        sotto_status status = parse_field(plan, csv, i, profile->dictionary, today, &value, diag);
        if (status != SOTTO_OK)
            return status;
    }
    for (size_t i = 0; i < plan->columns; i++) {
        if (plan->tag_of_column[i] < 0)
            continue;
        sotto_status status = parse_field(plan, csv, i, profile->dictionary, today, &value, diag);
        if (status != SOTTO_OK)
            return status;
        store_field(profile, (size_t)plan->tag_of_column[i], &value);
    }
    return SOTTO_OK;
}
