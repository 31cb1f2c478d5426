/* Totals: sums of a task, with the table of campaign, tag and outcome, when it has one, as people read
 * offers: rates, and all segments together. */
#include "totals/totals.h"

#include <stdlib.h>

static size_t row_cells(const hq_offers *offers)
{
    return offers->segment_count + 2;
}

/* The table of that form whose slowest index are campaigns. */
static void view(const sotto_task *task, hq_offers *out)
{
    for (size_t t = 0; t < task->table_count; t++) {
        const sotto_table *table = &task->table[t];
        const sotto_dimension *d = table->dimension;
        bool tag = table->dimensions == 3 && d[1].kind == SOTTO_DIMENSION_TAG && d[1].names != NULL;
        if ((table->dimensions != 2 && !tag) || d[0].kind != SOTTO_DIMENSION_CAMPAIGN ||
            d[table->dimensions - 1].kind != SOTTO_DIMENSION_OUTCOME)
            continue;
        *out = (hq_offers){.table = table,
                           .segment_tag = tag ? d[1].tag : "",
                           .campaigns = d[0].names,
                           .campaign_count = d[0].named,
                           .segments = tag ? d[1].names : NULL,
                           .segment_count = tag ? d[1].named : 0};
        return;
    }
}

static size_t cell_number(const hq_offers *offers, size_t campaign, size_t segment, size_t outcome)
{
    return offers->table->first_cell + (campaign * (offers->segment_count + 1) + segment) * SOTTO_OUTCOMES +
           outcome;
}

/* One row: `cells` segments from `segment` on, together. Both of its counts have as many draws. */
static sotto_status finish_cell(hq_totals *t, size_t campaign, size_t segment, size_t cells, hq_cell *cell)
{
    size_t shown[SOTTO_TASK_CELLS_MAX];
    uint64_t joint = 0;
    const uint32_t confidence = t->confidence_ppm;
    for (size_t i = 0; i < cells; i++) {
        shown[i] = cell_number(&t->offers, campaign, segment + i, SOTTO_OUTCOME_SHOWN);
        for (size_t o = 0; o < SOTTO_OUTCOMES; o++)
            cell->count[o] = sotto_add_sat_i64(cell->count[o], t->sums.count[shown[i] + o]);
    }
    sotto_status status = hq_sums_width(&t->sums, shown, cells, confidence, &cell->half_width);
    if (status == SOTTO_OK)
        status = hq_sums_width(&t->sums, shown, cells, confidence + (1000000 - confidence) / 2, &joint);
    cell->rate = hq_rate_of(cell->count[SOTTO_OUTCOME_TAKEN], cell->count[SOTTO_OUTCOME_SHOWN], joint);
    cell->withheld = hq_withheld(&t->sums.task, cell->count, SOTTO_OUTCOMES);
    return status;
}

static sotto_status finish(hq_totals *t)
{
    const hq_offers *offers = &t->offers;
    sotto_status status = SOTTO_OK;
    for (size_t c = 0; c < offers->campaign_count; c++) {
        hq_cell *row = &t->cell[c * row_cells(offers)];
        for (size_t g = 0; g <= offers->segment_count && status == SOTTO_OK; g++)
            status = finish_cell(t, c, g, 1, &row[g]);
        if (status == SOTTO_OK)
            status = finish_cell(t, c, 0, offers->segment_count + 1, &row[offers->segment_count + 1]);
    }
    return status;
}

sotto_status hq_totals_make(hq_totals *out, hq_registry *registry, uint64_t newest_release,
                            const hq_totals_request *request, sotto_diag *diag)
{
    const hq_sums_request wanted = {.task_id = request->task_id,
                                    .first_day = request->first_day,
                                    .last_day = request->last_day,
                                    .collected = request->collected};
    *out = (hq_totals){.confidence_ppm = request->confidence_ppm};
    sotto_status status = hq_sums_make(&out->sums, registry, newest_release, &wanted, diag);
    if (status == SOTTO_OK)
        view(&out->sums.task, &out->offers);
    if (status == SOTTO_OK && out->offers.table != NULL) {
        out->cell = calloc(out->offers.campaign_count * row_cells(&out->offers), sizeof *out->cell);
        status = out->cell != NULL
                     ? finish(out)
                     : sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for the totals");
    }
    if (status != SOTTO_OK)
        hq_totals_free(out);
    return status;
}

void hq_totals_free(hq_totals *totals)
{
    free(totals->cell);
    hq_sums_free(&totals->sums);
    *totals = (hq_totals){0};
}
