void value(void) {
    (void)strtok (a, b);
}
