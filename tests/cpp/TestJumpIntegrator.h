/* The tests of GenerativeJumpIntegrator that every platform has to pass; one stub per platform calls them. */
#include "JumpFixtures.h"
#include "genmd/GenerativeJumpIntegrator.h"
#include "openmm/BrownianIntegrator.h"
#include "openmm/Context.h"
#include "openmm/CustomExternalForce.h"
#include "openmm/CustomNonbondedForce.h"
#include "openmm/LangevinMiddleIntegrator.h"
#include "openmm/Platform.h"
#include "openmm/QTBIntegrator.h"
#include "openmm/System.h"
#include "openmm/VerletIntegrator.h"
#include "openmm/VirtualSite.h"
#include "openmm/internal/CustomCPPForceImpl.h"
#include "openmm/serialization/SerializationNode.h"
#include "openmm/serialization/XmlSerializer.h"
#include <cmath>
#include <functional>
#include <memory>
#include <sstream>
#include <stdlib.h>

using namespace OpenMM;
using namespace std;

/** Mean of x and of x^2 under jumps from a displaced, too narrow normal distribution, with or without its ratio. */
static pair<double, double> sampleWell(Platform& platform, double ratioFactor, int samples) {
    System system;
    addWells(system, 1);
    const double shift = 0.05, width = 0.2;
    auto logDensity = [=](const Vec3& x) {
        Vec3 d = x - Vec3(shift, 0, 0);
        return -0.5 * d.dot(d) / (width * width);
    };
    auto proposer = make_shared<FunctionProposer>(vector<int>{0}, [=](const JumpInput& input, JumpProposal& output) {
        JumpRandom& random = input.random;
        output.positions = {
            Vec3(shift + width * random.nextGaussian(), width * random.nextGaussian(), width * random.nextGaussian())};
        output.logRatio = ratioFactor * (logDensity(input.positions[0]) - logDensity(output.positions[0]));
    });
    LangevinMiddleIntegrator* inner = new LangevinMiddleIntegrator(300.0, 2.0, 0.005);
    inner->setRandomNumberSeed(11);
    GenerativeJumpIntegrator integrator(inner, proposer, 5);
    integrator.setRandomNumberSeed(12);
    integrator.setTriesPerJump(4);
    Context context(system, integrator, platform);
    context.setPositions({Vec3(0.1, 0, 0)});
    double sum = 0, squares = 0;
    for (int i = 0; i < samples; i++) {
        integrator.step(5);
        Vec3 x = context.getState(State::Positions).getPositions()[0];
        sum += x[0];
        squares += x.dot(x) / 3;
    }
    return {sum / samples, squares / samples};
}

/** The exact answer is <x> = 0 and <x^2> = kT/k; a decorrelation time of 4 samples is a cautious guess. */
static void testStationarity(Platform& platform, int samples) {
    const double variance = GAS_CONSTANT * 300 / 100, effective = samples / 4;
    const double meanError = sqrt(variance / effective), squareError = variance * sqrt(2 / (3 * effective));
    auto deviates = [&](pair<double, double> moments) {
        return fabs(moments.first) > 4 * meanError || fabs(moments.second - variance) > 4 * squareError;
    };
    ASSERT(!deviates(sampleWell(platform, 1, samples)));
    ASSERT(deviates(sampleWell(platform, 0, samples)));  // no q ratio
    ASSERT(deviates(sampleWell(platform, -1, samples))); // wrong sign
}

static void testSchedule(Platform& platform) {
    System system;
    addWells(system, 2);
    vector<long long> steps;
    auto proposer = make_shared<FunctionProposer>(vector<int>{1}, stay);
    GenerativeJumpIntegrator integrator(new LangevinMiddleIntegrator(300.0, 1.0, 0.002), proposer, 5);
    integrator.setTriesPerJump(2);
    Context context(system, integrator, platform);
    context.setPositions({Vec3(), Vec3(1, 0, 0)});
    integrator.step(3);
    ASSERT_EQUAL(0, integrator.getStatistics().numAttempted);
    assertThrows("no jump has been attempted", [&] { integrator.getLastJump(); });
    integrator.step(2);
    ASSERT_EQUAL(2, integrator.getStatistics().numAttempted);
    integrator.step(40);
    ASSERT_EQUAL(18, integrator.getStatistics().numAttempted);
    ASSERT_EQUAL(18, integrator.getStatistics().numAccepted);
    ASSERT_EQUAL(45, integrator.getLastJump().step);
    ASSERT_EQUAL(17, integrator.getLastJump().index);
    ASSERT_EQUAL(4, integrator.getRecords(14).size());
    ASSERT_EQUAL(0, integrator.getRecords(18).size());
    integrator.resetStatistics();
    ASSERT_EQUAL(0, integrator.getStatistics().numAttempted);
}

/** A rejected jump leaves positions, velocities, time and the random numbers of the MD as they were. */
static void testRejectionLeavesNoTrace(Platform& platform) {
    vector<State> states;
    for (int interval : {3, 1000000}) {
        System system;
        addWells(system, 3);
        system.addConstraint(0, 1, 0.1);
        auto proposer = make_shared<FunctionProposer>(vector<int>{2}, leave);
        LangevinMiddleIntegrator* inner = new LangevinMiddleIntegrator(300.0, 1.0, 0.002);
        inner->setRandomNumberSeed(4);
        GenerativeJumpIntegrator integrator(inner, proposer, interval);
        Context context(system, integrator, platform);
        context.setPositions({Vec3(), Vec3(0.1, 0, 0), Vec3(0, 0.2, 0)});
        context.setVelocitiesToTemperature(300.0, 7);
        integrator.step(60);
        ASSERT_EQUAL(0, integrator.getStatistics().numAccepted);
        states.push_back(context.getState(State::Positions | State::Velocities));
    }
    ASSERT_EQUAL(states[0].getTime(), states[1].getTime());
    for (int i = 0; i < 3; i++) {
        ASSERT_EQUAL_VEC(states[1].getPositions()[i], states[0].getPositions()[i], 0.0);
        ASSERT_EQUAL_VEC(states[1].getVelocities()[i], states[0].getVelocities()[i], 0.0);
    }
}

/** A particle that did not move keeps its on-step velocity: the stored one changes by (dt/2m)(F(x)-F(y)). Particles
 * that moved, or are constrained to one that did, get fresh velocities, which obey the constraint. */
static void testVelocities(Platform& platform, double forceTolerance) {
    System system;
    addWells(system, 4);
    system.addConstraint(0, 1, 0.1);
    CustomNonbondedForce* spring = new CustomNonbondedForce("500*r^2"); // not a bond: 3 is another molecule than 2
    for (int i = 0; i < 4; i++)
        spring->addParticle();
    spring->addInteractionGroup({2}, {3});
    system.addForce(spring);
    auto proposer = make_shared<FunctionProposer>(vector<int>{1, 2}, [](const JumpInput& input, JumpProposal& output) {
        output.positions = {Vec3(0, 0.1, 0), input.positions[1] - Vec3(0.05, 0, 0)};
        output.logRatio = 100;
    });
    const double stepSize = 1e-6; // so that the MD step before the jump changes no position
    GenerativeJumpIntegrator integrator(new VerletIntegrator(stepSize), proposer, 1);
    integrator.setTemperature(300.0);
    Context context(system, integrator, platform);
    context.setPositions({Vec3(), Vec3(0.1, 0, 0), Vec3(0, 0.2, 0), Vec3(0, 0.2, 0.1)});
    vector<Vec3> before = {Vec3(0, 1, 0), Vec3(0, 2, 0), Vec3(3, 0, 1), Vec3(1, 1, 1)};
    context.setVelocities(before);
    integrator.step(1);
    State after = context.getState(State::Positions | State::Velocities);
    ASSERT_EQUAL(1, integrator.getStatistics().numAccepted);
    Vec3 forceAtX = Vec3(0, 0.2, 0.1) * -100 + Vec3(0, 0, 0.1) * -1000;
    Vec3 forceAtY = forceAtX + Vec3(-0.05, 0, 0) * 1000;
    Vec3 change = (after.getVelocities()[3] - before[3]) * (12.0 / stepSize);
    ASSERT_EQUAL_VEC(forceAtX + (forceAtX - forceAtY) * 0.5, change, forceTolerance);
    for (int i = 0; i < 3; i++) {
        Vec3 drawn = after.getVelocities()[i] - before[i];
        ASSERT(drawn.dot(drawn) > 1e-4);
    }
    Vec3 relative = after.getVelocities()[1] - after.getVelocities()[0];
    ASSERT(fabs(relative[1]) < 1e-4 && fabs(relative[0]) > 1e-4);
}

/** Counts how often it is evaluated. As a CustomNonbondedForce it is known to be soft, as a bare Force it is not. */
template <class Base> class CountingForce : public Base {
public:
    template <class... Arguments>
    explicit CountingForce(int& count, Arguments... arguments) : Base(arguments...), count(count) {
    }
    bool usesPeriodicBoundaryConditions() const {
        return false;
    }

protected:
    class Impl : public CustomCPPForceImpl {
    public:
        explicit Impl(CountingForce& owner) : CustomCPPForceImpl(owner), owner(owner) {
        }
        double computeForce(ContextImpl& context, const vector<Vec3>& positions, vector<Vec3>& forces) {
            owner.count++;
            forces.assign(positions.size(), Vec3());
            return 0;
        }
        const CountingForce& getOwner() const {
            return owner;
        }

    private:
        CountingForce& owner;
    };
    ForceImpl* createImpl() const {
        return new Impl(const_cast<CountingForce&>(*this));
    }

private:
    int& count;
};

/** k tries cost k + 1 evaluations of the whole System; an accepted jump costs no more, unless a force is unknown. */
static void testCountOfEvaluations(Platform& platform) {
    for (bool known : {true, false})
        for (bool accepts : {true, false})
            for (int tries : {1, 4}) {
                System system;
                addWells(system, 3);
                int count = 0;
                if (known)
                    system.addForce(new CountingForce<CustomNonbondedForce>(count, "0"));
                else
                    system.addForce(new CountingForce<Force>(count));
                auto proposer = make_shared<FunctionProposer>(vector<int>{0, 1}, accepts ? stay : leave);
                auto shake = [&](const JumpInput& input, JumpProposal& output) {
                    proposer->answer(input, output);
                    output.positions[1][0] += 1e-6;
                };
                auto shaker = make_shared<FunctionProposer>(vector<int>{0, 1}, shake);
                GenerativeJumpIntegrator integrator(new LangevinMiddleIntegrator(300.0, 1.0, 0.002), shaker, 10);
                integrator.setTriesPerJump(tries);
                Context context(system, integrator, platform);
                context.setPositions({Vec3(), Vec3(0.1, 0, 0), Vec3(0, 0.1, 0)});
                integrator.step(9);
                count = 0;
                integrator.step(1);
                const int md = 1, expected = tries + 1 + (accepts && !known ? 1 : 0);
                ASSERT_EQUAL(md + expected, count);
                bool anyAccepted = integrator.getStatistics().numAccepted > 0;
                ASSERT_EQUAL(accepts, anyAccepted);
            }
}

/** A tensor holds the positions that are shown; without the wish for one there is none. */
static void testTensor(Platform& platform) {
    System system;
    addWells(system, 3);
    int seen = 0;
    auto proposer = make_shared<FunctionProposer>(vector<int>{2, 0}, stay);
    proposer->answer = [&](const JumpInput& input, JumpProposal& output) {
        stay(input, output);
        output.positions[0][0] = 0.01 * seen++;
        ASSERT(proposer->tensor == (input.tensor.device != JumpTensor::None));
        if (input.tensor.device != JumpTensor::Cpu)
            return;
        ASSERT_EQUAL(2, input.tensor.numParticles);
        const double* values = static_cast<const double*>(input.tensor.data);
        for (int i = 0; i < 6; i++)
            ASSERT_EQUAL(input.positions[i / 3][i % 3], values[i]);
    };
    GenerativeJumpIntegrator integrator(new LangevinMiddleIntegrator(300.0, 1.0, 0.002), proposer, 1);
    Context context(system, integrator, platform);
    context.setPositions({Vec3(), Vec3(0.1, 0, 0), Vec3(0, 0.1, 0)});
    for (bool wanted : {true, false}) {
        proposer->tensor = wanted;
        integrator.step(5);
    }
    ASSERT_EQUAL(10, seen);
}

static void testVirtualSite(Platform& platform) {
    System system;
    addWells(system, 2);
    system.addParticle(0.0);
    system.setVirtualSite(2, new TwoParticleAverageSite(0, 1, 0.25, 0.75));
    auto proposer =
        make_shared<FunctionProposer>(vector<int>{0, 1, 2}, [](const JumpInput& input, JumpProposal& output) {
            output.positions = {Vec3(1, 0, 0), Vec3(0, 1, 0), Vec3(NAN, 0, 0)};
            output.logRatio = 1000;
        });
    GenerativeJumpIntegrator integrator(new BrownianIntegrator(300.0, 1.0, 1e-7), proposer, 1);
    Context context(system, integrator, platform);
    context.setPositions({Vec3(), Vec3(0.1, 0, 0), Vec3()});
    context.computeVirtualSites();
    integrator.step(1);
    ASSERT_EQUAL_VEC(Vec3(0.25, 0.75, 0), context.getState(State::Positions).getPositions()[2], 1e-6);
}

static void testRejectionReasons(Platform& platform) {
    System system;
    addWells(system, 3);
    system.addConstraint(0, 1, 0.1);
    JumpProposal answer;
    auto proposer = make_shared<FunctionProposer>(
        vector<int>{1, 2}, [&](const JumpInput& input, JumpProposal& output) { output = answer; });
    GenerativeJumpIntegrator integrator(new LangevinMiddleIntegrator(300.0, 1.0, 1e-6), proposer, 1);
    Context context(system, integrator, platform);
    vector<Vec3> start = {Vec3(), Vec3(0.1, 0, 0), Vec3(0, 0.1, 0)};
    auto reasonOf = [&](Vec3 second, Vec3 third, double logRatio) {
        context.setPositions(start);
        answer.positions = {second, third};
        answer.logRatio = logRatio;
        integrator.step(1);
        ASSERT(!integrator.getLastJump().accepted);
        return integrator.getLastJump().reason;
    };
    ASSERT(reasonOf(start[1], Vec3(NAN, 0, 0), 0) == RejectionReason::NotFinite);
    ASSERT(reasonOf(start[1], Vec3(0, 1e9, 0), 0) == RejectionReason::NotFinite);
    ASSERT(reasonOf(start[1], start[2], NAN) == RejectionReason::NotFinite);
    ASSERT(reasonOf(Vec3(0.2, 0, 0), start[2], 0) == RejectionReason::Constraint);
    ASSERT(reasonOf(start[1], Vec3(0, 9, 0), 0) == RejectionReason::Strain);
    ASSERT(reasonOf(start[1], start[2], -1000) == RejectionReason::Ratio);
    ASSERT_EQUAL(3, integrator.getStatistics().reasonCounts[(int)RejectionReason::NotFinite]);
}

/** The same run in one piece, and from a checkpoint in the middle. */
static void testCheckpoint(Platform& platform) {
    System system;
    addWells(system, 1);
    auto proposer = make_shared<FunctionProposer>(vector<int>{0}, [](const JumpInput& input, JumpProposal& output) {
        output.positions = {input.positions[0] + Vec3(0.1 * input.random.nextGaussian(), 0, 0)};
        output.logRatio = 0;
    });
    GenerativeJumpIntegrator integrator(new VerletIntegrator(0.001), proposer, 2);
    integrator.setTemperature(300.0);
    Context context(system, integrator, platform);
    context.setPositions({Vec3(0.1, 0, 0)});
    integrator.step(20);
    stringstream checkpoint;
    context.createCheckpoint(checkpoint);
    integrator.step(20);
    Vec3 first = context.getState(State::Positions).getPositions()[0];
    long long accepted = integrator.getStatistics().numAccepted;
    stringstream copy(checkpoint.str());
    context.loadCheckpoint(copy);
    ASSERT_EQUAL(10, integrator.getStatistics().numAttempted);
    ASSERT_EQUAL(10, proposer->calls);
    integrator.step(20);
    ASSERT_EQUAL_VEC(first, context.getState(State::Positions).getPositions()[0], 0.0);
    ASSERT_EQUAL(accepted, integrator.getStatistics().numAccepted);
    string damaged = checkpoint.str();
    stringstream truncated(damaged.substr(0, damaged.size() - 5));
    assertThrows("truncated or damaged", [&] { context.loadCheckpoint(truncated); });
    // Checksum (FNV-1a) and version follow the magic number and the size, eight bytes each.
    string older = damaged;
    size_t place = older.find("GMDJUMP1") + 16;
    older[place + 8]++;
    uint64_t hash = 0xcbf29ce484222325ULL;
    for (size_t i = place + 8; i < older.size(); i++)
        hash = (hash ^ (unsigned char)older[i]) * 0x100000001b3ULL;
    older.replace(place, 8, reinterpret_cast<const char*>(&hash), 8);
    stringstream other(older);
    assertThrows("written by another version", [&] { context.loadCheckpoint(other); });
    stringstream headless(damaged.substr(0, damaged.find("GMDJUMP1")));
    assertThrows("holds no state of jumps", [&] { context.loadCheckpoint(headless); });
    damaged[damaged.size() - 3] ^= 1;
    stringstream changed(damaged);
    assertThrows("truncated or damaged", [&] { context.loadCheckpoint(changed); });
}

/** A State restores the jumps of a new integrator, and leaves those of a live one alone. */
static void testStateParameters(Platform& platform) {
    System system;
    addWells(system, 1);
    auto run = [&](const State* start, State* end) {
        auto proposer = make_shared<FunctionProposer>(vector<int>{0}, [](const JumpInput& input, JumpProposal& output) {
            output.positions = {Vec3(0.1 * input.random.nextGaussian(), 0, 0)};
            output.logRatio = 1e6;
        });
        GenerativeJumpIntegrator integrator(new VerletIntegrator(0.001), proposer, 1);
        integrator.setTemperature(300.0);
        Context context(system, integrator, platform);
        context.setPositions({Vec3(0.1, 0, 0)});
        if (start != nullptr)
            context.setState(*start);
        integrator.step(3);
        *end = context.getState(State::Positions | State::Velocities | State::IntegratorParameters);
        long long attempted = integrator.getStatistics().numAttempted;
        integrator.step(1);
        Vec3 next = context.getState(State::Positions).getPositions()[0];
        context.setState(*end);
        ASSERT_EQUAL(attempted + 1, integrator.getStatistics().numAttempted);
        integrator.step(1);
        Vec3 other = context.getState(State::Positions).getPositions()[0];
        ASSERT((other - next).dot(other - next) > 0);
        return next;
    };
    State first, second, third;
    run(nullptr, &first);
    Vec3 one = run(&first, &second), two = run(&first, &third);
    ASSERT_EQUAL_VEC(one, two, 0.0);
}

static void testSerialization() {
    auto proposer = make_shared<FunctionProposer>(vector<int>{0}, stay);
    GenerativeJumpIntegrator integrator(new VerletIntegrator(0.001), proposer, 7);
    integrator.setTemperature(310.0);
    integrator.setTriesPerJump(3);
    integrator.setRandomNumberSeed(99);
    integrator.setAllowExploratory(true);
    stringstream stream;
    XmlSerializer::serialize<Integrator>(&integrator, "Integrator", stream);
    string xml = stream.str();
    unique_ptr<Integrator> plain(XmlSerializer::deserialize<Integrator>(stream));
    GenerativeJumpIntegrator& copy = dynamic_cast<GenerativeJumpIntegrator&>(*plain);
    ASSERT_EQUAL(7, copy.getJumpInterval());
    ASSERT_EQUAL(3, copy.getTriesPerJump());
    ASSERT_EQUAL(99, copy.getRandomNumberSeed());
    ASSERT_EQUAL(310.0, copy.getTemperature());
    ASSERT(copy.getAllowExploratory());
    ASSERT(copy.getProtocol().getName() == "Instantaneous");
    ASSERT(copy.getProposerTypeName() == "FunctionProposer");
    ASSERT(dynamic_cast<VerletIntegrator*>(&copy.getIntegrator(0)) != nullptr);
    System system;
    addWells(system, 1);
    Context context(system, copy, Platform::getPlatformByName("Reference"));
    context.setPositions({Vec3()});
    copy.step(6);
    assertThrows("it was of type 'FunctionProposer'", [&] { copy.step(1); });
    copy.setProposer(proposer);
    copy.step(7);
    ASSERT_EQUAL(3, copy.getStatistics().numAttempted);
    stringstream newer(xml.replace(xml.find("version=\"1\""), 11, "version=\"9\""));
    assertThrows("unsupported version", [&] { XmlSerializer::deserialize<Integrator>(newer); });
    assertThrows("no jump protocol called 'Leapfrog'", [] { JumpProtocol::create("Leapfrog", SerializationNode()); });
}

static void testErrors(Platform& platform) {
    System system;
    addWells(system, 2);
    system.addParticle(0.0);
    auto integratorWith = [&](vector<int> particles, Integrator* inner) {
        auto integrator =
            make_unique<GenerativeJumpIntegrator>(inner, make_shared<FunctionProposer>(particles, stay), 1);
        integrator->setTemperature(300.0);
        return integrator;
    };
    auto stepWith = [&](vector<int> particles) {
        auto integrator = integratorWith(particles, new VerletIntegrator(0.001));
        Context context(system, *integrator, platform);
        context.setPositions(vector<Vec3>(3));
        integrator->step(1);
    };
    assertThrows("the System has 3 particles", [&] { stepWith({3}); });
    assertThrows("the System has 3 particles", [&] { stepWith({-1}); });
    assertThrows("an index twice", [&] { stepWith({1, 1}); });
    assertThrows("moves no particles", [&] { stepWith({}); });
    assertThrows("zero mass", [&] { stepWith({2}); });
    assertThrows("must be a positive number",
                 [&] { integratorWith({0}, new VerletIntegrator(1))->setJumpInterval(0); });
    assertThrows("must be a positive number",
                 [&] { integratorWith({0}, new VerletIntegrator(1))->setTriesPerJump(-1); });
    assertThrows("temperature must be positive",
                 [&] { integratorWith({0}, new VerletIntegrator(1))->setTemperature(-5); });
    assertThrows("not bound to a context", [&] { integratorWith({0}, new VerletIntegrator(1))->step(1); });
    assertThrows("has no temperature",
                 [&] { GenerativeJumpIntegrator(new VerletIntegrator(1), nullptr, 1).getTemperature(); });
    auto small = make_shared<FunctionProposer>(
        vector<int>{0}, [](const JumpInput& input, JumpProposal& output) { output.positions.clear(); });
    GenerativeJumpIntegrator integrator(new LangevinMiddleIntegrator(300.0, 1.0, 0.001), small, 1);
    Context context(system, integrator, platform);
    context.setPositions(vector<Vec3>(3));
    assertThrows("returned 0 positions", [&] { integrator.step(1); });
    small->answer = [&](const JumpInput& input, JumpProposal& output) {
        integrator.step(1);
    };
    assertThrows("called from inside a jump", [&] { integrator.step(1); });
    small->answer = [&](const JumpInput& input, JumpProposal& output) {
        integrator.setProposer(nullptr);
    };
    assertThrows("called from inside step()", [&] { integrator.step(1); });
    small->answer = [&](const JumpInput& input, JumpProposal& output) {
        context.reinitialize();
    };
    assertThrows("reinitialized from inside step()", [&] { integrator.step(1); });
    small->answer = stay;
    small->grade = JumpProposer::Exploratory;
    integrator.setProposer(small);
    assertThrows("grade is exploratory", [&] { integrator.step(1); });
    integrator.setAllowExploratory(true);
    integrator.step(1);
}

static void testKeptRecords(Platform& platform) {
    System system;
    addWells(system, 1);
    auto proposer = make_shared<FunctionProposer>(vector<int>{0}, stay);
    GenerativeJumpIntegrator integrator(new LangevinMiddleIntegrator(300.0, 1.0, 0.001), proposer, 1);
    Context context(system, integrator, platform);
    context.setPositions(vector<Vec3>(1));
    integrator.setTriesPerJump(1000);
    integrator.step(70);
    assertThrows("is no longer kept", [&] { integrator.getRecords(0); });
    integrator.reserveRecords(80000);
    integrator.step(70);
    ASSERT_EQUAL(80000, integrator.getRecords(integrator.getStatistics().numAttempted - 80000).size());
}

static void testRefusedIntegrators(Platform& platform) {
    System system;
    addWells(system, 1);
    assertThrows("QTBIntegrator is not supported", [] {
        QTBIntegrator inner(300.0, 1.0, 0.001);
        GenerativeJumpIntegrator integrator(&inner, nullptr, 1);
    });
    assertThrows("QTBIntegrator is not supported", [] {
        CompoundIntegrator inner;
        inner.addIntegrator(new QTBIntegrator(300.0, 1.0, 0.001));
        GenerativeJumpIntegrator integrator(&inner, nullptr, 1);
    });
    assertThrows("no inner integrator", [] { GenerativeJumpIntegrator integrator(nullptr, nullptr, 1); });
    GenerativeJumpIntegrator integrator(new VerletIntegrator(0.001), nullptr, 1);
    integrator.addIntegrator(new VerletIntegrator(0.001));
    // OpenMM does not free a Context whose initialization fails.
    LeakDetectionOff leakDetectionOff;
    assertThrows("exactly one inner integrator", [&] { Context context(system, integrator, platform); });
}

/** What differs between platforms. */
struct Thoroughness {
    /** How many samples are affordable. */
    int samples = 12000;
    /** How well a change of velocities shows a force, in kJ/mol/nm. */
    double forceTolerance = 1e-3;
    /** Whether to do what depends on no kernel and takes a hundred thousand attempts. */
    bool testsRecords = true;
};

static void testJumpIntegrator(const string& platformName, const Thoroughness& thoroughness = Thoroughness()) {
    Platform& platform = Platform::getPlatformByName(platformName);
    testStationarity(platform, thoroughness.samples);
    testSchedule(platform);
    testRejectionLeavesNoTrace(platform);
    testVelocities(platform, thoroughness.forceTolerance);
    testCountOfEvaluations(platform);
    testTensor(platform);
    testVirtualSite(platform);
    testRejectionReasons(platform);
    testCheckpoint(platform);
    testStateParameters(platform);
    testSerialization();
    testErrors(platform);
    testRefusedIntegrators(platform);
    if (thoroughness.testsRecords)
        testKeptRecords(platform);
}
