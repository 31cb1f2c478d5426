/* The release in use: the files of one version, in one memory. */
#ifndef SOTTO_KIOSK_ENGINE_RELEASE_H
#define SOTTO_KIOSK_ENGINE_RELEASE_H

#include "sotto/decide.h"
#include "sotto/model.h"
#include "sotto/model_tag.h"
#include "sotto/privacy.h"
#include "sotto/sync.h"
#include "sotto/tags.h"

typedef struct kiosk_release {
    uint64_t version;
    void *memory; /* of arena */
    sotto_arena arena;
    /* The last three: empty when the release has none. */
    sotto_vec model_file, items_file, segments_file, value_file;
    sotto_dictionary *dictionary;
    const sotto_model *model;
    const sotto_items *items; /* or NULL */
    sotto_model_tag segments, value;
    const sotto_plan *plan;
    sotto_tasks tasks;
    sotto_profile profile; /* one customer's tags at a time */
    void *scratch;         /* decide's */
} kiosk_release;

/* Why a release may not be used. Numbers are in the store: new ones are added at the end. X(NAME, "code",
 * "sentence") */
#define KIOSK_UNWELL(X)                                                                                      \
    X(NONE, "none", "it is well")                                                                            \
    X(LOAD, "load", "its files do not fit together, or this program does not understand them")               \
    X(MEMORY, "memory", "it needs more memory than this terminal gives a release")                           \
    X(SELFTEST, "selftest", "its self-test comes out differently here than where it was published")          \
    X(CRASH, "crash", "serve ended each time it tried it")
enum kiosk_unwell {
#define X(name, code, text) KIOSK_UNWELL_##name,
    KIOSK_UNWELL(X)
#undef X
        KIOSK_UNWELL_COUNT
};
const char *kiosk_unwell_code(enum kiosk_unwell why);
const char *kiosk_unwell_text(enum kiosk_unwell why);

/* Reads dictionary.json, model.sotto, catalogue.json, policy.json, tasks.json and, where the release has
 * them, items.sotto, segments.sotto, value.sotto and selftest.sotto of dir/<version>, each verified from
 * trust's root in the very memory that is then used, loads them (signed is not yet well-formed), and makes
 * the self-test again. memory_max: bytes. On failure *out is empty, and *why says when it is the release's
 * own fault: not what cannot be read or verified, nor a want of memory on this machine. */
SOTTO_MUST_USE sotto_status kiosk_release_load(kiosk_release *out, const char *dir, uint64_t version,
                                               const sotto_tuf_config *trust, size_t memory_max,
                                               enum kiosk_unwell *why, sotto_diag *diag);
void kiosk_release_free(kiosk_release *release);
/* The tags of r->profile that follow from the release's models, as of today: behind those of a history. */
void kiosk_release_derive(kiosk_release *r, int32_t today);

#endif
