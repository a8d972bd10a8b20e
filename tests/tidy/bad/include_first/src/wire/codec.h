#ifndef GIRO_WIRE_CODEC_H
#define GIRO_WIRE_CODEC_H

int value(void);

#endif
