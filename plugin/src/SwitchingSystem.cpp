#include "SwitchingSystem.h"
#include "openmm/AndersenThermostat.h"
#include "openmm/CMMotionRemover.h"
#include "openmm/MonteCarloAnisotropicBarostat.h"
#include "openmm/MonteCarloBarostat.h"
#include "openmm/MonteCarloFlexibleBarostat.h"
#include "openmm/MonteCarloMembraneBarostat.h"
#include "openmm/OpenMMException.h"
#include "openmm/serialization/XmlSerializer.h"
#include <map>
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

/** For every hydrogen, the heaviest particle to which its distance is constrained. */
static map<int, int> findHeavyPartners(const System& system) {
    map<int, int> partners;
    for (int i = 0; i < system.getNumConstraints(); i++) {
        int pair[2];
        double distance;
        system.getConstraintParameters(i, pair[0], pair[1], distance);
        for (int side = 0; side < 2; side++) {
            int light = pair[side], heavy = pair[1 - side];
            double mass = system.getParticleMass(light);
            if (mass == 0 || mass > HEAVIEST_HYDROGEN || system.getParticleMass(heavy) <= mass)
                continue;
            auto known = partners.find(light);
            if (known == partners.end() || system.getParticleMass(known->second) < system.getParticleMass(heavy))
                partners[light] = heavy;
        }
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
    // Frozen particles first: they neither give mass nor take it.
    for (int particle : frozen)
        copy->setParticleMass(particle, 0);
    if (hydrogenMass > 0)
        repartition(*copy, hydrogenMass);
    return copy;
}
