/* Draws scenes. Everything random comes from one row of numbers per scene, so scenes do not depend
 * on each other. */
#include "data/scenes.h"

#include "base/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SOURCE_SIDE 128 /* of own pictures, at most */
#define DARK        8   /* a pixel that is not brighter is no garment */
#define HOLE        16  /* smaller dark spots inside a garment belong to it */
#define PLACES      24  /* tries to place one garment */
#define VISIBLE     0.6 /* of every garment, at least */
#define LEAST       40  /* ... and so many pixels */

const LimParamSpec lim_scene_schema[] = {
    {.name = "scene-seed",
     .label = "Seed of scenes",
     .help = "The same seed gives the same scenes.",
     .unit = "",
     .kind = LIM_SEED,
     .offset = offsetof(LimSceneSettings, seed),
     .def = 1},
    {.name = "size",
     .label = "Size",
     .help = "Side of the square picture, a multiple of 8.",
     .unit = "px",
     .kind = LIM_INT,
     .offset = offsetof(LimSceneSettings, size),
     .min = 48,
     .max = LIM_SCENE_SIDE,
     .def = 128},
    {.name = "fewest",
     .label = "Fewest garments",
     .help = "A scene has at least so many garments, unless no place is left.",
     .unit = "garments",
     .kind = LIM_INT,
     .offset = offsetof(LimSceneSettings, fewest),
     .min = 1,
     .max = LIM_SCENE_GARMENTS,
     .def = 2},
    {.name = "most",
     .label = "Most garments",
     .help = "A scene has at most so many garments.",
     .unit = "garments",
     .kind = LIM_INT,
     .offset = offsetof(LimSceneSettings, most),
     .min = 1,
     .max = LIM_SCENE_GARMENTS,
     .def = 4},
    {0}};

const char *const lim_scene_splits[] = {"train", "validation", "test", NULL};

/* What the ten classes of Fashion-MNIST become; 0 is the background. */
static const int fashion_group[10] = {1, 2, 1, 3, 1, 4, 1, 5, 6, 7};
static const char *const fashion_names[] = {"background", "top",     "trousers", "dress",
                                            "sandal",     "sneaker", "bag",      "boot"};

struct LimScenes {
    LimSceneSettings s;
    const LimDataset *d;
    LimDataset *owned;
    LimDataset naming; /* only name, classes and their names */
    uint64_t stream;
    int n_sources;
    uint32_t *source; /* [n_sources] by class */
    int *first;       /* [classes + 1]: of each class in source */
};

/* ---- which pictures --------------------------------------------------------------------------
 */

/* Is picture number k of its class in the split? */
static bool
in_split(const LimDataset *d, LimSceneSplit split, int k)
{
    if (strcmp(d->split, "all") != 0)
        return split == LIM_SCENE_TEST || (k % 6 == 5) == (split == LIM_SCENE_VALIDATION);
    return split == (k % 6 == 5   ? LIM_SCENE_TEST
                     : k % 6 == 4 ? LIM_SCENE_VALIDATION
                                  : LIM_SCENE_TRAIN);
}

static void
name_classes(LimScenes *s)
{
    const LimDataset *d = s->d;
    const bool fashion = strcmp(d->name, "fashion-mnist") == 0 && d->classes == 10;
    LimDataset *n = &s->naming;
    memcpy(n->name, d->name, sizeof n->name);
    n->classes = fashion ? 8 : d->classes + 1;
    n->class_names = lim_alloc((size_t)n->classes, sizeof *n->class_names);
    strcpy(n->class_names[0], fashion_names[0]);
    for (int k = 1; k < n->classes; k++)
        if (fashion)
            strcpy(n->class_names[k], fashion_names[k]);
        else
            memcpy(n->class_names[k], d->class_names[k - 1], sizeof n->class_names[k]);
}

/* The class in masks of a picture. */
static int
group_of(const LimScenes *s, int i)
{
    const int label = s->d->labels[i];
    return s->naming.classes == s->d->classes + 1 ? label + 1 : fashion_group[label];
}

static void
sort_sources(LimScenes *s, LimSceneSplit split)
{
    const int classes = s->naming.classes;
    int *seen = lim_alloc((size_t)classes, sizeof *seen); /* of each class so far */
    s->first = lim_alloc((size_t)classes + 1, sizeof *s->first);
    s->source = lim_alloc((size_t)s->d->n, sizeof *s->source);
    for (int k = 1; k < classes; k++) {
        s->first[k] = s->n_sources;
        for (int i = 0; i < s->d->n; i++)
            if (group_of(s, i) == k && in_split(s->d, split, seen[k]++))
                s->source[s->n_sources++] = (uint32_t)i;
    }
    s->first[classes] = s->n_sources;
    free(seen);
}

LimScenes *
lim_scenes_new(const LimSceneSettings *p, const LimDataset *d, LimSceneSplit split, LimError *err)
{
    if (lim_params_check(lim_scene_schema, p, err) != LIM_OK)
        return NULL;
    if (p->size % 8 || p->most < p->fewest) {
        lim_fail(err, LIM_E_PARAM,
                 p->size % 8 ? "the size of scenes must be a multiple of 8"
                             : "--most must not be smaller than --fewest");
        return NULL;
    }
    if (d->h > SOURCE_SIDE || d->w > SOURCE_SIDE) {
        lim_fail(err, LIM_E_PARAM, "the pictures have %dx%d pixels; scenes take up to %dx%d", d->w,
                 d->h, SOURCE_SIDE, SOURCE_SIDE);
        return NULL;
    }
    LimScenes *s = lim_alloc(1, sizeof *s);
    s->s = *p;
    s->d = d;
    s->stream = lim_rng_stream(LIM_STREAM_SCENE, lim_scene_splits[split], 0);
    name_classes(s);
    sort_sources(s, split);
    for (int k = 1; k < s->naming.classes; k++)
        if (s->first[k] == s->first[k + 1]) {
            lim_fail(err, LIM_E_PARAM,
                     "the %s pictures of %s have none of class %s; add some (six of a class are "
                     "always enough)",
                     lim_scene_splits[split], d->name, s->naming.class_names[k]);
            lim_scenes_free(s);
            return NULL;
        }
    return s;
}

LimScenes *
lim_scenes_open(const LimSceneSettings *p, const char *dir, LimSceneSplit split, LimError *err)
{
    LimDataset *d = lim_dataset_open(dir, split == LIM_SCENE_TEST ? "test" : "train", err);
    LimScenes *s = d ? lim_scenes_new(p, d, split, err) : NULL;
    if (s)
        s->owned = d;
    else
        lim_dataset_free(d);
    return s;
}

void
lim_scenes_free(LimScenes *s)
{
    if (!s)
        return;
    lim_dataset_free(s->owned);
    free(s->naming.class_names);
    free(s->source);
    free(s->first);
    free(s);
}

int
lim_scenes_size(const LimScenes *s)
{
    return s->s.size;
}

int
lim_scenes_classes(const LimScenes *s)
{
    return s->naming.classes;
}

const char *
lim_scenes_class_name(const LimScenes *s, int k)
{
    return s->naming.class_names[k];
}

const LimDataset *
lim_scenes_naming(const LimScenes *s)
{
    return &s->naming;
}

int
lim_scenes_sources(const LimScenes *s)
{
    return s->n_sources;
}

/* ---- dice ------------------------------------------------------------------------------------
 */

typedef struct Dice {
    uint64_t seed, stream, next;
} Dice;

static double
uniform(Dice *d, double from, double to)
{
    const double u = (double)(lim_rng_u64(d->seed, d->stream, d->next++) >> 11) * 0x1p-53;
    return from + (to - from) * u;
}

static int
below(Dice *d, int n)
{
    return (int)lim_rng_below(d->seed, d->stream, d->next++, (uint32_t)n);
}

/* Hue in turns, saturation and value in [0,1]. */
static void
colour(double hue, double saturation, double value, float rgb[3])
{
    for (int c = 0; c < 3; c++) {
        const double t = fabs(6 * (hue + (3 - c) / 3.0 - floor(hue + (3 - c) / 3.0)) - 3) - 1;
        const double pure = t < 0 ? 0 : t > 1 ? 1 : t;
        rgb[c] = (float)(value * (1 + saturation * (pure - 1)));
    }
}

static void
draw_colour(Dice *d, double s0, double s1, double v0, double v1, float rgb[3])
{
    const double hue = uniform(d, 0, 1), saturation = uniform(d, s0, s1);
    colour(hue, saturation, uniform(d, v0, v1), rgb);
}

/* ---- background ------------------------------------------------------------------------------
 */

/* Two colours blended by two waves (stripes, or a weave where they cross) and smooth noise. */
static void
background(Dice *d, int size, float *x)
{
    enum { GRID = 9 };
    float a[3], b[3], noise[GRID][GRID];
    double wave[2][3];
    draw_colour(d, 0.05, 0.5, 0.2, 0.85, a);
    draw_colour(d, 0.05, 0.5, 0.2, 0.85, b);
    for (int k = 0; k < 2; k++) {
        const double angle = uniform(d, 0, 6.2831853), length = uniform(d, 4, 24);
        wave[k][0] = cos(angle) * 6.2831853 / length;
        wave[k][1] = sin(angle) * 6.2831853 / length;
        wave[k][2] = uniform(d, 0, 6.2831853);
    }
    for (int i = 0; i < GRID * GRID; i++)
        noise[i / GRID][i % GRID] = (float)uniform(d, -1, 1);
    const double weave = uniform(d, 0, 0.5), rough = uniform(d, 0.1, 0.6);
    const double contrast = uniform(d, 0.15, 0.5);
    for (int y = 0; y < size; y++)
        for (int i = 0; i < size; i++) {
            const double gx = (double)i * (GRID - 1) / size, gy = (double)y * (GRID - 1) / size;
            const int nx = (int)gx, ny = (int)gy;
            const double fx = gx - nx, fy = gy - ny;
            const double n =
                (1 - fy) * ((1 - fx) * (double)noise[ny][nx] + fx * (double)noise[ny][nx + 1]) +
                fy * ((1 - fx) * (double)noise[ny + 1][nx] + fx * (double)noise[ny + 1][nx + 1]);
            double w[2];
            for (int k = 0; k < 2; k++)
                w[k] = sin(wave[k][0] * i + wave[k][1] * y + wave[k][2]);
            double t =
                0.5 + contrast * ((1 - rough) * ((1 - weave) * w[0] + weave * w[1]) + rough * n);
            t = t < 0 ? 0 : t > 1 ? 1 : t;
            for (int c = 0; c < 3; c++)
                x[((size_t)c * (size_t)size + (size_t)y) * (size_t)size + (size_t)i] =
                    (float)(t * (double)a[c] + (1 - t) * (double)b[c]);
        }
}

/* ---- garments --------------------------------------------------------------------------------
 */

/* belongs [h][w]: 1 where the picture shows the garment. */
static void
silhouette(const LimDataset *d, uint32_t index, uint8_t *belongs)
{
    const int h = d->h, w = d->w, n = h * w;
    const uint8_t *p = d->pixels + (size_t)index * (size_t)d->c * (size_t)n;
    uint16_t stack[SOURCE_SIDE * SOURCE_SIDE];
    enum { UNSEEN = 2 };
    for (int i = 0; i < n; i++) {
        int top = 0;
        for (int c = 0; c < d->c; c++)
            top = p[c * n + i] > top ? p[c * n + i] : top;
        belongs[i] = top > DARK ? 1 : UNSEEN;
    }
    for (int start = 0; start < n; start++) {
        if (belongs[start] != UNSEEN)
            continue;
        /* the dark spot that this pixel is part of: the stack keeps all of it */
        int count = 0;
        bool border = false;
        stack[count++] = (uint16_t)start;
        belongs[start] = 0;
        for (int done = 0; done < count; done++) {
            const int i = stack[done], y = i / w, x = i % w;
            border |= !x || !y || x == w - 1 || y == h - 1;
            const int next[4] = {x ? i - 1 : i, x < w - 1 ? i + 1 : i, y ? i - w : i,
                                 y < h - 1 ? i + w : i};
            for (int k = 0; k < 4; k++)
                if (belongs[next[k]] == UNSEEN) {
                    belongs[next[k]] = 0;
                    stack[count++] = (uint16_t)next[k];
                }
        }
        for (int i = 0; !border && count < HOLE && i < count; i++)
            belongs[stack[i]] = 1;
    }
}

typedef struct Place {
    double cx, cy, scale, cosine, sine;
    bool mirrored;
    int x0, y0, x1, y1; /* what it can cover */
} Place;

static Place
draw_place(Dice *d, const LimDataset *set, int size)
{
    Place p;
    const double side = size * uniform(d, 0.34, 0.58);
    const double angle = uniform(d, -0.6, 0.6);
    p.scale = side / (set->h > set->w ? set->h : set->w);
    p.cosine = cos(angle) / p.scale;
    p.sine = sin(angle) / p.scale;
    p.cx = uniform(d, 0.45 * side, size - 0.45 * side);
    p.cy = uniform(d, 0.45 * side, size - 0.45 * side);
    p.mirrored = below(d, 2);
    const int reach = (int)(0.75 * side) + 2;
    p.x0 = (int)p.cx > reach ? (int)p.cx - reach : 0;
    p.y0 = (int)p.cy > reach ? (int)p.cy - reach : 0;
    p.x1 = (int)p.cx + reach < size ? (int)p.cx + reach : size;
    p.y1 = (int)p.cy + reach < size ? (int)p.cy + reach : size;
    return p;
}

/* Where the middle of pixel x, y lies in the source picture, in its pixels. */
static void
source_of(const Place *p, const LimDataset *d, int x, int y, double *u, double *v)
{
    const double dx = x + 0.5 - p->cx, dy = y + 0.5 - p->cy;
    *u = p->cosine * dx + p->sine * dy;
    *v = p->cosine * dy - p->sine * dx + 0.5 * d->h - 0.5;
    *u = (p->mirrored ? -*u : *u) + 0.5 * d->w - 0.5;
}

/* Bilinear; 0 outside. */
static double
sample(const uint8_t *plane, int h, int w, double u, double v)
{
    const int x = (int)floor(u), y = (int)floor(v);
    const double fx = u - x, fy = v - y;
    double sum = 0;
    for (int k = 0; k < 4; k++) {
        const int i = x + (k & 1), j = y + (k >> 1);
        if (i >= 0 && j >= 0 && i < w && j < h)
            sum += (k & 1 ? fx : 1 - fx) * (k >> 1 ? fy : 1 - fy) * plane[j * w + i];
    }
    return sum;
}

typedef struct Canvas {
    int size;
    float *x;                                       /* [3][size][size] in [0,1] */
    uint8_t owner[LIM_SCENE_SIDE * LIM_SCENE_SIDE]; /* garment + 1; 0: background */
    float cover[LIM_SCENE_SIDE * LIM_SCENE_SIDE];   /* of the garment being placed */
    int whole[LIM_SCENE_GARMENTS];                  /* pixels of each, covered or not */
    int visible[LIM_SCENE_GARMENTS];
} Canvas;

/* Fills cover; true when the garment has pixels enough and leaves the others enough of theirs. */
static bool
fits(Canvas *c, const LimDataset *d, const uint8_t *belongs, const Place *p, int n)
{
    int left[LIM_SCENE_GARMENTS], pixels = 0;
    memcpy(left, c->visible, sizeof left);
    for (int y = p->y0; y < p->y1; y++)
        for (int x = p->x0; x < p->x1; x++) {
            double u, v;
            source_of(p, d, x, y, &u, &v);
            const float a = (float)sample(belongs, d->h, d->w, u, v);
            c->cover[y * c->size + x] = a;
            if (a >= 0.5f) {
                pixels++;
                const int below_it = c->owner[y * c->size + x];
                if (below_it)
                    left[below_it - 1]--;
            }
        }
    if (pixels < LEAST)
        return false;
    for (int i = 0; i < n; i++)
        if (left[i] < LEAST || left[i] < VISIBLE * c->whole[i])
            return false;
    memcpy(c->visible, left, sizeof left);
    c->whole[n] = c->visible[n] = pixels;
    return true;
}

static float
cover_at(const Canvas *c, const Place *p, int x, int y)
{
    return x < p->x0 || y < p->y0 || x >= p->x1 || y >= p->y1 ? 0 : c->cover[y * c->size + x];
}

/* Paints shadow and garment. Grey sources take a colour, the darker the darker the source. */
static void
paint(Canvas *c, const LimDataset *d, uint32_t index, const Place *p, int n, const float rgb[3])
{
    const size_t area = (size_t)c->size * (size_t)c->size, plane = (size_t)d->h * (size_t)d->w;
    const uint8_t *pixels = d->pixels + (size_t)index * (size_t)d->c * plane;
    for (int y = 0; y < c->size; y++)
        for (int x = 0; x < c->size; x++) {
            const int at = y * c->size + x;
            const float a = cover_at(c, p, x, y), shadow = cover_at(c, p, x - 2, y - 2);
            if (a <= 0 && shadow <= 0)
                continue;
            double u, v;
            source_of(p, d, x, y, &u, &v);
            for (int k = 0; k < 3; k++) {
                const double value =
                    sample(pixels + (d->c == 3 ? (size_t)k * plane : 0), d->h, d->w, u, v) / 255 /
                    (a > 0.25f ? (double)a : 1);
                const double lit = value < 1 ? value : 1;
                const double colour = d->c == 3 ? lit : (double)rgb[k] * (0.3 + 0.7 * lit);
                float *out = c->x + (size_t)k * area + at;
                *out *= 1 - 0.4f * shadow;
                *out += a * ((float)colour - *out);
            }
            if (a >= 0.5f)
                c->owner[at] = (uint8_t)(n + 1);
        }
}

static void
finish(const Canvas *c, int32_t *mask, LimScene *scene)
{
    for (int i = 0; i < scene->n; i++) {
        LimSceneObject *o = &scene->object[i];
        o->box[0] = o->box[1] = (float)c->size;
        o->box[2] = o->box[3] = 0;
        o->pixels = 0;
    }
    for (int y = 0; y < c->size; y++)
        for (int x = 0; x < c->size; x++) {
            const int owner = c->owner[y * c->size + x];
            if (mask)
                mask[y * c->size + x] = owner ? scene->object[owner - 1].label : 0;
            if (!owner)
                continue;
            LimSceneObject *o = &scene->object[owner - 1];
            o->box[0] = fminf(o->box[0], (float)x);
            o->box[1] = fminf(o->box[1], (float)y);
            o->box[2] = fmaxf(o->box[2], (float)x + 1);
            o->box[3] = fmaxf(o->box[3], (float)y + 1);
            o->pixels++;
        }
}

void
lim_scenes_draw(const LimScenes *s, uint64_t index, float *x, int32_t *mask, LimScene *scene)
{
    Dice d = {s->s.seed, lim_rng_stream(s->stream, "scene", index), 0};
    Canvas c = {.size = s->s.size, .x = x};
    LimScene own;
    if (!scene)
        scene = &own;
    scene->n = 0;
    background(&d, c.size, x);
    const int wanted = s->s.fewest + below(&d, s->s.most - s->s.fewest + 1);
    for (int i = 0; i < wanted; i++) {
        const int label = 1 + below(&d, s->naming.classes - 1);
        const uint32_t source =
            s->source[s->first[label] + below(&d, s->first[label + 1] - s->first[label])];
        float rgb[3];
        draw_colour(&d, 0.15, 0.9, 0.55, 1, rgb);
        uint8_t belongs[SOURCE_SIDE * SOURCE_SIDE];
        silhouette(s->d, source, belongs);
        for (int place = 0; place < PLACES; place++) {
            const Place p = draw_place(&d, s->d, c.size);
            if (!fits(&c, s->d, belongs, &p, scene->n))
                continue;
            paint(&c, s->d, source, &p, scene->n, rgb);
            scene->object[scene->n++] = (LimSceneObject){.label = label, .source = source};
            break;
        }
    }
    finish(&c, mask, scene);
    for (size_t i = 0; i < 3 * (size_t)c.size * (size_t)c.size; i++)
        x[i] = rintf(x[i] * 255) / 127.5f - 1;
}

int
lim_scene_garment_at(const LimScene *scene, const int32_t *mask, int size, int x, int y)
{
    const float cx = (float)x + 0.5f, cy = (float)y + 0.5f;
    int at = -1;
    for (int k = 0; k < scene->n; k++) {
        const LimSceneObject *o = &scene->object[k];
        if (o->label == mask[y * size + x] && cx > o->box[0] && cy > o->box[1] && cx < o->box[2] &&
            cy < o->box[3])
            at = k;
    }
    return at;
}
