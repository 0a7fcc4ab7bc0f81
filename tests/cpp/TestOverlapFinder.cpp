#include "OverlapFinder.h"
#include "Testing.h"
#include "openmm/NonbondedForce.h"

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

int main() {
    return runTests([] {
        testOverlaps();
        testTriclinicBox();
        testWithoutNonbondedForce();
    });
}
