/* A share of 5 % for 100 %d: no floating point. */
static const char *const text = "%lld %% f";
static int share(int minor) {
    return minor %10 + minor % 7;
}
