/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "export/exporter.h"

#define STH_FORMAT(name) extern const SthExportClass sth_format_##name;
#include "export/formats.inc"

static const SthExportClass *const classes[] = {
#define STH_FORMAT(name) &sth_format_##name,
#include "export/formats.inc"
};

struct _SthExporter {
    const SthExportClass *class;
    SthExportEmit emit;
    gpointer state;
};

const SthExportFormat *const *sth_export_formats(void)
{
    static const SthExportFormat *const formats[] = {
#define STH_FORMAT(name) &sth_format_##name.format,
#include "export/formats.inc"
        NULL};
    return formats;
}

static const SthExportClass *find_class(const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(classes); i++)
        if (g_str_equal(classes[i]->format.name, name))
            return classes[i];
    return NULL;
}

const SthExportFormat *sth_export_format_find(const char *name)
{
    const SthExportClass *class = find_class(name);
    return class ? &class->format : NULL;
}

SthExporter *sth_exporter_new(const SthExportFormat *format, SthExportEmit emit)
{
    const SthExportClass *class = find_class(format->name);
    g_return_val_if_fail(class, NULL);
    SthExporter *exporter = g_new0(SthExporter, 1);
    exporter->class = class;
    exporter->emit = emit;
    exporter->state = g_malloc0(class->state_size);
    return exporter;
}

void sth_exporter_free(SthExporter *exporter)
{
    if (!exporter)
        return;
    if (exporter->class->clear)
        exporter->class->clear(exporter->state);
    g_free(exporter->state);
    g_free(exporter);
}

void sth_exporter_start(SthExporter *exporter, GString *out)
{
    if (exporter->class->start)
        exporter->class->start(exporter->state, out);
}

void sth_exporter_record(SthExporter *exporter, const SthRecord *record, GString *out)
{
    const gboolean fresh = exporter->emit == STH_EXPORT_RESULTS && !record->held;
    if ((fresh || record->events) && exporter->class->record)
        exporter->class->record(exporter->state, exporter->emit, record, out);
}

void sth_exporter_finish(SthExporter *exporter, guint64 end, GString *out)
{
    if (exporter->class->finish)
        exporter->class->finish(exporter->state, exporter->emit, end, out);
}

char *sth_export_label(const char *label, gint index)
{
    return label ? g_utf8_make_valid(label, -1) : g_strdup_printf("class-%d", index);
}
