/* codec, private: the JSON document behind sotto_json. */
#ifndef SOTTO_CODEC_JSON_PRIV_H
#define SOTTO_CODEC_JSON_PRIV_H

#include "sotto/codec/json.h"

#include <yyjson.h>

#define SOTTO_JSON_DEPTH_MAX 64
#define SOTTO_JSON_TEXT_MAX  ((size_t)64 << 20)
#define SOTTO_JSON_LARGE_MAX ((size_t)1 << 30)

/* The children of a container in file order; of an object, `name` is the current child's name. */
typedef struct sotto_json_children {
    bool object;
    yyjson_arr_iter arr;
    yyjson_obj_iter obj;
    yyjson_val *name;
} sotto_json_children;

/* The child handed out last, so that asking for index 0, 1, 2 ... is linear in all and not quadratic. */
typedef struct sotto_json_recent {
    yyjson_val *container; /* NULL = none */
    size_t index;
    yyjson_val *child;
    sotto_json_children rest;
} sotto_json_recent;

struct sotto_json {
    yyjson_doc *doc;
    sotto_json_recent *recent; /* apart, so that reading a const document may move it */
    char name[128];
    size_t len;
    const uint8_t *text; /* as it came: the library unescapes its own copy in place, and keeps no positions */
};

/* No children for a value that is no container. */
sotto_json_children sotto_json_children_of(yyjson_val *container);
/* NULL at the end. */
yyjson_val *sotto_json_children_next(sotto_json_children *children);

static inline yyjson_val *sotto_json_val(sotto_json_node node)
{
    return (yyjson_val *)(uintptr_t)node.val; /* the library's readers take no const */
}

#endif
