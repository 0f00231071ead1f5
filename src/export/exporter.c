/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "export/exporter.h"

#define STH_FORMAT(name) extern const SthExportClass sth_format_##name;
#include "export/formats.inc"

#define NS_PER_S G_GUINT64_CONSTANT(1000000000)

static const SthExportClass *const classes[] = {
#define STH_FORMAT(name) &sth_format_##name,
#include "export/formats.inc"
};

struct _SthExporter {
    const SthExportClass *class;
    SthExportEmit emit;
    SthCueTrack track; /* of a format with cues */
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
    exporter->track.write = class->cue;
    return exporter;
}

void sth_exporter_free(SthExporter *exporter)
{
    if (!exporter)
        return;
    sth_cue_track_clear(&exporter->track);
    g_free(exporter);
}

void sth_exporter_start(SthExporter *exporter, GString *out)
{
    if (exporter->class->start)
        exporter->class->start(out);
}

void sth_exporter_record(SthExporter *exporter, const SthRecord *record, GString *out)
{
    const gboolean fresh = exporter->emit == STH_EXPORT_RESULTS && !record->held;
    if (!fresh && !record->events)
        return;
    if (exporter->class->record)
        exporter->class->record(exporter->emit, record, out);
    if (exporter->class->cue)
        sth_cue_track_record(&exporter->track, exporter->emit, record, out);
}

void sth_exporter_finish(SthExporter *exporter, guint64 end, GString *out)
{
    if (exporter->class->cue)
        sth_cue_track_finish(&exporter->track, exporter->emit, end, out);
}

void sth_exporter_caption(const SthExporter *exporter, const SthRecord *record, GString *out)
{
    const SthScore *score = sth_export_recognised(record);
    const gboolean events = exporter->emit == STH_EXPORT_EVENTS;
    const gint index = events ? record->action.index : score ? score->index : -1;
    if (index < 0)
        return;
    g_autofree char *label = sth_export_label(events ? record->action_label : record->top_label[record->label], index);
    sth_cue_append_plain(out, label);
    sth_cue_append_percent(out, events ? record->action.peak : score->confidence);
}

char *sth_export_label(const char *label, gint index)
{
    return label ? g_utf8_make_valid(label, -1) : g_strdup_printf("class-%d", index);
}

const SthScore *sth_export_recognised(const SthRecord *record)
{
    return record->label >= 0 && (guint)record->label < record->n_top ? &record->top[record->label] : NULL;
}

void sth_export_append_utc(GString *out, guint64 ns)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc((gint64)(ns / NS_PER_S));
    if (time == NULL) /* beyond the year 9999 */
        return;
    g_autofree char *text = g_date_time_format(time, "%Y-%m-%dT%H:%M:%S");
    g_string_append_printf(out, "%s.%09" G_GUINT64_FORMAT "Z", text, ns % NS_PER_S);
}

void sth_export_each_event(const SthRecord *record, SthEventWriter write, gpointer data)
{
    const gboolean start = (record->events & STH_EVENT_START) != 0, end = (record->events & STH_EVENT_END) != 0;
    const gboolean same = start && end && record->action.start <= record->ended.start;
    if (same)
        write(data, STH_EXPORT_ACTION_START, &record->action, record->action_label, FALSE);
    if (end)
        write(data, STH_EXPORT_ACTION_END, &record->ended, record->ended_label, TRUE);
    if (start && !same)
        write(data, STH_EXPORT_ACTION_START, &record->action, record->action_label, FALSE);
}
