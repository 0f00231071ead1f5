/* `sth run`: one run of a model on NumPy files, for parity checks and debugging.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/cli.h"

#include "base/npy.h"

#include <string.h>

/* Reads one input file into the session's tensor. A file of shape 8x3x224x224 fits an input 1x8x3x224x224 no more than any other: shapes must agree. */
static gboolean load_input(SthSession *session, guint index, const char *name, const char *path, GError **error)
{
    const SthTensor *want = sth_session_get_input(session, index);
    SthTensor have;
    GBytes *bytes = sth_npy_load(path, &have, error);
    if (bytes == NULL)
        return FALSE;
    gboolean ok = have.dtype == want->dtype && sth_shape_equal(&have.shape, &want->shape);
    if (ok) {
        memcpy(want->data, have.data, sth_tensor_bytes(want));
    } else {
        g_autofree char *want_shape = sth_shape_to_string(&want->shape);
        g_autofree char *have_shape = sth_shape_to_string(&have.shape);
        g_set_error(error, STH_ERROR, STH_ERROR_SHAPE, "'%s' is %s %s, but the model's input %u '%s' takes %s %s", path, sth_dtype_name(have.dtype),
                    have_shape, index, name, sth_dtype_name(want->dtype), want_shape);
    }
    g_bytes_unref(bytes);
    return ok;
}

static gboolean run_model(SthModel *model, guint threads, char **inputs, char **outputs, GError **error)
{
    SthSession *session = sth_session_new(model, threads, error);
    if (session == NULL)
        return FALSE;
    gboolean ok = TRUE;
    const SthTensor *declared;
    for (guint i = 0; ok && inputs[i] != NULL; i++)
        ok = load_input(session, i, sth_model_get_input(model, i, &declared), inputs[i], error);
    if (ok)
        sth_session_run(session);
    for (guint i = 0; ok && outputs[i] != NULL; i++)
        ok = sth_npy_save(outputs[i], sth_session_get_output(session, i), error);
    sth_session_free(session);
    return ok;
}

/* "input 'clip' float32 1x8x3x224x224", for each one, separated by "; ". */
static char *describe_ports(SthModel *model, gboolean inputs)
{
    GString *text = g_string_new(NULL);
    guint n = inputs ? sth_model_get_n_inputs(model) : sth_model_get_n_outputs(model);
    for (guint i = 0; i < n; i++) {
        const SthTensor *tensor;
        const char *name = inputs ? sth_model_get_input(model, i, &tensor) : sth_model_get_output(model, i, &tensor);
        g_autofree char *shape = sth_shape_to_string(&tensor->shape);
        g_string_append_printf(text, "%s'%s' %s %s", i > 0 ? "; " : "", name, sth_dtype_name(tensor->dtype), shape);
    }
    return g_string_free(text, FALSE);
}

static gboolean check_counts(SthModel *model, const char *path, guint n_inputs, guint n_outputs, GError **error)
{
    guint inputs = sth_model_get_n_inputs(model), outputs = sth_model_get_n_outputs(model);
    gboolean for_inputs = n_inputs != inputs;
    if (n_inputs == inputs && n_outputs <= outputs)
        return TRUE;
    g_autofree char *ports = describe_ports(model, for_inputs);
    if (for_inputs)
        g_set_error(error, STH_ERROR, STH_ERROR_ARGUMENT, "'%s' takes %u --input, in this order: %s; given: %u", path, inputs, ports, n_inputs);
    else
        g_set_error(error, STH_ERROR, STH_ERROR_ARGUMENT, "'%s' has %u outputs, in this order: %s; --output was given %u times", path, outputs, ports,
                    n_outputs);
    return FALSE;
}

static int run(const SthCommand *command, int argc, char **argv)
{
    g_auto(GStrv) inputs = NULL, outputs = NULL;
    int threads = 0;
    const GOptionEntry entries[] = {
        {"input", 'i', 0, G_OPTION_ARG_FILENAME_ARRAY, &inputs, "NumPy file for an input; once for each input, in the model's order", "X.npy"},
        {"output", 'o', 0, G_OPTION_ARG_FILENAME_ARRAY, &outputs, "NumPy file to write an output to; in the model's order", "Y.npy"},
        {"threads", 't', 0, G_OPTION_ARG_INT, &threads, "threads at most [all processors]", "N"},
        STH_CLI_MODEL_ENTRIES,
        G_OPTION_ENTRY_NULL,
    };
    if (!sth_cli_parse(command, entries, &argc, &argv))
        return STH_EXIT_USAGE;
    if (argc != 2)
        return sth_cli_usage(command, argc < 2 ? "no model given" : "more than one model given");
    if (outputs == NULL)
        return sth_cli_usage(command, "no --output given");
    if (threads < 0)
        return sth_cli_usage(command, "--threads %d: must be 1 or more", threads);

    GError *error = NULL;
    char *none[] = {NULL};
    SthModel *model = sth_cli_open_model(argv[1], &error);
    if (model == NULL)
        return sth_cli_fail(command, error);
    gboolean ok = check_counts(model, argv[1], inputs != NULL ? g_strv_length(inputs) : 0, g_strv_length(outputs), &error) &&
                  run_model(model, (guint)threads, inputs != NULL ? inputs : none, outputs, &error);
    sth_model_unref(model);
    return ok ? STH_EXIT_OK : sth_cli_fail(command, error);
}

const SthCommand sth_cmd_run = {
    .name = "run",
    .arguments = "MODEL --input X.npy --output Y.npy",
    .summary = "run a model once on NumPy files",
    .description = "Types and shapes must be those that `sth inspect MODEL` prints; nothing is converted.",
    .run = run,
};
