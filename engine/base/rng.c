/* Philox 4x32-10, and the normal distribution.
 *
 * A normal value is the quantile of a uniform one: one word in, one value out, so any position can
 * be computed alone. The quantile is algorithm AS241 (PPND16) of M. J. Wichura, "The percentage
 * points of the normal distribution", Applied Statistics 37 (1988): rational functions, about 1e-16
 * relative. 85 % of the values fall into its central region, which is plain arithmetic and
 * vectorises. */
#include "base/rng.h"

#include "base/status.h"

#include <math.h>
#include <string.h>
#include <stdbool.h>

/* Salmon et al., section 3.3: multipliers, and the Weyl constants of the key schedule. */
#define MUL0   UINT32_C(0xd2511f53)
#define MUL1   UINT32_C(0xcd9e8d57)
#define WEYL0  UINT32_C(0x9e3779b9)
#define WEYL1  UINT32_C(0xbb67ae85)
#define ROUNDS 10

static inline void
philox(uint64_t seed, uint64_t stream, uint64_t index, uint32_t out[4])
{
    uint32_t c0 = (uint32_t)index, c1 = (uint32_t)(index >> 32);
    uint32_t c2 = (uint32_t)stream, c3 = (uint32_t)(stream >> 32);
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int r = 0; r < ROUNDS; r++) {
        uint64_t p0 = (uint64_t)MUL0 * c0, p1 = (uint64_t)MUL1 * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        k0 += WEYL0;
        k1 += WEYL1;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

void
lim_rng_block(uint64_t seed, uint64_t stream, uint64_t index, uint32_t out[4])
{
    philox(seed, stream, index, out);
}

#define AT_ONCE 8 /* blocks */

/* AT_ONCE blocks side by side, the rounds outside, so that the compiler makes vectors of them. */
static void
philox_at_once(uint64_t seed, uint64_t stream, uint64_t first, uint32_t *out)
{
    uint32_t c0[AT_ONCE], c1[AT_ONCE], c2[AT_ONCE], c3[AT_ONCE];
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int i = 0; i < AT_ONCE; i++) {
        const uint64_t index = first + (uint64_t)i;
        c0[i] = (uint32_t)index;
        c1[i] = (uint32_t)(index >> 32);
        c2[i] = (uint32_t)stream;
        c3[i] = (uint32_t)(stream >> 32);
    }
    for (int r = 0; r < ROUNDS; r++) {
        for (int i = 0; i < AT_ONCE; i++) {
            const uint64_t p0 = (uint64_t)MUL0 * c0[i], p1 = (uint64_t)MUL1 * c2[i];
            c0[i] = (uint32_t)(p1 >> 32) ^ c1[i] ^ k0;
            c2[i] = (uint32_t)(p0 >> 32) ^ c3[i] ^ k1;
            c1[i] = (uint32_t)p1;
            c3[i] = (uint32_t)p0;
        }
        k0 += WEYL0;
        k1 += WEYL1;
    }
    for (int i = 0; i < AT_ONCE; i++) {
        out[4 * i] = c0[i];
        out[4 * i + 1] = c1[i];
        out[4 * i + 2] = c2[i];
        out[4 * i + 3] = c3[i];
    }
}

void
lim_rng_blocks(uint64_t seed, uint64_t stream, uint64_t first, size_t n, uint32_t *out)
{
    size_t i = 0;
    for (; i + AT_ONCE <= n; i += AT_ONCE)
        philox_at_once(seed, stream, first + i, out + 4 * i);
    for (; i < n; i++)
        philox(seed, stream, first + i, out + 4 * i);
}

#define CHUNK 256 /* words; a multiple of 4 */

/* The words of positions first .. first+n-1 (first % 4 + n <= CHUNK); position p is word p % 4 of
 * block p / 4. Returns where they start in buf. */
static const uint32_t *
fill_words(uint64_t seed, uint64_t stream, uint64_t first, size_t n, uint32_t buf[CHUNK])
{
    size_t skip = first % 4;
    lim_rng_blocks(seed, stream, first / 4, (skip + n + 3) / 4, buf);
    return buf + skip;
}

void
lim_rng_uniform(uint64_t seed, uint64_t stream, uint64_t first, float *out, size_t n)
{
    uint32_t buf[CHUNK];
    while (n > 0) {
        size_t room = CHUNK - first % 4, take = n < room ? n : room;
        const uint32_t *w = fill_words(seed, stream, first, take, buf);
        for (size_t i = 0; i < take; i++)
            out[i] = (float)(w[i] >> 8) * 0x1p-24f;
        first += take;
        out += take;
        n -= take;
    }
}

/* AS241, |p - 1/2| <= CENTRE: z / q as a function of r = CENTRE^2 - q^2, q = p - 1/2. */
#define CENTRE 0.425

static inline double
quantile_centre(double q)
{
    double r = CENTRE * CENTRE - q * q;
    double num = 2.5090809287301226727e3;
    num = num * r + 3.3430575583588128105e4;
    num = num * r + 6.7265770927008700853e4;
    num = num * r + 4.5921953931549871457e4;
    num = num * r + 1.3731693765509461125e4;
    num = num * r + 1.9715909503065514427e3;
    num = num * r + 1.3314166789178437745e2;
    num = num * r + 3.3871328727963666080e0;
    double den = 5.2264952788528545610e3;
    den = den * r + 2.8729085735721942674e4;
    den = den * r + 3.9307895800092710610e4;
    den = den * r + 2.1213794301586595867e4;
    den = den * r + 5.3941960214247511077e3;
    den = den * r + 6.8718700749205790830e2;
    den = den * r + 4.2313330701600911252e1;
    den = den * r + 1.0;
    return q * num / den;
}

/* AS241, outside: |z| for the smaller tail t = min(p, 1 - p). */
static double
quantile_tail(double t)
{
    double r = sqrt(-log(t)), num, den;
    if (r <= 5.0) {
        r -= 1.6;
        num = 7.74545014278341407640e-4;
        num = num * r + 2.27238449892691845833e-2;
        num = num * r + 2.41780725177450611770e-1;
        num = num * r + 1.27045825245236838258e0;
        num = num * r + 3.64784832476320460504e0;
        num = num * r + 5.76949722146069140550e0;
        num = num * r + 4.63033784615654529590e0;
        num = num * r + 1.42343711074968357734e0;
        den = 1.05075007164441684324e-9;
        den = den * r + 5.47593808499534494600e-4;
        den = den * r + 1.51986665636164571966e-2;
        den = den * r + 1.48103976427480074590e-1;
        den = den * r + 6.89767334985100004550e-1;
        den = den * r + 1.67638483018380384940e0;
        den = den * r + 2.05319162663775882187e0;
        den = den * r + 1.0;
    } else {
        r -= 5.0;
        num = 2.01033439929228813265e-7;
        num = num * r + 2.71155556874348757815e-5;
        num = num * r + 1.24266094738807843860e-3;
        num = num * r + 2.65321895265761230930e-2;
        num = num * r + 2.96560571828504891230e-1;
        num = num * r + 1.78482653991729133580e0;
        num = num * r + 5.46378491116411436990e0;
        num = num * r + 6.65790464350110377720e0;
        den = 2.04426310338993978564e-15;
        den = den * r + 1.42151175831644588870e-7;
        den = den * r + 1.84631831751005468180e-5;
        den = den * r + 7.86869131145613259100e-4;
        den = den * r + 1.48753612908506148525e-2;
        den = den * r + 1.36929880922735805310e-1;
        den = den * r + 5.99832206555887937690e-1;
        den = den * r + 1.0;
    }
    return num / den;
}

void
lim_rng_normal(uint64_t seed, uint64_t stream, uint64_t first, float *out, size_t n)
{
    uint32_t buf[CHUNK];
    while (n > 0) {
        size_t room = CHUNK - first % 4, take = n < room ? n : room;
        const uint32_t *w = fill_words(seed, stream, first, take, buf);
        /* p = (w + 1/2) / 2^32, symmetric about 1/2; so |z| < 6.3. */
        for (size_t i = 0; i < take; i++)
            out[i] =
                (float)quantile_centre(((double)(int32_t)(w[i] ^ 0x80000000u) + 0.5) * 0x1p-32);
        for (size_t i = 0; i < take; i++) {
            double q = ((double)(int32_t)(w[i] ^ 0x80000000u) + 0.5) * 0x1p-32;
            if (fabs(q) > CENTRE)
                out[i] = (float)copysign(quantile_tail(0.5 - fabs(q)), q);
        }
        first += take;
        out += take;
        n -= take;
    }
}

uint64_t
lim_rng_u64(uint64_t seed, uint64_t stream, uint64_t index)
{
    uint32_t w[4];
    philox(seed, stream, index, w);
    return (uint64_t)w[1] << 32 | w[0];
}

uint32_t
lim_rng_below(uint64_t seed, uint64_t stream, uint64_t index, uint32_t below)
{
    LIM_ASSERT(below > 0);
    /* floor(u * below / 2^64): the bias is below 2^-32 per value. */
    uint64_t u = lim_rng_u64(seed, stream, index);
    uint64_t low = (u & UINT32_MAX) * below, high = (u >> 32) * below;
    return (uint32_t)((high + (low >> 32)) >> 32);
}

void
lim_rng_permutation(uint64_t seed, uint64_t stream, uint32_t *out, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        out[i] = i;
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = lim_rng_below(seed, stream, i, i);
        uint32_t t = out[i - 1];
        out[i - 1] = out[j];
        out[j] = t;
    }
}

/* The finaliser of MurmurHash3, 64 bit (Appleby): a bijection whose every output bit depends on
 * every input bit. */
static uint64_t
mix(uint64_t x)
{
    x = (x ^ x >> 33) * UINT64_C(0xff51afd7ed558ccd);
    x = (x ^ x >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ x >> 33;
}

uint64_t
lim_hash(uint64_t h, const void *data, size_t n)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    return h;
}

uint64_t
lim_rng_stream(uint64_t base, const char *name, uint64_t number)
{
    const uint64_t h = lim_hash(LIM_HASH_BEGIN, name, name ? strlen(name) : 0);
    return mix(mix(mix(h) + base) + number);
}

double
lim_normal_cdf(double x)
{
    /* erfc keeps its relative precision in the tail, which 1 + erf loses. */
    return 0.5 * erfc(-x * M_SQRT1_2);
}

double
lim_normal_quantile(double p)
{
    LIM_ASSERT(p > 0 && p < 1);
    double q = p - 0.5;
    if (fabs(q) <= CENTRE)
        return quantile_centre(q);
    return q < 0 ? -quantile_tail(p) : quantile_tail(1 - p);
}
