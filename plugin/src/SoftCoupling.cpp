#include "SoftCoupling.h"
#include "Dihedral.h"
#include "Rotation.h"
#include <cmath>

using namespace OpenMM;
using namespace std;

SoftCoupling::SoftCoupling(const SoftCoordinates& coordinates, double kT) : coordinates(coordinates) {
    auto spring = [&](double width) {
        return kT / (width * width);
    };
    torsionSpring = spring(coordinates.getTorsionWidth());
    positionSpring = spring(coordinates.getPositionWidth());
    rotationSpring = spring(coordinates.getRotationWidth());
}

static double drawTorsion(double width, JumpRandom& random) {
    double d;
    do
        d = width * random.nextGaussian();
    while (fabs(d) >= M_PI);
    return d;
}

static Vec3 drawVector(double width, JumpRandom& random) {
    double x = random.nextGaussian(), y = random.nextGaussian(), z = random.nextGaussian();
    return Vec3(x, y, z) * width;
}

/** Haar's measure in terms of the vector w of a turn is (2 - 2 cos |w|)/|w|^2 d^3w, never more than d^3w. */
static Vec3 drawTurn(double width, JumpRandom& random) {
    while (true) {
        Vec3 w = drawVector(width, random);
        double angle = sqrt(w.dot(w));
        double measure = angle < 1e-4 ? 1 : 2 * (1 - cos(angle)) / (angle * angle);
        if (random.nextUniform() < measure && angle < M_PI)
            return w;
    }
}

SoftValues SoftCoupling::draw(const SoftValues& values, JumpRandom& random) const {
    SoftStep step;
    for (int i = 0; i < (int)values.torsions.size(); i++)
        step.torsions.push_back(drawTorsion(coordinates.getTorsionWidth(), random));
    for (int i = 0; i < (int)values.frames.size(); i++) {
        step.shifts.push_back(drawVector(coordinates.getPositionWidth(), random));
        step.turns.push_back(drawTurn(coordinates.getRotationWidth(), random));
    }
    for (int i = 0; i < (int)values.points.size(); i++)
        step.points.push_back(drawVector(coordinates.getPositionWidth(), random));
    return coordinates.advance(values, step, 1);
}

double SoftCoupling::evaluate(const vector<Vec3>& x, const SoftValues& center, vector<Vec3>* forces) const {
    SoftStep step = coordinates.getStep(coordinates.measure(x), center);
    double energy = 0;
    for (int n = 0; n < (int)step.torsions.size(); n++) {
        const array<int, 4>& atoms = coordinates.getTorsions()[n].atoms;
        double d = step.torsions[n];
        energy += 0.5 * torsionSpring * d * d;
        if (forces == nullptr)
            continue;
        array<Vec3, 4> gradient = getDihedralGradient(x[atoms[0]], x[atoms[1]], x[atoms[2]], x[atoms[3]]);
        for (int i = 0; i < 4; i++)
            (*forces)[atoms[i]] += gradient[i] * (torsionSpring * d);
    }
    for (int n = 0; n < (int)step.turns.size(); n++)
        energy += evaluateFrame(n, x, step.shifts[n], step.turns[n], forces);
    for (int n = 0; n < (int)step.points.size(); n++) {
        energy += 0.5 * positionSpring * step.points[n].dot(step.points[n]);
        if (forces != nullptr)
            (*forces)[coordinates.getPoints()[n]] += step.points[n] * positionSpring;
    }
    return energy;
}

/**
 * The spring pulls the origin along the shift and turns the axes by a torque along the turn. With u = b - a along the
 * first axis e1, w = c - a and e3 normal to both, a displacement of b and c turns the frame by
 *   e3 (du.e2)/|u| - e2 (du.e3)/|u| + e1 [dw.e3 - (w.e1)/|u| du.e3]/(w.e2),
 * so that the forces on b and c are what the torque does work against.
 */
double SoftCoupling::evaluateFrame(int index, const vector<Vec3>& x, const Vec3& shift, const Vec3& turn,
                                   vector<Vec3>* forces) const {
    const array<int, 3>& atoms = coordinates.getFrames()[index].atoms;
    double energy = 0.5 * positionSpring * shift.dot(shift) + 0.5 * rotationSpring * turn.dot(turn);
    if (forces == nullptr)
        return energy;
    Vec3 u = x[atoms[1]] - x[atoms[0]], w = x[atoms[2]] - x[atoms[0]];
    double length = sqrt(u.dot(u));
    Vec3 e1 = u / length, normal = u.cross(w);
    Vec3 e3 = normal / sqrt(normal.dot(normal)), e2 = e3.cross(e1);
    Vec3 torque = turn * rotationSpring;
    double aboutFirst = torque.dot(e1) / w.dot(e2);
    Vec3 onC = e3 * aboutFirst;
    Vec3 onB = e2 * (torque.dot(e3) / length) - e3 * ((torque.dot(e2) + aboutFirst * w.dot(e1)) / length);
    (*forces)[atoms[0]] += shift * positionSpring - onB - onC;
    (*forces)[atoms[1]] += onB;
    (*forces)[atoms[2]] += onC;
    return energy;
}
