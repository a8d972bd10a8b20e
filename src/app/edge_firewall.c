/* edge_firewall.c - firewall.conf: ModSecurity with the Core Rule Set, paranoia level 1, for the browser pages. */
#include "app/edge_config.h"

enum {
    ANOMALY_SCORE_MAX = 5,        /* one critical rule blocks */
    REGEX_STEPS_MAX = 100 * 1000, /* of one match; a match given up is a rule that did not fire */
};

/* One exclusion a line, each with the page that needs it. */
static const struct {
    const char *directive, *why;
} exclusions[] = {
    { "SecRuleUpdateTargetByTag \"OWASP_CRS\" \"!ARGS:password\"",
      "A password may hold anything, is compared by its hash and never shown: /authorize/login, /customer/login." },
    { "SecRuleUpdateTargetByTag \"OWASP_CRS\" \"!REQUEST_BODY\"",
      "The raw body holds the password again; every field of the form is looked at as ARGS." },
    { "SecRuleRemoveById 911100", "The daemon answers a method that a page does not offer: 405 with Allow." },
};

void edge_config_firewall(const char *rules, struct buffer *out) {
    buffer_append_c(out, "# The firewall of the browser pages: ModSecurity with the OWASP Core Rule Set, blocking.\n"
                         "# Nothing of a request is recorded: no audit log, and nginx keeps messages of this level out "
                         "of error.log.\n"
                         "SecRuleEngine On\n"
                         "SecAuditEngine Off\n"
                         "SecDebugLogLevel 0\n"
                         "SecRequestBodyAccess On\n"
                         "SecResponseBodyAccess Off\n");
    buffer_printf(out, "SecRequestBodyLimit %d\nSecRequestBodyNoFilesLimit %d\nSecRequestBodyLimitAction Reject\n",
                  2 * EDGE_BODY_BYTES_DEFAULT, 2 * EDGE_BODY_BYTES_DEFAULT);
    buffer_printf(out, "SecPcreMatchLimit %d\nSecPcreMatchLimitRecursion %d\n", REGEX_STEPS_MAX, REGEX_STEPS_MAX);
    buffer_append_c(out, "SecDefaultAction \"phase:1,nolog,noauditlog,pass\"\n"
                         "SecDefaultAction \"phase:2,nolog,noauditlog,pass\"\n");
    buffer_printf(out,
                  "SecAction \"id:900990,phase:1,nolog,pass,t:none,setvar:tx.crs_setup_version=334,"
                  "setvar:tx.paranoia_level=1,setvar:tx.executing_paranoia_level=1,"
                  "setvar:tx.inbound_anomaly_score_threshold=%d\"\n",
                  ANOMALY_SCORE_MAX);
    buffer_printf(out, "Include %s/REQUEST-*.conf\n", rules);
    for (size_t i = 0; i < ARRAY_COUNT(exclusions); i++)
        buffer_printf(out, "# %s\n%s\n", exclusions[i].why, exclusions[i].directive);
}
