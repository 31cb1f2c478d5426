/* Verifying: draft-irtf-cfrg-vdaf-20, sections "Querying the Proof" and "Deciding Validity". Part of
 * prio3_engine.h. */

typedef struct querier {
    felem *roots;  /* powers of the root of order 2 wire_len, factors */
    felem *wire;   /* poly_at for wire polynomials, wire_len */
    felem *gadget; /* poly_at for the gadget polynomial, 2 wire_len */
    felem *rand;   /* joint randomness of one proof as factors, a value a call */
    felem *weight; /* of each call in the wire 2j: wire[k + 1] * rand[k]^(j + 1), factors */
    felem inverse; /* 1 / shares */
} querier;

static size_t querier_carve(querier *work, const sotto_prio3 *prio3, void *memory)
{
    prio3_carve carve = {memory, 0};
    size_t n = prio3->wire_len;
    work->roots = prio3_take(&carve, 2 * n * sizeof(felem));
    work->wire = prio3_take(&carve, n * sizeof(felem));
    work->gadget = prio3_take(&carve, 2 * n * sizeof(felem));
    work->rand = prio3_take(&carve, prio3->joint_rand_len * sizeof(felem));
    work->weight = prio3_take(&carve, prio3->joint_rand_len * sizeof(felem));
    return carve.used;
}

static size_t engine_query_work(const sotto_prio3 *prio3)
{
    querier work;
    return querier_carve(&work, prio3, NULL);
}

/* Values of the wires 2j and 2j + 1 at the test point. Writing the wires down is not needed: the value is a
 * weighted sum of the measurement's elements, and the constant -1/shares of each call has the sum of the
 * weights (missing). */
static void query_pair(const querier *work, const sotto_prio3 *prio3, const felem *meas, const felem *seeds,
                       felem missing, size_t j, felem *out)
{
    felem_acc first = felem_acc_zero(), second = felem_acc_zero();
    felem_acc_add(&first, seeds[0], work->wire[0]);
    felem_acc_add(&second, seeds[1], work->wire[0]);
    for (size_t k = 0; k < prio3->calls; k++) {
        size_t index = k * prio3->chunk + j;
        work->weight[k] = felem_mul(work->weight[k], work->rand[k]);
        if (index < prio3->encoded_len) {
            felem_acc_add(&first, meas[index], work->weight[k]);
            felem_acc_add(&second, meas[index], work->wire[k + 1]);
        }
    }
    out[0] = felem_acc_factors(&first);
    out[1] = felem_sub(felem_acc_factors(&second), missing);
}

static void query_chunks(const querier *work, const sotto_prio3 *prio3, const felem *meas, const felem *seeds,
                         felem *wires)
{
    felem sum = felem_zero();
    for (size_t k = 0; k < prio3->calls; k++) {
        sum = felem_add(sum, work->wire[k + 1]);
        work->weight[k] = work->wire[k + 1];
    }
    felem missing = felem_mul(work->inverse, sum);
    for (size_t j = 0; j < prio3->chunk; j++)
        query_pair(work, prio3, meas, seeds + 2 * j, missing, j, wires + 2 * j);
}

static void query_wires(const querier *work, const sotto_prio3 *prio3, const felem *meas, const felem *seeds,
                        felem *wires)
{
    if (prio3->joint_rand_len > 0) {
        query_chunks(work, prio3, meas, seeds, wires);
        return;
    }
    /* Count puts its one element on both wires, Sum each bit on its one. */
    for (size_t j = 0; j < prio3->arity; j++) {
        felem seed = felem_mul(seeds[j], work->wire[0]);
        wires[j] = felem_add(seed, poly_dot(meas, 1, work->wire + 1, prio3->calls));
    }
}

/* The value at the test point of the gadget polynomial, of whose 2n values all but the last are given. Its
 * degree is at most 2n - 2, so the sum of v_i w^i, the coefficient of x^(2n - 1), is 0; that gives the last
 * (draft: extend_values_to_power_of_2). */
static felem query_gadget(const querier *work, size_t n, const felem *values)
{
    felem known = poly_dot(values, 1, work->roots, 2 * n - 1);
    felem last = felem_sub(felem_zero(), felem_mul(known, work->roots[1]));
    return felem_add(poly_dot(values, 1, work->gadget, 2 * n - 1), felem_mul(last, work->gadget[2 * n - 1]));
}

static felem sum_of(const felem *values, size_t stride, size_t n)
{
    felem sum = felem_zero();
    for (size_t i = 0; i < n; i++)
        sum = felem_add(sum, values[i * stride]);
    return sum;
}

/* What must be zero of the measurement as a whole: the buckets add up to 1, or to the claimed weight. */
static felem sum_check(const querier *work, const sotto_prio3 *prio3, const felem *meas)
{
    felem sum = sum_of(meas, 1, prio3->length);
    if (prio3->type == SOTTO_PRIO3_HISTOGRAM)
        return felem_sub(sum, work->inverse);
    return felem_sub(sum, decode_integer(prio3, meas + prio3->length, last_weight(prio3)));
}

/* The circuit's outputs, reduced to one by randomness where there are several. The output of call k is the
 * gadget polynomial's value at w^2k. */
static felem circuit(const querier *work, const sotto_prio3 *prio3, const felem *meas, const felem *gadget,
                     const felem *rand)
{
    felem out;
    switch (prio3->type) {
    case SOTTO_PRIO3_COUNT:
        return felem_sub(gadget[2], meas[0]);
    case SOTTO_PRIO3_SUM:
        if (prio3->bits == 1)
            return gadget[2];
        out = felem_zero();
        for (size_t k = 0; k < prio3->calls; k++)
            out = felem_add(out, felem_mul(gadget[2 * k + 2], felem_factor(rand[k])));
        return out;
    case SOTTO_PRIO3_HISTOGRAM:
    case SOTTO_PRIO3_MULTIHOT:
        out = felem_mul(sum_of(gadget + 2, 2, prio3->calls), felem_factor(rand[0]));
        return felem_add(out, felem_mul(sum_check(work, prio3, meas), felem_factor(rand[1])));
    case SOTTO_PRIO3_SUM_VEC:
        break;
    }
    return sum_of(gadget + 2, 2, prio3->calls);
}

/* One verifier: the circuit's output, the wires' values and the gadget's at the test point. */
static bool query_one(const querier *work, const sotto_prio3 *prio3, const felem *meas, const felem *proof,
                      const felem *query_rand, felem *verifier)
{
    size_t n = prio3->wire_len;
    felem t = felem_factor(query_rand[prio3->query_rand_len - 1]);
    uint64_t root = felem_is_zero(poly_at(work->wire, n, work->roots, 2, t));
    (void)poly_at(work->gadget, 2 * n, work->roots, 1, t);
    verifier[0] = circuit(work, prio3, meas, proof + prio3->arity, query_rand);
    query_wires(work, prio3, meas, proof, verifier + 1);
    verifier[1 + prio3->arity] = query_gadget(work, n, proof + prio3->arity);
    PRIO3_DECLASSIFY(&root, sizeof root); /* ends the verification of this report */
    return !root;
}

static bool engine_query(const sotto_prio3 *prio3, const void *meas, const void *proofs,
                         const void *query_rand, const void *joint_rand, void *verifiers, void *memory)
{
    const felem *proof = proofs, *query = query_rand, *joint = joint_rand;
    felem *verifier = verifiers;
    bool good = true;
    querier work;
    (void)querier_carve(&work, prio3, memory);
    work.inverse = share_inverse(prio3);
    poly_roots(work.roots, 2 * (size_t)prio3->wire_len);
    for (uint32_t i = 0; i < prio3->proofs; i++) {
        for (size_t k = 0; k < prio3->joint_rand_len; k++)
            work.rand[k] = felem_factor(joint[k]);
        good = query_one(&work, prio3, meas, proof, query, verifier) && good;
        proof += prio3->proof_len;
        query += prio3->query_rand_len;
        joint += prio3->joint_rand_len;
        verifier += prio3->verifier_len;
    }
    return good;
}

/* The gadget on the wires' values: x (x - 1) for Sum, else a sum of products. */
static felem gadget_of(const sotto_prio3 *prio3, const felem *wires)
{
    felem_acc acc = felem_acc_zero();
    if (prio3->arity == 1)
        felem_acc_add(&acc, wires[0], felem_sub(wires[0], felem_small(1)));
    else
        for (size_t j = 0; j < prio3->arity; j += 2)
            felem_acc_add(&acc, wires[j], wires[j + 1]);
    return felem_acc_plain(&acc);
}

static bool engine_decide(const sotto_prio3 *prio3, const void *verifiers)
{
    const felem *verifier = verifiers;
    uint64_t good = 1;
    for (uint32_t i = 0; i < prio3->proofs; i++) {
        felem gadget = gadget_of(prio3, verifier + 1);
        good &= felem_is_zero(verifier[0]);
        good &= felem_is_zero(felem_sub(gadget, verifier[1 + prio3->arity]));
        verifier += prio3->verifier_len;
    }
    PRIO3_DECLASSIFY(&good, sizeof good); /* the verdict on the report */
    return good != 0;
}
