void value(void) {
    (void)popen(a, b);
}
