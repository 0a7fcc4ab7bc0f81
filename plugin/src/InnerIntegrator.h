#ifndef OPENMM_INNERINTEGRATOR_H_
#define OPENMM_INNERINTEGRATOR_H_

#include "openmm/Context.h"
#include "openmm/Integrator.h"
#include "openmm/System.h"
#include <map>
#include <string>

namespace OpenMM {

/**
 * What the jump engine has to know about the Integrator that does the MD and that Integrator itself does not tell. Of a
 * CompoundIntegrator, it is what holds for the Integrator that is current.
 */
namespace InnerIntegrator {

/** Get the temperature in K, or -1 if this kind of Integrator has none. */
double getTemperature(const Integrator& integrator);
/** Set the temperature in K; returns false if this kind of Integrator has none. */
bool setTemperature(Integrator& integrator, double temperature);
/**
 * Get by how much stored velocities lag behind the positions, in ps. OpenMM's own getVelocityTimeOffset() says 0 for
 * Nose-Hoover, DPD and the variable-step integrators although they kick by a full step before they drift.
 */
double getVelocityTimeOffset(const Integrator& integrator);
/** Get whether velocities are dynamical variables (not so for Brownian dynamics). */
bool hasVelocities(const Integrator& integrator);
/** Throw an OpenMMException that says why, if jumps cannot be exact with this System. */
void requireSupported(const System& system);
/** Throw an OpenMMException that says why, if jumps cannot be exact with this Integrator. */
void requireSupported(const Integrator& integrator);
/** Throw an OpenMMException if a thermostat or barostat works at another temperature (in K) than the jumps. */
void requireSameTemperature(const std::map<std::string, double>& contextParameters, double temperature);

} // namespace InnerIntegrator

} // namespace OpenMM

#endif /*OPENMM_INNERINTEGRATOR_H_*/
