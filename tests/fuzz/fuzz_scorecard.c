/* A trained model's file: refused with words, or compiled into a file that loads. */
#include "fuzz.h"

#include "sotto/forge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const sotto_forge_options OPTIONS = {.file_name = "model", .model_name = "fuzz"};
    sotto_forge_report report;
    sotto_diag diag = {.status = SOTTO_OK};
    sotto_vec out;
    sotto_vec_init(&out, 1 << 24);
    sotto_status status = sotto_forge_scorecard(sotto_span_of(data, size), &OPTIONS, &out, &report, &diag);
    require((status == SOTTO_OK) == (out.len > 0)); /* forge itself loads what it makes */
    require(status == diag.status);
    require(status == SOTTO_OK || diag.text[0] != '\0');
    sotto_vec_free(&out);
    return 0;
}
