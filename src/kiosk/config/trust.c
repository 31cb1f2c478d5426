/* Trust in head office's signing keys starts here, from a file that came with the installation. */
#include "config/trust.h"

#include "sotto/sync.h"

#include <string.h>

sotto_status kiosk_trust_root(const kiosk_config *config, const char *dir, sotto_diag *diag)
{
    if (config->root[0] == '\0')
        return SOTTO_OK;
    char path[KIOSK_PATH_MAX];
    sotto_vec root;
    sotto_vec_init(&root, 1u << 20);
    sotto_status status =
        kiosk_path(dir, strcmp(dir, config->store_dir) == 0 ? "tuf" : "metadata", path, diag);
    if (status == SOTTO_OK)
        status = sotto_port_make_dir(path, 0750, diag);
    if (status == SOTTO_OK)
        status = sotto_port_read_file(config->root, &root, diag);
    if (status == SOTTO_OK)
        status = sotto_tuf_init(path, sotto_vec_span(&root), diag);
    sotto_vec_free(&root);
    if (sotto_status_cause(status) != SOTTO_CAUSE_EXISTS)
        return status;
    *diag = (sotto_diag){0}; /* trusted already: nothing that a later message should carry along */
    return SOTTO_OK;
}
