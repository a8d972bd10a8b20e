void value(void) {
    (void)sprintf(a, "x");
}
