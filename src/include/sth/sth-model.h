/* libsth: models.
 *
 * A model is immutable once opened: any thread may use it, any number of
 * sessions and streams share its packed weights.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sth/sth-tensor.h>

G_BEGIN_DECLS

typedef struct _SthModel SthModel;

/* The order of axes of a clip: N batch (always 1), T frames, C channels (3), H rows, W columns. */
typedef enum {
    STH_LAYOUT_AUTO = 0, /* recognised by shape */
    STH_LAYOUT_NTCHW,
    STH_LAYOUT_NCTHW,
    STH_LAYOUT_TCHW,  /* frames as batch, (N*T)CHW; also an image network, whose window is one frame or its batch */
    STH_LAYOUT_NTHWC, /* channels last, as TensorFlow has them */
    STH_LAYOUT_THWC,  /* the same with frames as batch */
} SthLayout;

/* "NTCHW"; NULL for STH_LAYOUT_AUTO or what is none. */
const char *sth_model_layout_name(SthLayout layout);
/* The layout of that name in any case; STH_LAYOUT_AUTO if it is none. */
SthLayout sth_model_layout_from_name(const char *name);

/* How a frame becomes the network's square (or any) H x W. */
typedef enum {
    STH_RESIZE_CROP = 0,  /* centre crop of the target's aspect ratio, then scale */
    STH_RESIZE_STRETCH,   /* scale both axes independently */
    STH_RESIZE_LETTERBOX, /* scale to fit, pad with the mean (0 after normalising) */
} SthResizePolicy;

/* What becomes of the pixels between where a frame is made smaller. Accuracy depends on its being what the model was trained with. */
typedef enum {
    STH_FILTER_ANTIALIAS = 0, /* all of them count: bilinear of Pillow, and of PyTorch with antialias=True */
    STH_FILTER_BILINEAR,      /* the two nearest in each direction count: INTER_LINEAR of OpenCV, and PyTorch with antialias=False */
} SthFilterPolicy;

typedef enum {
    STH_ACTIVATION_SOFTMAX = 0, /* the model gives logits: softmax makes confidences */
    STH_ACTIVATION_SIGMOID,     /* the model gives logits of independent classes */
    STH_ACTIVATION_NONE,        /* the model gives confidences already */
} SthActivation;

/* What a model says of itself. Sources, first one wins, key by key: SthModelOptions,
 * the sidecar FILE.modelinfo (GKeyFile, group [sth]), the ONNX metadata_props
 * `sth.*`, a default (in brackets). Strings are UTF-8. Owned by the model. */
typedef struct {
    const char *name;            /* sth.name [file name without .onnx] */
    const char *description;     /* sth.description [""] */
    const char *license;         /* sth.license [""] */
    const char *attribution;     /* sth.attribution [""] */
    guint output;                /* which of the model's outputs the scores are: sth.output, a name [the only one of their shape] */
    guint n_classes;             /* how many scores */
    guint score_rows;            /* the output is score_rows x n_classes: 1, or one row a frame; then their mean, before the activation,
                                    is the score of the window, as TSN (arXiv 1608.00859) has it */
    const char *const *labels;   /* sth.labels, one a line [class-0, class-1, …]: n_classes strings, NULL-terminated */
    gint background_label;       /* index of sth.background-label, the class "nothing happens"; -1 if there is none */
    SthLayout layout;            /* sth.layout: NTCHW, NCTHW, TCHW, NTHWC, THWC [by shape]; never AUTO here */
    guint frames, height, width; /* of one window; where the file leaves them free: sth.window; sth.size [224] */
    gboolean bgr;                /* sth.color: RGB or BGR [RGB] */
    float mean[3], std[3];       /* sth.mean, sth.std: input = (x - mean) / std with x in 0…255, in the order of
                                    sth.color [ImageNet: 123.675 116.28 103.53, 58.395 57.12 57.375] */
    SthResizePolicy resize;      /* sth.resize: crop, stretch, letterbox [crop] */
    SthFilterPolicy filter;      /* sth.filter: antialias, bilinear [antialias] */
    SthActivation activation;    /* sth.activation: softmax, sigmoid, none [none if the network ends in one of these itself, else softmax] */
    guint rate_n, rate_d;        /* sth.sample-rate: frames a second that enter the window, fraction [8/1] */
} SthModelInfo;

/* All zero (or a NULL pointer in its place) means: as the model says. Strings are borrowed for the call. */
typedef struct {
    const char *labels_file; /* text file, UTF-8, one label a line */
    SthLayout layout;
    guint window_size; /* frames, for a model whose time axis is free */
    guint rate_n, rate_d;
    guint64 memory_limit; /* bytes that weights and one session may take together. 0: the environment variable STH_MEMORY_LIMIT ("800M", "4G"),
                             else three quarters of the machine's memory */
    gboolean sliding; /* for windows that share frames: what the network computes of single frames, before they meet, is kept from window to window
                             where that pays, by sth_session_run_window(). The results are the same, bit for bit. */
} SthModelOptions;

/**
 * sth_model_open:
 * Opens, checks and optimises an ONNX file and packs its weights: takes up to
 * seconds. A second call for the same file (same device, inode, size and time
 * of change) with the same options returns the same model with one more
 * reference, from any thread.
 *
 * Returns: the model, to be released with sth_model_unref(); NULL with @error
 * (STH_ERROR_FILE, _FORMAT, _UNSUPPORTED, _SHAPE, _METADATA, _ARGUMENT; _SYSTEM:
 * it needs more than the memory limit, found out before the memory is taken).
 */
SthModel *sth_model_open(const char *path, const SthModelOptions *options, GError **error);
SthModel *sth_model_ref(SthModel *model);
void sth_model_unref(SthModel *model);

/* The clip view of a model. A model that is no clip network (its one input is not
 * a 4-D or 5-D float clip with three channels, or none of its outputs is a list of scores) opens
 * and runs in a session, but has no clip view: NULL with @error naming the shape.
 * The info lives as long as the model. */
const SthModelInfo *sth_model_get_info(SthModel *model, GError **error);

guint sth_model_get_n_inputs(SthModel *model);
guint sth_model_get_n_outputs(SthModel *model);
/* Name, type and shape of an input or output, in graph order; data is NULL. The name and the tensor live as long as the model. */
const char *sth_model_get_input(SthModel *model, guint index, const SthTensor **tensor);
const char *sth_model_get_output(SthModel *model, guint index, const SthTensor **tensor);

/* Multiply-accumulate operations of one run, counted over Conv, Gemm and MatMul. Weights of convolutions that are zero do not
 * count: an STH network costs the same however its kernels are written. */
guint64 sth_model_get_macs(SthModel *model);
/* Trained parameters: elements of the float initializers that the file holds. */
guint64 sth_model_get_parameters(SthModel *model);
/* Bytes of packed weights (shared) and of one session's arena. */
gsize sth_model_get_weight_bytes(SthModel *model);
gsize sth_model_get_arena_bytes(SthModel *model);
/* Part of a window's work (its multiply-accumulates, where there are such) that is done frame by frame and kept, 0…1; 0: nothing is (see SthModelOptions.sliding). */
double sth_model_get_frame_share(SthModel *model);
/* The graph as text, one node a line: name, operator, shapes, what was fused, kernel chosen. Free with g_free(). */
char *sth_model_describe_graph(SthModel *model);
/* How the file differs from what runs: one line a pass that changed something. Free with g_free(). */
char *sth_model_describe_passes(SthModel *model);

/* The CPU level, kernels and OpenBLAS core that this process runs with, as one line,
 * e.g. "avx512; OpenBLAS 0.3.21 SkylakeX, 1 thread each". Free with g_free(). */
char *sth_describe_kernels(void);

G_END_DECLS
