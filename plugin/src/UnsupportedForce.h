#ifndef OPENMM_UNSUPPORTEDFORCE_H_
#define OPENMM_UNSUPPORTEDFORCE_H_

#include "openmm/Force.h"
#include <string>

namespace OpenMM {

/** Get whether a Force contributes nothing to the potential energy: thermostats, barostats, forces without terms. */
bool isWithoutEnergy(const Force& force);

/** Get the name of a Force's class, and its own name if it has been given another one. */
std::string getForceClass(const Force& force);

} // namespace OpenMM

#endif /*OPENMM_UNSUPPORTEDFORCE_H_*/
