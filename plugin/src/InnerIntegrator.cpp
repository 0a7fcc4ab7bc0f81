#include "InnerIntegrator.h"
#include "openmm/AndersenThermostat.h"
#include "openmm/BrownianIntegrator.h"
#include "openmm/CompoundIntegrator.h"
#include "openmm/DPDIntegrator.h"
#include "openmm/LangevinIntegrator.h"
#include "openmm/LangevinMiddleIntegrator.h"
#include "openmm/MonteCarloAnisotropicBarostat.h"
#include "openmm/MonteCarloBarostat.h"
#include "openmm/MonteCarloFlexibleBarostat.h"
#include "openmm/MonteCarloMembraneBarostat.h"
#include "openmm/NoseHooverIntegrator.h"
#include "openmm/OpenMMException.h"
#include "openmm/QTBIntegrator.h"
#include "openmm/VariableLangevinIntegrator.h"
#include "openmm/VariableVerletIntegrator.h"
#include "openmm/VerletIntegrator.h"
#include <cmath>
#include <sstream>
#include <typeinfo>
#include <vector>

using namespace OpenMM;
using namespace std;

namespace {

/** Call a function with the Integrator cast to the first of several types that it has. */
template <class Action> bool visit(Integrator&, Action) {
    return false;
}

template <class Type, class... Others, class Action> bool visit(Integrator& integrator, Action action) {
    if (Type* typed = dynamic_cast<Type*>(&integrator)) {
        action(*typed);
        return true;
    }
    if constexpr (sizeof...(Others) > 0)
        return visit<Others...>(integrator, action);
    return false;
}

/** Get the Integrator that does the steps: that of the moment, if several are combined in one. */
Integrator& getStepper(const Integrator& integrator) {
    if (const CompoundIntegrator* compound = dynamic_cast<const CompoundIntegrator*>(&integrator))
        return getStepper(compound->getIntegrator(compound->getCurrentIntegrator()));
    return const_cast<Integrator&>(integrator);
}

/** Call a function with the Integrator cast to the type that has getTemperature() and setTemperature(). */
template <class Action> bool visitThermostatted(Integrator& integrator, Action action) {
    if (NoseHooverIntegrator* noseHoover = dynamic_cast<NoseHooverIntegrator*>(&integrator)) {
        // Several chains have several temperatures, and none at all means constant energy.
        if (noseHoover->getNumThermostats() != 1 || noseHoover->hasSubsystemThermostats())
            return false;
        action(*noseHoover);
        return true;
    }
    return visit<LangevinMiddleIntegrator, LangevinIntegrator, BrownianIntegrator, VariableLangevinIntegrator,
                 DPDIntegrator>(integrator, action);
}

bool nameContains(const type_info& type, const char* word) {
    return string(type.name()).find(word) != string::npos;
}

} // namespace

double InnerIntegrator::getTemperature(const Integrator& integrator) {
    double temperature = -1;
    visitThermostatted(getStepper(integrator), [&](auto& typed) { temperature = typed.getTemperature(); });
    return temperature;
}

bool InnerIntegrator::setTemperature(Integrator& integrator, double temperature) {
    return visitThermostatted(getStepper(integrator), [&](auto& typed) { typed.setTemperature(temperature); });
}

double InnerIntegrator::getVelocityTimeOffset(const Integrator& integrator) {
    double offset = 0;
    visit<VerletIntegrator, LangevinMiddleIntegrator, LangevinIntegrator, NoseHooverIntegrator, DPDIntegrator,
          VariableLangevinIntegrator, VariableVerletIntegrator>(
        getStepper(integrator), [&](auto& typed) { offset = 0.5 * typed.getStepSize(); });
    return offset;
}

bool InnerIntegrator::hasVelocities(const Integrator& integrator) {
    return dynamic_cast<const BrownianIntegrator*>(&getStepper(integrator)) == nullptr;
}

void InnerIntegrator::requireSupported(const System& system) {
    // The Drude and RPMD plugins are optional libraries, so their classes are known by name only.
    for (int i = 0; i < system.getNumForces(); i++)
        if (nameContains(typeid(system.getForce(i)), "DrudeForce"))
            throw OpenMMException(
                "GenerativeJumpIntegrator: the System has a DrudeForce. Jumps of Drude particles are not supported, "
                "since the energy after a jump would need relaxed Drude particles; use a fixed-charge force field");
}

void InnerIntegrator::requireSupported(const Integrator& integrator) {
    if (const CompoundIntegrator* compound = dynamic_cast<const CompoundIntegrator*>(&integrator))
        for (int i = 0; i < compound->getNumIntegrators(); i++)
            requireSupported(compound->getIntegrator(i));
    if (nameContains(typeid(integrator), "Drude"))
        throw OpenMMException("GenerativeJumpIntegrator: Drude integrators are not supported as inner integrator; "
                              "use LangevinMiddleIntegrator with a fixed-charge force field");
    if (nameContains(typeid(integrator), "RPMD"))
        throw OpenMMException("GenerativeJumpIntegrator: RPMDIntegrator is not supported as inner integrator, since a "
                              "jump would have to move every bead; use LangevinMiddleIntegrator");
    if (dynamic_cast<const QTBIntegrator*>(&integrator) != nullptr)
        throw OpenMMException("GenerativeJumpIntegrator: QTBIntegrator is not supported as inner integrator, since it "
                              "does not sample the Boltzmann distribution; use LangevinMiddleIntegrator");
}

void InnerIntegrator::requireSameTemperature(const map<string, double>& contextParameters, double temperature) {
    static const vector<string> names = {AndersenThermostat::Temperature(), MonteCarloBarostat::Temperature(),
                                         MonteCarloAnisotropicBarostat::Temperature(),
                                         MonteCarloMembraneBarostat::Temperature(),
                                         MonteCarloFlexibleBarostat::Temperature()};
    for (const string& name : names) {
        auto parameter = contextParameters.find(name);
        if (parameter == contextParameters.end() || fabs(parameter->second - temperature) <= 1e-6 * temperature)
            continue;
        stringstream message;
        message << "GenerativeJumpIntegrator: jumps are accepted at " << temperature
                << " K, but the Context parameter '" << name << "' is " << parameter->second
                << " K. Set both to the same temperature, or the run samples neither distribution";
        throw OpenMMException(message.str());
    }
}
