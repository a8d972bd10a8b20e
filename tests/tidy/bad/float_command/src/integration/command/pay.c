static double rate;
