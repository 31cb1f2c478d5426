/* The openssl command as a second opinion, where it is installed. */
#ifndef SOTTO_VAULT_TEST_OPENSSL_H
#define SOTTO_VAULT_TEST_OPENSSL_H

#include "vault_test.h"

#include <ftw.h>
#include <sys/wait.h>

typedef struct workshop {
    char folder[64];
} workshop;

static inline bool have_openssl(void)
{
    int how = system("command -v openssl >/dev/null 2>&1");
    return WIFEXITED(how) && WEXITSTATUS(how) == 0;
}

static inline workshop workshop_open(void)
{
    workshop w = {.folder = "/tmp/sotto-vault-XXXXXX"};
    assert_non_null(mkdtemp(w.folder));
    return w;
}

static inline int remove_one(const char *path, const struct stat *info, int kind, struct FTW *ftw)
{
    (void)info;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static inline void workshop_close(const workshop *w)
{
    assert_int_equal(nftw(w->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static inline void workshop_put(const workshop *w, const char *name, const void *bytes, size_t len)
{
    char path[160];
    (void)snprintf(path, sizeof path, "%s/%s", w->folder, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static inline size_t workshop_get(const workshop *w, const char *name, char *out, size_t cap)
{
    char path[160];
    (void)snprintf(path, sizeof path, "%s/%s", w->folder, name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t len = fread(out, 1, cap - 1, f);
    out[len] = '\0';
    assert_int_equal(fclose(f), 0);
    return len;
}

/* Runs "openssl <arguments>" inside the folder; what it says goes to the file "said". True for exit code 0.
 */
static inline bool openssl(const workshop *w, const char *arguments)
{
    char command[1024];
    int len = snprintf(command, sizeof command, "cd %s && openssl %s >said 2>&1", w->folder, arguments);
    assert_true(len > 0 && (size_t)len < sizeof command);
    int how = system(command);
    return WIFEXITED(how) && WEXITSTATUS(how) == 0;
}

static inline void assert_said(const workshop *w, const char *text)
{
    char said[16384];
    (void)workshop_get(w, "said", said, sizeof said);
    if (strstr(said, text) == NULL)
        fail_msg("openssl did not say \"%s\" but:\n%s", text, said);
}

#endif
