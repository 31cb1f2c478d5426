/* codec, private: what more than one parser of the room uses. */
#ifndef SOTTO_CODEC_PRIV_H
#define SOTTO_CODEC_PRIV_H

#include "sotto/base.h"

/* Length of the well-formed UTF-8 sequence at at[0..left), left >= 1; 0 when there is none. */
size_t sotto_codec_utf8_sequence(const uint8_t *at, size_t left);

#endif
