#ifndef CODEC_H
#define CODEC_H
#endif
