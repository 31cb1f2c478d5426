/* A recipe: refused with words and nothing taken, or features that the dictionary can compute. */
#include "fuzz.h"

#include "sotto/forge.h"

static const char DICTIONARY[] =
    "{\"version\": 1, \"tags\": ["
    "{\"number\": 1, \"id\": \"age\", \"kind\": \"count\", \"purpose\": [\"marketing\"]},"
    "{\"number\": 2, \"id\": \"job\", \"kind\": \"choice\", \"purpose\": [\"marketing\"],"
    " \"choices\": [\"clerk\", \"student\"]},"
    "{\"number\": 3, \"id\": \"balance\", \"kind\": \"amount\", \"purpose\": [\"marketing\"]},"
    "{\"number\": 4, \"id\": \"average\", \"kind\": \"amount\", \"purpose\": [\"marketing\"]},"
    "{\"number\": 7, \"id\": \"newsletter\", \"kind\": \"flag\", \"purpose\": [\"marketing\"]},"
    "{\"number\": 9, \"id\": \"since\", \"kind\": \"date\", \"purpose\": [\"marketing\"]}]}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t memory[1 << 20];
    sotto_arena arena;
    sotto_dictionary *dictionary = NULL;
    sotto_recipe recipe;
    sotto_diag diag = {.status = SOTTO_OK};
    sotto_arena_init(&arena, memory, sizeof memory);
    require(sotto_dictionary_load(&dictionary, sotto_span_str(DICTIONARY), "dictionary.json", &arena, NULL) ==
            SOTTO_OK);
    size_t mark = sotto_arena_mark(&arena);
    sotto_status status =
        sotto_recipe_load(&recipe, sotto_span_of(data, size), "recipe.json", dictionary, &arena, &diag);
    require(status == diag.status);
    if (status != SOTTO_OK)
        require(diag.text[0] != '\0' && sotto_arena_mark(&arena) == mark && recipe.count == 0);
    for (size_t i = 0; i < recipe.count; i++)
        require(sotto_feature_check(&recipe.features[i], dictionary, NULL) == SOTTO_OK);
    return 0;
}
