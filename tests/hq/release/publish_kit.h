/* What tests of publishing share: system calls that kill the process at the n-th, and a terminal that
 * follows. Link with WRAP write fsync renameat2 rename. */
#ifndef SOTTO_TESTS_HQ_PUBLISH_KIT_H
#define SOTTO_TESTS_HQ_PUBLISH_KIT_H

#include "../hq_test.h"

#include <fcntl.h>
#include <sys/wait.h>

/* ---- system calls that kill the process at the n-th ---- */

static bool counting;
static int calls_left = -1, calls;

static inline void count_call(void)
{
    if (!counting)
        return;
    calls++;
    if (calls_left >= 0 && calls_left-- == 0)
        _exit(99);
}

ssize_t __real_write(int fd, const void *bytes, size_t len);
ssize_t __wrap_write(int fd, const void *bytes, size_t len);
ssize_t __wrap_write(int fd, const void *bytes, size_t len)
{
    count_call();
    /* Half of it may still reach the disk. */
    if (counting && calls_left == 0 && len > 1)
        return __real_write(fd, bytes, len / 2);
    return __real_write(fd, bytes, len);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    count_call();
    return __real_fsync(fd);
}

int __real_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    count_call();
    int result = __real_renameat2(from_fd, from, to_fd, to, flags);
    count_call();
    return result;
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to)
{
    count_call();
    return __real_rename(from, to);
}

/* ---- the terminal's view ---- */

static inline sotto_status fetch(void *ctx, const char *path, size_t max, sotto_vec *out, sotto_diag *diag)
{
    char full[HQ_PATH_MAX];
    (void)ctx;
    assert_true(hq_collect_path_valid(sotto_span_str(path)));
    snprintf(full, sizeof full, "%s/office/repo/%s", test_dir, path);
    out->limit = max;
    return sotto_port_read_file(full, out, diag);
}

static inline void forget_terminal(void)
{
    remove_tree(at("terminal"));
}

/* Refreshes and downloads like sotto_night_run does; the release found, or a failure. */
static inline sotto_status follow(int64_t now_s, uint64_t *version, sotto_diag *diag)
{
    sotto_release_update update = {0};
    sotto_vec root;
    sotto_vec_init(&root, 1 << 16);
    if (!sotto_port_exists(at("terminal/metadata/root.json"))) {
        ok(sotto_port_read_file(at("office/repo/1.root.json"), &root, diag), diag);
        ok(sotto_port_make_dir(at("terminal/metadata"), 0700, diag), diag);
        ok(sotto_tuf_init(at("terminal/metadata"), sotto_vec_span(&root), diag), diag);
        sotto_vec_free(&root);
    }
    const sotto_tuf_config config = {.fetch = fetch, .now_s = now_s};
    sotto_status status = sotto_release_fetch(at("terminal"), &config, &update, diag);
    *version = update.version;
    return status;
}

static inline void assert_follows(uint64_t version)
{
    sotto_diag diag = {0};
    uint64_t found;
    ok(follow(hq_now(), &found, &diag), &diag);
    assert_int_equal(found, version);
}

/* ---- killed ---- */

/* Runs `work` in a child that dies at the n-th system call on files; true when it lived. */
static inline bool survives(int n, int (*work)(void))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        calls_left = n;
        counting = true;
        int code = work();
        counting = false;
        _exit(code);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 99)
        return false;
    assert_int_equal(WEXITSTATUS(status), 0);
    return true;
}

/* ---- a release and roots in several hands ---- */

static inline int finish_drafts(void)
{
    return RUN(hq_cmd_publish, "publish", "--dir", at("office"), "--finish", "--json");
}

static inline int prepare(void)
{
    return RUN(hq_cmd_publish, "publish", "--dir", at("office"), "--dictionary", at("dictionary.json"),
               "--model", at("model.sotto"), "--catalogue", at("catalogue.json"), "--policy",
               at("policy.json"), "--tasks", at("tasks.json"), "--prepare", "--json");
}

static inline int sign_with(const char *file, const char *key)
{
    return RUN(hq_cmd_sign, "sign", at(file), "--key", at(key));
}

/* A key of a person elsewhere: NAME.key and NAME.pem. */
static inline void make_person(const char *name)
{
    char pem[SOTTO_PEM_MAX], public_pem[SOTTO_PEM_MAX], file[64];
    sotto_entropy entropy = sotto_port_entropy();
    sotto_diag diag = {0};
    ok(sotto_vault_start(&diag), &diag);
    ok(sotto_keypair_make(&entropy, pem, &diag), &diag);
    ok(sotto_keypair_public_pem(pem, public_pem, &diag), &diag);
    snprintf(file, sizeof file, "%s.key", name);
    ok(sotto_port_write_file(at(file), sotto_span_str(pem), 0600, &diag), &diag);
    snprintf(file, sizeof file, "%s.pem", name);
    write_text(file, public_pem);
}

#endif
