#ifndef OPENMM_BONDEDLANES_H_
#define OPENMM_BONDEDLANES_H_

#include "BatchedKernel.h"
#include "Lanes.h"

namespace {

struct LaneVector {
    Lanes x, y, z;
};

GENMD_INLINE LaneVector difference(const Lanes* positions, int to, int from) {
    const Lanes *a = positions + 3 * to, *b = positions + 3 * from;
    return {a[0] - b[0], a[1] - b[1], a[2] - b[2]};
}

GENMD_INLINE Lanes dot(const LaneVector& a, const LaneVector& b) {
    return a.x * b.x + a.y * b.y + a.z * b.z;
}

GENMD_INLINE LaneVector cross(const LaneVector& a, const LaneVector& b) {
    return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}

Lanes sumBonds(const OpenMM::BatchedTables& tables, const Lanes* positions) {
    Lanes energy = {};
    for (int i = 0; i < tables.numBonds; i++) {
        const int* atoms = tables.bondAtoms + 2 * i;
        LaneVector bond = difference(positions, atoms[1], atoms[0]);
        Lanes stretch = root(dot(bond, bond)) - tables.bondParameters[2 * i];
        energy += tables.bondParameters[2 * i + 1] * stretch * stretch;
    }
    return energy;
}

Lanes sumAngles(const OpenMM::BatchedTables& tables, const Lanes* positions) {
    Lanes energy = {};
    for (int i = 0; i < tables.numAngles; i++) {
        const int* atoms = tables.angleAtoms + 3 * i;
        LaneVector a = difference(positions, atoms[0], atoms[1]), b = difference(positions, atoms[2], atoms[1]);
        LaneVector normal = cross(a, b);
        Lanes bend = angleOf(dot(a, b), root(dot(normal, normal))) - tables.angleParameters[2 * i];
        energy += tables.angleParameters[2 * i + 1] * bend * bend;
    }
    return energy;
}

struct LaneTorsion {
    Lanes cosine, sine;
};

/** Cosine and sine of a torsion. If three atoms lie on a line it is 90 degrees, as in OpenMM. */
GENMD_INLINE LaneTorsion torsionOf(const Lanes* positions, const int* atoms) {
    LaneVector first = difference(positions, atoms[0], atoms[1]), axis = difference(positions, atoms[2], atoms[1]);
    LaneVector last = difference(positions, atoms[2], atoms[3]);
    LaneVector left = cross(first, axis), right = cross(axis, last);
    Lanes squares = dot(left, left) * dot(right, right);
    LaneBits straight = squares == 0.0;
    Lanes scale = inverseRoot(choose(straight, spread(1.0), squares));
    Lanes sine = dot(first, right) * root(dot(axis, axis)) * scale;
    return {dot(left, right) * scale, choose(straight, spread(1.0), sine)};
}

/** Sum of harmonics by Clenshaw's recurrence. */
Lanes sumTorsions(const OpenMM::BatchedTables& tables, const Lanes* positions) {
    Lanes energy = {};
    for (int i = 0; i < tables.numTorsions; i++) {
        LaneTorsion torsion = torsionOf(positions, tables.torsionAtoms + 4 * i);
        Lanes twice = torsion.cosine + torsion.cosine, c1 = {}, c2 = {}, s1 = {}, s2 = {};
        for (int k = tables.torsionStarts[i + 1] - 1; k >= tables.torsionStarts[i]; k--) {
            Lanes c = twice * c1 - c2 + tables.torsionCosines[k], s = twice * s1 - s2 + tables.torsionSines[k];
            c2 = c1;
            c1 = c;
            s2 = s1;
            s1 = s;
        }
        energy += torsion.cosine * c1 - c2 + torsion.sine * s1;
    }
    return energy;
}

/** The angle of a torsion from 0 to 2 pi. */
GENMD_INLINE Lanes fullAngle(const LaneTorsion& torsion) {
    Lanes angle = angleOf(torsion.cosine, magnitude(torsion.sine));
    return choose(torsion.sine < 0.0, 6.283185307179586 - angle, angle);
}

/** A bicubic patch; positions that are not numbers take the first one, and their energy is not a number either. */
double evaluateMap(const double* coefficients, int size, double a, double b) {
    int i = a < size ? int(a) : size - 1, j = b < size ? int(b) : size - 1;
    if (!(a >= 0 && b >= 0))
        i = j = 0;
    const double* c = coefficients + 16 * (i + size * j);
    double da = a - i, db = b - j, energy = 0;
    for (int k = 3; k >= 0; k--)
        energy = da * energy + ((c[4 * k + 3] * db + c[4 * k + 2]) * db + c[4 * k + 1]) * db + c[4 * k];
    return energy;
}

Lanes sumCmaps(const OpenMM::BatchedTables& tables, const Lanes* positions) {
    Lanes energy = {};
    for (int i = 0; i < tables.numCmaps; i++) {
        const int* atoms = tables.cmapAtoms + 8 * i;
        int size = tables.cmapSizes[i];
        double perRadian = size / 6.283185307179586;
        Lanes a = fullAngle(torsionOf(positions, atoms)) * perRadian;
        Lanes b = fullAngle(torsionOf(positions, atoms + 4)) * perRadian;
        for (int lane = 0; lane < GENMD_LANES; lane++)
            energy[lane] += evaluateMap(tables.cmapCoefficients + tables.cmapStarts[i], size, a[lane], b[lane]);
    }
    return energy;
}

} // namespace

#endif /*OPENMM_BONDEDLANES_H_*/
