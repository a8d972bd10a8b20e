#include "auth/authorization_details.h"

#include "auth/scope.h"
#include "wire/json.h"

enum { DETAILS_DEPTH_MAX = 4 };

static bool is_known(const struct json *object, const char *const *names, size_t count) {
    void *iterator = NULL;
    struct str name;
    const struct json *value;
    while (json_next(object, &iterator, &name, &value)) {
        bool known = false;
        for (size_t i = 0; i < count; i++) known = known || str_equal_c(name, names[i]);
        if (!known) return false;
    }
    return true;
}

static const char *read_amount(const struct json *element, struct authorization_details *details) {
    static const char *const names[] = { "currency", "amount" };
    const struct json *amount = json_get(element, "instructedAmount");
    if (!amount) return NULL;
    if (details->accounts) return "instructedAmount belongs to payment_initiation";
    details->currency = json_get_string(amount, "currency");
    details->amount = json_get_string(amount, "amount");
    if (!is_known(amount, names, ARRAY_COUNT(names)) || details->currency.len == 0 || details->amount.len == 0)
        return "instructedAmount must be currency and amount";
    return NULL;
}

static const char *read_element(const struct json *element, struct authorization_details *details) {
    static const char *const names[] = { "type", "openbanking_intent_id", "instructedAmount" };
    struct str type = json_get_string(element, "type");
    details->accounts = str_equal_c(type, "account_information");
    if (json_type(element) != JSON_OBJECT_TYPE || type.len == 0) return "an element has no type";
    if (!details->accounts && !str_equal_c(type, "payment_initiation")) return "type is not known";
    if (!is_known(element, names, ARRAY_COUNT(names))) return "a member is not known";
    if (id_parse(json_get_string(element, "openbanking_intent_id"), details->consent_id.bytes))
        return "openbanking_intent_id names no consent";
    return read_amount(element, details);
}

static struct str write(const struct authorization_details *details, struct arena *arena) {
    char id[ID_TEXT_BYTES], *memory = arena_alloc(arena, AUTHORIZATION_DETAILS_BYTES_MAX);
    struct json_writer writer;
    struct buffer out;
    if (!memory) return (struct str){ 0 };
    buffer_init(&out, memory, AUTHORIZATION_DETAILS_BYTES_MAX);
    json_begin(&writer, &out);
    json_array_begin(&writer);
    json_object_begin(&writer);
    json_member_c(&writer, "type", details->accounts ? "account_information" : "payment_initiation");
    json_member_str(&writer, "openbanking_intent_id", id_format(details->consent_id.bytes, id));
    if (details->amount.len) {
        json_name(&writer, "instructedAmount");
        json_object_begin(&writer);
        json_member_str(&writer, "currency", details->currency);
        json_member_str(&writer, "amount", details->amount);
        json_object_end(&writer);
    }
    json_object_end(&writer);
    json_array_end(&writer);
    return out.overflow ? (struct str){ 0 } : buffer_str(&out);
}

static bool parse(struct str text, struct arena *arena, struct authorization_details *ret_details,
                  const char **ret_wrong) {
    const struct json *array = NULL;
    *ret_wrong = "not a JSON array";
    if (json_parse_arena(text, AUTHORIZATION_DETAILS_BYTES_MAX, DETAILS_DEPTH_MAX, arena, &array)) return false;
    if (json_type(array) != JSON_ARRAY_TYPE) return false;
    *ret_wrong = "exactly one element is taken";
    if (json_count(array) != 1) return false;
    *ret_wrong = read_element(json_at(array, 0), ret_details);
    return *ret_wrong == NULL;
}

bool authorization_details_read(struct str text, struct str scope, struct arena *arena,
                                struct authorization_details *ret_details, const char **ret_wrong) {
    struct authorization_details details = { 0 };
    if (!parse(text, arena, &details, ret_wrong)) return false;
    *ret_wrong = "the scope does not go with the type";
    if (!word_list_has(scope, details.accounts ? STR("accounts") : STR("payments"))) return false;
    details.json = write(&details, arena);
    *ret_wrong = "too long";
    if (details.json.len == 0) return false;
    *ret_details = details;
    return true;
}

const char *authorization_details_judge(struct str json, const struct grant_consent_view *consent,
                                        struct arena *arena) {
    struct authorization_details details = { 0 };
    const char *wrong;
    struct money amount;
    struct currency currency;
    if (!parse(json, arena, &details, &wrong)) return wrong;
    if (details.accounts != consent->accounts) return "the consent is of another kind than the type";
    if (details.amount.len == 0) return NULL;
    wrong = "instructedAmount is not the consent's";
    if (currency_parse(details.currency, &currency) || money_parse(details.amount, currency, &amount)) return wrong;
    return amount.minor == consent->amount.minor && currency_equal(currency, consent->amount.currency) ? NULL : wrong;
}

bool authorization_details_equal(struct str text, struct str granted, struct arena *arena) {
    struct authorization_details details = { 0 };
    const char *wrong;
    return parse(text, arena, &details, &wrong) && str_equal(write(&details, arena), granted);
}
