/* A model of one Add, made in memory, to be spoilt by tests: y = x + w with x float32 1x3 and w = {1, 2, 3}.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <onnx.pb-c.h>

#define TINY_MAX 8 /* of nodes, tensors, inputs, … */

typedef struct {
    Onnx__ModelProto model;
    Onnx__GraphProto graph;
    Onnx__OperatorSetIdProto opset, *opsets[1];
    Onnx__NodeProto *nodes[TINY_MAX];
    Onnx__TensorProto *tensors[TINY_MAX];
    Onnx__ValueInfoProto *inputs[TINY_MAX], *outputs[TINY_MAX];
    Onnx__StringStringEntryProto *metadata[TINY_MAX];
    GPtrArray *kept; /* everything that the messages point to */
} TinyModel;

void tiny_init(TinyModel *tiny);
void tiny_clear(TinyModel *tiny);
/* The file's bytes. */
GBytes *tiny_pack(const TinyModel *tiny);

/* Names are lists with commas; an empty name is an input left out. */
Onnx__NodeProto *tiny_add_node(TinyModel *tiny, const char *op_type, const char *name, const char *inputs, const char *outputs);
Onnx__AttributeProto *tiny_add_attribute(TinyModel *tiny, Onnx__NodeProto *node, const char *name);
/* float32 values from 1 on, as raw_data; dims end with a negative number. */
Onnx__TensorProto *tiny_add_tensor(TinyModel *tiny, const char *name, const gint64 *dims);
Onnx__ValueInfoProto *tiny_add_input(TinyModel *tiny, const char *name, gint32 elem_type, const gint64 *dims);
Onnx__ValueInfoProto *tiny_add_output(TinyModel *tiny, const char *name);
void tiny_add_metadata(TinyModel *tiny, const char *key, const char *value);
/* Moves a tensor's data to an external file: entries as given, NULL leaves one out. */
void tiny_make_external(TinyModel *tiny, Onnx__TensorProto *tensor, const char *location, const char *offset, const char *length);
char *tiny_text(TinyModel *tiny, const char *text);
