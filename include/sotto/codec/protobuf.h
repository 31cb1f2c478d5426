/* protobuf: the wire format of Protocol Buffers, read field by field from memory (protobuf.dev, "Encoding").
 * No schema: the caller knows what a field's number means. Groups (wire types 3 and 4) are refused. */
#ifndef SOTTO_CODEC_PROTOBUF_H
#define SOTTO_CODEC_PROTOBUF_H

#include "sotto/codec/cursor.h"

enum sotto_protobuf_wire {
    SOTTO_PROTOBUF_VARINT = 0,
    SOTTO_PROTOBUF_FIXED64 = 1,
    SOTTO_PROTOBUF_BYTES = 2,
    SOTTO_PROTOBUF_FIXED32 = 5
};
typedef struct sotto_protobuf_field {
    uint32_t number; /* 1 .. 2^29 - 1 */
    enum sotto_protobuf_wire wire;
    uint64_t value;   /* VARINT, FIXED64, FIXED32 */
    sotto_span bytes; /* BYTES: points into the message */
} sotto_protobuf_field;

/* The next field of a message. False at its end, and when it is malformed: the cursor's status tells
 * (MALFORMED, TRUNCATED). */
bool sotto_protobuf_next(sotto_cursor *message, sotto_protobuf_field *out);
/* The next varint of a packed list. False at its end or when it is malformed. */
bool sotto_protobuf_varint(sotto_cursor *list, uint64_t *out);

#endif
