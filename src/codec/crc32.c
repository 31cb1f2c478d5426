#include "sotto/codec/cursor.h"

/* ISO-HDLC CRC-32, reflected (ITU-T V.42, section 8.1.1.6.2): four bits a step from a table of 16 words,
 * which costs 64 bytes of the terminal's binary instead of 1 KiB and is fast enough for what it guards
 * (profiles, models of a megabyte). TABLE[i] is what four steps of the bit-wise division make of i. */
static const uint32_t TABLE[16] = {
    0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
    0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
};

uint32_t sotto_crc32(uint32_t crc, sotto_span bytes)
{
    uint32_t c = ~crc;
    for (size_t i = 0; i < bytes.len; i++) {
        c ^= bytes.ptr[i];
        c = c >> 4 ^ TABLE[c & 15];
        c = c >> 4 ^ TABLE[c & 15];
    }
    return ~c;
}
