/* SIGKILL at any moment: every transaction that was told durable is there, and at most one more, and each is
 * whole. */
#include "store_test.h"

#include <signal.h>
#include <sys/wait.h>

enum { ROUNDS = 20 };

/* Report number n and its debit, in one transaction. */
static sotto_status one_report(sotto_store *store, uint64_t seq)
{
    char text[32];
    sotto_outbox_entry entry = {.seq = seq, .sealed_s = 1};
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)seq);
    sotto_status status = sotto_store_begin(store, NULL);
    for (uint32_t n = 0; n < 5 && status == SOTTO_OK; n++)
        status =
            sotto_store_put(store, SOTTO_RECORD_LEDGER, customer_of(n).key, 0, sotto_span_str(text), NULL);
    if (status == SOTTO_OK)
        status = sotto_store_outbox_append(store, &entry, sotto_span_str(text), NULL);
    return status == SOTTO_OK ? sotto_store_commit(store, NULL) : status;
}

/* Tells each number after its commit, until killed. */
static void work(const struct place *place, uint64_t seq, int tell)
{
    sotto_store *store = NULL;
    sotto_store_config config = config_of(place, false);
    if (sotto_store_open(&store, &config, NULL) != SOTTO_OK)
        _exit(1);
    for (; one_report(store, seq) == SOTTO_OK; seq++)
        if (write(tell, &seq, sizeof seq) != sizeof seq)
            _exit(2);
    _exit(3);
}

static uint64_t run_and_kill(const struct place *place, uint64_t seq, unsigned delay_us)
{
    int ends[2];
    uint64_t told = seq - 1, next;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        work(place, seq, ends[1]);
    }
    close(ends[1]);
    /* One commit, so that the child is at work, then some time that differs from round to round. */
    if (read(ends[0], &next, sizeof next) == sizeof next)
        told = next;
    (void)usleep(delay_us);
    assert_int_equal(kill(child, SIGKILL), 0);
    while (read(ends[0], &next, sizeof next) == sizeof next)
        told = next;
    close(ends[0]);
    int how = 0;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how));
    return told;
}

static void what_was_told_is_there(void **state)
{
    (void)state;
    struct place place = place_make();
    uint64_t next = 1;
    sotto_store_close(store_open(&place, true));
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t told = run_and_kill(&place, next, round * 733);
        uint8_t previous[SOTTO_SHA256_BYTES];
        char text[32];
        sotto_store *store = store_open(&place, false);
        assert_ok(sotto_store_outbox_head(store, &next, previous, NULL));
        assert_true(next == told + 1 || next == told + 2);
        (void)snprintf(text, sizeof text, "%llu", (unsigned long long)(next - 1));
        for (uint32_t n = 0; n < 5; n++)
            assert_string_equal(get_text(store, SOTTO_RECORD_LEDGER, n, 0).text, text);
        sotto_store_close(store);
    }
    assert_true(next > ROUNDS);
    place_remove(&place);
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {cmocka_unit_test(what_was_told_is_there)};
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
