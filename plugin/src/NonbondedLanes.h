#ifndef OPENMM_NONBONDEDLANES_H_
#define OPENMM_NONBONDEDLANES_H_

#include "BondedLanes.h"

namespace {

using OpenMM::KnownPerPair;

/** What one atom's volume adds to the Born integral of another, times 2: any distance. */
GENMD_INLINE Lanes descreenNear(const Lanes& radius, const Lanes& scaled, const Lanes& r, const Lanes& inverseR) {
    Lanes upper = r + scaled, lower = larger(radius, magnitude(r - scaled));
    Lanes product = inverse(upper * lower), l = upper * product, u = lower * product, squares = l * l - u * u;
    Lanes term =
        l - u - 0.25 * r * squares + inverseR * (0.5 * logarithm(lower * u) + 0.25 * scaled * scaled * squares);
    term += choose(radius < scaled - r, 2.0 * (1.0 / radius - l), spread(0.0));
    return choose(radius < upper, term, spread(0.0));
}

/**
 * The same from afar. With x = scaled / r and no overlap, the logarithm and the fractions are
 * (x / (1 - x^2) - atanh(x)) / r, which is x^3 / r times a series in x^2 <= BornSeriesEnd.
 */
GENMD_INLINE Lanes descreenFar(const Lanes& scaled, const Lanes& inverseR) {
    Lanes x = scaled * inverseR, t = x * x;
    return inverseR * x * t *
           polynomial(t, 0.6666666666666825, 0.7999999999810735, 0.8571428608755054, 0.8888886003690962,
                      0.9091024593523243, 0.922802889181026, 0.937483182524116, 0.8993938001549951, 1.232055391092353,
                      -0.35604160167971755, 4.896550515492038, -6.254307363396936, 7.5532727143656695);
}

/** What is known of pairs of atoms, the same pair in all lanes or another one in each. */
struct LanePairs {
    Lanes coulomb, repulsion, attraction, radiusI, radiusJ, scaledI, scaledJ, farDistance;
};

/** Energies of pairs of atoms, and the Born integral of each atom over the other's volume. */
struct LanePairTerms {
    Lanes energy, onI, onJ;
};

template <bool WithBorn> GENMD_INLINE LanePairTerms evaluatePairs(const LanePairs& pairs, const Lanes& r2) {
    Lanes inverseR = inverseRoot(r2), inverse2 = inverseR * inverseR, inverse6 = inverse2 * inverse2 * inverse2;
    LanePairTerms terms = {};
    terms.energy = inverse6 * (pairs.repulsion * inverse6 - pairs.attraction) + pairs.coulomb * inverseR;
    if (!WithBorn)
        return terms;
    LaneBits far = r2 >= pairs.farDistance;
    if (anyOf(far)) {
        terms.onI = descreenFar(pairs.scaledJ, inverseR);
        terms.onJ = descreenFar(pairs.scaledI, inverseR);
    }
    if (!allOf(far)) { // a far lane keeps what it has: it must not depend on the others
        Lanes r = r2 * inverseR;
        terms.onI = choose(far, terms.onI, descreenNear(pairs.radiusI, pairs.scaledJ, r, inverseR));
        terms.onJ = choose(far, terms.onJ, descreenNear(pairs.radiusJ, pairs.scaledI, r, inverseR));
    }
    return terms;
}

template <bool WithBorn>
GENMD_INLINE LanePairs spreadPair(const OpenMM::BatchedTables& tables, int i, int j, long pair) {
    LanePairs pairs = {};
    pairs.coulomb = spread(tables.pairCoulomb[pair]);
    pairs.repulsion = spread(tables.pairRepulsion[pair]);
    pairs.attraction = spread(tables.pairAttraction[pair]);
    if (!WithBorn)
        return pairs;
    pairs.radiusI = spread(tables.bornOffsetRadii[i]);
    pairs.radiusJ = spread(tables.bornOffsetRadii[j]);
    pairs.scaledI = spread(tables.bornScaledRadii[i]);
    pairs.scaledJ = spread(tables.bornScaledRadii[j]);
    pairs.farDistance = spread(tables.pairFarDistances[pair]);
    return pairs;
}

/** Whether squared distances differ from a known one by no more than what moving a rigid body leaves behind. */
GENMD_INLINE bool isSame(const Lanes& r2, double known) {
    return allOf(magnitude(r2 - known) <= 1e-12 * known);
}

/** Coulomb and Lennard-Jones energies, and (for generalized Born) the Born integrals, of all pairs. */
template <bool WithBorn> Lanes sumPairs(const OpenMM::BatchedTables& tables, const Lanes* positions, Lanes* integrals) {
    Lanes energy = {};
    double knownEnergy = 0;
    long pair = 0;
    for (int i = 0; i < tables.numParticles; i++) {
        Lanes integralI = {};
        for (int j = i + 1; j < tables.numParticles; j++, pair++) {
            LaneVector delta = difference(positions, j, i);
            Lanes r2 = dot(delta, delta), onJ;
            const double* known = tables.knownPairs + KnownPerPair * pair;
            if (tables.knownPairs != nullptr && isSame(r2, known[0])) {
                knownEnergy += known[1];
                integralI += known[2];
                onJ = spread(known[3]);
            } else {
                LanePairTerms terms = evaluatePairs<WithBorn>(spreadPair<WithBorn>(tables, i, j, pair), r2);
                energy += terms.energy;
                integralI += terms.onI;
                onJ = terms.onJ;
            }
            if (WithBorn)
                integrals[j] += onJ;
        }
        if (WithBorn)
            integrals[i] += integralI;
    }
    return energy + knownEnergy;
}

/** Replace Born integrals by inverse Born radii. Get the surface term and the self energies. */
Lanes finishBornRadii(const OpenMM::BatchedTables& tables, Lanes* integrals) {
    Lanes energy = {};
    for (int i = 0; i < tables.numParticles; i++) {
        double offsetRadius = tables.bornOffsetRadii[i], radius = tables.bornRadii[i], charge = tables.bornCharges[i];
        Lanes psi = 0.5 * offsetRadius * integrals[i];
        Lanes argument = psi * (1.0 + psi * (psi * 4.85 - 0.8));
        Lanes tanh = 1.0 - 2.0 / (exponential(2.0 * argument) + 1.0);
        Lanes inverse = 1.0 / offsetRadius - tanh / radius, ratio = radius * inverse, ratio3 = ratio * ratio * ratio;
        energy += choose(inverse > 0.0, tables.bornSurface[i] * ratio3 * ratio3, spread(0.0));
        energy += 0.5 * tables.bornSign * charge * charge * inverse;
        integrals[i] = inverse;
    }
    return energy;
}

/** Energies of charges in each other's reaction field, by Still's interpolation. */
Lanes sumBornPairs(const OpenMM::BatchedTables& tables, const Lanes* positions, const Lanes* inverseRadii,
                   Lanes* bornRadii) {
    for (int i = 0; i < tables.numParticles; i++)
        bornRadii[i] = 1.0 / inverseRadii[i];
    Lanes energy = {};
    for (int i = 0; i < tables.numParticles; i++) {
        Lanes sum = {}, factor = -0.25 * inverseRadii[i];
        for (int j = i + 1; j < tables.numParticles; j++) {
            LaneVector delta = difference(positions, j, i);
            Lanes r2 = dot(delta, delta);
            Lanes overlap = bornRadii[i] * bornRadii[j] * decay(r2 * factor * inverseRadii[j]);
            sum += tables.bornCharges[j] * inverseRoot(r2 + overlap);
        }
        energy += tables.bornCharges[i] * sum;
    }
    return tables.bornSign * energy;
}

} // namespace

#endif /*OPENMM_NONBONDEDLANES_H_*/
