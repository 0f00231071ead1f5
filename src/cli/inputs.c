/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/inputs.h"

#include <gst/base/gsttypefindhelper.h>
#include <stdio.h>
#include <string.h>

#include <sth/sth.h>

#define HEAD_BYTES 65536 /* transport streams need a few of their packets */

static void input_free(gpointer data)
{
    SthInput *input = data;
    g_free(input->location);
    g_free(input->name);
    g_free(input);
}

/* @path without its ending. */
static char *without_ending(const char *path)
{
    const char *slash = strrchr(path, G_DIR_SEPARATOR), *dot = strrchr(path, '.');
    return dot != NULL && dot > (slash != NULL ? slash + 1 : path) ? g_strndup(path, (gsize)(dot - path)) : g_strdup(path);
}

static void add(GPtrArray *inputs, const char *location, const char *path)
{
    SthInput *input = g_new0(SthInput, 1);
    input->location = g_strdup(location);
    input->name = without_ending(path);
    g_ptr_array_add(inputs, input);
}

static gboolean is_video(const char *path)
{
    g_autofree guint8 *head = g_malloc(HEAD_BYTES);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return FALSE;
    const gsize size = fread(head, 1, HEAD_BYTES, file);
    fclose(file);
    GstTypeFindProbability sure;
    GstCaps *caps = size > 0 ? gst_type_find_helper_for_data(NULL, head, size, &sure) : NULL;
    if (caps == NULL)
        return FALSE;
    const char *type = gst_structure_get_name(gst_caps_get_structure(caps, 0));
    const gboolean video = sure >= GST_TYPE_FIND_POSSIBLE &&
                           (g_str_has_prefix(type, "video/") || g_str_equal(type, "application/ogg") || g_str_equal(type, "application/mxf"));
    gst_caps_unref(caps);
    return video;
}

static gint by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* @base: bytes of @folder that are not part of the inputs' names. */
static gboolean add_folder(GPtrArray *inputs, const char *folder, gsize base, GError **error)
{
    GDir *dir = g_dir_open(folder, 0, error);
    if (dir == NULL)
        return FALSE;
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    for (const char *name; (name = g_dir_read_name(dir)) != NULL;)
        if (name[0] != '.')
            g_ptr_array_add(names, g_strdup(name));
    g_dir_close(dir);
    g_ptr_array_sort(names, by_name);
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *path = g_build_filename(folder, names->pdata[i], NULL);
        if (g_file_test(path, G_FILE_TEST_IS_DIR)) {
            if (!g_file_test(path, G_FILE_TEST_IS_SYMLINK) && !add_folder(inputs, path, base, error))
                return FALSE;
        } else if (g_file_test(path, G_FILE_TEST_IS_REGULAR) && is_video(path)) {
            add(inputs, path, path + base);
        }
    }
    return TRUE;
}

GPtrArray *sth_inputs_new(char **arguments, void (*complain)(gpointer data, GError *error), gpointer data)
{
    GPtrArray *inputs = g_ptr_array_new_with_free_func(input_free);
    for (; *arguments != NULL; arguments++) {
        const guint before = inputs->len;
        GError *error = NULL;
        if (strstr(*arguments, "://") != NULL || !g_file_test(*arguments, G_FILE_TEST_IS_DIR)) {
            g_autofree char *name = g_path_get_basename(*arguments);
            add(inputs, *arguments, name);
            continue;
        }
        g_autofree char *folder = g_build_filename(*arguments, NULL); /* without a separator at its end */
        gsize length = strlen(folder);
        while (length > 1 && folder[length - 1] == G_DIR_SEPARATOR)
            folder[--length] = '\0';
        if (add_folder(inputs, folder, length + !g_str_has_suffix(folder, G_DIR_SEPARATOR_S), &error) && inputs->len == before)
            g_set_error(&error, STH_ERROR, STH_ERROR_FILE, "there is no video in the folder '%s'", *arguments);
        if (error != NULL)
            complain(data, error);
    }
    return inputs;
}
