#include "app/sandbox_customers.h"

#include "domain/personal.h"
#include "platform/encoding.h"
#include "platform/file.h"
#include "platform/random.h"
#include "platform/secret.h"
#include "platform/totp.h"
#include "wire/json.h"

enum { PASSWORD_RANDOM_BYTES = 10, FIRST_ACCOUNT_NUMBER = 10000000 };

static const char sort_code[] = "990001", bank_code[] = "GIRO";

static const struct {
    const char *login, *name;
    int64_t fund_minor[SANDBOX_CUSTOMER_ACCOUNTS]; /* current account, savings */
} people[SANDBOX_CUSTOMERS] = {
    { "mia", "Mia Brown", { 500000, 1000000 } },   { "sam", "Sam Taylor", { 250000, 400000 } },
    { "ada", "Ada Clarke", { 1000000, 2500000 } }, { "raj", "Raj Patel", { 75000, 120000 } },
    { "zoe", "Zoe Evans", { 2500, 1000 } },        { "leo", "Leo Martin", { 300000, 50000 } },
};
static const char *const account_names[SANDBOX_CUSTOMER_ACCOUNTS] = { "Current account", "Savings" };

void sandbox_account_name(uint32_t number, struct sandbox_account *account) {
    char bban[19];
    struct iban iban;
    check(number < 10000000);
    (void)snprintf(account->sort_code, sizeof account->sort_code, "%s", sort_code);
    (void)snprintf(account->account_number, sizeof account->account_number, "%08u", FIRST_ACCOUNT_NUMBER + number);
    (void)snprintf(bban, sizeof bban, "%s%s%s", bank_code, account->sort_code, account->account_number);
    int r = iban_make(STR("GB"), str_from_c(bban), &iban);
    check(r == 0); /* made of constants and digits */
    r = str_to_c(iban_reveal(&iban), account->iban, sizeof account->iban);
    check(r == 0);
}

static void name_all(struct sandbox_customers *customers) {
    *customers = (struct sandbox_customers){ 0 };
    for (uint32_t i = 0; i < SANDBOX_CUSTOMERS; i++) {
        struct sandbox_customer *customer = &customers->at[i];
        customer->login = people[i].login;
        customer->name = people[i].name;
        for (uint32_t j = 0; j < SANDBOX_CUSTOMER_ACCOUNTS; j++) {
            sandbox_account_name(100 * (i + 1) + j, &customer->accounts[j]);
            customer->accounts[j].name = account_names[j];
            customer->accounts[j].fund_minor = people[i].fund_minor[j];
        }
    }
}

static void draw_text(size_t bytes, char text[SANDBOX_SECRET_TEXT_BYTES]) {
    uint8_t random[TOTP_SECRET_BYTES];
    struct buffer out;
    check(bytes <= sizeof random);
    random_bytes(random, bytes);
    buffer_init(&out, text, SANDBOX_SECRET_TEXT_BYTES - 1);
    base32_encode(&out, random, bytes);
    text[out.len] = 0;
    secret_wipe(random, sizeof random);
}

static bool take_text(const struct json *object, const char *name, char *text, size_t bytes) {
    return str_to_c(json_get_string(object, name), text, bytes) == 0;
}

/* One element of the file into the customer of the same place. */
static bool take_customer(const struct json *object, struct sandbox_customer *customer) {
    const struct json *accounts = json_get(object, "accounts");
    bool good = str_equal_c(json_get_string(object, "login"), customer->login) &&
                take_text(object, "password", customer->password, sizeof customer->password) &&
                take_text(object, "totp_secret", customer->totp_secret, sizeof customer->totp_secret) &&
                take_text(object, "customer_id", customer->customer_id, sizeof customer->customer_id) &&
                customer->password[0] && customer->totp_secret[0] && json_count(accounts) == SANDBOX_CUSTOMER_ACCOUNTS;
    for (size_t i = 0; good && i < SANDBOX_CUSTOMER_ACCOUNTS; i++) {
        struct sandbox_account *account = &customer->accounts[i];
        const struct json *at = json_at(accounts, i);
        good = take_text(at, "account_id", account->account_id, sizeof account->account_id);
    }
    return good;
}

static int take_file(struct str text, const char *path, struct sandbox_customers *customers, struct message *message) {
    struct json *json = NULL;
    int r = json_parse(text, SANDBOX_CUSTOMERS_BYTES_MAX, 6, &json, NULL);
    bool good = r == 0 && json_count(json) == SANDBOX_CUSTOMERS;
    for (size_t i = 0; good && i < SANDBOX_CUSTOMERS; i++) good = take_customer(json_at(json, i), &customers->at[i]);
    (void)json_free(json); /* always NULL */
    if (r == -ENOMEM) return err_trace(r);
    if (good) return 0;
    message_set(message, "%s is damaged; start with --fresh", path);
    return SANDBOX_E_INVALID;
}

int sandbox_customers_open(const struct sandbox *sandbox, struct sandbox_customers *ret_customers,
                           struct message *message) {
    char path[SANDBOX_PATH_BYTES_MAX];
    struct secret_bytes text = { 0 };
    sandbox_path(sandbox, "customers.json", path);
    name_all(ret_customers);
    if (!file_exists(path)) {
        for (size_t i = 0; i < SANDBOX_CUSTOMERS; i++) {
            draw_text(PASSWORD_RANDOM_BYTES, ret_customers->at[i].password);
            draw_text(TOTP_SECRET_BYTES, ret_customers->at[i].totp_secret);
        }
        return sandbox_customers_write(sandbox, ret_customers, message);
    }
    int r = secret_load_text(path, SANDBOX_CUSTOMERS_BYTES_MAX, &text, message);
    if (r == SECRET_E_OWNER || r == SECRET_E_ACCESS) return SANDBOX_E_DENIED;
    if (r) return r < 0 ? err_trace(r) : SANDBOX_E_INVALID;
    r = take_file(secret_str(&text), path, ret_customers, message);
    secret_release(&text);
    return r;
}

/* What was drawn is what the file keeps; names and account numbers are this program's, and stand in clear in no file.
 */
enum shown { SHOWN_DRAWN, SHOWN_ALL };

static void put_account(struct json_writer *writer, const struct sandbox_account *account, enum shown shown) {
    json_object_begin(writer);
    json_member_c(writer, "account_id", account->account_id);
    if (shown == SHOWN_ALL) {
        json_member_c(writer, "name", account->name);
        json_member_c(writer, "iban", account->iban);
        json_member_c(writer, "sort_code", account->sort_code);
        json_member_c(writer, "account_number", account->account_number);
        json_member_c(writer, "currency", "GBP");
    }
    json_object_end(writer);
}

static void put_customers(struct buffer *out, const struct sandbox_customers *customers, enum shown shown) {
    struct json_writer writer;
    json_begin(&writer, out);
    json_array_begin(&writer);
    for (size_t i = 0; i < SANDBOX_CUSTOMERS; i++) {
        const struct sandbox_customer *customer = &customers->at[i];
        json_object_begin(&writer);
        json_member_c(&writer, "login", customer->login);
        if (shown == SHOWN_ALL) json_member_c(&writer, "name", customer->name);
        json_member_c(&writer, "password", customer->password);
        json_member_c(&writer, "totp_secret", customer->totp_secret);
        json_member_c(&writer, "customer_id", customer->customer_id);
        json_name(&writer, "accounts");
        json_array_begin(&writer);
        for (size_t j = 0; j < SANDBOX_CUSTOMER_ACCOUNTS; j++) put_account(&writer, &customer->accounts[j], shown);
        json_array_end(&writer);
        json_object_end(&writer);
    }
    json_array_end(&writer);
    buffer_append_char(out, '\n');
}

void sandbox_customers_put(struct buffer *out, const struct sandbox_customers *customers) {
    put_customers(out, customers, SHOWN_ALL);
}

int sandbox_customers_write(const struct sandbox *sandbox, const struct sandbox_customers *customers,
                            struct message *message) {
    char path[SANDBOX_PATH_BYTES_MAX], text[SANDBOX_CUSTOMERS_BYTES_MAX];
    struct buffer out;
    sandbox_path(sandbox, "customers.json", path);
    buffer_init(&out, text, sizeof text);
    put_customers(&out, customers, SHOWN_DRAWN);
    int r = out.overflow ? err_origin(-E2BIG) : file_write_atomic(path, buffer_str(&out), 0600, message);
    secret_wipe(text, sizeof text);
    return err_trace(r);
}

void sandbox_customers_release(struct sandbox_customers *customers) {
    secret_wipe(customers, sizeof *customers);
}
