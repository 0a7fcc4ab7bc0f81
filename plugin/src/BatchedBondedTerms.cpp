#include "BatchedTermCollector.h"
#include "UnsupportedForce.h"
#include "openmm/internal/CMAPTorsionForceImpl.h"
#include <cmath>

using namespace OpenMM;
using namespace std;

/** More than any force field has; tables grow with it. */
static const int MaxPeriodicity = 100;

static string nameTerm(const Force& force, const string& kind, int index) {
    return getForceClass(force) + ": " + kind + " " + to_string(index);
}

void BatchedTermCollector::add(const HarmonicBondForce& force) {
    if (refusePeriodic(force))
        return;
    for (int i = 0; i < force.getNumBonds(); i++) {
        vector<int> atoms(2);
        double length, k;
        force.getBondParameters(i, atoms[0], atoms[1], length, k);
        if (!translate(nameTerm(force, "bond", i), atoms) || k == 0)
            continue;
        terms.bondAtoms.insert(terms.bondAtoms.end(), atoms.begin(), atoms.end());
        terms.bondParameters.insert(terms.bondParameters.end(), {length, 0.5 * k});
    }
}

void BatchedTermCollector::add(const HarmonicAngleForce& force) {
    if (refusePeriodic(force))
        return;
    for (int i = 0; i < force.getNumAngles(); i++) {
        vector<int> atoms(3);
        double angle, k;
        force.getAngleParameters(i, atoms[0], atoms[1], atoms[2], angle, k);
        if (!translate(nameTerm(force, "angle", i), atoms) || k == 0)
            continue;
        terms.angleAtoms.insert(terms.angleAtoms.end(), atoms.begin(), atoms.end());
        terms.angleParameters.insert(terms.angleParameters.end(), {angle, 0.5 * k});
    }
}

void BatchedTermCollector::add(const PeriodicTorsionForce& force) {
    if (refusePeriodic(force))
        return;
    for (int i = 0; i < force.getNumTorsions(); i++) {
        vector<int> atoms(4);
        int periodicity;
        double phase, k;
        force.getTorsionParameters(i, atoms[0], atoms[1], atoms[2], atoms[3], periodicity, phase, k);
        if (periodicity < 1 || periodicity > MaxPeriodicity)
            refuse(nameTerm(force, "torsion", i) + " has a periodicity that is not between 1 and " +
                   to_string(MaxPeriodicity));
        else if (translate(nameTerm(force, "torsion", i), atoms) && k != 0) {
            terms.constantEnergy += k;
            addHarmonic(atoms, periodicity, k * cos(phase), k * sin(phase));
        }
    }
}

/**
 * Powers of cos(phi - pi) as multiples of the angle: cos^2 = (1 + cos 2)/2, cos^3 = (3 cos + cos 3)/4,
 * cos^4 = (3 + 4 cos 2 + cos 4)/8, cos^5 = (10 cos + 5 cos 3 + cos 5)/16.
 */
void BatchedTermCollector::add(const RBTorsionForce& force) {
    if (refusePeriodic(force))
        return;
    for (int i = 0; i < force.getNumTorsions(); i++) {
        vector<int> atoms(4);
        double c[6];
        force.getTorsionParameters(i, atoms[0], atoms[1], atoms[2], atoms[3], c[0], c[1], c[2], c[3], c[4], c[5]);
        if (!translate(nameTerm(force, "torsion", i), atoms))
            continue;
        terms.constantEnergy += c[0] + c[2] / 2 + 3 * c[4] / 8;
        addHarmonic(atoms, 1, -(c[1] + 3 * c[3] / 4 + 5 * c[5] / 8), 0);
        addHarmonic(atoms, 2, c[2] / 2 + c[4] / 2, 0);
        addHarmonic(atoms, 3, -(c[3] / 4 + 5 * c[5] / 16), 0);
        addHarmonic(atoms, 4, c[4] / 8, 0);
        addHarmonic(atoms, 5, -c[5] / 16, 0);
    }
}

void BatchedTermCollector::addHarmonic(vector<int> atoms, int order, double cosine, double sine) {
    if (cosine == 0 && sine == 0)
        return;
    if (atoms[0] > atoms[3]) // the same angle, read from the other end
        atoms = {atoms[3], atoms[2], atoms[1], atoms[0]};
    auto& harmonics = torsions[{atoms[0], atoms[1], atoms[2], atoms[3]}];
    if (harmonics.size() < order)
        harmonics.resize(order, {0, 0});
    harmonics[order - 1][0] += cosine;
    harmonics[order - 1][1] += sine;
}

void BatchedTermCollector::finishTorsions() {
    for (const auto& torsion : torsions) {
        terms.torsionAtoms.insert(terms.torsionAtoms.end(), torsion.first.begin(), torsion.first.end());
        terms.torsionStarts.push_back(terms.torsionCosines.size());
        for (const auto& harmonic : torsion.second) {
            terms.torsionCosines.push_back(harmonic[0]);
            terms.torsionSines.push_back(harmonic[1]);
        }
    }
    terms.torsionStarts.push_back(terms.torsionCosines.size());
}

void BatchedTermCollector::add(const CMAPTorsionForce& force) {
    if (refusePeriodic(force))
        return;
    vector<int> starts = addMaps(force);
    for (int i = 0; i < force.getNumTorsions(); i++) {
        int map, size;
        vector<int> atoms(8);
        vector<double> energy;
        force.getTorsionParameters(i, map, atoms[0], atoms[1], atoms[2], atoms[3], atoms[4], atoms[5], atoms[6],
                                   atoms[7]);
        if (!translate(nameTerm(force, "torsion", i), atoms))
            continue;
        if (map < 0 || map >= starts.size()) {
            refuse(nameTerm(force, "torsion", i) + " refers to map " + to_string(map) + ", which does not exist");
            continue;
        }
        force.getMapParameters(map, size, energy);
        terms.cmapAtoms.insert(terms.cmapAtoms.end(), atoms.begin(), atoms.end());
        terms.cmapSizes.push_back(size);
        terms.cmapStarts.push_back(starts[map]);
    }
}

vector<int> BatchedTermCollector::addMaps(const CMAPTorsionForce& force) {
    vector<int> starts;
    for (int i = 0; i < force.getNumMaps(); i++) {
        int size;
        vector<double> energy;
        vector<vector<double>> patches;
        force.getMapParameters(i, size, energy);
        CMAPTorsionForceImpl::calcMapDerivatives(size, energy, patches);
        starts.push_back(terms.cmapCoefficients.size());
        for (const vector<double>& patch : patches)
            terms.cmapCoefficients.insert(terms.cmapCoefficients.end(), patch.begin(), patch.end());
    }
    return starts;
}
