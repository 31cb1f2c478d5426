/* Dictionary, recipe and model files of a command. */
#include "learn/learn.h"
#include "office/args.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    ARENA_BYTES = 64 << 20
}; /* a dictionary of 512 tags with 256 choices each, and a recipe, many times over */
static const size_t FILE_MAX = (size_t)1 << 30;

sotto_status learn_place(sotto_status status, const char *path, sotto_diag *diag)
{
    if (status != SOTTO_OK && diag->where[0] == '\0')
        (void)snprintf(diag->where, sizeof diag->where, "%s", path);
    return status;
}

sotto_status learn_read_file(const char *path, sotto_vec *out, sotto_diag *diag)
{
    sotto_vec_init(out, FILE_MAX);
    return learn_place(sotto_port_read_data_file(path, out, diag), path, diag);
}

sotto_status learn_input_init(learn_input *in, sotto_diag *diag)
{
    *in = (learn_input){.memory = malloc(ARENA_BYTES)};
    if (in->memory == NULL)
        return hq_no_memory(diag);
    sotto_arena_init(&in->arena, in->memory, ARENA_BYTES);
    return SOTTO_OK;
}

void learn_input_free(learn_input *in)
{
    free(in->memory);
    free(in->model_memory);
    sotto_vec_free(&in->model_file);
    *in = (learn_input){.memory = NULL};
}

static sotto_status read_dictionary(learn_input *in, const char *path, sotto_diag *diag)
{
    sotto_vec text;
    sotto_status status = learn_read_file(path, &text, diag);
    if (status == SOTTO_OK)
        status = sotto_dictionary_load(&in->dictionary, sotto_vec_span(&text), path, &in->arena, diag);
    sotto_vec_free(&text);
    return status;
}

static sotto_status read_recipe(learn_input *in, const char *path, sotto_diag *diag)
{
    sotto_vec text;
    sotto_status status = learn_read_file(path, &text, diag);
    if (status == SOTTO_OK)
        status =
            sotto_recipe_load(&in->recipe, sotto_vec_span(&text), path, in->dictionary, &in->arena, diag);
    sotto_vec_free(&text);
    in->has_recipe = status == SOTTO_OK;
    return status;
}

/* dictionary.json in the recipe's folder, where describe and population put both. It is said, since the tags
 * of another bank's dictionary may have the same names. */
static sotto_status dictionary_beside(learn_input *in, const char *recipe, sotto_diag *diag)
{
    static const char NAME[] = "dictionary.json";
    const char *slash = strrchr(recipe, '/');
    size_t folder = slash == NULL ? 0 : (size_t)(slash - recipe) + 1;
    char *path = sotto_arena_take(&in->arena, folder + sizeof NAME);
    if (path == NULL)
        return hq_no_memory(diag);
    memcpy(path, recipe, folder);
    memcpy(path + folder, NAME, sizeof NAME);
    if (access(path, F_OK) != 0)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE),
                              "--recipe needs --dictionary FILE, or dictionary.json in the recipe's folder");
    in->beside = path;
    (void)fprintf(stderr, "dictionary: %s, which is beside the recipe\n", in->beside);
    return SOTTO_OK;
}

sotto_status learn_input_read(learn_input *in, const char *dictionary, const char *recipe, sotto_diag *diag)
{
    sotto_status status = SOTTO_OK;
    if (recipe != NULL && dictionary == NULL) {
        status = dictionary_beside(in, recipe, diag);
        dictionary = in->beside;
    }
    if (status == SOTTO_OK && dictionary != NULL)
        status = read_dictionary(in, dictionary, diag);
    if (status == SOTTO_OK && recipe != NULL)
        status = read_recipe(in, recipe, diag);
    return status;
}

sotto_status learn_input_load(learn_input *in, sotto_diag *diag)
{
    size_t need = sotto_model_arena_bound(in->model_file.len);
    sotto_arena arena;
    in->model_memory = malloc(need);
    if (in->model_memory == NULL)
        return hq_no_memory(diag);
    sotto_arena_init(&arena, in->model_memory, need);
    return sotto_model_load(&in->model, sotto_vec_span(&in->model_file), &arena, diag);
}

sotto_status learn_input_model(learn_input *in, const char *path, sotto_diag *diag)
{
    sotto_status status = learn_read_file(path, &in->model_file, diag);
    return status == SOTTO_OK ? learn_place(learn_input_load(in, diag), path, diag) : status;
}

void learn_model_name(const char *given, const char *path, char *out, size_t cap)
{
    const char *slash = strrchr(path, '/'), *start = slash == NULL ? path : slash + 1;
    (void)snprintf(out, cap, "%s", given != NULL ? given : start);
    char *dot = strrchr(out, '.');
    if (given == NULL && dot != NULL && dot != out)
        *dot = '\0';
}
