#include "app/admin_audit.h"

#include "integration/command.h"

enum { ADMIN_AUDIT_ARENA_BYTES = 16 * 1024, ADMIN_AUDIT_ARENA_BYTES_MAX = 1024 * 1024 };

#define SHOWN "{\"type\":\"string\",\"x-giro-mask\":\"shown\"}"
#define KIND(kind) "{\"x-giro-mask\":\"" kind "\"}"
#define NUMBER "{\"type\":\"integer\"}"
#define TRUTH "{\"type\":\"boolean\"}"
/* An account by its id, its number, or as one of the bank's own; an IBAN does not fit and is hidden. */
#define ACCOUNT                                                                                                        \
    "{\"type\":[\"string\",\"integer\"],\"x-giro-mask\":\"shown\",\"pattern\":"                                        \
    "\"^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|-?[0-9]{1,19}|[a-z_]+/[A-Z]{3}(/[0-9]{1,4})?)$\"}"
static const char lines[] =
    "{\"type\":\"object\",\"properties\":{"
    "\"command\":" SHOWN ",\"action\":" SHOWN ",\"force\":" SHOWN ",\"key\":" KIND(
        "hidden") ","
                  "\"account\":" ACCOUNT ",\"contra\":" ACCOUNT ",\"account_id\":" ACCOUNT ",\"hold_id\":" SHOWN ","
                  "\"payment_id\":" SHOWN ",\"transaction\":" SHOWN ",\"scheduled_id\":" SHOWN
                  ",\"standing_order_id\":" SHOWN ","
                  "\"amount\":" SHOWN ",\"currency\":" SHOWN ",\"first_amount\":" SHOWN ",\"final_amount\":" SHOWN ","
                  "\"amount_minor\":" NUMBER ",\"floor_minor\":" NUMBER ",\"ceiling_minor\":" NUMBER
                  ",\"overdraft_minor\":" NUMBER ","
                  "\"fund_minor\":" NUMBER ",\"items\":" NUMBER ",\"payments\":" NUMBER ",\"sum\":" SHOWN
                  ",\"hash\":" SHOWN ","
                  "\"debits\":" TRUTH ",\"credits\":" TRUTH ",\"mirror\":" TRUTH ",\"business\":" TRUTH
                  ",\"auto_approve\":" TRUTH ","
                  "\"day\":" SHOWN ",\"on\":" SHOWN ",\"booking_day\":" SHOWN ",\"value_day\":" SHOWN
                  ",\"expires_at\":" SHOWN ","
                  "\"frequency\":" SHOWN ",\"first\":" SHOWN ",\"recurring\":" SHOWN ",\"final\":" SHOWN ","
                  "\"profile\":" SHOWN ",\"sender\":" SHOWN ",\"tier\":" SHOWN ",\"org_id\":" SHOWN
                  ",\"software_id\":" SHOWN ","
                  "\"scope\":" SHOWN ",\"client_name\":" SHOWN ",\"client\":" SHOWN ",\"consent_id\":" SHOWN
                  ",\"client_id\":" SHOWN ","
                  "\"name\":" KIND("name") ",\"iban\":" KIND("iban") ",\"sort_code\":" KIND(
                      "sort_code") ","
                                   "\"account_number\":" KIND("account_number") ",\"reference\":" KIND(
                                       "reference") ","
                                                    "\"login\":" KIND("hidden") ",\"customer_login\":" KIND(
                                                        "hidden") ",\"password\":" KIND("hidden") ","
                                                                                                  "\"totp_"
                                                                                                  "secret\":" KIND(
                                                                                                      "hidden") ","
                                                                                                                "\"legs"
                                                                                                                "\":{"
                                                                                                                "\"type"
                                                                                                                "\":"
                                                                                                                "\"arra"
                                                                                                                "y\","
                                                                                                                "\"item"
                                                                                                                "s\":{"
                                                                                                                "\"type"
                                                                                                                "\":"
                                                                                                                "\"obje"
                                                                                                                "ct\","
                                                                                                                "\"prop"
                                                                                                                "erties"
                                                                                                                "\":{"
                                                                                                                "\"acco"
                                                                                                                "unt\""
                                                                                                                ":" ACCOUNT
                                                                                                                ","
                                                                                                                "\"side"
                                                                                                                "\""
                                                                                                                ":" SHOWN
                                                                                                                ",\"amo"
                                                                                                                "unt\""
                                                                                                                ":" SHOWN
                                                                                                                ",\"cur"
                                                                                                                "rency"
                                                                                                                "\""
                                                                                                                ":" SHOWN
                                                                                                                ",\"val"
                                                                                                                "ue_"
                                                                                                                "day\""
                                                                                                                ":" SHOWN
                                                                                                                "}}}}}";

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
