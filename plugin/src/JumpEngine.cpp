#include "genmd/JumpEngine.h"
#include "CandidateEvaluator.h"
#include "GenericJumpKernel.h"
#include "ProposalLimits.h"
#include "SwitchingRun.h"
#include "WallClock.h"
#include "genmd/Acceptance.h"
#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <sstream>
#include <stdexcept>

using namespace OpenMM;
using namespace std;

static void requireParticle(const System& system, int particle) {
    stringstream message;
    if (particle < 0 || particle >= system.getNumParticles())
        message << "The proposer moves particle " << particle << ", but the System has " << system.getNumParticles()
                << " particles (0 to " << system.getNumParticles() - 1
                << "). Was the proposer made for another topology?";
    else if (system.getParticleMass(particle) == 0 && !system.isVirtualSite(particle))
        message << "The proposer moves particle " << particle
                << ", which has zero mass: it is frozen in this System. Take it out of the proposer's particles";
    if (!message.str().empty())
        throw invalid_argument(message.str());
}

JumpEngine::JumpEngine(ContextImpl& context, shared_ptr<JumpProposer> proposer)
    : context(context), proposer(proposer), protocol(nullptr), groups(-1), particles(proposer->getParticles()),
      recyclesCandidates(false), logWeightRatio(NAN), random(nullptr), forcedRejection(RejectionReason::None), kT(0),
      currentEnergy(0), candidateEnergy(0), beginSeconds(0), hasWholeKernel(false), hasBegun(false) {
    const System& system = context.getSystem();
    if (particles.empty())
        throw invalid_argument("The proposer moves no particles; expected at least one index in its particles");
    for (int particle : particles) {
        requireParticle(system, particle);
        isVirtual.push_back(system.isVirtualSite(particle));
    }
    if (set<int>(particles.begin(), particles.end()).size() != particles.size())
        throw invalid_argument("The proposer's particles contain an index twice; expected each particle once");
    findConstraints(system);
    everything.resize(system.getNumParticles());
    iota(everything.begin(), everything.end(), 0);
    kernel = makeKernel(particles);
}

Kernel JumpEngine::makeKernel(const vector<int>& moving) {
    Platform& platform = context.getPlatform();
    Kernel made = platform.supportsKernels({JumpKernel::Name()}) ? platform.createKernel(JumpKernel::Name(), context)
                                                                 : Kernel(new GenericJumpKernel(platform));
    made.getAs<JumpKernel>().initialize(context.getSystem(), moving);
    return made;
}

JumpEngine::~JumpEngine() {
}

void JumpEngine::setObserver(shared_ptr<JumpObserver> newObserver) {
    observer = newObserver;
}

JumpKernel& JumpEngine::getKernel() {
    return (protocol->movesEverything() ? wholeKernel : kernel).getAs<JumpKernel>();
}

/** Constraints of moved particles; first and second index the moved particles, or, from there on, the partners. */
void JumpEngine::findConstraints(const System& system) {
    auto locate = [&](int particle) {
        auto place = find(particles.begin(), particles.end(), particle);
        if (place != particles.end())
            return (int)(place - particles.begin());
        partners.push_back(particle);
        return (int)(particles.size() + partners.size()) - 1;
    };
    set<int> moved(particles.begin(), particles.end());
    for (int i = 0; i < system.getNumConstraints(); i++) {
        int first, second;
        double distance;
        system.getConstraintParameters(i, first, second, distance);
        if (moved.count(first) || moved.count(second))
            constraints.push_back({locate(first), locate(second), distance});
    }
    neighborhood = particles;
    neighborhood.insert(neighborhood.end(), partners.begin(), partners.end());
}

void JumpEngine::begin(const JumpProtocol& protocol, double kT, int groups, const VelocityTransfer& transfer,
                       JumpRandom& random) {
    double start = getWallSeconds();
    this->protocol = &protocol;
    if (protocol.movesEverything() && !hasWholeKernel) {
        wholeKernel = makeKernel(everything);
        hasWholeKernel = true;
    }
    this->groups = groups;
    this->kT = kT;
    this->transfer = transfer;
    this->random = &random;
    hasBegun = true;
    currentEnergy = getKernel().begin(context, groups, transfer.hasVelocities && transfer.timeOffset != 0);
    getKernel().getPositions(neighborhood, current);
    beginSeconds = getWallSeconds() - start;
}

JumpRecord JumpEngine::attempt() {
    double start = getWallSeconds();
    record = JumpRecord();
    record.energySeconds = beginSeconds;
    forcedRejection = RejectionReason::None;
    recyclesCandidates = false;
    logWeightRatio = NAN;
    before = observer ? getMoved() : vector<Vec3>();
    protocol->perform(*this);
    record.probability =
        forcedRejection == RejectionReason::None ? getAcceptanceProbability(record.work, kT, record.logRatio) : 0.0;
    record.accepted = random->nextUniform() < record.probability;
    if (record.accepted) {
        getKernel().accept(context);
        getKernel().getPositions(neighborhood, current);
        currentEnergy = candidateEnergy;
    } else
        record.reason = attribute(record.work / kT);
    record.bookkeepingSeconds = getWallSeconds() - start + beginSeconds - record.modelSeconds - record.energySeconds;
    beginSeconds = 0;
    return record;
}

void JumpEngine::leap() {
    propose();
    record.logRatio = proposal.logRatio;
    place();
}

/** Evaluate the proposal, unless its density is zero. */
void JumpEngine::place() {
    if (!arePlaceable(proposal.positions) || !isfinite(record.logRatio))
        forcedRejection = RejectionReason::NotFinite;
    else if (!constraintsHold(proposal.positions))
        forcedRejection = RejectionReason::Constraint;
    if (forcedRejection != RejectionReason::None) {
        record.work = NAN;
        return;
    }
    place(proposal.positions);
    record.work += candidateEnergy - currentEnergy;
}

void JumpEngine::place(const vector<Vec3>& positions) {
    double start = getWallSeconds();
    candidateEnergy = getKernel().evaluateCandidate(context, positions);
    record.energySeconds += getWallSeconds() - start;
}

vector<Vec3> JumpEngine::getMoved() const {
    return vector<Vec3>(current.begin(), current.begin() + particles.size());
}

/** Call the proposer with an input that shows it a conformation of the moved particles; null shows it the current one.
 */
void JumpEngine::askProposer(const vector<Vec3>* other, const function<void(const JumpInput&)>& call) {
    Vec3 box[3];
    bool periodic = context.getSystem().usesPeriodicBoundaryConditions();
    if (periodic)
        context.getPeriodicBoxVectors(box[0], box[1], box[2]);
    double start = getWallSeconds();
    vector<Vec3> shown = other == nullptr ? getMoved() : *other;
    JumpInput input{shown, periodic, box, *random};
    if (other == nullptr && proposer->wantsTensor())
        input.tensor = getKernel().getTensor(particles);
    call(input);
    record.modelSeconds += getWallSeconds() - start;
}

void JumpEngine::propose() {
    askProposer(nullptr, [&](const JumpInput& input) { proposer->propose(input, proposal); });
    requireProposal();
    keepVirtualSites(proposal.positions);
}

void JumpEngine::requireProposal() const {
    if (proposal.positions.size() != particles.size())
        throw invalid_argument("The proposer returned " + to_string(proposal.positions.size()) +
                               " positions; expected one for each of its " + to_string(particles.size()) +
                               " particles");
}

/** What a proposer returns for virtual sites has no meaning: they are recomputed. */
void JumpEngine::keepVirtualSites(vector<Vec3>& positions) const {
    for (int i = 0; i < (int)positions.size(); i++)
        if (isVirtual[i % particles.size()])
            positions[i] = current[i % particles.size()];
}

double JumpEngine::constrainedDistance(const Constraint& constraint, const vector<Vec3>& neighbors) const {
    Vec3 delta = neighbors[constraint.first] - neighbors[constraint.second];
    return sqrt(delta.dot(delta));
}

bool JumpEngine::constraintsHold(const vector<Vec3>& moved) const {
    return constraintsHold(moved, current);
}

/** A leap may not be further from a constraint than the MD left it. Otherwise the next MD step would move the
 *  particles back, which is not part of the move whose density was computed. */
bool JumpEngine::constraintsHold(const vector<Vec3>& moved, const vector<Vec3>& start) const {
    vector<Vec3> end = start;
    copy(moved.begin(), moved.end(), end.begin());
    for (const Constraint& constraint : constraints) {
        double before = fabs(constrainedDistance(constraint, start) - constraint.distance);
        double after = fabs(constrainedDistance(constraint, end) - constraint.distance);
        if (after > before + transfer.constraintTolerance * constraint.distance)
            return false;
    }
    return true;
}

RejectionReason JumpEngine::attribute(double workInKT) {
    if (forcedRejection != RejectionReason::None)
        return forcedRejection;
    if (!isfinite(workInKT) || !isfinite(record.logRatio))
        return RejectionReason::NotFinite;
    if (!isnan(logWeightRatio))
        return attributePick();
    if (-record.logRatio > workInKT && !protocol->getSurrogate())
        return RejectionReason::Ratio;
    if (protocol->movesEverything())
        return RejectionReason::Work;
    return getKernel().hasOverlap(context) ? RejectionReason::Steric : RejectionReason::Strain;
}

double JumpEngine::end() {
    double start = getWallSeconds();
    if (hasBegun)
        getKernel().end(context, transfer, *random);
    hasBegun = false;
    return getWallSeconds() - start;
}
