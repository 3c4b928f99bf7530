/* References: batch normalisation (Ioffe & Szegedy 2015), with a gain and bias per channel or per
 * sample and channel (class-conditional), and an optional ReLU behind it. */
#include "kernels/ref/ref.h"
#include "kernels/params.h"

/* gain and bias are [c] or [n][c]: the offset of sample b */
static int
per_sample(const LimShape s, int b)
{
    return s.nd == 2 ? b * s.d[1] : 0;
}

/* in: x [n][c][h][w], gain, bias; out: y, mean [c], var [c] (biased) */
REF(batch_norm)
{
    const LimNormParams *p = n->params;
    const int32_t *d = n->in_shape[0].d;
    const int hw = d[2] * d[3];
    for (int c = 0; c < d[1]; c++) {
        double s = 0, s2 = 0, count = (double)d[0] * hw;
        for (int b = 0; b < d[0]; b++)
            for (int i = 0; i < hw; i++)
                s += (double)IN(0)[(b * d[1] + c) * hw + i];
        const double mean = s / count;
        for (int b = 0; b < d[0]; b++)
            for (int i = 0; i < hw; i++) {
                double t = (double)IN(0)[(b * d[1] + c) * hw + i] - mean;
                s2 += t * t;
            }
        const double var = s2 / count, inv = 1 / sqrt(var + p->eps);
        OUT(1)[c] = (real)mean;
        OUT(2)[c] = (real)var;
        for (int b = 0; b < d[0]; b++) {
            const double gain = p->gain_offset + (double)IN(1)[per_sample(n->in_shape[1], b) + c];
            const double bias = (double)IN(2)[per_sample(n->in_shape[2], b) + c];
            for (int i = 0; i < hw; i++) {
                const int at = (b * d[1] + c) * hw + i;
                const double y = ((double)IN(0)[at] - mean) * inv * gain + bias;
                OUT(0)[at] = (real)(p->relu && y < 0 ? 0 : y);
            }
        }
    }
}

/* in: x, gain, bias, mean, var, dy; out: dx, dgain, dbias (shapes of the gain)
 * With g = dy masked by the ReLU, t = g (gain_offset + gain), means over n h w:
 * dx = inv (t - mean(t) - xhat mean(t xhat)) */
REF(batch_norm_grad)
{
    const LimNormParams *p = n->params;
    const int32_t *d = n->in_shape[0].d;
    const int hw = d[2] * d[3];
    for (int64_t i = 0; i < SIZE(n->out_shape[1]); i++)
        OUT(1)[i] = OUT(2)[i] = 0;
    for (int c = 0; c < d[1]; c++) {
        const double mean = (double)IN(3)[c], inv = 1 / sqrt((double)IN(4)[c] + p->eps);
        double mean_t = 0, mean_tx = 0;
        for (int pass = 0; pass < 2; pass++)
            for (int b = 0; b < d[0]; b++) {
                const int off = per_sample(n->in_shape[1], b) + c;
                const double gain = p->gain_offset + (double)IN(1)[off], bias = (double)IN(2)[off];
                for (int i = 0; i < hw; i++) {
                    const int at = (b * d[1] + c) * hw + i;
                    const double xhat = ((double)IN(0)[at] - mean) * inv;
                    const double g = p->relu && xhat * gain + bias <= 0 ? 0 : (double)IN(5)[at];
                    if (pass == 0) {
                        OUT(1)[off] = (real)((double)OUT(1)[off] + g * xhat);
                        OUT(2)[off] = (real)((double)OUT(2)[off] + g);
                        mean_t += g * gain / ((double)d[0] * hw);
                        mean_tx += g * gain * xhat / ((double)d[0] * hw);
                    } else {
                        OUT(0)[at] = (real)(inv * (g * gain - mean_t - xhat * mean_tx));
                    }
                }
            }
    }
}

/* Inference: the statistics are given. in: x, gain, bias, mean, var */
REF(norm_affine)
{
    const LimNormParams *p = n->params;
    const int32_t *d = n->in_shape[0].d;
    const int hw = d[2] * d[3];
    for (int b = 0; b < d[0]; b++)
        for (int c = 0; c < d[1]; c++) {
            const double inv = 1 / sqrt((double)IN(4)[c] + p->eps);
            const double gain = p->gain_offset + (double)IN(1)[per_sample(n->in_shape[1], b) + c];
            const double bias = (double)IN(2)[per_sample(n->in_shape[2], b) + c];
            for (int i = 0; i < hw; i++) {
                const int at = (b * d[1] + c) * hw + i;
                const double y = ((double)IN(0)[at] - (double)IN(3)[c]) * inv * gain + bias;
                OUT(0)[at] = (real)(p->relu && y < 0 ? 0 : y);
            }
        }
}

/* in: y, gain, var, dy; out: dx */
REF(norm_affine_grad)
{
    const LimNormParams *p = n->params;
    const int32_t *d = n->in_shape[0].d;
    const int hw = d[2] * d[3];
    for (int b = 0; b < d[0]; b++)
        for (int c = 0; c < d[1]; c++) {
            const double inv = 1 / sqrt((double)IN(2)[c] + p->eps);
            const double gain = p->gain_offset + (double)IN(1)[per_sample(n->in_shape[1], b) + c];
            for (int i = 0; i < hw; i++) {
                const int at = (b * d[1] + c) * hw + i;
                OUT(0)[at] = p->relu && IN(0)[at] <= 0 ? 0 : (real)((double)IN(3)[at] * inv * gain);
            }
        }
}

/* in: x [n][c][..], b [c] */
REF(bias_add)
{
    const LimShape s = n->in_shape[0];
    const int64_t inner = SIZE(s) / s.d[0] / s.d[1];
    for (int64_t i = 0; i < SIZE(s); i++)
        OUT(0)[i] = IN(0)[i] + IN(1)[i / inner % s.d[1]];
}

/* [n][c][..] -> [c] */
REF(channel_sum)
{
    const LimShape s = n->in_shape[0];
    const int64_t inner = SIZE(s) / s.d[0] / s.d[1];
    for (int c = 0; c < s.d[1]; c++) {
        double sum = 0;
        for (int b = 0; b < s.d[0]; b++)
            for (int64_t i = 0; i < inner; i++)
                sum += (double)IN(0)[(b * s.d[1] + c) * inner + i];
        OUT(0)[c] = (real)sum;
    }
}
