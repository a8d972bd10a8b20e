void value(void) {
    (void)rand();
}
