/* The two plans of the GAN trainer: the D step (generator forward without gradient, discriminator
 * on [fake ; real] as one batch) and the G step (both nets forward, gradients of the generator's
 * parameters only; the discriminator is frozen, its power iterations are not kept). */
#include "train/gan-private.h"

/* mean(relu(1 + sign score)) */
static LimVal
hinge(LimGraph *g, LimVal score, double sign)
{
    return lim_mean(g, lim_relu(g, lim_affine(g, score, sign, 1), 0));
}

LimStatus
gan_plan_d(GanTrainer *t, const LimExec *exec, LimError *err)
{
    const LimGanTraining *p = &t->p;
    const int n = p->batch;
    LimGraph *graph = lim_graph_new();
    LimBuild g, d;
    lim_build_init(&g, graph, t->g, LIM_MODE_FROZEN);
    lim_build_init(&d, graph, t->d, LIM_MODE_TRAIN);
    LimVal z = lim_graph_feed(graph, "z", LIM_F32, LIM_SHAPE2(n, p->model.latent));
    /* labels of the fakes, then of the reals */
    LimVal label = lim_graph_feed(graph, "label", LIM_I32, LIM_SHAPE1(2 * n));
    LimVal fake_label = lim_graph_feed(graph, "fake label", LIM_I32, LIM_SHAPE1(n));
    LimVal real =
        lim_graph_feed(graph, "real", LIM_F32,
                       LIM_SHAPE4(n, p->model.channels, LIM_BIGGAN_SIZE, LIM_BIGGAN_SIZE));
    LimVal fake = lim_biggan_generator(&g, &p->model, z, fake_label, NULL);
    LimVal score = LIM_NOVAL, total = LIM_NOVAL;
    if (lim_val_ok(fake))
        score = lim_biggan_discriminator(&d, &p->model, lim_concat(graph, fake, real, 0), label);
    t->d_loss = t->d_r1 = LIM_NOVAL;
    if (lim_val_ok(score)) {
        LimVal score_fake = lim_slice(graph, score, 0, 0, n);
        LimVal score_real = lim_slice(graph, score, 0, n, n);
        t->d_loss = lim_add(graph, hinge(graph, score_fake, 1), hinge(graph, score_real, -1));
        t->d_score_fake = lim_mean(graph, score_fake);
        t->d_score_real = lim_mean(graph, score_real);
        t->d_score = score_real;
        t->d_fake = fake;
        total = t->d_loss; /* which is logged without the penalty */
        if (p->r1 > 0) {
            t->d_r1 = lim_gradient_penalty(graph, score_real, real, p->r1);
            total = lim_add(graph, total, t->d_r1);
        }
    }
    const LimVal keep[] = {t->d_loss,  t->d_score_fake, t->d_score_real,
                           t->d_score, t->d_fake,       t->d_r1};
    LimStatus status =
        lim_step_plan_init(&t->d_plan, &d, total, keep, 5 + lim_val_ok(t->d_r1), exec, err);
    if (status == LIM_OK) {
        lim_plan_bind(t->d_plan.plan, z, t->z);
        lim_plan_bind(t->d_plan.plan, label, t->label);
        lim_plan_bind(t->d_plan.plan, fake_label, t->label);
        lim_plan_bind(t->d_plan.plan, real, t->real);
    }
    return status;
}

LimStatus
gan_plan_g(GanTrainer *t, const LimExec *exec, LimError *err)
{
    const LimGanTraining *p = &t->p;
    LimGraph *graph = lim_graph_new();
    LimBuild g, d;
    lim_build_init(&g, graph, t->g, LIM_MODE_TRAIN);
    lim_build_init(&d, graph, t->d, LIM_MODE_FROZEN);
    LimVal momentum = lim_graph_feed(graph, "bn momentum", LIM_F32, LIM_SHAPE1(1));
    g.bn_momentum = momentum;
    LimVal z = lim_graph_feed(graph, "z", LIM_F32, LIM_SHAPE2(p->batch, p->model.latent));
    LimVal label = lim_graph_feed(graph, "label", LIM_I32, LIM_SHAPE1(p->batch));
    LimVal fake = lim_biggan_generator(&g, &p->model, z, label, NULL);
    t->g_loss = LIM_NOVAL;
    if (lim_val_ok(fake)) {
        LimVal score = lim_biggan_discriminator(&d, &p->model, fake, label);
        if (lim_val_ok(score))
            t->g_loss = lim_affine(graph, lim_mean(graph, score), -1, 0);
    }
    LimStatus status = lim_step_plan_init(&t->g_plan, &g, t->g_loss, &t->g_loss, 1, exec, err);
    if (status == LIM_OK) {
        lim_plan_bind(t->g_plan.plan, z, t->z);
        lim_plan_bind(t->g_plan.plan, label, t->label);
        lim_plan_bind(t->g_plan.plan, momentum, &t->momentum);
    }
    return status;
}
