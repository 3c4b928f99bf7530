/* References: one value at a time. */
#include "kernels/ref/ref.h"
#include "kernels/params.h"

#define EACH for (int64_t i = 0; i < SIZE(n->out_shape[0]); i++)

REF(add)
{
    EACH OUT(0)[i] = IN(0)[i] + IN(1)[i];
}

REF(sub)
{
    EACH OUT(0)[i] = IN(0)[i] - IN(1)[i];
}

REF(mul)
{
    EACH OUT(0)[i] = IN(0)[i] * IN(1)[i];
}

REF(affine)
{
    const LimAffineParams *p = n->params;
    EACH OUT(0)[i] = (real)p->scale * IN(0)[i] + (real)p->shift;
}

REF(fill_like)
{
    const LimScaleParams *p = n->params;
    EACH OUT(0)[i] = (real)p->scale;
}

REF(relu)
{
    const LimReluParams *p = n->params;
    EACH OUT(0)[i] = IN(0)[i] > 0 ? IN(0)[i] : (real)p->slope * IN(0)[i];
}

/* in: y (or x, the sign is the same), dy */
REF(relu_grad)
{
    const LimReluParams *p = n->params;
    EACH OUT(0)[i] = IN(0)[i] > 0 ? IN(1)[i] : (real)p->slope * IN(1)[i];
}

REF(tanh)
{
    EACH OUT(0)[i] = tanh(IN(0)[i]);
}

/* in: y, dy; d tanh = 1 - y^2 */
REF(tanh_grad)
{
    EACH OUT(0)[i] = IN(1)[i] * (1 - IN(0)[i] * IN(0)[i]);
}

REF(abs)
{
    EACH OUT(0)[i] = fabs(IN(0)[i]);
}

/* in: x, dy; the derivative at 0 is 0 */
REF(abs_grad)
{
    EACH OUT(0)[i] = IN(0)[i] > 0 ? IN(1)[i] : IN(0)[i] < 0 ? -IN(1)[i] : 0;
}

REF(sum)
{
    double s = 0;
    for (int64_t i = 0; i < SIZE(n->in_shape[0]); i++)
        s += (double)IN(0)[i];
    OUT(0)[0] = (real)s;
}

REF(dot)
{
    double s = 0;
    for (int64_t i = 0; i < SIZE(n->in_shape[0]); i++)
        s += (double)IN(0)[i] * (double)IN(1)[i];
    OUT(0)[0] = (real)s;
}

/* in: x, s (one element) */
REF(scale_by)
{
    EACH OUT(0)[i] = IN(0)[i] * IN(1)[0];
}

/* in: s (one element), like */
REF(expand_like)
{
    EACH OUT(0)[i] = IN(0)[0];
}

/* a + (b - a) m */
REF(lerp)
{
    EACH OUT(0)[i] = IN(0)[i] + (IN(1)[i] - IN(0)[i]) * IN(2)[0];
}
