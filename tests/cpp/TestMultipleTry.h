/* The tests of MultipleTry that every platform has to pass. */
#include "JumpFixtures.h"
#include "genmd/MultipleTry.h"
#include "openmm/Context.h"
#include "openmm/LangevinMiddleIntegrator.h"
#include "openmm/Platform.h"
#include "openmm/serialization/XmlSerializer.h"
#include <cmath>
#include <memory>
#include <sstream>

/** Draws from a displaced, too narrow normal distribution around the origin, or around -x/2. */
class BatchProposer : public FunctionProposer {
public:
    explicit BatchProposer(bool conditional) : FunctionProposer({0}, stay), conditional(conditional) {
    }
    void proposeCandidates(const JumpInput& input, int count, JumpCandidates& output) {
        draw(input, input.positions[0], count, output);
        output.logDensityOfCurrent = logDensity(input.positions[0], input.positions[0]);
    }
    void proposeReferences(const JumpInput& input, const vector<Vec3>& current, int count, JumpCandidates& output) {
        draw(input, input.positions[0], count, output);
        output.logDensityOfCurrent = logDensity(current[0], input.positions[0]);
    }
    bool conditional;
    int missing = 0;

private:
    Vec3 center(const Vec3& given) const {
        return Vec3(0.05, 0, 0) - given * (conditional ? 0.5 : 0.0);
    }
    double logDensity(const Vec3& x, const Vec3& given) const {
        Vec3 d = x - center(given);
        return -0.5 * d.dot(d) / (0.15 * 0.15);
    }
    void draw(const JumpInput& input, const Vec3& given, int count, JumpCandidates& output) {
        output = JumpCandidates();
        output.conditional = conditional;
        for (int i = 0; i < count - missing; i++) {
            JumpRandom& random = input.random;
            Vec3 step(random.nextGaussian(), random.nextGaussian(), random.nextGaussian());
            output.positions.push_back(center(given) + step * 0.15);
            output.logDensities.push_back(logDensity(output.positions.back(), given));
        }
    }
};

/** A well at another place and of another width than the real one. */
class WrongWell : public CandidateEnergy {
public:
    explicit WrongWell(vector<int> particles = {0}) : particles(particles) {
    }
    const vector<int>& getParticles() const {
        return particles;
    }
    void evaluate(const vector<Vec3>& positions, int count, vector<double>& energies) {
        energies.clear();
        for (int i = 0; i < count - missing; i++) {
            Vec3 d = positions[i * particles.size()] - Vec3(0, 0.1, 0);
            energies.push_back(80 * d.dot(d));
        }
    }
    vector<int> particles;
    int missing = 0;
};

/** Sums f over the conformations with their weights. */
class MomentObserver : public JumpObserver {
public:
    void observe(const JumpRecord& record, const vector<Vec3>& positions, const vector<double>& weights) {
        double sum = 0;
        for (int i = 0; i < (int)weights.size(); i++) {
            sum += weights[i];
            for (int axis = 0; axis < 3; axis++) {
                means[axis] += weights[i] * positions[i][axis];
                squares[axis] += weights[i] * positions[i][axis] * positions[i][axis];
            }
        }
        ASSERT_EQUAL_TOL(1.0, sum, 1e-12);
        count++;
    }
    int count = 0;
    Vec3 means, squares;
};

/** <x> = 0 and <x^2> = kT/k on each axis, for the chain and for its recycled candidates. */
static void testExactMoments(Platform& platform, bool conditional, shared_ptr<CandidateEnergy> surrogate) {
    System system;
    addWells(system, 1);
    LangevinMiddleIntegrator* inner = new LangevinMiddleIntegrator(300.0, 2.0, 0.005);
    inner->setRandomNumberSeed(11);
    GenerativeJumpIntegrator integrator(inner, make_shared<BatchProposer>(conditional), 5);
    integrator.setRandomNumberSeed(12);
    integrator.setProtocol(MultipleTry(4, surrogate));
    auto observer = make_shared<MomentObserver>();
    integrator.setObserver(observer);
    Context context(system, integrator, platform);
    context.setPositions({Vec3(0.1, 0, 0)});
    Vec3 means, squares;
    const int samples = 5000;
    for (int i = 0; i < samples; i++) {
        integrator.step(5);
        Vec3 x = context.getState(State::Positions).getPositions()[0];
        means += x;
        squares += Vec3(x[0] * x[0], x[1] * x[1], x[2] * x[2]);
    }
    ASSERT_EQUAL(samples, observer->count);
    // A decorrelation time of 5 samples is a cautious guess.
    const double variance = GAS_CONSTANT * 300 / 100, effective = samples / 5;
    for (int axis = 0; axis < 3; axis++)
        for (pair<Vec3, Vec3> moments : {make_pair(means, squares), make_pair(observer->means, observer->squares)}) {
            ASSERT(fabs(moments.first[axis] / samples) < 4 * sqrt(variance / effective));
            ASSERT(fabs(moments.second[axis] / samples - variance) < 4 * variance * sqrt(2 / effective));
        }
}

static void testMultipleTryErrors(Platform& platform) {
    System system;
    addWells(system, 2);
    auto stepWith = [&](shared_ptr<JumpProposer> proposer, shared_ptr<CandidateEnergy> surrogate) {
        GenerativeJumpIntegrator integrator(new LangevinMiddleIntegrator(300.0, 1.0, 0.001), proposer, 1);
        integrator.setProtocol(MultipleTry(3, surrogate));
        Context context(system, integrator, platform);
        context.setPositions(vector<Vec3>(2));
        integrator.step(1);
    };
    auto proposer = make_shared<BatchProposer>(false);
    auto single = make_shared<FunctionProposer>(vector<int>{0}, stay);
    assertThrows("(FunctionProposer) does not draw several candidates", [&] { stepWith(single, nullptr); });
    assertThrows("for particle 2, but the System has 2",
                 [&] { stepWith(proposer, make_shared<WrongWell>(vector<int>{0, 2})); });
    assertThrows("for none of the particles", [&] { stepWith(proposer, make_shared<WrongWell>(vector<int>{1})); });
    auto brief = make_shared<WrongWell>();
    brief->missing = 1;
    assertThrows("returned 3 energies; expected one for each of 4", [&] { stepWith(proposer, brief); });
    proposer->missing = 1;
    assertThrows("returned 2 positions with 2 densities; expected 3", [&] { stepWith(proposer, nullptr); });
    assertThrows("number of candidates must be positive, got 0", [] { MultipleTry(0); });
    JumpCandidates drawn;
    Vec3 box[3];
    JumpRandom random(1);
    assertThrows("is conditional, but does not draw references",
                 [&] { single->proposeReferences({{}, false, box, random}, {}, 1, drawn); });
}

static void testMultipleTrySerialization() {
    System system;
    addWells(system, 1);
    for (bool hasSurrogate : {false, true}) {
        GenerativeJumpIntegrator integrator(new LangevinMiddleIntegrator(300.0, 1.0, 0.001), nullptr, 1);
        integrator.setProtocol(MultipleTry(7, hasSurrogate ? make_shared<WrongWell>() : nullptr));
        stringstream stream;
        XmlSerializer::serialize<Integrator>(&integrator, "Integrator", stream);
        unique_ptr<Integrator> plain(XmlSerializer::deserialize<Integrator>(stream));
        GenerativeJumpIntegrator& copy = dynamic_cast<GenerativeJumpIntegrator&>(*plain);
        ASSERT_EQUAL(7, dynamic_cast<const MultipleTry&>(copy.getProtocol()).getNumCandidates());
        copy.setProposer(make_shared<BatchProposer>(false));
        Context context(system, copy, Platform::getPlatformByName("Reference"));
        context.setPositions({Vec3()});
        if (hasSurrogate)
            assertThrows("its surrogate energy is not stored in XML", [&] { copy.step(1); });
        copy.setProtocol(MultipleTry(3, make_shared<WrongWell>()));
        copy.step(1);
        ASSERT_EQUAL(1, copy.getStatistics().numAttempted);
    }
}

static void testMultipleTry(const string& platformName) {
    Platform& platform = Platform::getPlatformByName(platformName);
    for (bool conditional : {false, true})
        for (shared_ptr<CandidateEnergy> surrogate :
             {shared_ptr<CandidateEnergy>(), shared_ptr<CandidateEnergy>(make_shared<WrongWell>())})
            testExactMoments(platform, conditional, surrogate);
    testMultipleTryErrors(platform);
    testMultipleTrySerialization();
}
