/* The way to head office, as the configuration describes it: for sync and for enrolment. */
#include "night/night.h"

#include <string.h>

#define LINE_MAX_BYTES (SOTTO_PROXY_CREDENTIALS_MAX + 2)

/* The first and only line of the file, "user:password". */
static sotto_status read_credentials(const char *path, char out[static SOTTO_PROXY_CREDENTIALS_MAX + 1],
                                     sotto_diag *diag)
{
    sotto_vec file;
    sotto_vec_init(&file, LINE_MAX_BYTES);
    sotto_status status = sotto_port_check_private(path, diag);
    if (status == SOTTO_OK)
        status = sotto_port_read_file(path, &file, diag);
    size_t len = file.len;
    while (len > 0 && (file.ptr[len - 1] == '\n' || file.ptr[len - 1] == '\r'))
        len--;
    if (status == SOTTO_OK && (len == 0 || len > SOTTO_PROXY_CREDENTIALS_MAX))
        status =
            sotto_diag_at(diag, SOTTO_ERR(KIOSK, MALFORMED), path, 0, "must hold one line, user:password");
    if (status == SOTTO_OK)
        memcpy(out, file.ptr, len);
    out[status == SOTTO_OK ? len : 0] = '\0';
    for (size_t i = 0; status == SOTTO_OK && i < len; i++)
        if (file.ptr[i] < 0x20 || file.ptr[i] == 0x7f)
            status = sotto_diag_at(diag, SOTTO_ERR(KIOSK, MALFORMED), path, 0,
                                   "must hold one line, user:password");
    if (file.ptr != NULL)
        sotto_wipe(file.ptr, file.len);
    sotto_vec_free(&file);
    return status;
}

sotto_status kiosk_office_client(const kiosk_config *config, bool enrolling, sotto_tls *tls,
                                 sotto_clock clock, sotto_client **out, sotto_diag *diag)
{
    char credentials[SOTTO_PROXY_CREDENTIALS_MAX + 1] = "";
    sotto_status status = SOTTO_OK;
    if (config->proxy_credentials[0] != '\0')
        status = read_credentials(config->proxy_credentials, credentials, diag);
    const sotto_client_config office = {.url = enrolling ? config->enrol_url : config->url,
                                        .tls = tls,
                                        .timeout_ms = 60000,
                                        .max_bytes_per_s = config->max_bytes_per_s,
                                        .proxy = config->proxy,
                                        .proxy_credentials = credentials,
                                        .clock = clock};
    if (status == SOTTO_OK)
        status = sotto_client_new(out, &office, diag);
    sotto_wipe(credentials, sizeof credentials);
    return status;
}
