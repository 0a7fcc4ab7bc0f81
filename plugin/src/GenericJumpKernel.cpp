#include "GenericJumpKernel.h"
#include <algorithm>
#include <cmath>

using namespace OpenMM;
using namespace std;

GenericJumpKernel::GenericJumpKernel(const Platform& platform)
    : JumpKernel(Name(), platform), groups(-1), needForces(false), contextHoldsCurrent(true) {
}

void GenericJumpKernel::initialize(const System& system, const vector<int>& particles) {
    this->particles = particles;
    masses.resize(system.getNumParticles());
    for (int i = 0; i < (int)masses.size(); i++)
        masses[i] = system.getParticleMass(i);
    findConstraintClusters(system);
    overlapFinder.reset(new OverlapFinder(system, particles));
}

void GenericJumpKernel::findConstraintClusters(const System& system) {
    vector<vector<int>> neighbors(masses.size());
    for (int i = 0; i < system.getNumConstraints(); i++) {
        int first, second;
        double distance;
        system.getConstraintParameters(i, first, second, distance);
        neighbors[first].push_back(second);
        neighbors[second].push_back(first);
    }
    clusters = ContextImpl::findMolecules(masses.size(), neighbors);
    clusterOf.assign(masses.size(), -1);
    for (int i = 0; i < (int)clusters.size(); i++)
        for (int particle : clusters[i])
            clusterOf[particle] = i;
}

double GenericJumpKernel::begin(ContextImpl& context, int groups, bool needForces) {
    this->groups = groups;
    this->needForces = needForces;
    contextHoldsCurrent = true;
    context.getPositions(current);
    double energy = context.calcForcesAndEnergy(needForces, true, groups);
    if (needForces)
        context.getForces(currentForces);
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
    return context.calcForcesAndEnergy(needForces, true, groups);
}

bool GenericJumpKernel::hasOverlap(ContextImpl& context) {
    Vec3 box[3];
    context.getPeriodicBoxVectors(box[0], box[1], box[2]);
    return overlapFinder->hasOverlap(candidate, context.getSystem().usesPeriodicBoundaryConditions() ? box : nullptr);
}

void GenericJumpKernel::accept(ContextImpl& context, const VelocityTransfer& transfer, JumpRandom& random) {
    context.getPositions(candidate);
    if (transfer.hasVelocities)
        transferVelocities(context, transfer, random);
    current.swap(candidate);
    contextHoldsCurrent = true;
}

/** Select the particles of all constraint clusters of which a particle moved. */
vector<bool> GenericJumpKernel::selectRedrawn() const {
    vector<bool> redrawn(masses.size(), false);
    for (int moved : particles) {
        const vector<int>& cluster = clusters[clusterOf[moved]];
        if (cluster.size() > 1 && candidate[moved] != current[moved])
            for (int member : cluster)
                redrawn[member] = true;
    }
    return redrawn;
}

/**
 * On-step velocities are kept where no constraint turned, drawn afresh elsewhere, and shifted back by the time offset
 * with the force at the new positions. Only what is added to the stored velocities is projected on the constraints: the
 * stored ones belong to half a step ago and would lose a little energy at every projection.
 */
void GenericJumpKernel::transferVelocities(ContextImpl& context, const VelocityTransfer& transfer, JumpRandom& random) {
    vector<bool> redrawn = selectRedrawn();
    bool anyRedrawn = find(redrawn.begin(), redrawn.end(), true) != redrawn.end();
    if (transfer.timeOffset == 0 && !anyRedrawn)
        return;
    vector<Vec3> velocities, candidateForces, added(masses.size());
    context.getVelocities(velocities);
    if (needForces)
        context.getForces(candidateForces);
    for (int i = 0; i < (int)masses.size(); i++) {
        if (masses[i] == 0)
            continue;
        if (redrawn[i]) {
            double scale = sqrt(transfer.kT / masses[i]);
            for (int axis = 0; axis < 3; axis++)
                added[i][axis] = scale * random.nextGaussian();
            velocities[i] = Vec3();
        }
        if (transfer.timeOffset != 0) {
            Vec3 force = redrawn[i] ? candidateForces[i] * -1.0 : currentForces[i] - candidateForces[i];
            added[i] += force * (transfer.timeOffset / masses[i]);
        }
    }
    context.setVelocities(added);
    context.applyVelocityConstraints(transfer.constraintTolerance);
    context.getVelocities(added);
    for (int i = 0; i < (int)masses.size(); i++)
        velocities[i] += added[i];
    context.setVelocities(velocities);
    if (needForces)
        currentForces.swap(candidateForces);
}

void GenericJumpKernel::end(ContextImpl& context) {
    if (!contextHoldsCurrent)
        context.setPositions(current);
    contextHoldsCurrent = true;
}
