/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apart.h"

#include "child.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define READ_MAX_BYTES (64u << 20)

/* What a child has read, in memory that it shares: one record behind the other. `len` is moved
 * behind a record when it is whole, so a child that was given up leaves what it had. */
typedef struct {
    uint32_t index, len;
} Record;

typedef struct {
    _Atomic size_t len;
    char bytes[READ_MAX_BYTES];
} Shared;

typedef struct {
    int root_fd;
    const GPtrArray *paths;
    DpApartRead read;
    Shared *shared;
} Reading;

static void
put(Shared *shared, Record record, const char *bytes)
{
    size_t at = shared->len;

    if (record.len > sizeof shared->bytes - at ||
        sizeof record > sizeof shared->bytes - at - record.len) {
        return;
    }
    memcpy(shared->bytes + at, &record, sizeof record);
    memcpy(shared->bytes + at + sizeof record, bytes, record.len);
    shared->len = at + sizeof record + record.len;
}

static int
read_files(void *data)
{
    const Reading *reading = data;

    for (guint i = 0; i < reading->paths->len; i++) {
        size_t len = 0;
        g_autofree char *bytes = reading->read(reading->root_fd, reading->paths->pdata[i], &len);

        if (bytes != NULL && len <= READ_MAX_BYTES) {
            put(reading->shared, (Record){i, (uint32_t)len}, bytes);
        }
    }
    return 0;
}

static void
take_all(const Reading *reading, DpApartTake take, void *data)
{
    const char *bytes = reading->shared->bytes;
    size_t end = reading->shared->len;
    Record record;

    for (size_t at = 0; at < end; at += sizeof record + record.len) {
        memcpy(&record, bytes + at, sizeof record);
        take(data, reading->paths->pdata[record.index], bytes + at + sizeof record, record.len);
    }
}

void
dp_apart_read(int root_fd,
              const GPtrArray *paths,
              int timeout_ms,
              DpApartRead read,
              DpApartTake take,
              void *data)
{
    Shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    Reading reading = {root_fd, paths, read, shared};

    if (shared == MAP_FAILED) {
        return;
    }
    (void)dp_child_run_apart(read_files, &reading, timeout_ms, root_fd, NULL);
    take_all(&reading, take, data);
    (void)munmap(shared, sizeof *shared);
}
