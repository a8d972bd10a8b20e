#ifndef GIRO_PLATFORM_CLOCK_H
#define GIRO_PLATFORM_CLOCK_H

long clock_now(void);

#endif
