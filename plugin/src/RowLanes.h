#ifndef OPENMM_ROWLANES_H_
#define OPENMM_ROWLANES_H_

/*
 * Rows of numbers, each of which has the numbers of one torsion or candidate: neighboring numbers are in the lanes.
 * Whatever is done with a row does not depend, in any bit, on what other rows there are.
 */

#include "BlockNetworkKernel.h"
#include "Lanes.h"

namespace {

using OpenMM::BlockRowUnit;
using OpenMM::BlockTables;

/** How long a row of n numbers is. */
GENMD_INLINE long rowLength(int n) {
    return (n + BlockRowUnit - 1) / BlockRowUnit * BlockRowUnit;
}

/** Rows one after the other. */
struct Rows {
    double* values;
    long length;
    double* operator[](long i) const {
        return values + i * length;
    }
};

/** Hands out room, whose numbers are not set. */
struct Scratch {
    double* next;
    Rows take(long rows, int n) {
        Rows taken = {next, rowLength(n)};
        next += rows * taken.length;
        return taken;
    }
};

GENMD_INLINE Lanes load(const double* from) {
    Lanes loaded;
    __builtin_memcpy(&loaded, from, sizeof(loaded));
    return loaded;
}

GENMD_INLINE void store(double* to, const Lanes& stored) {
    __builtin_memcpy(to, &stored, sizeof(stored));
}

GENMD_INLINE void copyRow(const double* from, long length, double* to) {
    for (long i = 0; i < length; i += GENMD_LANES)
        store(to + i, load(from + i));
}

/** Not a number stays not a number. */
GENMD_INLINE Lanes positivePart(const Lanes& x) {
    return choose(spread(0.0) > x, spread(0.0), x);
}

/** Add to a row what cosines and sines of multiples of an angle make of a table with a row for each of them. */
inline void addFeatures(double angle, int harmonics, const double* table, long length, double* row) {
    const double cosine = __builtin_cos(angle), sine = __builtin_sin(angle);
    double c = cosine, s = sine;
    for (int k = 0; k < harmonics; k++) {
        const double *cosines = table + k * length, *sines = table + (harmonics + k) * length;
        for (long i = 0; i < length; i += GENMD_LANES)
            store(row + i, load(row + i) + c * load(cosines + i) + s * load(sines + i));
        const double next = c * cosine - s * sine;
        s = s * cosine + c * sine;
        c = next;
    }
}

GENMD_INLINE double sumOf(const Lanes& x) {
    double sum = x[0];
    for (int lane = 1; lane < GENMD_LANES; lane++)
        sum += x[lane];
    return sum;
}

/** Subtract the mean of n numbers and divide by their standard deviation, as layer norms of torch do. */
inline void normalize(const double* x, int n, double* y) {
    const int full = n / GENMD_LANES * GENMD_LANES;
    Lanes sums = {}, squares = {};
    for (int i = 0; i < full; i += GENMD_LANES)
        sums += load(x + i);
    double sum = sumOf(sums);
    for (int i = full; i < n; i++)
        sum += x[i];
    const double mean = sum / n;
    for (int i = 0; i < full; i += GENMD_LANES) {
        const Lanes centred = load(x + i) - mean;
        squares += centred * centred;
    }
    double square = sumOf(squares);
    for (int i = full; i < n; i++)
        square += (x[i] - mean) * (x[i] - mean);
    const double scale = 1.0 / __builtin_sqrt(square / n + 1e-5);
    for (long i = 0; i < rowLength(n); i += GENMD_LANES)
        store(y + i, (load(x + i) - mean) * scale);
}

/** Logarithms become numbers in proportion to their powers of e, the largest of them 1. */
inline void exponentiate(double* x, int n) {
    double most = x[0];
    for (int i = 1; i < n; i++)
        most = x[i] > most ? x[i] : most;
    for (long i = 0; i < rowLength(n); i += GENMD_LANES)
        store(x + i, decay(load(x + i) - most));
}

GENMD_INLINE double sumOf(const double* x, int n) {
    double sum = 0.0;
    for (int i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

} // namespace

#endif /*OPENMM_ROWLANES_H_*/
