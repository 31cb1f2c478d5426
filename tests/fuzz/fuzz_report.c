/* Sealed reports. What begins like an LZ4 frame is opened as it is; what begins with 'M' is a COSE message
 * that is put into a frame first, so that the fuzzer gets past the checksums; anything else is a payload
 * behind a signature that was found good. */
#include "fuzz.h"

#include "privacy_priv.h"

#include <string.h>

static uint8_t arena_memory[SOTTO_TASK_CELLS_MAX * 8 + 64];

/* The generator of P-256 (SEC 2, 2.4.2): a valid key whose signature no input has. */
static const uint8_t KEY[SOTTO_PUBLIC_KEY_BYTES] = {
    0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
    0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f,
    0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce,
    0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};

static void check_report(sotto_status status, const sotto_report *report, const sotto_diag *diag)
{
    if (status != SOTTO_OK) {
        require(diag->status != SOTTO_OK && diag->text[0] != '\0');
        return;
    }
    require(report->cell_count >= 1 && report->cell_count <= SOTTO_TASK_CELLS_MAX && report->cells != NULL);
    require(report->seq >= 1 && report->epsilon_ueps >= 1 && report->bound >= 1 && report->period_days >= 1);
    require(report->device[0] != '\0' && memchr(report->device, 0, sizeof report->device) != NULL);
}

static void open_sealed(sotto_span sealed)
{
    sotto_report report;
    sotto_diag diag = {0};
    sotto_arena arena;
    sotto_arena_init(&arena, arena_memory, sizeof arena_memory);
    sotto_status status = sotto_report_open(&report, sealed, KEY, &arena, &diag);
    check_report(status, &report, &diag);
    require(status == SOTTO_OK || (arena.used == 0 && report.cells == NULL));
}

static void open_message(sotto_span message)
{
    static uint8_t memory[SOTTO_REPORT_MAX * 2];
    sotto_buf sealed = sotto_buf_of(memory, sizeof memory);
    size_t size = message.len + 512;
    if (message.len > REPORT_MESSAGE_MAX || sotto_lz4_compress(message, &sealed) != SOTTO_OK ||
        sotto_lz4_pad(&sealed, &size, 1) != SOTTO_OK)
        return;
    open_sealed(sotto_buf_span(&sealed));
}

static void read_payload(sotto_span payload)
{
    sotto_report report = {.seq = 0};
    sotto_diag diag = {0};
    sotto_arena arena;
    sotto_arena_init(&arena, arena_memory, sizeof arena_memory);
    check_report(sotto_privacy_read_payload(&report, payload, &arena, &diag), &report, &diag);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;
    if (!started)
        require(sotto_vault_start(NULL) == SOTTO_OK);
    started = true;
    if (size > 0 && data[0] == 0x04)
        open_sealed(sotto_span_of(data, size));
    else if (size > 0 && data[0] == 'M')
        open_message(sotto_span_of(data + 1, size - 1));
    else
        read_payload(sotto_span_of(data, size));
    return 0;
}
