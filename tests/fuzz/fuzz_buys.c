/* Any bytes as a file of buys. What is taken becomes customers whose figures hold together; what is not, says
 * the line. */
#include "fuzz.h"

#include "evaluate/evaluate.h"

#include <math.h>
#include <stdlib.h>

static void check_customer(const eval_customer *c)
{
    require(c->buyer.t_x >= 0 && c->buyer.t_x <= c->buyer.T);
    require((c->buyer.x > 0) == (c->buyer.t_x > 0));
    require(c->repeat <= c->spend && c->later_spend >= 0 && c->later_buys >= 0);
    require(!isnan(c->buyer.mean));
}

static void check_buys(sotto_vec *vec)
{
    eval_buy *buys = (eval_buy *)(void *)vec->ptr;
    size_t n = vec->len / sizeof *buys, count = 0;
    eval_customer *customer = NULL;
    sotto_diag diag = {0};
    if (n == 0)
        return;
    int32_t until = buys[n / 2].day;
    require(eval_customers(buys, n, until, &customer, &count, &diag) == SOTTO_OK);
    require(count >= 1 && count <= n);
    for (size_t i = 0; i < count; i++)
        check_customer(&customer[i]);
    free(customer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sotto_diag diag = {0};
    sotto_vec vec;
    sotto_vec_init(&vec, 1 << 20);
    sotto_status status = eval_buys_parse(sotto_span_of(data, size), "fuzz", &vec, &diag);
    if (status == SOTTO_OK)
        check_buys(&vec);
    else
        require(diag.status == status && diag.line >= 1);
    sotto_vec_free(&vec);
    return 0;
}
