#include "GenericJumpKernel.h"
#include <algorithm>
#include <cmath>

using namespace OpenMM;
using namespace std;

GenericJumpKernel::GenericJumpKernel(const Platform& platform)
    : JumpKernel(Name(), platform), groups(-1), needForces(false), contextHoldsCurrent(true), hasMoved(false) {
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
    this->needForces = needForces;
    contextHoldsCurrent = true;
    hasMoved = false;
    context.getPositions(current);
    candidate = current;
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

/** Forces are evaluated with the energy: should the candidate be accepted, they need no evaluation of their own. */
double GenericJumpKernel::evaluateCandidate(ContextImpl& context, const vector<Vec3>& positions) {
    for (int i = 0; i < (int)particles.size(); i++)
        candidate[particles[i]] = positions[i];
    contextHoldsCurrent = false;
    context.setPositions(candidate);
    context.computeVirtualSites();
    return context.calcForcesAndEnergy(needForces, true, groups);
}

bool GenericJumpKernel::hasOverlap(ContextImpl& context) {
    Vec3 box[3];
    context.getPeriodicBoxVectors(box[0], box[1], box[2]);
    return overlapFinder->hasOverlap(candidate, context.getSystem().usesPeriodicBoundaryConditions() ? box : nullptr);
}

void GenericJumpKernel::accept(ContextImpl& context) {
    if (!hasMoved)
        getPositions(particles, start);
    hasMoved = true;
    context.getPositions(current);
    candidate = current;
    if (needForces)
        context.getForces(currentForces);
    contextHoldsCurrent = true;
}

void GenericJumpKernel::end(ContextImpl& context, const VelocityTransfer& transfer, JumpRandom& random) {
    if (!contextHoldsCurrent)
        context.setPositions(current);
    contextHoldsCurrent = true;
    if (hasMoved && transfer.hasVelocities)
        transferVelocities(context, transfer, random);
    hasMoved = false;
}

/** Take away what would change a constrained distance at the current positions. */
void GenericJumpKernel::project(ContextImpl& context, vector<Vec3>& velocities, double tolerance) const {
    if (context.getSystem().getNumConstraints() == 0)
        return;
    context.setVelocities(velocities);
    context.applyVelocityConstraints(tolerance);
    context.getVelocities(velocities);
}

/** Draw Maxwellian velocities for some particles, which obey the constraints at the current positions. */
vector<Vec3> GenericJumpKernel::drawVelocities(ContextImpl& context, const vector<int>& redrawn,
                                               const VelocityTransfer& transfer, JumpRandom& random) const {
    vector<Vec3> velocities(masses.size()), drawn = molecules->drawVelocities(redrawn, transfer.kT, random);
    for (int i = 0; i < (int)redrawn.size(); i++)
        velocities[redrawn[i]] = drawn[i];
    project(context, velocities, transfer.constraintTolerance);
    return velocities;
}

/** By how much the forces of molecules that moved change over a small displacement. */
vector<Vec3> GenericJumpKernel::computeForceChange(ContextImpl& context, const vector<Vec3>& displaced,
                                                   bool usesAllForces) {
    if (!usesAllForces && molecules->getBondedForces(groups).isComplete())
        return computeBondedForceChange(context, molecules->getBondedForces(groups), displaced);
    context.setPositions(displaced);
    context.computeVirtualSites();
    context.calcForcesAndEnergy(true, false, groups);
    vector<Vec3> change;
    context.getForces(change);
    for (int i = 0; i < (int)change.size(); i++)
        change[i] -= currentForces[i];
    context.setPositions(current);
    return change;
}

vector<Vec3> GenericJumpKernel::computeBondedForceChange(ContextImpl& context, BondedForces& bondedForces,
                                                         const vector<Vec3>& displaced) {
    const vector<int>& members = bondedForces.getParticles();
    vector<Vec3> from(members.size()), to(members.size()), part, change(masses.size());
    for (int i = 0; i < (int)members.size(); i++) {
        from[i] = current[members[i]];
        to[i] = displaced[members[i]];
    }
    bondedForces.computeChange(context, from, to, part);
    for (int i = 0; i < (int)members.size(); i++)
        change[members[i]] = part[i];
    return change;
}

/**
 * A molecule of which a part moved gets fresh velocities; for the others the on-step velocity is kept, and the stored
 * one follows the change of the force. A leapfrog scheme with half step h keeps on-step velocities of covariance
 * kT/m (1 - h^2 H/m), H the Hessian, so that a Maxwellian draw u would heat stiff modes. The force at y - (h/2) u, in
 * the place of that at y, makes the stored velocity u - (h/m) F have the right one, without a Hessian; of soft forces
 * that at y will do. The molecule as a whole, because a bond or angle that turned has one end among the particles that
 * did not move.
 *
 * Of kept velocities only the increment is projected on the constraints: the stored ones belong to half a step ago and
 * would lose a little energy at every projection.
 */
void GenericJumpKernel::transferVelocities(ContextImpl& context, const VelocityTransfer& transfer, JumpRandom& random) {
    if (!molecules)
        molecules.reset(new MovedMolecules(context, particles));
    vector<Vec3> moved;
    getPositions(particles, moved);
    vector<int> redrawn = molecules->selectRedrawn(start, moved);
    if (redrawn.empty())
        return;
    vector<Vec3> velocities;
    context.getVelocities(velocities);
    for (int particle : redrawn)
        velocities[particle] = Vec3();
    vector<Vec3> added = drawVelocities(context, redrawn, transfer, random);
    if (transfer.timeOffset != 0) {
        addKicks(context, redrawn, transfer, added);
        project(context, added, transfer.constraintTolerance);
    }
    for (int i = 0; i < (int)masses.size(); i++)
        velocities[i] += added[i];
    context.setVelocities(velocities);
}

/** From on-step velocities, or changes of them, to stored ones. */
void GenericJumpKernel::addKicks(ContextImpl& context, const vector<int>& redrawn, const VelocityTransfer& transfer,
                                 vector<Vec3>& velocities) {
    double offset = transfer.timeOffset;
    vector<Vec3> displaced = current, force(masses.size());
    for (int particle : redrawn)
        displaced[particle] -= velocities[particle] * (0.5 * offset);
    vector<Vec3> change = computeForceChange(context, displaced, transfer.usesAllForces);
    for (int i = 0; i < (int)masses.size(); i++)
        force[i] = currentForces[i] - startForces[i];
    for (int particle : redrawn)
        force[particle] = currentForces[particle] + change[particle];
    for (int i = 0; i < (int)masses.size(); i++)
        if (masses[i] != 0)
            velocities[i] -= force[i] * (offset / masses[i]);
}
