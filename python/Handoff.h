#ifndef GENMD_HANDOFF_H_
#define GENMD_HANDOFF_H_

#include "genmd/GenerativeJumpIntegrator.h"
#include <memory>

/**
 * Keep a new integrator for OpenMM's wrappers to pick up: the next time that this thread deserializes
 * <Integrator type="_GenMDHandoff"/>, they get this object and own it. This makes it an ordinary OpenMM object in
 * Python without any use of SWIG here, whose runtime breaks from version to version.
 */
void offerIntegrator(std::unique_ptr<OpenMM::GenerativeJumpIntegrator> integrator);

/** Register the type that hands integrators over. */
void registerHandoff();

#endif /*GENMD_HANDOFF_H_*/
