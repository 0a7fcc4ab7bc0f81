#include "BatchedTermCollector.h"
#include "UnsupportedForce.h"
#include <cmath>

using namespace OpenMM;
using namespace std;

/** kJ/mol nm/e^2, from the constants of CODATA 2018, as OpenMM has it. */
static const double Coulomb =
    (1.602176634e-19 * 1.602176634e-19 * 6.02214076e23) / (4 * M_PI * 1e-6 * 8.8541878128e-12);

/** What a parameter of a NonbondedForce is given by: the value, and offsets with global parameters' defaults. */
struct Nonbonded {
    double charge, sigma, epsilon;
    void shift(double by, double chargeScale, double sigmaScale, double epsilonScale) {
        charge += by * chargeScale;
        sigma += by * sigmaScale;
        epsilon += by * epsilonScale;
    }
};

static double getDefault(const NonbondedForce& force, const string& parameter) {
    for (int i = 0; i < force.getNumGlobalParameters(); i++)
        if (force.getGlobalParameterName(i) == parameter)
            return force.getGlobalParameterDefaultValue(i);
    return 0;
}

static vector<Nonbonded> getParticleValues(const NonbondedForce& force) {
    vector<Nonbonded> values(force.getNumParticles());
    for (int i = 0; i < values.size(); i++)
        force.getParticleParameters(i, values[i].charge, values[i].sigma, values[i].epsilon);
    for (int i = 0; i < force.getNumParticleParameterOffsets(); i++) {
        string parameter;
        int particle;
        Nonbonded scale;
        force.getParticleParameterOffset(i, parameter, particle, scale.charge, scale.sigma, scale.epsilon);
        values.at(particle).shift(getDefault(force, parameter), scale.charge, scale.sigma, scale.epsilon);
    }
    return values;
}

static vector<Nonbonded> getExceptionValues(const NonbondedForce& force) {
    vector<Nonbonded> values(force.getNumExceptions());
    int first, second;
    for (int i = 0; i < values.size(); i++)
        force.getExceptionParameters(i, first, second, values[i].charge, values[i].sigma, values[i].epsilon);
    for (int i = 0; i < force.getNumExceptionParameterOffsets(); i++) {
        string parameter;
        int exception;
        Nonbonded scale;
        force.getExceptionParameterOffset(i, parameter, exception, scale.charge, scale.sigma, scale.epsilon);
        values.at(exception).shift(getDefault(force, parameter), scale.charge, scale.sigma, scale.epsilon);
    }
    return values;
}

/** Coefficients of 1/r, r^-12 and -r^-6. */
static array<double, 3> getCoefficients(double chargeProduct, double sigma, double epsilon) {
    double sigma6 = pow(sigma, 6);
    return {Coulomb * chargeProduct, 4 * epsilon * sigma6 * sigma6, 4 * epsilon * sigma6};
}

/** Get the place of a pair in a table of pairs (0, 1), (0, 2) ... (1, 2) .... */
static size_t getPairIndex(size_t n, size_t i, size_t j) {
    if (i > j)
        swap(i, j);
    return i * n - i * (i + 1) / 2 + j - i - 1;
}

static vector<array<double, 3>> getNoPairs(size_t n) {
    return vector<array<double, 3>>(n * (n - 1) / 2, {0, 0, 0});
}

static vector<array<double, 3>> getParticlePairs(const NonbondedForce& force, const vector<int>& particles) {
    vector<Nonbonded> values = getParticleValues(force);
    vector<array<double, 3>> pairs;
    for (int i = 0; i < particles.size(); i++)
        for (int j = i + 1; j < particles.size(); j++) {
            const Nonbonded &a = values[particles[i]], &b = values[particles[j]];
            pairs.push_back(
                getCoefficients(a.charge * b.charge, 0.5 * (a.sigma + b.sigma), sqrt(a.epsilon * b.epsilon)));
        }
    return pairs;
}

void BatchedTermCollector::add(const NonbondedForce& force) {
    static const char* methods[] = {"", "CutoffNonPeriodic", "CutoffPeriodic", "Ewald", "PME", "LJPME"};
    if (force.getNonbondedMethod() != NonbondedForce::NoCutoff) {
        refuse(getForceClass(force) + " with a cutoff (" + methods[force.getNonbondedMethod()] + ")");
        return;
    }
    if (!hasAllParticles(force, force.getNumParticles()))
        return;
    vector<array<double, 3>> pairs = getParticlePairs(force, terms.particles);
    vector<Nonbonded> exceptions = getExceptionValues(force);
    for (int i = 0; i < exceptions.size(); i++) {
        int first, second;
        double chargeProduct, sigma, epsilon;
        force.getExceptionParameters(i, first, second, chargeProduct, sigma, epsilon);
        if (exist(getForceClass(force) + ": exception " + to_string(i), {first, second}) && localIndex[first] != -1 &&
            localIndex[second] != -1)
            pairs[getPairIndex(terms.particles.size(), localIndex[first], localIndex[second])] =
                getCoefficients(exceptions[i].charge, exceptions[i].sigma, exceptions[i].epsilon);
    }
    addPairs(pairs);
}

void BatchedTermCollector::addPairs(const vector<array<double, 3>>& pairs) {
    terms.hasPairs = true;
    terms.pairCoulomb.resize(pairs.size());
    terms.pairRepulsion.resize(pairs.size());
    terms.pairAttraction.resize(pairs.size());
    for (size_t i = 0; i < pairs.size(); i++) {
        terms.pairCoulomb[i] += pairs[i][0];
        terms.pairRepulsion[i] += pairs[i][1];
        terms.pairAttraction[i] += pairs[i][2];
    }
}

/** Constants of Onufriev, Bashford and Case, Proteins 55, 383 (2004), model OBC II, and of OpenMM's surface term. */
void BatchedTermCollector::add(const GBSAOBCForce& force) {
    const double dielectricOffset = 0.009, probeRadius = 0.14;
    if (force.getNonbondedMethod() != GBSAOBCForce::NoCutoff) {
        refuse(getForceClass(force) + " with a cutoff");
        return;
    }
    if (!hasAllParticles(force, force.getNumParticles()))
        return;
    if (terms.hasBorn) {
        refuse("more than one " + getForceClass(force));
        return;
    }
    terms.hasBorn = true;
    addPairs(getNoPairs(terms.particles.size()));
    double in = force.getSoluteDielectric(), out = force.getSolventDielectric();
    double factor = in == 0 || out == 0 ? 0 : -Coulomb * (1 / in - 1 / out);
    terms.bornSign = factor < 0 ? -1 : 1;
    for (int particle : terms.particles) {
        double charge, radius, scale;
        force.getParticleParameters(particle, charge, radius, scale);
        terms.bornRadii.push_back(radius);
        terms.bornOffsetRadii.push_back(radius - dielectricOffset);
        terms.bornScaledRadii.push_back((radius - dielectricOffset) * scale);
        terms.bornCharges.push_back(charge * sqrt(fabs(factor)));
        terms.bornSurface.push_back(4 * M_PI * force.getSurfaceAreaEnergy() * pow(radius + probeRadius, 2));
    }
}
