void value(void) {
    (void)atoi(a);
}
