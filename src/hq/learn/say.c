/* What the learning commands say: failures, progress, figures, JSON. */
#include "learn/learn.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

enum { BAR_WIDTH = 30 };

int learn_finish(sotto_status status, const sotto_diag *diag)
{
    char line[512];
    if (status == SOTTO_OK)
        return 0;
    if (diag->text[0] != '\0')
        (void)sotto_diag_format(diag, line, sizeof line);
    else
        (void)snprintf(line, sizeof line, "%s: %s", sotto_status_room_name(status),
                       sotto_status_cause_text(status));
    bool usage = status == SOTTO_ERR(HQ, USAGE) && strstr(line, "--help") == NULL;
    fprintf(stderr, "sotto-hq: %s%s\n", line, usage ? "; --help shows how" : "");
    return sotto_status_exit_code(status);
}

void learn_progress(const char *what, size_t done, size_t total)
{
    char bar[BAR_WIDTH + 1];
    if (total == 0 || !isatty(STDERR_FILENO))
        return;
    size_t filled = done * BAR_WIDTH / total;
    for (size_t i = 0; i < BAR_WIDTH; i++)
        bar[i] = i < filled ? '#' : '.';
    bar[BAR_WIDTH] = '\0';
    fprintf(stderr, "\r%s [%s] %zu/%zu%s", what, bar, done, total, done == total ? "\r\033[K" : "");
    fflush(stderr);
}

const char *learn_grouped(uint64_t v, char out[static 32])
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%" PRIu64, v);
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

sotto_status learn_flush(sotto_diag *diag)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        return sotto_diag_set(diag, SOTTO_ERR(HQ, IO), "writing to standard output failed");
    return SOTTO_OK;
}

void learn_json_real(sotto_json_writer *w, const char *name, double v, unsigned decimals)
{
    double scaled = v * pow(10, decimals);
    sotto_json_name(w, name);
    if (isfinite(scaled) && fabs(scaled) < 9e18)
        sotto_json_decimal(w, llrint(scaled), decimals);
    else
        sotto_json_null(w);
}

sotto_status learn_json_print(const sotto_json_writer *w, sotto_diag *diag)
{
    sotto_status status = sotto_json_writer_end(w);
    if (status != SOTTO_OK)
        return sotto_diag_set(diag, status, "the report does not fit");
    fwrite(w->out->ptr, 1, w->out->len, stdout);
    putchar('\n');
    return learn_flush(diag);
}
