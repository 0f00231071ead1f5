/* Random equations against nested loops over all indices. Numbers are whole and sums short, so that they are exact in any order.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include <sth/sth-error.h>

#include "base/memory.h"
#include "op-harness.h"

#define ROUNDS 1500
#define LETTERS 7 /* the last two of them may be written as an ellipsis, in every term */
#define MAX_TERMS 3

typedef struct {
    guint n;
    guint letter[STH_MAX_RANK];
} Term;

typedef struct {
    gint64 dims[LETTERS];
    guint n_in;
    Term in[MAX_TERMS], out;
    gboolean dots; /* all terms end with the last two letters, written "..." */
    const SthTensor *tensors[MAX_TERMS];
} Case;

static guint roll(guint from, guint to)
{
    return (guint)g_test_rand_int_range((gint32)from, (gint32)to + 1);
}

static void append_dots(Case *c, Term *term)
{
    for (guint letter = LETTERS - 2; c->dots && letter < LETTERS; letter++)
        term->letter[term->n++] = letter;
}

static void choose(Case *c)
{
    guint used = 0;
    memset(c, 0, sizeof *c);
    c->n_in = roll(1, MAX_TERMS);
    c->dots = roll(0, 3) == 0;
    for (guint i = 0; i < LETTERS; i++)
        c->dims[i] = roll(1, 5);
    for (guint i = 0; i < c->n_in; i++) {
        c->in[i].n = roll(0, 4);
        for (guint axis = 0; axis < c->in[i].n; axis++) {
            c->in[i].letter[axis] = roll(0, LETTERS - 3);
            used |= 1u << c->in[i].letter[axis];
        }
        append_dots(c, &c->in[i]);
    }
    for (guint letter = 0; letter < LETTERS - 2; letter++)
        if (used >> letter & 1 && roll(0, 1))
            c->out.letter[c->out.n++] = letter;
    for (guint i = c->out.n; i-- > 1;) {
        const guint with = roll(0, i), letter = c->out.letter[i];
        c->out.letter[i] = c->out.letter[with];
        c->out.letter[with] = letter;
    }
    append_dots(c, &c->out);
}

static void write_term(const Case *c, const Term *term, GString *text)
{
    for (guint i = 0; i < term->n - (c->dots ? 2 : 0); i++)
        g_string_append_c(text, (gchar)('a' + term->letter[i]));
    g_string_append(text, c->dots ? "..." : "");
}

static char *write_equation(const Case *c)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < c->n_in; i++) {
        g_string_append(text, i > 0 ? ", " : "");
        write_term(c, &c->in[i], text);
    }
    g_string_append(text, "->");
    write_term(c, &c->out, text);
    return g_string_free(text, FALSE);
}

static gsize flat(const Term *term, const SthShape *shape, const gint64 *index)
{
    gsize at = 0;
    for (guint i = 0; i < term->n; i++)
        at = at * (gsize)shape->dims[i] + (gsize)(shape->dims[i] == 1 ? 0 : index[term->letter[i]]);
    return at;
}

/* Letters that no term has do not count. */
static void expect(const Case *c, const SthShape *out, double *sums)
{
    gint64 index[LETTERS] = {0};
    guint used = 0, at = 0;
    for (guint i = 0; i < c->n_in; i++)
        for (guint axis = 0; axis < c->in[i].n; axis++)
            used |= 1u << c->in[i].letter[axis];
    do {
        double product = 1;
        for (guint i = 0; i < c->n_in; i++)
            product *= (double)((const float *)c->tensors[i]->data)[flat(&c->in[i], &c->tensors[i]->shape, index)];
        sums[flat(&c->out, out, index)] += product;
        for (at = 0; at < LETTERS; at++) {
            if (used >> at & 1 && ++index[at] < c->dims[at])
                break;
            index[at] = 0;
        }
    } while (at < LETTERS);
}

static void test_random(void)
{
    for (guint round = 0; round < ROUNDS; round++) {
        OpHarness harness;
        SthTensor out = {0};
        Case c;
        choose(&c);
        op_harness_init(&harness, "Einsum", 12);
        for (guint i = 0; i < c.n_in; i++) {
            SthShape shape = {.rank = c.in[i].n};
            for (guint axis = 0; axis < shape.rank; axis++)
                shape.dims[axis] = c.dims[c.in[i].letter[axis]];
            c.tensors[i] = &op_harness_random(&harness, &shape)->tensor;
            /* Products of three must be exact in float32. */
            for (gint64 k = 0; k < sth_shape_elements(&shape); k++)
                ((float *)c.tensors[i]->data)[k] = (float)((gint)((float *)c.tensors[i]->data)[k] % 8);
        }
        char *equation = write_equation(&c);
        sth_node_set_string(harness.node, "equation", equation);
        op_harness_run(&harness, 1 + round % 3, 1, &out);
        gsize n = (gsize)sth_shape_elements(&out.shape);
        double *want = g_new0(double, n);
        expect(&c, &out.shape, want);
        for (gsize i = 0; i < n; i++)
            if ((double)((const float *)out.data)[i] != want[i])
                g_error("%s: element %" G_GSIZE_FORMAT " is %g, it should be %g", equation, i, (double)((const float *)out.data)[i], want[i]);
        g_free(want);
        g_free(equation);
        sth_aligned_free(out.data);
        op_harness_clear(&harness);
    }
}

/* Equations that are refused, with words of the message; inputs are 2x3 and 3x4. */
static void test_refused(void)
{
    static const struct {
        const char *equation, *words;
    } rows[] = {
        {"ij->ij", "does not fit 2 inputs"},      {"ij,jk->il", "no input has"},         {"ij,jk->ii", "one twice"},
        {"ijk,jk->i", "which has 2 axes"},        {"ik,jk->i", "of that index"},         {"i1,jk->i", "no list of letters"},
        {"i...j...,jk->i", "no list of letters"}, {"ij,jk->i->j", "no list of letters"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const SthShape a = {.rank = 2, .dims = {2, 3}}, b = {.rank = 2, .dims = {3, 4}};
        OpHarness harness;
        GError *error = NULL;
        op_harness_init(&harness, "Einsum", 12);
        op_harness_random(&harness, &a);
        op_harness_random(&harness, &b);
        sth_node_set_string(harness.node, "equation", rows[i].equation);
        g_assert_false(harness.node->op->infer(harness.node, &error));
        g_assert_error(error, STH_ERROR, STH_ERROR_UNSUPPORTED);
        if (!strstr(error->message, rows[i].words))
            g_error("%s: %s", rows[i].equation, error->message);
        g_error_free(error);
        op_harness_clear(&harness);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ops/einsum/random", test_random);
    g_test_add_func("/ops/einsum/refused", test_refused);
    return g_test_run();
}
