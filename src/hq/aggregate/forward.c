/* forward: the collector hands reports of mode B on to the leader. It knows who sent what, and cannot open a
 * share. */
#include "aggregate/aggregate.h"
#include "office/office.h"

#include <stdio.h>
#include <string.h>

struct forwarding {
    const char *dir, *office, *peer_url;
    hq_registry *db, *registry;
    agg_line line;
    agg_report report[AGG_JOB];
    int64_t at[AGG_JOB]; /* its row */
    size_t count, seen;
    int64_t row, held; /* held: the row before the first report that the leader cannot take yet; -1 = none */
    uint64_t taken, known, refused, later;
    sotto_diag *diag;
};

static sotto_status take(void *ctx, int64_t row, sotto_span sealed)
{
    struct forwarding *f = ctx;
    sotto_split_report r;
    sotto_report head;
    f->row = row;
    f->seen++;
    if (!sotto_split_is(sealed))
        return SOTTO_OK;
    sotto_status status = sotto_split_read(&r, &head, sealed, f->diag);
    if (status == SOTTO_OK)
        status = agg_report_copy(&f->report[f->count], &r, f->diag);
    f->at[f->count] = row;
    f->count += status == SOTTO_OK;
    return status;
}

static sotto_status write_reports(const struct forwarding *f, sotto_vec *body)
{
    agg_message m;
    sotto_status status = agg_message_begin(&m, 64 + f->count * (SOTTO_REPORT_MAX + 512), f->diag);
    if (status != SOTTO_OK)
        return status;
    sotto_cbor_put_array(&m.w, f->count);
    for (size_t i = 0; i < f->count; i++) {
        const sotto_split_report *r = &f->report[i].r;
        sotto_cbor_put_array(&m.w, 9);
        sotto_cbor_put_bytes(&m.w, sotto_span_of(r->digest, sizeof r->digest));
        agg_write_about(&m.w, r);
        for (size_t k = 0; k < SOTTO_SPLIT_PARTIES; k++)
            sotto_cbor_put_bytes(&m.w, r->share[k]);
    }
    return agg_message_end(&m, body, f->diag);
}

static sotto_status read_answer(struct forwarding *f, sotto_span answer)
{
    sotto_cbor_reader r = sotto_cbor_reader_of(answer);
    uint64_t count = sotto_cbor_get_array(&r, AGG_JOB);
    if (r.status == SOTTO_OK && count != f->count)
        r.status = SOTTO_ERR(HQ, MALFORMED);
    for (size_t i = 0; i < f->count && r.status == SOTTO_OK; i++) {
        (void)sotto_cbor_get_array(&r, 2);
        uint64_t code = sotto_cbor_get_uint(&r, 3);
        sotto_span why = sotto_cbor_get_text(&r, 256);
        f->taken += code == 0 && r.status == SOTTO_OK;
        f->known += code == 1;
        f->refused += code == 2;
        f->later += code == 3;
        if (code == 3 && f->held < 0)
            f->held = f->at[i] - 1;
        if (code >= 2)
            fprintf(stderr, "sotto-hq: %s, report %llu: %.*s\n", f->report[i].r.device,
                    (unsigned long long)f->report[i].r.seq, (int)why.len, (const char *)why.ptr);
    }
    return agg_read_end(&r, "the leader's answer", f->diag);
}

static sotto_status send_some(struct forwarding *f)
{
    sotto_vec body, answer;
    if (f->count == 0)
        return SOTTO_OK;
    sotto_vec_init(&body, AGG_BODY_MAX);
    sotto_vec_init(&answer, AGG_BODY_MAX);
    sotto_status status = write_reports(f, &body);
    if (status == SOTTO_OK)
        status = agg_line_ask(&f->line, "/v1/reports", sotto_vec_span(&body), &answer, NULL, f->diag);
    if (status == SOTTO_OK)
        status = read_answer(f, sotto_vec_span(&answer));
    sotto_vec_free(&body);
    sotto_vec_free(&answer);
    return status;
}

/* The place is moved on only when the leader has answered, and never past a report that it cannot take yet
 * (of a task that it was not told of): the same are sent again, and those it took are known there. */
static sotto_status forward_all(struct forwarding *f)
{
    sotto_status status = agg_store_forwarded(f->db, &f->row, f->diag);
    do {
        f->count = f->seen = 0;
        if (status == SOTTO_OK)
            status = hq_registry_sealed(f->registry, f->row, AGG_JOB, take, f, f->diag);
        if (status == SOTTO_OK)
            status = send_some(f);
        if (status == SOTTO_OK)
            status = agg_store_set_forwarded(f->db, f->held >= 0 ? f->held : f->row, f->diag);
        for (size_t i = 0; i < f->count; i++)
            agg_report_free(&f->report[i]);
    } while (status == SOTTO_OK && f->seen == AGG_JOB);
    return status;
}

static sotto_status forward(struct forwarding *f)
{
    sotto_status status = sotto_vault_start(f->diag);
    if (status == SOTTO_OK)
        status = agg_party_db(f->dir, false, &f->db, f->diag);
    if (status == SOTTO_OK)
        status = hq_office_registry(f->office, &f->registry, f->diag);
    if (status == SOTTO_OK)
        status = agg_line_open(&f->line, f->dir, AGG_LEADER, f->peer_url, f->diag);
    if (status == SOTTO_OK)
        status = forward_all(f);
    agg_line_close(&f->line);
    hq_registry_close(f->registry);
    hq_registry_close(f->db);
    return status;
}

int agg_cmd_forward(int argc, char **argv)
{
    static struct forwarding f;
    bool as_json = false;
    sotto_diag diag = {0};
    f = (struct forwarding){.diag = &diag, .held = -1};
    const hq_option options[] = {{"--dir", HQ_TEXT, &f.dir, .required = true},
                                 {"--office", HQ_TEXT, &f.office, .required = true},
                                 {"--peer", HQ_TEXT, &f.peer_url, .required = true},
                                 {"--json", HQ_FLAG, &as_json, .required = false}};
    if (!hq_options(argc, argv, options, SOTTO_COUNT(options)))
        return 2;
    sotto_status status = forward(&f);
    if (status != SOTTO_OK)
        return hq_fail(status, &diag);
    const char *form =
        as_json
            ? "{\"taken\":%llu,\"known\":%llu,\"refused\":%llu,\"later\":%llu}\n"
            : "%llu reports handed to the leader, %llu it had already, %llu refused, %llu kept for later: "
              "the leader does not know their task.\n";
    printf(form, (unsigned long long)f.taken, (unsigned long long)f.known, (unsigned long long)f.refused,
           (unsigned long long)f.later);
    return 0;
}
