/* Bytes to protobuf-c messages, with the checks that protobuf-c leaves out.
 *
 * Source: https://protobuf.dev/programming-guides/encoding/
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include <sth/sth-error.h>

#include "base/memory.h"
#include "onnx/onnx-internal.h"

/* Model, graph, node, attribute, tensor, entry: subgraphs add three levels each, and a model that nests deeper than this is an attack. */
#define MAX_DEPTH 100

typedef struct {
    const guint8 *start, *end;
    const char *problem; /* static text */
    gsize at;            /* byte of the problem */
    const char *inside;  /* message that it is in */
} Scan;

static gboolean fail(Scan *scan, const guint8 *at, const char *problem, const char *inside)
{
    scan->problem = problem;
    scan->at = (gsize)(at - scan->start);
    scan->inside = inside;
    return FALSE;
}

/* Base-128 number, at most ten bytes. */
static gboolean read_varint(const guint8 **p, const guint8 *end, guint64 *value)
{
    *value = 0;
    for (guint shift = 0; shift < 70 && *p < end; shift += 7) {
        guint8 byte = *(*p)++;
        if (shift < 64)
            *value |= (guint64)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return TRUE;
    }
    return FALSE;
}

static gboolean scan_message(Scan *scan, const ProtobufCMessageDescriptor *type, const guint8 *p, const guint8 *end, guint depth)
{
    if (depth > MAX_DEPTH)
        return fail(scan, p, "is nested too deep", type->short_name);
    while (p < end) {
        const guint8 *start = p;
        guint64 tag, length = 0;
        if (!read_varint(&p, end, &tag) || tag >> 3 == 0 || tag >> 3 > 0x1fffffff)
            return fail(scan, start, "holds a malformed tag", type->short_name);
        switch (tag & 7) {
        case 0:
            if (!read_varint(&p, end, &length))
                return fail(scan, start, "holds a malformed number", type->short_name);
            continue;
        case 1:
            length = 8;
            break;
        case 2:
            if (!read_varint(&p, end, &length))
                return fail(scan, start, "holds a malformed length", type->short_name);
            break;
        case 5:
            length = 4;
            break;
        default:
            return fail(scan, start, "holds a malformed tag", type->short_name);
        }
        if (length > (gsize)(end - p))
            return fail(scan, start, "is cut off", type->short_name);
        const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(type, (unsigned)(tag >> 3));
        if ((tag & 7) == 2 && field != NULL && field->type == PROTOBUF_C_TYPE_MESSAGE &&
            !scan_message(scan, field->descriptor, p, p + length, depth + 1))
            return FALSE;
        p += length;
    }
    return TRUE;
}

/* Whether the bytes start as a message of this type does: tells a truncated model from a picture. */
static gboolean starts_like(const ProtobufCMessageDescriptor *type, const guint8 *data, gsize size)
{
    const guint8 *p = data;
    guint64 tag;
    if (!read_varint(&p, data + size, &tag) || tag >> 3 > 0x1fffffff)
        return FALSE;
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(type, (unsigned)(tag >> 3));
    if (field == NULL)
        return FALSE;
    gboolean is_number = field->type == PROTOBUF_C_TYPE_INT64 || field->type == PROTOBUF_C_TYPE_INT32;
    return (tag & 7) == (is_number ? 0 : 2) || (tag & 7) == 2;
}

/* Memory of messages: that of large fields is such that a tensor may keep it (sth_onnx_take_tensor()). */
static void *message_alloc(void *data, size_t size)
{
    (void)data;
    return size < STH_ONNX_TAKE_FROM ? malloc(size) : sth_aligned_try_alloc_unset(size);
}

static void message_free(void *data, void *memory)
{
    (void)data;
    sth_aligned_free(memory); /* free() for both */
}

static ProtobufCAllocator allocator = {.alloc = message_alloc, .free = message_free};

ProtobufCMessage *sth_onnx_unpack(const ProtobufCMessageDescriptor *type, const guint8 *data, gsize size, const char *source, const char *kind,
                                  GError **error)
{
    if (size == 0) {
        g_set_error(error, STH_ERROR, STH_ERROR_FORMAT, "'%s' is no %s: it is empty", source, kind);
        return NULL;
    }
    Scan scan = {.start = data, .end = data + size};
    if (!scan_message(&scan, type, data, data + size, 0)) {
        const char *state = starts_like(type, data, size) ? "is a broken or truncated" : "is no";
        g_set_error(error, STH_ERROR, STH_ERROR_FORMAT, "'%s' %s %s: its %s %s at byte %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT, source, state, kind,
                    scan.inside, scan.problem, scan.at, size);
        return NULL;
    }
    ProtobufCMessage *message = protobuf_c_message_unpack(type, &allocator, size, data);
    if (message == NULL)
        g_set_error(error, STH_ERROR, STH_ERROR_FORMAT, "'%s' is no %s: its bytes do not make a %s", source, kind, type->short_name);
    return message;
}

void sth_onnx_free_message(ProtobufCMessage *message)
{
    protobuf_c_message_free_unpacked(message, &allocator);
}
