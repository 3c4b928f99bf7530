/* See golden.h. */
#include "golden.h"

#include "tensor/safetensors.h"

#include <string.h>

static LimStFile *file;
static GPtrArray *tensors;

static const LimTensor *
tensor(const char *name)
{
    LimError err = LIM_ERROR_INIT;
    if (!file) {
        g_autofree char *path = g_build_filename(g_getenv("LIMEN_SOURCE"), "tests", "golden",
                                                 "metrics.safetensors", NULL);
        file = lim_st_open(path, &err);
        tensors = g_ptr_array_new_with_free_func((GDestroyNotify)lim_tensor_unref);
    }
    g_assert_cmpstr(err.text, ==, "");
    LimTensor *t = lim_st_get(file, name, &err);
    g_assert_cmpstr(err.text, ==, "");
    g_ptr_array_add(tensors, t);
    return t;
}

const double *
golden_f64(const char *name, int *length)
{
    const LimTensor *t = tensor(name);
    g_assert_cmpint(lim_tensor_type(t), ==, LIM_F64);
    if (length)
        *length = (int)lim_tensor_size(t);
    return lim_tensor_data(t);
}

const int32_t *
golden_i32(const char *name, int *n)
{
    const LimTensor *t = tensor(name);
    *n = lim_tensor_shape(t).d[1];
    return lim_tensor_i32(t);
}

const float *
golden_f32(const char *name, int *n, int *classes)
{
    const LimTensor *t = tensor(name);
    *n = lim_tensor_shape(t).d[0];
    *classes = lim_tensor_shape(t).d[1];
    return lim_tensor_f32(t);
}

LimFeatures *
golden_features(const char *name)
{
    int n, size;
    const float *x = golden_f32(name, &n, &size);
    LimFeatures *f = lim_features_new(n, size, 3);
    memcpy(f->x, x, (size_t)n * (size_t)size * sizeof *x);
    if (strcmp(name, "samples") == 0)
        memcpy(f->label, lim_tensor_i32(tensor("label")), (size_t)n * sizeof *f->label);
    return f;
}

void
golden_clear(void)
{
    g_clear_pointer(&tensors, g_ptr_array_unref);
    g_clear_pointer(&file, lim_st_free);
}
