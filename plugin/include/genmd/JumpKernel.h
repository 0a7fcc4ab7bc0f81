#ifndef OPENMM_JUMPKERNEL_H_
#define OPENMM_JUMPKERNEL_H_

#include "genmd/JumpRandom.h"
#include "genmd/JumpTensor.h"
#include "genmd/windowsExportGenMD.h"
#include "openmm/KernelImpl.h"
#include "openmm/System.h"
#include "openmm/Vec3.h"
#include "openmm/internal/ContextImpl.h"
#include <string>
#include <vector>

namespace OpenMM {

/**
 * How velocities are carried over a leap.
 */
struct VelocityTransfer {
    /** By how much stored velocities lag behind positions, in ps: half a time step for leapfrog schemes, or 0. */
    double timeOffset = 0;
    /** Thermal energy of fresh velocities, in kJ/mol. */
    double kT = 0;
    /** Whether velocities mean anything (not so for Brownian dynamics). */
    bool hasVelocities = true;
    /** Whether the curvature of all forces is taken into account, at the price of an evaluation, or of stiff ones only.
     */
    bool usesAllForces = false;
    /** How exactly velocities obey the constraints. */
    double constraintTolerance = 1e-5;
};

/**
 * Moves state between a Context and a jump. This is the seam for platforms: one that registers a factory for Name()
 * keeps everything on its device; for all others there is GenericJumpKernel, which needs nothing but ContextImpl.
 *
 * The order of calls is begin(), then any number of evaluateCandidate(), each optionally followed by accept(), then
 * end(). Between begin() and end() the positions of the Context are undefined; after end() they are those of the last
 * accepted conformation, to the bit, and the velocities belong to them. docs/theory.md, section 6, derives how.
 */
class OPENMM_EXPORT_GENMD JumpKernel : public KernelImpl {
public:
    static std::string Name() {
        return "GenMDJump";
    }
    JumpKernel(std::string name, const Platform& platform) : KernelImpl(name, platform) {
    }
    /**
     * Prepare for jumps of given particles.
     *
     * @param system       the System being simulated
     * @param particles    the particles that a jump may move
     */
    virtual void initialize(const System& system, const std::vector<int>& particles) = 0;
    /**
     * Remember the current state as x.
     *
     * @param context       the Context in which the jump happens
     * @param groups        the force groups that make up the energy
     * @param needForces    whether end() will need the forces at x
     * @return the potential energy U(x) in kJ/mol
     */
    virtual double begin(ContextImpl& context, int groups, bool needForces) = 0;
    /** Get the positions of some particles in x, in nm. */
    virtual void getPositions(const std::vector<int>& indices, std::vector<Vec3>& positions) const = 0;
    /**
     * Get the positions of some particles in x where the platform has them, for proposers that want tensors. The
     * default is the host's memory.
     */
    virtual JumpTensor getTensor(const std::vector<int>& indices);
    /**
     * Place the particles at new positions, recompute virtual sites, and evaluate the energy.
     *
     * @return the potential energy U(y) in kJ/mol; it may be NaN or infinite
     */
    virtual double evaluateCandidate(ContextImpl& context, const std::vector<Vec3>& positions) = 0;
    /** Get whether particles that are neither bonded nor excluded overlap in the last evaluated candidate. */
    virtual bool hasOverlap(ContextImpl& context) = 0;
    /** Make the last evaluated candidate the new x. */
    virtual void accept(ContextImpl& context) = 0;
    /** Leave the Context in state x, with velocities that belong to it if it is not where the jump began. */
    virtual void end(ContextImpl& context, const VelocityTransfer& transfer, JumpRandom& random) = 0;
};

} // namespace OpenMM

#endif /*OPENMM_JUMPKERNEL_H_*/
