/* sotto-hq recommend train: purchases in, items.sotto out. */
#include "recommend/recommend.h"

#include <stdlib.h>
#include <string.h>

static const char HELP[] =
    "sotto-hq recommend train: learn which product goes with which\n"
    "\n"
    "  sotto-hq recommend train PURCHASES.csv -o items.sotto\n"
    "  sotto-hq recommend train sales.csv --customer id --time day --item product \\\n"
    "           --segment group -o items.sotto\n"
    "\n"
    "  PURCHASES.csv       a row for each thing bought; also .xz\n"
    "  --customer COLUMN   who (user_id)\n"
    "  --time COLUMN       when, YYYY-MM-DD or YYYY-MM-DD hh:mm:ss (event_time)\n"
    "  --item COLUMN       what: the product's id in the catalogue (item_id)\n"
    "  --event COLUMN      rows with the same are one purchase (event_id, when there)\n"
    "  --segment COLUMN    the customer's segment: popularity is learned for each\n"
    "  --method WORD       auto, next (what follows what, closed form), ease, knn, popular (auto)\n"
    "  --kind WORD         matrix, embedding8 or embedding16: two short vectors an item, of 8 or 16\n"
    "                      bits (matrix)\n"
    "  --dims N            of the embeddings, 1 to 64 (chosen like the settings)\n"
    "  --holdout PERCENT   the last purchases, by which settings are chosen; then all are learned (10)\n"
    "  --seed N            of the lists that settings are judged by (1)\n"
    "  -o FILE             where to write\n"
    "  --json              figures as JSON\n";

typedef struct train_options {
    const char *file, *out, *method, *kind;
    int64_t holdout, seed, dims;
    bool json;
    rec_options log;
} train_options;

typedef struct train_report {
    const train_options *o;
    rec_choice choice;
    rec_embedding embedding;
    size_t purchases, customers, items, segments, bytes;
} train_report;

static sotto_status find_method(const char *name, enum rec_method *out, sotto_diag *diag)
{
    *out = REC_METHODS;
    if (strcmp(name, "auto") == 0)
        return SOTTO_OK;
    for (size_t i = 0; i < REC_METHODS; i++)
        if (strcmp(name, rec_method_names[i]) == 0) {
            *out = (enum rec_method)i;
            return SOTTO_OK;
        }
    return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "--method is auto, next, ease, knn or popular");
}

static sotto_status find_kind(const train_options *o, rec_wish *wish, sotto_diag *diag)
{
    static const char *const NAMES[] = {"matrix", "embedding8", "embedding16"}; /* of 0, 1, 2 bytes */
    *wish = (rec_wish){.dims = (size_t)o->dims, .percent = o->holdout, .seed = o->seed};
    size_t kind = 0;
    while (kind < SOTTO_COUNT(NAMES) && strcmp(o->kind, NAMES[kind]) != 0)
        kind++;
    wish->width = kind;
    if (kind == SOTTO_COUNT(NAMES))
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "--kind is matrix, embedding8 or embedding16");
    if (kind == 0 && o->dims > 0)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "--dims needs --kind embedding8 or embedding16");
    return find_method(o->method, &wish->only, diag);
}

static sotto_status write_file(train_report *r, const rec_matrix *m, const rec_log *log, sotto_diag *diag)
{
    rec_embedding *e = &r->embedding;
    const rec_settings *s = &r->choice.best;
    char source[512], shape[64] = "";
    sotto_vec out;
    sotto_vec_init(&out, 16u << 20);
    if (e->dims > 0)
        (void)snprintf(shape, sizeof shape, "kind=%s\ndims=%zu\n", r->o->kind, e->dims);
    (void)snprintf(source, sizeof source,
                   "method=%s\nstrength=%g\nhistory_days=%g\nevent_days=%g\npopular_days=%g\npurchases=%zu\n"
                   "customers=%zu\n%s",
                   rec_method_names[s->method], s->strength, s->history_days, s->event_days, s->popular_days,
                   r->purchases, r->customers, shape);
    sotto_status status = rec_write(m, e->dims > 0 ? e : NULL, log, s, source, &out, diag);
    if (status == SOTTO_OK)
        status = sotto_port_write_file(r->o->out, sotto_vec_span(&out), 0644, diag);
    r->bytes = out.len;
    sotto_vec_free(&out);
    return status;
}

/* Vectors of m, and in m the constants that go with them. */
static sotto_status embed(train_report *r, rec_matrix *m, const rec_wish *wish, sotto_diag *diag)
{
    rec_factors f;
    rec_matrix reduced;
    size_t dims = r->choice.dims;
    if (dims == 0)
        return SOTTO_OK;
    sotto_status status = rec_factors_init(&f, m, diag);
    if (status == SOTTO_OK)
        status = rec_embedding_init(&r->embedding, &f, dims, wish->width, diag);
    if (status == SOTTO_OK)
        status = rec_matrix_init(&reduced, m->items, 0, diag);
    if (status == SOTTO_OK) {
        rec_reduce(&f, dims, &reduced);
        memcpy(m->constant, reduced.constant, m->items * sizeof *m->constant);
        rec_matrix_free(&reduced);
    }
    rec_factors_free(&f);
    return status;
}

static sotto_status learn_all(train_report *r, const rec_log *log, const rec_wish *wish, sotto_diag *diag)
{
    rec_matrix m = {.items = 0};
    r->purchases = log->count;
    r->customers = log->customers;
    r->items = log->items;
    r->segments = log->segments;
    sotto_status status = rec_choose(&r->choice, log, wish, diag);
    if (status == SOTTO_OK)
        status = rec_matrix_init(&m, log->items, log->segments, diag);
    if (status == SOTTO_OK)
        status = rec_learn(&m, log, log->count, &r->choice.best, diag);
    if (status == SOTTO_OK)
        status = embed(r, &m, wish, diag);
    if (status == SOTTO_OK)
        status = write_file(r, &m, log, diag);
    rec_matrix_free(&m);
    return status;
}

static void json_quality(sotto_json_writer *w, const char *name, const rec_quality *q)
{
    sotto_json_name(w, name);
    sotto_json_obj(w);
    eval_json_u64(w, "lists", q->lists);
    learn_json_real(w, "hr3", q->hit, 6);
    learn_json_real(w, "mrr3", q->reciprocal, 6);
    sotto_json_obj_end(w);
}

static void fill(sotto_json_writer *w, const void *ctx)
{
    const train_report *r = ctx;
    const rec_settings *s = &r->choice.best;
    eval_json_u64(w, "purchases", r->purchases);
    eval_json_u64(w, "customers", r->customers);
    eval_json_u64(w, "items", r->items);
    eval_json_u64(w, "segments", r->segments);
    eval_json_u64(w, "bytes", r->bytes);
    eval_json_u64(w, "tried", r->choice.tried);
    eval_json_str(w, "method", rec_method_names[s->method]);
    learn_json_real(w, "strength", s->strength, 4);
    learn_json_real(w, "history_days", s->history_days, 2);
    learn_json_real(w, "event_days", s->event_days, 2);
    learn_json_real(w, "popular_days", s->popular_days, 2);
    eval_json_str(w, "kind", r->o->kind);
    if (r->choice.dims > 0) {
        eval_json_u64(w, "dims", r->choice.dims);
        learn_json_real(w, "error_left_out", r->embedding.left_out, 8);
        learn_json_real(w, "error_integers", r->embedding.rounded, 8);
        json_quality(w, "known_embedded", &r->choice.embedded);
    }
    json_quality(w, "known", &r->choice.known);
    json_quality(w, "known_popularity", &r->choice.known_popular);
    json_quality(w, "new", &r->choice.fresh);
    json_quality(w, "new_popularity", &r->choice.fresh_plain);
}

static void tell_quality(const char *who, const rec_quality *q, const rec_quality *popular)
{
    printf("  %-6s %7zu purchases   HR@3 %.4f (popularity %.4f)   MRR@3 %.4f (%.4f)\n", who, q->lists, q->hit,
           popular->hit, q->reciprocal, popular->reciprocal);
}

static const char *half_life(double days, char out[static 32])
{
    if (days > 0)
        (void)snprintf(out, 32, "%g days", days);
    else
        (void)snprintf(out, 32, "none");
    return out;
}

static void tell_embedding(const train_report *r)
{
    printf("%s, %zu dimensions: an entry of the matrix is off by %.6f at most by the dimensions left out, by "
           "%.6f by "
           "the integers\n",
           r->o->kind, r->choice.dims, r->embedding.left_out, r->embedding.rounded);
    tell_quality("known", &r->choice.embedded, &r->choice.known_popular);
}

static sotto_status tell(const train_report *r, sotto_diag *diag)
{
    char purchases[32], customers[32], days[3][32];
    const rec_settings *s = &r->choice.best;
    if (r->o->json)
        return eval_json_report(fill, r, diag);
    printf("%s purchases of %zu items by %s customers\n", learn_grouped(r->purchases, purchases), r->items,
           learn_grouped(r->customers, customers));
    printf("of %zu settings the best in the last %lld %% of the purchases: %s, strength %g\n",
           r->choice.tried, (long long)r->o->holdout, rec_method_names[s->method], s->strength);
    printf("  half-lives: what is held %s, purchases learned from %s, popularity %s\n",
           half_life(s->history_days, days[0]), half_life(s->event_days, days[1]),
           half_life(s->popular_days, days[2]));
    tell_quality("known", &r->choice.known, &r->choice.known_popular);
    tell_quality("new", &r->choice.fresh, &r->choice.fresh_plain);
    if (r->choice.dims > 0)
        tell_embedding(r);
    printf("  (lists from which a third of what was not bought is left out by chance)\n");
    printf("%s: %zu bytes, learned from all of them\n", r->o->out, r->bytes);
    return learn_flush(diag);
}

static sotto_status run(const train_options *o, sotto_diag *diag)
{
    rec_log log = {.count = 0};
    train_report r = {.o = o};
    rec_wish wish;
    sotto_status status = find_kind(o, &wish, diag);
    if (status == SOTTO_OK)
        status = rec_log_read(&log, o->file, NULL, &o->log, diag);
    if (status == SOTTO_OK)
        status = learn_place(learn_all(&r, &log, &wish, diag), o->file, diag);
    if (status == SOTTO_OK)
        status = tell(&r, diag);
    rec_embedding_free(&r.embedding);
    rec_log_free(&log);
    return status;
}

int rec_cmd_train(int argc, char **argv)
{
    sotto_diag diag = {.status = SOTTO_OK};
    train_options o = {.method = "auto", .kind = "matrix", .holdout = 10, .seed = 1};
    const hq_option table[] = {{"a file", HQ_POSITION, &o.file, true, 0, 0},
                               {"-o", HQ_TEXT, &o.out, true, 0, 0},
                               {"--method", HQ_TEXT, &o.method, false, 0, 0},
                               {"--kind", HQ_TEXT, &o.kind, false, 0, 0},
                               {"--dims", HQ_NUMBER, &o.dims, false, 1, SOTTO_ITEMS_DIMS_MAX},
                               {"--holdout", HQ_NUMBER, &o.holdout, false, 1, 50},
                               {"--seed", HQ_NUMBER, &o.seed, false, 0, INT32_MAX},
                               {"--json", HQ_FLAG, &o.json, false, 0, 0},
                               REC_OPTIONS(&o.log)};
    if (hq_help(argc, argv, HELP))
        return 0;
    sotto_status status = hq_parse(argc, argv, table, SOTTO_COUNT(table), &diag);
    if (status == SOTTO_OK)
        status = run(&o, &diag);
    return learn_finish(status, &diag);
}
