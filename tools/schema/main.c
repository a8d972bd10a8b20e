/* schema - prints the SQL of every table of the program from its descriptor: the start of the next migration in
 * db/sqlite. */
#include "integration/integration.h"
#include "store/store_schema.h"

int main(void) {
    size_t count;
    struct buffer sql;
    const struct table *const *tables = integration_tables(&count);
    buffer_init_heap(&sql, STORE_SCHEMA_SQL_BYTES_MAX);
    store_schema_sql(tables, count, &sql);
    bool written = !sql.overflow && fwrite(sql.at, 1, sql.len, stdout) == sql.len;
    buffer_release(&sql);
    return written ? 0 : 1;
}
