#include "genmd/OverlapFinder.h"
#include "openmm/NonbondedForce.h"
#include <algorithm>
#include <cmath>

using namespace OpenMM;
using namespace std;

static const double OVERLAP_FRACTION = 0.75;
/** Finer cells would cost more memory than they save pairs. */
static const int MOST_CELLS_PER_AXIS = 32;

static Vec3 minimumImage(Vec3 delta, const Vec3* box) {
    if (box == nullptr)
        return delta;
    for (int axis = 2; axis >= 0; axis--)
        delta -= box[axis] * floor(delta[axis] / box[axis][axis] + 0.5);
    return delta;
}

namespace {

/** Cells that cover the periodic box, or, without one, given points and their surroundings. */
class Cells {
public:
    /**
     * @param width   particles further apart than this are in cells that are no neighbors
     */
    Cells(const vector<Vec3>& positions, const vector<int>& points, const Vec3* periodicBox, double width)
        : periodic(periodicBox != nullptr) {
        if (periodic)
            copy(periodicBox, periodicBox + 3, box);
        else
            enclose(positions, points, width);
        for (int axis = 0; axis < 3; axis++) {
            Vec3 normal = box[(axis + 1) % 3].cross(box[(axis + 2) % 3]);
            double thickness = fabs(box[axis].dot(normal)) / sqrt(normal.dot(normal));
            count[axis] = max(1, min(MOST_CELLS_PER_AXIS, (int)(thickness / width)));
        }
        members.resize(count[0] * count[1] * count[2]);
        for (int point : points)
            addToNeighborhood(point, positions[point]);
    }
    /** Get the points in the cell of a position and in the cells around it. */
    const vector<int>& getNeighbors(const Vec3& position) const {
        int cell[3];
        return locate(position, cell) ? members[index(cell)] : nothing;
    }

private:
    /** Without periodicity, the box is a block around the points. */
    void enclose(const vector<Vec3>& positions, const vector<int>& points, double width) {
        Vec3 largest = origin = positions[points[0]];
        for (int point : points)
            for (int axis = 0; axis < 3; axis++) {
                origin[axis] = min(origin[axis], positions[point][axis] - width);
                largest[axis] = max(largest[axis], positions[point][axis] + width);
            }
        for (int axis = 0; axis < 3; axis++)
            box[axis][axis] = largest[axis] - origin[axis];
    }
    bool locate(const Vec3& position, int* cell) const {
        Vec3 rest = position - origin;
        for (int axis = 2; axis >= 0; axis--) {
            double fraction = rest[axis] / box[axis][axis];
            rest -= box[axis] * fraction;
            if (periodic)
                fraction -= floor(fraction);
            if (!(fraction >= 0 && fraction <= 1)) // also true of NaN
                return false;
            cell[axis] = min((int)(fraction * count[axis]), count[axis] - 1);
        }
        return true;
    }
    int index(const int* cell) const {
        return (cell[0] * count[1] + cell[1]) * count[2] + cell[2];
    }
    void addToNeighborhood(int point, const Vec3& position) {
        int center[3];
        if (!locate(position, center))
            return;
        for (int shift = 0; shift < 27; shift++) {
            int cell[3] = {center[0] + shift % 3 - 1, center[1] + shift / 3 % 3 - 1, center[2] + shift / 9 - 1};
            bool exists = true;
            for (int axis = 0; axis < 3; axis++) {
                exists = exists && (periodic || (cell[axis] >= 0 && cell[axis] < count[axis]));
                cell[axis] = (cell[axis] + count[axis]) % count[axis];
            }
            if (!exists)
                continue;
            vector<int>& list = members[index(cell)];
            if (list.empty() || list.back() != point)
                list.push_back(point);
        }
    }
    bool periodic;
    Vec3 origin, box[3];
    int count[3];
    vector<vector<int>> members;
    vector<int> nothing;
};

} // namespace

OverlapFinder::OverlapFinder(const System& system, const vector<int>& particles)
    : radius(system.getNumParticles(), 0.0), largestRadius(0.0) {
    vector<bool> moved(system.getNumParticles(), false);
    for (int i : particles)
        moved[i] = true;
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
            if (moved[first] || moved[second])
                exceptions.push_back(minmax(first, second));
        }
    }
    sort(exceptions.begin(), exceptions.end());
    copy_if(particles.begin(), particles.end(), back_inserter(this->particles), [&](int i) { return radius[i] > 0; });
}

bool OverlapFinder::pairOverlaps(int moved, int other, const vector<Vec3>& positions, const Vec3* box) const {
    Vec3 delta = minimumImage(positions[moved] - positions[other], box);
    double limit = radius[moved] + radius[other];
    return moved != other && delta.dot(delta) < limit * limit &&
           !binary_search(exceptions.begin(), exceptions.end(), pair<int, int>(minmax(moved, other)));
}

bool OverlapFinder::hasOverlap(const vector<Vec3>& positions, const Vec3* box) const {
    if (particles.empty())
        return false;
    Cells cells(positions, particles, box, 2 * largestRadius);
    for (int other = 0; other < (int)positions.size(); other++)
        if (radius[other] > 0)
            for (int moved : cells.getNeighbors(positions[other]))
                if (pairOverlaps(moved, other, positions, box))
                    return true;
    return false;
}
