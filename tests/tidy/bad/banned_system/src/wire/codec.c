void value(void) {
    (void)system(a);
}
