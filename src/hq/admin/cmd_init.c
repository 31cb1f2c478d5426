/* init: keys, authority, repository and registry of a new head office, all of them or none. */
#include "collector/signer.h"
#include "commands.h"
#include "office/args.h"
#include "office/day.h"
#include "office/json.h"
#include "release/repo.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define AUTHORITY_DAYS 3650
#define SERVER_DAYS    730

typedef struct founding {
    const char *dir, *name;
    const char *authority, *authority_file_key, *sign_command; /* NULL: an authority of its own */
    char unfinished[HQ_PATH_MAX]; /* everything is made here, then renamed to dir, or moved into it */
    bool fills; /* dir is there, and empty: the folder above it may be another user's, or disk */
    hq_list hosts;
    int64_t now_s, authority_until_s;
    bool waits_for_server; /* its certificate is to come from elsewhere */
    sotto_entropy entropy;
    hq_tuf_key key[HQ_ROLE_COUNT];
    char authority_key[SOTTO_PEM_MAX], authority_cert[SOTTO_PEM_MAX];
    char server_key[SOTTO_PEM_MAX], server_cert[SOTTO_PEM_MAX], server_csr[SOTTO_PEM_MAX],
        public_pem[SOTTO_PEM_MAX];
} founding;

static sotto_status put(const founding *f, const char *name, const char *text, unsigned mode,
                        sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    sotto_status status = hq_path(f->unfinished, name, path, diag);
    return status == SOTTO_OK ? sotto_port_create_file(path, sotto_span_str(text), mode, diag) : status;
}

static sotto_status make_folders(founding *f, sotto_diag *diag)
{
    static const char *const folders[] = {"keys", "authority"};
    char path[HQ_PATH_MAX];
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < SOTTO_COUNT(folders) && status == SOTTO_OK; i++) {
        status = hq_path(f->unfinished, folders[i], path, diag);
        if (status == SOTTO_OK)
            status = sotto_port_make_dir(path, 0700, diag);
    }
    return status;
}

/* A key for each role, so that root and targets can be taken away while snapshot and timestamp stay. */
static sotto_status make_signing_keys(founding *f, sotto_diag *diag)
{
    char name[32];
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < HQ_ROLE_COUNT && status == SOTTO_OK; i++) {
        (void)snprintf(name, sizeof name, "keys/%s.key", hq_role_name((enum hq_role)i));
        status = sotto_keypair_make(&f->entropy, f->key[i].pem, diag);
        if (status == SOTTO_OK)
            status = hq_tuf_key_complete(&f->key[i], diag);
        if (status == SOTTO_OK)
            status = put(f, name, f->key[i].pem, 0600, diag);
    }
    return status;
}

static sotto_status issue(founding *f, enum sotto_cert_use use, const char *name, int64_t days,
                          const char *key, const char *issuer_cert, char *out, sotto_diag *diag)
{
    sotto_cert_request request = {.use = use,
                                  .common_name = name,
                                  .names = f->hosts.item,
                                  .name_count = use == SOTTO_CERT_SERVER ? f->hosts.count : 0,
                                  .not_before_s = f->now_s - HQ_DAY_S, /* terminals' clocks may be slow */
                                  .not_after_s = f->now_s + days * HQ_DAY_S};
    if (issuer_cert != NULL && request.not_after_s > f->authority_until_s)
        request.not_after_s = f->authority_until_s;
    sotto_status status = f->entropy.fill(f->entropy.ctx, request.serial, sizeof request.serial);
    request.serial[0] &= 0x7f;
    if (status == SOTTO_OK)
        status = sotto_keypair_public_pem(key, f->public_pem, diag);
    if (status == SOTTO_OK)
        status = sotto_cert_issue(&request, sotto_span_str(f->public_pem), f->authority_key, issuer_cert, out,
                                  diag);
    return status;
}

static sotto_status make_own_authority(founding *f, sotto_diag *diag)
{
    char name[65];
    (void)snprintf(name, sizeof name, "%.40s device authority", f->name);
    sotto_status status = sotto_keypair_make(&f->entropy, f->authority_key, diag);
    if (status == SOTTO_OK)
        status = issue(f, SOTTO_CERT_AUTHORITY, name, AUTHORITY_DAYS, f->authority_key, NULL,
                       f->authority_cert, diag);
    return status;
}

static sotto_status read_pem(const char *path, char out[static SOTTO_PEM_MAX], sotto_diag *diag)
{
    sotto_vec file;
    sotto_vec_init(&file, (size_t)16 * SOTTO_PEM_MAX);
    sotto_status status = sotto_port_read_file(path, &file, diag);
    if (status == SOTTO_OK)
        status = hq_in_file(hq_sign_blocks(sotto_vec_span(&file), out, diag), path, diag);
    sotto_vec_free(&file);
    return status;
}

static sotto_status read_key(const char *path, char out[static SOTTO_PEM_MAX], sotto_diag *diag)
{
    sotto_vec file;
    sotto_vec_init(&file, SOTTO_PEM_MAX - 1);
    sotto_status status = sotto_port_check_private(path, diag);
    if (status == SOTTO_OK)
        status = sotto_port_read_file(path, &file, diag);
    if (status == SOTTO_OK)
        status = hq_in_file(sotto_span_to_str(sotto_vec_span(&file), out, SOTTO_PEM_MAX), path, diag);
    if (file.ptr != NULL)
        sotto_wipe(file.ptr, file.len);
    sotto_vec_free(&file);
    return status;
}

/* The bank's own: the first certificate issues, others may follow (those that it comes from, or one that goes
 * before it). */
static sotto_status take_authority(founding *f, sotto_diag *diag)
{
    sotto_status status = read_pem(f->authority, f->authority_cert, diag);
    sotto_span cert = sotto_span_str(f->authority_cert);
    if (status == SOTTO_OK && f->authority_file_key != NULL)
        status = read_key(f->authority_file_key, f->authority_key, diag);
    if (status == SOTTO_OK)
        status = f->authority_file_key != NULL
                     ? hq_in_file(sotto_keypair_public_pem(f->authority_key, f->public_pem, diag),
                                  f->authority_file_key, diag)
                     : sotto_cert_public_pem(cert, f->public_pem, diag);
    if (status == SOTTO_OK)
        status = sotto_cert_check(cert, SOTTO_CERT_AUTHORITY, f->public_pem, diag);
    return hq_in_file(status, f->authority, diag);
}

static sotto_status make_authority(founding *f, sotto_diag *diag)
{
    sotto_cert_info info;
    sotto_status status = f->authority == NULL ? make_own_authority(f, diag) : take_authority(f, diag);
    if (status == SOTTO_OK)
        status = sotto_cert_read(sotto_span_str(f->authority_cert), &info, diag);
    if (status == SOTTO_OK && info.not_after_s <= f->now_s)
        status = sotto_diag_at(diag, SOTTO_ERR(HQ, EXPIRED), f->authority, 0, "this authority has ended");
    if (status != SOTTO_OK)
        return status;
    f->authority_until_s = info.not_after_s;
    return SOTTO_OK;
}

/* The bank's PKI issues it: asked now by its program, or later by who carries the request there. */
static sotto_status ask_for_server(founding *f, const char *name, sotto_diag *diag)
{
    const hq_sign_order order = {.use = HQ_SIGN_SERVER,
                                 .name = name,
                                 .public_pem = f->public_pem,
                                 .authority_pem = f->authority_cert,
                                 .hosts = f->hosts.item,
                                 .host_count = f->hosts.count,
                                 .now_s = f->now_s};
    sotto_status status =
        sotto_csr_make_server(f->server_key, name, f->hosts.item, f->hosts.count, f->server_csr, diag);
    if (status == SOTTO_OK)
        status = sotto_keypair_public_pem(f->server_key, f->public_pem, diag);
    f->waits_for_server = f->sign_command == NULL;
    if (status == SOTTO_OK && !f->waits_for_server)
        status = hq_sign_ask(f->sign_command, &order, f->server_csr, NULL, f->server_cert, diag);
    return status;
}

/* What the library would not take from a terminal's view (a weak key or hash of the bank's) is said now. */
static sotto_status issue_server(founding *f, const char *name, sotto_diag *diag)
{
    sotto_cert_info info;
    sotto_status status = issue(f, SOTTO_CERT_SERVER, name, SERVER_DAYS, f->server_key, f->authority_cert,
                                f->server_cert, diag);
    if (status == SOTTO_OK)
        status = sotto_cert_verify(sotto_span_str(f->server_cert), sotto_span_str(f->authority_cert),
                                   f->now_s, &info, diag);
    return status;
}

static sotto_status make_server(founding *f, sotto_diag *diag)
{
    char name[65];
    (void)snprintf(name, sizeof name, "%.40s head office", f->name);
    sotto_status status = sotto_keypair_make(&f->entropy, f->server_key, diag);
    if (status == SOTTO_OK)
        status = f->authority_key[0] == '\0' ? ask_for_server(f, name, diag) : issue_server(f, name, diag);
    return status;
}

static sotto_status put_certificates(const founding *f, sotto_diag *diag)
{
    const struct {
        const char *name, *text;
        unsigned mode;
    } files[] = {{"authority/ca.key", f->authority_key, 0600},
                 {"authority/ca.pem", f->authority_cert, 0644},
                 {"authority/server.key", f->server_key, 0600},
                 {"authority/server.pem", f->server_cert, 0644},
                 {"authority/server.csr", f->server_csr, 0644}};
    sotto_status status = SOTTO_OK;
    for (size_t i = 0; i < SOTTO_COUNT(files) && status == SOTTO_OK; i++)
        if (files[i].text[0] != '\0')
            status = put(f, files[i].name, files[i].text, files[i].mode, diag);
    return status;
}

static sotto_status make_registry(founding *f, sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    sotto_status status = hq_path(f->unfinished, "registry.db", path, diag);
    if (status != SOTTO_OK || hq_store_chosen() == NULL)
        return status == SOTTO_OK ? hq_registry_create(path, f->name, f->now_s, diag) : status;
    status = put(f, HQ_STORE_FILE, hq_store_chosen(), 0600, diag);
    return status == SOTTO_OK ? hq_registry_create(hq_store_chosen(), f->name, f->now_s, diag) : status;
}

static sotto_status not_placed(const founding *f, sotto_diag *diag)
{
    return sotto_diag_at(diag, SOTTO_ERR(HQ, IO), f->dir, 0,
                         "the new head office could not be put in place: %s", strerror(errno));
}

/* The repository last: with it the folder is an office. */
static sotto_status fill(const founding *f, sotto_diag *diag)
{
    static const char *const names[] = {"keys", "authority", HQ_STORE_FILE, "registry.db", "repo"};
    char from[HQ_PATH_MAX], to[HQ_PATH_MAX];
    sotto_status status = chmod(f->dir, 0700) == 0 ? SOTTO_OK : not_placed(f, diag);
    for (size_t i = 0; i < SOTTO_COUNT(names) && status == SOTTO_OK; i++) {
        status = hq_path(f->unfinished, names[i], from, diag);
        if (status == SOTTO_OK)
            status = hq_path(f->dir, names[i], to, diag);
        if (status == SOTTO_OK && sotto_port_exists(from) && rename(from, to) != 0)
            status = not_placed(f, diag);
    }
    return status == SOTTO_OK && rmdir(f->unfinished) != 0 ? not_placed(f, diag) : status;
}

/* Only a folder that does not exist can be made by rename(2), but for an empty one: nothing is overwritten.
 */
static sotto_status finish(const founding *f, sotto_diag *diag)
{
    if (f->fills)
        return fill(f, diag);
    if (rename(f->unfinished, f->dir) == 0)
        return SOTTO_OK;
    if (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR)
        return sotto_diag_at(diag, SOTTO_ERR(HQ, EXISTS), f->dir, 0,
                             "there is something here already; nothing was changed");
    return not_placed(f, diag);
}

static sotto_status is_empty(const char *dir, sotto_diag *diag)
{
    DIR *folder = opendir(dir);
    size_t names = 0;
    if (folder == NULL)
        return sotto_diag_at(diag, SOTTO_ERR(HQ, IO), dir, 0, "cannot be read: %s", strerror(errno));
    while (names <= 2 && readdir(folder) != NULL)
        names++;
    (void)closedir(folder);
    return names <= 2 ? SOTTO_OK /* itself and the one above */
                      : sotto_diag_at(diag, SOTTO_ERR(HQ, EXISTS), dir, 0,
                                      "there is something here already; nothing was changed");
}

/* Where everything is made: beside dir, or in it when it is there. */
static sotto_status place(founding *f, sotto_diag *diag)
{
    struct stat info;
    size_t len = strlen(f->dir);
    while (len > 1 && f->dir[len - 1] == '/')
        len--;
    f->fills = lstat(f->dir, &info) == 0 && S_ISDIR(info.st_mode);
    int written = snprintf(f->unfinished, sizeof f->unfinished, "%.*s%s", (int)len, f->dir,
                           f->fills ? "/init.unfinished" : ".unfinished");
    return written >= 0 && written <= HQ_PATH_MAX - 64
               ? SOTTO_OK
               : sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE), "the folder's path is too long");
}

static sotto_status begin(founding *f, sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    sotto_status status = hq_path(f->dir, HQ_OFFICE_MARK, path, diag);
    if (status == SOTTO_OK)
        status = place(f, diag);
    if (status == SOTTO_OK && sotto_port_exists(path))
        return sotto_diag_at(diag, SOTTO_ERR(HQ, EXISTS), f->dir, 0,
                             "there is a head office here already; nothing was changed");
    if (status == SOTTO_OK && sotto_port_exists(f->unfinished))
        return sotto_diag_at(diag, SOTTO_ERR(HQ, EXISTS), f->unfinished, 0,
                             "left by an init that was interrupted: remove it%s and try again",
                             f->fills ? ", and what else lies in that folder," : "");
    if (status == SOTTO_OK && f->fills)
        status = hq_office_own_path(f->dir, diag);
    return status == SOTTO_OK && f->fills ? is_empty(f->dir, diag) : status;
}

static sotto_status found(founding *f, sotto_diag *diag)
{
    sotto_status status = sotto_vault_start(diag);
    if (status == SOTTO_OK)
        status = begin(f, diag);
    /* What a person or another program may have to mend comes before the first file. */
    if (status == SOTTO_OK)
        status = make_authority(f, diag);
    if (status == SOTTO_OK)
        status = make_server(f, diag);
    if (status == SOTTO_OK)
        status = make_folders(f, diag);
    if (status == SOTTO_OK)
        status = put_certificates(f, diag);
    if (status == SOTTO_OK)
        status = make_signing_keys(f, diag);
    if (status == SOTTO_OK)
        status = hq_repo_create(f->unfinished, f->key, f->now_s, diag);
    if (status == SOTTO_OK)
        status = make_registry(f, diag);
    return status == SOTTO_OK ? finish(f, diag) : status;
}

static sotto_status tell(const founding *f, bool as_json, sotto_diag *diag)
{
    hq_json json;
    if (!as_json) {
        printf("Head office \"%s\" is open in %s.\n\n"
               "Hand to every terminal:\n  %s/authority/ca.pem      who may speak for head office\n"
               "  %s/repo/1.root.json      who may sign releases\n\n"
               "Keep safe, and away from this machine where you can (publish needs targets.key, serve does "
               "not):\n"
               "  %s/keys/root.key  %s/keys/targets.key\n\n"
               "Next: sotto-hq publish --dir %s ...   then   sotto-hq serve --dir %s\n",
               f->name, f->dir, f->dir, f->dir, f->dir, f->dir, f->dir, f->dir);
        if (f->waits_for_server)
            printf("\nBefore serve: have the bank's PKI sign %s/authority/server.csr, then\n"
                   "  sotto-hq certificate --dir %s --from CERTIFICATE.pem\n",
                   f->dir, f->dir);
        return SOTTO_OK;
    }
    sotto_status status = hq_json_begin(&json, 4096, diag);
    if (status != SOTTO_OK)
        return status;
    sotto_json_obj(&json.w);
    sotto_json_name(&json.w, "name");
    sotto_json_cstr(&json.w, f->name);
    sotto_json_name(&json.w, "dir");
    sotto_json_cstr(&json.w, f->dir);
    sotto_json_name(&json.w, "hosts");
    sotto_json_arr(&json.w);
    for (size_t i = 0; i < f->hosts.count; i++)
        sotto_json_cstr(&json.w, f->hosts.item[i]);
    sotto_json_arr_end(&json.w);
    sotto_json_obj_end(&json.w);
    return hq_json_print(&json, diag);
}

int hq_cmd_init(int argc, char **argv)
{
    sotto_diag diag = {0};
    bool as_json = false;
    founding *f = calloc(1, sizeof *f);
    if (f == NULL)
        return hq_fail(SOTTO_ERR(HQ, NO_MEMORY), &diag);
    f->name = "Sotto";
    const hq_option options[] = {{"--dir", HQ_TEXT, &f->dir, .required = true},
                                 {"--name", HQ_TEXT, &f->name, .required = false},
                                 {"--host", HQ_LIST, &f->hosts, .required = false},
                                 {"--authority", HQ_TEXT, &f->authority, .required = false},
                                 {"--authority-key", HQ_TEXT, &f->authority_file_key, .required = false},
                                 {"--sign-command", HQ_TEXT, &f->sign_command, .required = false},
                                 {"--json", HQ_FLAG, &as_json, .required = false}};
    int code = 2;
    bool good = hq_options(argc, argv, options, SOTTO_COUNT(options));
    if (good && f->authority == NULL && (f->authority_file_key != NULL || f->sign_command != NULL)) {
        (void)hq_usage(argv[0], "--authority-key and --sign-command go with --authority CERTIFICATE.pem");
    } else if (good && f->authority_file_key != NULL && f->sign_command != NULL) {
        (void)hq_usage(argv[0], "--authority-key or --sign-command, not both");
    } else if (good && f->sign_command != NULL && f->sign_command[0] != '/') {
        (void)hq_usage(argv[0], "--sign-command is a program's whole path");
    } else if (good) {
        if (f->hosts.count == 0)
            f->hosts = (hq_list){.item = {"127.0.0.1", "localhost"}, .count = 2};
        f->entropy = sotto_port_entropy();
        f->now_s = hq_now();
        sotto_status status = hq_sign_program(f->sign_command, &diag);
        if (status == SOTTO_OK)
            status = found(f, &diag);
        if (status == SOTTO_OK)
            status = tell(f, as_json, &diag);
        code = status == SOTTO_OK ? 0 : hq_fail(status, &diag);
    }
    sotto_wipe(f, sizeof *f);
    free(f);
    return code;
}
