static const char *const text = "%8.2f";
