/* wiring_audit.c - the signed checkpoints of the audit trail: their key in secrets.folder, and when they are written.
 */
#include "app/wiring_int.h"

#include "platform/clock.h"
#include "platform/file.h"

#include <time.h>

/* Whoever asks waits for the next commit and the look after it. */
enum { CHECKPOINT_WAIT_MS = 10 * 1000, CHECKPOINT_POLL_MS = 20 };

static const char private_name[] = "audit-signing.key", public_name[] = "audit-signing.pem";

static int read_key(const char *path, struct key **ret_key, struct message *message) {
    struct secret_bytes pem;
    int r = secret_load_text(path, KEY_PEM_BYTES_MAX, &pem, message);
    if (r) return r > 0 ? err_origin(-EACCES) : err_trace(r);
    r = key_load_pem(secret_str(&pem), ret_key);
    secret_release(&pem);
    if (r == 0 && key_is_private(*ret_key)) return 0;
    message_set(message, "%s holds no key that can sign: want RSA of 2048 bits or more, or EC P-256, in PEM", path);
    return r < 0 ? err_trace(r) : err_origin(-EINVAL);
}

static int make_key(const char *path, struct message *message) {
    struct secret_bytes pem = { 0 };
    struct key *key = NULL;
    int r = key_generate(KEY_TYPE_RSA, &key);
    if (!r) r = key_write_pem(key, &pem);
    if (!r) r = secret_write_file(path, secret_str(&pem), message);
    secret_release(&pem);
    (void)key_free(key);
    return r == SECRET_E_EXISTS ? 0 : r > 0 ? err_origin(-EACCES) : err_trace(r);
}

/* What others verify with: not secret, beside the key. */
static int write_public(const struct key *key, const char *path, struct message *message) {
    char text[KEY_PEM_BYTES_MAX];
    struct buffer pem;
    if (file_exists(path)) return 0;
    buffer_init(&pem, text, sizeof text);
    int r = key_write_public_pem(key, &pem);
    return r ? err_fold(r) : err_trace(file_write_atomic(path, buffer_str(&pem), 0644, message));
}

int bank_open_audit_key(struct bank *bank, struct message *message) {
    char path[BANK_PATH_BYTES_MAX], shown[BANK_PATH_BYTES_MAX];
    struct str folder = bank->config->options.secrets_folder;
    int len = snprintf(path, sizeof path, STR_FMT "/%s", STR_ARG(folder), private_name);
    if (len < 0 || (size_t)len >= sizeof path) return err_origin(-ENAMETOOLONG);
    (void)snprintf(shown, sizeof shown, STR_FMT "/%s", STR_ARG(folder), public_name);
    int r = file_exists(path) ? 0 : make_key(path, message);
    if (!r) r = read_key(path, &bank->audit_key, message);
    if (!r) r = write_public(bank->audit_key, shown, message);
    return err_trace(r);
}

bool bank_checkpoint(void *ctx) {
    struct bank *bank = ctx;
    int64_t until_ms = clock_mono_ms() + CHECKPOINT_WAIT_MS;
    if (!bank->holds) return false;
    atomic_store(&bank->checkpoints.waited_for, true);
    atomic_store(&bank->checkpoints.asked, true);
    while (atomic_load(&bank->checkpoints.waited_for)) {
        if (bank->stopping || clock_mono_ms() > until_ms) return false;
        jobs_wake(bank->jobs, "audit_checkpoint");
        (void)nanosleep(&(struct timespec){ .tv_nsec = CHECKPOINT_POLL_MS * 1000 * 1000 }, NULL);
    }
    return true;
}

/* What is not covered when this fails is covered by the first checkpoint of the next start. */
void bank_end_checkpoints(struct bank *bank) {
    if (!bank->holds || !bank->checkpoints.key) return;
    int r = checkpoint_job_end(&bank->checkpoints, &bank->integration);
    if (r) bank_on_fault(bank, "audit_checkpoint", r);
}
