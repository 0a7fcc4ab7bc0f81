/* Schedules, lists, settings and copies of the System. */
#include "SwitchingSystem.h"
#include "Testing.h"
#include "genmd/AlchemicalSwitching.h"
#include "genmd/LocalRelaxation.h"
#include "genmd/SteeredSwitching.h"
#include "openmm/ATMForce.h"
#include "openmm/AndersenThermostat.h"
#include "openmm/CMMotionRemover.h"
#include "openmm/Context.h"
#include "openmm/CustomCVForce.h"
#include "openmm/CustomCentroidBondForce.h"
#include "openmm/CustomExternalForce.h"
#include "openmm/MonteCarloAnisotropicBarostat.h"
#include "openmm/MonteCarloBarostat.h"
#include "openmm/MonteCarloFlexibleBarostat.h"
#include "openmm/MonteCarloMembraneBarostat.h"
#include "openmm/VerletIntegrator.h"
#include <cmath>

using namespace OpenMM;
using namespace std;

static void testSchedule() {
    Schedule bent({0.0, 0.1, 0.9, 1.0});
    ASSERT_EQUAL_TOL(0.5, bent.getValue(0.5), 1e-14);
    ASSERT_EQUAL_TOL(0.05, bent.getValue(1.0 / 6), 1e-14);
    for (double u : {-1.0, 0.0, 1.0, 2.0})
        ASSERT_EQUAL(u > 0.5 ? 1.0 : 0.0, bent.getValue(u));
    bent.requireSymmetric();
    Schedule().requireSymmetric();
    assertThrows("needs at least two values, got 1", [] { Schedule({0.0}); });
    assertThrows("a value that is not finite", [] { Schedule({0.0, NAN, 1.0}); });
    assertThrows("must begin with 0 and end with 1, got 0.5 and 1", [] { Schedule({0.5, 1.0}); });
    assertThrows("must begin with 0 and end with 1, got 0 and 2", [] { Schedule({0.0, 2.0}); });
    assertThrows("f(1-u) = 1-f(u), but values 1 and 3 of the table are 0.0625 and 0.5625. Such a switch",
                 [] { Schedule({0.0, 0.0625, 0.25, 0.5625, 1.0}).requireSymmetric(); });
}

/** A list from letters: digits change the progress to tenths, m is MD, M is longer MD, l the leap, e the end. */
static SwitchingPlan makePlan(const string& letters) {
    SwitchingPlan plan;
    for (char letter : letters) {
        if (letter == 'm' || letter == 'M')
            plan.addPropagate(letter == 'm' ? 2 : 3);
        else if (letter == 'l')
            plan.addLeap();
        else
            plan.addChange(letter == 'e' ? 1.0 : (letter - '0') / 10.0);
    }
    return plan;
}

static void testPlans() {
    for (const char* good : {"2m8me", "5me", "e", "5mlm0", "5m8mlm5m0", "l", "2M5m8Me"})
        makePlan(good).requireReversible();
    ASSERT_EQUAL(7, makePlan("2m5M8me").getNumSteps());
    ASSERT_EQUAL(3, makePlan("2m5M8me").getNumBlocks());
    assertThrows("is empty", [] { SwitchingPlan().requireReversible(); });
    for (const char* open : {"m5me", "5mem", "m"})
        assertThrows("must start and end with an instantaneous change: MD outside",
                     [&] { makePlan(open).requireReversible(); });
    // The list [change, MD] x n of a u^2 schedule, MD of different length, and a leap that is not in the middle.
    for (const char* wrong : {"1m4me", "2m8Me", "5mlM0", "5m8mlm8m0", "5lmm0", "5mlmme"})
        assertThrows("must be the reverse move when read backwards, but entries",
                     [&] { makePlan(wrong).requireReversible(); });
}

/** Get settings of ten steps, after a change. */
static SwitchingSettings change(const function<void(SwitchingSettings&)>& how) {
    SwitchingSettings settings;
    settings.numSteps = 10;
    how(settings);
    return settings;
}

/** An energy that is never asked. */
class NoEnergy : public CandidateEnergy {
public:
    const vector<int>& getParticles() const {
        return particles;
    }
    void evaluate(const vector<Vec3>&, int, vector<double>&) {
    }

private:
    vector<int> particles = {0};
};

static void testSurrogateAndReach() {
    SoftCoordinates point;
    point.addPoint(0);
    SwitchingSettings settings;
    auto energy = make_shared<NoEnergy>();
    assertThrows("a surrogate is for the morph variant, whose way is known beforehand",
                 [&] { SteeredSwitching(settings, point, SteeredSwitching::Coupling, energy); });
    for (double margin : {-1.0, (double)NAN, (double)INFINITY})
        assertThrows("the margin of the surrogate must be zero or positive, got",
                     [&] { SteeredSwitching(settings, point, SteeredSwitching::Morph, energy, margin); });
    SteeredSwitching morph(settings, point, SteeredSwitching::Morph, energy, 0.5);
    for (double reach : {0.0, -1.0, (double)NAN})
        assertThrows("the reach must be positive, got", [&] { morph.setReach(reach); });
    SteeredSwitching coupling(settings, point, SteeredSwitching::Coupling);
    coupling.setReach(INFINITY);
    assertThrows("a reach is for the morph variant", [&] { coupling.setReach(0.1); });
    morph.setReach(0.25);
    shared_ptr<JumpProtocol> copy(morph.clone());
    const SteeredSwitching& same = dynamic_cast<const SteeredSwitching&>(*copy);
    ASSERT_EQUAL(0.25, same.getReach());
    ASSERT_EQUAL(0.5, same.getSurrogateMargin());
    ASSERT(same.getSurrogate() == energy);
}

static void testSettings() {
    typedef SwitchingSettings& Set;
    SoftCoordinates point;
    point.addPoint(0);
    auto steered = [&](const function<void(Set)>& how) {
        SteeredSwitching(change(how), point, SteeredSwitching::Morph);
    };
    steered([](Set) {});
    vector<pair<string, function<void(Set)>>> wrong = {
        {"the number of steps must be positive, got 0", [](Set s) { s.numSteps = 0; }},
        {"per change must be a positive divisor of the number of steps, got 3", [](Set s) { s.stepsPerChange = 3; }},
        {"per change must be a positive divisor of the number of steps, got 0", [](Set s) { s.stepsPerChange = 0; }},
        {"the step size must be positive, got 0", [](Set s) { s.stepSize = 0; }},
        {"the step size must be positive, got inf", [](Set s) { s.stepSize = INFINITY; }},
        {"the friction must be zero or positive, got -1", [](Set s) { s.friction = -1; }},
        {"the hydrogen mass must be zero or positive, got -2", [](Set s) { s.hydrogenMass = -2; }},
        {"the largest work must be positive, got nan", [](Set s) { s.maxWork = NAN; }},
        {"the largest work must be positive, got 0", [](Set s) { s.maxWork = 0; }},
        {"the check interval must be zero or positive, got -1", [](Set s) { s.checkInterval = -1; }},
        {"f(1-u) = 1-f(u), but values 1 and 1", [](Set s) { s.schedule = Schedule({0.0, 0.3, 1.0}); }},
    };
    for (auto& [message, how] : wrong)
        assertThrows(message, [&] { steered(how); });
    auto settings = change([](Set) {});
    assertThrows("there are no soft coordinates to drag",
                 [&] { SteeredSwitching(settings, SoftCoordinates(), SteeredSwitching::Morph); });
    point.setSuperposes(true);
    assertThrows("only torsions superpose", [&] { SteeredSwitching(settings, point, SteeredSwitching::Morph); });
    SoftCoordinates torsion;
    torsion.addTorsion(0, 1, 2, 3, {2, 3});
    torsion.setSuperposes(true);
    assertThrows("only the morph variant superposes",
                 [&] { SteeredSwitching(settings, torsion, SteeredSwitching::Coupling); });
    System system;
    assertThrows("changes (steps divided by steps per change) must be even, got 5", [&] {
        AlchemicalSwitching(change([](Set s) { s.stepsPerChange = 2; }), system, {{"lambda", {1, 0}}});
    });
    assertThrows("there are no Context parameters", [&] { AlchemicalSwitching(settings, system, {}); });
    for (vector<double> table : {vector<double>{1.0}, {1.0, INFINITY}, {}})
        assertThrows("parameter 'lambda' needs at least two finite values",
                     [&] { AlchemicalSwitching(settings, system, {{"lambda", table}}); });
    assertThrows("steps must be zero or positive, got -1", [] { LocalRelaxation(0, -1, 0.001, 1); });
    for (array<double, 2> pair : {array<double, 2>{0, 1}, {NAN, 1}, {0.001, -1}, {0.001, INFINITY}})
        assertThrows("step size must be positive and the friction zero or positive",
                     [&] { LocalRelaxation(0, 1, pair[0], pair[1]); });
}

/** The protocols' own lists are reversible, whatever the number of blocks. */
static void testPlansOfProtocols() {
    SoftCoordinates point;
    point.addPoint(0);
    for (int steps : {2, 4, 12, 60})
        for (int perChange : {1, 2}) {
            SwitchingSettings settings = change([&](SwitchingSettings& s) {
                s.numSteps = steps * perChange;
                s.stepsPerChange = perChange;
                s.schedule = Schedule({0.0, 0.1, 0.5, 0.9, 1.0});
            });
            SwitchingPlan steered = SteeredSwitching(settings, point, SteeredSwitching::Coupling).getPlan();
            SwitchingPlan alchemical = AlchemicalSwitching(settings, System(), {{"lambda", {1, 0}}}).getPlan();
            for (const SwitchingPlan& plan : {steered, alchemical}) {
                plan.requireReversible();
                ASSERT_EQUAL(steps * perChange, plan.getNumSteps());
                ASSERT_EQUAL(steps, plan.getNumBlocks());
            }
            ASSERT_EQUAL(1.0, steered.getEntries().back().progress);
            ASSERT_EQUAL(0.0, alchemical.getEntries().back().progress);
            ASSERT_EQUAL(SwitchingPlan::Entry::Leap, alchemical.getEntries()[steps].kind);
        }
}

/**
 * A rigid water; a carbon with two constrained hydrogens at a free angle, one of them deuterium, and one without a
 * constraint; a carbon with a single hydrogen; and a hydrogen that is heavy already.
 */
static void addMolecules(System& system) {
    for (double mass : {16.0, 1.0, 1.0, 12.0, 1.0, 1.0, 2.014, 13.0, 2.014, 14.0, 4.0})
        system.addParticle(mass);
    for (array<int, 2> pair : {array<int, 2>{1, 2}, {0, 1}, {2, 0}, {3, 4}, {6, 3}, {7, 8}, {9, 10}})
        system.addConstraint(pair[0], pair[1], 0.1);
}

static void assertMasses(const System& system, const vector<double>& expected) {
    for (int i = 0; i < (int)expected.size(); i++)
        ASSERT_EQUAL_TOL(expected[i], system.getParticleMass(i), 1e-12);
}

static void testMasses() {
    System system;
    addMolecules(system);
    vector<double> masses = {16, 1, 1, 12, 1, 1, 2.014, 13, 2.014, 14, 4};
    assertMasses(*makeSwitchingSystem(system, {}, 0), masses);
    // The distribution of a free angle between constraints depends on masses: these hydrogens keep theirs.
    assertMasses(*makeSwitchingSystem(system, {}, 3), {12, 3, 3, 12, 1, 1, 2.014, 12.014, 3, 14, 4});
    // Frozen particles neither give mass nor take it.
    assertMasses(*makeSwitchingSystem(system, {7, 8}, 3), {12, 3, 3, 12, 1, 1, 2.014, 0, 0, 14, 4});
    assertThrows("a hydrogen mass of 6.5 Da would leave particle 0 with 5 Da; choose a smaller one",
                 [&] { makeSwitchingSystem(system, {}, 6.5); });
    assertMasses(system, masses);
}

/** A force that OpenMM cannot write down. */
class UnknownForce : public Force {
public:
    bool usesPeriodicBoundaryConditions() const {
        return false;
    }

protected:
    ForceImpl* createImpl() const {
        return nullptr;
    }
};

static void testForces() {
    System system;
    addMolecules(system);
    system.addForce(new AndersenThermostat(300, 1));
    system.addForce(new CustomExternalForce("x"));
    system.addForce(new CMMotionRemover());
    system.addForce(new MonteCarloBarostat(1, 300));
    system.addForce(new MonteCarloAnisotropicBarostat(Vec3(1, 1, 1), 300));
    system.addForce(new MonteCarloFlexibleBarostat(1, 300));
    system.addForce(new MonteCarloMembraneBarostat(1, 0, 300, MonteCarloMembraneBarostat::XYIsotropic,
                                                   MonteCarloMembraneBarostat::ZFree));
    unique_ptr<System> copy = makeSwitchingSystem(system, {}, 0);
    ASSERT_EQUAL(1, copy->getNumForces());
    ASSERT(dynamic_cast<CustomExternalForce*>(&copy->getForce(0)) != nullptr);
    ASSERT_EQUAL(7, system.getNumForces());
    system.addForce(new UnknownForce());
    assertThrows("needs a copy of the System, which cannot be made (", [&] { makeSwitchingSystem(system, {}, 0); });
    assertThrows("). Leave out forces that cannot be serialized", [&] { makeSwitchingSystem(system, {}, 0); });
}

static CustomCentroidBondForce* makeCenterForce() {
    auto* force = new CustomCentroidBondForce(2, "100*distance(g1,g2)^2");
    force->addGroup({0, 1, 2});
    force->addGroup({9, 10});
    force->addBond({0, 1});
    return force;
}

static double computeEnergy(const System& system, const vector<Vec3>& positions) {
    VerletIntegrator integrator(0.001);
    Context context(system, integrator, Platform::getPlatform("Reference"));
    context.setPositions(positions);
    return context.getState(State::Energy).getPotentialEnergy();
}

/** Masses are what centers are weighted with, but for those of the switch. */
static void testCentersOfMass() {
    System system;
    addMolecules(system);
    auto* variables = new CustomCVForce("d");
    variables->addCollectiveVariable("d", makeCenterForce());
    auto* transfer = new ATMForce("u0");
    transfer->addForce(makeCenterForce());
    for (int i = 0; i < system.getNumParticles(); i++)
        transfer->addParticle(Vec3());
    system.addForce(makeCenterForce());
    system.addForce(variables);
    system.addForce(transfer);
    vector<Vec3> positions;
    for (int i = 0; i < system.getNumParticles(); i++)
        positions.push_back(Vec3(0.1 * i, 0.03 * i * i, 0));
    double expected = computeEnergy(system, positions);
    ASSERT(expected > 100);
    ASSERT_EQUAL_TOL(expected, computeEnergy(*makeSwitchingSystem(system, {}, 3), positions), 1e-6);
    ASSERT_EQUAL_TOL(expected, computeEnergy(*makeSwitchingSystem(system, {0, 1, 2}, 0), positions), 1e-6);
}

int main() {
    return runTests([] {
        testCentersOfMass();
        testSchedule();
        testPlans();
        testSettings();
        testSurrogateAndReach();
        testPlansOfProtocols();
        testMasses();
        testForces();
    });
}
