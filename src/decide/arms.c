/* Comparison groups by keyed hash: who is held out, which arm of an A/B test, which creative. The key is the
 * customer's and the message names salt, campaign and use, so a group stays the same over releases for as
 * long as the policy keeps its salt, and groups of different campaigns are independent. */
#include "decide_priv.h"

#include <string.h>

static uint64_t rotl(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

static void sip_round(uint64_t v[static 4])
{
    v[0] += v[1];
    v[1] = rotl(v[1], 13) ^ v[0];
    v[0] = rotl(v[0], 32);
    v[2] += v[3];
    v[3] = rotl(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotl(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotl(v[1], 17) ^ v[2];
    v[2] = rotl(v[2], 32);
}

static void sip_word(uint64_t v[static 4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    sip_round(v);
    v[0] ^= word;
}

/* SipHash-2-4: "SipHash: a fast short-input PRF", Aumasson and Bernstein 2012, section 2. */
uint64_t sotto_decide_siphash(uint64_t k0, uint64_t k1, sotto_span bytes)
{
    uint64_t v[4] = {k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
                     k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573)};
    uint64_t word = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        word |= (uint64_t)bytes.ptr[i] << 8 * (i % 8);
        if (i % 8 != 7)
            continue;
        sip_word(v, word);
        word = 0;
    }
    sip_word(v, word | (uint64_t)(bytes.len & 0xff) << 56);
    v[2] ^= 0xff;
    for (unsigned i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* 30 bits, from `key`, for one use ('h' holdout, 'a' arm) of one campaign (0 = all). */
static uint32_t draw_q30(const sotto_plan *plan, uint64_t key, uint16_t campaign, char use)
{
    uint8_t text[64 + 4];
    size_t len = strlen(plan->salt);
    memcpy(text, plan->salt, len);
    const uint8_t tail[] = {0, (uint8_t)use, (uint8_t)campaign, (uint8_t)(campaign >> 8)};
    memcpy(text + len, tail, sizeof tail);
    return (uint32_t)(sotto_decide_siphash(key, 0, sotto_span_of(text, len + sizeof tail)) >> 34);
}

enum sotto_exclusion sotto_decide_holdout(const sotto_deciding *d, size_t campaign)
{
    uint64_t key = d->request->arm_key;
    uint32_t all = d->plan->holdout_q30, own = d->plan->terms[campaign].holdout_q30;
    if (key == 0)
        return SOTTO_EXCLUDED_NONE;
    if (all != 0 && draw_q30(d->plan, key, 0, 'h') < all)
        return SOTTO_EXCLUDED_HOLDOUT;
    return own != 0 && draw_q30(d->plan, key, d->plan->campaigns[campaign].number, 'h') < own
               ? SOTTO_EXCLUDED_HOLDOUT
               : SOTTO_EXCLUDED_NONE;
}

/* The first creative that names an arm says its weight. */
static bool names_arm(const sotto_campaign *c, size_t index)
{
    if (c->creatives[index].arm == NULL)
        return false;
    for (size_t i = 0; i < index; i++)
        if (c->creatives[i].arm != NULL && strcmp(c->creatives[i].arm, c->creatives[index].arm) == 0)
            return false;
    return true;
}

const char *sotto_plan_arm(const sotto_plan *plan, size_t index, uint64_t key)
{
    const sotto_campaign *c = &plan->campaigns[index];
    uint64_t total = 0;
    for (size_t i = 0; i < c->creative_count; i++)
        total += names_arm(c, i) ? c->creatives[i].weight : 0;
    if (total == 0)
        return NULL;
    uint64_t at = draw_q30(plan, key, c->number, 'a') * total >> 30;
    for (size_t i = 0; i < c->creative_count; i++) {
        if (!names_arm(c, i))
            continue;
        if (at < c->creatives[i].weight)
            return c->creatives[i].arm;
        at -= c->creatives[i].weight;
    }
    return NULL;
}

static bool is_capped(const sotto_deciding *d, const sotto_campaign *campaign, const sotto_creative *c)
{
    if (c->number == 0 || d->counters == NULL)
        return false;
    const sotto_counter *counter = sotto_counters_find_creative(d->counters, campaign->number, c->number);
    const sotto_caps caps = {c->cap_hour, c->cap_day, c->cap_week, c->cap_month, c->cap_total};
    return counter != NULL && sotto_decide_cap_of(d, counter, &caps) != SOTTO_EXCLUDED_NONE;
}

/* Higher suits better; 0 = not for this customer. Its language counts before its arm: words that cannot be
 * read are no variant. */
static unsigned suits(const sotto_deciding *d, const sotto_creative *c, const char *arm, bool own_words)
{
    const char *language = d->request->language;
    bool spoken = language == NULL || strcmp(c->language, language) == 0;
    if (c->arm != NULL && (arm == NULL || strcmp(c->arm, arm) != 0))
        return 0;
    if (!spoken && own_words)
        return 0;
    return 1u + (c->arm != NULL ? 1u : 0u) + (spoken && language != NULL ? 2u : 0u);
}

enum sotto_exclusion sotto_decide_creative(const sotto_deciding *d, size_t campaign, uint8_t *creative)
{
    const sotto_campaign *c = &d->plan->campaigns[campaign];
    const char *arm =
        sotto_plan_arm(d->plan, campaign, d->request->arm_key != 0 ? d->request->arm_key : d->request->seed);
    unsigned best = 0;
    bool capped = false;
    *creative = 0;
    for (size_t i = 0; i < c->creative_count; i++) {
        unsigned fit = suits(d, &c->creatives[i], arm, d->plan->terms[campaign].own_words);
        if (fit <= best)
            continue;
        if (is_capped(d, c, &c->creatives[i])) {
            capped = true;
            continue;
        }
        best = fit;
        *creative = (uint8_t)i;
    }
    if (best > 0)
        return SOTTO_EXCLUDED_NONE;
    return capped ? SOTTO_EXCLUDED_CAP_CREATIVE : SOTTO_EXCLUDED_LANGUAGE;
}
