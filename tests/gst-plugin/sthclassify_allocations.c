/* sthclassify: what the streaming thread allocates for a frame. The network, the window and the frames are allocated at the start; after that only
 * a frame that carries a result costs memory, that of its metadata.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "element_fixture.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define COUNTS FALSE /* malloc() is somebody else's */
#else
#define COUNTS TRUE
#endif

/* Between the pads of the element, in the thread of the test. */
static _Thread_local gboolean counting;
static _Thread_local guint n_allocations;

#if COUNTS
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);

__attribute__((visibility("default"))) void *malloc(size_t size)
{
    n_allocations += counting;
    return __libc_malloc(size);
}

__attribute__((visibility("default"))) void *calloc(size_t n, size_t size)
{
    n_allocations += counting;
    return __libc_calloc(n, size);
}

__attribute__((visibility("default"))) void *realloc(void *old, size_t size)
{
    n_allocations += counting;
    return __libc_realloc(old, size);
}
#endif

static GstPadProbeReturn on_enter(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    n_allocations = 0;
    counting = TRUE;
    return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn on_leave(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    counting = FALSE;
    return GST_PAD_PROBE_OK;
}

static void add_probe(Fixture *f, const char *name, GstPadProbeCallback callback)
{
    GstPad *pad = gst_element_get_static_pad(f->element, name);

    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, callback, NULL, NULL);
    gst_object_unref(pad);
}

/* Of `n` frames from number `first` on, `per_sample` of them for each sampled one. */
typedef struct {
    guint most, all; /* for one frame; together */
} Count;

static Count count(Fixture *f, guint first, guint n, guint per_sample)
{
    Count counted = {0};

    for (guint i = first; i < first + n; i++) {
        gst_buffer_unref(fixture_pass(f, i * (SAMPLE / per_sample)));
        counted.most = MAX(counted.most, n_allocations);
        counted.all += n_allocations;
    }
    return counted;
}

static void test_steady(void)
{
    static const struct {
        const char *name, *properties, *caps;
        guint per_sample;
        guint most; /* copy of the buffer, metadata, its structure with lists of labels: for a frame with a result */
    } rows[] = {
        {"frames without a result", "stride=1000", "video/x-raw,format=NV12,width=640,height=360,framerate=8/1", 1, 0},
        {"frames between samples", "stride=1000", "video/x-raw,format=NV12,width=640,height=360,framerate=32/1", 4, 0},
        {"converted frames without a result", "stride=1000", "video/x-raw,format=I420_10LE,width=640,height=360,framerate=8/1", 1,
         2}, /* of GstVideoConverter */
        {"each frame a result", "stride=1 post-messages=false", "video/x-raw,format=NV12,width=640,height=360,framerate=8/1", 1, 40},
    };

    if (!COUNTS) {
        g_test_skip("malloc() is the sanitizer's");
        return;
    }
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        Count early, late;
        Fixture f;

        fixture_open_classify(&f, TINY_MODEL, rows[i].properties);
        g_object_set(f.element, "hold-time", (guint64)0, "post-messages", FALSE, NULL);
        fixture_set_caps(&f, rows[i].caps);
        add_probe(&f, "sink", on_enter);
        add_probe(&f, "src", on_leave);
        count(&f, 0, 20, rows[i].per_sample); /* the first window, caches */
        early = count(&f, 20, 200, rows[i].per_sample);
        late = count(&f, 220, 200, rows[i].per_sample);
        g_test_message("%s: at most %u allocations for a frame, %u and %u for 200", rows[i].name, MAX(early.most, late.most), early.all, late.all);
        g_assert_cmpuint(MAX(early.most, late.most), <=, rows[i].most);
        /* A window that takes longer than all before posts a new latency, a message: now and then, not with every frame. */
        g_assert_cmpuint(late.all, <=, early.all + (rows[i].most > 2 ? 20 : 0));
        fixture_close(&f);
    }
}

int main(int argc, char **argv)
{
    gst_init(&argc, &argv);
    g_test_init(&argc, &argv, NULL);
    gst_sth_classification_register();
    g_test_add_func("/sthclassify/allocations/steady", test_steady);
    return g_test_run();
}
