#include "office/office.h"
#include "population/population.h"

#include "sotto/port.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const size_t FILE_MAX = (size_t)1 << 30;

sotto_status pop_read(const char *path, sotto_vec *out, sotto_diag *diag)
{
    sotto_vec_init(out, FILE_MAX);
    return hq_in_file(sotto_port_read_data_file(path, out, diag), path, diag);
}

sotto_status pop_write(const char *folder, const char *name, sotto_vec *vec, sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    sotto_status status = hq_path(folder, name, path, diag);
    if (status == SOTTO_OK)
        status = sotto_port_write_file(path, sotto_vec_span(vec), 0644, diag);
    sotto_vec_free(vec);
    return status;
}

sotto_status pop_put(sotto_vec *out, const char *text)
{
    return sotto_vec_put(out, text, strlen(text));
}

sotto_status pop_put_field(sotto_vec *out, sotto_span field)
{
    bool plain = true;
    for (size_t i = 0; plain && i < field.len; i++)
        plain = field.ptr[i] != ',' && field.ptr[i] != '"' && field.ptr[i] != '\n' && field.ptr[i] != '\r';
    if (plain)
        return sotto_vec_put(out, field.ptr, field.len);
    sotto_status status = pop_put(out, "\"");
    for (size_t i = 0; status == SOTTO_OK && i < field.len; i++) {
        if (field.ptr[i] == '"')
            status = pop_put(out, "\"");
        if (status == SOTTO_OK)
            status = sotto_vec_put(out, &field.ptr[i], 1);
    }
    return status == SOTTO_OK ? pop_put(out, "\"") : status;
}

void pop_progress(const char *what, uint64_t done, uint64_t total)
{
    enum { STEPS = 50 };
    if (isatty(STDERR_FILENO) == 0 || (done != total && done % (total / STEPS + 1) != 0))
        return;
    fprintf(stderr, "\r%s %3u %%%s", what, (unsigned)(done * 100 / (total == 0 ? 1 : total)),
            done == total ? "\n" : "");
}

/* ---- Catalogue and policy ---- */

static sotto_status read_json(const char *examples, const char *name, sotto_json **out, sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    sotto_vec text;
    sotto_status status = hq_path(examples, name, path, diag);
    if (status != SOTTO_OK)
        return status;
    status = pop_read(path, &text, diag);
    if (status == SOTTO_OK)
        status = sotto_json_parse(out, sotto_vec_span(&text), path, diag);
    sotto_vec_free(&text);
    return status;
}

static sotto_status read_campaign(sotto_json_node node, pop_campaign *out, sotto_diag *diag)
{
    sotto_span id, product;
    sotto_status status = sotto_json_get_str(node, "id", &id, diag);
    if (status == SOTTO_OK)
        status = sotto_json_get_str(node, "product", &product, diag);
    if (status == SOTTO_OK && (sotto_span_to_str(id, out->id, sizeof out->id) != SOTTO_OK ||
                               sotto_span_to_str(product, out->product, sizeof out->product) != SOTTO_OK))
        status = sotto_json_bad(node, diag, SOTTO_ERR(HQ, RANGE), "an id is longer than 64 bytes");
    return status;
}

sotto_status pop_offers_read(const char *examples, pop_offers *out, sotto_diag *diag)
{
    *out = (pop_offers){0};
    sotto_status status = read_json(examples, "catalogue.json", &out->catalogue, diag);
    if (status == SOTTO_OK)
        status = read_json(examples, "policy.json", &out->policy, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_json_node list = sotto_json_member(sotto_json_root(out->policy), "campaigns");
    status = sotto_json_as_array(list, 1, SOTTO_CAMPAIGNS_MAX, diag);
    for (size_t i = 0; status == SOTTO_OK && i < sotto_json_count(list); i++) {
        status = read_campaign(sotto_json_at(list, i), &out->campaign[i], diag);
        out->count = i + 1;
    }
    return status;
}

void pop_offers_free(pop_offers *offers)
{
    sotto_json_free(offers->catalogue);
    sotto_json_free(offers->policy);
    *offers = (pop_offers){0};
}

sotto_status pop_arrivals_header(const pop_offers *offers, sotto_vec *out)
{
    sotto_status status = pop_put(out, "minute,customer");
    for (size_t i = 0; status == SOTTO_OK && i < offers->count; i++)
        status = sotto_vec_printf(out, ",%s", offers->campaign[i].id);
    return status == SOTTO_OK ? pop_put(out, "\n") : status;
}
