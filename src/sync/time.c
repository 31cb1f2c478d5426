/* What sync knows of the time: a floor on the disk, and what head office has told in this run. */
#include <stdio.h>

#include "client_priv.h"

#define BACK_S INT64_C(3600) /* how far head office's own clock may have been set back */

static sotto_status read_floor(const char *path, int64_t *floor_s)
{
    sotto_vec file;
    uint64_t value = 0;
    sotto_vec_init(&file, 32);
    sotto_status st = sotto_port_read_file(path, &file, NULL);
    if (st == SOTTO_OK && file.len > 1 && file.ptr[file.len - 1] == '\n')
        st = sotto_parse_u64(sotto_span_of(file.ptr, file.len - 1), &value);
    if (st == SOTTO_OK && value > 253402300799)
        st = SOTTO_ERR(SYNC, MALFORMED);
    *floor_s = st == SOTTO_OK ? (int64_t)value : 0;
    sotto_vec_free(&file);
    return st;
}

void sotto_time_open(sotto_time *time, sotto_clock machine, int64_t shift_s, const char *path)
{
    *time = (sotto_time){.machine = machine, .shift_s = shift_s};
    if (read_floor(path, &time->floor_s) != SOTTO_OK)
        time->floor_s = 0;
}

static int64_t utc_s(void *ctx)
{
    const sotto_time *t = ctx;
    int64_t now_s = t->told ? t->told_s + (t->machine.mono_ms(t->machine.ctx) - t->told_mono_ms) / 1000
                            : t->machine.utc_s(t->machine.ctx);
    return now_s > t->floor_s ? now_s : t->floor_s;
}

static int64_t mono_ms(void *ctx)
{
    const sotto_time *t = ctx;
    return t->machine.mono_ms(t->machine.ctx);
}

sotto_clock sotto_time_clock(sotto_time *time)
{
    return (sotto_clock){.ctx = time, .utc_s = utc_s, .mono_ms = mono_ms};
}

sotto_status sotto_time_take(sotto_time *time, const sotto_time_word *word, const char *path,
                             sotto_diag *diag)
{
    char text[32], floor[21];
    int64_t now_s = word->utc_s + time->shift_s;
    if (now_s < time->floor_s - BACK_S) {
        sotto_time_format(time->floor_s, floor);
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, ROLLBACK),
                              "head office tells a time before %s, which it told earlier", floor);
    }
    time->told = true;
    time->told_s = now_s;
    time->told_mono_ms = time->machine.mono_ms(time->machine.ctx);
    if (now_s <= time->floor_s)
        return SOTTO_OK;
    time->floor_s = now_s;
    int len = snprintf(text, sizeof text, "%lld\n", (long long)now_s);
    return sotto_port_write_file(path, sotto_span_of(text, (size_t)len), 0600, diag);
}
