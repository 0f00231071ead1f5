/* One model a file: what is open already is shared. A model is found by the identity of its files (device, inode, size, time of change), not by
 * its name, and by the options that change what it is. Opening is serialised, so that two elements that start together load once.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>

#include <sth/sth-error.h>

#include "model/model-private.h"

static GMutex lock;             /* of everything here, and of the models' reference counts */
static GHashTable *open_models; /* char * (the model's cache_key) -> SthModel *, no references */

static void append_identity(GString *key, const char *path)
{
    GStatBuf st;

    if (path && g_stat(path, &st) == 0)
        g_string_append_printf(key, "%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT ".%ld|",
                               (guint64)st.st_dev, (guint64)st.st_ino, (guint64)st.st_size, (guint64)st.st_mtim.tv_sec, (long)st.st_mtim.tv_nsec);
    else
        g_string_append_c(key, '|');
}

static char *cache_key(const char *path, const SthModelOptions *options)
{
    GString *key = g_string_new(NULL);
    g_autofree char *sidecar = g_strconcat(path, ".modelinfo", NULL);

    append_identity(key, path);
    append_identity(key, sidecar);
    if (options) {
        append_identity(key, options->labels_file);
        /* A labels file that is not there must fail even if the model without labels is open. */
        g_string_append_printf(key, "%d|%u|%u/%u|%" G_GUINT64_FORMAT "|%d|%d", options->layout, options->window_size, options->rate_n,
                               options->rate_d, options->memory_limit, options->labels_file != NULL, options->sliding != FALSE);
    } else {
        g_string_append(key, "|0|0|0/0|0|0|0");
    }
    return g_string_free(key, FALSE);
}

SthModel *sth_model_open(const char *path, const SthModelOptions *options, GError **error)
{
    g_autofree char *key = NULL;
    SthModel *model;

    g_return_val_if_fail(path, NULL);
    g_mutex_lock(&lock);
    key = cache_key(path, options);
    if (!open_models)
        open_models = g_hash_table_new(g_str_hash, g_str_equal);
    model = g_hash_table_lookup(open_models, key);
    if (model) {
        model->refs++;
    } else if ((model = sth_model_load(path, options, error))) {
        model->cache_key = g_steal_pointer(&key);
        g_hash_table_insert(open_models, model->cache_key, model);
    }
    g_mutex_unlock(&lock);
    return model;
}

SthModel *sth_model_ref(SthModel *model)
{
    g_mutex_lock(&lock);
    model->refs++;
    g_mutex_unlock(&lock);
    return model;
}

void sth_model_unref(SthModel *model)
{
    gboolean last;

    if (!model)
        return;
    g_mutex_lock(&lock);
    last = --model->refs == 0;
    if (last) {
        g_hash_table_remove(open_models, model->cache_key);
        if (g_hash_table_size(open_models) == 0)
            g_clear_pointer(&open_models, g_hash_table_unref);
    }
    g_mutex_unlock(&lock);
    if (last)
        sth_model_destroy(model);
}
