void value(void) {
    (void)alloca(9);
}
