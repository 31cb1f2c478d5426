#include "tags_priv.h"

#include <assert.h>
#include <string.h>

size_t sotto_dictionary_count(const sotto_dictionary *d)
{
    return d->count;
}

const sotto_tag *sotto_dictionary_at(const sotto_dictionary *d, size_t index)
{
    assert(index < d->count);
    return &d->tags[index];
}

static int compare_id(const char *id, sotto_span key)
{
    size_t len = strlen(id), common = len < key.len ? len : key.len;
    int order = common == 0 ? 0 : memcmp(id, key.ptr, common);
    return order != 0 ? order : (len > key.len) - (len < key.len);
}

bool sotto_tags_place_id(const sotto_dictionary *d, size_t known, sotto_span id, size_t *at)
{
    size_t low = 0, high = known;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_id(d->tags[d->by_id[middle]].id, id);
        if (order == 0) {
            *at = middle;
            return true;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *at = low;
    return false;
}

bool sotto_tags_place_number(const sotto_dictionary *d, size_t known, uint16_t number, size_t *at)
{
    size_t low = 0, high = known;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (d->tags[d->by_number[middle]].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    *at = low;
    return low < known && d->tags[d->by_number[low]].number == number;
}

int sotto_dictionary_find(const sotto_dictionary *d, sotto_span id)
{
    size_t at;
    return sotto_tags_place_id(d, d->count, id, &at) ? (int)d->by_id[at] : -1;
}

int sotto_dictionary_find_number(const sotto_dictionary *d, uint16_t number)
{
    size_t at;
    return sotto_tags_place_number(d, d->count, number, &at) ? (int)d->by_number[at] : -1;
}

int sotto_tag_choice_find(const sotto_tag *tag, sotto_span name)
{
    for (size_t i = 0; i < tag->choice_count; i++)
        if (sotto_span_is(name, tag->choices[i]))
            return (int)i;
    return -1;
}
