/* sotto model score: a model's scores of a table's rows, the same bytes as sotto-hq model predict prints.
 * Needs no configuration, store or key. */
#include "commands.h"
#include "config/args.h"

#include "sotto/predict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const size_t FILE_MAX = (size_t)1 << 28;

typedef struct words {
    const char *model, *rows;
    sotto_predict_options options;
} words;

static bool take_words(words *w, int argc, char **argv)
{
    w->options.why_output = SOTTO_PREDICT_ALL;
    for (int i = 2; i < argc; i++) {
        uint64_t output = 0;
        if (strcmp(argv[i], "--leaves") == 0)
            w->options.leaves = true;
        else if (strcmp(argv[i], "--why") == 0)
            w->options.why = true;
        else if (strcmp(argv[i], "--class") == 0 && i + 1 < argc &&
                 sotto_parse_u64(sotto_span_str(argv[i + 1]), &output) == SOTTO_OK && output < SIZE_MAX) {
            w->options.why_output = (size_t)output;
            i++;
        } else if (argv[i][0] == '-' || w->rows != NULL)
            return false;
        else
            *(w->model == NULL ? &w->model : &w->rows) = argv[i];
    }
    return argc > 1 && strcmp(argv[1], "score") == 0 && w->rows != NULL;
}

static sotto_status print_piece(void *ctx, sotto_span text)
{
    (void)ctx;
    return fwrite(text.ptr, 1, text.len, stdout) == text.len ? SOTTO_OK : SOTTO_ERR(KIOSK, IO);
}

static sotto_status score(const words *w, const sotto_model *m, sotto_span rows, sotto_diag *diag)
{
    sotto_predict p;
    size_t need = sotto_predict_arena_bound(m);
    void *memory = malloc(need);
    sotto_csv *csv = malloc(sizeof *csv);
    sotto_arena arena;
    sotto_status status = memory == NULL || csv == NULL ? SOTTO_ERR(KIOSK, NO_MEMORY) : SOTTO_OK;
    if (status == SOTTO_OK) {
        sotto_arena_init(&arena, memory, need);
        status = sotto_predict_init(&p, m, &w->options, &arena, diag);
    }
    if (status == SOTTO_OK)
        status = sotto_csv_open(csv, rows, w->rows, 0, diag);
    if (status == SOTTO_OK)
        status = sotto_predict_table(&p, csv, print_piece, NULL, diag);
    if (status == SOTTO_OK && fflush(stdout) != 0)
        status = sotto_diag_set(diag, SOTTO_ERR(KIOSK, IO), "standard output cannot be written");
    free(csv);
    free(memory);
    return status;
}

static sotto_status run(const words *w, sotto_vec *model, sotto_vec *rows, sotto_diag *diag)
{
    const sotto_model *m;
    sotto_arena arena;
    sotto_status status = sotto_port_read_data_file(w->model, model, diag);
    if (status == SOTTO_OK)
        status = sotto_port_read_data_file(w->rows, rows, diag);
    if (status != SOTTO_OK)
        return status;
    size_t need = sotto_model_arena_bound(model->len);
    void *memory = malloc(need);
    if (memory == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, NO_MEMORY), "out of memory");
    sotto_arena_init(&arena, memory, need);
    status = sotto_model_load(&m, sotto_vec_span(model), &arena, diag);
    if (status != SOTTO_OK && diag->where[0] == '\0')
        (void)snprintf(diag->where, sizeof diag->where, "%s", w->model);
    if (status == SOTTO_OK)
        status = score(w, m, sotto_vec_span(rows), diag);
    free(memory);
    return status;
}

int kiosk_cmd_model(const kiosk_config *config, int argc, char **argv)
{
    (void)config;
    words w = {.model = NULL};
    sotto_diag diag = {.status = SOTTO_OK};
    sotto_vec model, rows;
    if (!take_words(&w, argc, argv))
        return kiosk_usage(argv[0], "score needs a model's file and a table's");
    sotto_vec_init(&model, FILE_MAX);
    sotto_vec_init(&rows, FILE_MAX);
    sotto_status status = run(&w, &model, &rows, &diag);
    sotto_vec_free(&model);
    sotto_vec_free(&rows);
    return status == SOTTO_OK ? 0 : kiosk_fail_status(status, &diag);
}
