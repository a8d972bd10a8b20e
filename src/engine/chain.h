/* chain.h - recomputes the journal's chain and what it covers.
 *
 * (H1) seq counts 1, 2, 3 ... without gaps; record n+1 holds the hash of record n, the first holds zeros (J1).
 * (H2) each record's hash is that of its fields (J3). (H3) its entries_hash is that of the chained rows whose batch_seq
 * is its seq, table by table in order of their names, in number order; every chained row belongs to a record. (H4) the
 * body is well-formed frames. After a bad record the walk goes on with what stands there, so that one damage is counted
 * once or twice, not a thousand times. What no chain can show from within: the newest records cut off together with all
 * that they wrote. Tests: integration/books_test.c. */
#ifndef GIRO_ENGINE_CHAIN_H
#define GIRO_ENGINE_CHAIN_H

#include "engine/journal.h"
#include "engine/read.h"

enum { CHAIN_TABLES_MAX = 8 };

/* Why a record is bad, in the order in which it is looked for. */
#define CHAIN_BREAK_MAP(X)                                                                                             \
    X(CHAIN_OK, "ok")                                                                                                  \
    X(CHAIN_SEQ, "seq_gap")                                                                                            \
    X(CHAIN_PREV, "prev_hash")                                                                                         \
    X(CHAIN_HASH, "hash") X(CHAIN_ROWS, "entries_hash") X(CHAIN_FRAMES, "malformed_body")                              \
        X(CHAIN_STRAY, "row_without_record") X(CHAIN_DAMAGED, "unreadable")
#define X(code, name) code,
enum chain_break { CHAIN_BREAK_MAP(X) CHAIN_BREAK_COUNT };
#undef X
const char *chain_break_name(enum chain_break reason);

struct chain_result {
    int64_t records;        /* of the journal */
    int64_t rows;           /* chained rows covered */
    int64_t audits, events; /* frames */
    int64_t last_seq;
    struct hash head;        /* hash of the last record, zeros when there is none */
    int64_t broken;          /* records (and stray rows) found bad */
    int64_t first_bad_seq;   /* 0 when broken == 0; of a stray row the batch_seq it names */
    enum chain_break reason; /* of the first */
};

/* tables: every chained table of the program (table.chained), any order; each has a primary key of one number and
 * batch_seq. Between read_begin and read_end of the reader. 0 whatever was found (see broken); <0: the store could not
 * be read. */
int chain_verify(struct reader *reader, const struct table *const *tables, size_t table_count,
                 struct chain_result *ret_result);

#endif
