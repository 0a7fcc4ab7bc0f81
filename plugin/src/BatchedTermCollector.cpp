#include "BatchedTermCollector.h"
#include "UnsupportedForce.h"
#include "openmm/VirtualSite.h"
#include <algorithm>
#include <sstream>
#include <stdexcept>

using namespace OpenMM;
using namespace std;

BatchedTermCollector::BatchedTermCollector(const System& system, BatchedTerms& terms)
    : system(system), terms(terms), localIndex(system.getNumParticles(), -1) {
    if (terms.particles.empty())
        throw invalid_argument("particles must name at least one particle, got none");
    for (int i = 0; i < terms.particles.size(); i++) {
        int particle = terms.particles[i];
        if (particle < 0 || particle >= system.getNumParticles())
            throw invalid_argument("particles must lie between 0 and " + to_string(system.getNumParticles() - 1) +
                                   ", got " + to_string(particle));
        if (localIndex[particle] != -1)
            throw invalid_argument("particles must differ, got " + to_string(particle) + " twice");
        localIndex[particle] = i;
    }
}

void BatchedTermCollector::collect() {
    checkVirtualSites();
    checkConstraints();
    for (int i = 0; i < system.getNumForces(); i++)
        addForce(system.getForce(i));
    finishTorsions();
    if (problems.empty())
        return;
    stringstream message;
    message << "BatchedEnergy cannot evaluate this System:";
    for (const string& problem : problems)
        message << "\n  - " << problem;
    message << "\nBuild the surrogate from a System of whole molecules without cutoff whose forces are among "
            << "HarmonicBondForce, HarmonicAngleForce, PeriodicTorsionForce, RBTorsionForce, CMAPTorsionForce, "
            << "NonbondedForce and GBSAOBCForce, or use a function of your own as the surrogate.";
    throw invalid_argument(message.str());
}

void BatchedTermCollector::checkVirtualSites() {
    for (int i = 0; i < system.getNumParticles(); i++) {
        if (!system.isVirtualSite(i))
            continue;
        const VirtualSite& site = system.getVirtualSite(i);
        bool touched = localIndex[i] != -1;
        for (int j = 0; j < site.getNumParticles(); j++)
            touched |=
                exist("virtual site " + to_string(i), {site.getParticle(j)}) && localIndex[site.getParticle(j)] != -1;
        if (touched) {
            refuse("particle " + to_string(i) + " is a virtual site of the particles");
            return;
        }
    }
}

void BatchedTermCollector::checkConstraints() {
    for (int i = 0; i < system.getNumConstraints(); i++) {
        vector<int> atoms(2);
        double distance;
        system.getConstraintParameters(i, atoms[0], atoms[1], distance);
        translate("constraint " + to_string(i), atoms);
    }
}

void BatchedTermCollector::addForce(const Force& force) {
    if (auto bonds = dynamic_cast<const HarmonicBondForce*>(&force))
        add(*bonds);
    else if (auto angles = dynamic_cast<const HarmonicAngleForce*>(&force))
        add(*angles);
    else if (auto torsions = dynamic_cast<const PeriodicTorsionForce*>(&force))
        add(*torsions);
    else if (auto torsions = dynamic_cast<const RBTorsionForce*>(&force))
        add(*torsions);
    else if (auto maps = dynamic_cast<const CMAPTorsionForce*>(&force))
        add(*maps);
    else if (auto nonbonded = dynamic_cast<const NonbondedForce*>(&force))
        add(*nonbonded);
    else if (auto born = dynamic_cast<const GBSAOBCForce*>(&force))
        add(*born);
    else if (!isWithoutEnergy(force))
        refuse(getForceClass(force));
}

bool BatchedTermCollector::exist(const string& term, const vector<int>& atoms) {
    for (int atom : atoms)
        if (atom < 0 || atom >= localIndex.size()) {
            refuse(term + " refers to particle " + to_string(atom) + ", which does not exist");
            return false;
        }
    return true;
}

bool BatchedTermCollector::hasAllParticles(const Force& force, int numParticles) {
    if (numParticles == system.getNumParticles())
        return true;
    refuse(getForceClass(force) + " has " + to_string(numParticles) + " particles, the System " +
           to_string(system.getNumParticles()));
    return false;
}

bool BatchedTermCollector::translate(const string& term, vector<int>& atoms) {
    if (!exist(term, atoms))
        return false;
    int outside = -1, inside = -1;
    for (int& atom : atoms) {
        (localIndex[atom] == -1 ? outside : inside) = atom;
        atom = localIndex[atom];
    }
    // One term of a kind says enough.
    if (outside != -1 && inside != -1 && cutKinds.insert(term.substr(0, term.rfind(' '))).second)
        refuse(term + " joins particle " + to_string(inside) + " with " + to_string(outside) +
               ", which is not among the particles (take whole molecules)");
    return outside == -1;
}

bool BatchedTermCollector::refusePeriodic(const Force& force) {
    if (!force.usesPeriodicBoundaryConditions())
        return false;
    refuse(getForceClass(force) + " with periodic boundary conditions");
    return true;
}

void BatchedTermCollector::refuse(const string& reason) {
    if (find(problems.begin(), problems.end(), reason) == problems.end())
        problems.push_back(reason);
}
