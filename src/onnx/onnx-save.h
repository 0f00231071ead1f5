/* Graph to ONNX file: the twin of onnx-load.h.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

typedef enum {
    /* Weights go to a second file, the model's name with ".data" behind it, in the same folder. Happens by itself where one file would be too long
     * for protobuf (2 GiB). */
    STH_ONNX_EXTERNAL_DATA = 1 << 0,
} SthOnnxSaveFlags;

/* Writes a graph: its opset, names, attributes, constants that something reads (as initializers), the shapes that are known, metadata_props in
 * order of their keys. Equal graphs give equal bytes. Of two values with one name, the later one gets a number behind it; graph inputs and outputs
 * keep theirs. The file appears whole or not at all: a temporary file beside it is renamed.
 *
 * FALSE with @error: STH_ERROR_FILE; STH_ERROR_UNSUPPORTED for what is not ONNX (attributes and inputs that passes made for our own kernels: see
 * sth_graph_simplify()) or has no form here (subgraphs). */
gboolean sth_onnx_save(SthGraph *graph, const char *path, SthOnnxSaveFlags flags, GError **error);

G_END_DECLS
