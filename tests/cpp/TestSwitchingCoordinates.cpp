/* Soft coordinates: measuring and placing them, the ways between conformations, and springs. */
#include "Dihedral.h"
#include "MorphPath.h"
#include "SoftCoupling.h"
#include "Testing.h"
#include "genmd/JumpRandom.h"
#include <cmath>
#include <limits>

using namespace OpenMM;
using namespace std;

static const double KT = 2.494;

static Vec3 drawPoint(JumpRandom& random, double width) {
    double x = random.nextGaussian(), y = random.nextGaussian(), z = random.nextGaussian();
    return Vec3(x, y, z) * width;
}

static vector<Vec3> drawPositions(int count, JumpRandom& random) {
    vector<Vec3> positions;
    for (int i = 0; i < count; i++)
        positions.push_back(Vec3(0.1 * i, 0.06 * (i % 2), 0.05 * (i % 3)) + drawPoint(random, 0.02));
    return positions;
}

static double distanceBetween(const vector<Vec3>& a, const vector<Vec3>& b) {
    double largest = 0;
    for (int i = 0; i < (int)a.size(); i++)
        largest = max(largest, sqrt((a[i] - b[i]).dot(a[i] - b[i])));
    return largest;
}

static void testDihedral() {
    JumpRandom random(3);
    const double h = 1e-6;
    for (int trial = 0; trial < 20; trial++) {
        vector<Vec3> x = drawPositions(4, random);
        array<Vec3, 4> gradient = getDihedralGradient(x[0], x[1], x[2], x[3]);
        for (int i = 0; i < 4; i++)
            for (int axis = 0; axis < 3; axis++) {
                vector<Vec3> up = x, down = x;
                up[i][axis] += h;
                down[i][axis] -= h;
                double difference =
                    getDihedral(up[0], up[1], up[2], up[3]) - getDihedral(down[0], down[1], down[2], down[3]);
                ASSERT_EQUAL_TOL(remainder(difference, 2 * M_PI) / (2 * h), gradient[i][axis], 1e-5);
            }
    }
    // IUPAC's sign: seen from j to k, clockwise is positive.
    ASSERT_EQUAL_TOL(0.5 * M_PI, getDihedral(Vec3(1, 0, 0), Vec3(), Vec3(0, 0, -1), Vec3(0, -1, -1)), 1e-14);
    ASSERT_EQUAL_TOL(M_PI, fabs(getDihedral(Vec3(1, 0, 0), Vec3(), Vec3(0, 0, 1), Vec3(-1, 0, 1))), 1e-14);
}

/** Two nested torsions, two frames and two points of thirteen particles. */
static SoftCoordinates makeCoordinates() {
    SoftCoordinates coordinates;
    coordinates.addTorsion(0, 1, 2, 3, {2, 3, 4});
    coordinates.addTorsion(1, 2, 3, 4, {3, 4});
    coordinates.addFrame(5, 6, 7, {5, 6, 7});
    coordinates.addFrame(9, 8, 10, {8, 9, 10});
    coordinates.addPoint(11);
    coordinates.addPoint(12);
    coordinates.setWidths(0.2, 0.03, 0.4);
    return coordinates;
}

/** The forces of springs against differences of their energy, with centers far and near. */
static void testCouplingForces() {
    JumpRandom random(5);
    SoftCoordinates coordinates = makeCoordinates();
    SoftCoupling coupling(coordinates, KT);
    const double h = 1e-6;
    for (int trial = 0; trial < 10; trial++) {
        vector<Vec3> x = drawPositions(13, random), forces(13);
        SoftValues center = coordinates.measure(drawPositions(13, random));
        double energy = coupling.evaluate(x, center, &forces);
        ASSERT_EQUAL_TOL(energy, coupling.evaluate(x, center, nullptr), 1e-14);
        double largest = 0;
        for (const Vec3& force : forces)
            largest = max(largest, sqrt(force.dot(force)));
        for (int i = 0; i < 13; i++)
            for (int axis = 0; axis < 3; axis++) {
                vector<Vec3> up = x, down = x;
                up[i][axis] += h;
                down[i][axis] -= h;
                double slope =
                    (coupling.evaluate(up, center, nullptr) - coupling.evaluate(down, center, nullptr)) / (2 * h);
                ASSERT(fabs(slope + forces[i][axis]) < 1e-5 * largest);
            }
    }
}

/** Averages over the angle of a turn with density (2 - 2 cos a)^haar a^(2 - 2 haar) exp(-a^2/2 width^2) on [0, pi]. */
static double integrateTurns(double width, bool haar, const function<double(double)>& f) {
    double sum = 0, norm = 0;
    const int points = 20000;
    for (int i = 0; i < points; i++) {
        double a = M_PI * (i + 0.5) / points;
        double density = (haar ? 2 - 2 * cos(a) : a * a) * exp(-0.5 * a * a / (width * width));
        sum += density * f(a);
        norm += density;
    }
    return sum / norm;
}

static void testDrawnCenters() {
    const int draws = 40000;
    SoftCoordinates coordinates = makeCoordinates();
    JumpRandom random(7);
    SoftValues values = coordinates.measure(drawPositions(13, random));
    for (double width : {0.1, 0.6, 1.5}) {
        coordinates.setWidths(width, 0.03, width);
        SoftCoupling coupling(coordinates, KT);
        double angle = 0, cosine = 0, square = 0;
        Vec3 direction, shift, shiftSquare;
        for (int i = 0; i < draws; i++) {
            SoftStep step = coordinates.getStep(values, coupling.draw(values, random));
            double a = sqrt(step.turns[0].dot(step.turns[0]));
            angle += a / draws;
            cosine += cos(a) / draws;
            direction += step.turns[0] / (a * draws);
            square += step.torsions[1] * step.torsions[1] / draws;
            for (int axis = 0; axis < 3; axis++)
                shiftSquare[axis] += pow(step.points[1][axis] / 0.03, 2) / draws;
            ASSERT(a < M_PI && fabs(step.torsions[1]) < M_PI);
        }
        auto agrees = [&](double found, bool haar, const function<double(double)>& f) {
            double mean = integrateTurns(width, haar, f);
            double variance = integrateTurns(width, haar, [&](double a) { return pow(f(a) - mean, 2); });
            return fabs(found - mean) < 4 * sqrt(variance / draws);
        };
        ASSERT(agrees(angle, true, [](double a) { return a; }));
        ASSERT(agrees(cosine, true, [](double a) { return cos(a); }));
        // Broken on purpose: a normal distribution of the turn's vector, without the density of Haar's measure.
        ASSERT(width < 0.5 || !agrees(angle, false, [](double a) { return a; }));
        double truncated = 0, norm = 0, fourth = 0;
        for (double d = -M_PI + 5e-5; d < M_PI; d += 1e-4) {
            double density = exp(-0.5 * d * d / (width * width));
            truncated += density * d * d;
            fourth += density * d * d * d * d;
            norm += density;
        }
        double error = sqrt((fourth / norm - pow(truncated / norm, 2)) / draws);
        ASSERT(fabs(square - truncated / norm) < 4 * error);
        for (int axis = 0; axis < 3; axis++) {
            ASSERT(fabs(direction[axis]) < 4 / sqrt(3.0 * draws));
            ASSERT(fabs(shiftSquare[axis] - 1) < 4 * sqrt(2.0 / draws));
        }
    }
}

/** Two nested torsions alone, which are the same wherever the molecule is. */
static SoftCoordinates makeSuperposed() {
    SoftCoordinates coordinates;
    coordinates.addTorsion(0, 1, 2, 3, {2, 3, 4});
    coordinates.addTorsion(1, 2, 3, 4, {3, 4});
    coordinates.setSuperposes(true);
    return coordinates;
}

static Vec3 getMiddle(const vector<int>& group, const vector<bool>& isVirtual, const vector<Vec3>& x) {
    Vec3 sum;
    double count = 0;
    for (int particle : group)
        if (!isVirtual[particle]) {
            sum += x[particle];
            count++;
        }
    return sum / count;
}

/** The way from y to x is that from x to y in reverse, superposed or not; it takes the shorter arc. */
static void testMorphPath() {
    JumpRandom random(11);
    vector<bool> isVirtual(13, false);
    isVirtual[12] = true;
    for (bool superposes : {false, true})
        for (int trial = 0; trial < 10; trial++) {
            SoftCoordinates coordinates = superposes ? makeSuperposed() : makeCoordinates();
            vector<Vec3> x = drawPositions(13, random);
            SoftValues values = coordinates.measure(x), changed = values;
            changed.torsions[0] += 2.5;
            changed.torsions[1] -= 1.5;
            if (!superposes) {
                changed.points[0] += drawPoint(random, 0.05);
                changed.frames[0] = coordinates.measure(drawPositions(13, random)).frames[0];
            }
            vector<Vec3> y = coordinates.place(changed, x);
            y[12] += Vec3(3, 4, 5); // where a proposer puts a virtual site has no meaning
            MorphPath there(coordinates, x, y, isVirtual);
            MorphPath back(coordinates, there.getPositions(1), x, isVirtual);
            ASSERT_EQUAL_TOL(0.0, distanceBetween(there.getPositions(0), x), 1e-15);
            double squared = 0;
            for (int i = 0; i < 12; i++) {
                Vec3 shift = there.getPositions(1)[i] - x[i];
                squared += shift.dot(shift) / 12;
            }
            ASSERT_EQUAL_TOL(sqrt(squared), there.getDisplacement(), 1e-12);
            ASSERT_EQUAL_TOL(there.getDisplacement(), back.getDisplacement(), 1e-10);
            for (double f : {0.0, 0.1, 0.35, 0.5, 0.9, 1.0})
                ASSERT_EQUAL_TOL(0.0, distanceBetween(there.getPositions(f), back.getPositions(1 - f)), 1e-12);
            // Broken on purpose: a way back that is not as far as it should be.
            ASSERT(distanceBetween(there.getPositions(0.25), back.getPositions(0.75 * 0.75)) > 1e-4);
            SoftValues half = coordinates.measure(there.getPositions(0.5));
            ASSERT_EQUAL_TOL(0.0, remainder(half.torsions[0] - values.torsions[0] - 1.25, 2 * M_PI), 1e-10);
            for (const SoftCoordinates::Frame& frame : coordinates.getFrames()) {
                // Bodies turn about their middle, which goes straight ahead.
                vector<Vec3> ends = {getMiddle(frame.group, isVirtual, x), getMiddle(frame.group, isVirtual, y)};
                Vec3 miss = getMiddle(frame.group, isVirtual, there.getPositions(0.3)) - ends[0] * 0.7 - ends[1] * 0.3;
                ASSERT_EQUAL_TOL(0.0, miss.dot(miss), 1e-20);
            }
            y[3] += Vec3(0, 0, 1e-3);
            assertThrows("changes more than its soft coordinates (moved particle",
                         [&] { MorphPath(coordinates, x, y, isVirtual); });
        }
}

static void testCoordinateErrors() {
    SoftCoordinates coordinates = makeCoordinates();
    assertThrows("one of the particles 1 and 2 of the bond", [&] { coordinates.addTorsion(0, 1, 2, 3, {3}); });
    assertThrows("one of the particles 1 and 2 of the bond", [&] { coordinates.addTorsion(0, 1, 2, 3, {1, 2}); });
    for (array<int, 3> atoms : {array<int, 3>{1, 1, 2}, {1, 2, 2}, {1, 2, 1}})
        assertThrows("a frame needs three different", [&] { coordinates.addFrame(atoms[0], atoms[1], atoms[2], {}); });
    for (double width : {0.0, -1.0, (double)NAN, (double)INFINITY})
        assertThrows("widths must be positive, got", [&] { coordinates.setWidths(0.1, width, 0.1); });
    assertThrows("particle 0 is not among those that the proposer moves", [&] { coordinates.localTo({1, 2, 3}); });
    ASSERT_EQUAL(13, coordinates.getParticles().size());
    JumpRandom random(1);
    vector<Vec3> x = drawPositions(13, random);
    coordinates.requireWhole(x, 0.5);
    x[10] += Vec3(0, 2, 0);
    assertThrows("is broken across the periodic box. Set positions", [&] { coordinates.requireWhole(x, 0.5); });
    coordinates.requireWhole(x, numeric_limits<double>::infinity());
}

int main() {
    return runTests([] {
        testDihedral();
        testCouplingForces();
        testDrawnCenters();
        testMorphPath();
        testCoordinateErrors();
    });
}
