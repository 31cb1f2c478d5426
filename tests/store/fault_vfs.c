#include "fault_vfs.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES_MAX = 16, SECTOR = 512 };

struct pending {
    struct pending *next;
    bool truncate;
    sqlite3_int64 offset; /* of a write; the new size of a truncate */
    size_t len;
    unsigned char bytes[];
};

struct disk_file {
    char path[256];
    bool durable_name; /* the folder surely has its name */
    bool deleted;      /* by an operation that was not synced */
    unsigned char *durable;
    size_t durable_len;
    struct pending *first, **last;
};

struct open_file {
    sqlite3_file base;
    struct disk_file *disk; /* NULL for files without a name */
    sqlite3_file *real;
};

static struct {
    sqlite3_vfs vfs, *real;
    struct disk_file files[FILES_MAX];
    unsigned count;
    enum fault_kind kind;
    unsigned at, operations;
    bool fired;
} f;

/* ---- The disk ---- */

static void drop_pending(struct disk_file *d)
{
    while (d->first != NULL) {
        struct pending *gone = d->first;
        d->first = gone->next;
        free(gone);
    }
    d->last = &d->first;
}

/* The real file's content becomes what the disk surely has. */
static void settle(struct disk_file *d)
{
    drop_pending(d);
    free(d->durable);
    d->durable = NULL;
    d->durable_len = 0;
    FILE *file = fopen(d->path, "rb");
    if (file == NULL)
        return;
    (void)fseek(file, 0, SEEK_END);
    d->durable_len = (size_t)ftell(file);
    rewind(file);
    d->durable = malloc(d->durable_len + 1);
    assert(d->durable != NULL);
    d->durable_len = fread(d->durable, 1, d->durable_len, file);
    fclose(file);
    d->durable_name = true;
    d->deleted = false;
}

static struct disk_file *find_file(const char *path)
{
    for (unsigned i = 0; i < f.count; i++)
        if (strcmp(f.files[i].path, path) == 0)
            return &f.files[i];
    assert(f.count < FILES_MAX);
    struct disk_file *d = &f.files[f.count++];
    *d = (struct disk_file){.last = &d->first};
    (void)snprintf(d->path, sizeof d->path, "%s", path);
    if (access(path, F_OK) == 0)
        settle(d);
    return d;
}

static void add_pending(struct disk_file *d, bool truncate, const void *bytes, size_t len,
                        sqlite3_int64 offset)
{
    if (d == NULL)
        return;
    struct pending *p = malloc(sizeof *p + len);
    assert(p != NULL);
    p->next = NULL;
    p->truncate = truncate;
    p->offset = offset;
    p->len = len;
    if (len > 0)
        memcpy(p->bytes, bytes, len);
    *d->last = p;
    d->last = &p->next;
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13, *state ^= *state >> 7, *state ^= *state << 17;
    return *state * UINT64_C(0x2545f4914f6cdd1d) >> 32;
}

struct image {
    unsigned char *bytes;
    size_t len, cap;
};

static void image_write(struct image *image, size_t offset, const unsigned char *bytes, size_t len)
{
    assert(offset + len <= image->cap);
    memcpy(image->bytes + offset, bytes, len);
    if (offset + len > image->len)
        image->len = offset + len;
}

/* What became of one write: whole, nothing, or some of its sectors. */
static void replay_write(struct image *image, const struct pending *p, unsigned mode, uint64_t *random)
{
    size_t at = 0;
    while (at < p->len) {
        size_t sector_end = ((size_t)p->offset + at) / SECTOR * SECTOR + SECTOR - (size_t)p->offset;
        size_t end = sector_end < p->len ? sector_end : p->len;
        if (mode == 1 || next_random(random) % 2 == 0)
            image_write(image, (size_t)p->offset + at, p->bytes + at, end - at);
        at = end;
    }
}

/* Modes: 0 nothing unsynced is there, 1 all of it, 2 whole operations at random, 3 sectors at random. */
static void replay(struct image *image, const struct disk_file *d, unsigned mode, uint64_t *random)
{
    for (const struct pending *p = d->first; p != NULL && mode != 0; p = p->next) {
        if (mode >= 2 && next_random(random) % 3 == 0)
            continue;
        if (!p->truncate) {
            replay_write(image, p, mode == 2 ? 1 : mode, random);
        } else if ((size_t)p->offset < image->len) {
            memset(image->bytes + p->offset, 0, image->len - (size_t)p->offset);
            image->len = (size_t)p->offset;
        }
    }
}

static size_t largest_len(const struct disk_file *d)
{
    size_t cap = d->durable_len + 1;
    for (const struct pending *p = d->first; p != NULL; p = p->next)
        if ((size_t)p->offset + p->len > cap)
            cap = (size_t)p->offset + p->len;
    return cap;
}

static void rewrite(struct disk_file *d, unsigned mode, uint64_t *random)
{
    struct image image = {.len = d->durable_len, .cap = largest_len(d)};
    image.bytes = calloc(1, image.cap);
    assert(image.bytes != NULL);
    if (d->durable_len > 0)
        memcpy(image.bytes, d->durable, d->durable_len);
    replay(&image, d, mode, random);
    FILE *file = fopen(d->path, "wb");
    assert(file != NULL);
    if (fwrite(image.bytes, 1, image.len, file) != image.len)
        abort();
    fclose(file);
    free(image.bytes);
}

void fault_vfs_power_on(uint64_t seed)
{
    uint64_t random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    unsigned mode = (unsigned)(seed % 4);
    for (unsigned i = 0; i < f.count; i++) {
        struct disk_file *d = &f.files[i];
        /* A name made or removed since the last sync may be there or not. */
        bool there =
            d->deleted ? next_random(&random) % 2 == 0 : d->durable_name || next_random(&random) % 2 == 0;
        if (there)
            rewrite(d, mode, &random);
        else
            (void)unlink(d->path);
    }
    fault_vfs_reset();
}

void fault_vfs_reset(void)
{
    for (unsigned i = 0; i < f.count; i++) {
        drop_pending(&f.files[i]);
        free(f.files[i].durable);
    }
    f.count = 0;
}

/* ---- Faults ---- */

enum outcome { WORKS, FAILS, FULL, TEARS };

/* Counts one operation and says how it goes. */
static enum outcome next_outcome(bool write)
{
    if (f.kind == FAULT_NONE || ++f.operations < f.at)
        return WORKS;
    bool first = f.operations == f.at;
    f.fired = true;
    switch (f.kind) {
    case FAULT_ONCE:
        return first ? FAILS : WORKS;
    case FAULT_FULL:
        return write ? FULL : WORKS;
    case FAULT_TORN:
        return first && write ? TEARS : FAILS;
    default:
        return FAILS;
    }
}

void fault_vfs_arm(enum fault_kind kind, unsigned at)
{
    f.kind = kind;
    f.at = at;
    f.operations = 0;
    f.fired = false;
}

bool fault_vfs_disarm(void)
{
    f.kind = FAULT_NONE;
    return f.fired;
}

/* ---- Files ---- */

static struct open_file *of(sqlite3_file *file)
{
    return (struct open_file *)file;
}

static int file_close(sqlite3_file *file)
{
    return of(file)->real->pMethods->xClose(of(file)->real);
}

static int file_read(sqlite3_file *file, void *bytes, int len, sqlite3_int64 offset)
{
    return of(file)->real->pMethods->xRead(of(file)->real, bytes, len, offset);
}

static int write_through(struct open_file *o, const void *bytes, int len, sqlite3_int64 offset)
{
    int rc = o->real->pMethods->xWrite(o->real, bytes, len, offset);
    if (rc == SQLITE_OK)
        add_pending(o->disk, false, bytes, (size_t)len, offset);
    return rc;
}

static int file_write(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 offset)
{
    switch (next_outcome(true)) {
    case WORKS:
        return write_through(of(file), bytes, len, offset);
    case FULL:
        return SQLITE_FULL;
    case TEARS:
        (void)write_through(of(file), bytes, len / 2, offset);
        return SQLITE_IOERR_WRITE;
    default:
        return SQLITE_IOERR_WRITE;
    }
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    if (next_outcome(false) != WORKS)
        return SQLITE_IOERR_TRUNCATE;
    int rc = of(file)->real->pMethods->xTruncate(of(file)->real, size);
    if (rc == SQLITE_OK)
        add_pending(of(file)->disk, true, NULL, 0, size);
    return rc;
}

/* The real disk is not asked: only this one's memory of it counts, and tests are faster. */
static int file_sync(sqlite3_file *file, int flags)
{
    (void)flags;
    if (next_outcome(false) != WORKS)
        return SQLITE_IOERR_FSYNC;
    if (of(file)->disk != NULL)
        settle(of(file)->disk);
    return SQLITE_OK;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return of(file)->real->pMethods->xFileSize(of(file)->real, size);
}

static int file_lock(sqlite3_file *file, int level)
{
    return of(file)->real->pMethods->xLock(of(file)->real, level);
}

static int file_unlock(sqlite3_file *file, int level)
{
    return of(file)->real->pMethods->xUnlock(of(file)->real, level);
}

static int file_check_lock(sqlite3_file *file, int *out)
{
    return of(file)->real->pMethods->xCheckReservedLock(of(file)->real, out);
}

static int file_control(sqlite3_file *file, int op, void *arg)
{
    return of(file)->real->pMethods->xFileControl(of(file)->real, op, arg);
}

static int file_sector_size(sqlite3_file *file)
{
    return of(file)->real->pMethods->xSectorSize(of(file)->real);
}

static int file_characteristics(sqlite3_file *file)
{
    return of(file)->real->pMethods->xDeviceCharacteristics(of(file)->real);
}

/* Version 1: no shared memory, so a write-ahead log works only with exclusive locking. */
static const sqlite3_io_methods METHODS = {.iVersion = 1,
                                           .xClose = file_close,
                                           .xRead = file_read,
                                           .xWrite = file_write,
                                           .xTruncate = file_truncate,
                                           .xSync = file_sync,
                                           .xFileSize = file_size,
                                           .xLock = file_lock,
                                           .xUnlock = file_unlock,
                                           .xCheckReservedLock = file_check_lock,
                                           .xFileControl = file_control,
                                           .xSectorSize = file_sector_size,
                                           .xDeviceCharacteristics = file_characteristics};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    (void)vfs;
    struct open_file *o = of(file);
    o->base.pMethods = NULL;
    o->real = (sqlite3_file *)(o + 1);
    bool creates = name != NULL && (flags & SQLITE_OPEN_CREATE) != 0 && access(name, F_OK) != 0;
    if (creates && next_outcome(false) != WORKS)
        return SQLITE_CANTOPEN;
    o->disk = name == NULL ? NULL : find_file(name);
    int rc = f.real->xOpen(f.real, name, o->real, flags, out_flags);
    if (rc == SQLITE_OK)
        o->base.pMethods = &METHODS;
    return rc;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    (void)vfs;
    if (next_outcome(false) != WORKS)
        return SQLITE_IOERR_DELETE;
    struct disk_file *d = find_file(name);
    int rc = f.real->xDelete(f.real, name, 0);
    if (rc != SQLITE_OK)
        return rc;
    if (sync_folder)
        settle(d), d->durable_name = false;
    else
        d->deleted = true;
    return rc;
}

void fault_vfs_register(void)
{
    f.real = sqlite3_vfs_find(NULL);
    assert(f.real != NULL);
    f.vfs = *f.real;
    f.vfs.zName = FAULT_VFS_NAME;
    f.vfs.szOsFile = (int)sizeof(struct open_file) + f.real->szOsFile;
    f.vfs.xOpen = vfs_open;
    f.vfs.xDelete = vfs_delete;
    if (sqlite3_vfs_register(&f.vfs, 0) != SQLITE_OK)
        abort();
}

unsigned fault_vfs_each(enum fault_kind kind, uint64_t seeds, fault_night night)
{
    unsigned reached = 0;
    for (uint64_t seed = 0; seed < seeds; seed++)
        for (unsigned at = 1; night(kind, at, seed + 4 * at); at++)
            reached++;
    return reached;
}
