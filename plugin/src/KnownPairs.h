#ifndef OPENMM_KNOWNPAIRS_H_
#define OPENMM_KNOWNPAIRS_H_

#include "NonbondedLanes.h"

namespace {

/** Pairs of atoms of one conformation, one in each lane. */
struct CollectedPairs {
    int count = 0;
    LanePairs pairs;
    Lanes r2;
};

/** Put what spreadPair() says of a pair into one lane. */
template <bool WithBorn>
void setLane(const OpenMM::BatchedTables& tables, int i, int j, long pair, int lane, LanePairs& pairs) {
    LanePairs single = spreadPair<WithBorn>(tables, i, j, pair);
    const double* from = reinterpret_cast<const double*>(&single);
    double* to = reinterpret_cast<double*>(&pairs);
    for (int k = lane; k < sizeof(LanePairs) / sizeof(double); k += GENMD_LANES)
        to[k] = from[k];
}

/** Evaluate what has been collected. The last of the pairs is the one before the given one. */
template <bool WithBorn> void flushPairs(CollectedPairs& collected, long pair, double* known) {
    LanePairTerms terms = evaluatePairs<WithBorn>(collected.pairs, collected.r2);
    double* row = known + KnownPerPair * (pair - collected.count);
    for (int lane = 0; lane < collected.count; lane++, row += KnownPerPair) {
        row[0] = collected.r2[lane];
        row[1] = terms.energy[lane];
        row[2] = terms.onI[lane];
        row[3] = terms.onJ[lane];
    }
    collected.count = 0;
}

template <bool WithBorn>
void findKnownPairs(const OpenMM::BatchedTables& tables, const double* positions, double* known) {
    CollectedPairs collected = {};
    long pair = 0;
    for (int i = 0; i < tables.numParticles; i++)
        for (int j = i + 1; j < tables.numParticles; j++, pair++) {
            if (collected.count == GENMD_LANES)
                flushPairs<WithBorn>(collected, pair, known);
            const double *a = positions + 3 * i, *b = positions + 3 * j;
            double x = b[0] - a[0], y = b[1] - a[1], z = b[2] - a[2];
            collected.r2[collected.count] = x * x + y * y + z * z;
            setLane<WithBorn>(tables, i, j, pair, collected.count++, collected.pairs);
        }
    flushPairs<WithBorn>(collected, pair, known);
}

void findKnown(const OpenMM::BatchedTables& tables, const double* positions, double* known) {
    if (tables.hasBorn)
        findKnownPairs<true>(tables, positions, known);
    else
        findKnownPairs<false>(tables, positions, known);
}

} // namespace

#endif /*OPENMM_KNOWNPAIRS_H_*/
