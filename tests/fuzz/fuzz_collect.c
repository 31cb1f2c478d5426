/*
 * Head office's doors: the first byte chooses one, the rest is what a terminal sends there. Behind them
 * stands a real registry (in memory where the machine has /dev/shm) with one device, one open code and one
 * release. Whatever comes, the answer is one of the documented codes; a report that is acknowledged is held,
 * and is known again when it comes a second time.
 */
#include "collector/collect.h"
#include "commands.h"
#include "fuzz.h"
#include "office/code.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the seeds' report answers. */
static const char TASKS[] =
    "{\"format\":\"sotto-tasks\",\"version\":1,\"lifetime_epsilon\":20,\"tasks\":[{\"name\":\"offers\","
    "\"id\":1,"
    "\"type\":\"offer-counts\",\"mode\":\"one-collector\",\"epsilon\":0.5,\"bound\":4,\"period_days\":1,"
    "\"campaigns\":[\"save-more\"]}]}";

static char dir[64];
static hq_collector collector;
static sotto_peer peer = {.common_name = "atm-1"};
static uint8_t report_key[SOTTO_PUBLIC_KEY_BYTES];

static sotto_status fixed_root(void *ctx, uint8_t root[static SOTTO_KEY_BYTES], sotto_diag *diag)
{
    (void)ctx, (void)diag;
    memset(root, 1, SOTTO_KEY_BYTES);
    return SOTTO_OK;
}

static void put_code(void)
{
    const uint8_t zero[HQ_CODE_BYTES] = {0};
    uint8_t hash[SOTTO_SHA256_BYTES];
    require(hq_code_hash(zero, hash) == SOTTO_OK);
    require(hq_registry_code_put(collector.registry, "atm-2", hash, 1, INT64_MAX, NULL) == SOTTO_OK);
}

/* The device atm-1, whose report key follows from a vault that the seeds were sealed with. */
static void put_device(void)
{
    const sotto_key_provider provider = {.name = "fixed", .load = fixed_root};
    const uint8_t hash[SOTTO_SHA256_BYTES] = {7};
    sotto_vault *vault;
    require(sotto_vault_open(&vault, &provider, NULL) == SOTTO_OK);
    require(sotto_vault_report_public_key(vault, report_key) == SOTTO_OK);
    sotto_vault_close(vault);
    const hq_admission admission = {.code_hash = hash,
                                    .report_key = report_key,
                                    .cert_sha256 = peer.cert_sha256,
                                    .cert_not_after_s = INT64_MAX,
                                    .now_s = 2};
    require(hq_registry_code_put(collector.registry, "atm-1", hash, 1, INT64_MAX, NULL) == SOTTO_OK);
    require(hq_registry_admit(collector.registry, &admission, NULL) == SOTTO_OK);
}

static void forget_files(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    hq_collector_close(&collector);
    require(system(command) == 0);
}

static void make_office(void)
{
    static char office[80]; /* the collector keeps it */
    char *argv[] = {"init", "--dir", office, "--json", NULL};
    snprintf(dir, sizeof dir, "%s/sotto-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    require(mkdtemp(dir) != NULL);
    snprintf(office, sizeof office, "%s/hq", dir);
    require(hq_cmd_init(4, argv) == 0);
    require(hq_collector_open(&collector, office, NULL, NULL) == SOTTO_OK);
    const hq_release release = {.version = 1, .published_s = 1, .tasks = sotto_span_str(TASKS)};
    require(hq_registry_release_put(collector.registry, &release, NULL) == SOTTO_OK);
    put_device();
    (void)atexit(forget_files);
}

static int ask(int listener, const char *method, sotto_span target, sotto_span body, sotto_vec *answer)
{
    const sotto_http_message request = {
        .is_request = true, .method = sotto_span_str(method), .target = target, .body = body};
    sotto_reply reply = {0};
    sotto_vec_init(&reply.body, SIZE_MAX);
    peer.listener = listener;
    hq_collect(&collector, &request, &peer, &reply);
    *answer = reply.body;
    return reply.code;
}

static void enrol(sotto_span body)
{
    sotto_vec answer;
    put_code();
    int code = ask(HQ_LISTENER_ENROL, "POST", sotto_span_str("/v1/enrol"), body, &answer);
    require(code == 200 || code == 400 || code == 403);
    sotto_vec_free(&answer);
    if (code == 200) { /* once */
        code = ask(HQ_LISTENER_ENROL, "POST", sotto_span_str("/v1/enrol"), body, &answer);
        require(code == 403);
        sotto_vec_free(&answer);
    }
}

static void report(sotto_span body)
{
    sotto_vec answer;
    hq_device before, after;
    require(hq_registry_device(collector.registry, "atm-1", &before, NULL) == SOTTO_OK);
    int code = ask(HQ_LISTENER_DEVICES, "PUT", sotto_span_str("/v1/reports/1"), body, &answer);
    require(hq_registry_device(collector.registry, "atm-1", &after, NULL) == SOTTO_OK);
    require(code == 200 || code == 400 || code == 403 || code == 409);
    require(after.reports <= 1 && after.reports >= before.reports && (code != 200 || after.reports == 1));
    sotto_vec_free(&answer);
    if (code != 200)
        return;
    require(ask(HQ_LISTENER_DEVICES, "PUT", sotto_span_str("/v1/reports/1"), body, &answer) == 200);
    require(memmem(answer.ptr, answer.len, "\"repeated\":true", 15) != NULL);
    sotto_vec_free(&answer);
}

/* Only what lies in the repository is ever given: the root is the one file there. */
static void release_file(sotto_span path)
{
    char target[512] = "/v1/release/";
    sotto_vec answer;
    size_t len = strlen(target);
    if (path.len > sizeof target - len)
        return;
    memcpy(target + len, path.ptr, path.len);
    int code =
        ask(HQ_LISTENER_DEVICES, "GET", sotto_span_of(target, len + path.len), (sotto_span){0}, &answer);
    require(code == 404 || (code == 200 && sotto_span_is(path, "1.root.json")));
    sotto_vec_free(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (dir[0] == '\0')
        make_office();
    if (size == 0)
        return 0;
    sotto_span rest = sotto_span_of(data + 1, size - 1);
    if (data[0] == 'e')
        enrol(rest);
    else if (data[0] == 'r')
        report(rest);
    else
        release_file(rest);
    return 0;
}
