/* codec.h */
#ifndef GIRO_WIRE_CODEC_H
#define GIRO_WIRE_JSON_H
#endif
