/* Frame by frame: the split's graph runs for one frame at a time; its results go to an entry of a ring, and from there to their places in the
 * window. As many entries as a window has frames: those of a frame that has left the window are free.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/frame_cache.h"

#include "base/memory.h"
#include "model/model-private.h"
#include "session/clip_frame.h"

typedef struct {
    guint64 id;
    gboolean valid, wanted; /* it holds frame id; the window has that */
} Entry;

typedef struct {
    SthFrames frame, ring, window; /* of one frame; entry by entry, as if its frames were the outermost axis; of the window */
} Carried;

struct _SthFrameCache {
    SthModel *model;
    SthBinding *frame;
    SthPool *pool;
    guint threads;
    SthFrames input;  /* of the graph of one frame */
    guint n, n_cuts;  /* frames of a window */
    Carried *carried; /* [n_cuts] */
    Entry *entries;   /* [n] */
    guint *entry_of;  /* [n]: entry of each frame of the window */
    float *memory;
};

static SthFrames frames_of(float *data, gsize outer, gsize frames, gsize inner)
{
    return (SthFrames){data, outer, frames, inner};
}

static SthFrames clip_frames(const SthModelInfo *info, float *clip, gsize frames)
{
    const gboolean channels_first = info->layout == STH_LAYOUT_NCTHW;
    const gsize plane = (gsize)info->height * info->width;

    return frames_of(clip, channels_first ? 3 : 1, frames, channels_first ? plane : 3 * plane);
}

SthFrameCache *sth_frame_cache_new(SthModel *model, const SthBinding *window, const SthBindingThreads *threads)
{
    const SthFrameSplit *split = model->split;
    SthFrameCache *cache = g_new0(SthFrameCache, 1);
    gsize floats = 0;

    *cache = (SthFrameCache){.model = model, .pool = threads->pool, .threads = threads->threads, .n = (guint)split->frames, .n_cuts = split->n_cuts};
    for (guint i = 0; i < cache->n_cuts; i++)
        floats += split->cut[i].outer * cache->n * split->cut[i].inner;
    cache->memory = sth_aligned_try_alloc(floats * sizeof(float));
    cache->frame = sth_binding_new(split->graph, model->frame_plan, threads);
    if (!cache->memory || !cache->frame) {
        sth_frame_cache_free(cache);
        return NULL;
    }
    cache->input = clip_frames(&model->info, sth_binding_tensor(cache->frame, g_ptr_array_index(split->graph->inputs, 0)).data, 1);
    cache->entries = g_new0(Entry, cache->n);
    cache->entry_of = g_new0(guint, cache->n);
    cache->carried = g_new0(Carried, cache->n_cuts);
    float *ring = cache->memory;
    for (guint i = 0; i < cache->n_cuts; i++) {
        const SthFrameCut *cut = &split->cut[i];
        const gsize size = cut->outer * cut->inner;
        cache->carried[i] = (Carried){
            .frame = frames_of(sth_binding_tensor(cache->frame, cut->frame).data, cut->outer, 1, cut->inner),
            .ring = frames_of(ring, cut->outer, 1, cut->inner), /* entry e: data + e * outer * inner */
            .window = frames_of(sth_binding_tensor(window, cut->window).data, cut->outer, cache->n, cut->inner),
        };
        ring += cache->n * size;
    }
    return cache;
}

void sth_frame_cache_free(SthFrameCache *cache)
{
    if (!cache)
        return;
    sth_binding_free(cache->frame);
    sth_aligned_free(cache->memory);
    g_free(cache->entries);
    g_free(cache->entry_of);
    g_free(cache->carried);
    g_free(cache);
}

static SthFrames entry_of(const Carried *carried, guint entry)
{
    SthFrames frames = carried->ring;
    frames.data += entry * frames.outer * frames.inner;
    return frames;
}

/* Finds each frame's entry: those that are there first, so that none of them is overwritten for another. */
static void find_entries(SthFrameCache *cache, const guint64 *id)
{
    for (guint e = 0; e < cache->n; e++) {
        Entry *entry = &cache->entries[e];
        entry->wanted = FALSE;
        for (guint i = 0; i < cache->n && entry->valid && !entry->wanted; i++)
            entry->wanted = entry->id == id[i];
    }
}

/* The entry of frame @id: one that holds it, else one that is free, not valid yet. */
static guint take_entry(SthFrameCache *cache, guint64 id)
{
    guint taken = 0;

    for (guint e = 0; e < cache->n; e++) {
        const Entry *entry = &cache->entries[e];
        if (entry->wanted && entry->id == id)
            return e;
        if (!entry->wanted)
            taken = e;
    }
    cache->entries[taken] = (Entry){.id = id, .wanted = TRUE};
    return taken;
}

/* Frame @item of the window from its entry. */
static void place_frame(gpointer data, guint item, guint thread)
{
    const SthFrameCache *cache = data;

    for (guint i = 0; i < cache->n_cuts; i++) {
        const SthFrames entry = entry_of(&cache->carried[i], cache->entry_of[item]);
        sth_frames_copy(&cache->carried[i].window, item, &entry, 0);
    }
}

void sth_frame_cache_fill(SthFrameCache *cache, const float *const *frame, const guint64 *id)
{
    const SthModelInfo *info = &cache->model->info;

    find_entries(cache, id);
    for (guint i = 0; i < cache->n; i++) {
        const guint e = cache->entry_of[i] = take_entry(cache, id[i]);
        if (cache->entries[e].valid)
            continue;
        sth_clip_put_frame(cache->input.data, info->layout, 1, 0, (gsize)info->height * info->width, frame[i]);
        sth_binding_run(cache->frame);
        for (guint k = 0; k < cache->n_cuts; k++) {
            const SthFrames entry = entry_of(&cache->carried[k], e);
            sth_frames_copy(&entry, 0, &cache->carried[k].frame, 0);
        }
        cache->entries[e].valid = TRUE;
    }
    sth_pool_run(cache->pool, cache->threads, place_frame, cache, cache->n);
}

void sth_frame_cache_fill_clip(SthFrameCache *cache, const float *clip, guint64 *ns)
{
    const SthFrames frames = clip_frames(&cache->model->info, (float *)clip, cache->n);

    for (guint i = 0; i < cache->n; i++) {
        sth_frames_copy(&cache->input, 0, &frames, i);
        if (ns)
            sth_binding_run_timed(cache->frame, ns);
        else
            sth_binding_run(cache->frame);
        for (guint k = 0; k < cache->n_cuts; k++)
            sth_frames_copy(&cache->carried[k].window, i, &cache->carried[k].frame, 0);
    }
}
