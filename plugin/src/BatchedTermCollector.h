#ifndef OPENMM_BATCHEDTERMCOLLECTOR_H_
#define OPENMM_BATCHEDTERMCOLLECTOR_H_

#include "genmd/BatchedTerms.h"
#include "openmm/CMAPTorsionForce.h"
#include "openmm/GBSAOBCForce.h"
#include "openmm/HarmonicAngleForce.h"
#include "openmm/HarmonicBondForce.h"
#include "openmm/NonbondedForce.h"
#include "openmm/PeriodicTorsionForce.h"
#include "openmm/RBTorsionForce.h"
#include <array>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace OpenMM {

/**
 * Takes the Forces of a System one by one into tables, and notes what cannot be taken.
 */
class BatchedTermCollector {
public:
    /** Number the particles. Throws a std::invalid_argument if they are not particles of the System. */
    BatchedTermCollector(const System& system, BatchedTerms& terms);
    /** Take everything. Throws a std::invalid_argument that lists what cannot be taken, if anything. */
    void collect();

private:
    void checkVirtualSites();
    void checkConstraints();
    void addForce(const Force& force);
    void add(const HarmonicBondForce& force);
    void add(const HarmonicAngleForce& force);
    void add(const PeriodicTorsionForce& force);
    void add(const RBTorsionForce& force);
    void add(const CMAPTorsionForce& force);
    void add(const NonbondedForce& force);
    void add(const GBSAOBCForce& force);
    std::vector<int> addMaps(const CMAPTorsionForce& force);
    void addPairs(const std::vector<std::array<double, 3>>& pairs);
    /** Add amplitude * (cos(order*phi) cosine + sin(order*phi) sine) to a torsion. */
    void addHarmonic(std::vector<int> atoms, int order, double cosine, double sine);
    void finishTorsions();
    /** Note a term of particles that are none. Get whether all are. */
    bool exist(const std::string& term, const std::vector<int>& atoms);
    /** Note a force that does not describe all particles. Get whether it does. */
    bool hasAllParticles(const Force& force, int numParticles);
    /** Replace indices of the System by our own. Get whether the term is among the particles. */
    bool translate(const std::string& term, std::vector<int>& atoms);
    /** Note a force that cannot be taken if it joins particles across periodic boundaries. Get whether it does. */
    bool refusePeriodic(const Force& force);
    void refuse(const std::string& reason);

    const System& system;
    BatchedTerms& terms;
    std::vector<int> localIndex;
    std::map<std::array<int, 4>, std::vector<std::array<double, 2>>> torsions;
    std::vector<std::string> problems;
    std::set<std::string> cutKinds;
};

} // namespace OpenMM

#endif /*OPENMM_BATCHEDTERMCOLLECTOR_H_*/
