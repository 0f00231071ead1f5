/* What a model says of itself, from options, sidecar and metadata_props: the first source that has a key wins.
 *
 * Sidecar: FILE.onnx.modelinfo, a GKeyFile as GStreamer's analytics library has one beside a model, group [sth] with the same keys as metadata_props
 * without "sth."; a list may be written with ';' or line breaks ("labels=wave;clap"), and labels-file names a file relative to the sidecar.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include <sth/sth-error.h>

#include "model/model-private.h"

static gboolean metadata_error(SthModel *model, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);

static gboolean metadata_error(SthModel *model, GError **error, const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list args;

    va_start(args, format);
    message = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, STH_ERROR, STH_ERROR_METADATA, "%s: %s", model->path, message);
    return FALSE;
}

/* Loads the sidecar's [sth] group over the graph's metadata, so that one table answers for both. */
static gboolean read_sidecar(SthModel *model, GError **error)
{
    g_autofree char *path = g_strconcat(model->path, ".modelinfo", NULL);
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_auto(GStrv) keys = NULL;
    g_autoptr(GError) why = NULL;

    if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, &why)) {
        if (g_error_matches(why, G_FILE_ERROR, G_FILE_ERROR_NOENT))
            return TRUE;
        g_set_error(error, STH_ERROR, STH_ERROR_METADATA, "%s: %s", path, why->message);
        return FALSE;
    }
    keys = g_key_file_get_keys(file, "sth", NULL, NULL);
    for (guint i = 0; keys && keys[i]; i++) {
        char *value = g_key_file_get_string(file, "sth", keys[i], &why);
        if (!value) {
            g_set_error(error, STH_ERROR, STH_ERROR_METADATA, "%s: %s", path, why->message);
            return FALSE;
        }
        if (strcmp(keys[i], "labels") == 0)
            g_strdelimit(value, ";", '\n');
        if (strcmp(keys[i], "labels-file") == 0 && !g_path_is_absolute(value)) {
            g_autofree char *folder = g_path_get_dirname(path), *relative = value;
            value = g_build_filename(folder, relative, NULL);
        }
        g_hash_table_replace(model->graph->metadata, g_strconcat("sth.", keys[i], NULL), value);
    }
    return TRUE;
}

static const char *lookup(SthModel *model, const char *key)
{
    return g_hash_table_lookup(model->graph->metadata, key);
}

static const char *text(SthModel *model, const char *key, const char *fallback)
{
    const char *value = lookup(model, key);

    return g_string_chunk_insert(model->strings, value ? value : fallback);
}

/* Three numbers, separated by spaces, commas or semicolons. */
static gboolean read_triple(SthModel *model, const char *key, float out[3], GError **error)
{
    const char *value = lookup(model, key);
    g_auto(GStrv) parts = NULL;
    guint n = 0;

    if (!value)
        return TRUE;
    parts = g_strsplit_set(value, " ,;", -1);
    for (guint i = 0; parts[i]; i++) {
        char *end;
        double number;

        if (!*parts[i])
            continue;
        number = g_ascii_strtod(parts[i], &end);
        if (*end || !isfinite(number) || n == 3)
            return metadata_error(model, error, "%s = '%s' should be three numbers", key, value);
        out[n++] = (float)number;
    }
    return n == 3 ? TRUE : metadata_error(model, error, "%s = '%s' should be three numbers", key, value);
}

/* One of a list of words, NULL-terminated; *out is its position. */
static gboolean read_word(SthModel *model, const char *key, const char *const *words, int *out, GError **error)
{
    const char *value = lookup(model, key);
    g_autofree char *all = NULL;

    if (!value)
        return TRUE;
    for (int i = 0; words[i]; i++) {
        if (g_ascii_strcasecmp(value, words[i]) == 0) {
            *out = i;
            return TRUE;
        }
    }
    all = g_strjoinv(", ", (char **)words);
    return metadata_error(model, error, "%s = '%s' should be one of %s", key, value, all);
}

/* "4", "12.5" or "30000/1001" frames a second. */
static gboolean read_rate(SthModel *model, const SthModelOptions *options, GError **error)
{
    const char *value = lookup(model, "sth.sample-rate");
    guint64 n = 8, d = 1;
    char *end;

    if (options->rate_n && options->rate_d) {
        model->info.rate_n = options->rate_n;
        model->info.rate_d = options->rate_d;
        return TRUE;
    }
    if (value) {
        double rate = g_ascii_strtod(value, &end);
        if (*end == '/') {
            n = (guint64)rate;
            d = g_ascii_strtoull(end + 1, &end, 10);
        } else {
            n = (guint64)llround(rate * 1000);
            d = 1000;
        }
        if (*end || !(rate > 0) || n < 1 || d < 1 || n > G_MAXINT || d > G_MAXINT)
            return metadata_error(model, error, "sth.sample-rate = '%s' should be frames a second, such as 8 or 25/2", value);
    }
    model->info.rate_n = (guint)n;
    model->info.rate_d = (guint)d;
    return TRUE;
}

gboolean sth_modelinfo_read(SthModel *model, const SthModelOptions *options, GError **error)
{
    static const char *const colors[] = {"RGB", "BGR", NULL}, *const resizes[] = {"crop", "stretch", "letterbox", NULL};
    static const char *const filters[] = {"antialias", "bilinear", NULL};
    static const char *const activations[] = {"softmax", "sigmoid", "none", NULL};
    static const float mean[3] = {123.675f, 116.28f, 103.53f}, std[3] = {58.395f, 57.12f, 57.375f}; /* ImageNet, 0…255 */
    SthModelInfo *info = &model->info;
    g_autofree char *base = g_path_get_basename(model->path);
    int color = 0, resize = 0, filter = 0, activation = 0;

    if (!read_sidecar(model, error))
        return FALSE;
    if (g_str_has_suffix(base, ".onnx"))
        base[strlen(base) - strlen(".onnx")] = '\0';
    info->name = text(model, "sth.name", base);
    info->description = text(model, "sth.description", "");
    info->license = text(model, "sth.license", "");
    info->attribution = text(model, "sth.attribution", "");
    memcpy(info->mean, mean, sizeof(mean));
    memcpy(info->std, std, sizeof(std));
    if (!read_triple(model, "sth.mean", info->mean, error) || !read_triple(model, "sth.std", info->std, error) ||
        !read_word(model, "sth.color", colors, &color, error) || !read_word(model, "sth.resize", resizes, &resize, error) ||
        !read_word(model, "sth.filter", filters, &filter, error) || !read_word(model, "sth.activation", activations, &activation, error) ||
        !read_rate(model, options, error))
        return FALSE;
    for (guint i = 0; i < 3; i++) {
        if (!(info->std[i] > 0))
            return metadata_error(model, error, "sth.std has the value %g; each must be above 0", (double)info->std[i]);
    }
    info->bgr = color == 1;
    info->resize = (SthResizePolicy)resize;
    info->filter = (SthFilterPolicy)filter;
    info->activation = (SthActivation)activation;
    return TRUE;
}

/* Splits lines, drops the carriage returns of other systems and the empty lines at the end. */
static GPtrArray *split_labels(const char *lines)
{
    GPtrArray *labels = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) parts = g_strsplit(lines, "\n", -1);

    for (guint i = 0; parts[i]; i++)
        g_ptr_array_add(labels, g_strdup(g_strchomp(parts[i])));
    while (labels->len > 0 && !*(char *)g_ptr_array_index(labels, labels->len - 1))
        g_ptr_array_set_size(labels, (gint)labels->len - 1);
    return labels;
}

static GPtrArray *load_labels_file(const char *path, GError **error)
{
    g_autofree char *content = NULL;
    g_autoptr(GError) why = NULL;
    gsize length;

    if (!g_file_get_contents(path, &content, &length, &why)) {
        g_set_error(error, STH_ERROR, STH_ERROR_FILE, "cannot read the labels: %s", why->message);
        return NULL;
    }
    const char *text = g_str_has_prefix(content, "\xef\xbb\xbf") ? content + 3 : content; /* a byte order mark is no part of a label */
    const char *bad;
    if (!g_utf8_validate(text, (gssize)(length - (gsize)(text - content)), &bad)) {
        guint line = 1;
        for (const char *c = text; c < bad; c++)
            line += *c == '\n';
        g_set_error(error, STH_ERROR, STH_ERROR_METADATA,
                    "line %u of the labels file '%s' is not UTF-8 text; save it as UTF-8, with one label a line", line, path);
        return NULL;
    }
    return split_labels(text);
}

static void set_labels(SthModel *model, GPtrArray *labels)
{
    SthModelInfo *info = &model->info;
    const char **names = g_new0(const char *, info->n_classes + 1);
    const char *background = lookup(model, "sth.background-label");

    for (guint i = 0; i < info->n_classes; i++) {
        if (labels) {
            names[i] = g_string_chunk_insert(model->strings, g_ptr_array_index(labels, i));
        } else {
            g_autofree char *made = g_strdup_printf("class-%u", i);
            names[i] = g_string_chunk_insert(model->strings, made);
        }
        if (background && strcmp(names[i], background) == 0)
            info->background_label = (gint)i;
    }
    info->labels = names;
}

gboolean sth_modelinfo_read_labels(SthModel *model, const SthModelOptions *options, GError **error)
{
    const char *file = options->labels_file ? options->labels_file : lookup(model, "sth.labels-file");
    const char *inline_labels = lookup(model, "sth.labels");
    g_autoptr(GPtrArray) labels = NULL;

    if (options->labels_file || (file && !inline_labels)) {
        labels = load_labels_file(file, error);
        if (!labels)
            return FALSE;
    } else if (inline_labels) {
        file = "sth.labels of the model";
        labels = split_labels(inline_labels);
    }
    if (labels && labels->len != model->info.n_classes) {
        g_set_error(error, STH_ERROR, STH_ERROR_METADATA,
                    "labels do not match: '%s' has %u labels, but '%s' gives %u scores; write one label a line, in the order of the classes", file,
                    labels->len, model->path, model->info.n_classes);
        return FALSE;
    }
    set_labels(model, labels);
    return TRUE;
}
