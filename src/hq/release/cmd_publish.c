/* publish: the files of a release, checked, signed and offered to terminals. */
#include "commands.h"
#include "office/args.h"
#include "office/day.h"
#include "office/json.h"
#include "release/repo.h"

#include <stdio.h>

typedef struct publishing {
    const char *dir;
    const char *path[HQ_BUNDLE_COUNT];
    int64_t days;
    bool refresh, prepare, finish, as_json;
} publishing;

static sotto_status publish_locked(const publishing *p, const hq_bundle *bundle, hq_publication *out,
                                   sotto_diag *diag)
{
    hq_registry *registry = NULL;
    sotto_port_lock lock;
    sotto_status status = hq_repo_lock(p->dir, &lock, diag);
    if (status != SOTTO_OK)
        return status;
    status = hq_office_registry(p->dir, &registry, diag);
    if (status == SOTTO_OK && p->finish)
        status = hq_repo_finish(p->dir, registry, out, diag);
    else if (status == SOTTO_OK && p->prepare)
        status = hq_repo_prepare(p->dir, bundle, registry, p->days, out, diag);
    else if (status == SOTTO_OK)
        status = hq_repo_publish(p->dir, bundle, registry, p->days, out, diag);
    hq_registry_close(registry);
    sotto_port_lock_drop(&lock);
    return status;
}

static sotto_status publish(const publishing *p, hq_publication *out, sotto_diag *diag)
{
    hq_bundle bundle;
    sotto_status status = sotto_vault_start(diag);
    if (status != SOTTO_OK)
        return status;
    if (p->refresh)
        return hq_repo_refresh(p->dir, out, diag);
    if (p->finish)
        return publish_locked(p, NULL, out, diag);
    status = hq_bundle_load(&bundle, p->path, diag);
    if (status != SOTTO_OK)
        return status;
    status = publish_locked(p, &bundle, out, diag);
    hq_bundle_free(&bundle);
    return status;
}

static void print_publication(const publishing *p, const hq_publication *out)
{
    char day[HQ_ROLE_COUNT][11];
    if (p->prepare) {
        printf("Release %llu waits for signatures: %s (%zu of %zu).\n", (unsigned long long)out->release,
               out->draft, out->signers.signed_by, out->signers.needed);
        for (size_t i = 0; i < out->teams; i++)
            printf("  and %s (%zu of %zu).\n", out->team[i].path, out->team[i].signers.signed_by,
                   out->team[i].signers.needed);
        printf("Next, on the machine of each key: sotto-hq sign FILE --key KEY   then here: sotto-hq publish "
               "--dir %s "
               "--finish\n",
               p->dir);
        return;
    }
    for (size_t i = 0; i < HQ_ROLE_COUNT; i++)
        hq_day_format(sotto_floor_div_i64(out->expires_s[i], HQ_DAY_S), day[i]);
    if (p->finish)
        printf("Finished. Release %llu is what terminals follow.\n", (unsigned long long)out->release);
    else if (p->refresh)
        printf("Release %llu is signed anew.\n", (unsigned long long)out->release);
    else
        printf("Release %llu is published: model, dictionary, catalogue, policy and tasks, %llu bytes.\n",
               (unsigned long long)out->release, (unsigned long long)out->bytes);
    printf("Good until: timestamp %s (serve renews it), snapshot %s (serve renews it), targets %s (publish "
           "again before), root %s.\n",
           day[HQ_ROLE_TIMESTAMP], day[HQ_ROLE_SNAPSHOT], day[HQ_ROLE_TARGETS], day[HQ_ROLE_ROOT]);
}

static void put_team_drafts(sotto_json_writer *w, const hq_publication *out)
{
    sotto_json_name(w, "teams");
    sotto_json_arr(w);
    for (size_t i = 0; i < out->teams; i++) {
        sotto_json_obj(w);
        sotto_json_name(w, "draft");
        sotto_json_cstr(w, out->team[i].path);
        sotto_json_name(w, "signed_by");
        sotto_json_u64(w, out->team[i].signers.signed_by);
        sotto_json_name(w, "needs");
        sotto_json_u64(w, out->team[i].signers.needed);
        sotto_json_obj_end(w);
    }
    sotto_json_arr_end(w);
}

static sotto_status print_json(const hq_publication *out, sotto_diag *diag)
{
    hq_json json;
    sotto_status status = hq_json_begin(&json, 1024 + HQ_TEAMS_MAX * (HQ_PATH_MAX + 128), diag);
    if (status != SOTTO_OK)
        return status;
    sotto_json_obj(&json.w);
    sotto_json_name(&json.w, "release");
    sotto_json_u64(&json.w, out->release);
    sotto_json_name(&json.w, "bytes");
    sotto_json_u64(&json.w, out->bytes);
    if (out->draft[0] != '\0') {
        sotto_json_name(&json.w, "draft");
        sotto_json_cstr(&json.w, out->draft);
        sotto_json_name(&json.w, "signed_by");
        sotto_json_u64(&json.w, out->signers.signed_by);
        sotto_json_name(&json.w, "needs");
        sotto_json_u64(&json.w, out->signers.needed);
        if (out->teams > 0)
            put_team_drafts(&json.w, out);
    }
    sotto_json_name(&json.w, "expires");
    sotto_json_obj(&json.w);
    for (size_t i = 0; i < HQ_ROLE_COUNT; i++) {
        sotto_json_name(&json.w, hq_role_name((enum hq_role)i));
        hq_json_time(&json.w, out->expires_s[i]);
    }
    sotto_json_obj_end(&json.w);
    sotto_json_obj_end(&json.w);
    return hq_json_print(&json, diag);
}

int hq_cmd_publish(int argc, char **argv)
{
    sotto_diag diag = {0};
    hq_publication out = {0};
    publishing p = {.days = HQ_SNAPSHOT_DAYS};
    const hq_option options[] = {{"--dir", HQ_TEXT, &p.dir, .required = true},
                                 {"--dictionary", HQ_TEXT, &p.path[HQ_BUNDLE_DICTIONARY], .required = false},
                                 {"--model", HQ_TEXT, &p.path[HQ_BUNDLE_MODEL], .required = false},
                                 {"--catalogue", HQ_TEXT, &p.path[HQ_BUNDLE_CATALOGUE], .required = false},
                                 {"--policy", HQ_TEXT, &p.path[HQ_BUNDLE_POLICY], .required = false},
                                 {"--tasks", HQ_TEXT, &p.path[HQ_BUNDLE_TASKS], .required = false},
                                 {"--items", HQ_TEXT, &p.path[HQ_BUNDLE_ITEMS], .required = false},
                                 {"--segments", HQ_TEXT, &p.path[HQ_BUNDLE_SEGMENTS], .required = false},
                                 {"--value", HQ_TEXT, &p.path[HQ_BUNDLE_VALUE], .required = false},
                                 {"--days", HQ_NUMBER, &p.days, .min = 1, .max = 3650},
                                 {"--refresh", HQ_FLAG, &p.refresh, .required = false},
                                 {"--prepare", HQ_FLAG, &p.prepare, .required = false},
                                 {"--finish", HQ_FLAG, &p.finish, .required = false},
                                 {"--json", HQ_FLAG, &p.as_json, .required = false}};
    if (!hq_options(argc, argv, options, SOTTO_COUNT(options)))
        return 2;
    for (size_t i = 0; i < HQ_BUNDLE_COUNT; i++) {
        if (!p.refresh && !p.finish && p.path[i] == NULL && i < HQ_BUNDLE_NEEDED)
            return hq_usage(argv[0],
                            "needs --dictionary, --model, --catalogue, --policy and --tasks, or --refresh");
        if ((p.refresh || p.finish) && p.path[i] != NULL)
            return hq_usage(argv[0], "takes no files with --refresh or --finish");
    }
    if (p.refresh + p.prepare + p.finish > 1)
        return hq_usage(argv[0], "one of --prepare, --finish and --refresh");
    sotto_status status = hq_office_own(p.dir, &diag);
    if (status == SOTTO_OK)
        status = publish(&p, &out, &diag);
    if (status == SOTTO_OK && p.as_json)
        status = print_json(&out, &diag);
    else if (status == SOTTO_OK)
        print_publication(&p, &out);
    return status == SOTTO_OK ? 0 : hq_fail(status, &diag);
}
