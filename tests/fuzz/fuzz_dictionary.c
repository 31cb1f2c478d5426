/* Any bytes as a dictionary: refused with words and nothing taken, or tags that find themselves and values
 * that come back from their text. The memory promised in tags.h is always enough. */
#include "fuzz.h"

#include <string.h>

#include "sotto/tags.h"

static void check_value(const sotto_tag *tag, int64_t num)
{
    char text[256];
    sotto_tag_value value = {.present = true, .num = num}, back;
    if (tag->kind == SOTTO_TAG_TEXT)
        value.text = sotto_span_str("a, \"b\"");
    require(sotto_tag_format(tag, &value, text, sizeof text) == SOTTO_OK);
    require(sotto_tag_parse(tag, sotto_span_str(text), 0, &back, NULL) == SOTTO_OK);
    require(back.present && back.num == num && sotto_span_equal(back.text, value.text));
}

static void check_tag(const sotto_dictionary *d, size_t i)
{
    const sotto_tag *tag = sotto_dictionary_at(d, i);
    require(sotto_dictionary_find(d, sotto_span_str(tag->id)) == (int)i);
    require(sotto_dictionary_find_number(d, tag->number) == (int)i);
    require(tag->purposes != 0 && tag->name[0] != '\0');
    for (size_t c = 0; c < tag->choice_count; c++)
        require(sotto_tag_choice_find(tag, sotto_span_str(tag->choices[c])) == (int)c);
    for (size_t b = 1; b < tag->bin_count; b++)
        require(tag->bins[b - 1] < tag->bins[b]);
    check_value(tag, 0);
    for (size_t b = 0; b < tag->bin_count && tag->from == SOTTO_FROM_IMPORT; b++)
        check_value(tag, tag->bins[b]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t bound = 8 * size + 1024;
    void *memory = malloc(bound);
    sotto_arena arena;
    sotto_dictionary *d;
    sotto_diag diag = {0};
    require(memory != NULL);
    sotto_arena_init(&arena, memory, bound);
    sotto_status status = sotto_dictionary_load(&d, sotto_span_of(data, size), "fuzz.json", &arena, &diag);
    require(status == diag.status && sotto_status_cause(status) != SOTTO_CAUSE_NO_SPACE);
    if (status != SOTTO_OK)
        require(d == NULL && arena.used == 0 && diag.text[0] != '\0');
    for (size_t i = 0; status == SOTTO_OK && i < sotto_dictionary_count(d); i++)
        check_tag(d, i);
    free(memory);
    return 0;
}
