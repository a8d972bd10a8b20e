/* store_schema.h - the SQL of the embedded store's tables, written from their descriptors.
 *
 * People start a new migration from it, and every open compares the database with it (store_sqlite_check.c). One
 * dialect: STRICT tables; WITHOUT ROWID unless the key is a single I64 column, which is then the INTEGER PRIMARY KEY,
 * or a row may be long (the journal), whose key is then a tree of its own; every column NOT NULL; ID and HASH columns
 * with a CHECK of their length; append-only tables with two triggers that refuse UPDATE and DELETE. */
#ifndef GIRO_STORE_STORE_SCHEMA_H
#define GIRO_STORE_STORE_SCHEMA_H

#include "platform/buffer.h"
#include "platform/table.h"

enum {
    STORE_SCHEMA_SQL_BYTES_MAX = 1024 * 1024,
    STORE_KEYED_ROW_BYTES_MAX = 256 * 1024 /* a column that may be longer has its row outside of the tree of the keys */
};

/* Appends CREATE TABLE, CREATE INDEX and CREATE TRIGGER for each table to out, in the order given; look at
 * out->overflow. */
void store_schema_sql(const struct table *const *tables, size_t count, struct buffer *out);

#endif
