/* The folder of one head office. */
#include "hq_priv.h"

#include <stdio.h>

sotto_status hq_path(const char *dir, const char *name, char out[static HQ_PATH_MAX], sotto_diag *diag)
{
    int len = snprintf(out, HQ_PATH_MAX, "%s/%s", dir, name);
    if (len < 0 || len >= HQ_PATH_MAX)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, RANGE), "the path of %s is too long", name);
    return SOTTO_OK;
}

sotto_status hq_office_registry(const char *dir, hq_registry **out, sotto_diag *diag)
{
    char path[HQ_PATH_MAX];
    *out = NULL;
    sotto_status status = hq_path(dir, "registry.db", path, diag);
    if (status == SOTTO_OK && !sotto_port_exists(path))
        return sotto_diag_at(diag, SOTTO_ERR(HQ, NOT_FOUND), dir, 0,
                             "there is no head office here: sotto-hq init --dir %s", dir);
    return status == SOTTO_OK ? hq_registry_open(out, path, diag) : status;
}

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
