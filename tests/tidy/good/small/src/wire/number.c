/* a codec may meet a double */
double number_half(double number) {
    return number / 2;
}

static int (*const doors[])(int a, int b, int c, int d, int e, int f) = { 0 };
static_assert(sizeof doors, "one (two, three, four, five, six, seven)");
