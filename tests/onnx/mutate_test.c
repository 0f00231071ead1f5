/* A thousand spoilt models: each is refused with a message, or opens and runs. Run under the sanitizers, this is what stands between a downloaded
 * file and the process that opens it.
 *
 * The mutations follow from the seed alone. Half of them go by protobuf's structure, so that they get past the parser: a number, a length-delimited
 * field or a whole message is changed, dropped, doubled or exchanged.
 *
 * usage: onnx-mutate-test MODEL.onnx…
 * SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include <glib/gstdio.h>
#include <onnx.pb-c.h>
#include <sth/sth.h>

#define MUTATIONS 1000
#define SEED 20032042
/* Of weights and session: a spoilt shape must not cost the test's machine more. */
#define MEMORY_LIMIT ((guint64)48 << 20)
/* Multiply-accumulates of a model that is still run: a spoilt stride may ask for minutes. */
#define MAX_MACS 200000000

/* A field as it stands in the file. */
typedef struct {
    gsize start, value, end; /* of the tag, of what follows it (behind the length), of the field */
    guint wire;              /* 0: number, 2: length-delimited, 1 and 5: fixed */
    guint parent;            /* index of the message around it; G_MAXUINT: the model */
} Field;

static GRand *dice;
static char *path;
static guint n_refused, n_run, n_opened;

static gsize pick(gsize n)
{
    return n > 0 ? (gsize)g_rand_int_range(dice, 0, (gint32)MIN(n, G_MAXINT32)) : 0;
}

static guint64 read_varint(const guint8 *data, gsize *at)
{
    guint64 value = 0;
    guint shift = 0;
    do {
        value |= (guint64)(data[*at] & 0x7f) << shift;
        shift += 7;
    } while (data[(*at)++] & 0x80);
    return value;
}

/* The fields of a good message, with those of the messages in it. */
static void list_fields(const guint8 *data, gsize start, gsize end, const ProtobufCMessageDescriptor *type, guint parent, GArray *fields)
{
    for (gsize at = start; at < end;) {
        Field field = {.start = at, .parent = parent};
        guint64 tag = read_varint(data, &at);
        const ProtobufCFieldDescriptor *known = protobuf_c_message_descriptor_get_field(type, (unsigned)(tag >> 3));
        field.wire = tag & 7;
        field.value = at;
        if (field.wire == 0) {
            read_varint(data, &at);
        } else if (field.wire == 2) {
            gsize length = read_varint(data, &at);
            field.value = at;
            at += length;
        } else {
            at += field.wire == 1 ? 8 : 4;
        }
        field.end = at;
        guint index = fields->len;
        g_array_append_val(fields, field);
        if (field.wire == 2 && known != NULL && known->type == PROTOBUF_C_TYPE_MESSAGE)
            list_fields(data, field.value, field.end, known->descriptor, index, fields);
    }
}

static void append_varint(GByteArray *bytes, guint64 value)
{
    do {
        guint8 byte = (guint8)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        g_byte_array_append(bytes, &byte, 1);
        value >>= 7;
    } while (value > 0);
}

/* The file with @field's bytes replaced by @with; the lengths of all messages around it are put right. */
static GByteArray *replace_field(const guint8 *data, gsize size, const GArray *fields, guint index, const GByteArray *with)
{
    const Field *field = &g_array_index(fields, Field, index);
    GByteArray *inner = g_byte_array_new();
    g_byte_array_append(inner, with->data, with->len);
    gsize from = field->start, to = field->end;
    for (guint parent = field->parent; parent != G_MAXUINT;) {
        const Field *around = &g_array_index(fields, Field, parent);
        GByteArray *outer = g_byte_array_new();
        gsize tag_end = around->start;
        read_varint(data, &tag_end);
        g_byte_array_append(outer, data + around->start, (guint)(tag_end - around->start));
        append_varint(outer, (from - around->value) + inner->len + (around->end - to));
        g_byte_array_append(outer, data + around->value, (guint)(from - around->value));
        g_byte_array_append(outer, inner->data, inner->len);
        g_byte_array_append(outer, data + to, (guint)(around->end - to));
        g_byte_array_unref(inner);
        inner = outer;
        from = around->start;
        to = around->end;
        parent = around->parent;
    }
    g_byte_array_prepend(inner, data, (guint)from);
    g_byte_array_append(inner, data + to, (guint)(size - to));
    return inner;
}

/* Numbers on which arithmetic breaks, and small ones on which it does not. */
static guint64 nasty_number(void)
{
    static const gint64 numbers[] = {0, 1, 2, 3, 7, 8, 9, 16, 255, 65536, G_MAXINT32, (gint64)G_MAXINT32 + 1, G_MAXINT64, -1, -2, -8, G_MININT64};
    return (guint64)numbers[pick(G_N_ELEMENTS(numbers))];
}

static void append_tag(GByteArray *bytes, const guint8 *data, const Field *field)
{
    gsize at = field->start;
    read_varint(data, &at);
    g_byte_array_append(bytes, data + field->start, (guint)(at - field->start));
}

/* The same tag with other contents. */
static void change_contents(GByteArray *with, const guint8 *data, const Field *field, const Field *other)
{
    append_tag(with, data, field);
    if (field->wire == 0) {
        append_varint(with, nasty_number());
    } else if (field->wire == 2 && other->wire == 2) {
        append_varint(with, other->end - other->value);
        g_byte_array_append(with, data + other->value, (guint)(other->end - other->value));
    } else if (field->wire == 2) {
        append_varint(with, 0);
    } else {
        for (gsize i = field->value; i < field->end; i++)
            g_byte_array_append(with, (const guint8[]){(guint8)pick(256)}, 1);
    }
}

static GByteArray *mutate_field(const guint8 *data, gsize size, const GArray *fields)
{
    guint index = (guint)pick(fields->len);
    const Field *field = &g_array_index(fields, Field, index), *other = &g_array_index(fields, Field, pick(fields->len));
    GByteArray *with = g_byte_array_new();
    guint length = (guint)(field->end - field->start);
    switch (pick(8)) {
    case 0: /* dropped */
        break;
    case 1: /* doubled */
        g_byte_array_append(with, data + field->start, length);
        g_byte_array_append(with, data + field->start, length);
        break;
    case 2: /* another field in its place */
        g_byte_array_append(with, data + other->start, (guint)(other->end - other->start));
        break;
    case 3: /* a byte of its contents */
        g_byte_array_append(with, data + field->start, length);
        if (field->end > field->value)
            with->data[field->value - field->start + pick(field->end - field->value)] ^= (guint8)(1 + pick(255));
        break;
    default:
        change_contents(with, data, field, other);
    }
    GByteArray *result = replace_field(data, size, fields, index, with);
    g_byte_array_unref(with);
    return result;
}

static GByteArray *mutate_bytes(const guint8 *data, gsize size)
{
    GByteArray *result = g_byte_array_new();
    gsize cut = pick(size), length = pick(16);
    g_byte_array_append(result, data, (guint)size);
    switch (pick(4)) {
    case 0: /* truncated */
        g_byte_array_set_size(result, (guint)cut);
        break;
    case 1: /* a piece is missing */
        g_byte_array_remove_range(result, (guint)cut, (guint)MIN(length, size - cut));
        break;
    default: /* some bytes are others; the first tenth of a file is nodes more often than weights */
        for (gsize n = 1 + length / 4; n > 0; n--)
            result->data[pick(n % 2 ? size : size / 10)] = (guint8)pick(256);
    }
    return result;
}

static void run(SthModel *model)
{
    GError *error = NULL;
    SthSession *session = sth_session_new(model, 1, &error);
    g_assert_no_error(error);
    for (guint i = 0; i < sth_model_get_n_inputs(model); i++) {
        const SthTensor *input = sth_session_get_input(session, i);
        memset(input->data, 0, sth_tensor_bytes(input));
    }
    sth_session_run(session);
    sth_session_free(session);
    n_run++;
}

/* Not g_file_set_contents(), which waits for the disk each time. */
static void write_file(const GByteArray *bytes)
{
    FILE *file = fopen(path, "wb");
    g_assert_nonnull(file);
    g_assert_cmpuint(fwrite(bytes->data, 1, bytes->len, file), ==, bytes->len);
    g_assert_cmpint(fclose(file), ==, 0);
}

/* Opens what may be anything; runs it if it is a model. */
static void try_model(const GByteArray *bytes)
{
    static const SthModelOptions options = {.memory_limit = MEMORY_LIMIT};
    GError *error = NULL;
    write_file(bytes);
    gint64 start = g_get_monotonic_time();
    SthModel *model = sth_model_open(path, &options, &error);
    gint64 taken = g_get_monotonic_time() - start;
    g_assert_true((model == NULL) == (error != NULL));
    if (error != NULL) {
        g_assert_true(error->domain == STH_ERROR && g_utf8_validate(error->message, -1, NULL));
        /* An error of one line for people; a second is what they wait, ten what a sanitizer takes for it. */
        g_assert_null(strchr(error->message, '\n'));
        g_assert_cmpint(taken, <, 10 * G_USEC_PER_SEC);
        g_error_free(error);
        n_refused++;
        return;
    }
    n_opened++;
    if (sth_model_get_macs(model) <= MAX_MACS)
        run(model);
    sth_model_unref(model);
}

static void test_mutations(gconstpointer data)
{
    char *const *models = (char *const *)data;
    guint n_models = g_strv_length((char **)models), round = 0;
    dice = g_rand_new_with_seed(SEED);
    for (guint m = 0; m < n_models; m++) {
        char *model;
        gsize size;
        g_assert_true(g_file_get_contents(models[m], &model, &size, NULL));
        const guint8 *bytes = (const guint8 *)model;
        GArray *fields = g_array_new(FALSE, FALSE, sizeof(Field));
        list_fields(bytes, 0, size, &onnx__model_proto__descriptor, G_MAXUINT, fields);
        for (; round < MUTATIONS * (m + 1) / n_models; round++) {
            GByteArray *spoilt = round % 4 == 0 ? mutate_bytes(bytes, size) : mutate_field(bytes, size, fields);
            try_model(spoilt);
            g_byte_array_unref(spoilt);
        }
        g_array_unref(fields);
        g_free(model);
    }
    g_rand_free(dice);
    g_test_message("%u mutations of %u models: %u refused, %u opened, of these %u run", round, n_models, n_refused, n_opened, n_run);
    g_assert_cmpuint(n_refused + n_opened, ==, MUTATIONS);
    /* Neither kind may be all: then the mutations would be too coarse, or the checks blind. */
    g_assert_cmpuint(n_refused, >, MUTATIONS / 5);
    g_assert_cmpuint(n_run, >, MUTATIONS / 10);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(argc, >, 1);
    char *folder = g_dir_make_tmp("sth-mutate-XXXXXX", NULL);
    path = g_build_filename(folder, "spoilt.onnx", NULL);
    g_test_add_data_func("/onnx/mutate", argv + 1, test_mutations);
    int result = g_test_run();
    g_unlink(path);
    g_rmdir(folder);
    g_free(path);
    g_free(folder);
    return result;
}
