/* LightGBM's text form, versions 2 to 4: a header of key=value lines, then a block a tree, each key once
 * (its src/boosting/gbdt_model_text.cpp). What would not score exactly as there is refused. */
#include "lightgbm.h"
#include "forge_priv.h"

#include <stdlib.h>
#include <string.h>

static const char WHAT[] = "not a model of LightGBM's";

sotto_status sotto_forge_lightgbm_bad(const lightgbm_reader *r, sotto_status status, const char *format, ...)
{
    char text[200];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return sotto_diag_at(r->diag, status, r->options->file_name, r->line, "%s", text);
}

/* The next line without its end; false when there is none. */
static bool next_line(lightgbm_reader *r, sotto_span *line)
{
    if (r->at >= r->text.len)
        return false;
    const uint8_t *start = r->text.ptr + r->at, *end = memchr(start, '\n', r->text.len - r->at);
    size_t len = end == NULL ? r->text.len - r->at : (size_t)(end - start);
    r->at += len + (end != NULL);
    r->line++;
    *line = sotto_span_of(start, len > 0 && start[len - 1] == '\r' ? len - 1 : len);
    return true;
}

/* Files the value of a known key; a key that is not known says nothing about scores, or is refused later. */
static sotto_status keep_pair(lightgbm_reader *r, sotto_span line, lightgbm_key *keys, size_t count)
{
    const uint8_t *equals = line.len == 0 ? NULL : memchr(line.ptr, '=', line.len);
    size_t name_len = equals == NULL ? line.len : (size_t)(equals - line.ptr);
    sotto_span name = sotto_span_of(line.ptr, name_len);
    for (size_t i = 0; i < count; i++) {
        if (!sotto_span_is(name, keys[i].name))
            continue;
        if (keys[i].there)
            return sotto_forge_lightgbm_bad(r, SOTTO_ERR(FORGE, MALFORMED), "%s stands twice", keys[i].name);
        keys[i].there = true;
        keys[i].line = r->line;
        keys[i].value = equals == NULL ? sotto_span_of(line.ptr + line.len, 0)
                                       : sotto_span_of(equals + 1, line.len - name_len - 1);
    }
    return SOTTO_OK;
}

/* Reads key=value lines up to the first line that starts with `stop`, which is taken; *found false when the
 * text ends before. */
static sotto_status read_block(lightgbm_reader *r, lightgbm_key *keys, size_t count, bool *found)
{
    sotto_span line;
    sotto_status status = SOTTO_OK;
    *found = false;
    for (size_t i = 0; i < count; i++)
        keys[i].there = false;
    while (status == SOTTO_OK && next_line(r, &line)) {
        *found = line.len >= 5 && memcmp(line.ptr, "Tree=", 5) == 0;
        r->ended = line.len == 12 && memcmp(line.ptr, "end of trees", 12) == 0;
        r->ended |= line.len >= 19 && memcmp(line.ptr, "feature importances", 19) == 0;
        if (*found || r->ended)
            return SOTTO_OK;
        status = keep_pair(r, line, keys, count);
    }
    return status;
}

sotto_status sotto_forge_lightgbm_need(lightgbm_reader *r, const lightgbm_key *key)
{
    if (key->there) {
        r->line = key->line;
        return SOTTO_OK;
    }
    return sotto_forge_lightgbm_bad(r, SOTTO_ERR(FORGE, MALFORMED), "%s is missing before this line: %s",
                                    key->name, WHAT);
}

sotto_status sotto_forge_lightgbm_whole(lightgbm_reader *r, const lightgbm_key *key, int64_t min, int64_t max,
                                        int64_t *out)
{
    sotto_status status = sotto_forge_lightgbm_need(r, key);
    if (status != SOTTO_OK)
        return status;
    if (sotto_parse_i64(key->value, out) != SOTTO_OK || *out < min || *out > max)
        return sotto_forge_lightgbm_bad(r, SOTTO_ERR(FORGE, RANGE),
                                        "%s must be a whole number from %lld to %lld", key->name,
                                        (long long)min, (long long)max);
    return SOTTO_OK;
}

bool sotto_forge_lightgbm_word(sotto_span *rest, sotto_span *word)
{
    while (rest->len > 0 && rest->ptr[0] == ' ')
        *rest = sotto_span_of(rest->ptr + 1, rest->len - 1);
    size_t n = 0;
    while (n < rest->len && rest->ptr[n] != ' ')
        n++;
    *word = sotto_span_of(rest->ptr, n);
    if (n > 0) /* an empty rest may have no place at all */
        *rest = sotto_span_of(rest->ptr + n, rest->len - n);
    return n > 0;
}

/* What an objective makes of the margin (LightGBM's ConvertOutput in src/objective). */
typedef struct objective {
    const char *name;
    enum sotto_model_link link;
} objective;

static const objective OBJECTIVES[] = {
    {"regression", SOTTO_LINK_IDENTITY},
    {"regression_l1", SOTTO_LINK_IDENTITY},
    {"huber", SOTTO_LINK_IDENTITY},
    {"fair", SOTTO_LINK_IDENTITY},
    {"quantile", SOTTO_LINK_IDENTITY},
    {"mape", SOTTO_LINK_IDENTITY},
    {"lambdarank", SOTTO_LINK_IDENTITY},
    {"rank_xendcg", SOTTO_LINK_IDENTITY},
    {"poisson", SOTTO_LINK_EXP},
    {"gamma", SOTTO_LINK_EXP},
    {"tweedie", SOTTO_LINK_EXP},
    {"binary", SOTTO_LINK_LOGISTIC},
    {"cross_entropy", SOTTO_LINK_LOGISTIC},
    {"multiclass", SOTTO_LINK_SOFTMAX},
};

/* "binary sigmoid:1": the words behind the name are settings; those that change the answer are refused. */
static sotto_status check_settings(lightgbm_reader *r, sotto_span rest)
{
    sotto_span word;
    while (sotto_forge_lightgbm_word(&rest, &word)) {
        double slope = 1;
        if (word.len > 8 && memcmp(word.ptr, "sigmoid:", 8) == 0 &&
            (!sotto_forge_parse_double(sotto_span_of(word.ptr + 8, word.len - 8), &slope) || slope != 1))
            return sotto_forge_lightgbm_bad(r, SOTTO_ERR(FORGE, UNSUPPORTED),
                                            "a sigmoid of another slope than 1 cannot be compiled");
        if (sotto_span_is(word, "sqrt"))
            return sotto_forge_lightgbm_bad(r, SOTTO_ERR(FORGE, UNSUPPORTED),
                                            "reg_sqrt (the margin is squared) cannot be compiled");
    }
    return SOTTO_OK;
}

/* A model that was trained with an objective of the user's own has no such line: its margin is the answer. */
static sotto_status read_objective(lightgbm_reader *r, const lightgbm_key *key)
{
    sotto_span rest = key->value, name;
    r->forest->link = SOTTO_LINK_IDENTITY;
    if (!key->there || !sotto_forge_lightgbm_word(&rest, &name))
        return SOTTO_OK;
    r->line = key->line;
    for (size_t i = 0; i < SOTTO_COUNT(OBJECTIVES); i++)
        if (sotto_span_is(name, OBJECTIVES[i].name)) {
            r->forest->link = OBJECTIVES[i].link;
            return check_settings(r, rest);
        }
    if (sotto_span_is(name, "custom") || sotto_span_is(name, "none"))
        return SOTTO_OK;
    return sotto_forge_lightgbm_bad(r, SOTTO_ERR(FORGE, UNSUPPORTED), "objective %.*s cannot be compiled",
                                    name.len < 40 ? (int)name.len : 40, (const char *)name.ptr);
}

/* LightGBM writes no spaces inside a name: it replaces them. */
static sotto_status read_names(lightgbm_reader *r, const lightgbm_key *names, size_t count)
{
    sotto_span rest = names->value, word = {0};
    sotto_status status = sotto_forge_lightgbm_need(r, names);
    if (status == SOTTO_OK)
        status = sotto_forge_take_features(r->forest, count, r->diag);
    for (size_t i = 0; status == SOTTO_OK && i < count; i++) {
        if (!sotto_forge_lightgbm_word(&rest, &word))
            return sotto_forge_lightgbm_bad(r, SOTTO_ERR(FORGE, MALFORMED), "%zu feature names, not %zu", i,
                                            count);
        const char *wrong = sotto_forge_name_feature(r->forest, r->options, i, word, &status);
        if (wrong != NULL)
            return sotto_forge_lightgbm_bad(r, status, "feature %zu: %s", i, wrong);
    }
    if (status == SOTTO_OK && sotto_forge_lightgbm_word(&rest, &word))
        return sotto_forge_lightgbm_bad(r, SOTTO_ERR(FORGE, MALFORMED), "more than %zu feature names", count);
    return status;
}

enum { VERSION, NUM_CLASS, PER_ITERATION, MAX_FEATURE, OBJECTIVE, AVERAGE, NAMES, LINEAR, HEADER_COUNT };

static sotto_status read_outputs(lightgbm_reader *r, const lightgbm_key *keys)
{
    int64_t classes = 1, per_iteration = 1;
    sotto_status status =
        sotto_forge_lightgbm_whole(r, &keys[NUM_CLASS], 1, SOTTO_MODEL_OUTPUTS_MAX, &classes);
    if (status == SOTTO_OK)
        status =
            sotto_forge_lightgbm_whole(r, &keys[PER_ITERATION], 1, SOTTO_MODEL_OUTPUTS_MAX, &per_iteration);
    if (status == SOTTO_OK &&
        (classes != per_iteration || (r->forest->link == SOTTO_LINK_SOFTMAX) != (classes > 1)))
        status = sotto_forge_lightgbm_bad(r, SOTTO_ERR(FORGE, UNSUPPORTED),
                                          "%lld classes and %lld trees an iteration do not fit the objective",
                                          (long long)classes, (long long)per_iteration);
    r->forest->outputs = (size_t)classes;
    return status;
}

static sotto_status read_header(lightgbm_reader *r, bool *more)
{
    lightgbm_key keys[HEADER_COUNT] = {
        [VERSION] = {.name = "version"},
        [NUM_CLASS] = {.name = "num_class"},
        [PER_ITERATION] = {.name = "num_tree_per_iteration"},
        [MAX_FEATURE] = {.name = "max_feature_idx"},
        [OBJECTIVE] = {.name = "objective"},
        [AVERAGE] = {.name = "average_output"},
        [NAMES] = {.name = "feature_names"},
        [LINEAR] = {.name = "linear_tree"},
    };
    int64_t last = 0;
    sotto_span first;
    *more = false;
    if (!next_line(r, &first) || !sotto_span_is(first, "tree"))
        return sotto_forge_lightgbm_bad(r, SOTTO_ERR(FORGE, MALFORMED), "the first line is not \"tree\": %s",
                                        WHAT);
    sotto_status status = read_block(r, keys, HEADER_COUNT, more);
    if (status == SOTTO_OK && keys[AVERAGE].there)
        status = sotto_forge_lightgbm_bad(r, SOTTO_ERR(FORGE, UNSUPPORTED),
                                          "average_output (a random forest) cannot be compiled");
    if (status == SOTTO_OK)
        status = sotto_forge_lightgbm_whole(r, &keys[MAX_FEATURE], 0, SOTTO_MODEL_FEATURES_MAX - 1, &last);
    if (status == SOTTO_OK)
        status = read_objective(r, &keys[OBJECTIVE]);
    if (status == SOTTO_OK)
        status = read_outputs(r, keys);
    if (status == SOTTO_OK)
        status = read_names(r, &keys[NAMES], (size_t)last + 1);
    return status;
}

/* "Tree=" at the start of a line: no more trees than that. */
static size_t count_trees(sotto_span text)
{
    size_t n = 0;
    for (size_t i = 0; i + 5 <= text.len; i++)
        n += memcmp(text.ptr + i, "Tree=", 5) == 0 && (i == 0 || text.ptr[i - 1] == '\n');
    return n;
}

static sotto_status read_trees(lightgbm_reader *r, bool more)
{
    size_t count = count_trees(r->text), nodes = 0;
    if (count == 0 || count > SOTTO_MODEL_TREES_MAX || count % r->forest->outputs != 0)
        return sotto_forge_lightgbm_bad(r, SOTTO_ERR(FORGE, UNSUPPORTED),
                                        "%zu trees; 1 to %d are possible, as many of each class", count,
                                        SOTTO_MODEL_TREES_MAX);
    sotto_status status = sotto_forge_take_trees(r->forest, count, r->diag);
    for (size_t t = 0; status == SOTTO_OK && t < count; t++) {
        lightgbm_key keys[LIGHTGBM_TREE_KEYS];
        forge_tree *tree = &r->forest->trees[t];
        if (!more)
            return sotto_forge_lightgbm_bad(r, SOTTO_ERR(FORGE, MALFORMED), "trees behind the end of trees");
        sotto_forge_lightgbm_tree_keys(keys);
        tree->output = (uint16_t)(t % r->forest->outputs);
        status = read_block(r, keys, LIGHTGBM_TREE_KEYS, &more);
        if (status == SOTTO_OK)
            status = sotto_forge_lightgbm_tree(r, keys, t, tree);
        nodes += tree->count;
        if (status == SOTTO_OK && nodes > FORGE_NODES_MAX)
            status = sotto_forge_lightgbm_bad(r, SOTTO_ERR(FORGE, UNSUPPORTED), "more than %d nodes in all",
                                              FORGE_NODES_MAX);
    }
    if (status == SOTTO_OK && !r->ended)
        status = sotto_forge_lightgbm_bad(r, SOTTO_ERR(FORGE, TRUNCATED), "the end of trees is not there");
    return status;
}

/* "[name: value]" lines behind "parameters:": how it was trained. */
static sotto_status read_parameters(lightgbm_reader *r)
{
    sotto_span line;
    sotto_status status = SOTTO_OK;
    while (status == SOTTO_OK && next_line(r, &line)) {
        if (line.len < 4 || line.ptr[0] != '[' || line.ptr[line.len - 1] != ']')
            continue;
        const uint8_t *colon = memchr(line.ptr, ':', line.len);
        if (colon == NULL)
            continue;
        size_t name = (size_t)(colon - line.ptr), from = name + 1 + (colon[1] == ' ');
        status = sotto_forge_add_provenance(r->forest, sotto_span_of(line.ptr + 1, name - 1),
                                            sotto_span_of(line.ptr + from, line.len - 1 - from), r->diag);
    }
    return status;
}

/* To a reader of C strings, such as the second reading that proves what was compiled, the file would end
 * there. */
static sotto_status refuse_nul(lightgbm_reader *r)
{
    const uint8_t *nul = r->text.len == 0 ? NULL : memchr(r->text.ptr, '\0', r->text.len);
    if (nul == NULL)
        return SOTTO_OK;
    for (const uint8_t *at = r->text.ptr; at <= nul; at++)
        r->line += at == r->text.ptr || at[-1] == '\n';
    return sotto_forge_lightgbm_bad(r, SOTTO_ERR(FORGE, MALFORMED), "NUL byte at %zu: %s",
                                    (size_t)(nul - r->text.ptr), WHAT);
}

static sotto_status read_file(lightgbm_reader *r)
{
    bool more = false;
    sotto_status status = refuse_nul(r);
    if (status == SOTTO_OK)
        status = read_header(r, &more);
    if (status == SOTTO_OK) {
        r->used = calloc(r->forest->feature_count, sizeof *r->used);
        status = r->used == NULL ? sotto_forge_no_memory(r->diag) : read_trees(r, more);
    }
    return status == SOTTO_OK ? read_parameters(r) : status;
}

sotto_status sotto_forge_lightgbm(sotto_span text, const sotto_forge_options *options, sotto_vec *out,
                                  sotto_forge_report *report, sotto_diag *diag)
{
    forge_forest forest;
    sotto_forge_forest_init(&forest);
    forest.wide = true;
    lightgbm_reader r = {.text = text, .options = options, .forest = &forest, .diag = diag};
    sotto_status status = sotto_forge_check_options(options, diag);
    if (status == SOTTO_OK)
        status = read_file(&r);
    if (status == SOTTO_OK)
        status = sotto_forge_finish(&forest, options, out, report, diag);
    free(r.used);
    sotto_forge_forest_free(&forest);
    return status;
}
