/* signing_key_files.h - where the bank's signing keys lie: PATH (signs), PATH.next (published, will sign) and
 * PATH.previous (published, did sign), PEM of mode 0600; only PATH must be there.
 *
 * A change of keys moves each one place on: PATH becomes PATH.previous, PATH.next becomes PATH, a fresh key PATH.next.
 * (F1) Each step is one rename, so that a crash between any two leaves a PATH that is whole and was published; a next
 * key that is missing after it is made by the next change, which then moves nothing. (F2) One change at a time: a lock
 * file PATH.lock. */
#ifndef GIRO_APP_SIGNING_KEY_FILES_H
#define GIRO_APP_SIGNING_KEY_FILES_H

#include "auth/signing_keys.h"

enum { SIGNING_KEY_PATH_BYTES_MAX = 1000 };

/* The keys that are there, owned by the caller: signing_key_set_release. 0; <0 with a sentence in message (-EINVAL: a
 * file that holds no key that can sign). */
int signing_key_files_load(const char *path, struct signing_key_set *ret_set, struct message *message) MUST_USE;
void signing_key_set_release(struct signing_key_set *set);

enum signing_key_files_refusal { SIGNING_KEY_FILES_E_NONE, SIGNING_KEY_FILES_E_BUSY };
/* Moves the keys on. *ret_moved false: there was no next key; one was made, and nothing else changed. 0,
 * SIGNING_KEY_FILES_E_BUSY, or <0 with a sentence in message. */
int signing_key_files_rotate(const char *path, bool *ret_moved, struct message *message) MUST_USE;

#endif
