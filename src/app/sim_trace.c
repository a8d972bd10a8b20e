#include "app/sim.h"

#include <stdarg.h>

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t next(struct sim *sim) {
    uint64_t z = sim->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint64_t sim_draw(struct sim *sim, uint64_t below) {
    return next(sim) % below;
}

bool sim_chance(struct sim *sim, unsigned in_thousand) {
    return !sim->healed && next(sim) % 1000 < in_thousand;
}

void sim_trace(struct sim *sim, const char *format, ...) {
    char *line = sim->lines[sim->line_count++ % SIM_TRACE_LINES];
    int head = snprintf(line, SIM_TRACE_BYTES, "%8lld ms  ", (long long)sim->mono_ms);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line + head, SIM_TRACE_BYTES - (size_t)head, format, args); /* a long line is cut */
    va_end(args);
    sha256_update(&sim->digest, line, strlen(line) + 1);
    if (sim->print) printf("# %s\n", line);
}

void sim_fail(struct sim *sim, const char *format, ...) {
    if (sim->failed) return;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(sim->why, sizeof sim->why, format, args);
    va_end(args);
    sim->failed = true;
    sim_trace(sim, "FAILED: %s", sim->why);
}

const char *sim_id(const uint8_t id[16], char text[16]) {
    (void)snprintf(text, 16, "%02x%02x%02x.%02x%02x", id[3], id[4], id[5], id[10], id[11]);
    return text;
}

#define X(code, name) [code] = name,
static const char *const count_names[SIM_COUNT_COUNT] = { SIM_COUNT_MAP(X) };
#undef X
const char *sim_count_name(enum sim_count count) {
    return count_names[count];
}
