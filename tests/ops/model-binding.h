/* Conformance cases, made runnable: ONNX's cases give every input at run time, also those that the library needs when it opens a model
 * (Reshape's shape, Slice's starts). Here such inputs are moved from the case's data into the model, as initializers, which is what every
 * exporter of video networks writes.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* What becomes an initializer. */
typedef enum {
    BIND_NEEDED, /* inputs that an operator of the model needs as constants */
    BIND_ALL,    /* every input: then the whole graph is folded when the model is opened */
} BindMode;

/* A case's model with inputs bound from @data_folder (input_0.pb, input_1.pb, …), written to @path.
 * Returns, for each input that is left in the model's order, its position in the case; NULL with @error. */
GArray *model_binding_write(const char *model, const char *data_folder, BindMode mode, const char *path, GError **error);

/* Operators of the model's nodes, "domain.Name" for domains but ONNX's own. */
GPtrArray *model_binding_operators(const char *model, GError **error);
