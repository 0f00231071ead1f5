/* What the parts of the ONNX loader share. The only header that shows protobuf-c types.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <onnx.pb-c.h>
#include "graph/graph.h"

G_BEGIN_DECLS

/* Newest opset whose definitions the operators were checked against (ONNX 1.17). How old a definition may be, each operator says itself. */
#define STH_ONNX_MAX_OPSET 22
/* Newest IR version of model files, that of ONNX 1.17 as well. */
#define STH_ONNX_MAX_IR_VERSION 10

/* One file being read. */
typedef struct {
    const char *source; /* for messages */
    const char *folder; /* for external data; NULL: none allowed */
    GHashTable *mapped; /* external files: real path -> GMappedFile * */
    gint opset;         /* of the domain "" */
    SthGraph *graph;
    GHashTable *values; /* name as in the file -> SthValue * */
} SthOnnxReader;

/* Unpacks a message after checking that its bytes are well formed and nested no deeper than a model needs: protobuf-c itself recurses without
 * a limit. NULL with @error (STH_ERROR_FORMAT); @kind is for messages, "ONNX file". Free with protobuf_c_message_free_unpacked(). */
ProtobufCMessage *sth_onnx_unpack(const ProtobufCMessageDescriptor *type, const guint8 *data, gsize size, const char *source, const char *kind,
                                  GError **error);

/* STH_DTYPE_INVALID for strings, complex numbers and what is newer than this library. */
SthDType sth_onnx_dtype(gint32 data_type);
const char *sth_onnx_dtype_name(gint32 data_type);

/* The elements of a tensor as aligned bytes; *tensor views them. @what names it in messages: "initializer 'w'". */
GBytes *sth_onnx_tensor_bytes(SthOnnxReader *reader, const Onnx__TensorProto *proto, const char *what, SthTensor *tensor, GError **error);
/* An external file of the model, mapped; owned by the reader. Refuses what lies outside of the model's folder. */
GMappedFile *sth_onnx_external_file(SthOnnxReader *reader, const char *location, const char *what, GError **error);

/* The data_type of a type, for the writer. */
gint32 sth_onnx_data_type(SthDType dtype);
/* The oldest IR version in which a model of an opset may be written: that of the ONNX release that brought the opset (onnx.proto, enum Version, and
 * docs/Versioning.md). At least 4, where an initializer need not be an input. */
gint64 sth_onnx_ir_version(gint opset);

/* A file being written. sth_onnx_file_close() gives it its name if @keep is TRUE and nothing went wrong, frees it in any case, and tells with
 * @error (STH_ERROR_FILE) what did. */
typedef struct _SthOnnxFile SthOnnxFile;
SthOnnxFile *sth_onnx_file_new(const char *path, GError **error);
gboolean sth_onnx_file_append(SthOnnxFile *file, gconstpointer bytes, gsize length);
gboolean sth_onnx_file_append_message(SthOnnxFile *file, const ProtobufCMessage *message);
/* Zeros up to the next multiple of what external data is aligned to; the length then. */
gsize sth_onnx_file_align(SthOnnxFile *file);
gboolean sth_onnx_file_close(SthOnnxFile *file, gboolean keep, GError **error);

/* One attribute of a node; NULL with @error. */
SthAttr *sth_onnx_attribute(SthOnnxReader *reader, const SthNode *node, const Onnx__AttributeProto *proto, GError **error);

/* Fills reader->graph from the file's graph. */
gboolean sth_onnx_read_graph(SthOnnxReader *reader, const Onnx__GraphProto *proto, GError **error);

/* A copy that is valid UTF-8 of one line, for names that people will read; NULL gives "". */
char *sth_onnx_text(const char *bytes);

G_END_DECLS
