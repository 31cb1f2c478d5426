/*
 * A file system for SQLite that fails on demand, and a disk below it that forgets.
 *
 * Registered as "fault", it passes everything to the system's own, counts each operation that changes the
 * disk (write, truncate, sync, delete, creating open), and makes the n-th one go wrong. It also keeps, for
 * every file, what a disk would surely have (the content at the last sync) and the operations since; after a
 * power cut the files are made anew from those, with any part of the unsynced writes lost, torn at 512 bytes
 * or reordered.
 */
#ifndef SOTTO_TESTS_STORE_FAULT_VFS_H
#define SOTTO_TESTS_STORE_FAULT_VFS_H

#include <stdbool.h>
#include <stdint.h>

#define FAULT_VFS_NAME "fault"

enum fault_kind {
    FAULT_NONE,
    FAULT_ONCE, /* the n-th operation fails, those behind it work */
    FAULT_LAST, /* the n-th and all behind it fail */
    FAULT_FULL, /* from the n-th on every write finds the disk full */
    FAULT_TORN, /* the n-th write is done by half and fails; all behind it fail */
    FAULT_CUT,  /* power goes at the n-th: nothing behind it reaches the disk; fault_vfs_power_on tells what
                   did */
    FAULT_KINDS
};

/* Call once. */
void fault_vfs_register(void);
/* Counting begins again at 1. */
void fault_vfs_arm(enum fault_kind kind, unsigned at);
/* Back to normal; true when the fault was reached. */
bool fault_vfs_disarm(void);
/* After a cut, with every file closed: writes the files as the disk may have them. Another seed, another
 * disk. */
void fault_vfs_power_on(uint64_t seed);
/* Forgets all files. */
void fault_vfs_reset(void);

/* A test's night with one fault. False when the fault was not reached. */
typedef bool (*fault_night)(enum fault_kind kind, unsigned at, uint64_t seed);
/* Nights with the fault at the first operation, the second, ... until one does not reach it; returns how many
 * did. seeds: that often with other seeds. */
unsigned fault_vfs_each(enum fault_kind kind, uint64_t seeds, fault_night night);

/* A cmocka test of it. At least 10: there was something to fail. */
#define FAULT_TEST(name, kind, seeds, night)                                                                 \
    static void name(void **state)                                                                           \
    {                                                                                                        \
        (void)state;                                                                                         \
        assert_true(fault_vfs_each(kind, seeds, night) >= 10 * (seeds));                                     \
    }

#endif
