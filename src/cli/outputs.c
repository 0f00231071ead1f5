/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/outputs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sth/sth.h>

typedef struct {
    GString *waiting; /* text that comes before its turn; NULL: none */
    gboolean done;
    char *path; /* of its own file */
    FILE *file;
} Slot;

struct _SthOutputs {
    GMutex lock;
    guint n;
    Slot *slots;
    gboolean each;
    char *path;
    FILE *file; /* the one stream */
    guint turn; /* whose text goes straight into it */
    void (*before)(gpointer data);
    gpointer data;
};

static void fail(GError **error, const char *path)
{
    g_set_error(error, STH_ERROR, STH_ERROR_FILE, "cannot write to %s%s%s: %s", path ? "'" : "", path ? path : "standard output", path ? "'" : "",
                g_strerror(errno));
}

static FILE *open_file(const char *path, GError **error)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        fail(error, path);
    return file;
}

static gboolean put(SthOutputs *outputs, FILE *file, const char *path, const char *text, gsize length, GError **error)
{
    if (length == 0)
        return TRUE;
    if (file == stdout && outputs->before != NULL)
        outputs->before(outputs->data);
    if (fwrite(text, 1, length, file) == length && fflush(file) == 0)
        return TRUE;
    fail(error, path);
    return FALSE;
}

static gboolean name_files(SthOutputs *outputs, const GPtrArray *inputs, const char *folder, const char *ending, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < inputs->len; i++) {
        const SthInput *input = inputs->pdata[i];
        g_autofree char *name = g_strdup_printf("%s.%s", input->name, ending);
        char *path = outputs->slots[i].path = g_build_filename(folder, name, NULL);
        const SthInput *other = g_hash_table_lookup(seen, path);
        if (other != NULL) {
            g_set_error(error, STH_ERROR, STH_ERROR_FILE, "'%s' and '%s' would both be written to '%s'", other->location, input->location, path);
            return FALSE;
        }
        g_hash_table_insert(seen, path, (gpointer)input);
    }
    return TRUE;
}

SthOutputs *sth_outputs_new(const GPtrArray *inputs, const char *target, gboolean each, const char *ending, const char *head,
                            void (*before)(gpointer), gpointer data, GError **error)
{
    SthOutputs *outputs = g_new0(SthOutputs, 1);
    g_mutex_init(&outputs->lock);
    outputs->n = inputs->len;
    outputs->slots = g_new0(Slot, inputs->len);
    outputs->each = each;
    outputs->before = before;
    outputs->data = data;
    gboolean ok;
    if (each) {
        ok = name_files(outputs, inputs, target, ending, error);
    } else {
        outputs->path = g_strdup(target);
        outputs->file = target != NULL ? open_file(target, error) : stdout;
        ok = outputs->file != NULL && put(outputs, outputs->file, target, head, strlen(head), error);
    }
    if (ok)
        return outputs;
    sth_outputs_free(outputs, NULL);
    return NULL;
}

static gboolean close_file(FILE **file, const char *path, GError **error)
{
    FILE *closing = *file;
    *file = NULL;
    if (closing == NULL || closing == stdout || fclose(closing) == 0)
        return TRUE;
    fail(error, path);
    return FALSE;
}

gboolean sth_outputs_free(SthOutputs *outputs, GError **error)
{
    const gboolean ok = close_file(&outputs->file, outputs->path, error);
    for (guint i = 0; i < outputs->n; i++) {
        Slot *slot = &outputs->slots[i];
        close_file(&slot->file, slot->path, NULL);
        g_free(slot->path);
        if (slot->waiting != NULL)
            g_string_free(slot->waiting, TRUE);
    }
    g_free(outputs->slots);
    g_free(outputs->path);
    g_mutex_clear(&outputs->lock);
    g_free(outputs);
    return ok;
}

/* An input's own file is made with its first text, so that inputs that cannot be read leave none. */
static gboolean write_own(SthOutputs *outputs, Slot *slot, const char *text, gsize length, GError **error)
{
    if (slot->file == NULL) {
        g_autofree char *folder = g_path_get_dirname(slot->path);
        if (g_mkdir_with_parents(folder, 0777) != 0) {
            fail(error, folder);
            return FALSE;
        }
        if ((slot->file = open_file(slot->path, error)) == NULL)
            return FALSE;
    }
    return put(outputs, slot->file, slot->path, text, length, error);
}

gboolean sth_outputs_write(SthOutputs *outputs, guint index, const char *text, gsize length, GError **error)
{
    Slot *slot = &outputs->slots[index];
    if (outputs->each)
        return write_own(outputs, slot, text, length, error);
    gboolean ok = TRUE;
    g_mutex_lock(&outputs->lock);
    if (outputs->turn == index) {
        ok = put(outputs, outputs->file, outputs->path, text, length, error);
    } else {
        if (slot->waiting == NULL)
            slot->waiting = g_string_new(NULL);
        g_string_append_len(slot->waiting, text, (gssize)length);
    }
    g_mutex_unlock(&outputs->lock);
    return ok;
}

gboolean sth_outputs_done(SthOutputs *outputs, guint index, GError **error)
{
    Slot *slot = &outputs->slots[index];
    if (outputs->each)
        return close_file(&slot->file, slot->path, error);
    gboolean ok = TRUE;
    g_mutex_lock(&outputs->lock);
    slot->done = TRUE;
    while (ok && outputs->turn < outputs->n && outputs->slots[outputs->turn].done) {
        slot = ++outputs->turn < outputs->n ? &outputs->slots[outputs->turn] : NULL;
        if (slot != NULL && slot->waiting != NULL) {
            ok = put(outputs, outputs->file, outputs->path, slot->waiting->str, slot->waiting->len, error);
            g_string_free(slot->waiting, TRUE);
            slot->waiting = NULL;
        }
    }
    g_mutex_unlock(&outputs->lock);
    return ok;
}
