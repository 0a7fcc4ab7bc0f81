#include "SwitchingSystem.h"
#include "openmm/ATMForce.h"
#include "openmm/AndersenThermostat.h"
#include "openmm/CMMotionRemover.h"
#include "openmm/CustomCVForce.h"
#include "openmm/CustomCentroidBondForce.h"
#include "openmm/MonteCarloAnisotropicBarostat.h"
#include "openmm/MonteCarloBarostat.h"
#include "openmm/MonteCarloFlexibleBarostat.h"
#include "openmm/MonteCarloMembraneBarostat.h"
#include "openmm/OpenMMException.h"
#include "openmm/serialization/XmlSerializer.h"
#include <algorithm>
#include <map>
#include <set>
#include <sstream>

using namespace OpenMM;
using namespace std;

/** Up to this mass in Da a particle is taken for a hydrogen, deuterium included. */
static const double HEAVIEST_HYDROGEN = 2.5;

template <class... Types> static bool isAnyOf(const Force& force) {
    return ((dynamic_cast<const Types*>(&force) != nullptr) || ...);
}

static void removeIrreversibleForces(System& system) {
    for (int i = system.getNumForces() - 1; i >= 0; i--)
        if (isAnyOf<AndersenThermostat, CMMotionRemover, MonteCarloBarostat, MonteCarloAnisotropicBarostat,
                    MonteCarloMembraneBarostat, MonteCarloFlexibleBarostat>(system.getForce(i)))
            system.removeForce(i);
}

/** Centers of mass stay where they are when masses change: the energy of a switch is that of the real System. */
static void keepCenters(Force& force, const System& system) {
    if (auto* groups = dynamic_cast<CustomCentroidBondForce*>(&force))
        for (int i = 0; i < groups->getNumGroups(); i++) {
            vector<int> particles;
            vector<double> weights;
            groups->getGroupParameters(i, particles, weights);
            if (!weights.empty())
                continue;
            for (int particle : particles)
                weights.push_back(system.getParticleMass(particle));
            groups->setGroupParameters(i, particles, weights);
        }
    else if (auto* variables = dynamic_cast<CustomCVForce*>(&force))
        for (int i = 0; i < variables->getNumCollectiveVariables(); i++)
            keepCenters(variables->getCollectiveVariable(i), system);
    else if (auto* transfer = dynamic_cast<ATMForce*>(&force))
        for (int i = 0; i < transfer->getNumForces(); i++)
            keepCenters(transfer->getForce(i), system);
}

typedef map<int, set<int>> Neighbors;

/** The particles with a mass to which each particle is tied by constraints. */
static Neighbors findConstrainedNeighbors(const System& system) {
    Neighbors neighbors;
    for (int i = 0; i < system.getNumConstraints(); i++) {
        int first, second;
        double distance;
        system.getConstraintParameters(i, first, second, distance);
        if (system.getParticleMass(first) != 0 && system.getParticleMass(second) != 0) {
            neighbors[first].insert(second);
            neighbors[second].insert(first);
        }
    }
    return neighbors;
}

/**
 * For every hydrogen that can change its mass, the heaviest particle to which it is tied. Two constraints that share a
 * particle at a free angle, as in a methyl group, make the distribution of that angle depend on the masses (Fixman,
 * Proc. Natl. Acad. Sci. USA 71, 3050 (1974)); such hydrogens keep theirs. In rigid water no angle is free.
 */
static map<int, int> findHeavyPartners(const System& system) {
    Neighbors neighbors = findConstrainedNeighbors(system);
    map<int, int> partners;
    for (auto& [light, tied] : neighbors) {
        double mass = system.getParticleMass(light);
        int heavy = *max_element(tied.begin(), tied.end(),
                                 [&](int a, int b) { return system.getParticleMass(a) < system.getParticleMass(b); });
        bool isRigid = all_of(neighbors[heavy].begin(), neighbors[heavy].end(), [&, hydrogen = light](int other) {
            return other == hydrogen || neighbors[other].count(hydrogen);
        });
        if (mass <= HEAVIEST_HYDROGEN && system.getParticleMass(heavy) > mass && isRigid)
            partners[light] = heavy;
    }
    return partners;
}

static void repartition(System& system, double hydrogenMass) {
    map<int, int> partners = findHeavyPartners(system);
    for (auto [hydrogen, heavy] : partners) {
        double added = hydrogenMass - system.getParticleMass(hydrogen);
        system.setParticleMass(heavy, system.getParticleMass(heavy) - added);
        system.setParticleMass(hydrogen, hydrogenMass);
    }
    for (auto [hydrogen, heavy] : partners)
        if (system.getParticleMass(heavy) < hydrogenMass) {
            stringstream message;
            message << "Switching protocol: a hydrogen mass of " << hydrogenMass << " Da would leave particle " << heavy
                    << " with " << system.getParticleMass(heavy) << " Da; choose a smaller one";
            throw OpenMMException(message.str());
        }
}

unique_ptr<System> OpenMM::makeSwitchingSystem(const System& system, const vector<int>& frozen, double hydrogenMass) {
    unique_ptr<System> copy;
    try {
        copy.reset(XmlSerializer::clone<System>(system));
    } catch (const exception& error) {
        throw OpenMMException(
            "Switching protocol: the MD of a switch needs a copy of the System, which cannot be made (" +
            string(error.what()) + "). Leave out forces that cannot be serialized");
    }
    removeIrreversibleForces(*copy);
    for (int i = 0; i < copy->getNumForces(); i++)
        keepCenters(copy->getForce(i), system);
    // Frozen particles first: they neither give mass nor take it.
    for (int particle : frozen)
        copy->setParticleMass(particle, 0);
    if (hydrogenMass > 0)
        repartition(*copy, hydrogenMass);
    return copy;
}
