/* The tests of JumpKernel that every platform has to pass; one stub per platform calls them. */
#include "GenericJumpKernel.h"
#include "JumpKernelSystem.h"
#include "Testing.h"
#include "genmd/OverlapFinder.h"
#include "openmm/Context.h"
#include "openmm/Kernel.h"
#include "openmm/LangevinMiddleIntegrator.h"
#include "openmm/Platform.h"
#include "openmm/internal/ContextImpl.h"
#include <cmath>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

using namespace OpenMM;
using namespace std;

static const double KT = 2.494;

/** What a precision of the platform allows. */
struct Tolerance {
    /** Of positions, in nm. */
    double position = 1e-9;
    /** Of virtual sites, which OpenMM computes from positions of single precision in mixed precision, in nm. */
    double site = 1e-9;
    /** Of energies, relative. */
    double energy = 1e-4;
    /** Of velocities, in nm/ps. */
    double velocity = 1e-4;
};

static Tolerance getTolerance(const string& precision) {
    Tolerance tolerance;
    if (precision == "single")
        tolerance.position = 2e-6; // coordinates of ten nm in 24 bits
    if (precision != "double") {
        tolerance.site = 2e-6;
        tolerance.energy = 1e-3;
        tolerance.velocity = 1e-2;
    }
    return tolerance;
}

/** A simulation with the jump kernel that its platform has. */
class KernelTest {
public:
    KernelTest(Platform& platform, const System& system, const vector<int>& moved)
        : integrator(300.0, 1.0, 0.002), context(system, integrator, platform), moved(moved) {
        integrator.setRandomNumberSeed(5);
        integrator.setConstraintTolerance(1e-6);
        if (platform.supportsKernels({JumpKernel::Name()}))
            kernel = platform.createKernel(JumpKernel::Name(), getImpl());
        else
            kernel = Kernel(new GenericJumpKernel(platform));
        getKernel().initialize(system, moved);
    }
    ContextImpl& getImpl() {
        return *reinterpret_cast<ContextImpl**>(&context)[0];
    }
    JumpKernel& getKernel() {
        return kernel.getAs<JumpKernel>();
    }
    void start(const vector<Vec3>& positions, int steps) {
        context.setPositions(positions);
        context.setVelocitiesToTemperature(300.0, 3);
        context.applyConstraints(1e-6);
        integrator.step(steps);
    }
    State getState() {
        return context.getState(State::Positions | State::Velocities | State::Energy);
    }
    double begin() {
        double energy = getKernel().begin(getImpl(), -1, true);
        getKernel().getPositions(moved, current);
        return energy;
    }
    void end(JumpRandom& random) {
        VelocityTransfer transfer;
        transfer.timeOffset = 0.001;
        transfer.kT = KT;
        transfer.constraintTolerance = 1e-6;
        getKernel().end(getImpl(), transfer, random);
    }
    LangevinMiddleIntegrator integrator;
    Context context;
    Kernel kernel;
    vector<int> moved;
    vector<Vec3> current;
};

static void assertSame(const string& what, const vector<Vec3>& expected, const vector<Vec3>& found, double tolerance) {
    ASSERT_EQUAL(expected.size(), found.size());
    for (int i = 0; i < (int)expected.size(); i++)
        for (int axis = 0; axis < 3; axis++)
            if (!(fabs(expected[i][axis] - found[i][axis]) <= tolerance)) { // also false for NaN
                stringstream message;
                message << what << " of particle " << i << ": expected " << expected[i] << ", found " << found[i]
                        << ", differing by " << expected[i] - found[i];
                throw OpenMMException(message.str());
            }
}

/** Get the energy that a new Context of the Reference platform has. */
static double getReferenceEnergy(const System& system, const State& state, const vector<Vec3>& positions) {
    LangevinMiddleIntegrator integrator(300.0, 1.0, 0.002);
    Context context(system, integrator, Platform::getPlatformByName("Reference"));
    Vec3 a, b, c;
    state.getPeriodicBoxVectors(a, b, c);
    context.setPeriodicBoxVectors(a, b, c);
    context.setPositions(positions);
    context.computeVirtualSites();
    return context.getState(State::Energy).getPotentialEnergy();
}

/** Positions are what a user sees, wherever OpenMM keeps them, and rejected candidates leave them as they were. */
static void testRejection(KernelTest& test, const JumpKernelSystem& setup, const Tolerance& tolerance) {
    JumpRandom random(1);
    State before = test.getState();
    double energy = test.begin();
    ASSERT_EQUAL_TOL(getReferenceEnergy(setup.system, before, before.getPositions()), energy, tolerance.energy);
    vector<Vec3> expected;
    for (int particle : setup.moved)
        expected.push_back(before.getPositions()[particle]);
    assertSame("given positions", expected, test.current, 1e-12);
    for (double distance : {0.001, 0.1, 3.0}) {
        vector<Vec3> candidate = setup.displace(test.current, distance, random), all = before.getPositions();
        for (int i = 0; i < (int)setup.moved.size(); i++)
            all[setup.moved[i]] = candidate[i];
        double found = test.getKernel().evaluateCandidate(test.getImpl(), candidate);
        if (distance < 0.01)
            ASSERT_EQUAL_TOL(getReferenceEnergy(setup.system, before, all), found, tolerance.energy);
        test.getKernel().getPositions(setup.moved, expected);
        assertSame("positions of x", test.current, expected, 0.0);
    }
    test.end(random);
    State after = test.getState();
    assertSame("positions after rejection", before.getPositions(), after.getPositions(), 0.0);
    assertSame("velocities after rejection", before.getVelocities(), after.getVelocities(), 0.0);
    ASSERT_EQUAL_TOL(before.getPotentialEnergy(), after.getPotentialEnergy(), tolerance.energy);
}

/** Of three candidates the second is accepted; all of it, and nothing else, becomes the state. */
static void testAcceptance(KernelTest& test, const JumpKernelSystem& setup, const Tolerance& tolerance) {
    JumpRandom random(2);
    State before = test.getState();
    test.begin();
    test.getKernel().evaluateCandidate(test.getImpl(), setup.displace(test.current, 0.5, random));
    vector<Vec3> accepted = setup.displace(test.current, 0.01, random), expected = before.getPositions(), found;
    double energy = test.getKernel().evaluateCandidate(test.getImpl(), accepted);
    test.getKernel().accept(test.getImpl());
    test.getKernel().getPositions(setup.moved, found);
    for (int i = 0; i < (int)accepted.size(); i++)
        assertSame("accepted positions", {accepted[i]}, {found[i]}, tolerance.site);
    test.getKernel().evaluateCandidate(test.getImpl(), setup.displace(test.current, 0.5, random));
    test.end(random);
    for (int i = 0; i < (int)setup.moved.size(); i++)
        expected[setup.moved[i]] = accepted[i];
    State after = test.getState();
    for (int i = 0; i < (int)expected.size(); i++) {
        bool isMoved = find(setup.moved.begin(), setup.moved.end(), i) != setup.moved.end();
        double allowed = setup.system.isVirtualSite(i) ? tolerance.site : isMoved ? tolerance.position : 0.0;
        assertSame("positions after acceptance (" + to_string(i) + ")", {expected[i]}, {after.getPositions()[i]},
                   allowed);
    }
    ASSERT_EQUAL_TOL(energy, after.getPotentialEnergy(), tolerance.energy);
    for (int molecule : {1, 10}) {
        Vec3 bond = after.getPositions()[4 * molecule + 2] - after.getPositions()[4 * molecule + 1];
        Vec3 relative = after.getVelocities()[4 * molecule + 2] - after.getVelocities()[4 * molecule + 1];
        ASSERT(fabs(bond.dot(relative)) < 1e-4);
        Vec3 middle = (after.getPositions()[4 * molecule] + after.getPositions()[4 * molecule + 1]) * 0.5;
        assertSame("virtual sites", {middle}, {after.getPositions()[4 * molecule + 3]}, tolerance.site);
    }
}

/** The same random numbers give the same velocities as on the Reference platform, for all particles. */
/** A tensor holds what getPositions() gives, of x and not of the last candidate. */
static void testTensor(KernelTest& test, const JumpKernelSystem& setup, const Tolerance& tolerance) {
    test.begin();
    vector<Vec3> moved = test.current;
    moved[0] += Vec3(0.1, 0, 0);
    test.getKernel().evaluateCandidate(test.getImpl(), moved);
    JumpTensor tensor = test.getKernel().getTensor(test.moved);
    ASSERT(tensor.device != JumpTensor::None);
    ASSERT_EQUAL((int)test.moved.size(), tensor.numParticles);
    if (tensor.device == JumpTensor::Cpu)
        for (int i = 0; i < tensor.numParticles; i++)
            ASSERT_EQUAL_VEC(test.current[i], static_cast<const Vec3*>(tensor.data)[i], 0.0);
    JumpRandom random(2);
    test.end(random);
}

static void testVelocityTransfer(KernelTest& test, const JumpKernelSystem& setup, const Tolerance& tolerance) {
    KernelTest reference(Platform::getPlatformByName("Reference"), setup.system, setup.moved);
    State before = test.getState();
    Vec3 box[3];
    before.getPeriodicBoxVectors(box[0], box[1], box[2]);
    reference.context.setPeriodicBoxVectors(box[0], box[1], box[2]);
    reference.context.setPositions(before.getPositions());
    reference.context.setVelocities(before.getVelocities());
    vector<vector<Vec3>> velocities;
    for (KernelTest* one : {&test, &reference}) {
        JumpRandom random(3);
        one->begin();
        one->getKernel().evaluateCandidate(one->getImpl(), setup.displace(one->current, 0.02, random));
        one->getKernel().accept(one->getImpl());
        one->end(random);
        velocities.push_back(one->getState().getVelocities());
    }
    assertSame("velocities after acceptance", velocities[1], velocities[0], tolerance.velocity);
    for (int particle : setup.moved) {
        Vec3 change = velocities[0][particle] - before.getVelocities()[particle];
        ASSERT((change.dot(change) > 1e-6) == (setup.system.getParticleMass(particle) > 0));
    }
}

/** Overlaps found are those that OverlapFinder finds among the same positions. */
static void testOverlaps(KernelTest& test, const JumpKernelSystem& setup, const Tolerance& tolerance) {
    OverlapFinder finder(setup.system, setup.moved);
    JumpRandom random(4);
    State before = test.getState();
    Vec3 box[3];
    before.getPeriodicBoxVectors(box[0], box[1], box[2]);
    test.begin();
    int overlaps = 0;
    const int candidates = 60;
    for (int i = 0; i < candidates; i++) {
        vector<Vec3> candidate = setup.displace(test.current, 0.08 * (i % 6), random), all = before.getPositions();
        for (int j = 0; j < (int)setup.moved.size(); j++)
            all[setup.moved[j]] = candidate[j];
        test.getKernel().evaluateCandidate(test.getImpl(), candidate);
        bool expected = finder.hasOverlap(all, box);
        ASSERT_EQUAL(expected, test.getKernel().hasOverlap(test.getImpl()));
        overlaps += expected;
    }
    test.end(random);
    ASSERT(overlaps > 0 && overlaps < candidates);
}

/** Parameters that change during a jump make OpenMM reorder the atoms, and setting positions moves them out of the
 *  first box; the state at the beginning comes back all the same. */
static void testInterference(KernelTest& test, JumpKernelSystem& setup, const Tolerance& tolerance) {
    JumpRandom random(5);
    State before = test.getState();
    double charge, sigma, epsilon;
    int single = 4 * JumpKernelSystem::NUM_MOLECULES + 77;
    setup.nonbonded->getParticleParameters(single, charge, sigma, epsilon);
    test.begin();
    vector<Vec3> candidate = setup.displace(test.current, 0.01, random);
    double energy = test.getKernel().evaluateCandidate(test.getImpl(), candidate);
    for (double factor : {1.1, 1.0}) {
        setup.nonbonded->setParticleParameters(single, charge, factor * sigma, epsilon);
        setup.nonbonded->updateParametersInContext(test.context);
    }
    ASSERT_EQUAL_TOL(energy, test.getKernel().evaluateCandidate(test.getImpl(), candidate), tolerance.energy);
    test.context.setPositions(before.getPositions());
    ASSERT_EQUAL_TOL(energy, test.getKernel().evaluateCandidate(test.getImpl(), candidate), tolerance.energy);
    test.end(random);
    State after = test.getState();
    assertSame("positions after interference", before.getPositions(), after.getPositions(), 0.0);
    assertSame("velocities after interference", before.getVelocities(), after.getVelocities(), 0.0);
}

static void testBox(Platform& platform, bool triclinic, bool constantPressure, const Tolerance& tolerance) {
    JumpKernelSystem setup(triclinic, constantPressure);
    KernelTest test(platform, setup.system, setup.moved);
    // On devices OpenMM reorders every 250 steps.
    const int steps = platform.supportsKernels({JumpKernel::Name()}) ? 260 : 20;
    test.start(setup.positions, steps);
    for (int i = 0; i < 2; i++) {
        testRejection(test, setup, tolerance);
        testAcceptance(test, setup, tolerance);
        test.integrator.step(steps);
    }
    testTensor(test, setup, tolerance);
    testVelocityTransfer(test, setup, tolerance);
    testOverlaps(test, setup, tolerance);
    testInterference(test, setup, tolerance);
    test.integrator.step(20);
    testRejection(test, setup, tolerance);
    ASSERT(isfinite(test.getState().getPotentialEnergy()));
}

/** Twenty thousand particles, of which a few leap by many boxes. */
static void testManyParticles(Platform& platform, const Tolerance& tolerance) {
    System system;
    NonbondedForce* force = new NonbondedForce();
    const int edge = 28;
    vector<Vec3> positions;
    for (int i = 0; i < edge * edge * edge; i++) {
        system.addParticle(40.0);
        force->addParticle(0.0, 0.34, 1.0);
        positions.push_back(Vec3(i % edge, i / edge % edge, i / (edge * edge)) * 0.4 + Vec3(11.2 * (i % 4), 0, 0));
    }
    force->setNonbondedMethod(NonbondedForce::CutoffPeriodic);
    force->setCutoffDistance(0.5);
    system.addForce(force);
    system.setDefaultPeriodicBoxVectors(Vec3(11.2, 0, 0), Vec3(0, 11.2, 0), Vec3(0, 0, 11.2));
    vector<int> moved = {19000, 3, 777, 12345};
    KernelTest test(platform, system, moved);
    test.start(positions, 2);
    State before = test.getState();
    JumpRandom random(6);
    double energy = test.begin();
    vector<Vec3> candidate = test.current;
    for (Vec3& position : candidate)
        position += Vec3(22.4, -11.2, 0);
    ASSERT_EQUAL_TOL(energy, test.getKernel().evaluateCandidate(test.getImpl(), candidate), tolerance.energy);
    ASSERT(!test.getKernel().hasOverlap(test.getImpl()));
    test.getKernel().accept(test.getImpl());
    candidate[2] = candidate[1];
    test.getKernel().evaluateCandidate(test.getImpl(), candidate);
    ASSERT(test.getKernel().hasOverlap(test.getImpl()));
    test.end(random);
    State after = test.getState();
    for (int i = 0; i < (int)positions.size(); i++) {
        bool isMoved = find(moved.begin(), moved.end(), i) != moved.end();
        Vec3 shift = isMoved ? Vec3(22.4, -11.2, 0) : Vec3();
        assertSame("positions after a leap by boxes", {before.getPositions()[i] + shift}, {after.getPositions()[i]},
                   isMoved ? 1e-5 : 0.0);
    }
}

static void testJumpKernel(const string& platformName, const string& precision) {
    Platform& platform = Platform::getPlatformByName(platformName);
    Tolerance tolerance = getTolerance(precision);
    testBox(platform, false, false, tolerance);
    testBox(platform, true, false, tolerance);
    testBox(platform, true, true, tolerance);
    if (platformName != "Reference") // it would take a minute
        testManyParticles(platform, tolerance);
}
