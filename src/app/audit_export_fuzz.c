/* audit_export_fuzz.c - any bytes as the files that giro audit verify and giro audit prove are given. The first byte
 * chooses the export or the proof, and whether the bank's key is known. No input has the bank's signature: with the key
 * nothing is proven. Without it, what is proven is all of the export. */
#include "app/audit_export.h"

#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { FILE_BYTES_MAX = 256 * 1024, PATH_BYTES = 32 };

static struct key *bank;
static int file = -1;
static char path[PATH_BYTES];
static struct arena arena;

static void setup(void) {
    check(key_generate(KEY_TYPE_EC_P256, &bank) == 0 && arena_init(&arena, 64 * 1024, 4 * 1024 * 1024) == 0);
    file = memfd_create("audit", MFD_CLOEXEC);
    check(file >= 0);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
}

static void export_try(struct key *key) {
    struct audit_trail_result result = { .reason = AUDIT_TRAIL_OK };
    bool malformed = false;
    check(audit_export_verify(path, key, &result, &malformed) == 0);
    check(result.records >= 0 && result.audits <= result.records * JOURNAL_BODY_BYTES_MAX);
    if (malformed || result.reason != AUDIT_TRAIL_OK) return;
    check(!key && result.proven_seq == result.last_seq && result.checkpoints > 0);
    check(result.records == result.last_seq - result.first_seq + 1);
}

static void proof_try(void) {
    struct str record;
    bool holds = true;
    arena_reset(&arena);
    int r = audit_proof_verify(path, bank, &arena, &record, &holds);
    check(r <= 0 && (r < 0 || !holds));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    if (size < 2 || size > FILE_BYTES_MAX) return 0;
    if (file < 0) setup();
    check(ftruncate(file, 0) == 0 && pwrite(file, bytes + 1, size - 1, 0) == (ssize_t)(size - 1));
    if (bytes[0] % 3 == 0) export_try(NULL);
    else if (bytes[0] % 3 == 1) export_try(bank);
    else proof_try();
    return 0;
}
