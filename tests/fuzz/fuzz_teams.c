/* Any JSON as teams.json or as a root: refused with words, or, written again, the same teams; no file of a
 * release has two owners, and whoever stands in a root has its key there. */
#include "fuzz.h"
#include "release/tuf.h"

#include <string.h>

enum { ROOM_BYTES = 256 << 10 };

static size_t put(const hq_teams *teams, uint8_t *memory)
{
    sotto_buf buf = sotto_buf_of(memory, ROOM_BYTES);
    sotto_json_writer w = sotto_json_writer_of(&buf);
    hq_teams_put(&w, teams);
    require(sotto_json_writer_end(&w) == SOTTO_OK);
    return buf.len;
}

static sotto_status parse(hq_teams *teams, sotto_span file, sotto_diag *diag)
{
    sotto_json *doc = NULL;
    sotto_status status = sotto_json_parse(&doc, file, "teams.json", diag);
    if (status == SOTTO_OK)
        status = hq_teams_parse(teams, sotto_json_root(doc), diag);
    sotto_json_free(doc);
    return status;
}

static void check_owners(const hq_teams *teams)
{
    for (size_t i = 0; i < HQ_BUNDLE_COUNT; i++) {
        size_t owners = 0;
        for (size_t t = 0; t < teams->count; t++)
            owners += teams->team[t].signs[i] ? 1 : 0;
        require(owners <= (i == HQ_BUNDLE_SELFTEST ? 0u : 1u));
    }
}

/* What is in use is all that is written, so it is from the second time on that the bytes stay. */
static void check_again(const hq_teams *teams)
{
    static uint8_t first[ROOM_BYTES], second[ROOM_BYTES];
    static hq_teams again;
    sotto_diag diag = {.status = SOTTO_OK};
    size_t len = put(teams, first);
    require(parse(&again, sotto_span_of(first, len), &diag) == SOTTO_OK);
    require(again.count == teams->count);
    require(put(&again, second) == len && memcmp(first, second, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static hq_teams teams;
    static hq_root root;
    sotto_diag diag = {.status = SOTTO_OK};
    sotto_status status = parse(&teams, sotto_span_of(data, size), &diag);
    require(status == diag.status && (status == SOTTO_OK || diag.text[0] != '\0'));
    if (status == SOTTO_OK) {
        check_owners(&teams);
        check_again(&teams);
    }
    diag = (sotto_diag){.status = SOTTO_OK};
    status = hq_root_parse(&root, sotto_span_of(data, size), "root.json", &diag);
    require(status == diag.status && (status == SOTTO_OK || diag.text[0] != '\0'));
    return 0;
}
