/* A program that is compiled against the installed headers and sth.pc: runs a model on a clip of one colour, prints the best label.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <sth/sth.h>

int main(int argc, char **argv)
{
    GError *error = NULL;
    SthModel *model = sth_model_open(argc > 1 ? argv[1] : "", NULL, &error);
    const SthModelInfo *info = model ? sth_model_get_info(model, &error) : NULL;
    SthSession *session = info ? sth_session_new(model, 0, &error) : NULL;
    if (session == NULL) {
        fprintf(stderr, "%s\n", error->message);
        return 1;
    }
    const SthTensor *input = sth_session_get_input(session, 0), *output = sth_session_get_output(session, 0);
    float *pixels = input->data, *scores = output->data;
    for (gint64 i = 0; i < sth_shape_elements(&input->shape); i++)
        pixels[i] = 0.25f;
    sth_session_run(session);
    gint64 best = 0;
    for (gint64 i = 1; i < sth_shape_elements(&output->shape); i++)
        if (scores[i] > scores[best])
            best = i;
    printf("%s\n", info->labels[best]);
    sth_session_free(session);
    sth_model_unref(model);
    return 0;
}
