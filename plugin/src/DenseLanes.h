#ifndef OPENMM_DENSELANES_H_
#define OPENMM_DENSELANES_H_

/* Products of rows with matrices, outputs in the lanes. */

#include "RowLanes.h"

namespace {

using OpenMM::DenseTable;
using OpenMM::DenseVectors;
using OpenMM::SparseVectors;

/** Rows whose sums, DenseVectors of each, are kept in registers. */
const int TileRows = GENMD_LANES == 8 ? 4 : GENMD_LANES == 4 ? 3 : 2;

/** Part of a matrix: for each input, a step further on, some vectors of outputs. The bias may be a null pointer. */
struct Strip {
    const double *matrix, *bias;
    long step;
    int inputs;
};

/** What sums begin with, besides the bias, and what is done with them. */
struct Ends {
    bool add, positive;
};

const Ends Set = {false, false}, SetPositive = {false, true}, Add = {true, false};

template <int Vectors> GENMD_INLINE void begin(const Strip& strip, Ends ends, const double* y, Lanes* sums) {
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; v++) {
        sums[v] = ends.add ? load(y + v * GENMD_LANES) : Lanes{};
        if (strip.bias != nullptr)
            sums[v] += load(strip.bias + v * GENMD_LANES);
    }
}

template <int Vectors> GENMD_INLINE void finish(Ends ends, const Lanes* sums, double* y) {
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; v++)
        store(y + v * GENMD_LANES, ends.positive ? positivePart(sums[v]) : sums[v]);
}

template <int Count, int Vectors>
GENMD_INLINE void multiplyTile(const Strip& strip, const Rows& x, Ends ends, const Rows& y) {
    Lanes sums[Count][Vectors];
#pragma GCC unroll 8
    for (int r = 0; r < Count; r++)
        begin<Vectors>(strip, ends, y[r], sums[r]);
    const double* weights = strip.matrix;
    for (int i = 0; i < strip.inputs; i++, weights += strip.step) {
        Lanes inputs[Count];
#pragma GCC unroll 8
        for (int r = 0; r < Count; r++)
            inputs[r] = spread(x[r][i]);
#pragma GCC unroll 8
        for (int v = 0; v < Vectors; v++) {
            const Lanes weight = load(weights + v * GENMD_LANES);
#pragma GCC unroll 8
            for (int r = 0; r < Count; r++)
                sums[r][v] += inputs[r] * weight;
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < Count; r++)
        finish<Vectors>(ends, sums[r], y[r]);
}

template <int Vectors> void multiplyStrip(const Strip& strip, int rows, Rows x, Ends ends, Rows y) {
    for (; rows >= TileRows; rows -= TileRows, x.values += TileRows * x.length, y.values += TileRows * y.length)
        multiplyTile<TileRows, Vectors>(strip, x, ends, y);
    if (rows == 3)
        multiplyTile<3, Vectors>(strip, x, ends, y);
    else if (rows == 2)
        multiplyTile<2, Vectors>(strip, x, ends, y);
    else if (rows == 1)
        multiplyTile<1, Vectors>(strip, x, ends, y);
}

inline void multiplyVectors(const Strip& strip, int vectors, int rows, const Rows& x, Ends ends, const Rows& y) {
    if (vectors == 4)
        multiplyStrip<4>(strip, rows, x, ends, y);
    else if (vectors == 3)
        multiplyStrip<3>(strip, rows, x, ends, y);
    else if (vectors == 2)
        multiplyStrip<2>(strip, rows, x, ends, y);
    else
        multiplyStrip<1>(strip, rows, x, ends, y);
}

/** Set rows y to products of rows x with a matrix that is given as rows. */
inline void multiply(const Rows& matrix, int inputs, int outputs, int rows, const Rows& x, Ends ends, const Rows& y) {
    const int vectors = rowLength(outputs) / GENMD_LANES;
    for (int v = 0; v < vectors; v += DenseVectors) {
        const long first = v * GENMD_LANES;
        multiplyVectors({matrix.values + first, nullptr, matrix.length, inputs},
                        vectors - v < DenseVectors ? vectors - v : DenseVectors, rows, x, ends,
                        {y.values + first, y.length});
    }
}

/** Set rows y to what a dense layer makes of rows x. */
inline void apply(const DenseTable& dense, int rows, const Rows& x, Ends ends, const Rows& y) {
    const int vectors = rowLength(dense.outputs) / GENMD_LANES;
    for (int v = 0; v < vectors; v += DenseVectors) {
        const int some = vectors - v < DenseVectors ? vectors - v : DenseVectors;
        const long first = v * GENMD_LANES;
        multiplyVectors({dense.matrix + first * dense.inputs, dense.bias + first, some * GENMD_LANES, dense.inputs},
                        some, rows, x, ends, {y.values + first, y.length});
    }
}

/** Which of up to 64 numbers are not zero, as bits. */
GENMD_INLINE unsigned long long findNonzero(const double* x, int n) {
    unsigned long long found = 0;
    for (int i = 0; i < n; i += GENMD_LANES)
        found |= (unsigned long long)bitsOf(load(x + i) != 0.0) << i;
    return found;
}

template <int Vectors> void multiplySparseStrip(const Strip& strip, int rows, const Rows& x, Ends ends, const Rows& y) {
    for (int r = 0; r < rows; r++) {
        Lanes sums[Vectors];
        begin<Vectors>(strip, ends, y[r], sums);
        for (int first = 0; first < strip.inputs; first += 64) {
            const int some = strip.inputs - first < 64 ? strip.inputs - first : 64;
            for (auto left = findNonzero(x[r] + first, some); left != 0; left &= left - 1) {
                const int i = first + __builtin_ctzll(left);
                const double* weights = strip.matrix + i * strip.step;
                const Lanes input = spread(x[r][i]);
#pragma GCC unroll 8
                for (int v = 0; v < Vectors; v++)
                    sums[v] += input * load(weights + v * GENMD_LANES);
            }
        }
        finish<Vectors>(ends, sums, y[r]);
    }
}

/** As apply, for rows x most of which is zero, as positive parts are. What fills up the rows must be zero. */
inline void applySparse(const DenseTable& dense, int rows, const Rows& x, Ends ends, const Rows& y) {
    const int vectors = rowLength(dense.outputs) / GENMD_LANES;
    for (int v = 0; v < vectors;) {
        const int some = vectors - v < SparseVectors ? 1 : SparseVectors;
        const long first = v * GENMD_LANES;
        const Strip strip = {dense.matrix + first * dense.inputs, dense.bias + first, some * GENMD_LANES, dense.inputs};
        if (some == SparseVectors)
            multiplySparseStrip<SparseVectors>(strip, rows, x, ends, {y.values + first, y.length});
        else
            multiplySparseStrip<1>(strip, rows, x, ends, {y.values + first, y.length});
        v += some;
    }
}

} // namespace

#endif /*OPENMM_DENSELANES_H_*/
