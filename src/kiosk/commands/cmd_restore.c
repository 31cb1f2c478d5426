/* audit accept-restore: what an old copy of the store costs, and that it goes on. */
#include "commands/parts.h"
#include "config/args.h"
#include "engine/showings.h"

#include "sotto/fixed.h"

#include <stdio.h>

static void show_reports(const sotto_tally_accepted *a)
{
    char epsilon[32], rho[32];
    (void)sotto_fixed_format_decimal((int64_t)a->charged_ueps, 6, epsilon, sizeof epsilon);
    (void)sotto_fixed_format_decimal((int64_t)a->charged_rho_nano, 9, rho, sizeof rho);
    printf("Reports may go on. ");
    if (a->lost > 0)
        printf("%llu report%s left this terminal that the store does not know.\n",
               (unsigned long long)a->lost, a->lost == 1 ? "" : "s");
    else if (a->periods > 0)
        printf("Nobody can say what left after this copy was made: %llu period%s could have.\n",
               (unsigned long long)a->periods, a->periods == 1 ? "" : "s");
    else
        printf("No period is over that this store does not know.\n");
    if (a->charged_ueps > 0 || a->charged_rho_nano > 0)
        printf("Every customer is charged epsilon %s%s%s for it, and periods that are over are not told "
               "again.\n",
               epsilon, a->charged_rho_nano > 0 ? " and rho " : "", a->charged_rho_nano > 0 ? rho : "");
}

static void show_caps(const kiosk_accepted *a)
{
    if (!a->caps)
        return;
    printf("Offers may go on. ");
    if (a->showings > 0)
        printf("At least %llu showings and answers to offers are not in this copy: ",
               (unsigned long long)a->showings);
    else
        printf("Nobody can say what was shown after this copy was made: ");
    printf(
        "caps, waits, dismissals, budgets and stock\ngo on from what it knew, so a customer may now be shown "
        "an offer more often than its caps allow.\n");
}

/* An operator's decision, made while serve is stopped: not the kiosk application's to ask for. */
int kiosk_cmd_accept_restore(const kiosk_config *config)
{
    kiosk_engine *e = NULL;
    sotto_diag diag = {0};
    kiosk_accepted all;
    sotto_status status = kiosk_engine_open(&e, config, &diag);
    if (status == SOTTO_OK)
        status = kiosk_accept_restore(e, &all, &diag);
    if (status == SOTTO_OK) {
        show_reports(&all.reports);
        show_caps(&all);
    }
    kiosk_engine_close(e);
    return status == SOTTO_OK ? 0 : kiosk_fail_status(status, &diag);
}
