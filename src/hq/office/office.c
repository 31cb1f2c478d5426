/* The folder of one head office. */
#include "office/office.h"
#include "office/args.h"

#include "sotto/port.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

sotto_status hq_path(const char *dir, const char *name, char out[static HQ_PATH_MAX], sotto_diag *diag)
{
    int len = snprintf(out, HQ_PATH_MAX, "%s/%s", dir, name);
    if (len < 0 || len >= HQ_PATH_MAX)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE), "the path of %s is too long", name);
    return SOTTO_OK;
}

/* ---- whose it is ---- */

#define USER_MAX 40

static void user_text(uid_t user, char out[static USER_MAX])
{
    const struct passwd *known = getpwuid(user);
    if (known != NULL)
        (void)snprintf(out, USER_MAX, "%s", known->pw_name);
    else
        (void)snprintf(out, USER_MAX, "user %lu", (unsigned long)user);
}

static sotto_status anothers(const char *path, uid_t owner, sotto_diag *diag)
{
    char theirs[USER_MAX], mine[USER_MAX];
    user_text(owner, theirs);
    user_text(geteuid(), mine);
    if (geteuid() == 0)
        return sotto_diag_at(diag, SOTTO_ERR(HQ, DENIED), path, 0,
                             "belongs to %s and this is root, whose files %s could not use: runuser -u %s -- "
                             "sotto-hq ...",
                             theirs, theirs, theirs);
    return sotto_diag_at(diag, SOTTO_ERR(HQ, DENIED), path, 0,
                         "belongs to %s, and this is %s: run it as %s, or give it all to %s (chown -R)",
                         theirs, mine, theirs, mine);
}

sotto_status hq_office_absent(const char *dir, const char *path, sotto_diag *diag)
{
    struct stat info;
    char mine[USER_MAX];
    if (stat(path, &info) == 0 || errno != EACCES)
        return sotto_diag_at(diag, SOTTO_ERR(HQ, NOT_FOUND), dir, 0,
                             "there is no head office here: sotto-hq init --dir %s", dir);
    if (stat(dir, &info) == 0)
        return anothers(dir, info.st_uid, diag);
    user_text(geteuid(), mine);
    return sotto_diag_at(diag, SOTTO_ERR(HQ, DENIED), dir, 0, "lies in a folder that %s may not enter", mine);
}

sotto_status hq_office_own_path(const char *path, sotto_diag *diag)
{
    struct stat info;
    return stat(path, &info) != 0 || info.st_uid == geteuid() ? SOTTO_OK : anothers(path, info.st_uid, diag);
}

/* By the mark of an office: the folder itself may be a disk's. */
sotto_status hq_office_own(const char *dir, sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    struct stat info;
    sotto_status status = hq_path(dir, HQ_OFFICE_MARK, path, diag);
    if (status != SOTTO_OK)
        return status;
    if (stat(path, &info) != 0)
        return errno == EACCES ? hq_office_absent(dir, path, diag) : SOTTO_OK;
    return info.st_uid == geteuid() ? SOTTO_OK : anothers(dir, info.st_uid, diag);
}

/* ---- where the registry is ---- */

/* One value for the whole program: set when the command line is read. */
static const char *chosen_store;

void hq_store_choose(const char *where)
{
    chosen_store = where;
}

const char *hq_store_chosen(void)
{
    return chosen_store;
}

/* A URL may hold a password: the file is its owner's alone. */
static sotto_status read_setting(const char *path, char where[static HQ_PATH_MAX], sotto_diag *diag)
{
    sotto_vec file;
    sotto_vec_init(&file, HQ_PATH_MAX - 1);
    sotto_status status = sotto_port_check_private(path, diag);
    if (status == SOTTO_OK)
        status = sotto_port_read_file(path, &file, diag);
    if (status == SOTTO_OK)
        status = hq_in_file(sotto_span_to_str(sotto_vec_span(&file), where, HQ_PATH_MAX), path, diag);
    if (file.ptr != NULL)
        sotto_wipe(file.ptr, file.len);
    sotto_vec_free(&file);
    where[strcspn(where, "\r\n")] = '\0';
    if (status == SOTTO_OK && !hq_registry_is_url(where))
        status = sotto_diag_at(diag, SOTTO_ERR(HQ, MALFORMED), path, 1,
                               "one line with postgresql://USER@HOST:PORT/DATABASE belongs here");
    return status;
}

static sotto_status find_store(const char *dir, char where[static HQ_PATH_MAX], sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    where[0] = '\0';
    if (chosen_store != NULL) {
        (void)snprintf(where, HQ_PATH_MAX, "%s", chosen_store);
        return SOTTO_OK;
    }
    sotto_status status = hq_path(dir, HQ_STORE_FILE, path, diag);
    if (status == SOTTO_OK && sotto_port_exists(path))
        return read_setting(path, where, diag);
    if (status == SOTTO_OK)
        status = hq_path(dir, "registry.db", where, diag);
    if (status == SOTTO_OK && !sotto_port_exists(where))
        return hq_office_absent(dir, where, diag);
    if (status == SOTTO_OK && access(where, R_OK | W_OK) != 0 && errno == EACCES)
        return hq_office_own_path(where, diag);
    return status;
}

sotto_status hq_office_registry(const char *dir, hq_registry **out, sotto_diag *diag)
{
    char where[HQ_PATH_MAX];
    *out = NULL;
    sotto_status status = find_store(dir, where, diag);
    if (status == SOTTO_OK)
        status = hq_registry_open(out, where, diag);
    sotto_wipe(where, sizeof where);
    return status;
}

/* Whoever was a moment faster has done the same: asked again, it is seen. */
static sotto_status move_file(const char *path, const char *where, bool *moved, sotto_diag *diag)
{
    sotto_diag why = {0};
    sotto_status status = hq_registry_move(path, where, moved, &why);
    if (sotto_status_cause(status) == SOTTO_CAUSE_EXISTS)
        return hq_registry_move(path, where, moved, diag);
    if (status != SOTTO_OK && diag != NULL)
        *diag = why;
    return status;
}

/* One office, one database: another name in serve's command line would split it in two. */
static sotto_status check_setting(const char *path, sotto_diag *diag)
{
    char where[HQ_PATH_MAX];
    sotto_status status = read_setting(path, where, diag);
    if (status == SOTTO_OK && strcmp(where, chosen_store) != 0)
        status = sotto_diag_at(diag, SOTTO_ERR(HQ, CONFLICT), path, 1,
                               "this office's registry is in the database named here, and --store names it "
                               "otherwise: when it has another address now, write that here");
    sotto_wipe(where, sizeof where);
    return status;
}

static sotto_status check_store(sotto_diag *diag)
{
    hq_registry *registry = NULL;
    sotto_status status = hq_registry_open(&registry, chosen_store, diag);
    hq_registry_close(registry);
    return status;
}

sotto_status hq_office_adopt(const char *dir, bool *moved, sotto_diag *diag)
{
    char setting[HQ_PATH_MAX], file[HQ_PATH_MAX];
    *moved = false;
    if (chosen_store == NULL)
        return SOTTO_OK;
    sotto_status status = hq_path(dir, HQ_STORE_FILE, setting, diag);
    if (status == SOTTO_OK)
        status = hq_path(dir, "registry.db", file, diag);
    if (status != SOTTO_OK)
        return status;
    bool told = sotto_port_exists(setting);
    if (told)
        status = check_setting(setting, diag);
    else if (sotto_port_exists(file))
        status = move_file(file, chosen_store, moved, diag);
    if (status == SOTTO_OK)
        status = check_store(diag);
    if (status != SOTTO_OK || told)
        return status;
    return sotto_port_write_file(setting, sotto_span_str(chosen_store), 0600, diag);
}

/* ---- keys ---- */

sotto_status hq_office_pem(const char *dir, const char *name, char pem[static SOTTO_PEM_MAX],
                           sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    sotto_vec file;
    sotto_vec_init(&file, SOTTO_PEM_MAX - 1);
    pem[0] = '\0';
    sotto_status status = hq_path(dir, name, path, diag);
    if (status == SOTTO_OK)
        status = sotto_port_read_file(path, &file, diag);
    if (status == SOTTO_OK)
        status = hq_in_file(sotto_span_to_str(sotto_vec_span(&file), pem, SOTTO_PEM_MAX), path, diag);
    if (file.ptr != NULL)
        sotto_wipe(file.ptr, file.len);
    sotto_vec_free(&file);
    return status;
}

sotto_status hq_office_key(const char *dir, const char *name, char pem[static SOTTO_PEM_MAX],
                           sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    pem[0] = '\0';
    sotto_status status = hq_path(dir, name, path, diag);
    if (status == SOTTO_OK)
        status = sotto_port_check_private(path, diag);
    return status == SOTTO_OK ? hq_office_pem(dir, name, pem, diag) : status;
}
