/* Whether the cost model of Winograd's algorithm chooses as a measurement would: winograd-measured.tsv holds what tests/bench/winograd-bench measured
 * on a quiet machine. No time is taken here.
 *
 * usage: winograd-cost-test winograd-measured.tsv
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/winograd_pack.h"
#include "winograd-layers.h"

#define MOST_LOST 1.1 /* what is chosen takes at most so many times what would be best */

static GArray *layers;

static void test_choice(gconstpointer data)
{
    const WinogradLayer *layer = &g_array_index(layers, WinogradLayer, GPOINTER_TO_UINT(data));
    g_autofree float *weight = winograd_layer_weight(layer);
    SthConv conv;

    winograd_layer_conv(layer, &conv);
    g_assert_true(sth_winograd_fits(&conv));
    const SthWinogradCost cost = sth_winograd_cost(&conv, weight);
    const double chosen = sth_conv_winograd.takes(&conv, weight) ? layer->winograd_ms : layer->other_ms;

    g_test_message("%ux%u channels, %u frames of %ux%u, %u/8 temporal: the model says %.2f times as fast, measured was %.2f", layer->out_channels,
                   layer->in_channels, layer->frames, layer->size, layer->size, layer->temporal, cost.direct / cost.winograd,
                   layer->other_ms / layer->winograd_ms);
    g_assert_cmpfloat(chosen, <=, MOST_LOST * MIN(layer->winograd_ms, layer->other_ms));
}

/* Both are chosen somewhere, and somewhere each is faster by so much that the other choice would not pass: the test can fail. */
static void test_both(void)
{
    guint winograd = 0, other = 0;

    for (guint i = 0; i < layers->len; i++) {
        const WinogradLayer *layer = &g_array_index(layers, WinogradLayer, i);
        winograd += layer->winograd_ms * MOST_LOST < layer->other_ms;
        other += layer->other_ms * MOST_LOST < layer->winograd_ms;
    }
    g_assert_cmpuint(winograd, >, 0);
    g_assert_cmpuint(other, >, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    layers = winograd_layers_read(argc > 1 ? argv[1] : "winograd-measured.tsv");
    g_test_add_func("/winograd-cost/both", test_both);
    for (guint i = 0; i < layers->len; i++) {
        const WinogradLayer *layer = &g_array_index(layers, WinogradLayer, i);
        g_autofree char *name =
            g_strdup_printf("/winograd-cost/%ux%u-%u-%u-%u", layer->out_channels, layer->in_channels, layer->frames, layer->size, layer->temporal);
        g_test_add_data_func(name, GUINT_TO_POINTER(i), test_choice);
    }
    return g_test_run();
}
