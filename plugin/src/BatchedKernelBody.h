/* Included once by each of the files that compile it for one instruction set, after GENMD_LANES has been defined. */

#include "KnownPairs.h"

namespace {

void evaluateBlock(const OpenMM::BatchedTables& tables, const double* packedPositions, double* packedScratch,
                   double* packedEnergies) {
    const Lanes* positions = (const Lanes*)packedPositions;
    Lanes* scratch = (Lanes*)packedScratch;
    Lanes energy = tables.constantEnergy + sumBonds(tables, positions) + sumAngles(tables, positions) +
                   sumTorsions(tables, positions) + sumCmaps(tables, positions);
    if (tables.hasBorn) {
        for (int i = 0; i < tables.numParticles; i++)
            scratch[i] = Lanes{};
        energy += sumPairs<true>(tables, positions, scratch);
        energy += finishBornRadii(tables, scratch);
        energy += sumBornPairs(tables, positions, scratch, scratch + tables.numParticles);
    } else if (tables.hasPairs)
        energy += sumPairs<false>(tables, positions, nullptr);
    *(Lanes*)packedEnergies = energy;
}

} // namespace
