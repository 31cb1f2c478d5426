/*
 * The leader: takes sealed reports from the collector, verifies them with the helper, closes batches. What it
 * asks the helper is in its own file first, so that after a kill it asks the same again; the helper answers
 * the same again.
 */
#include "aggregate/aggregate.h"
#include "registry/sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- /v1/reports: from the collector ---- */

enum { TAKEN, KNOWN, REFUSED, LATER };

static sotto_status take_report(const aggregator *a, const sotto_split_report *r, uint64_t *code,
                                sotto_diag *diag)
{
    agg_task task;
    agg_report report = {0}, held;
    sotto_status status = agg_store_task(a->db, r->digest, &task, diag);
    sotto_wipe(&task, sizeof task);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND) {
        *code =
            LATER; /* its customers have paid: not lost because somebody has still to tell us of the task */
        return SOTTO_OK;
    }
    if (status != SOTTO_OK)
        return status;
    *code = KNOWN;
    status = agg_store_find(a->db, r->id, &held, NULL);
    if (sotto_status_cause(status) != SOTTO_CAUSE_NOT_FOUND)
        return status;
    *code = TAKEN;
    status = agg_report_copy(&report, r, diag);
    if (status == SOTTO_OK)
        status = agg_store_put(a->db, &report, diag);
    agg_report_free(&report);
    return status;
}

static void read_report(sotto_cbor_reader *r, sotto_split_report *out)
{
    *out = (sotto_split_report){0};
    if (sotto_cbor_get_array(r, 9) != 9 && r->status == SOTTO_OK)
        r->status = SOTTO_ERR(HQ, MALFORMED);
    agg_read_exact(r, out->digest, sizeof out->digest);
    agg_read_about(r, out);
    for (size_t i = 0; i < SOTTO_SPLIT_PARTIES; i++)
        out->share[i] = sotto_cbor_get_bytes(r, SOTTO_REPORT_MAX);
}

/* Refused: what the collector must hear of, and what is no trouble of ours. */
static bool is_refusal(sotto_status status)
{
    return sotto_status_cause(status) == SOTTO_CAUSE_CONFLICT;
}

static sotto_status take_reports(const aggregator *a, sotto_cbor_reader *r, size_t count, agg_message *m,
                                 sotto_diag *diag)
{
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < count && status == SOTTO_OK; i++) {
        uint64_t code = REFUSED;
        sotto_split_report report;
        sotto_diag its = {0};
        read_report(r, &report);
        if (r->status != SOTTO_OK)
            break;
        status = take_report(a, &report, &code, &its);
        bool refused = is_refusal(status);
        if (refused)
            status = SOTTO_OK;
        sotto_cbor_put_array(&m->w, 2);
        sotto_cbor_put_uint(&m->w, refused ? REFUSED : code);
        sotto_cbor_put_text(&m->w, sotto_span_str(refused || code == LATER ? its.text : ""));
        if (status != SOTTO_OK && diag != NULL)
            *diag = its;
    }
    return status == SOTTO_OK ? agg_read_end(r, "the request with reports", diag) : status;
}

sotto_status agg_leader_reports(aggregator *a, sotto_span body, sotto_vec *answer, sotto_diag *diag)
{
    agg_message m;
    sotto_vec unused = {0};
    sotto_cbor_reader r = sotto_cbor_reader_of(body);
    uint64_t count = sotto_cbor_get_array(&r, AGG_JOB);
    sotto_status status = agg_message_begin(&m, 64 + AGG_JOB * 320, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_cbor_put_array(&m.w, count);
    status = sql_transaction(a->db, diag);
    if (status == SOTTO_OK)
        status = sql_close(a->db, take_reports(a, &r, (size_t)count, &m, diag), diag);
    sotto_status ended = agg_message_end(&m, status == SOTTO_OK ? answer : &unused, NULL);
    return status == SOTTO_OK ? ended : status;
}

struct job {
    agg_task task;
    agg_report report[AGG_JOB];
    size_t count;
    bool again;    /* was set aside before */
    bool answered; /* the helper, to what it was asked last */
};

static sotto_status ask(const aggregator *a, struct job *job, const char *target, sotto_span body,
                        sotto_vec *answer, sotto_diag *diag)
{
    job->answered = false;
    return a->helper.ask(a->helper.ctx, target, body, answer, &job->answered, diag);
}

/* ---- the task's key, from two halves ---- */

static sotto_status read_part(sotto_span answer, uint8_t part[static AGG_PART_BYTES], sotto_diag *diag)
{
    sotto_cbor_reader r = sotto_cbor_reader_of(answer);
    (void)sotto_cbor_get_array(&r, 1);
    agg_read_exact(&r, part, AGG_PART_BYTES);
    return agg_read_end(&r, "the helper's answer about a task", diag);
}

static sotto_status agree_key(const aggregator *a, struct job *job, sotto_diag *diag)
{
    agg_task *task = &job->task;
    uint8_t part[AGG_PART_BYTES], key[SOTTO_PRIO3_VERIFY_KEY_BYTES];
    agg_message m;
    sotto_vec body, answer;
    if (task->has_key)
        return SOTTO_OK;
    sotto_vec_init(&body, 256);
    sotto_vec_init(&answer, 256);
    sotto_status status = agg_message_begin(&m, 256, diag);
    if (status == SOTTO_OK) {
        sotto_cbor_put_array(&m.w, 2);
        sotto_cbor_put_bytes(&m.w, sotto_span_of(task->digest, sizeof task->digest));
        sotto_cbor_put_bytes(&m.w, sotto_span_of(task->part, sizeof task->part));
        status = agg_message_end(&m, &body, diag);
    }
    if (status == SOTTO_OK)
        status = ask(a, job, "/v1/task", sotto_vec_span(&body), &answer, diag);
    if (status == SOTTO_OK)
        status = read_part(sotto_vec_span(&answer), part, diag);
    if (status == SOTTO_OK)
        status = agg_task_key(task->part, part, task->digest, key);
    if (status == SOTTO_OK)
        status = agg_store_task_key(a->db, task, key, diag);
    sotto_vec_free(&body);
    sotto_vec_free(&answer);
    sotto_wipe(key, sizeof key);
    return status;
}

/* ---- one job ---- */

static sotto_status begin_all(const aggregator *a, struct job *job, sotto_diag *diag)
{
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < job->count && status == SOTTO_OK; i++) {
        sotto_diag its = {0};
        status = agg_verify_begin(a, &job->task, &job->report[i], &its);
        agg_judge(&job->report[i], &status, &its);
        if (status != SOTTO_OK && diag != NULL)
            *diag = its;
    }
    return status;
}

static size_t still_waiting(const struct job *job)
{
    size_t count = 0;
    for (size_t i = 0; i < job->count; i++)
        count += job->report[i].state == AGG_WAITING;
    return count;
}

static void write_item(sotto_cbor_writer *w, const agg_task *task, const agg_report *report)
{
    sotto_cbor_put_array(w, 8);
    agg_write_about(w, &report->r);
    sotto_cbor_put_bytes(w, report->r.share[AGG_HELPER]);
    sotto_cbor_put_bytes(w, sotto_span_of(report->verifier, sotto_prio3_verifier_share_size(&task->prio3)));
}

static sotto_status write_job(const struct job *job, sotto_vec *body, sotto_diag *diag)
{
    agg_message m;
    size_t cap = 256;
    for (size_t i = 0; i < job->count; i++)
        cap += job->report[i].r.public_share.len + job->report[i].r.share[AGG_HELPER].len + 256 +
               sotto_prio3_verifier_share_size(&job->task.prio3);
    sotto_status status = agg_message_begin(&m, cap, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_cbor_put_array(&m.w, 2);
    sotto_cbor_put_bytes(&m.w, sotto_span_of(job->task.digest, sizeof job->task.digest));
    sotto_cbor_put_array(&m.w, still_waiting(job));
    for (size_t i = 0; i < job->count; i++)
        if (job->report[i].state == AGG_WAITING)
            write_item(&m.w, &job->task, &job->report[i]);
    return agg_message_end(&m, body, diag);
}

/* The helper's verdict on one report; accepted there, it must still fit here. */
static sotto_status take_verdict(const agg_task *task, agg_report *report, sotto_cbor_reader *r)
{
    sotto_diag its = {0};
    if (sotto_cbor_get_array(r, 2) != 2 && r->status == SOTTO_OK)
        r->status = SOTTO_ERR(HQ, MALFORMED);
    if (sotto_cbor_get_uint(r, 1) == 1) {
        sotto_span why = sotto_cbor_get_text(r, AGG_WHY_MAX);
        report->state = AGG_REFUSED;
        (void)snprintf(report->why, sizeof report->why, "helper: %.*s", (int)why.len, (const char *)why.ptr);
        return SOTTO_OK;
    }
    agg_read_exact(r, report->message, sizeof report->message);
    if (r->status != SOTTO_OK)
        return SOTTO_OK; /* told at the end of the answer */
    sotto_status status = agg_verify_end(task, report, &its);
    agg_judge(report, &status, &its);
    return status;
}

static sotto_status take_verdicts(struct job *job, sotto_span answer, sotto_diag *diag)
{
    sotto_cbor_reader r = sotto_cbor_reader_of(answer);
    sotto_status status = SOTTO_OK;
    uint64_t count = sotto_cbor_get_array(&r, AGG_JOB);
    if (r.status == SOTTO_OK && count != still_waiting(job))
        r.status = SOTTO_ERR(HQ, MALFORMED);
    for (size_t i = 0; i < job->count && status == SOTTO_OK && r.status == SOTTO_OK; i++)
        if (job->report[i].state == AGG_WAITING)
            status = take_verdict(&job->task, &job->report[i], &r);
    return status == SOTTO_OK ? agg_read_end(&r, "the helper's answer", diag) : status;
}

static sotto_status ask_helper(const aggregator *a, struct job *job, sotto_diag *diag)
{
    sotto_vec body, answer;
    if (still_waiting(job) == 0)
        return SOTTO_OK;
    sotto_vec_init(&body, AGG_BODY_MAX);
    sotto_vec_init(&answer, AGG_BODY_MAX);
    sotto_status status = write_job(job, &body, diag);
    if (status == SOTTO_OK)
        status = ask(a, job, "/v1/verify", sotto_vec_span(&body), &answer, diag);
    if (status == SOTTO_OK)
        status = take_verdicts(job, sotto_vec_span(&answer), diag);
    sotto_vec_free(&body);
    sotto_vec_free(&answer);
    return status;
}

static sotto_status keep_all(const aggregator *a, const struct job *job, sotto_diag *diag)
{
    sotto_status status = sql_transaction(a->db, diag);
    if (status != SOTTO_OK)
        return status;
    for (size_t i = 0; i < job->count && status == SOTTO_OK; i++)
        status = agg_store_judged(a->db, &job->report[i], diag);
    return sql_close(a->db, status, diag);
}

static void tell(const aggregator *a, const struct job *job)
{
    size_t verified = 0;
    for (size_t i = 0; i < job->count; i++) {
        verified += job->report[i].state == AGG_VERIFIED;
        if (job->report[i].state == AGG_REFUSED)
            sotto_log_event(a->log, SOTTO_LOG_WARN, "report.refused", "device=%s seq=%llu why=\"%s\"",
                            job->report[i].r.device, (unsigned long long)job->report[i].r.seq,
                            job->report[i].why);
    }
    sotto_log_event(a->log, SOTTO_LOG_INFO, "job.done", "verified=%zu refused=%zu", verified,
                    job->count - verified);
}

static sotto_status run_job(const aggregator *a, struct job *job, sotto_diag *diag)
{
    sotto_status status = agg_store_task(a->db, job->report[0].r.digest, &job->task, diag);
    if (status == SOTTO_OK)
        status = agree_key(a, job, diag);
    if (status == SOTTO_OK)
        status = begin_all(a, job, diag);
    if (status == SOTTO_OK)
        status = ask_helper(a, job, diag);
    if (status == SOTTO_OK)
        status = keep_all(a, job, diag);
    if (status == SOTTO_OK)
        tell(a, job);
    return status;
}

/* The helper was there, and what it said is no answer to this job. A line that is down or broken, or an
 * office without memory or disk, says nothing about the job. */
static bool is_no_answer(const struct job *job, sotto_status status)
{
    if (!job->answered)
        return false;
    switch (sotto_status_cause(status)) {
    case SOTTO_CAUSE_MALFORMED:
    case SOTTO_CAUSE_TRUNCATED:
    case SOTTO_CAUSE_RANGE:
    case SOTTO_CAUSE_PROTOCOL:
    case SOTTO_CAUSE_NOT_FOUND: /* it was not told of the task */
    case SOTTO_CAUSE_CONFLICT:  /* it agreed on another key */
        return true;
    default:
        return false;
    }
}

static sotto_status set_reports_aside(const aggregator *a, const struct job *job, const char *why,
                                      sotto_diag *diag)
{
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < job->count && status == SOTTO_OK; i++)
        status = agg_store_set_aside(a->db, job->report[i].r.id, why, diag);
    return status;
}

/* `of_task`: the helper does not know the task, or not our key: its other reports would fare the same. */
static sotto_status set_aside(aggregator *a, const struct job *job, bool of_task, const char *why,
                              sotto_diag *diag)
{
    char text[AGG_WHY_MAX];
    uint64_t count = job->count;
    (void)snprintf(text, sizeof text, "%.*s", (int)sizeof text - 1, why[0] != '\0' ? why : "no answer");
    sotto_status status = sql_transaction(a->db, diag);
    if (status != SOTTO_OK)
        return status;
    status = of_task ? agg_store_set_aside_task(a->db, job->task.digest, text, &count, diag)
                     : set_reports_aside(a, job, text, diag);
    status = sql_close(a->db, status, diag);
    if (status != SOTTO_OK)
        return status;
    if (job->again) {
        memcpy(a->place.digest, job->task.digest, sizeof a->place.digest);
        a->place.row = of_task ? INT64_MAX : job->report[job->count - 1].row;
    }
    sotto_log_event(a->log, SOTTO_LOG_ERROR, "job.set_aside", "reports=%llu tries=%d text=\"%s\"",
                    (unsigned long long)count, job->again ? 1 : AGG_TRIES, text);
    return SOTTO_OK;
}

/* Counts what failed; OK when the job was set aside, and the next one may be begun. */
static sotto_status job_failed(aggregator *a, const struct job *job, sotto_status status, sotto_diag *diag)
{
    const uint8_t *first = job->report[0].r.id;
    const bool of_task = !job->task.has_key || sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND;
    if (!is_no_answer(job, status))
        return status;
    if (!job->again) {
        a->tries = memcmp(a->tried, first, sizeof a->tried) == 0 ? a->tries + 1 : 1;
        memcpy(a->tried, first, sizeof a->tried);
        if (a->tries < AGG_TRIES)
            return status;
        a->tries = 0;
    }
    const sotto_diag why = diag != NULL ? *diag : (sotto_diag){0};
    return set_aside(a, job, of_task, why.text, diag);
}

void agg_leader_again(aggregator *a)
{
    if (a->again)
        return;
    a->again = true;
    a->place = (agg_place){.row = INT64_MIN};
}

/* What was set aside goes only when nothing else waits: however much of it there is, it holds up nobody. */
static sotto_status next_job(aggregator *a, struct job *job, sotto_diag *diag)
{
    sotto_status status = agg_store_waiting(a->db, NULL, job->report, &job->count, diag);
    if (status != SOTTO_OK || job->count > 0 || !a->again)
        return status;
    job->again = true;
    status = agg_store_waiting(a->db, &a->place, job->report, &job->count, diag);
    if (status == SOTTO_OK && job->count == 0)
        a->again = false;
    return status;
}

sotto_status agg_leader_work(aggregator *a, size_t *done, sotto_diag *diag)
{
    *done = 0;
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for a job");
    sotto_status status = next_job(a, job, diag);
    if (status == SOTTO_OK && job->count > 0) {
        status = run_job(a, job, diag);
        if (status != SOTTO_OK)
            status = job_failed(a, job, status, diag);
    }
    if (status == SOTTO_OK)
        *done = job->count;
    for (size_t i = 0; i < AGG_JOB; i++)
        agg_report_free(&job->report[i]);
    sotto_wipe(&job->task, sizeof job->task);
    free(job);
    return status;
}
