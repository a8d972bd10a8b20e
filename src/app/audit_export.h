/* audit_export.h - an export of the journal, and what proves it with nothing but the bank's public key. The form of the
 * files is docs/audit.md's; they are read as strictly as they are written: one byte more or less is a fault. */
#ifndef GIRO_APP_AUDIT_EXPORT_H
#define GIRO_APP_AUDIT_EXPORT_H

#include "app/store_view.h"
#include "integration/audit_trail.h"

enum { AUDIT_LINE_BYTES_MAX = 96 * 1024 * 1024 }; /* a journal record's body in base64, and what stands around it */

/* Writes records from..to, rounded outwards to whole checkpoints, into a new file of mode 0600. *ret_records: how many.
 * 0; 1: no checkpoint covers them yet; <0 (a sentence on stderr where a file is at fault). */
int audit_export_write(struct store_view *view, const char *path, int64_t from, int64_t to, int64_t *ret_records);
/* 0 and the result; malformed is set when the file is none (the result is then as far as it went). <0: it cannot be
 * read. */
int audit_export_verify(const char *path, struct key *key, struct audit_trail_result *ret_result, bool *ret_malformed);

/* Writes the inclusion proof of the record with that id into a new file, mode 0600. 0; 1: there is no such record; 2:
 * no checkpoint covers it yet; <0. */
int audit_proof_write(struct store_view *view, const uint8_t id[16], const char *path);
/* *ret_holds: the file proves that its record stood in the journal of the bank with that key; then checkpoint and the
 * record's text, in arena. 0 or <0. */
int audit_proof_verify(const char *path, const struct key *key, struct arena *arena, struct str *ret_record,
                       bool *ret_holds);

/* Opens a file that must not exist, for writing; NULL after a sentence on stderr. Closes it; on a fault removes it. */
FILE *audit_file_create(const char *path);
int audit_file_close(FILE *file, const char *path, int r);
/* The public (or private) key in a PEM file; NULL after a sentence on stderr. */
struct key *audit_key_read(const char *path);

/* One line of a file, read as it must stand: each function takes its part off the front, or says that it is not there.
 */
bool line_takes(struct str *line, const char *literal);
bool line_takes_number(struct str *line, int64_t *ret_number);  /* >= 0, as printf writes it */
bool line_takes_hex(struct str *line, void *bytes, size_t len); /* lower case */

#endif
