/*
 * Head office's P-256. Mbed TLS 3.6 multiplies points in portable C, some ten times slower than the assembly
 * of the distribution's libcrypto (OpenSSL, Apache-2.0), and a collector does little else: a handshake with
 * certificates on both sides and one report are nine multiplications. Where libcrypto is there at build
 * time, sotto-hq is linked so that three functions of Mbed TLS on which its ECDSA and ECDH stand come here
 * first (ld --wrap, src/vault/CMakeLists.txt). Everything else stays as it is: which keys, curves and
 * signatures are taken, in which encoding, with which nonce. Other curves, and whatever libcrypto cannot do
 * (no memory), go on to Mbed TLS. Terminals do not link this. Not for several threads at once, like the rest
 * of the room.
 */
#include <mbedtls/ecp.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#define SCALAR_BYTES 32
#define POINT_BYTES  65 /* 04 || X || Y (SEC 1 section 2.3.3) */
#define NOT_HERE     1  /* no error of Mbed TLS is positive */

typedef int random_of(void *ctx, unsigned char *out, size_t len);

int __real_mbedtls_ecp_mul_restartable(mbedtls_ecp_group *grp, mbedtls_ecp_point *r, const mbedtls_mpi *m,
                                       const mbedtls_ecp_point *p, random_of *rng, void *rng_ctx,
                                       mbedtls_ecp_restart_ctx *restart);
int __wrap_mbedtls_ecp_mul_restartable(mbedtls_ecp_group *grp, mbedtls_ecp_point *r, const mbedtls_mpi *m,
                                       const mbedtls_ecp_point *p, random_of *rng, void *rng_ctx,
                                       mbedtls_ecp_restart_ctx *restart);
int __wrap_mbedtls_ecp_mul(mbedtls_ecp_group *grp, mbedtls_ecp_point *r, const mbedtls_mpi *m,
                           const mbedtls_ecp_point *p, random_of *rng, void *rng_ctx);
int __real_mbedtls_ecp_muladd_restartable(mbedtls_ecp_group *grp, mbedtls_ecp_point *r, const mbedtls_mpi *m,
                                          const mbedtls_ecp_point *p, const mbedtls_mpi *n,
                                          const mbedtls_ecp_point *q, mbedtls_ecp_restart_ctx *restart);
int __wrap_mbedtls_ecp_muladd_restartable(mbedtls_ecp_group *grp, mbedtls_ecp_point *r, const mbedtls_mpi *m,
                                          const mbedtls_ecp_point *p, const mbedtls_mpi *n,
                                          const mbedtls_ecp_point *q, mbedtls_ecp_restart_ctx *restart);

/* Made at the first use and kept. */
typedef struct p256 {
    EC_GROUP *group;
    BN_CTX *ctx;
    EC_POINT *point, *result;
    BIGNUM *of_base, *of_point;
} p256;

static p256 *curve(void)
{
    static p256 c;
    if (c.of_point != NULL)
        return &c;
    /* No configuration file of the machine has a word in this. */
    if (c.group == NULL && OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) == 1)
        c.group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    if (c.ctx == NULL)
        c.ctx = BN_CTX_secure_new();
    if (c.group != NULL && c.point == NULL)
        c.point = EC_POINT_new(c.group);
    if (c.group != NULL && c.result == NULL)
        c.result = EC_POINT_new(c.group);
    if (c.of_base == NULL)
        c.of_base = BN_new();
    if (c.ctx != NULL && c.point != NULL && c.result != NULL && c.of_base != NULL)
        c.of_point = BN_new();
    return c.of_point == NULL ? NULL : &c;
}

/* 0 to 2^256 - 1; whoever calls judges the range. */
static int take_scalar(BIGNUM *out, const mbedtls_mpi *m)
{
    unsigned char bytes[SCALAR_BYTES];
    int good = mbedtls_mpi_cmp_int(m, 0) >= 0 && mbedtls_mpi_write_binary(m, bytes, sizeof bytes) == 0 &&
               BN_bin2bn(bytes, sizeof bytes, out) != NULL;
    OPENSSL_cleanse(bytes, sizeof bytes);
    BN_set_flags(out, BN_FLG_CONSTTIME);
    return good;
}

/* Fails, too, when the point is not on the curve: then Mbed TLS says so in its own words. */
static int take_point(const p256 *c, const mbedtls_ecp_group *grp, const mbedtls_ecp_point *p)
{
    unsigned char bytes[POINT_BYTES];
    size_t len = 0;
    return mbedtls_ecp_point_write_binary(grp, p, MBEDTLS_ECP_PF_UNCOMPRESSED, &len, bytes, sizeof bytes) ==
               0 &&
           len == sizeof bytes && EC_POINT_oct2point(c->group, c->point, bytes, len, c->ctx) == 1;
}

static int give_point(const p256 *c, const mbedtls_ecp_group *grp, mbedtls_ecp_point *r)
{
    unsigned char bytes[POINT_BYTES];
    if (EC_POINT_is_at_infinity(c->group, c->result))
        return mbedtls_ecp_set_zero(r);
    size_t len =
        EC_POINT_point2oct(c->group, c->result, POINT_CONVERSION_UNCOMPRESSED, bytes, sizeof bytes, c->ctx);
    int ret = len == sizeof bytes ? mbedtls_ecp_point_read_binary(grp, r, bytes, len) : NOT_HERE;
    OPENSSL_cleanse(bytes, sizeof bytes); /* of a key exchange it is the secret */
    return ret;
}

static int is_base(const mbedtls_ecp_group *grp, const mbedtls_ecp_point *p)
{
    return p == &grp->G || mbedtls_ecp_point_cmp(p, &grp->G) == 0;
}

/* r = of_base * G + of_point * p; a NULL leaves its part out. 0, NOT_HERE, or an error of Mbed TLS. */
static int multiply(const mbedtls_ecp_group *grp, mbedtls_ecp_point *r, const mbedtls_mpi *of_base,
                    const mbedtls_mpi *of_point, const mbedtls_ecp_point *p)
{
    p256 *c = curve();
    if (c == NULL || (of_base != NULL && !take_scalar(c->of_base, of_base)) ||
        (of_point != NULL && (!take_scalar(c->of_point, of_point) || !take_point(c, grp, p))))
        return NOT_HERE;
    int done =
        EC_POINT_mul(c->group, c->result, of_base == NULL ? NULL : c->of_base,
                     of_point == NULL ? NULL : c->point, of_point == NULL ? NULL : c->of_point, c->ctx);
    int ret = done == 1 ? give_point(c, grp, r) : NOT_HERE;
    BN_clear(c->of_base);
    BN_clear(c->of_point);
    /* Of a key exchange it is the secret, and "infinity" leaves its coordinates standing. */
    return EC_POINT_copy(c->result, EC_GROUP_get0_generator(c->group)) == 1 ? ret : NOT_HERE;
}

int __wrap_mbedtls_ecp_mul_restartable(mbedtls_ecp_group *grp, mbedtls_ecp_point *r, const mbedtls_mpi *m,
                                       const mbedtls_ecp_point *p, random_of *rng, void *rng_ctx,
                                       mbedtls_ecp_restart_ctx *restart)
{
    int ret = NOT_HERE;
    if (grp->id == MBEDTLS_ECP_DP_SECP256R1 && rng != NULL && mbedtls_ecp_check_privkey(grp, m) == 0)
        ret = is_base(grp, p) ? multiply(grp, r, m, NULL, NULL) : multiply(grp, r, NULL, m, p);
    return ret == NOT_HERE ? __real_mbedtls_ecp_mul_restartable(grp, r, m, p, rng, rng_ctx, restart) : ret;
}

int __wrap_mbedtls_ecp_mul(mbedtls_ecp_group *grp, mbedtls_ecp_point *r, const mbedtls_mpi *m,
                           const mbedtls_ecp_point *p, random_of *rng, void *rng_ctx)
{
    return __wrap_mbedtls_ecp_mul_restartable(grp, r, m, p, rng, rng_ctx, NULL);
}

int __wrap_mbedtls_ecp_muladd_restartable(mbedtls_ecp_group *grp, mbedtls_ecp_point *r, const mbedtls_mpi *m,
                                          const mbedtls_ecp_point *p, const mbedtls_mpi *n,
                                          const mbedtls_ecp_point *q, mbedtls_ecp_restart_ctx *restart)
{
    int ret = NOT_HERE;
    if (grp->id == MBEDTLS_ECP_DP_SECP256R1 && is_base(grp, p))
        ret = multiply(grp, r, m, n, q);
    return ret == NOT_HERE ? __real_mbedtls_ecp_muladd_restartable(grp, r, m, p, n, q, restart) : ret;
}
