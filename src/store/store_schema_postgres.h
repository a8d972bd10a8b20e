/* store_schema_postgres.h - the SQL of the tables in PostgreSQL, written from their descriptors.
 *
 * One schema a service; every column NOT NULL; I64 bigint, ID and HASH bytea with a CHECK of their length, TEXT text in
 * byte order, BLOB bytea; personal columns bytea (sealed), and beside one that an index names a column NAME_hash that
 * stands in the index. An index that is not unique ends with the primary key, so that ties have an order. Append-only
 * tables have a trigger and no right to change them; a balanced table has a trigger a statement. Roles: giro_owner
 * (runs it), giro_engine, giro_read. The functions of the schema "store" must be there (store_postgres_migration.c). */
#ifndef GIRO_STORE_STORE_SCHEMA_POSTGRES_H
#define GIRO_STORE_STORE_SCHEMA_POSTGRES_H

#include "platform/buffer.h"
#include "platform/table.h"

/* Appends the statements of each table to out, in the order given; look at out->overflow. */
void store_schema_postgres_sql(const struct table *const *tables, size_t count, struct buffer *out);
/* The body of a balanced table's trigger function. */
void store_schema_postgres_balance(const struct table *table, struct buffer *out);

#endif
