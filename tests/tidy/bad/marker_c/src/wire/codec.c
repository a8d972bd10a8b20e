/* TODO: more */
int value(void) {
    return 1;
}
