/* Einsum's equations. SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/equation.h"

#include <string.h>

#define LETTERS (2 * 26)

/* A…Z, a…z: 0…51. */
static guint8 letter_index(char letter)
{
    return (guint8)(g_ascii_isupper(letter) ? letter - 'A' : letter - 'a' + 26);
}

/* The letters and the ellipsis of a term. An ellipsis stands for @dots axes, the last of which is always the same index. */
static gboolean read_term(SthTerm *term, const char *text, guint dots, const SthNode *node, GError **error)
{
    gboolean seen = FALSE;

    term->rank = 0;
    for (const char *c = text; *c; c++) {
        const gboolean ellipsis = g_str_has_prefix(c, "...");
        const guint count = ellipsis ? dots : 1;

        if (*c == ' ')
            continue;
        if ((ellipsis && seen) || (!ellipsis && !g_ascii_isalpha(*c)))
            return sth_op_error(node, error, "'%s' in the equation is no list of letters with one ellipsis at most", text);
        if (term->rank + count > STH_MAX_RANK)
            return sth_op_error(node, error, "'%s' in the equation has more than %d axes", text, STH_MAX_RANK);
        for (guint i = 0; i < count; i++)
            term->index[term->rank++] = ellipsis ? (guint8)(LETTERS + STH_MAX_RANK - dots + i) : letter_index(*c);
        seen = seen || ellipsis;
        c += ellipsis ? 2 : 0;
    }
    return TRUE;
}

static guint count_letters(const char *text)
{
    guint n = 0;

    for (; *text; text++)
        n += g_ascii_isalpha(*text) ? 1 : 0;
    return n;
}

static gboolean read_input(SthEquation *e, guint i, const char *text, const SthNode *node, guint *dots, GError **error)
{
    const SthShape *shape = &sth_op_in(node, i)->shape;
    const guint letters = count_letters(text), own = strstr(text, "...") && shape->rank > letters ? shape->rank - letters : 0;

    if (!read_term(&e->in[i], text, own, node, error))
        return FALSE;
    if (e->in[i].rank != shape->rank)
        return sth_op_error(node, error, "'%s' in the equation does not fit input %u, which has %u axes", text, i, shape->rank);
    *dots = MAX(*dots, own);
    for (guint axis = 0; axis < shape->rank; axis++) {
        gint64 *dim = &e->dims[e->in[i].index[axis]];

        if (*dim < 0 || *dim == 1)
            *dim = shape->dims[axis];
        else if (shape->dims[axis] != *dim && shape->dims[axis] != 1)
            return sth_op_error(node, error, "axis %u of input %u is %" G_GINT64_FORMAT " long, another of that index %" G_GINT64_FORMAT, axis, i,
                                shape->dims[axis], *dim);
    }
    return TRUE;
}

/* Without "->": the ellipsis, then in order all letters that there is one of. */
static gboolean imply_output(SthEquation *e, const char *text, const SthNode *node, guint dots, GError **error)
{
    GString *letters = g_string_new(dots > 0 ? "..." : "");
    gboolean done;

    for (char c = 'A'; c <= 'z'; c++)
        if (g_ascii_isalpha(c) && strchr(text, c) && strchr(text, c) == strrchr(text, c))
            g_string_append_c(letters, c);
    done = read_term(&e->out, letters->str, dots, node, error);
    g_string_free(letters, TRUE);
    return done;
}

static gboolean check_output(const SthEquation *e, const SthNode *node, GError **error)
{
    guint64 seen = 0;

    for (guint i = 0; i < e->out.rank; i++) {
        const guint index = e->out.index[i];

        if (e->dims[index] < 0 || seen >> index & 1)
            return sth_op_error(node, error, "the equation's result has an index that no input has, or one twice");
        seen |= (guint64)1 << index;
    }
    return TRUE;
}

gboolean sth_equation_read(SthEquation *e, const SthNode *node, GError **error)
{
    const char *text = sth_node_string(node, "equation", "");
    /* An empty string splits into nothing, but is the term of a scalar. */
    char **sides = g_strsplit(text, "->", 2), **terms = g_strsplit(sides[0] && *sides[0] ? sides[0] : " ", ",", -1);
    gboolean done = TRUE;
    guint dots = 0;

    e->n_in = node->inputs->len;
    for (guint i = 0; i < STH_EQUATION_INDICES; i++)
        e->dims[i] = -1;
    if (!sides[0] || g_strv_length(terms) != e->n_in || e->n_in > STH_EQUATION_TERMS)
        done = sth_op_error(node, error, "the equation '%s' does not fit %u inputs", text, e->n_in);
    for (guint i = 0; done && i < e->n_in; i++)
        done = read_input(e, i, terms[i], node, &dots, error);
    if (done)
        done = sides[1] ? read_term(&e->out, sides[1], dots, node, error) : imply_output(e, sides[0], node, dots, error);
    g_strfreev(terms);
    g_strfreev(sides);
    return done && check_output(e, node, error);
}
