/* Head office's P-256 (src/vault/curve.c) beside Mbed TLS's own: the same points, the same refusals. */
#include "vault_test.h"

#include <mbedtls/ecp.h>
#include <mbedtls/psa_util.h>
#include <string.h>

typedef int random_of(void *ctx, unsigned char *out, size_t len);
int __real_mbedtls_ecp_mul_restartable(mbedtls_ecp_group *grp, mbedtls_ecp_point *r, const mbedtls_mpi *m,
                                       const mbedtls_ecp_point *p, random_of *rng, void *rng_ctx,
                                       mbedtls_ecp_restart_ctx *restart);
int __real_mbedtls_ecp_muladd_restartable(mbedtls_ecp_group *grp, mbedtls_ecp_point *r, const mbedtls_mpi *m,
                                          const mbedtls_ecp_point *p, const mbedtls_mpi *n,
                                          const mbedtls_ecp_point *q, mbedtls_ecp_restart_ctx *restart);
int mbedtls_ecp_muladd_restartable(mbedtls_ecp_group *grp, mbedtls_ecp_point *r, const mbedtls_mpi *m,
                                   const mbedtls_ecp_point *p, const mbedtls_mpi *n,
                                   const mbedtls_ecp_point *q, mbedtls_ecp_restart_ctx *restart);

#define ROUNDS 40
#define RNG    mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE

typedef struct space {
    mbedtls_ecp_group grp;
    mbedtls_ecp_point p, ours, theirs;
    mbedtls_mpi m, n;
} space;

static void open_space(space *s, mbedtls_ecp_group_id id)
{
    mbedtls_ecp_group_init(&s->grp);
    mbedtls_ecp_point_init(&s->p);
    mbedtls_ecp_point_init(&s->ours);
    mbedtls_ecp_point_init(&s->theirs);
    mbedtls_mpi_init(&s->m);
    mbedtls_mpi_init(&s->n);
    assert_int_equal(sotto_vault_start(NULL), SOTTO_OK);
    assert_int_equal(mbedtls_ecp_group_load(&s->grp, id), 0);
}

static void close_space(space *s)
{
    mbedtls_ecp_group_free(&s->grp);
    mbedtls_ecp_point_free(&s->p);
    mbedtls_ecp_point_free(&s->ours);
    mbedtls_ecp_point_free(&s->theirs);
    mbedtls_mpi_free(&s->m);
    mbedtls_mpi_free(&s->n);
}

/* m * p by both. */
static void assert_mul(space *s, const mbedtls_ecp_point *p)
{
    int ours = mbedtls_ecp_mul(&s->grp, &s->ours, &s->m, p, RNG);
    int theirs = __real_mbedtls_ecp_mul_restartable(&s->grp, &s->theirs, &s->m, p, RNG, NULL);
    assert_int_equal(ours, theirs);
    if (ours == 0)
        assert_int_equal(mbedtls_ecp_point_cmp(&s->ours, &s->theirs), 0);
}

/* m * G + n * p by both. */
static void assert_muladd(space *s)
{
    int ours = mbedtls_ecp_muladd_restartable(&s->grp, &s->ours, &s->m, &s->grp.G, &s->n, &s->p, NULL);
    int theirs =
        __real_mbedtls_ecp_muladd_restartable(&s->grp, &s->theirs, &s->m, &s->grp.G, &s->n, &s->p, NULL);
    assert_int_equal(ours, theirs);
    assert_int_equal(mbedtls_ecp_is_zero(&s->ours), mbedtls_ecp_is_zero(&s->theirs));
    if (ours == 0 && !mbedtls_ecp_is_zero(&s->ours))
        assert_int_equal(mbedtls_ecp_point_cmp(&s->ours, &s->theirs), 0);
}

static void draw(space *s, mbedtls_mpi *out)
{
    assert_int_equal(mbedtls_ecp_gen_privkey(&s->grp, out, RNG), 0);
}

static void test_random_scalars(void **state)
{
    (void)state;
    space s;
    open_space(&s, MBEDTLS_ECP_DP_SECP256R1);
    for (int i = 0; i < ROUNDS; i++) {
        draw(&s, &s.m);
        assert_mul(&s, &s.grp.G);
        assert_int_equal(mbedtls_ecp_copy(&s.p, &s.ours), 0);
        draw(&s, &s.m);
        draw(&s, &s.n);
        assert_mul(&s, &s.p);
        assert_muladd(&s);
    }
    close_space(&s);
}

/* 1, 2, the order less 2, less 1; the order itself and 0 are no keys. */
static void test_edges_of_the_range(void **state)
{
    (void)state;
    space s;
    open_space(&s, MBEDTLS_ECP_DP_SECP256R1);
    draw(&s, &s.n);
    assert_int_equal(mbedtls_ecp_mul(&s.grp, &s.p, &s.n, &s.grp.G, RNG), 0);
    for (int away = -2; away <= 2; away++) {
        if (away > 0)
            assert_int_equal(mbedtls_mpi_lset(&s.m, away), 0);
        else
            assert_int_equal(mbedtls_mpi_add_int(&s.m, &s.grp.N, away), 0);
        assert_mul(&s, &s.grp.G);
        assert_mul(&s, &s.p);
        if (away != 0)
            assert_muladd(&s);
    }
    assert_int_equal(mbedtls_mpi_lset(&s.m, 0), 0);
    assert_int_equal(mbedtls_ecp_mul(&s.grp, &s.ours, &s.m, &s.p, RNG), MBEDTLS_ERR_ECP_INVALID_KEY);
    assert_muladd(&s); /* an ECDSA hash may be zero */
    close_space(&s);
}

/* m * G + n * p at infinity: what a forged signature may aim at. */
static void test_infinity(void **state)
{
    (void)state;
    space s;
    open_space(&s, MBEDTLS_ECP_DP_SECP256R1);
    draw(&s, &s.m);
    assert_int_equal(mbedtls_ecp_mul(&s.grp, &s.p, &s.m, &s.grp.G, RNG), 0);
    assert_int_equal(mbedtls_mpi_sub_int(&s.n, &s.grp.N, 1), 0);
    assert_muladd(&s);
    assert_true(mbedtls_ecp_is_zero(&s.ours));
    close_space(&s);
}

static void test_points_off_the_curve(void **state)
{
    (void)state;
    space s;
    open_space(&s, MBEDTLS_ECP_DP_SECP256R1);
    draw(&s, &s.m);
    assert_int_equal(mbedtls_ecp_mul(&s.grp, &s.p, &s.m, &s.grp.G, RNG), 0);
    assert_int_equal(mbedtls_mpi_add_int(&s.p.MBEDTLS_PRIVATE(Y), &s.p.MBEDTLS_PRIVATE(Y), 1), 0);
    assert_int_equal(mbedtls_ecp_mul(&s.grp, &s.ours, &s.m, &s.p, RNG), MBEDTLS_ERR_ECP_INVALID_KEY);
    assert_mul(&s, &s.p);
    draw(&s, &s.n);
    assert_muladd(&s);
    assert_int_equal(mbedtls_ecp_set_zero(&s.p), 0);
    assert_mul(&s, &s.p);
    close_space(&s);
}

/* Others go to Mbed TLS as before. */
static void test_other_curves(void **state)
{
    (void)state;
    space s;
    open_space(&s, MBEDTLS_ECP_DP_SECP384R1);
    draw(&s, &s.m);
    assert_mul(&s, &s.grp.G);
    close_space(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_scalars), cmocka_unit_test(test_edges_of_the_range),
        cmocka_unit_test(test_infinity),       cmocka_unit_test(test_points_off_the_curve),
        cmocka_unit_test(test_other_curves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
