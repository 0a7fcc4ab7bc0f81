#ifndef OPENMM_BLOCKDECODERLANES_H_
#define OPENMM_BLOCKDECODERLANES_H_

/*
 * The decoder of a block network, with a row for each candidate, or each torsion of a candidate. Drawing and weighing
 * use the same functions, so that their densities agree.
 */

#include "DenseLanes.h"

namespace {

using OpenMM::BlockBatch;
using OpenMM::BlockContext;
using OpenMM::BlockDraws;
using OpenMM::DrawNumbers;

const double Pi = 3.141592653589793, Turn = 2 * Pi;

/** What stands in rows: row r is candidate (first + r) % candidates of torsion (first + r) / candidates. */
struct Places {
    int first, count, candidates;
    int torsion(int row) const {
        return (first + row) / candidates;
    }
    int candidate(int row) const {
        return (first + row) % candidates;
    }
};

/** Room of the decoder. */
struct DecoderScratch {
    Rows heard, state, hidden, bumps;
    /** Of each torsion and candidate, what those after it may listen to. */
    Rows values;
};

inline DecoderScratch takeDecoder(const BlockTables& tables, double* numbers) {
    Scratch room = {numbers};
    return {room.take(BlockBatch, tables.width), room.take(BlockBatch, tables.width),
            room.take(BlockBatch, tables.hidden), room.take(BlockBatch, tables.nodes), room.take(0, tables.width)};
}

/** What a torsion hears of those before it. */
inline void listen(const BlockContext& context, const Places& places, int row, const Rows& values, double* heard) {
    const int j = places.torsion(row), candidate = places.candidate(row);
    const Rows gates = {context.gates + long(j) * context.numTorsions * values.length, values.length};
    for (long c = 0; c < values.length; c += GENMD_LANES) {
        Lanes sum = {};
        for (int i = 0; i < j; i++)
            sum += load(gates[i] + c) * load(values[long(i) * places.candidates + candidate] + c);
        store(heard + c, sum);
    }
}

/** Find the weights of the bumps of each row's density. */
inline void decode(const BlockTables& tables, const BlockContext& context, const Places& places,
                   const DecoderScratch& scratch) {
    const Rows &heard = scratch.heard, &state = scratch.state, &hidden = scratch.hidden, &bumps = scratch.bumps;
    for (int r = 0; r < places.count; r++) {
        const int j = places.torsion(r);
        listen(context, places, r, scratch.values, heard[r]);
        copyRow(context.base + j * state.length, state.length, state[r]);
        copyRow(tables.marginal + context.torsions[j] * bumps.length, bumps.length, bumps[r]);
    }
    apply(tables.heard, places.count, heard, Add, state);
    for (int step = 0; step < tables.numSteps; step++) {
        apply(tables.steps[2 * step], places.count, state, SetPositive, hidden);
        applySparse(tables.steps[2 * step + 1], places.count, hidden, Add, state);
    }
    apply(tables.logits, places.count, state, Add, bumps);
    for (int r = 0; r < places.count; r++)
        exponentiate(bumps[r], tables.nodes);
}

/** Find what torsions after these may listen to. */
inline void speak(const BlockTables& tables, const BlockContext& context, const Places& places, const double* angles,
                  const DecoderScratch& scratch) {
    const Rows& hidden = scratch.hidden;
    for (int r = 0; r < places.count; r++) {
        const int j = places.torsion(r);
        copyRow(context.content + j * hidden.length, hidden.length, hidden[r]);
        addFeatures(angles[long(places.candidate(r)) * context.numTorsions + j], tables.harmonics,
                    tables.drawn + 2 * tables.harmonics * context.torsions[j] * hidden.length, hidden.length,
                    hidden[r]);
        for (long i = 0; i < hidden.length; i += GENMD_LANES)
            store(hidden[r] + i, positivePart(load(hidden[r] + i)));
    }
    applySparse(tables.value, places.count, hidden, Set, {scratch.values[places.first], scratch.values.length});
}

/** The smaller one of two numbers. */
GENMD_INLINE int smallerOf(int a, int b) {
    return a < b ? a : b;
}

/** x - n floor(x / n), for n > 0. */
GENMD_INLINE double modulo(double x, double n) {
    double rest = __builtin_fmod(x, n);
    return rest < 0.0 ? rest + n : rest;
}

/** Log density of an angle: four bumps overlap anywhere. Unser, IEEE Signal Process. Mag. 16(6), 22 (1999), eq. 8. */
inline double logDensity(const double* bumps, int nodes, double sum, double angle) {
    const double place = modulo((angle + Pi) * (nodes / Turn), nodes);
    const int left = place >= 0.0 ? int(place) : 0;
    const double t = place - left, tt = t * t, ttt = tt * t;
    const double heights[4] = {(1.0 - t) * (1.0 - t) * (1.0 - t) / 6.0, (4.0 - 6.0 * tt + 3.0 * ttt) / 6.0,
                               (1.0 + 3.0 * (t + tt - ttt)) / 6.0, ttt / 6.0};
    double total = 0.0;
    for (int k = 0; k < 4; k++)
        total += heights[k] * bumps[(left + k + nodes - 1) % nodes];
    return __builtin_log(total * (nodes / Turn) / sum);
}

/** The node at a level up to the sum of all weights. */
inline int findNode(const double* bumps, int nodes, double level) {
    double edge = 0.0;
    int below = 0;
    // Rounding may lift a level to the last edge.
    for (int i = 0; i + 1 < nodes; i++) {
        edge += bumps[i];
        below += edge <= level;
    }
    return below;
}

/** The angle, in [-pi, pi), that a node and four random numbers give. */
inline double angleAt(int nodes, int node, const double* uniform) {
    const double place = node + (uniform[0] + uniform[1] + uniform[2] + uniform[3]) - 2.0;
    const double angle = modulo(place * (Turn / nodes), Turn) - Pi;
    return angle >= Pi ? -Pi : angle;
}

/** Draw a torsion of a candidate, and add the logarithm of its density. */
inline void drawTorsion(const BlockDraws& draws, int candidate, int numTorsions, int j, const double* bumps,
                        int nodes) {
    const long place = long(candidate) * numTorsions + j;
    const double* uniform = draws.uniform + place * DrawNumbers;
    const double sum = sumOf(bumps, nodes);
    const double angle = draws.anywhere[candidate]
                             ? Turn * uniform[0] - Pi
                             : angleAt(nodes, findNode(bumps, nodes, uniform[0] * sum), uniform + 1);
    draws.angles[place] = angle;
    draws.logDensities[candidate] += logDensity(bumps, nodes, sum, angle);
}

void drawBlock(const BlockTables& tables, const BlockContext& context, const BlockDraws& draws, double* numbers) {
    const int m = context.numTorsions, n = draws.count;
    const DecoderScratch scratch = takeDecoder(tables, numbers);
    for (int c = 0; c < n; c++)
        draws.logDensities[c] = 0.0;
    for (int j = 0; j < m; j++) {
        // The density of the first torsion is that of all candidates.
        const Places places = {j * n, n, n}, different = {j * n, j == 0 ? 1 : n, n};
        decode(tables, context, different, scratch);
        for (int c = 0; c < n; c++)
            drawTorsion(draws, c, m, j, scratch.bumps[j == 0 ? 0 : c], tables.nodes);
        if (j + 1 < m)
            speak(tables, context, places, draws.angles, scratch);
    }
}

void weighBlock(const BlockTables& tables, const BlockContext& context, int count, const double* angles,
                double* logDensities, double* numbers) {
    const int m = context.numTorsions, all = m * count, speaking = all - count;
    const DecoderScratch scratch = takeDecoder(tables, numbers);
    for (int first = 0; first < speaking; first += BlockBatch)
        speak(tables, context, {first, smallerOf(BlockBatch, speaking - first), count}, angles, scratch);
    for (int c = 0; c < count; c++)
        logDensities[c] = 0.0;
    for (int first = 0; first < all; first += BlockBatch) {
        const Places places = {first, smallerOf(BlockBatch, all - first), count};
        decode(tables, context, places, scratch);
        for (int r = 0; r < places.count; r++) {
            const int candidate = places.candidate(r);
            const double *bumps = scratch.bumps[r], angle = angles[candidate * m + places.torsion(r)];
            logDensities[candidate] += logDensity(bumps, tables.nodes, sumOf(bumps, tables.nodes), angle);
        }
    }
}

} // namespace

#endif /*OPENMM_BLOCKDECODERLANES_H_*/
