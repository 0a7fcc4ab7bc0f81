/* The MD of a switch by itself: reversible with constraints, Maxwellian velocities, heat that is counted. */
#include "JumpKernelSystem.h"
#include "SteeredMoves.h"
#include "SwitchingSystem.h"
#include "Testing.h"
#include "openmm/Context.h"
#include "openmm/HarmonicBondForce.h"
#include "openmm/VerletIntegrator.h"
#include <cmath>

using namespace OpenMM;
using namespace std;

static const double KT = 2.494;

/** A Context with the MD of a switch in it; the moved particles may be frozen. */
class DynamicsTest {
public:
    DynamicsTest(const System& system, const SwitchingSettings& settings, const vector<int>& frozen = {})
        : integrator(0.001), context(system, integrator, Platform::getPlatformByName("Reference")),
          dynamics(**reinterpret_cast<ContextImpl**>(&context), makeSwitchingSystem(system, frozen, 0), settings),
          random(13) {
    }
    void begin(const vector<Vec3>& positions) {
        context.setPositions(positions);
        context.applyConstraints(1e-12);
        context.computeVirtualSites();
        dynamics.begin(context.getState(State::Positions).getPositions(), -1, KT, random);
        dynamics.takeSurroundings(**reinterpret_cast<ContextImpl**>(&context));
        dynamics.drawVelocities();
    }
    double getTotal() {
        return dynamics.getPotential() + dynamics.getKinetic();
    }
    VerletIntegrator integrator;
    Context context;
    SwitchingDynamics dynamics;
    JumpRandom random;
};

/** An infinite potential, when it is on: Metropolised MD is then rejected, which turns all velocities around. */
class Wall : public AddedPotential {
public:
    double evaluate(const vector<Vec3>&, vector<Vec3>*) {
        return isOn ? INFINITY : 0.0;
    }
    bool isOn = false;
};

static SwitchingSettings getSettings(double stepSize, double friction, WorkRule rule) {
    SwitchingSettings settings;
    settings.stepSize = stepSize;
    settings.friction = friction;
    settings.rule = rule;
    return settings;
}

/** The conformation of the moved particles after some increments of a drag. */
static vector<Vec3> drag(const JumpKernelSystem& setup, const vector<Vec3>& start, double progress) {
    vector<Vec3> moved;
    for (int i = 0; i < (int)setup.moved.size(); i++)
        moved.push_back(start[setup.moved[i]] + Vec3(0.04, -0.03, 0.02) * progress);
    return moved;
}

/**
 * Drag two molecules and an atom through the others, turn all velocities around, and drag them back: everything is
 * where it was, and the work is given back.
 */
static void testReversal(bool triclinic) {
    JumpKernelSystem setup(triclinic, false);
    DynamicsTest test(setup.system, getSettings(0.0005, 0, WorkRule::MetropolizedSteps), setup.moved);
    Wall wall;
    test.begin(setup.positions);
    test.dynamics.setAddedPotential(&wall);
    const int changes = 30;
    vector<Vec3> start = test.dynamics.getCompletePositions();
    auto change = [&](double progress) {
        double before = test.dynamics.getPotential();
        test.dynamics.place(setup.moved, drag(setup, start, progress));
        return test.dynamics.getPotential() - before;
    };
    auto go = [&](bool back) {
        double work = 0;
        for (int k = 0; k < changes; k++) {
            vector<Vec3> before = test.dynamics.getPositions();
            work += change(back ? 1 - (k + 0.5) / changes : (k + 0.5) / changes);
            test.dynamics.propagate(2);
            Vec3 d = test.dynamics.getPositions()[10] - before[10];
            ASSERT(d.dot(d) > 0); // the stretch was not rejected, which would have turned velocities around
        }
        return work + change(back ? 0 : 1);
    };
    double there = go(false);
    double apart = 0;
    for (int i = 0; i < (int)start.size(); i++)
        apart = max(apart,
                    sqrt((test.dynamics.getPositions()[i] - start[i]).dot(test.dynamics.getPositions()[i] - start[i])));
    ASSERT(apart > 0.02);
    wall.isOn = true;
    test.dynamics.propagate(2);
    wall.isOn = false;
    double back = go(true);
    ASSERT(fabs(there) > 0.01);
    ASSERT(fabs(there + back) < 1e-8 * max(1.0, fabs(there)));
    vector<Vec3> end = test.dynamics.getCompletePositions();
    for (int i = 0; i < (int)start.size(); i++)
        for (int axis = 0; axis < 3; axis++)
            ASSERT(fabs(end[i][axis] - start[i][axis]) < 1e-9);
}

/** Kinetic energies of Maxwellian velocities: 3 per particle with mass, less one per constraint. */
static void testVelocities() {
    JumpKernelSystem setup(false, false);
    for (vector<int> frozen : {vector<int>(), setup.moved}) {
        DynamicsTest test(setup.system, getSettings(0.002, 0, WorkRule::TotalWork), frozen);
        int freedoms =
            3 * (3 * JumpKernelSystem::NUM_MOLECULES + JumpKernelSystem::NUM_SINGLES) - JumpKernelSystem::NUM_MOLECULES;
        if (!frozen.empty())
            freedoms -= 2 * 8 + 3;
        const int draws = 100;
        double sum = 0, squares = 0;
        test.begin(setup.positions);
        for (int i = 0; i < draws; i++) {
            test.dynamics.drawVelocities();
            double kinetic = test.dynamics.getKinetic() / KT;
            sum += kinetic / draws;
            squares += pow(kinetic - 0.5 * freedoms, 2) / draws;
        }
        ASSERT(fabs(sum - 0.5 * freedoms) < 4 * sqrt(0.5 * freedoms / draws));
        ASSERT(fabs(squares / (0.5 * freedoms) - 1) < 4 * sqrt(2.0 / draws));
    }
}

/** The total energy less the heat stays, with a thermostat and after velocities were drawn anew. */
static void testHeat() {
    JumpKernelSystem setup(true, false);
    double errors[2];
    for (int i : {0, 1}) {
        DynamicsTest test(setup.system, getSettings(i == 0 ? 0.001 : 0.0005, 20, WorkRule::TotalWork));
        test.begin(setup.positions);
        double before = test.getTotal();
        for (int block = 0; block < 20; block++)
            test.dynamics.propagate(2);
        test.dynamics.refreshVelocities(setup.moved);
        double heat = test.dynamics.getHeat(), change = test.getTotal() - before;
        ASSERT(fabs(heat) > 10);
        errors[i] = fabs(change - heat);
    }
    ASSERT(errors[0] < 2.0 && errors[1] < 0.5 * errors[0]);
}

/** Constraints hold in the middle of a switch, and forces are evaluated once per step. */
static void testConstraints() {
    JumpKernelSystem setup(true, false);
    DynamicsTest test(setup.system, getSettings(0.002, 5, WorkRule::TotalWork));
    test.begin(setup.positions);
    test.dynamics.propagate(50);
    ASSERT_EQUAL(50, test.dynamics.getNumEvaluations());
    const vector<Vec3>& x = test.dynamics.getPositions();
    for (int i = 0; i < setup.system.getNumConstraints(); i++) {
        int first, second;
        double distance;
        setup.system.getConstraintParameters(i, first, second, distance);
        Vec3 d = x[first] - x[second];
        ASSERT_EQUAL_TOL(distance, sqrt(d.dot(d)), 1e-9);
    }
    vector<Vec3> complete = test.dynamics.getCompletePositions();
    for (int site = 3; site < 4 * JumpKernelSystem::NUM_MOLECULES; site += 4) {
        Vec3 d = complete[site] - (complete[site - 3] + complete[site - 2]) * 0.5;
        ASSERT(d.dot(d) < 1e-24);
    }
}

static void testErrors() {
    System system;
    system.addParticle(1.0);
    HarmonicBondForce* bond = new HarmonicBondForce();
    system.addParticle(1.0);
    bond->addBond(0, 1, 0.1, 1e5);
    system.addForce(bond);
    DynamicsTest test(system, getSettings(5.0, 0, WorkRule::TotalWork));
    test.begin({Vec3(), Vec3(0.1, 0, 0)});
    bool isUnstable = false;
    try {
        test.dynamics.propagate(1000);
    } catch (const UnstableDynamics& exception) {
        isUnstable = true;
        assertThrows("positions are not finite", [&] { throw exception; });
    }
    ASSERT(isUnstable);
    SoftCoordinates point;
    point.addPoint(0);
    MorphMove move(point, INFINITY);
    vector<int> particles = {0};
    vector<bool> isVirtual = {false};
    SwitchingHost host{test.dynamics, particles, isVirtual, particles, nullptr, nullptr, test.random, KT, INFINITY};
    assertThrows("This switching protocol has no leap on its way", [&] { move.leap(host); });
    assertThrows("has no way that is given beforehand", [&] { CouplingMove(point).getWay(0.5); });
}

int main() {
    return runTests([] {
        testReversal(false);
        testReversal(true);
        testVelocities();
        testHeat();
        testConstraints();
        testErrors();
    });
}
