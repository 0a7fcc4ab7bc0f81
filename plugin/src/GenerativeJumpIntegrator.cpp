#include "genmd/GenerativeJumpIntegrator.h"
#include "InnerIntegrator.h"
#include "genmd/JumpEngine.h"
#include "genmd/SwitchingProtocol.h"
#include "openmm/Context.h"
#include "openmm/OpenMMException.h"
#include "openmm/internal/ContextImpl.h"
#include <algorithm>
#include <random>
#include <sstream>

using namespace OpenMM;
using namespace std;

/** Molar gas constant in kJ/mol/K, CODATA 2018, as in OpenMM's SimTKOpenMMRealType.h. */
static const double GAS_CONSTANT = 0.00831446261815324;
/** MD steps between two looks for an interrupt. */
static const int LONGEST_BLOCK = 1000;
static const long long DEFAULT_RECORD_CAPACITY = 65536;

namespace {

/** Reaches members that Integrator protects. */
struct Peek : public Integrator {
    using Integrator::getVelocitiesForTemperature;
    using Integrator::kineticEnergyRequiresForce;
};

/** Marks an integrator as stepping; a second one inside the first throws. */
class StepGuard {
public:
    explicit StepGuard(bool& isStepping) : isStepping(isStepping) {
        if (isStepping)
            throw OpenMMException("GenerativeJumpIntegrator: step() was called from inside a jump. A proposer must not "
                                  "advance the simulation that it proposes for");
        isStepping = true;
    }
    ~StepGuard() {
        isStepping = false;
    }

private:
    bool& isStepping;
};

/** Restores the Context when a jump ends with an exception. */
class JumpGuard {
public:
    explicit JumpGuard(JumpEngine& engine) : engine(engine) {
    }
    ~JumpGuard() {
        try {
            engine.end();
        } catch (...) {
            // A second exception would end the process; the first one is on its way to the caller.
        }
    }

private:
    JumpEngine& engine;
};

void requirePositive(long long value, const char* name) {
    if (value > 0)
        return;
    stringstream message;
    message << "GenerativeJumpIntegrator: " << name << " must be a positive number, got " << value;
    throw OpenMMException(message.str());
}

} // namespace

GenerativeJumpIntegrator::GenerativeJumpIntegrator(Integrator* integrator, shared_ptr<JumpProposer> proposer,
                                                   int jumpInterval)
    : protocol(new Instantaneous()), jumpInterval(1), triesPerJump(1), randomSeed(0), allowExploratory(false),
      proposerIsValidated(false), isStepping(false), hasJumped(false), hasPendingProposerState(false),
      ownTemperature(-1), recordCapacity(DEFAULT_RECORD_CAPACITY) {
    if (integrator == nullptr)
        throw OpenMMException("GenerativeJumpIntegrator: there is no inner integrator to do the MD");
    InnerIntegrator::requireSupported(*integrator);
    setJumpInterval(jumpInterval);
    setProposer(proposer);
    addIntegrator(integrator);
}

GenerativeJumpIntegrator::~GenerativeJumpIntegrator() {
}

shared_ptr<JumpProposer> GenerativeJumpIntegrator::getProposer() const {
    return proposer;
}

void GenerativeJumpIntegrator::setProposer(shared_ptr<JumpProposer> newProposer) {
    if (isStepping)
        throw OpenMMException("GenerativeJumpIntegrator: setProposer() was called from inside step()");
    if (newProposer && hasPendingProposerState && newProposer->getTypeName() == missingType)
        newProposer->setState(pendingProposerState);
    else if (newProposer && context != NULL)
        newProposer->beginRun(random.nextBits());
    hasPendingProposerState = false;
    proposer = newProposer;
    proposerIsValidated = false;
    engine.reset();
}

string GenerativeJumpIntegrator::getProposerTypeName() const {
    return proposer ? proposer->getTypeName() : missingType;
}

string GenerativeJumpIntegrator::getProposerDescription() const {
    return proposer ? proposer->getDescription() : missingDescription;
}

void GenerativeJumpIntegrator::setMissingProposer(const string& typeName, const string& description) {
    missingType = typeName;
    missingDescription = description;
}

int GenerativeJumpIntegrator::getJumpInterval() const {
    return jumpInterval;
}

void GenerativeJumpIntegrator::setJumpInterval(int interval) {
    requirePositive(interval, "jumpInterval");
    jumpInterval = interval;
}

int GenerativeJumpIntegrator::getTriesPerJump() const {
    return triesPerJump;
}

void GenerativeJumpIntegrator::setTriesPerJump(int tries) {
    requirePositive(tries, "triesPerJump");
    triesPerJump = tries;
}

const JumpProtocol& GenerativeJumpIntegrator::getProtocol() const {
    return *protocol;
}

void GenerativeJumpIntegrator::setProtocol(const JumpProtocol& newProtocol) {
    if (isStepping)
        throw OpenMMException("GenerativeJumpIntegrator: setProtocol() was called from inside step()");
    protocol.reset(newProtocol.clone());
    proposerIsValidated = false;
}

shared_ptr<JumpObserver> GenerativeJumpIntegrator::getObserver() const {
    return observer;
}

void GenerativeJumpIntegrator::setObserver(shared_ptr<JumpObserver> newObserver) {
    observer = newObserver;
    if (engine)
        engine->setObserver(observer);
}

bool GenerativeJumpIntegrator::getAllowExploratory() const {
    return allowExploratory;
}

void GenerativeJumpIntegrator::setAllowExploratory(bool allow) {
    allowExploratory = allow;
    proposerIsValidated = false;
}

bool GenerativeJumpIntegrator::hasTemperature() const {
    return ownTemperature >= 0 || InnerIntegrator::getTemperature(getIntegrator(getCurrentIntegrator())) >= 0;
}

double GenerativeJumpIntegrator::getInnerTemperature(const Integrator& integrator) {
    InnerIntegrator::requireSupported(integrator);
    return InnerIntegrator::getTemperature(integrator);
}

double GenerativeJumpIntegrator::getTemperature() const {
    double temperature = InnerIntegrator::getTemperature(getIntegrator(getCurrentIntegrator()));
    if (temperature < 0)
        temperature = ownTemperature;
    if (temperature < 0)
        throw OpenMMException("GenerativeJumpIntegrator: the inner integrator has no temperature. Call "
                              "setTemperature() with the temperature that its thermostat keeps");
    return temperature;
}

void GenerativeJumpIntegrator::setTemperature(double temperature) {
    if (!(temperature > 0))
        throw OpenMMException("GenerativeJumpIntegrator: the temperature must be positive");
    if (!InnerIntegrator::setTemperature(getIntegrator(getCurrentIntegrator()), temperature))
        ownTemperature = temperature;
}

double GenerativeJumpIntegrator::getOwnTemperature() const {
    return ownTemperature;
}

int GenerativeJumpIntegrator::getRandomNumberSeed() const {
    return randomSeed;
}

void GenerativeJumpIntegrator::setRandomNumberSeed(int seed) {
    randomSeed = seed;
}

const JumpStatistics& GenerativeJumpIntegrator::getStatistics() const {
    return statistics;
}

const JumpRecord& GenerativeJumpIntegrator::getLastJump() const {
    if (statistics.numAttempted == 0)
        throw OpenMMException("GenerativeJumpIntegrator: no jump has been attempted yet");
    return lastJump;
}

void GenerativeJumpIntegrator::resetStatistics() {
    statistics = JumpStatistics();
    records.clear();
}

vector<JumpRecord> GenerativeJumpIntegrator::getRecords(long long firstIndex) const {
    long long oldest = statistics.numAttempted - (long long)records.size();
    if (firstIndex < oldest && firstIndex < statistics.numAttempted) {
        stringstream message;
        message << "GenerativeJumpIntegrator: the record of attempt " << firstIndex
                << " is no longer kept (the oldest is " << oldest
                << "). Read the records more often, or call reserveRecords() before";
        throw OpenMMException(message.str());
    }
    long long skipped = min(max(firstIndex - oldest, 0LL), (long long)records.size());
    return vector<JumpRecord>(records.begin() + skipped, records.end());
}

void GenerativeJumpIntegrator::reserveRecords(long long count) {
    recordCapacity = max(recordCapacity, count);
}

void GenerativeJumpIntegrator::keepRecord(const JumpRecord& record) {
    statistics.add(record);
    lastJump = record;
    hasJumped = true;
    records.push_back(record);
    while ((long long)records.size() > recordCapacity)
        records.pop_front();
}

void GenerativeJumpIntegrator::initialize(ContextImpl& contextImpl) {
    if (owner != NULL && &contextImpl.getOwner() != owner)
        throw OpenMMException("This Integrator is already bound to a context");
    if (getNumIntegrators() != 1)
        throw OpenMMException(
            "GenerativeJumpIntegrator: expected exactly one inner integrator, but addIntegrator() added "
            "more. Pass a CompoundIntegrator as the inner one instead");
    InnerIntegrator::requireSupported(contextImpl.getSystem());
    context = &contextImpl;
    owner = &contextImpl.getOwner();
    CompoundIntegrator::initialize(contextImpl);
    random.seed(randomSeed == 0 ? ((uint64_t)random_device{}() << 32) + random_device{}() : (uint64_t)randomSeed);
    if (proposer)
        proposer->beginRun(random.nextBits());
    proposerIsValidated = false;
    hasJumped = false;
    resetStatistics();
}

void GenerativeJumpIntegrator::cleanup() {
    if (isStepping)
        throw OpenMMException(
            "GenerativeJumpIntegrator: the Context was reinitialized from inside step(). A proposer must "
            "leave the simulation alone that it proposes for");
    engine.reset();
    CompoundIntegrator::cleanup();
}

bool GenerativeJumpIntegrator::kineticEnergyRequiresForce() const {
    return (getIntegrator(getCurrentIntegrator()).*(&Peek::kineticEnergyRequiresForce))();
}

vector<Vec3> GenerativeJumpIntegrator::getVelocitiesForTemperature(const System& system, double temperature,
                                                                   int seed) const {
    return (getIntegrator(getCurrentIntegrator()).*(&Peek::getVelocitiesForTemperature))(system, temperature, seed);
}

void GenerativeJumpIntegrator::validateProposer() {
    if (proposerIsValidated || !proposer)
        return;
    if (proposer->getGrade() == JumpProposer::Exploratory && !allowExploratory)
        throw OpenMMException(
            "GenerativeJumpIntegrator: the proposer's grade is exploratory: it gives no density ratio, "
            "so that the run would not sample the Boltzmann distribution. If that is what you want, "
            "say so with setAllowExploratory(true)");
    if (protocol->isExploratory() && !allowExploratory)
        throw OpenMMException("GenerativeJumpIntegrator: the protocol " + protocol->getName() +
                              " does not sample the Boltzmann distribution, whatever the proposer. If that is what you "
                              "want, say so with setAllowExploratory(true)");
    engine.reset(new JumpEngine(*context, proposer));
    engine->setObserver(observer);
    proposerIsValidated = true;
}

vector<double> GenerativeJumpIntegrator::measureShadowWork(int numTrials, int numSteps) {
    const SwitchingProtocol* switching = dynamic_cast<const SwitchingProtocol*>(protocol.get());
    if (switching == nullptr)
        throw OpenMMException("GenerativeJumpIntegrator: only switching protocols have shadow work, this one is " +
                              protocol->getName());
    if (context == NULL)
        throw OpenMMException("This Integrator is not bound to a context!");
    if (!proposer)
        throw OpenMMException("GenerativeJumpIntegrator: call setProposer() before measuring shadow work");
    StepGuard guard(isStepping);
    validateProposer();
    double kT = GAS_CONSTANT * getTemperature();
    const Integrator& inner = getIntegrator(getCurrentIntegrator());
    vector<double> works =
        engine->measureShadowWork(*switching, numTrials, numSteps, kT, inner.getIntegrationForceGroups());
    for (double& work : works)
        work /= kT;
    return works;
}

void GenerativeJumpIntegrator::step(int steps) {
    if (context == NULL)
        throw OpenMMException("This Integrator is not bound to a context!");
    StepGuard guard(isStepping);
    validateProposer();
    while (steps > 0) {
        int toJump = jumpInterval - (int)(context->getStepCount() % jumpInterval);
        int block = min({steps, toJump, LONGEST_BLOCK});
        CompoundIntegrator::step(block);
        steps -= block;
        if (proposer)
            proposer->checkInterrupt();
        if (block == toJump)
            jump();
    }
}

void GenerativeJumpIntegrator::jump() {
    if (!proposer)
        throw OpenMMException("GenerativeJumpIntegrator: there is no proposer. It is not stored in XML" +
                              (missingType.empty() ? string() : " (it was of type '" + missingType + "')") +
                              "; call setProposer() before the first jump (in Python on "
                              "GenerativeJumpIntegrator.fromIntegrator(integrator))");
    const Integrator& inner = getIntegrator(getCurrentIntegrator());
    double temperature = getTemperature();
    InnerIntegrator::requireSameTemperature(context->getParameters(), temperature);
    VelocityTransfer transfer;
    transfer.kT = GAS_CONSTANT * temperature;
    transfer.timeOffset = InnerIntegrator::getVelocityTimeOffset(inner);
    transfer.hasVelocities = InnerIntegrator::hasVelocities(inner);
    transfer.constraintTolerance = inner.getConstraintTolerance();
    transfer.usesAllForces = protocol->movesEverything();
    JumpGuard guard(*engine);
    engine->begin(*protocol, transfer.kT, inner.getIntegrationForceGroups(), transfer, random);
    for (int i = 0; i < triesPerJump; i++) {
        JumpRecord record = engine->attempt();
        record.index = statistics.numAttempted;
        record.step = context->getStepCount();
        keepRecord(record);
        engine->showAttempt();
    }
    addTransferTime(engine->end());
}

/** The velocities of a jump are settled once, at its end: the last attempt pays. */
void GenerativeJumpIntegrator::addTransferTime(double seconds) {
    statistics.energySeconds += seconds;
    lastJump.energySeconds += seconds;
    if (!records.empty()) // an observer may have reset the statistics
        records.back() = lastJump;
}
