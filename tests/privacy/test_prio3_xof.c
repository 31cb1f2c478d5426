/* TurboSHAKE128 against the vectors of RFC 9861, section 5, and XofTurboShake128 against its definition. */
#include "prio3_xof.h"
#include "sotto/base.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { OUT = 32, LONG_OUTPUT = 10032, MESSAGE_MAX = 4913 };

static uint8_t message[MESSAGE_MAX];

static void hash(const uint8_t *bytes, size_t len, uint8_t separation, size_t skip, uint8_t out[OUT])
{
    static uint8_t skipped[LONG_OUTPUT];
    prio3_xof xof;
    prio3_turboshake_init(&xof);
    prio3_turboshake_absorb(&xof, bytes, len);
    prio3_turboshake_finish(&xof, separation);
    prio3_turboshake_squeeze(&xof, skipped, skip);
    prio3_turboshake_squeeze(&xof, out, OUT);
}

static void check(const uint8_t out[OUT], const char *hex)
{
    char text[2 * OUT + 1];
    for (size_t i = 0; i < OUT; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", out[i]);
    assert_string_equal(text, hex);
}

/* ptn(n) of RFC 9861: the bytes 00 .. FA again and again. */
static void patterns(void **state)
{
    static const struct {
        size_t len;
        const char *hex;
    } CASES[] = {{0, "1e415f1c5983aff2169217277d17bb538cd945a397ddec541f1ce41af2c1b74c"},
                 {1, "55cedd6f60af7bb29a4042ae832ef3f58db7299f893ebb9247247d856958daa9"},
                 {17, "9c97d036a3bac819db70ede0ca554ec6e4c2a1a4ffbfd9ec269ca6a111161233"},
                 {289, "96c77c279e0126f7fc07c9b07f5cdae1e0be60bdbe10620040e75d7223a624d2"},
                 {4913, "d4976eb56bcf118520582b709f73e1d6853e001fdaf80e1b13e0d0599d5fb372"}};
    uint8_t out[OUT];
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        hash(message, CASES[i].len, 0x1f, 0, out);
        check(out, CASES[i].hex);
    }
    hash(message, 0, 0x1f, OUT, out);
    check(out, "3e8ccae2a4dae56c84a04c2385c03c15e8193bdf58737363321691c05462c8df");
    hash(message, 0, 0x1f, LONG_OUTPUT - OUT, out);
    check(out, "a3b9b0385900ce761f22aed548e754da10a5242d62e8c658e3f3a923a7555607");
}

static void separations(void **state)
{
    static const struct {
        size_t len;
        uint8_t separation;
        const char *hex;
    } CASES[] = {{3, 0x01, "bf323f940494e88ee1c540fe660be8a0c93f43d15ec006998462fa994eed5dab"},
                 {1, 0x06, "8ec9c66465ed0d4a6c35d13506718d687a25cb05c74cca1e42501abd83874a67"},
                 {3, 0x07, "b658576001cad9b1e5f399a9f77723bba05458042d68206f7252682dba3663ed"},
                 {7, 0x0b, "8deeaa1aec47ccee569f659c21dfa8e112db3cee37b18178b2acd805b799cc37"},
                 {1, 0x30, "553122e2135e363c3292bed2c6421fa232bab03daa07c7d6636603286506325b"},
                 {3, 0x7f, "16274cc656d44cefd422395d0f9053bda6d28e122aba15c765e5ad0e6eaf26f9"}};
    const uint8_t ff[7] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    uint8_t out[OUT];
    (void)state;
    for (size_t i = 0; i < SOTTO_COUNT(CASES); i++) {
        hash(ff, CASES[i].len, CASES[i].separation, 0, out);
        check(out, CASES[i].hex);
    }
}

/* However the input and the output are cut, around the ends of blocks above all. */
static void pieces_make_no_difference(void **state)
{
    (void)state;
    for (size_t len = 0; len <= 3 * PRIO3_XOF_RATE + 2; len++) {
        uint8_t whole[400], cut[400];
        prio3_xof xof;
        prio3_turboshake_init(&xof);
        prio3_turboshake_absorb(&xof, message, len);
        prio3_turboshake_finish(&xof, 1);
        prio3_turboshake_squeeze(&xof, whole, sizeof whole);
        size_t first = len * 2 / 3, step = 1 + len % 171;
        prio3_turboshake_init(&xof);
        prio3_turboshake_absorb(&xof, message, first);
        prio3_turboshake_absorb(&xof, message, 0);
        prio3_turboshake_absorb(&xof, message + first, len - first);
        prio3_turboshake_finish(&xof, 1);
        for (size_t at = 0; at < sizeof cut; at += step)
            prio3_turboshake_squeeze(&xof, cut + at, sizeof cut - at < step ? sizeof cut - at : step);
        assert_memory_equal(whole, cut, sizeof whole);
    }
}

/* The definition, with the input written out: le16(tag length), tag, le8(seed length), seed, binder. */
static void tag_of_prio3(void **state)
{
    static const uint8_t TAG[] = {18, 0, 0x01, 0x02, 0x03, 0x04, 0, 7, 'c', 't', 'x'};
    uint8_t seed[PRIO3_XOF_SEED], input[2 + sizeof TAG + 1 + PRIO3_XOF_SEED + 5] = {sizeof TAG, 0};
    uint8_t plain[OUT], begun[OUT], named[OUT];
    prio3_xof xof;
    (void)state;
    for (size_t i = 0; i < sizeof seed; i++)
        seed[i] = (uint8_t)(0xa0 + i);
    memcpy(input + 2, TAG, sizeof TAG);
    input[2 + sizeof TAG] = PRIO3_XOF_SEED;
    memcpy(input + 3 + sizeof TAG, seed, sizeof seed);
    memcpy(input + sizeof input - 5, "bind.", 5);
    hash(input, sizeof input, 1, 0, plain);
    const prio3_tag tag = {0x01020304, (const uint8_t *)"ctx", 3};
    prio3_xof_begin(&xof, &tag, PRIO3_USAGE_JOINT_RAND_PART, seed);
    prio3_turboshake_absorb(&xof, (const uint8_t *)"bind.", 5);
    prio3_xof_start(&xof);
    prio3_turboshake_squeeze(&xof, begun, OUT);
    prio3_xof_init(&xof, TAG, sizeof TAG, seed);
    prio3_turboshake_absorb(&xof, (const uint8_t *)"bind.", 5);
    prio3_xof_start(&xof);
    prio3_turboshake_squeeze(&xof, named, OUT);
    assert_memory_equal(begun, plain, OUT);
    assert_memory_equal(named, plain, OUT);
    prio3_xof_wipe(&xof);
    const prio3_xof empty = {{0}, {0}, 0};
    assert_memory_equal(&xof, &empty, sizeof xof);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {cmocka_unit_test(patterns), cmocka_unit_test(separations),
                                              cmocka_unit_test(pieces_make_no_difference),
                                              cmocka_unit_test(tag_of_prio3)};
    for (size_t i = 0; i < sizeof message; i++)
        message[i] = (uint8_t)(i % 251);
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
