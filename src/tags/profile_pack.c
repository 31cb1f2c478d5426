/* The packed profile: docs/formats/profile.md. */
#include "tags_priv.h"

#include <assert.h>

enum { PACKED_VERSION = 1, CRC_BYTES = 4, KIND_BITS = 4 };

static sotto_status pack_value(const sotto_tag *tag, const sotto_tag_value *value, uint16_t previous,
                               sotto_buf *out)
{
    sotto_status status = sotto_put_uvarint(out, (uint64_t)(tag->number - previous));
    if (status == SOTTO_OK)
        status = sotto_put_u8(out, (uint8_t)((unsigned)tag->kind | tag->decimals << KIND_BITS));
    if (status == SOTTO_OK)
        status = sotto_put_svarint(out, value->set_day);
    if (status != SOTTO_OK)
        return status;
    return tag->kind == SOTTO_TAG_TEXT ? sotto_put_blob(out, value->text)
                                       : sotto_put_svarint(out, value->num);
}

static sotto_status pack_values(const sotto_profile *profile, sotto_buf *out)
{
    const sotto_dictionary *d = profile->dictionary;
    size_t count = 0;
    for (size_t i = 0; i < d->count; i++)
        count += profile->values[i].present;
    sotto_status status = sotto_put_u8(out, PACKED_VERSION);
    if (status == SOTTO_OK)
        status = sotto_put_uvarint(out, count);
    uint16_t previous = 0;
    for (size_t i = 0; status == SOTTO_OK && i < d->count; i++) {
        size_t index = d->by_number[i];
        if (!profile->values[index].present)
            continue;
        status = pack_value(&d->tags[index], &profile->values[index], previous, out);
        previous = d->tags[index].number;
    }
    return status;
}

sotto_status sotto_profile_pack(const sotto_profile *profile, sotto_buf *out)
{
    size_t start = out->len;
    sotto_status status = pack_values(profile, out);
    if (status == SOTTO_OK)
        status = sotto_put_u32(out, sotto_crc32(0, sotto_span_of(out->ptr + start, out->len - start)));
    if (status == SOTTO_OK && out->len - start > SOTTO_PROFILE_MAX)
        status = SOTTO_ERR(TAGS, NO_SPACE);
    if (status != SOTTO_OK)
        out->len = start;
    return status;
}

/* An amount whose digits behind the point changed between releases keeps its worth, or is given up. */
static bool rescale(int64_t *num, unsigned from, unsigned to)
{
    for (; from < to; from++)
        if (!sotto_mul_i64(*num, 10, num))
            return false;
    for (; from > to; from--) {
        if (*num % 10 != 0)
            return false;
        *num /= 10;
    }
    return true;
}

typedef struct packed_value {
    uint16_t number;
    unsigned kind, decimals;
    sotto_tag_value value;
} packed_value;

/* False when the dictionary has no such tag, or not for such a value: a release may have changed it. */
static bool accept(sotto_profile *profile, packed_value *p)
{
    int index = sotto_dictionary_find_number(profile->dictionary, p->number);
    if (index < 0)
        return false;
    const sotto_tag *tag = &profile->dictionary->tags[index];
    if ((unsigned)tag->kind != p->kind || !rescale(&p->value.num, p->decimals, tag->decimals) ||
        !sotto_tags_in_range(tag, p->value.num) || !sotto_tags_text_ok(p->value.text))
        return false;
    profile->values[index] = p->value;
    return true;
}

static void unpack_value(sotto_cursor *c, uint16_t previous, packed_value *p)
{
    *p = (packed_value){.value.present = true};
    uint64_t step = sotto_cursor_uvarint(c);
    if (step == 0 || step > (uint64_t)(UINT16_MAX - previous))
        (void)sotto_cursor_fail(c, SOTTO_ERR(TAGS, MALFORMED));
    else
        p->number = (uint16_t)(previous + step);
    uint8_t kind = sotto_cursor_u8(c);
    p->kind = kind & ((1u << KIND_BITS) - 1);
    p->decimals = kind >> KIND_BITS;
    int64_t day = sotto_cursor_svarint(c);
    if (day < INT32_MIN || day > INT32_MAX)
        (void)sotto_cursor_fail(c, SOTTO_ERR(TAGS, MALFORMED));
    else
        p->value.set_day = (int32_t)day;
    if (p->kind == SOTTO_TAG_TEXT)
        p->value.text = sotto_cursor_blob(c, SOTTO_TAG_TEXT_MAX);
    else
        p->value.num = sotto_cursor_svarint(c);
}

static size_t unpack_values(sotto_profile *profile, sotto_cursor *c)
{
    size_t unknown = 0;
    uint16_t previous = 0;
    if (sotto_cursor_u8(c) != PACKED_VERSION)
        (void)sotto_cursor_fail(c, SOTTO_ERR(TAGS, UNSUPPORTED));
    uint64_t count = sotto_cursor_uvarint(c);
    for (uint64_t i = 0; i < count && c->status == SOTTO_OK; i++) {
        packed_value p;
        unpack_value(c, previous, &p);
        previous = p.number;
        if (c->status == SOTTO_OK && !accept(profile, &p))
            unknown++;
    }
    return unknown;
}

/* The checksum is checked first: what is damaged is CORRUPT, what is whole and senseless is MALFORMED. */
static sotto_status check_crc(sotto_span packed, sotto_span *body)
{
    if (packed.len < CRC_BYTES)
        return SOTTO_ERR(TAGS, TRUNCATED);
    *body = sotto_span_of(packed.ptr, packed.len - CRC_BYTES);
    sotto_cursor tail = sotto_cursor_of(sotto_span_of(packed.ptr + body->len, CRC_BYTES));
    return sotto_cursor_u32(&tail) == sotto_crc32(0, *body) ? SOTTO_OK : SOTTO_ERR(TAGS, CORRUPT);
}

sotto_status sotto_profile_unpack(sotto_profile *profile, sotto_span packed, size_t *unknown,
                                  sotto_diag *diag)
{
    sotto_span body = {0};
    sotto_profile_clear(profile);
    sotto_status status = check_crc(packed, &body);
    if (status != SOTTO_OK)
        return sotto_diag_set(diag, status, "a packed profile of %zu bytes is damaged", packed.len);
    sotto_cursor c = sotto_cursor_of(body);
    size_t skipped = unpack_values(profile, &c);
    status = sotto_cursor_end(&c);
    if (status != SOTTO_OK) {
        sotto_profile_clear(profile);
        return sotto_diag_at_offset(diag, status, "profile", sotto_cursor_offset(&c),
                                    "a packed profile is not of its form");
    }
    if (unknown != NULL)
        *unknown = skipped;
    return SOTTO_OK;
}
