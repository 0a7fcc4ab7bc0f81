#include "Testing.h"
#include "genmd/OverlapFinder.h"
#include "openmm/NonbondedForce.h"
#include <cmath>
#include <random>

using namespace OpenMM;
using namespace std;

/** Four particles of diameter 0.3 nm, of which 0 and 1 are excluded, and one without Lennard-Jones interaction. */
static void buildSystem(System& system) {
    NonbondedForce* force = new NonbondedForce();
    for (int i = 0; i < 5; i++) {
        system.addParticle(10.0);
        force->addParticle(0.0, 0.3, i < 4 ? 1.0 : 0.0);
    }
    force->addException(0, 1, 0.0, 1.0, 0.0);
    system.addForce(force);
}

static void testOverlaps() {
    System system;
    buildSystem(system);
    OverlapFinder finder(system, {0, 1});
    vector<Vec3> positions = {Vec3(0, 0, 0), Vec3(0.1, 0, 0), Vec3(1, 0, 0), Vec3(1, 0.1, 0), Vec3(0, 0.01, 0)};
    ASSERT(!finder.hasOverlap(positions, nullptr)); // 0-1 is excluded, 2-3 did not move, 4 has no size
    positions[2] = Vec3(0.1, 0.22, 0);
    ASSERT(finder.hasOverlap(positions, nullptr));
    positions[2] = Vec3(0.1, 0.23, 0);
    ASSERT(!finder.hasOverlap(positions, nullptr));
}

static void testTriclinicBox() {
    System system;
    buildSystem(system);
    OverlapFinder finder(system, {0, 1});
    Vec3 box[3] = {Vec3(3, 0, 0), Vec3(1, 3, 0), Vec3(-1, 0.5, 3)};
    vector<Vec3> positions = {Vec3(0, 0, 0), Vec3(0.1, 0, 0), Vec3(1.5, 1.5, 0), Vec3(1.5, 1.5, 0.1), Vec3(0, 0, 1)};
    ASSERT(!finder.hasOverlap(positions, box));
    positions[3] = Vec3(0.1, 0.05, 0.1) + box[2] * 2 - box[1] + box[0];
    ASSERT(!finder.hasOverlap(positions, nullptr));
    ASSERT(finder.hasOverlap(positions, box));
}

static void testWithoutNonbondedForce() {
    System system;
    system.addParticle(1.0);
    system.addParticle(1.0);
    OverlapFinder finder(system, {0});
    ASSERT(!finder.hasOverlap({Vec3(), Vec3()}, nullptr));
}

/** Whether any pair of a moved particle and another is closer than a limit in any of 125 images. */
static bool hasOverlapByBruteForce(const vector<Vec3>& positions, int numMoved, const Vec3* box, double limit) {
    for (int moved = 0; moved < numMoved; moved++)
        for (int other = 0; other < (int)positions.size(); other++)
            for (int image = 0; image < (box == nullptr ? 1 : 125); image++) {
                Vec3 delta = positions[moved] - positions[other];
                if (box != nullptr)
                    delta += box[0] * (image % 5 - 2) + box[1] * (image / 5 % 5 - 2) + box[2] * (image / 25 - 2);
                if (moved != other && delta.dot(delta) < limit * limit)
                    return true;
            }
    return false;
}

/** Random particles, some of which have moved, in boxes of one to many cells; half of the cases overlap. */
static void testAgreesWithBruteForce() {
    mt19937 random(5);
    uniform_real_distribution<double> uniform;
    const double sigma = 0.3;
    int overlaps = 0, cases = 0;
    for (double length : {0.5, 0.7, 1.5, 3.0})
        for (bool periodic : {false, true})
            for (int repeat = 0; repeat < 50; repeat++, cases++) {
                const int numMoved = 4, numParticles = 5 + (int)(3.6 * length * length * length);
                System system;
                NonbondedForce* force = new NonbondedForce();
                system.addForce(force);
                vector<int> particles;
                vector<Vec3> positions;
                Vec3 box[3] = {Vec3(length, 0, 0), Vec3(0.4 * length, length, 0),
                               Vec3(-0.45 * length, 0.3 * length, 1.2 * length)};
                for (int i = 0; i < numParticles; i++) {
                    system.addParticle(1.0);
                    force->addParticle(0.0, sigma, 1.0);
                    Vec3 fraction(uniform(random), uniform(random), uniform(random));
                    positions.push_back(box[0] * fraction[0] + box[1] * fraction[1] + box[2] * fraction[2]);
                }
                for (int i = 0; i < numMoved; i++)
                    particles.push_back(i);
                OverlapFinder finder(system, particles);
                const Vec3* used = periodic ? box : nullptr;
                bool expected = hasOverlapByBruteForce(positions, numMoved, used, 0.75 * sigma);
                for (int i = 0; i < numParticles && periodic; i++)
                    positions[i] += box[i % 3] * (i % 7 - 3);
                ASSERT_EQUAL(expected, finder.hasOverlap(positions, used));
                overlaps += expected;
            }
    ASSERT(overlaps > cases / 8 && overlaps < cases * 7 / 8);
}

static void testNotANumber() {
    System system;
    buildSystem(system);
    OverlapFinder finder(system, {0, 1});
    Vec3 box[3] = {Vec3(3, 0, 0), Vec3(1, 3, 0), Vec3(-1, 0.5, 3)};
    vector<Vec3> positions(5, Vec3(NAN, 0, INFINITY));
    ASSERT(!finder.hasOverlap(positions, box));
    ASSERT(!finder.hasOverlap(positions, nullptr));
}

int main() {
    return runTests([] {
        testOverlaps();
        testTriclinicBox();
        testAgreesWithBruteForce();
        testNotANumber();
        testWithoutNonbondedForce();
    });
}
