/* What MaxPool, AveragePool and LpPool share: windows, output size, the walk over the outputs' rows.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/op-helpers.h"
#include "ops/sliding.h"

G_BEGIN_DECLS

typedef struct _SthPooling SthPooling;

/* One row of outputs: all columns of (t, h) of one channel of one image. */
typedef struct {
    const SthOpRun *run;
    const SthPooling *pooling;
    gsize plane; /* image * channels + channel */
    gint64 t, h;
    gconstpointer in; /* the channel's first element */
    gpointer out;     /* the row's first element */
    gpointer scratch; /* the thread's memory, as much as the node asked for */
    gsize at;         /* of the row's first element, counted from the start of the output */
} SthPoolingRow;

/* The head of what a pool prepares. */
struct _SthPooling {
    SthSliding sliding;
    SthDType dtype;
    gsize planes;
    void (*row)(const SthPoolingRow *row);
};

/* Checks input 0 against @types, sets output 0 (output 1, of positions, too, if there is one). */
gboolean sth_pooling_infer(SthNode *node, guint types, GError **error);
/* Fills the head. */
gboolean sth_pooling_init(SthPooling *pooling, const SthNode *node, void (*row)(const SthPoolingRow *row), GError **error);
/* The p of an L^p pool, > 0; 0 with @error. */
double sth_pooling_order(const SthNode *node, GError **error);
/* The operator's run(): what was prepared starts with the head. */
void sth_pooling_run(const SthOpRun *run);

G_END_DECLS
