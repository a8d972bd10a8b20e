#!/bin/sh
# Proves that personal types and secrets cannot reach a log line or printf: each line below is compiled alone, and must
# be refused; its accepted twin, the first line, must pass, so that a broken include cannot make the proof hollow.
# usage: personal_refused.sh SOURCE_DIR COMPILER [ARGUMENT...]
set -u
source_dir=$1
shift
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
failed=0

compiler=$1
shift
arguments="$*"
expect() { # accepted|refused, statement
    printf '%s\n' '#include "observe/log.h"' '#include "observe/metrics.h"' \
        'void probe(struct log *log, const struct iban *iban, const struct pan *pan, const struct person_name *name,' \
        '           const struct pii_keys *keys, struct metrics *metrics);' \
        'void probe(struct log *log, const struct iban *iban, const struct pan *pan, const struct person_name *name,' \
        '           const struct pii_keys *keys, struct metrics *metrics) {' \
        '    (void)log; (void)iban; (void)pan; (void)name; (void)keys; (void)metrics;' "    $2" '}' > "$scratch/probe.c"
    # shellcheck disable=SC2086 # arguments are words on purpose
    if "$compiler" $arguments -std=c17 -D_GNU_SOURCE -Wall -Wextra -Wformat=2 -Werror -fsyntax-only -I "$source_dir" \
        "$scratch/probe.c" 2> "$scratch/errors"; then verdict=accepted; else verdict=refused; fi
    if [ "$verdict" = "$1" ]; then return; fi
    failed=1
    echo "$verdict, but must be $1: $2" >&2
    cat "$scratch/errors" >&2
}

expect accepted 'log_event(log, LOG_LEVEL_INFO, "e", log_masked("iban", mask_iban(iban)), log_str("a", "b"));'
expect refused 'log_event(log, LOG_LEVEL_INFO, "e", log_str("iban", *iban));'
expect refused 'log_event(log, LOG_LEVEL_INFO, "e", log_str("iban", iban));'
expect refused 'log_event(log, LOG_LEVEL_INFO, "e", log_str("iban", iban->at));'
expect refused 'log_event(log, LOG_LEVEL_INFO, "e", log_str("pan", pan->at));'
expect refused 'log_event(log, LOG_LEVEL_INFO, "e", log_text_c("name", name->at));'
expect refused 'log_event(log, LOG_LEVEL_INFO, "e", log_masked("iban", *iban));'
expect refused 'log_event(log, LOG_LEVEL_INFO, "e", log_str("key", keys->keys[0].bytes));'
expect refused 'log_event(log, LOG_LEVEL_INFO, "e", log_id("iban", iban->at));'
expect refused 'printf("%s\n", iban->at);'
expect refused 'printf("%s\n", iban);'
expect refused 'printf("%s\n", *iban);'
expect refused 'struct message message; message_set(&message, "%s", name->at);'
expect accepted 'struct message message; message_set(&message, "%s", mask_person_name(name).text);'
expect refused 'metrics_add(metrics, 0, (struct metric_labels){ { *iban } }, 1);'
expect accepted 'metrics_add(metrics, 0, (struct metric_labels){ { STR("GBP") } }, 1);'
exit $failed
