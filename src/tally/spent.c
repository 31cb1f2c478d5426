#include "tally_priv.h"

sotto_status sotto_tally_spent(sotto_store *store, const uint8_t *customer_key, uint64_t *spent_ueps,
                               uint64_t *spent_rho_nano, sotto_diag *diag)
{
    sotto_ledger ledger;
    sotto_status status = sotto_ledger_get(store, customer_key, &ledger, diag);
    *spent_ueps = ledger.spent_ueps;
    *spent_rho_nano = ledger.spent_rho_nano;
    return status;
}
