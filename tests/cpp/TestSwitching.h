/* The tests of switching protocols that every platform has to pass; one stub per platform calls them. */
#include "JumpFixtures.h"
#include "JumpKernelSystem.h"
#include "genmd/AlchemicalSwitching.h"
#include "genmd/LocalRelaxation.h"
#include "genmd/SteeredSwitching.h"
#include "openmm/Context.h"
#include "openmm/NonbondedForce.h"
#include "openmm/Platform.h"
#include "openmm/VerletIntegrator.h"
#include <cmath>
#include <memory>

/** What a precision of the platform allows. */
struct SwitchingTolerance {
    /** Of the work of a switch, in kJ/mol. */
    double work = 1e-6;
    /** Of positions and of constrained distances, in nm. */
    double position = 1e-8;
    /** Of velocities along constraints, in nm/ps. */
    double velocity = 1e-5;
};

/** In single precision energies of some hundred kJ/mol differ by a thousandth. */
static SwitchingTolerance getSwitchingTolerance(const string& precision) {
    SwitchingTolerance tolerance;
    if (precision != "double") {
        tolerance.work = 0.01;
        tolerance.position = 5e-6;
        tolerance.velocity = 1e-3;
    }
    return tolerance;
}

/** The system with every molecule off its grid point: there, pairs are at the cutoff but for rounding. */
struct SwitchingSetup : JumpKernelSystem {
    explicit SwitchingSetup(bool triclinic) : JumpKernelSystem(triclinic, true) {
        JumpRandom random(23);
        Vec3 shift;
        for (int i = 0; i < (int)positions.size(); i++) {
            if (i % 4 == 0 || i > 4 * NUM_MOLECULES)
                shift = Vec3(random.nextUniform(), random.nextUniform(), random.nextUniform()) * 0.05;
            positions[i] += shift;
        }
    }
};

/** Shifts of two molecules and an atom: the first one is rejected, all others are accepted. */
static shared_ptr<FunctionProposer> makeShift(const JumpKernelSystem& setup) {
    auto proposer = make_shared<FunctionProposer>(setup.moved, stay);
    FunctionProposer& self = *proposer;
    self.answer = [&setup, &self](const JumpInput& input, JumpProposal& output) {
        output.positions = setup.displace(input.positions, 0.1, input.random);
        output.logRatio = self.calls == 1 ? -1e9 : 1e9;
    };
    return proposer;
}

static SwitchingSettings getSwitchingSettings(WorkRule rule) {
    SwitchingSettings settings;
    settings.numSteps = 12;
    settings.stepSize = 0.001;
    settings.friction = 2;
    settings.rule = rule;
    return settings;
}

/** Scale the charges of the moved particles by a Context parameter. */
static void scaleCharges(JumpKernelSystem& setup) {
    setup.nonbonded->addGlobalParameter("lambda", 1.0);
    for (int particle : setup.moved) {
        double charge, sigma, epsilon;
        setup.nonbonded->getParticleParameters(particle, charge, sigma, epsilon);
        setup.nonbonded->setParticleParameters(particle, 0.0, sigma, epsilon);
        setup.nonbonded->addParticleParameterOffset("lambda", particle, charge, 0.0, 0.0);
    }
}

static shared_ptr<JumpProtocol> makeProtocol(const string& name, const JumpKernelSystem& setup, const System& scaled,
                                             WorkRule rule) {
    SoftCoordinates points;
    for (int particle : setup.moved)
        if (name != "Coupling" || !setup.system.isVirtualSite(particle))
            points.addPoint(particle);
    points.setWidths(0.1, 0.05, 0.1);
    SwitchingSettings settings = getSwitchingSettings(rule);
    if (name == "Alchemical")
        return make_shared<AlchemicalSwitching>(settings, scaled, map<string, vector<double>>{{"lambda", {1, 0.3}}});
    return make_shared<SteeredSwitching>(settings, points,
                                         name == "Morph" ? SteeredSwitching::Morph : SteeredSwitching::Coupling);
}

/** What an accepted switch, after a rejected one, left behind. */
struct SwitchingOutcome {
    JumpRecord record;
    State state;
    long long steps;
};

static void assertUnchanged(const State& before, const State& after) {
    for (int i = 0; i < (int)before.getPositions().size(); i++)
        for (int axis = 0; axis < 3; axis++) {
            ASSERT_EQUAL(before.getPositions()[i][axis], after.getPositions()[i][axis]);
            ASSERT_EQUAL(before.getVelocities()[i][axis], after.getVelocities()[i][axis]);
        }
}

static SwitchingOutcome performSwitches(Platform& platform, const JumpKernelSystem& setup,
                                        const JumpProtocol& protocol) {
    VerletIntegrator* inner = new VerletIntegrator(1e-6);
    inner->setConstraintTolerance(1e-7);
    shared_ptr<FunctionProposer> proposer = makeShift(setup);
    GenerativeJumpIntegrator integrator(inner, proposer, 1);
    integrator.setRandomNumberSeed(17);
    integrator.setTemperature(300.0);
    integrator.setAllowExploratory(protocol.isExploratory());
    integrator.setProtocol(protocol);
    Context context(setup.system, integrator, platform);
    context.setPositions(setup.positions);
    context.setVelocities(vector<Vec3>(setup.positions.size()));
    context.applyConstraints(1e-7);
    context.computeVirtualSites();
    State before;
    FunctionProposer::Function shift = proposer->answer;
    proposer->answer = [&](const JumpInput& input, JumpProposal& output) {
        before = context.getState(State::Positions | State::Velocities);
        shift(input, output);
    };
    integrator.step(1);
    ASSERT_EQUAL((int)RejectionReason::Ratio, (int)integrator.getLastJump().reason);
    assertUnchanged(before, context.getState(State::Positions | State::Velocities));
    integrator.step(1);
    int types = State::Positions | State::Velocities | State::Energy;
    return {integrator.getLastJump(), context.getState(types), context.getStepCount()};
}

/** Constraints and virtual sites after an accepted switch; fresh velocities everywhere. */
static void assertSound(const JumpKernelSystem& setup, const State& state, const SwitchingTolerance& tolerance) {
    const vector<Vec3>&x = state.getPositions(), &v = state.getVelocities();
    double kinetic = 0;
    for (int i = 0; i < setup.system.getNumConstraints(); i++) {
        int first, second;
        double distance;
        setup.system.getConstraintParameters(i, first, second, distance);
        Vec3 d = x[first] - x[second];
        double length = sqrt(d.dot(d));
        ASSERT(fabs(length - distance) < tolerance.position);
        ASSERT(fabs(d.dot(v[first] - v[second])) / length < tolerance.velocity);
    }
    for (int i = 0; i < setup.system.getNumParticles(); i++) {
        kinetic += 0.5 * setup.system.getParticleMass(i) * v[i].dot(v[i]);
        if (setup.system.isVirtualSite(i)) {
            Vec3 d = x[i] - (x[i - 3] + x[i - 2]) * 0.5;
            ASSERT(sqrt(d.dot(d)) < 10 * tolerance.position);
        } else
            ASSERT(v[i].dot(v[i]) > 0);
    }
    double freedoms =
        3 * (3 * JumpKernelSystem::NUM_MOLECULES + JumpKernelSystem::NUM_SINGLES) - JumpKernelSystem::NUM_MOLECULES;
    double expected = 0.5 * freedoms * GAS_CONSTANT * 300;
    ASSERT(fabs(kinetic / expected - 1) < 4 * sqrt(2 / freedoms));
}

/** Switches from the same seed on this platform and on the Reference platform. */
static void testAgreement(Platform& platform, const string& name, WorkRule rule, bool triclinic,
                          const SwitchingTolerance& tolerance) {
    SwitchingSetup setup(triclinic), scaled(triclinic);
    scaleCharges(scaled);
    shared_ptr<JumpProtocol> protocol = makeProtocol(name, setup, scaled.system, rule);
    SwitchingOutcome found = performSwitches(platform, setup, *protocol);
    Platform& reference = Platform::getPlatformByName("Reference");
    SwitchingOutcome expected = performSwitches(reference, setup, *protocol);
    ASSERT(found.record.accepted && expected.record.accepted);
    ASSERT(fabs(expected.record.work) > tolerance.work);
    ASSERT(fabs(found.record.work - expected.record.work) < tolerance.work);
    ASSERT_EQUAL(expected.record.numSwitchingSteps, found.record.numSwitchingSteps);
    if (rule == WorkRule::ProtocolWork)
        ASSERT(fabs(found.record.shadowWork - expected.record.shadowWork) < tolerance.work);
    for (int i = 0; i < (int)setup.positions.size(); i++) {
        Vec3 d = found.state.getPositions()[i] - expected.state.getPositions()[i];
        ASSERT(sqrt(d.dot(d)) < 10 * tolerance.position);
    }
    assertSound(setup, found.state, tolerance);
    ASSERT_EQUAL(2, found.steps);
    ASSERT_EQUAL_TOL(2e-6, found.state.getTime(), 1e-9);
}

/** A relaxed leap ends lower than where it began, and has no shadow work. */
static void testRelaxation(Platform& platform, const SwitchingTolerance& tolerance) {
    SwitchingSetup setup(false);
    for (bool minimizes : {false, true}) {
        LocalRelaxation protocol(minimizes ? 100 : -1, minimizes ? 0 : 3, 0.001, 1.0);
        SwitchingOutcome outcome = performSwitches(platform, setup, protocol);
        ASSERT(outcome.record.accepted);
        ASSERT(!minimizes || outcome.record.work < -1);
        ASSERT(std::isnan(outcome.record.shadowWork));
        assertSound(setup, outcome.state, tolerance);
    }
    GenerativeJumpIntegrator integrator(new VerletIntegrator(0.001), makeShift(setup), 1);
    integrator.setTemperature(300);
    integrator.setProtocol(LocalRelaxation(0, 0, 0.001, 1));
    Context context(setup.system, integrator, platform);
    context.setPositions(setup.positions);
    assertThrows("the protocol LocalRelaxation does not sample the Boltzmann distribution, whatever the proposer",
                 [&] { integrator.step(1); });
}

/** Shadow work is measured on this platform as on the Reference platform, and needs a switching protocol. */
static void testShadowWork(Platform& platform, const SwitchingTolerance& tolerance) {
    SwitchingSetup setup(true);
    vector<double> works[2];
    for (int i : {0, 1}) {
        GenerativeJumpIntegrator integrator(new VerletIntegrator(0.001), makeShift(setup), 1);
        integrator.setTemperature(300);
        shared_ptr<JumpProtocol> protocol = makeProtocol("Morph", setup, setup.system, WorkRule::TotalWork);
        assertThrows("only switching protocols have shadow work, this one is Instantaneous",
                     [&] { integrator.measureShadowWork(1, 1); });
        integrator.setProtocol(*protocol);
        assertThrows("not bound to a context", [&] { integrator.measureShadowWork(1, 1); });
        Context context(setup.system, integrator, i == 0 ? platform : Platform::getPlatformByName("Reference"));
        context.setPositions(setup.positions);
        context.applyConstraints(1e-7);
        works[i] = integrator.measureShadowWork(2, 20);
        ASSERT_EQUAL(0, integrator.getStatistics().numAttempted);
    }
    for (int i : {0, 1})
        ASSERT(fabs(works[0][i] - works[1][i]) < tolerance.work);
    ASSERT(works[1][0] != works[1][1]);
}

static void testSwitching(const string& platformName, const string& precision) {
    Platform& platform = Platform::getPlatformByName(platformName);
    SwitchingTolerance tolerance = getSwitchingTolerance(precision);
    testAgreement(platform, "Morph", WorkRule::TotalWork, true, tolerance);
    testAgreement(platform, "Coupling", WorkRule::ProtocolWork, false, tolerance);
    testAgreement(platform, "Alchemical", WorkRule::MetropolizedSteps, true, tolerance);
    if (platformName == "Reference" || platformName == "CPU") {
        // The other rules are the same code on a device.
        testAgreement(platform, "Morph", WorkRule::ProtocolWork, false, tolerance);
        testAgreement(platform, "Coupling", WorkRule::TotalWork, true, tolerance);
        testAgreement(platform, "Alchemical", WorkRule::TotalWork, false, tolerance);
        testShadowWork(platform, tolerance);
    }
    testRelaxation(platform, tolerance);
}
