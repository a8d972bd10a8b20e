static int x = sizeof(strtod("1", 0));
