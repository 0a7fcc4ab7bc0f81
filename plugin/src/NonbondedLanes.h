#ifndef OPENMM_NONBONDEDLANES_H_
#define OPENMM_NONBONDEDLANES_H_

#include "BondedLanes.h"

namespace {

/** What one atom's volume adds to the Born integral of another, times 2: any distance. */
GENMD_INLINE Lanes descreenNear(double radius, double scaled, const Lanes& r, const Lanes& inverseR) {
    Lanes upper = r + scaled, lower = larger(spread(radius), magnitude(r - scaled));
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
GENMD_INLINE Lanes descreenFar(double scaled, const Lanes& inverseR) {
    Lanes x = scaled * inverseR, t = x * x;
    return inverseR * x * t *
           polynomial(t, 0.6666666666666825, 0.7999999999810735, 0.8571428608755054, 0.8888886003690962,
                      0.9091024593523243, 0.922802889181026, 0.937483182524116, 0.8993938001549951, 1.232055391092353,
                      -0.35604160167971755, 4.896550515492038, -6.254307363396936, 7.5532727143656695);
}

/** Coulomb and Lennard-Jones energies, and (for generalized Born) the Born integrals, of all pairs. */
template <bool WithBorn> Lanes sumPairs(const OpenMM::BatchedTables& tables, const Lanes* positions, Lanes* integrals) {
    Lanes energy = {};
    long pair = 0;
    for (int i = 0; i < tables.numParticles; i++) {
        Lanes integralI = {};
        for (int j = i + 1; j < tables.numParticles; j++, pair++) {
            LaneVector delta = difference(positions, j, i);
            Lanes r2 = dot(delta, delta), inverseR = inverseRoot(r2);
            if (tables.hasPairs) {
                Lanes inverse2 = inverseR * inverseR, inverse6 = inverse2 * inverse2 * inverse2;
                energy += inverse6 * (tables.pairRepulsion[pair] * inverse6 - tables.pairAttraction[pair]) +
                          tables.pairCoulomb[pair] * inverseR;
            }
            if (!WithBorn)
                continue;
            LaneBits far = r2 >= tables.pairFarDistances[pair];
            Lanes onI = {}, onJ = {};
            if (anyOf(far)) {
                onI = descreenFar(tables.bornScaledRadii[j], inverseR);
                onJ = descreenFar(tables.bornScaledRadii[i], inverseR);
            }
            if (!allOf(far)) { // lanes must not depend on each other: far ones keep what they have
                Lanes r = r2 * inverseR;
                double radiusI = tables.bornOffsetRadii[i], radiusJ = tables.bornOffsetRadii[j];
                onI = choose(far, onI, descreenNear(radiusI, tables.bornScaledRadii[j], r, inverseR));
                onJ = choose(far, onJ, descreenNear(radiusJ, tables.bornScaledRadii[i], r, inverseR));
            }
            integralI += onI;
            integrals[j] += onJ;
        }
        if (WithBorn)
            integrals[i] += integralI;
    }
    return energy;
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
            Lanes overlap = bornRadii[i] * bornRadii[j] * exponential(r2 * factor * inverseRadii[j]);
            sum += tables.bornCharges[j] * inverseRoot(r2 + overlap);
        }
        energy += tables.bornCharges[i] * sum;
    }
    return tables.bornSign * energy;
}

} // namespace

#endif /*OPENMM_NONBONDEDLANES_H_*/
