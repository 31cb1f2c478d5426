/*
 * codec: bytes in, values out, and back. Parsers are bounded cursors that demand exact consumption; nothing
 * here touches a file or a socket.
 *
 * No function keeps state: an object (reader, writer, parser, document) is for one thread at a time, and
 * different threads may use different ones. This holds for every header of codec/.
 */
#ifndef SOTTO_CODEC_H
#define SOTTO_CODEC_H

#include "sotto/codec/cbor.h"
#include "sotto/codec/csv.h"
#include "sotto/codec/cursor.h"
#include "sotto/codec/http.h"
#include "sotto/codec/json.h"
#include "sotto/codec/lz4.h"
#include "sotto/codec/protobuf.h"
#include "sotto/codec/text.h"

#endif
