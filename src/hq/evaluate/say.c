/* Figures and their intervals, for people and for programs. */
#include "evaluate/evaluate.h"

#include <math.h>
#include <stdlib.h>

enum { REPORT_BYTES = 1 << 20, DECIMALS = 8 };

void eval_tell(const eval_figure *f)
{
    double scale = f->percent ? 100 : 1;
    const char *unit = f->percent ? " %" : "";
    int digits = f->percent ? 2 : 4;
    if (isnan(f->value)) {
        printf("  %-44s cannot be said from this data\n", f->text);
        return;
    }
    printf("  %-44s %10.*f%s", f->text, digits, scale * f->value, unit);
    if (isnan(f->interval.low))
        printf("\n");
    else
        printf("   [%.*f, %.*f]\n", digits, scale * f->interval.low, digits, scale * f->interval.high);
}

void eval_json(sotto_json_writer *w, const eval_figure *f)
{
    sotto_json_name(w, f->name);
    sotto_json_obj(w);
    learn_json_real(w, "value", f->value, DECIMALS);
    learn_json_real(w, "low", f->interval.low, DECIMALS);
    learn_json_real(w, "high", f->interval.high, DECIMALS);
    sotto_json_obj_end(w);
}

void eval_json_u64(sotto_json_writer *w, const char *name, uint64_t v)
{
    sotto_json_name(w, name);
    sotto_json_u64(w, v);
}

void eval_json_str(sotto_json_writer *w, const char *name, const char *v)
{
    sotto_json_name(w, name);
    sotto_json_cstr(w, v);
}

sotto_status eval_json_report(void (*fill)(sotto_json_writer *w, const void *ctx), const void *ctx,
                              sotto_diag *diag)
{
    uint8_t *memory = eval_array(REPORT_BYTES, 1, diag);
    if (memory == NULL)
        return diag->status;
    sotto_buf buf = sotto_buf_of(memory, REPORT_BYTES);
    sotto_json_writer w = sotto_json_writer_of(&buf);
    sotto_json_obj(&w);
    fill(&w, ctx);
    sotto_json_obj_end(&w);
    sotto_status status = learn_json_print(&w, diag);
    free(memory);
    return status;
}
