/* What describe leaves: dictionary.json, recipe.json, describe.json. */
#include "learn/infer.h"
#include "office/args.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_BYTES = 8 << 20 };

static const char *kind_name(enum sotto_tag_kind kind)
{
    static const char *const NAMES[] = {"", "flag", "choice", "count", "amount", "date", "text"};
    return NAMES[kind];
}

static void json_str(sotto_json_writer *w, const char *name, const char *text)
{
    sotto_json_name(w, name);
    sotto_json_cstr(w, text);
}

static void json_number(sotto_json_writer *w, const char *name, uint64_t v)
{
    sotto_json_name(w, name);
    sotto_json_u64(w, v);
}

static void write_tag(sotto_json_writer *w, const learn_column *c, size_t number)
{
    sotto_json_obj(w);
    json_number(w, "number", number);
    json_str(w, "id", c->id);
    json_str(w, "name", c->name);
    json_str(w, "kind", kind_name(c->kind));
    json_str(w, "facet", "fixed");
    sotto_json_name(w, "purpose");
    sotto_json_arr(w);
    sotto_json_cstr(w, "service");
    sotto_json_cstr(w, "marketing");
    sotto_json_arr_end(w);
    if (c->kind == SOTTO_TAG_AMOUNT)
        json_number(w, "decimals", c->decimals);
    if (c->kind == SOTTO_TAG_CHOICE) {
        sotto_json_name(w, "choices");
        sotto_json_arr(w);
        for (size_t i = 0; i < c->word_count; i++)
            sotto_json_cstr(w, c->words[i]);
        sotto_json_arr_end(w);
    }
    sotto_json_obj_end(w);
}

static void write_dictionary(sotto_json_writer *w, const learn_description *d)
{
    size_t number = 0;
    sotto_json_obj(w);
    json_number(w, "version", 1);
    sotto_json_name(w, "tags");
    sotto_json_arr(w);
    for (size_t i = 0; i < d->count; i++)
        if (d->columns[i].use == COLUMN_TAG)
            write_tag(w, &d->columns[i], ++number);
    sotto_json_arr_end(w);
    sotto_json_obj_end(w);
}

static void write_feature(sotto_json_writer *w, const learn_column *c)
{
    sotto_json_obj(w);
    json_str(w, "name", c->id);
    json_str(w, "tag", c->id);
    if (c->kind == SOTTO_TAG_CHOICE)
        json_str(w, "as", "code");
    if (c->kind == SOTTO_TAG_DATE)
        json_str(w, "as", "age_days");
    sotto_json_obj_end(w);
}

static void write_recipe(sotto_json_writer *w, const learn_description *d)
{
    sotto_json_obj(w);
    json_str(w, "format", "sotto-recipe-1");
    sotto_json_name(w, "features");
    sotto_json_arr(w);
    for (size_t i = 0; i < d->count; i++)
        if (d->columns[i].use == COLUMN_TAG)
            write_feature(w, &d->columns[i]);
    sotto_json_arr_end(w);
    sotto_json_obj_end(w);
}

static void write_column(sotto_json_writer *w, const learn_column *c)
{
    static const char *const USES[] = {"dropped", "tag", "label"};
    sotto_json_obj(w);
    json_str(w, "column", c->name);
    json_str(w, "use", USES[c->use]);
    if (c->use == COLUMN_DROPPED)
        json_str(w, "why", c->why);
    if (c->use == COLUMN_TAG) {
        json_str(w, "tag", c->id);
        json_str(w, "kind", kind_name(c->kind));
        json_number(w, "missing", c->empty);
    }
    sotto_json_obj_end(w);
}

static void write_summary(sotto_json_writer *w, const learn_description *d)
{
    sotto_json_obj(w);
    json_number(w, "rows", d->rows);
    json_str(w, "label", d->columns[d->label].name);
    json_str(w, "positive", d->positive);
    json_number(w, "positives", d->positives);
    sotto_json_name(w, "columns");
    sotto_json_arr(w);
    for (size_t i = 0; i < d->count; i++)
        write_column(w, &d->columns[i]);
    sotto_json_arr_end(w);
    sotto_json_obj_end(w);
}

/* Where a walk through JSON stands. */
typedef struct json_walk {
    bool in_text, escaped;
    int depth;
} json_walk;

/* True when c belongs to a text, its quotes included. */
static bool walk_text(json_walk *w, uint8_t c)
{
    if (!w->in_text) {
        w->in_text = c == '"';
        return w->in_text;
    }
    if (c == '"' && !w->escaped)
        w->in_text = false;
    w->escaped = c == '\\' && !w->escaped;
    return true;
}

/* What goes before and behind a sign of structure: members of the file and elements of its lists have lines
 * of their own. */
static const char *space_before(const json_walk *w, uint8_t c)
{
    if (w->depth == 2 && (c == '{' || c == ']'))
        return c == '{' ? "\n    " : "\n  ";
    return w->depth == 1 && c == '}' ? "\n" : "";
}

static const char *space_behind(const json_walk *w, uint8_t c)
{
    if (w->depth == 1 && (c == '{' || c == ','))
        return "\n  ";
    return c == ':' || (c == ',' && w->depth != 2) ? " " : "";
}

/* The same JSON, made for people to read and change. */
static sotto_status break_lines(sotto_span json, sotto_vec *out)
{
    json_walk w = {.depth = 0};
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; status == SOTTO_OK && i < json.len; i++) {
        uint8_t c = json.ptr[i];
        if (walk_text(&w, c)) {
            status = sotto_vec_put(out, &c, 1);
            continue;
        }
        const char *before = space_before(&w, c);
        w.depth += (c == '{' || c == '[') - (c == '}' || c == ']');
        status = sotto_vec_printf(out, "%s%c%s", before, c, space_behind(&w, c));
    }
    return status == SOTTO_OK ? sotto_vec_put(out, "\n", 1) : status;
}

static sotto_status write_file(const char *path, sotto_span json, sotto_diag *diag)
{
    sotto_vec text;
    sotto_vec_init(&text, 2 * (size_t)FILE_BYTES);
    sotto_status status = break_lines(json, &text);
    if (status == SOTTO_OK)
        status = sotto_port_write_file(path, sotto_vec_span(&text), 0644, diag);
    else
        (void)sotto_diag_set(diag, status, "%s does not fit", path);
    sotto_vec_free(&text);
    return status;
}

static sotto_status write_one(const learn_description *d, const char *folder, const char *name,
                              void (*write)(sotto_json_writer *w, const learn_description *d),
                              uint8_t *memory, sotto_diag *diag)
{
    char path[4096];
    sotto_buf buf = sotto_buf_of(memory, FILE_BYTES);
    sotto_json_writer w = sotto_json_writer_of(&buf);
    write(&w, d);
    sotto_status status = sotto_json_writer_end(&w);
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (status != SOTTO_OK || n < 0 || (size_t)n >= sizeof path)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE), "%s does not fit", name);
    return write_file(path, sotto_buf_span(&buf), diag);
}

sotto_status learn_describe_write(const learn_description *d, const char *folder, sotto_diag *diag)
{
    uint8_t *memory = malloc(FILE_BYTES);
    if (memory == NULL)
        return hq_no_memory(diag);
    sotto_status status = sotto_port_make_dir(folder, 0755, diag);
    if (status == SOTTO_OK)
        status = write_one(d, folder, "dictionary.json", write_dictionary, memory, diag);
    if (status == SOTTO_OK)
        status = write_one(d, folder, "recipe.json", write_recipe, memory, diag);
    if (status == SOTTO_OK)
        status = write_one(d, folder, "describe.json", write_summary, memory, diag);
    free(memory);
    return status;
}
