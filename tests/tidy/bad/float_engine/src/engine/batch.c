static float rate;
