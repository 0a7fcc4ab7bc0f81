#ifndef GENMD_NATIVESYSTEM_H_
#define GENMD_NATIVESYSTEM_H_

#include "openmm/System.h"
#include <pybind11/pybind11.h>

/** Get the C++ object behind an openmm.System. Raises a TypeError if it is not one. */
const OpenMM::System& getOpenMMSystem(pybind11::handle system);

#endif /*GENMD_NATIVESYSTEM_H_*/
