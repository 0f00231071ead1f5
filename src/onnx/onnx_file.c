/* A file being written: under a temporary name until all of it is there.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>
#include <sth/sth-error.h>

#include "onnx/onnx-internal.h"

/* Bytes: what ONNX recommends for external data that is mapped. */
#define ALIGN 4096

struct _SthOnnxFile {
    ProtobufCBuffer base;
    char *path, *temporary;
    FILE *stream;
    gsize length;
    int problem; /* the first errno; 0: none */
};

static void append(ProtobufCBuffer *base, size_t length, const uint8_t *bytes)
{
    sth_onnx_file_append((SthOnnxFile *)base, bytes, length);
}

static gboolean fail(const char *path, int problem, GError **error)
{
    g_set_error(error, STH_ERROR, STH_ERROR_FILE, "cannot write '%s': %s", path, g_strerror(problem));
    return FALSE;
}

/* As if it had been made by open(): mkstemp() gives it to its owner alone. */
static void open_to_others(int fd)
{
    mode_t mask = umask(0);
    umask(mask);
    if (fchmod(fd, 0666 & ~mask) != 0)
        g_debug("cannot change the mode of a new file: %s", g_strerror(errno));
}

SthOnnxFile *sth_onnx_file_new(const char *path, GError **error)
{
    char *temporary = g_strconcat(path, ".XXXXXX", NULL);
    int fd = g_mkstemp(temporary);
    FILE *stream = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (stream == NULL) {
        fail(path, errno, error);
        if (fd >= 0)
            close(fd);
        g_free(temporary);
        return NULL;
    }
    open_to_others(fd);
    SthOnnxFile *file = g_new0(SthOnnxFile, 1);
    file->base.append = append;
    file->path = g_strdup(path);
    file->temporary = temporary;
    file->stream = stream;
    return file;
}

gboolean sth_onnx_file_append(SthOnnxFile *file, gconstpointer bytes, gsize length)
{
    if (file->problem == 0 && length > 0 && fwrite(bytes, 1, length, file->stream) != length)
        file->problem = errno;
    file->length += length;
    return file->problem == 0;
}

gboolean sth_onnx_file_append_message(SthOnnxFile *file, const ProtobufCMessage *message)
{
    protobuf_c_message_pack_to_buffer(message, &file->base);
    return file->problem == 0;
}

gsize sth_onnx_file_align(SthOnnxFile *file)
{
    static const guint8 zeros[ALIGN];
    sth_onnx_file_append(file, zeros, (ALIGN - file->length % ALIGN) % ALIGN);
    return file->length;
}

gboolean sth_onnx_file_close(SthOnnxFile *file, gboolean keep, GError **error)
{
    if (fclose(file->stream) != 0 && file->problem == 0)
        file->problem = errno;
    gboolean kept = keep && file->problem == 0;
    if (kept && g_rename(file->temporary, file->path) != 0) {
        file->problem = errno;
        kept = FALSE;
    }
    if (!kept) {
        g_unlink(file->temporary);
        fail(file->path, file->problem, error);
    }
    g_free(file->path);
    g_free(file->temporary);
    g_free(file);
    return kept;
}
