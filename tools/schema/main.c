/* schema [sqlite|postgres] - prints the SQL of every table of the program from its descriptor: the start of the next
 * migration in db/sqlite or db/postgres. */
#include "integration/integration.h"
#include "store/store_schema.h"
#include "store/store_schema_postgres.h"

int main(int argc, char **argv) {
    size_t count;
    struct buffer sql;
    const char *dialect = argc > 1 ? argv[1] : "sqlite";
    bool postgres = strcmp(dialect, "postgres") == 0;
    if (argc > 2 || (!postgres && strcmp(dialect, "sqlite") != 0)) {
        (void)fputs("usage: schema [sqlite|postgres]\n", stderr);
        return 2;
    }
    const struct table *const *tables = integration_tables(&count);
    buffer_init_heap(&sql, STORE_SCHEMA_SQL_BYTES_MAX);
    (postgres ? store_schema_postgres_sql : store_schema_sql)(tables, count, &sql);
    bool written = !sql.overflow && fwrite(sql.at, 1, sql.len, stdout) == sql.len;
    buffer_release(&sql);
    return written ? 0 : 1;
}
