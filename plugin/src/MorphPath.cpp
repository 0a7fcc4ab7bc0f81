#include "MorphPath.h"
#include "openmm/OpenMMException.h"
#include <cmath>

using namespace OpenMM;
using namespace std;

/** Proposals are computed elsewhere, and perhaps in other ways: nm. */
static const double TOLERANCE = 1e-5;

MorphPath::MorphPath(const SoftCoordinates& coordinates, const vector<Vec3>& x, const vector<Vec3>& y,
                     const vector<bool>& isVirtual)
    : coordinates(coordinates), isVirtual(isVirtual), start(x), from(coordinates.measure(x)),
      step(coordinates.getStep(from, coordinates.measure(y))) {
    vector<Vec3> end = coordinates.place(coordinates.advance(from, step, 1), start);
    for (const SoftCoordinates::Frame& frame : coordinates.getFrames()) {
        firstCenters.push_back(getCenter(frame.group, start));
        lastCenters.push_back(getCenter(frame.group, end));
    }
    if (coordinates.getSuperposes()) {
        middle = getDirect(0.5);
        startOntoMiddle = superposeReal(x, middle);
    }
    requireArrival(y);
}

RigidMotion MorphPath::superposeReal(const vector<Vec3>& positions, const vector<Vec3>& onto) const {
    vector<Vec3> from, to;
    for (int i = 0; i < (int)positions.size(); i++)
        if (!isVirtual[i]) {
            from.push_back(positions[i]);
            to.push_back(onto[i]);
        }
    return superpose(from, to);
}

Vec3 MorphPath::getCenter(const vector<int>& group, const vector<Vec3>& positions) const {
    Vec3 sum;
    int count = 0;
    for (int particle : group)
        if (!isVirtual[particle]) {
            sum += positions[particle];
            count++;
        }
    return sum / count;
}

/** Bodies turn about their middle, wherever the origins of their frames are: so they sweep through the least. */
vector<Vec3> MorphPath::getDirect(double fraction) const {
    if (fraction == 0)
        return start;
    vector<Vec3> positions = coordinates.place(coordinates.advance(from, step, fraction), start);
    for (int i = 0; i < (int)firstCenters.size(); i++) {
        const vector<int>& group = coordinates.getFrames()[i].group;
        Vec3 center = firstCenters[i] * (1 - fraction) + lastCenters[i] * fraction;
        Vec3 shift = center - getCenter(group, positions);
        for (int particle : group)
            positions[particle] += shift;
    }
    return positions;
}

/** Superposed on the conformation halfway, which is the same one on the way back. */
vector<Vec3> MorphPath::getPositions(double fraction) const {
    vector<Vec3> positions = getDirect(fraction);
    if (!coordinates.getSuperposes() || fraction == 0)
        return positions;
    superposeReal(positions, middle).apply(positions);
    startOntoMiddle.applyInverse(positions);
    return positions;
}

double MorphPath::getDisplacement() const {
    vector<Vec3> end = getPositions(1);
    double sum = 0;
    int count = 0;
    for (int i = 0; i < (int)end.size(); i++)
        if (!isVirtual[i]) {
            Vec3 shift = end[i] - start[i];
            sum += shift.dot(shift);
            count++;
        }
    return sqrt(sum / count);
}

void MorphPath::requireArrival(const vector<Vec3>& y) const {
    vector<Vec3> end = getPositions(1);
    if (coordinates.getSuperposes())
        superposeReal(end, y).apply(end);
    for (int i = 0; i < (int)y.size(); i++) {
        Vec3 miss = end[i] - y[i];
        if (!isVirtual[i] && miss.dot(miss) > TOLERANCE * TOLERANCE)
            throw OpenMMException(
                "SteeredSwitching: the proposal changes more than its soft coordinates (moved particle " +
                to_string(i) + " would end " + to_string(sqrt(miss.dot(miss))) +
                " nm from where it was proposed). Give coordinates that describe the whole leap, or "
                "none for the positions themselves");
    }
}
