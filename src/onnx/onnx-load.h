/* ONNX file to graph. protobuf-c types stay behind this header.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

/* Reads a model: nodes with their operator rows, initializers as constants (float16, bfloat16 and double ones widened or narrowed to float only by
 * a Cast in the graph, never silently), graph inputs and outputs with declared type and shape (-1: free), metadata_props. Nothing is inferred yet.
 * NULL with @error: STH_ERROR_FILE, _FORMAT (not ONNX, truncated, dangling value name), _UNSUPPORTED (operator, opset, subgraph, sparse,
 * external data outside of the model's folder; names the node), _SYSTEM (constants larger than @memory_limit bytes; 0: none). The model's own functions are expanded;
 * an If keeps its branches, as graphs, until its condition is known. */
SthGraph *sth_onnx_load(const char *path, gsize memory_limit, GError **error);
/* The same from memory; @source is for messages, @folder for external data (NULL: none allowed). */
SthGraph *sth_onnx_parse(const guint8 *data, gsize size, const char *source, const char *folder, gsize memory_limit, GError **error);
/* A TensorProto file (.pb), as the conformance cases have them. *tensor views the returned bytes. */
GBytes *sth_onnx_load_tensor(const char *path, SthTensor *tensor, GError **error);

G_END_DECLS
