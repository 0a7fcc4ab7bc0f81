#ifndef OPENMM_LANES_H_
#define OPENMM_LANES_H_

/*
 * Arithmetic on GENMD_LANES doubles at once, to be included by one file per instruction set. All is in an unnamed
 * namespace: the linker must not take one instruction set's function for another's. Errors are a few units in the
 * last place. The coefficients of polynomials are expansions in Chebyshev polynomials over the intervals named.
 */

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#define GENMD_INLINE inline __attribute__((always_inline))

namespace {

typedef double Lanes __attribute__((vector_size(8 * GENMD_LANES)));
typedef long long LaneBits __attribute__((vector_size(8 * GENMD_LANES)));

GENMD_INLINE Lanes spread(double value) {
    return value - Lanes{};
}

GENMD_INLINE Lanes choose(const LaneBits& condition, const Lanes& yes, const Lanes& no) {
    return condition ? yes : no;
}

GENMD_INLINE Lanes larger(const Lanes& a, const Lanes& b) {
    return choose(a > b, a, b);
}

GENMD_INLINE Lanes smaller(const Lanes& a, const Lanes& b) {
    return choose(a < b, a, b);
}

/** Absolute values. */
GENMD_INLINE Lanes magnitude(const Lanes& x) {
    return (Lanes)((LaneBits)x & 0x7fffffffffffffffLL);
}

/** One bit for each lane, set if the condition holds there. */
GENMD_INLINE int bitsOf(const LaneBits& condition) {
#if defined(__AVX512DQ__)
    return _mm512_movepi64_mask((__m512i)condition);
#elif defined(__AVX__)
    return _mm256_movemask_pd((__m256d)condition);
#else
    int bits = 0;
    for (int lane = 0; lane < GENMD_LANES; lane++)
        bits |= int(condition[lane] & 1) << lane;
    return bits;
#endif
}

GENMD_INLINE bool allOf(const LaneBits& condition) {
    return bitsOf(condition) == (1 << GENMD_LANES) - 1;
}

GENMD_INLINE bool anyOf(const LaneBits& condition) {
    return bitsOf(condition) != 0;
}

GENMD_INLINE Lanes root(const Lanes& x) {
#if defined(__AVX512F__)
    return (Lanes)_mm512_maskz_sqrt_pd(0xff, (__m512d)x);
#elif defined(__AVX__)
    return (Lanes)_mm256_sqrt_pd((__m256d)x);
#elif defined(__SSE2__)
    return (Lanes)_mm_sqrt_pd((__m128d)x);
#else
    Lanes result;
    for (int lane = 0; lane < GENMD_LANES; lane++)
        result[lane] = __builtin_sqrt(x[lane]);
    return result;
#endif
}

/** 1 / root(x); not a number for 0 and infinity. */
GENMD_INLINE Lanes inverseRoot(const Lanes& x) {
#if defined(__AVX512F__)
    Lanes y = (Lanes)_mm512_maskz_rsqrt14_pd(0xff, (__m512d)x), e = 1.0 - x * y * y; // |e| < 2^-13
    return y + y * e * (0.5 + e * (0.375 + e * 0.3125));
#else
    return 1.0 / root(x);
#endif
}

/** 1 / x; not a number for 0 and infinity. */
GENMD_INLINE Lanes inverse(const Lanes& x) {
#if defined(__AVX512F__)
    Lanes y = (Lanes)_mm512_maskz_rcp14_pd(0xff, (__m512d)x), e = 1.0 - x * y; // |e| < 2^-14
    return y + y * (e + e * (e + e * e));
#else
    return 1.0 / x;
#endif
}

/** A polynomial, coefficients from the constant one on: even and odd powers at the same time by Horner's scheme. */
GENMD_INLINE Lanes everyOther(const Lanes& square, double c) {
    return spread(c);
}

GENMD_INLINE Lanes everyOther(const Lanes& square, double c, double skipped) {
    return spread(c);
}

template <class... Rest> GENMD_INLINE Lanes everyOther(const Lanes& square, double c, double skipped, Rest... rest) {
    return everyOther(square, rest...) * square + c;
}

template <class... Rest> GENMD_INLINE Lanes polynomial(const Lanes& x, double c, Rest... rest) {
    Lanes square = x * x;
    return everyOther(square, rest...) * x + everyOther(square, c, rest...);
}

/** exp(x) for |x| <= log(2) / 2. */
GENMD_INLINE Lanes exponentialSeries(const Lanes& x) {
    return polynomial(x, 1.0, 1.0, 0.5000000000000019, 0.16666666666666702, 0.04166666666648794, 0.008333333333309507,
                      0.0013888888952356135, 0.00019841269909260645, 2.480148543844738e-05, 2.755722491836887e-06,
                      2.763265575933203e-07, 2.5114882786996687e-08);
}

/** x - k log(2), with log(2) in two parts. */
GENMD_INLINE Lanes withoutPowers(const Lanes& x, const Lanes& k) {
    return x - k * 0x1.62e42fefa38p-1 - k * 0x1.ef35793c7673p-45;
}

/** exp(x), where |x| above 708 counts as 708. */
GENMD_INLINE Lanes exponential(const Lanes& x) {
    Lanes bounded = choose(x < -708.0, spread(-708.0), choose(x > 708.0, spread(708.0), x));
    const double toInteger = 0x1.8p52; // its last bits hold the nearest integer of what is added to it
    Lanes shifted = bounded * 1.4426950408889634 + toInteger;
    Lanes series = exponentialSeries(withoutPowers(bounded, shifted - toInteger));
    return series * (Lanes)(((LaneBits)shifted + 1023) << 52);
}

/** exp(x) for x <= 0. */
GENMD_INLINE Lanes decay(const Lanes& x) {
#if defined(__AVX512F__)
    Lanes k = (Lanes)_mm512_maskz_roundscale_pd(0xff, (__m512d)(x * 1.4426950408889634), _MM_FROUND_TO_NEAREST_INT);
    return (Lanes)_mm512_maskz_scalef_pd(0xff, (__m512d)exponentialSeries(withoutPowers(x, k)), (__m512d)k);
#else
    return exponential(x);
#endif
}

/** log(x) of positive, normal numbers. */
GENMD_INLINE Lanes logarithm(const Lanes& x) {
    LaneBits bits = (LaneBits)x;
    Lanes mantissa = (Lanes)((bits & 0x000fffffffffffffLL) | 0x3ff0000000000000LL);
    Lanes exponent = (Lanes)((bits >> 52) | 0x4330000000000000LL) - (0x1p52 + 1023);
    LaneBits large = mantissa > 1.4142135623730951;
    mantissa = choose(large, 0.5 * mantissa, mantissa);
    exponent = choose(large, exponent + 1.0, exponent);
    Lanes z = (mantissa - 1.0) * inverse(mantissa + 1.0), t = z * z; // t <= 0.02945
    Lanes series = polynomial(t, 1.0, 0.33333333333333826, 0.19999999999648865, 0.14285714380811437,
                              0.11111098478689471, 0.0909181841725106, 0.07656197883091047, 0.074055220495365);
    return 0.6931471805599453 * exponent + 2.0 * z * series;
}

/** The angle, from 0 to pi, of (x, y) with y >= 0. */
GENMD_INLINE Lanes angleOf(const Lanes& x, const Lanes& y) {
    Lanes across = magnitude(x), low = smaller(across, y), high = larger(across, y);
    LaneBits steep = low > 0.41421356237309503 * high;                                     // turn by pi/4
    Lanes z = choose(steep, low - high, low) / choose(steep, low + high, high), t = z * z; // t <= 0.17158
    Lanes series = polynomial(t, 1.0, -0.33333333333333126, 0.1999999999994232, -0.14285714279379425,
                              0.11111110750911748, -0.09090896971288263, 0.07692048069903064, -0.06662981521608813,
                              0.058470853379867245, -0.05035998599855658, 0.0379871811023464, -0.017828561894624013);
    Lanes angle = z * series + choose(steep, spread(0.7853981633974483), spread(0.0));
    angle = choose(y > across, 1.5707963267948966 - angle, angle);
    return choose(x < 0.0, 3.141592653589793 - angle, angle);
}

} // namespace

#endif /*OPENMM_LANES_H_*/
