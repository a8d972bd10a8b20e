long value(void) {
    return (long)time(NULL);
}
