#include "UnsupportedForce.h"
#include "openmm/AndersenThermostat.h"
#include "openmm/CMMotionRemover.h"
#include "openmm/CustomAngleForce.h"
#include "openmm/CustomBondForce.h"
#include "openmm/CustomCompoundBondForce.h"
#include "openmm/CustomExternalForce.h"
#include "openmm/CustomTorsionForce.h"
#include "openmm/MonteCarloAnisotropicBarostat.h"
#include "openmm/MonteCarloBarostat.h"
#include "openmm/MonteCarloFlexibleBarostat.h"
#include "openmm/MonteCarloMembraneBarostat.h"
#include <cstdlib>
#include <memory>
#include <typeinfo>
#if defined(__GNUC__)
#include <cxxabi.h>
#endif

using namespace OpenMM;
using namespace std;

template <class T> static bool is(const Force& force) {
    return dynamic_cast<const T*>(&force) != nullptr;
}

/** Get whether a Force is of a class that has a number of terms, and has none. */
template <class T> static bool isEmpty(const Force& force, int (T::*getNumTerms)() const) {
    const T* custom = dynamic_cast<const T*>(&force);
    return custom != nullptr && (custom->*getNumTerms)() == 0;
}

static bool hasNoTerms(const Force& force) {
    return isEmpty(force, &CustomBondForce::getNumBonds) || isEmpty(force, &CustomAngleForce::getNumAngles) ||
           isEmpty(force, &CustomTorsionForce::getNumTorsions) ||
           isEmpty(force, &CustomExternalForce::getNumParticles) ||
           isEmpty(force, &CustomCompoundBondForce::getNumBonds);
}

bool OpenMM::isWithoutEnergy(const Force& force) {
    return is<CMMotionRemover>(force) || is<AndersenThermostat>(force) || is<MonteCarloBarostat>(force) ||
           is<MonteCarloAnisotropicBarostat>(force) || is<MonteCarloMembraneBarostat>(force) ||
           is<MonteCarloFlexibleBarostat>(force) || hasNoTerms(force);
}

string OpenMM::getForceClass(const Force& force) {
    string name = typeid(force).name();
#if defined(__GNUC__)
    int status;
    unique_ptr<char, void (*)(void*)> readable(abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), free);
    if (status == 0)
        name = readable.get();
#endif
    name = name.substr(name.rfind(':') + 1);
    return force.getName() == name ? name : name + " \"" + force.getName() + "\"";
}
