/* The parts of a sealed report that both sides must make alike: cell width and size. */
#include "privacy_priv.h"

enum {
    SIZE_STEP = 512,
    FRAME_MARGIN = 64, /* frame header, end mark and checksum are at most 27 bytes */
    PAD_FRAME_MIN = 8
};

/* A draw passes 64 times its scale with a probability below 2^-91, so 32 bits hold every count and its noise
 * while the scale is below 2^24; anything further is cut off there (report.md, "Cells"). */
size_t sotto_privacy_cell_width(uint64_t epsilon_ueps, uint32_t bound)
{
    return (uint64_t)bound * 1000000 / epsilon_ueps < (1u << 24) ? 4 : 8;
}

size_t sotto_privacy_sealed_size(size_t cells, size_t width)
{
    size_t message = REPORT_OVERHEAD_MAX + cells * width;
    /* A block of an LZ4 frame that does not shrink is stored, with 4 bytes before at least 64 KiB; 1/128 is
     * ample. */
    size_t frame = message + message / 128 + FRAME_MARGIN + PAD_FRAME_MIN;
    return (frame + SIZE_STEP - 1) / SIZE_STEP * SIZE_STEP;
}
