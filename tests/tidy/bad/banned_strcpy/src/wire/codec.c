void value(void) {
    (void)strcpy(a, b);
}
