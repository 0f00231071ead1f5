/* External data: files beside the model that hold the bytes of its tensors.
 *
 * A model from the net must not read other files of its user: only regular files below the model's folder are opened, also behind
 * symbolic links.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sth/sth-error.h>

#include "onnx/onnx-internal.h"

static gboolean is_plain_relative(const char *location)
{
    if (location[0] == '\0' || g_path_is_absolute(location))
        return FALSE;
    char **parts = g_strsplit(location, "/", -1);
    gboolean plain = TRUE;
    for (char **part = parts; *part != NULL; part++)
        plain = plain && strcmp(*part, "..") != 0;
    g_strfreev(parts);
    return plain;
}

static gboolean is_below(const char *path, const char *folder)
{
    gsize length = strlen(folder);
    if (length > 0 && folder[length - 1] == '/')
        length--;
    return strncmp(path, folder, length) == 0 && path[length] == '/';
}

static GMappedFile *map_file(SthOnnxReader *reader, const char *real, const char *location, const char *what, GError **error)
{
    struct stat info;
    if (stat(real, &info) != 0 || !S_ISREG(info.st_mode)) {
        g_set_error(error, STH_ERROR, STH_ERROR_FILE, "'%s': %s: external data '%s' is no regular file", reader->source, what, location);
        return NULL;
    }
    GError *reason = NULL;
    GMappedFile *file = g_mapped_file_new(real, FALSE, &reason);
    if (file == NULL) {
        g_set_error(error, STH_ERROR, STH_ERROR_FILE, "'%s': %s: cannot read external data '%s': %s", reader->source, what, location,
                    reason->message);
        g_error_free(reason);
        return NULL;
    }
    g_hash_table_insert(reader->mapped, g_strdup(real), file);
    return file;
}

GMappedFile *sth_onnx_external_file(SthOnnxReader *reader, const char *location, const char *what, GError **error)
{
    if (reader->folder == NULL) {
        g_set_error(error, STH_ERROR, STH_ERROR_UNSUPPORTED, "'%s': %s has external data, but there is no folder to look in", reader->source, what);
        return NULL;
    }
    if (!is_plain_relative(location)) {
        g_set_error(error, STH_ERROR, STH_ERROR_UNSUPPORTED,
                    "'%s': %s: external data '%s' is outside of the model's folder; only files in it are read", reader->source, what, location);
        return NULL;
    }
    char *path = g_build_filename(reader->folder, location, NULL);
    char *real = realpath(path, NULL), *real_folder = realpath(reader->folder, NULL);
    GMappedFile *file = NULL;
    if (real == NULL || real_folder == NULL)
        g_set_error(error, STH_ERROR, STH_ERROR_FILE, "'%s': %s: external data '%s' is missing; it belongs beside the model", reader->source, what,
                    location);
    else if (!is_below(real, real_folder))
        g_set_error(error, STH_ERROR, STH_ERROR_UNSUPPORTED,
                    "'%s': %s: external data '%s' leads out of the model's folder; only files in it are read", reader->source, what, location);
    else if ((file = g_hash_table_lookup(reader->mapped, real)) == NULL)
        file = map_file(reader, real, location, what, error);
    free(real);
    free(real_folder);
    g_free(path);
    return file;
}
