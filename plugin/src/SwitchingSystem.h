#ifndef OPENMM_SWITCHINGSYSTEM_H_
#define OPENMM_SWITCHINGSYSTEM_H_

#include "openmm/System.h"
#include <memory>
#include <vector>

namespace OpenMM {

/**
 * Make a copy of a System for the MD of a switch: without barostats, thermostats and the removal of center-of-mass
 * motion, which would not be reversible. Its energy is that of the System: groups of a CustomCentroidBondForce that are
 * weighted by mass keep their weights. Throws an OpenMMException if the System cannot be copied.
 *
 * @param frozen         particles that get no mass
 * @param hydrogenMass   mass in Da for hydrogens with a constrained distance to a heavier particle, taken from it; 0
 * for none. Throws an OpenMMException if that particle would be left with less than the hydrogen.
 */
std::unique_ptr<System> makeSwitchingSystem(const System& system, const std::vector<int>& frozen, double hydrogenMass);

} // namespace OpenMM

#endif /*OPENMM_SWITCHINGSYSTEM_H_*/
