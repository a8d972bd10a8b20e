void value(void) {
    (void)gets(a);
}
