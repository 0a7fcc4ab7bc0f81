#include "GenericJumpKernel.h"
#include <algorithm>
#include <cmath>

using namespace OpenMM;
using namespace std;

GenericJumpKernel::GenericJumpKernel(const Platform& platform)
    : JumpKernel(Name(), platform), groups(-1), contextHoldsCurrent(true), hasMoved(false) {
}

void GenericJumpKernel::initialize(const System& system, const vector<int>& particles) {
    this->particles = particles;
    masses.resize(system.getNumParticles());
    for (int i = 0; i < (int)masses.size(); i++)
        masses[i] = system.getParticleMass(i);
    overlapFinder.reset(new OverlapFinder(system, particles));
}

double GenericJumpKernel::begin(ContextImpl& context, int groups, bool needForces) {
    this->groups = groups;
    contextHoldsCurrent = true;
    hasMoved = false;
    context.getPositions(current);
    double energy = context.calcForcesAndEnergy(needForces, true, groups);
    if (needForces)
        context.getForces(startForces);
    return energy;
}

void GenericJumpKernel::getPositions(const vector<int>& indices, vector<Vec3>& positions) const {
    positions.resize(indices.size());
    for (int i = 0; i < (int)indices.size(); i++)
        positions[i] = current[indices[i]];
}

double GenericJumpKernel::evaluateCandidate(ContextImpl& context, const vector<Vec3>& positions) {
    candidate = current;
    for (int i = 0; i < (int)particles.size(); i++)
        candidate[particles[i]] = positions[i];
    contextHoldsCurrent = false;
    context.setPositions(candidate);
    context.computeVirtualSites();
    return context.calcForcesAndEnergy(false, true, groups);
}

bool GenericJumpKernel::hasOverlap(ContextImpl& context) {
    Vec3 box[3];
    context.getPeriodicBoxVectors(box[0], box[1], box[2]);
    return overlapFinder->hasOverlap(candidate, context.getSystem().usesPeriodicBoundaryConditions() ? box : nullptr);
}

void GenericJumpKernel::accept(ContextImpl& context) {
    if (!hasMoved)
        start = current;
    hasMoved = true;
    context.getPositions(current);
    contextHoldsCurrent = true;
}

void GenericJumpKernel::end(ContextImpl& context, const VelocityTransfer& transfer, JumpRandom& random) {
    if (hasMoved && transfer.hasVelocities)
        transferVelocities(context, transfer, random);
    if (!contextHoldsCurrent)
        context.setPositions(current);
    contextHoldsCurrent = true;
    hasMoved = false;
}

/** Select the particles of every molecule of which a part moved. */
vector<bool> GenericJumpKernel::selectRedrawn(ContextImpl& context) const {
    vector<bool> moved(masses.size(), false), redrawn(masses.size(), false);
    for (int particle : particles)
        moved[particle] = current[particle] != start[particle];
    for (const vector<int>& molecule : context.getMolecules())
        if (any_of(molecule.begin(), molecule.end(), [&](int particle) { return moved[particle]; }))
            for (int particle : molecule)
                redrawn[particle] = masses[particle] != 0;
    return redrawn;
}

/** Draw Maxwellian velocities for some particles, which obey the constraints at the current positions. */
vector<Vec3> GenericJumpKernel::drawVelocities(ContextImpl& context, const vector<bool>& redrawn,
                                               const VelocityTransfer& transfer, JumpRandom& random) const {
    vector<Vec3> velocities(masses.size());
    for (int i = 0; i < (int)masses.size(); i++)
        if (redrawn[i])
            for (int axis = 0; axis < 3; axis++)
                velocities[i][axis] = sqrt(transfer.kT / masses[i]) * random.nextGaussian();
    context.setVelocities(velocities);
    context.applyVelocityConstraints(transfer.constraintTolerance);
    context.getVelocities(velocities);
    return velocities;
}

bool GenericJumpKernel::keepsAny(const vector<bool>& redrawn) const {
    for (int i = 0; i < (int)masses.size(); i++)
        if (masses[i] != 0 && !redrawn[i])
            return true;
    return false;
}

vector<Vec3> GenericJumpKernel::getForces(ContextImpl& context, const vector<Vec3>& positions) const {
    context.setPositions(positions);
    context.computeVirtualSites();
    context.calcForcesAndEnergy(true, false, groups);
    vector<Vec3> forces;
    context.getForces(forces);
    return forces;
}

/**
 * A molecule of which a part moved gets fresh velocities; for the others the on-step velocity is kept, and the stored
 * one follows the change of the force. A leapfrog scheme with half step h keeps on-step velocities of covariance
 * kT/m (1 - h^2 H/m), H the Hessian, so that a Maxwellian draw u would heat stiff modes. The force at y - (h/2) u, in
 * the place of that at y, makes the stored velocity u - (h/m) F have the right one, without a Hessian. The molecule as
 * a whole, because a bond or angle that turned has one end among the particles that did not move.
 *
 * Of kept velocities only the increment is projected on the constraints: the stored ones belong to half a step ago and
 * would lose a little energy at every projection.
 */
void GenericJumpKernel::transferVelocities(ContextImpl& context, const VelocityTransfer& transfer, JumpRandom& random) {
    vector<bool> redrawn = selectRedrawn(context);
    if (find(redrawn.begin(), redrawn.end(), true) == redrawn.end())
        return;
    double offset = transfer.timeOffset;
    vector<Vec3> velocities, added, forces, displacedForces, displaced = current;
    context.getVelocities(velocities);
    context.setPositions(current);
    added = drawVelocities(context, redrawn, transfer, random);
    if (offset != 0) {
        for (int i = 0; i < (int)masses.size(); i++)
            displaced[i] -= added[i] * (0.5 * offset);
        displacedForces = getForces(context, displaced);
        forces = keepsAny(redrawn) ? getForces(context, current) : displacedForces;
        context.setPositions(current);
    }
    for (int i = 0; i < (int)masses.size(); i++) {
        if (redrawn[i])
            velocities[i] = Vec3();
        if (offset != 0 && masses[i] != 0)
            added[i] += (redrawn[i] ? displacedForces[i] * -1.0 : startForces[i] - forces[i]) * (offset / masses[i]);
    }
    context.setVelocities(added);
    context.applyVelocityConstraints(transfer.constraintTolerance);
    context.getVelocities(added);
    for (int i = 0; i < (int)masses.size(); i++)
        velocities[i] += added[i];
    context.setVelocities(velocities);
    contextHoldsCurrent = false;
}
