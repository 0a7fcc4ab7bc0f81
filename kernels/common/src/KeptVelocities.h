#ifndef OPENMM_GENMD_KEPTVELOCITIES_H_
#define OPENMM_GENMD_KEPTVELOCITIES_H_

#include "ParticleList.h"
#include "openmm/Vec3.h"
#include "openmm/common/ComputeArray.h"
#include "openmm/common/ComputeContext.h"
#include <vector>

namespace OpenMM {

/**
 * The velocities of all particles at one moment, on the device, and what becomes of them when a jump is accepted: some
 * particles get new ones, the others keep theirs plus an increment. What the Context holds in between is only meant
 * for the projection on the constraints.
 */
class KeptVelocities {
public:
    explicit KeptVelocities(ComputeContext& cc);
    /** Remember the Context's velocities. */
    void keep();
    /** Give the Context new velocities for some particles, and zero for all others. In nm/ps. */
    void place(ParticleList& particles, const std::vector<Vec3>& velocities);
    /**
     * Give the Context, for all particles but some, the velocity increments that follow from a change of forces.
     *
     * @param particles    the particles to leave out
     * @param timeOffset   the time, in ps, during which the change of the force acts
     * @param forcesAtX    forces before the change, kept by KeptForces
     * @param forcesAtY    forces after it
     */
    void placeForceChange(ParticleList& particles, double timeOffset, ArrayInterface& forcesAtX,
                          ArrayInterface& forcesAtY);
    /** Add the kept velocities to those that the Context has, for all particles but some. */
    void addTo(ParticleList& particles);
    /** Get the velocities that the Context has at the moment, of some particles. */
    void gatherCurrent(ParticleList& particles, std::vector<Vec3>& velocities);

private:
    void compileKernels();
    ComputeContext& cc;
    ComputeKernel keepKernel, placeKernel, placeForceChangeKernel, addKernel, gatherKernel;
    ComputeArray kept, current, uploaded, gathered;
};

} // namespace OpenMM

#endif /*OPENMM_GENMD_KEPTVELOCITIES_H_*/
