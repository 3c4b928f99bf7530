/* limen-cli scenes: makes scenes as files, and shows them with their masks and boxes. */
#include "cli.h"
#include "base/file.h"
#include "data/scene-own.h"
#include "data/scene-sheet.h"
#include "tensor/png.h"
#include "tensor/table.h"

#include <stdlib.h>
#include <string.h>

typedef struct WhichScenes {
    int split, first, count;
} WhichScenes;

static const LimParamSpec which_schema[] = {
    {.name = "split",
     .label = "Split",
     .help = "Scenes for training, validation or test; no two of them share a source picture.",
     .unit = "",
     .kind = LIM_CHOICE,
     .offset = offsetof(WhichScenes, split),
     .choices = lim_scene_splits,
     .def = LIM_SCENE_TEST},
    {.name = "first",
     .label = "First scene",
     .help = "Number of the first scene; there is no last one.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(WhichScenes, first),
     .min = 0,
     .max = 1e9},
    {.name = "count",
     .label = "Scenes",
     .help = "How many.",
     .unit = "scenes",
     .kind = LIM_INT,
     .offset = offsetof(WhichScenes, count),
     .min = 1,
     .max = 10000,
     .def = 8},
    {0}};

/* One scene with its memory. */
typedef struct Drawn {
    LimScenes *scenes;
    int size;
    float *x;
    int32_t *mask;
    LimScene scene;
} Drawn;

static bool
drawn_open(Drawn *d, CliRun *run, LimError *err)
{
    const WhichScenes *w = cli_args_values(&run->args, which_schema);
    *d = (Drawn){.scenes = lim_scenes_open(cli_args_values(&run->args, lim_scene_schema),
                                           cli_data(run), (LimSceneSplit)w->split, err)};
    if (!d->scenes)
        return false;
    d->size = lim_scenes_size(d->scenes);
    const size_t area = (size_t)d->size * (size_t)d->size;
    d->x = lim_alloc(3 * area, sizeof *d->x);
    d->mask = lim_alloc(area, sizeof *d->mask);
    return true;
}

static void
drawn_clear(Drawn *d)
{
    lim_scenes_free(d->scenes);
    free(d->x);
    free(d->mask);
}

static json_t *
classes(const LimScenes *s)
{
    json_t *names = json_array();
    for (int k = 0; k < lim_scenes_classes(s); k++)
        json_array_append_new(names, json_string(lim_scenes_class_name(s, k)));
    return names;
}

/* ---- make -----------------------------------------------------------------------------------
 */

static json_t *
describe(const Drawn *d, int number)
{
    json_t *objects = json_array();
    for (int i = 0; i < d->scene.n; i++) {
        const LimSceneObject *o = &d->scene.object[i];
        json_array_append_new(objects,
                              json_pack("{s:i, s:s, s:[i,i,i,i], s:i, s:i}", "label", o->label,
                                        "class", lim_scenes_class_name(d->scenes, o->label), "box",
                                        (int)o->box[0], (int)o->box[1], (int)o->box[2],
                                        (int)o->box[3], "pixels", o->pixels, "source",
                                        (int)o->source));
    }
    return json_pack("{s:i, s:o}", "scene", number, "objects", objects);
}

static LimStatus
write_scene(const Drawn *d, const char *folder, int number, LimError *err)
{
    char path[LIM_TEXT_MAX + 64];
    LimImageView picture = lim_image_alloc(d->size, d->size, LIM_PIXEL_RGB8, err);
    LimStatus status = picture.data ? LIM_OK : LIM_E_NOMEM;
    if (status == LIM_OK) {
        lim_image_put_f32(picture, 3, LIM_RANGE_SIGNED, d->x);
        snprintf(path, sizeof path, "%s/scene-%05d.png", folder, number);
        status = lim_png_write(path, picture, NULL, 0, err);
    }
    if (status == LIM_OK) {
        snprintf(path, sizeof path, "%s/scene-%05d-mask.png", folder, number);
        status = lim_scene_write_mask(path, d->size, d->mask, err);
    }
    free(picture.data);
    return status;
}

static LimStatus
write_list(const char *folder, const json_t *list, LimError *err)
{
    char path[LIM_TEXT_MAX + 64];
    snprintf(path, sizeof path, "%s/scenes.json", folder);
    char *text = json_dumps(list, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
    LimStatus status = lim_file_write(path, text, strlen(text), err);
    free(text);
    return status;
}

static json_t *
run_make(CliRun *run, LimError *err)
{
    const WhichScenes *w = cli_args_values(&run->args, which_schema);
    const char *folder = run->args.operand[0];
    Drawn d;
    if (!drawn_open(&d, run, err))
        return NULL;
    lim_folder_make(folder, err);
    json_t *list = json_pack("{s:o, s:o, s:s}", "settings",
                             lim_params_to_json(lim_scene_schema,
                                                cli_args_values(&run->args, lim_scene_schema)),
                             "classes", classes(d.scenes), "split", lim_scene_splits[w->split]);
    json_t *scenes = json_array();
    int objects = 0;
    for (int i = 0; i < w->count && err->code == LIM_OK; i++) {
        lim_scenes_draw(d.scenes, (uint64_t)(w->first + i), d.x, d.mask, &d.scene);
        write_scene(&d, folder, w->first + i, err);
        json_array_append_new(scenes, describe(&d, w->first + i));
        objects += d.scene.n;
    }
    json_object_set_new(list, "scenes", scenes);
    json_t *result = NULL;
    if (err->code == LIM_OK && write_list(folder, list, err) == LIM_OK)
        result = json_pack("{s:s, s:i, s:i, s:o}", "folder", folder, "scenes", w->count, "garments",
                           objects, "command", cli_command(run));
    json_decref(list);
    drawn_clear(&d);
    return result;
}

static const CliPiece make_pieces[] = {{"Which scenes", which_schema, sizeof(WhichScenes)},
                                       {"Scenes", lim_scene_schema, sizeof(LimSceneSettings)},
                                       {0}};
const CliCommand cli_scenes_make = {
    .name = "scenes make",
    .summary = "Writes scenes of several garments with exact masks and boxes",
    .text = "FOLDER receives scene-NUMBER.png, scene-NUMBER-mask.png (grey values are class "
            "numbers, 0 the background) and scenes.json with classes, boxes and sources. Pictures "
            "of --data take the place of Fashion-MNIST's.",
    .operands = "FOLDER",
    .min_operands = 1,
    .max_operands = 1,
    .pieces = make_pieces,
    .run = run_make,
};

/* ---- show -----------------------------------------------------------------------------------
 */

typedef struct ShowFiles {
    char out[LIM_TEXT_MAX];
    int scale;
} ShowFiles;

static const LimParamSpec show_schema[] = {{.name = "out",
                                            .label = "Picture",
                                            .help = "The PNG file to write.",
                                            .unit = "",
                                            .kind = LIM_TEXT,
                                            .offset = offsetof(ShowFiles, out),
                                            .def_text = "scenes.png"},
                                           {.name = "scale",
                                            .label = "Scale",
                                            .help = "Each pixel becomes a square of this side.",
                                            .unit = "px",
                                            .kind = LIM_INT,
                                            .offset = offsetof(ShowFiles, scale),
                                            .min = 1,
                                            .max = 16,
                                            .def = 4},
                                           {0}};

static json_t *
run_show(CliRun *run, LimError *err)
{
    const WhichScenes *w = cli_args_values(&run->args, which_schema);
    const ShowFiles *files = cli_args_values(&run->args, show_schema);
    if (cli_check_picture(files->out, err) != LIM_OK)
        return NULL;
    if (w->count > 64) {
        lim_fail(err, LIM_E_PARAM, "--count is %d; a picture shows up to 64 scenes.", w->count);
        return NULL;
    }
    Drawn d;
    if (!drawn_open(&d, run, err))
        return NULL;
    /* pairs: the picture, and beside it what is in it */
    const int pairs = w->count < 2 ? 1 : 2, side = d.size * files->scale;
    const LimTable table = {.rows = (w->count + pairs - 1) / pairs,
                            .columns = 2 * pairs,
                            .tile_w = side,
                            .tile_h = side,
                            .gap = 6,
                            .letter = 1};
    LimImageView picture = lim_table_new(&table, LIM_PIXEL_RGB8, err);
    json_t *result = NULL;
    for (int i = 0; picture.data && i < w->count; i++) {
        LimSceneMark marks[LIM_SCENE_GARMENTS];
        lim_scenes_draw(d.scenes, (uint64_t)(w->first + i), d.x, d.mask, &d.scene);
        for (int k = 0; k < d.scene.n; k++) {
            marks[k] = (LimSceneMark){.label = d.scene.object[k].label, .score = -1};
            memcpy(marks[k].box, d.scene.object[k].box, sizeof marks[k].box);
        }
        for (int k = 0; k < 2; k++)
            lim_scene_overlay(lim_table_tile(&table, picture, i / pairs, 2 * (i % pairs) + k),
                              d.size, files->scale, d.x, k ? d.mask : NULL, marks,
                              k ? d.scene.n : 0, lim_scenes_naming(d.scenes));
    }
    if (picture.data) {
        json_t *command = cli_command(run);
        const LimPngText text = {"limen", json_string_value(command)};
        if (lim_png_write(files->out, picture, &text, 1, err) == LIM_OK)
            result = json_pack("{s:s, s:i, s:i, s:O}", "picture", files->out, "scenes", w->count,
                               "source_pictures", lim_scenes_sources(d.scenes), "command", command);
        json_decref(command);
    }
    free(picture.data);
    drawn_clear(&d);
    return result;
}

static const CliPiece show_pieces[] = {{"Which scenes", which_schema, sizeof(WhichScenes)},
                                       {"Scenes", lim_scene_schema, sizeof(LimSceneSettings)},
                                       {"Files", show_schema, sizeof(ShowFiles)},
                                       {0}};
const CliCommand cli_scenes_show = {
    .name = "scenes show",
    .summary = "Draws scenes beside their masks and boxes",
    .operands = "",
    .pieces = show_pieces,
    .run = run_show,
};
