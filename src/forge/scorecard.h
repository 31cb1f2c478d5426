/* A scorecard's rows, from CSV or JSON. docs/formats/scorecard.md. */
#ifndef SOTTO_FORGE_SCORECARD_H
#define SOTTO_FORGE_SCORECARD_H

#include "forge_priv.h"

enum card_kind { CARD_BIN, CARD_VALUE, CARD_OTHER, CARD_MISSING, CARD_COEFFICIENT };
typedef struct card_rule {
    uint32_t feature;
    enum card_kind kind;
    uint32_t value;  /* VALUE: the category */
    double min, max; /* BIN: min <= x < max, infinite at the ends */
    double points;
    uint64_t line; /* CSV: of the row; JSON: number of the bin, from 0 */
} card_rule;

typedef struct card {
    const sotto_forge_options *options;
    forge_forest *forest;
    sotto_vec rules; /* card_rule */
    double intercept, pdo, score, odds;
    bool scaled; /* pdo is given */
    sotto_diag *diag;
} card;

/* Fill the card and the forest's features. MALFORMED, RANGE, CONFLICT, NOT_FOUND (recipe), with line or path.
 */
sotto_status sotto_forge_card_csv(card *c, sotto_span text);
sotto_status sotto_forge_card_json(card *c, sotto_span text);
/* "identity", "logistic", "log". */
bool sotto_forge_link_named(sotto_span name, enum sotto_model_link *out);
/* True when text starts as JSON does. */
bool sotto_forge_looks_like_json(sotto_span text);

#endif
