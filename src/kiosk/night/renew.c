/* The device's certificate: renewed by itself when a third of its life is left, and, when it has lapsed all
 * the same, over the enrolment door, by a request that only the device's key can sign. */
#include "night/night.h"

#include <stdio.h>
#include <string.h>

bool kiosk_renewal_due(const sotto_cert_info *info, int64_t now_s)
{
    return sotto_renewal_due(info->not_before_s, info->not_after_s, now_s);
}

sotto_status kiosk_renew(const kiosk_config *config, sotto_client *office, const sotto_vec *key,
                         sotto_vec *certificate, bool lapsed, int64_t *retry_after_s, sotto_diag *diag)
{
    *retry_after_s = 0;
    char key_pem[SOTTO_PEM_MAX] = "", csr_pem[SOTTO_PEM_MAX], fresh[SOTTO_PEM_MAX], path[KIOSK_PATH_MAX];
    sotto_status status = sotto_span_to_str(sotto_vec_span(key), key_pem, sizeof key_pem);
    if (status == SOTTO_OK)
        status = sotto_csr_make(key_pem, "sotto terminal", csr_pem, diag);
    sotto_wipe(key_pem, sizeof key_pem);
    if (status == SOTTO_OK)
        status =
            sotto_renew(office, csr_pem, sotto_vec_span(certificate), lapsed, fresh, retry_after_s, diag);
    if (status == SOTTO_OK)
        status = kiosk_path(config->sync_dir, "device.pem", path, diag);
    if (status == SOTTO_OK)
        status = sotto_port_write_file(path, sotto_span_str(fresh), 0600, diag);
    if (status != SOTTO_OK)
        return status;
    certificate->len = 0;
    return sotto_vec_put(certificate, fresh, strlen(fresh));
}
