/* Who comes, and who takes what is shown. Every chance is a hash of seed, customer, time and product, and of
 * nothing that a policy does: two policies meet the same customers in the same mood (common random numbers),
 * so that their difference is surer than either figure. */
#include "simulate/simulate.h"

enum { AGAIN_PPM = 100000, OPEN = 480, CLOSE = 1140 };

/* Uniform below a million. */
static uint32_t chance(int64_t seed, uint64_t a, uint64_t b)
{
    uint64_t hash = eval_hash((int64_t)eval_hash(seed, a), b);
    return (uint32_t)(((hash >> 32) * POP_MILLION) >> 32);
}

/* Two draws' mean, as population's arrivals: fuller around noon. */
static uint32_t minute_of(int64_t seed, uint64_t person, uint64_t use)
{
    uint64_t hash = eval_hash((int64_t)eval_hash(seed, person), use);
    uint32_t one = (uint32_t)((hash & 0xffff) * (CLOSE - OPEN) >> 16),
             two = (uint32_t)(((hash >> 16) & 0xffff) * (CLOSE - OPEN) >> 16);
    return OPEN + (one + two) / 2;
}

size_t sim_visits(int64_t seed, uint32_t visit_ppm, size_t person, int32_t day, uint32_t minute[static 2])
{
    uint64_t use = (uint64_t)day * 8;
    if (chance(seed, person, use) >= visit_ppm)
        return 0;
    minute[0] = minute_of(seed, person, use + 1);
    if (chance(seed, person, use + 2) >= AGAIN_PPM)
        return 1;
    minute[1] = minute_of(seed, person, use + 3);
    if (minute[1] < minute[0]) {
        uint32_t later = minute[0];
        minute[0] = minute[1];
        minute[1] = later;
    }
    return minute[0] == minute[1] ? 1 : 2;
}

/* FNV-1a (Fowler, Noll, Vo). */
static uint64_t number_of(sotto_span text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ text.ptr[i]) * UINT64_C(0x100000001b3);
    return hash;
}

enum sotto_event_kind sim_answer(const sim_options *o, int64_t seed, size_t person, int64_t at_s,
                                 sotto_span product, int64_t chance_ppm)
{
    uint64_t use = number_of(product) ^ (uint64_t)at_s << 1;
    if (chance(seed, person, use) < chance_ppm)
        return SOTTO_EVENT_TAKEN;
    bool waved_away = chance(seed, person, use ^ 1) < (uint32_t)(o->dismissed * POP_MILLION / 100);
    return waved_away ? SOTTO_EVENT_DISMISSED : SOTTO_EVENT_NONE;
}

const char *sim_response_words(const sim_options *o)
{
    return o->responds == SIM_TASTE
               ? "customers take what is shown by the hidden taste of the population's generator"
               : "customers take what is shown as often as the model expects";
}
