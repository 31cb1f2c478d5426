/* What a simulation is of: loaded by the functions that load it on a terminal. */
#include "simulate/simulate.h"

#include <stdlib.h>

/* As a terminal loads them: also when there are none. */
static sotto_status read_tag_model(struct sim_model_tag *out, enum sotto_tag_from from, const char *path,
                                   const sim_input *in, const char *dictionary, sotto_diag *diag)
{
    sotto_arena arena;
    sotto_status status = SOTTO_OK;
    if (path != NULL)
        status = learn_read_file(path, &out->file, diag);
    size_t size = sotto_model_tag_arena_bound(out->file.len) + 1;
    if (status == SOTTO_OK && (out->memory = eval_array(size, 1, diag)) == NULL)
        return diag->status;
    if (status != SOTTO_OK)
        return status;
    sotto_arena_init(&arena, out->memory, size);
    status =
        sotto_model_tag_load(&out->model, from, sotto_vec_span(&out->file), in->in.dictionary, &arena, diag);
    return learn_place(status, path != NULL ? path : dictionary, diag);
}

static sotto_status read_files(sim_input *in, const sim_options *o, sotto_diag *diag)
{
    sotto_status status = learn_input_init(&in->in, diag);
    if (status == SOTTO_OK)
        status = learn_input_read(&in->in, o->dictionary, NULL, diag);
    if (status == SOTTO_OK && o->model != NULL)
        status = learn_input_model(&in->in, o->model, diag);
    if (status == SOTTO_OK && o->items != NULL)
        status = rec_file_open(&in->items, o->items, diag);
    if (status == SOTTO_OK)
        status = read_tag_model(&in->segments, SOTTO_FROM_SEGMENT, o->segments, in, o->dictionary, diag);
    if (status == SOTTO_OK)
        status = read_tag_model(&in->value, SOTTO_FROM_VALUE, o->value, in, o->dictionary, diag);
    return status == SOTTO_OK ? learn_read_file(o->catalogue, &in->catalogue, diag) : status;
}

/* The tag by which the catalogue says who has a product; decide keeps it for itself. */
static int held_tag(const sim_input *in, sotto_json_node products, const char *product)
{
    for (size_t i = 0; i < sotto_json_count(products); i++) {
        sotto_span id, tag;
        sotto_json_node node = sotto_json_at(products, i);
        if (sotto_json_get_str(node, "id", &id, NULL) == SOTTO_OK && sotto_span_is(id, product) &&
            sotto_json_get_str(node, "held_tag", &tag, NULL) == SOTTO_OK)
            return sotto_dictionary_find(in->in.dictionary, tag);
    }
    return -1;
}

static sotto_status note_products(const sim_input *in, sim_plan *p, const char *catalogue, sotto_diag *diag)
{
    sotto_json *doc;
    sotto_status status = sotto_json_parse(&doc, sotto_vec_span(&in->catalogue), catalogue, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_json_node products = sotto_json_member(sotto_json_root(doc), "products");
    for (size_t i = 0; i < sotto_plan_campaigns(p->plan); i++) {
        const char *product = sotto_plan_campaign(p->plan, i)->product;
        p->held[i] = held_tag(in, products, product);
        p->product[i] = pop_product_find(sotto_span_str(product));
    }
    sotto_json_free(doc);
    return SOTTO_OK;
}

static sotto_status load_plan(sim_input *in, const sim_options *o, const char *path, sotto_diag *diag)
{
    sim_plan *p = &in->plan[in->plans++];
    p->path = path;
    sotto_status status = learn_read_file(path, &p->text, diag);
    if (status != SOTTO_OK)
        return status;
    const sotto_plan_sources sources = {.dictionary = in->in.dictionary,
                                        .model = in->in.model,
                                        .items = in->items.items,
                                        .catalogue = sotto_vec_span(&in->catalogue),
                                        .policy = sotto_vec_span(&p->text),
                                        .catalogue_name = o->catalogue,
                                        .policy_name = path};
    size_t size = sotto_plan_arena_bound(&sources);
    p->memory = eval_array(size, 1, diag);
    if (p->memory == NULL)
        return diag->status;
    sotto_arena_init(&p->arena, p->memory, size);
    status = sotto_plan_load(&p->plan, &sources, &p->arena, diag);
    return status == SOTTO_OK ? note_products(in, p, o->catalogue, diag) : learn_place(status, path, diag);
}

static int tag_from(const sotto_dictionary *d, enum sotto_tag_from from)
{
    for (size_t i = 0; i < sotto_dictionary_count(d); i++)
        if (sotto_dictionary_at(d, i)->from == from)
            return (int)i;
    return -1;
}

static sotto_status find_tags(sim_input *in, const sim_options *o, sotto_diag *diag)
{
    const sotto_dictionary *d = in->in.dictionary;
    const char *segment = o->segment == NULL ? "segment" : o->segment;
    in->visits_tag = tag_from(d, SOTTO_FROM_VISIT_DAYS_30);
    in->segment_tag = sotto_dictionary_find(d, sotto_span_str(segment));
    bool choice =
        in->segment_tag >= 0 && sotto_dictionary_at(d, (size_t)in->segment_tag)->kind == SOTTO_TAG_CHOICE;
    if (o->segment != NULL && !choice)
        return sotto_diag_at(diag, SOTTO_ERR(HQ, NOT_FOUND), o->dictionary, 0,
                             "--segment %s: the dictionary has no such tag of kind choice", segment);
    if (!choice)
        in->segment_tag = -1;
    return SOTTO_OK;
}

sotto_status sim_input_read(sim_input *in, const sim_options *o, sotto_diag *diag)
{
    sotto_status status = read_files(in, o, diag);
    if (status == SOTTO_OK)
        status = find_tags(in, o, diag);
    if (status == SOTTO_OK)
        status = load_plan(in, o, o->policy, diag);
    if (status == SOTTO_OK && o->present != NULL)
        status = load_plan(in, o, o->present, diag);
    return status;
}

void sim_input_free(sim_input *in)
{
    for (size_t i = 0; i < in->plans; i++) {
        sotto_vec_free(&in->plan[i].text);
        free(in->plan[i].memory);
    }
    sotto_vec_free(&in->catalogue);
    rec_file_close(&in->items);
    sotto_vec_free(&in->segments.file);
    sotto_vec_free(&in->value.file);
    free(in->segments.memory);
    free(in->value.memory);
    learn_input_free(&in->in);
    *in = (sim_input){.plans = 0};
}
