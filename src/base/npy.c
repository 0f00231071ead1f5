/* NumPy files. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/npy.h"

#include <string.h>

#include <sth/sth-error.h>

#include "base/memory.h"

#define MAGIC "\x93NUMPY"
#define MAGIC_SIZE 6
#define DATA_ALIGN 64 /* bytes: numpy pads the header so that data starts at a multiple of this */

static const struct {
    const char *descr;
    SthDType dtype;
} types[] = {
    {"<f4", STH_DTYPE_FLOAT},  {"<f8", STH_DTYPE_DOUBLE}, {"<f2", STH_DTYPE_FLOAT16}, {"|i1", STH_DTYPE_INT8},
    {"<i2", STH_DTYPE_INT16},  {"<i4", STH_DTYPE_INT32},  {"<i8", STH_DTYPE_INT64},   {"|u1", STH_DTYPE_UINT8},
    {"<u2", STH_DTYPE_UINT16}, {"<u4", STH_DTYPE_UINT32}, {"<u8", STH_DTYPE_UINT64},  {"|b1", STH_DTYPE_BOOL},
};

static gboolean fail(GError **error, SthErrorCode code, const char *path, const char *reason)
{
    g_set_error(error, STH_ERROR, code, "cannot read '%s': %s", path, reason);
    return FALSE;
}

/* The text after 'key': in the header's Python dictionary; NULL if it is not there. */
static const char *find_key(const char *header, const char *key)
{
    char *quoted = g_strdup_printf("'%s':", key);
    const char *at = strstr(header, quoted);

    if (at) {
        at += strlen(quoted);
        at += strspn(at, " ");
    }
    g_free(quoted);
    return at;
}

static gboolean parse_descr(const char *path, const char *header, SthTensor *tensor, GError **error)
{
    const char *descr = find_key(header, "descr");

    if (!descr || *descr != '\'')
        return fail(error, descr ? STH_ERROR_UNSUPPORTED : STH_ERROR_FORMAT, path, "its header tells no plain element type; save a plain array");
    for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
        gsize length = strlen(types[i].descr);

        if (strncmp(descr + 1, types[i].descr, length) == 0 && descr[1 + length] == '\'') {
            tensor->dtype = types[i].dtype;
            return TRUE;
        }
    }
    g_set_error(error, STH_ERROR, STH_ERROR_UNSUPPORTED,
                "cannot read '%s': elements of type %.8s are not supported; save it as little-endian numbers, e.g. float32", path, descr);
    return FALSE;
}

/* Reads "(1, 3, 8)"; checks that the product of the dimensions and the element size does not overflow. */
static gboolean parse_shape(const char *path, const char *header, SthTensor *tensor, GError **error)
{
    const char *at = find_key(header, "shape");
    guint64 bytes = sth_dtype_size(tensor->dtype);

    if (!at || *at++ != '(')
        return fail(error, STH_ERROR_FORMAT, path, "its header tells no shape");
    tensor->shape.rank = 0;
    for (;;) {
        char *end;
        guint64 dim;

        at += strspn(at, " ,");
        if (*at == ')')
            return TRUE;
        if (!g_ascii_isdigit(*at))
            return fail(error, STH_ERROR_FORMAT, path, "its header's shape is malformed");
        dim = g_ascii_strtoull(at, &end, 10);
        at = end;
        if (tensor->shape.rank == STH_MAX_RANK)
            return fail(error, STH_ERROR_UNSUPPORTED, path, "it has more than 8 axes");
        if (dim > G_MAXINT64 || !g_uint64_checked_mul(&bytes, bytes, MAX(dim, 1)) || bytes > G_MAXSSIZE / 2)
            return fail(error, STH_ERROR_FORMAT, path, "its shape is too large");
        tensor->shape.dims[tensor->shape.rank++] = (gint64)dim;
    }
}

static gboolean parse_header(const char *path, const char *header, SthTensor *tensor, GError **error)
{
    const char *fortran = find_key(header, "fortran_order");

    if (!parse_descr(path, header, tensor, error) || !parse_shape(path, header, tensor, error))
        return FALSE;
    if (!fortran || (!g_str_has_prefix(fortran, "False") && !g_str_has_prefix(fortran, "True")))
        return fail(error, STH_ERROR_FORMAT, path, "its header tells no order of axes");
    if (*fortran == 'T' && tensor->shape.rank > 1)
        return fail(error, STH_ERROR_UNSUPPORTED, path, "it is in Fortran order; save numpy.ascontiguousarray(x)");
    return TRUE;
}

/* Finds header and data. Version 1 has a 16-bit header length, 2 and 3 have 32 bits. */
static gboolean parse(const char *path, const guint8 *file, gsize size, SthTensor *tensor, gsize *data_offset, GError **error)
{
    gsize start, length;
    char *header;
    gboolean ok;

    if (size < MAGIC_SIZE + 4 || memcmp(file, MAGIC, MAGIC_SIZE) != 0)
        return fail(error, STH_ERROR_FORMAT, path, "it is no NumPy file (.npy)");
    if (file[MAGIC_SIZE] < 1 || file[MAGIC_SIZE] > 3)
        return fail(error, STH_ERROR_UNSUPPORTED, path, "its format version is not 1, 2 or 3");
    start = file[MAGIC_SIZE] == 1 ? MAGIC_SIZE + 4 : MAGIC_SIZE + 6;
    if (size < start)
        return fail(error, STH_ERROR_FORMAT, path, "it is truncated");
    length = file[8] | (gsize)file[9] << 8;
    if (file[MAGIC_SIZE] > 1)
        length |= (gsize)file[10] << 16 | (gsize)file[11] << 24;
    if (length > size - start)
        return fail(error, STH_ERROR_FORMAT, path, "it is truncated");
    header = g_strndup((const char *)file + start, length);
    ok = parse_header(path, header, tensor, error);
    g_free(header);
    *data_offset = start + length;
    if (ok && size - *data_offset < sth_tensor_bytes(tensor))
        return fail(error, STH_ERROR_FORMAT, path, "it is truncated");
    return ok;
}

GBytes *sth_npy_load(const char *path, SthTensor *tensor, GError **error)
{
    GError *cause = NULL;
    GBytes *bytes = NULL;
    char *file;
    gsize size, offset;

    if (!g_file_get_contents(path, &file, &size, &cause)) {
        g_set_error(error, STH_ERROR, STH_ERROR_FILE, "cannot read '%s': %s", path, cause->message);
        g_error_free(cause);
        return NULL;
    }
    if (parse(path, (const guint8 *)file, size, tensor, &offset, error)) {
        bytes = sth_aligned_bytes(sth_tensor_bytes(tensor), &tensor->data);
        memcpy(tensor->data, file + offset, sth_tensor_bytes(tensor));
    }
    g_free(file);
    return bytes;
}

static const char *descr_of(SthDType dtype)
{
    for (guint i = 0; i < G_N_ELEMENTS(types); i++)
        if (types[i].dtype == dtype)
            return types[i].descr;
    return NULL;
}

gboolean sth_npy_save(const char *path, const SthTensor *tensor, GError **error)
{
    const char *descr = descr_of(tensor->dtype);
    gsize bytes = sth_tensor_bytes(tensor), fixed = MAGIC_SIZE + 4;
    GString *file;
    GError *cause = NULL;
    gboolean ok;
    guint padded;

    if (!descr) {
        g_set_error(error, STH_ERROR, STH_ERROR_UNSUPPORTED, "cannot write '%s': NumPy has no type %s; convert it to float32", path,
                    sth_dtype_name(tensor->dtype));
        return FALSE;
    }
    file = g_string_sized_new(bytes + 256);
    g_string_append_len(file, MAGIC "\x01\x00\x00\x00", fixed);
    g_string_append_printf(file, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr);
    for (guint i = 0; i < tensor->shape.rank; i++)
        g_string_append_printf(file, "%" G_GINT64_FORMAT "%s", tensor->shape.dims[i],
                               tensor->shape.rank == 1 || i + 1 < tensor->shape.rank ? "," : "");
    g_string_append(file, "), }");
    padded = (guint)((file->len + 1 + DATA_ALIGN - 1) / DATA_ALIGN * DATA_ALIGN);
    while (file->len + 1 < padded)
        g_string_append_c(file, ' ');
    g_string_append_c(file, '\n');
    file->str[fixed - 2] = (char)((padded - fixed) & 0xff);
    file->str[fixed - 1] = (char)((padded - fixed) >> 8);
    if (bytes > 0)
        g_string_append_len(file, tensor->data, (gssize)bytes);
    ok = g_file_set_contents(path, file->str, (gssize)file->len, &cause);
    if (!ok) {
        g_set_error(error, STH_ERROR, STH_ERROR_FILE, "cannot write '%s': %s", path, cause->message);
        g_error_free(cause);
    }
    g_string_free(file, TRUE);
    return ok;
}
