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

vector<Vec3> MorphPath::getDirect(double fraction) const {
    return fraction == 0 ? start : coordinates.place(coordinates.advance(from, step, fraction), start);
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
