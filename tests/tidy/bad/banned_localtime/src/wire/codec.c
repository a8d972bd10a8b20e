void value(void) {
    (void)localtime(&t);
}
