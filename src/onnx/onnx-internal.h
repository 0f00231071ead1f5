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
    const char *source;    /* for messages */
    const char *folder;    /* for external data; NULL: none allowed */
    GHashTable *mapped;    /* external files: real path -> GMappedFile * */
    GHashTable *functions; /* "domain:name" -> const Onnx__FunctionProto *: the model's own */
    gsize memory_limit;    /* bytes of all constants together; 0: none */
    gsize constant_bytes;  /* read so far */
    guint64 parameters;    /* elements of float initializers */
    guint n_nodes;         /* made so far, those of expanded functions included */
} SthOnnxReader;

/* Where names mean something: a graph, a subgraph of an If, or one call of a function. */
typedef struct _SthOnnxScope SthOnnxScope;
struct _SthOnnxScope {
    SthOnnxReader *reader;
    SthGraph *graph;                     /* that its nodes go to; a call has its caller's */
    GHashTable *values;                  /* name as in the file -> SthValue * */
    gint opset;                          /* of the domain "" */
    char *prefix;                        /* of the names of nodes and values in the graph: "" or "call/" */
    SthOnnxScope *outer;                 /* of a subgraph the graph around it, of a call the caller; NULL: the model's graph */
    GPtrArray *captured;                 /* of a subgraph: the outer values that it reads, one for each of graph->inputs */
    const Onnx__FunctionProto *function; /* of a call, with the node that calls; else NULL */
    const Onnx__NodeProto *call;
};

/* Unpacks a message after checking that its bytes are well formed and nested no deeper than a model needs: protobuf-c itself recurses without
 * a limit. NULL with @error (STH_ERROR_FORMAT); @kind is for messages, "ONNX file". Free with sth_onnx_free_message(). */
ProtobufCMessage *sth_onnx_unpack(const ProtobufCMessageDescriptor *type, const guint8 *data, gsize size, const char *source, const char *kind,
                                  GError **error);
void sth_onnx_free_message(ProtobufCMessage *message);

/* STH_DTYPE_INVALID for strings, complex numbers and what is newer than this library. */
SthDType sth_onnx_dtype(gint32 data_type);
const char *sth_onnx_dtype_name(gint32 data_type);

/* The elements of a tensor as aligned bytes; *tensor views them. @what names it in messages: "initializer 'w'". */
GBytes *sth_onnx_tensor_bytes(SthOnnxReader *reader, const Onnx__TensorProto *proto, const char *what, SthTensor *tensor, GError **error);
/* The same of a message of sth_onnx_unpack() that is read once: raw_data of this size or more is taken out of it, not copied. */
#define STH_ONNX_TAKE_FROM 4096
GBytes *sth_onnx_take_tensor(SthOnnxReader *reader, Onnx__TensorProto *proto, const char *what, SthTensor *tensor, GError **error);
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

/* The same for a sparse tensor, with its zeros. */
GBytes *sth_onnx_sparse_bytes(SthOnnxReader *reader, const Onnx__SparseTensorProto *proto, const char *what, SthTensor *tensor, GError **error);
/* FALSE with @error if @bytes more of constants are more than the limit; else counts them. */
gboolean sth_onnx_take_memory(SthOnnxReader *reader, gsize bytes, const char *what, GError **error);

/* One attribute of a node; NULL with @error. Graphs become STH_ATTR_OTHER here: sth_onnx_read_subgraph() reads those that are wanted. */
SthAttr *sth_onnx_attribute(SthOnnxReader *reader, const SthNode *node, const Onnx__AttributeProto *proto, GError **error);

void sth_onnx_scope_init(SthOnnxScope *scope, SthOnnxReader *reader, SthGraph *graph, gint opset);
void sth_onnx_scope_clear(SthOnnxScope *scope);
/* A new value under the file's name for it; of a call's outputs, the caller's. NULL with @error if the name is taken. */
SthValue *sth_onnx_add_value(SthOnnxScope *scope, const char *name, GError **error);
/* What a name means here; *value NULL: an input that is left out. FALSE: nothing. */
gboolean sth_onnx_find_value(SthOnnxScope *scope, const char *name, SthValue **value);

/* Fills scope->graph from a file's graph. */
gboolean sth_onnx_read_graph(SthOnnxScope *scope, const Onnx__GraphProto *proto, GError **error);
/* Its nodes: @protos in any order. */
gboolean sth_onnx_read_nodes(SthOnnxScope *scope, Onnx__NodeProto *const *protos, gsize n, GError **error);
/* The branch of an If. Its inputs stand for values of the graph around it, which are appended to @captured. */
SthGraph *sth_onnx_read_subgraph(SthOnnxScope *outer, const Onnx__GraphProto *proto, GPtrArray *captured, GError **error);

/* The model's functions; FALSE with @error if two have one name. */
gboolean sth_onnx_read_functions(SthOnnxReader *reader, const Onnx__ModelProto *model, GError **error);
const Onnx__FunctionProto *sth_onnx_find_function(SthOnnxReader *reader, const Onnx__NodeProto *call);
/* In a call: what the caller calls the function's output or input @name; NULL if it is none or left out, "" for an input that is left out. */
const char *sth_onnx_call_output(const SthOnnxScope *scope, const char *name);
const char *sth_onnx_call_input(const SthOnnxScope *scope, const char *name);
/* The opset of the function's body; 0 with @error. */
gint sth_onnx_function_opset(SthOnnxReader *reader, const Onnx__FunctionProto *function, gint model_opset, GError **error);
/* What an attribute in a function's body is: itself, or that of the call which it refers to. NULL: the call has none, and there is no default. */
const Onnx__AttributeProto *sth_onnx_resolve_attribute(const SthOnnxScope *scope, const Onnx__AttributeProto *proto);
gboolean sth_onnx_is_default_domain(const char *domain);

/* A copy that is valid UTF-8 of one line, for names that people will read; NULL gives "". */
char *sth_onnx_text(const char *bytes);

G_END_DECLS
