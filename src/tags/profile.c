#include "tags_priv.h"

#include <assert.h>
#include <string.h>

sotto_status sotto_profile_init(sotto_profile *profile, const sotto_dictionary *d, sotto_arena *arena)
{
    profile->dictionary = d;
    profile->values = sotto_arena_array(arena, d->count, sizeof *profile->values);
    return profile->values == NULL ? SOTTO_ERR(TAGS, NO_SPACE) : SOTTO_OK;
}

void sotto_profile_clear(sotto_profile *profile)
{
    memset(profile->values, 0, profile->dictionary->count * sizeof *profile->values);
}

/* Days with a card-in among the 30 that end with today. A clock set back sees the last day it knows. */
static int64_t count_visits(const sotto_tag_value *value, int32_t today)
{
    int64_t gone = (int64_t)today - value->set_day;
    if (gone >= SOTTO_TAGS_VISIT_DAYS)
        return 0;
    uint64_t days = (uint64_t)value->num << (gone > 0 ? gone : 0);
    return __builtin_popcountll(days & ((UINT64_C(1) << SOTTO_TAGS_VISIT_DAYS) - 1));
}

bool sotto_profile_read(const sotto_profile *profile, size_t index, unsigned purpose, int32_t today,
                        sotto_tag_value *out)
{
    const sotto_tag *tag = sotto_dictionary_at(profile->dictionary, index);
    const sotto_tag_value *value = &profile->values[index];
    assert(purpose != 0);
    *out = (sotto_tag_value){0};
    if (!value->present || (tag->purposes & purpose) != purpose)
        return false;
    if (tag->ttl_days != 0 && (int64_t)today - value->set_day >= (int64_t)tag->ttl_days)
        return false;
    *out = *value;
    if (tag->from == SOTTO_FROM_VISIT_DAYS_30)
        out->num = count_visits(value, today);
    return true;
}
