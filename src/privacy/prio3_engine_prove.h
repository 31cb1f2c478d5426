/* Proving: draft-irtf-cfrg-vdaf-20, section "Generating the Proof". Part of prio3_engine.h. */

typedef struct prover {
    felem *roots; /* powers of the root of order 2 wire_len, factors */
    felem *scale; /* poly_scale */
    felem *a, *b; /* a pair of wires, wire_len values each */
    felem *rand;  /* joint randomness of one proof as factors, a value a call */
    felem *power; /* its powers, elements */
    felem_acc *acc;
} prover;

static size_t prover_carve(prover *work, const sotto_prio3 *prio3, void *memory)
{
    prio3_carve carve = {memory, 0};
    size_t n = prio3->wire_len;
    work->acc = prio3_take(&carve, n * sizeof *work->acc);
    work->roots = prio3_take(&carve, 2 * n * sizeof(felem));
    work->scale = prio3_take(&carve, n * sizeof(felem));
    work->a = prio3_take(&carve, n * sizeof(felem));
    work->b = prio3_take(&carve, n * sizeof(felem));
    work->rand = prio3_take(&carve, prio3->joint_rand_len * sizeof(felem));
    work->power = prio3_take(&carve, prio3->joint_rand_len * sizeof(felem));
    return carve.used;
}

static size_t engine_prove_work(const sotto_prio3 *prio3)
{
    prover work;
    return prover_carve(&work, prio3, NULL);
}

/* The wires 2j and 2j + 1 of ParallelSum in the calls 1 .. calls. The measurement's elements are bits, so a
 * product with one is a mask, and m - 1 (one share while proving) is 0 or -1. */
static void fill_chunk(const prover *work, const sotto_prio3 *prio3, const felem *meas, size_t j)
{
    felem minus_one = felem_sub(felem_zero(), felem_small(1));
    for (size_t k = 0; k < prio3->calls; k++) {
        size_t index = k * prio3->chunk + j;
        uint64_t bit[2] = {0, 0};
        if (index < prio3->encoded_len)
            felem_words(meas[index], bit);
        uint64_t mask = word_mask(bit[0]);
        work->a[k + 1] = felem_and(work->power[k], mask);
        work->b[k + 1] = felem_and(minus_one, ~mask);
    }
    if (j + 1 < prio3->chunk)
        for (size_t k = 0; k < prio3->calls; k++)
            work->power[k] = felem_mul(work->power[k], work->rand[k]);
}

/* Wires of pair j, all wire_len values: the seed, what the calls get, zeros. Sum has one wire. */
static void fill_wires(const prover *work, const sotto_prio3 *prio3, const felem *meas, const felem *seeds,
                       size_t j)
{
    size_t bytes = prio3->wire_len * sizeof(felem);
    memset(work->a, 0, bytes);
    memset(work->b, 0, bytes);
    if (prio3->type == SOTTO_PRIO3_SUM) {
        memcpy(work->a + 1, meas, prio3->calls * sizeof(felem));
    } else if (prio3->type == SOTTO_PRIO3_COUNT) {
        work->a[1] = work->b[1] = meas[0];
    } else {
        fill_chunk(work, prio3, meas, j);
    }
    work->a[0] = seeds[2 * j];
    if (prio3->arity > 1)
        work->b[0] = seeds[2 * j + 1];
}

/* The second factor of x (x - 1), for the gadget of Sum. */
static void less_one(felem *out, const felem *in, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = felem_sub(in[i], felem_small(1));
}

static void accumulate(felem_acc *acc, const felem *a, const felem *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        felem_acc_add(acc + i, a[i], b[i]);
}

/* One pair's share of the gadget polynomial: at 1 into *first, at the odd powers into acc. */
static void add_pair(const prover *work, const sotto_prio3 *prio3, felem_acc *first)
{
    size_t n = prio3->wire_len;
    bool single = prio3->arity == 1;
    if (single)
        less_one(work->b, work->a, 1);
    felem_acc_add(first, work->a[0], work->b[0]);
    poly_shift(work->a, n, work->roots, work->scale);
    if (single)
        less_one(work->b, work->a, n);
    else
        poly_shift(work->b, n, work->roots, work->scale);
    accumulate(work->acc, work->a, work->b, n);
}

/* The proof: wire seeds, then the gadget polynomial's first 2 wire_len - 1 values. At the even powers, but
 * for 1, it has the outputs of the calls: 0 for bits, m * m = m for Count. */
static void prove_one(const prover *work, const sotto_prio3 *prio3, const felem *meas, const felem *seeds,
                      felem *proof)
{
    size_t n = prio3->wire_len;
    felem *gadget = proof + prio3->arity;
    felem_acc first = felem_acc_zero();
    memset(work->acc, 0, n * sizeof *work->acc);
    for (size_t j = 0; j < prio3->chunk; j++) {
        fill_wires(work, prio3, meas, seeds, j);
        add_pair(work, prio3, &first);
    }
    memcpy(proof, seeds, prio3->arity * sizeof(felem));
    memset(gadget, 0, (2 * n - 1) * sizeof(felem));
    gadget[0] = felem_acc_plain(&first);
    if (prio3->type == SOTTO_PRIO3_COUNT)
        gadget[2] = meas[0];
    for (size_t i = 0; i + 1 < n; i++)
        gadget[2 * i + 1] = felem_acc_plain(&work->acc[i]);
}

static void engine_prove(const sotto_prio3 *prio3, const void *meas, const void *prove_rand,
                         const void *joint_rand, void *proofs, void *memory)
{
    const felem *seeds = prove_rand, *rand = joint_rand;
    felem *proof = proofs;
    prover work;
    (void)prover_carve(&work, prio3, memory);
    poly_roots(work.roots, 2 * (size_t)prio3->wire_len);
    poly_scale(work.scale, work.roots, prio3->wire_len);
    for (uint32_t i = 0; i < prio3->proofs; i++) {
        for (size_t k = 0; k < prio3->joint_rand_len; k++) {
            work.rand[k] = felem_factor(rand[k]);
            work.power[k] = rand[k];
        }
        prove_one(&work, prio3, meas, seeds, proof);
        seeds += prio3->arity;
        rand += prio3->joint_rand_len;
        proof += prio3->proof_len;
    }
}
