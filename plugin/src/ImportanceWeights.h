#ifndef GENMD_IMPORTANCEWEIGHTS_H_
#define GENMD_IMPORTANCEWEIGHTS_H_

#include "genmd/JumpRandom.h"
#include <vector>

/**
 * Weights w = exp(-V/kT) / q of conformations that were drawn with density q, kept as logarithms. A conformation whose
 * energy or density is not finite has no weight, so that it cannot be picked.
 */
class ImportanceWeights {
public:
    /** Add a conformation with energy V and log density log q. */
    void add(double energy, double kT, double logDensity);
    /** Replace the conformation at an index by another one. */
    void set(int index, double energy, double kT, double logDensity);
    /** Get the logarithm of the sum; -infinity if nothing has weight. */
    double getLogSum() const;
    /** Pick a conformation with probability proportional to its weight; -1 if nothing has weight. */
    int pick(OpenMM::JumpRandom& random) const;
    /** Get each one's share of the sum. */
    std::vector<double> getShares() const;

private:
    std::vector<double> logWeights;
};

#endif /*GENMD_IMPORTANCEWEIGHTS_H_*/
