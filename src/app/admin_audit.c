#include "app/admin_audit.h"

#include "integration/command.h"

enum { ADMIN_AUDIT_ARENA_BYTES = 16 * 1024, ADMIN_AUDIT_ARENA_BYTES_MAX = 1024 * 1024 };

/* clang-format off: one schema, written as it is read */
#define SHOWN "{\"type\":\"string\",\"x-giro-mask\":\"shown\"}"
#define HIDDEN "{\"x-giro-mask\":\"hidden\"}"
#define KIND(kind) "{\"x-giro-mask\":\"" kind "\"}"
#define NUMBER "{\"type\":\"integer\"}"
#define TRUTH "{\"type\":\"boolean\"}"
#define MEMBER(name, schema) "\"" name "\":" schema
/* An account by its id, its number, or as one of the bank's own; an IBAN does not fit and is hidden. */
#define ACCOUNT \
    "{\"type\":[\"string\",\"integer\"],\"x-giro-mask\":\"shown\",\"pattern\":" \
    "\"^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|-?[0-9]{1,19}|[a-z_]+/[A-Z]{3}(/[0-9]{1,4})?)$\"}"
static const char lines[] =
    "{\"type\":\"object\",\"properties\":{"
    MEMBER("command", SHOWN) "," MEMBER("action", SHOWN) ","
    MEMBER("force", SHOWN) "," MEMBER("hold_id", SHOWN) ","
    MEMBER("payment_id", SHOWN) "," MEMBER("transaction", SHOWN) ","
    MEMBER("scheduled_id", SHOWN) "," MEMBER("standing_order_id", SHOWN) ","
    MEMBER("amount", SHOWN) "," MEMBER("currency", SHOWN) ","
    MEMBER("first_amount", SHOWN) "," MEMBER("final_amount", SHOWN) ","
    MEMBER("sum", SHOWN) "," MEMBER("hash", SHOWN) ","
    MEMBER("day", SHOWN) "," MEMBER("on", SHOWN) ","
    MEMBER("booking_day", SHOWN) "," MEMBER("value_day", SHOWN) ","
    MEMBER("expires_at", SHOWN) "," MEMBER("frequency", SHOWN) ","
    MEMBER("first", SHOWN) "," MEMBER("recurring", SHOWN) ","
    MEMBER("final", SHOWN) "," MEMBER("profile", SHOWN) ","
    MEMBER("sender", SHOWN) "," MEMBER("tier", SHOWN) ","
    MEMBER("org_id", SHOWN) "," MEMBER("software_id", SHOWN) ","
    MEMBER("scope", SHOWN) "," MEMBER("client_name", SHOWN) ","
    MEMBER("client", SHOWN) "," MEMBER("consent_id", SHOWN) ","
    MEMBER("client_id", SHOWN) "," MEMBER("http_signatures", SHOWN) ","
    MEMBER("account", ACCOUNT) "," MEMBER("contra", ACCOUNT) ","
    MEMBER("account_id", ACCOUNT) ","
    MEMBER("amount_minor", NUMBER) "," MEMBER("floor_minor", NUMBER) ","
    MEMBER("ceiling_minor", NUMBER) "," MEMBER("overdraft_minor", NUMBER) ","
    MEMBER("fund_minor", NUMBER) "," MEMBER("items", NUMBER) ","
    MEMBER("payments", NUMBER) ","
    MEMBER("debits", TRUTH) "," MEMBER("credits", TRUTH) ","
    MEMBER("mirror", TRUTH) "," MEMBER("business", TRUTH) ","
    MEMBER("auto_approve", TRUTH) ","
    MEMBER("key", HIDDEN) "," MEMBER("login", HIDDEN) ","
    MEMBER("customer_login", HIDDEN) "," MEMBER("password", HIDDEN) ","
    MEMBER("totp_secret", HIDDEN) ","
    MEMBER("name", KIND("name")) "," MEMBER("iban", KIND("iban")) "," MEMBER("sort_code", KIND("sort_code")) ","
    MEMBER("account_number", KIND("account_number")) "," MEMBER("reference", KIND("reference")) ","
    "\"legs\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
    MEMBER("account", ACCOUNT) "," MEMBER("side", SHOWN) "," MEMBER("amount", SHOWN) ","
    MEMBER("currency", SHOWN) "," MEMBER("value_day", SHOWN) "}}}}}";
/* clang-format on */

struct admin_audit {
    struct arena arena;
    struct json *document;
    struct schema_set *set;
    const struct json_mask *mask;
};

int admin_audit_new(struct admin_audit **ret_audit) {
    const struct schema *schema;
    struct message message;
    struct admin_audit *audit = calloc(1, sizeof *audit);
    if (!audit) return err_origin(-ENOMEM);
    int r = arena_init(&audit->arena, ADMIN_AUDIT_ARENA_BYTES, ADMIN_AUDIT_ARENA_BYTES_MAX);
    if (!r) r = json_parse(str_from_c(lines), sizeof lines, JSON_DEPTH_MAX, &audit->document, NULL);
    if (!r) r = schema_set_new(audit->document, &audit->set);
    if (!r) r = schema_compile(audit->set, STR("#"), &schema, &message);
    if (!r) r = json_mask_new(schema, &audit->arena, &audit->mask);
    if (r) (void)admin_audit_free(audit);
    else *ret_audit = audit;
    return err_fold(r);
}

struct admin_audit *admin_audit_free(struct admin_audit *audit) {
    if (!audit) return NULL;
    (void)schema_set_free(audit->set);
    (void)json_free(audit->document);
    arena_release(&audit->arena);
    free(audit);
    return NULL;
}

struct audit_body admin_audit_request(const struct admin_audit *audit, struct str line, struct arena *arena) {
    char memory[AUDIT_BODY_BYTES_MAX];
    struct buffer out;
    struct audit_body body;
    buffer_init(&out, memory, sizeof memory);
    body.cut = !command_audit_mask(&out, audit->mask, line, false, arena);
    body.json = arena_dup(arena, buffer_str(&out));
    return body.json.at ? body : (struct audit_body){ .cut = false };
}
