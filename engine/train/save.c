/* What a training leaves in a model file besides the weights. */
#include "train/trainer.h"

#include <jansson.h>
#include <stdlib.h>

LimStatus
lim_train_save(const char *path, const LimTrained *trained, LimStore *store, bool as_f16,
               LimError *err)
{
    const LimDataset *data = trained->data;
    const char **names = lim_alloc((size_t)data->classes, sizeof *names);
    for (int i = 0; i < data->classes; i++)
        names[i] = data->class_names[i];
    json_object_set_new(trained->made, "data", json_string(data->name));
    json_object_set_new(trained->made, "command", json_string(trained->command));
    char *training = json_dumps(trained->made, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(trained->made);
    const LimModelInfo info = {.model = trained->model,
                               .schema = trained->schema,
                               .params = trained->params,
                               .classes = data->classes,
                               .class_names = names,
                               .training = training};
    const LimStatus status = lim_modelfile_save(path, &info, store, as_f16, err);
    free(training);
    free(names);
    return status;
}
