#include "OverlapFinder.h"
#include "openmm/NonbondedForce.h"
#include <algorithm>
#include <cmath>

using namespace OpenMM;
using namespace std;

static const double OVERLAP_FRACTION = 0.75;

static Vec3 minimumImage(Vec3 delta, const Vec3* box) {
    if (box == nullptr)
        return delta;
    for (int axis = 2; axis >= 0; axis--)
        delta -= box[axis] * floor(delta[axis] / box[axis][axis] + 0.5);
    return delta;
}

OverlapFinder::OverlapFinder(const System& system, const vector<int>& particles)
    : particles(particles), radius(system.getNumParticles(), 0.0), largestRadius(0.0) {
    set<int> moved(particles.begin(), particles.end());
    for (int i = 0; i < system.getNumForces(); i++) {
        const NonbondedForce* force = dynamic_cast<const NonbondedForce*>(&system.getForce(i));
        if (force == nullptr)
            continue;
        double charge, sigma, epsilon, product;
        for (int j = 0; j < force->getNumParticles(); j++) {
            force->getParticleParameters(j, charge, sigma, epsilon);
            radius[j] = epsilon > 0 ? 0.5 * OVERLAP_FRACTION * sigma : 0.0;
            largestRadius = max(largestRadius, radius[j]);
        }
        for (int j = 0; j < force->getNumExceptions(); j++) {
            int first, second;
            force->getExceptionParameters(j, first, second, product, sigma, epsilon);
            if (moved.count(first) || moved.count(second))
                exceptions.insert(minmax(first, second));
        }
    }
}

vector<int> OverlapFinder::findNeighbors(const vector<Vec3>& positions, const Vec3* box) const {
    Vec3 center = positions[particles[0]];
    double reach = 0;
    for (int i : particles) {
        Vec3 delta = minimumImage(positions[i] - center, box);
        reach = max(reach, delta.dot(delta));
    }
    reach = sqrt(reach) + 2 * largestRadius;
    vector<int> neighbors;
    for (int i = 0; i < (int)positions.size(); i++) {
        Vec3 delta = minimumImage(positions[i] - center, box);
        if (radius[i] > 0 && delta.dot(delta) < reach * reach)
            neighbors.push_back(i);
    }
    return neighbors;
}

bool OverlapFinder::pairOverlaps(int moved, int other, const vector<Vec3>& positions, const Vec3* box) const {
    Vec3 delta = minimumImage(positions[moved] - positions[other], box);
    double limit = radius[moved] + radius[other];
    return moved != other && delta.dot(delta) < limit * limit && !exceptions.count(minmax(moved, other));
}

bool OverlapFinder::hasOverlap(const vector<Vec3>& positions, const Vec3* box) const {
    if (largestRadius == 0)
        return false;
    for (int other : findNeighbors(positions, box))
        for (int moved : particles)
            if (radius[moved] > 0 && pairOverlaps(moved, other, positions, box))
                return true;
    return false;
}
