#ifndef OPENMM_JUMPENGINE_H_
#define OPENMM_JUMPENGINE_H_

#include "genmd/CandidateEnergy.h"
#include "genmd/JumpKernel.h"
#include "genmd/JumpObserver.h"
#include "genmd/JumpProposer.h"
#include "genmd/JumpProtocol.h"
#include "genmd/JumpRecord.h"
#include "genmd/windowsExportGenMD.h"
#include "openmm/Kernel.h"
#include <functional>
#include <memory>
#include <vector>

class CandidateEvaluator;
class ImportanceWeights;

namespace OpenMM {

class LocalRelaxation;
class SwitchingDynamics;
class SwitchingProtocol;
class SwitchingRun;

/**
 * Carries out jumps in one Context with one proposer: performs the changes that a JumpProtocol asks for, accumulates
 * their work, decides, and records. A jump is begin(), any number of attempt(), end().
 */
class OPENMM_EXPORT_GENMD JumpEngine {
public:
    /**
     * Create the engine and validate the proposer against the System. Throws std::invalid_argument if a particle index
     * is out of range, repeated, or belongs to a particle without mass that is not a virtual site.
     */
    JumpEngine(ContextImpl& context, std::shared_ptr<JumpProposer> proposer);
    ~JumpEngine();
    /** Set what sees every attempt, or null. */
    void setObserver(std::shared_ptr<JumpObserver> observer);
    /** Start a jump from the Context's current state. Protocol and random numbers must exist until end(). */
    void begin(const JumpProtocol& protocol, double kT, int groups, const VelocityTransfer& transfer,
               JumpRandom& random);
    /**
     * Make one attempt; if it is accepted, the new conformation is where the next attempt starts.
     *
     * @return what happened; index and step are not set
     */
    JumpRecord attempt();
    /** Let the observer see the last attempt. What it throws does not undo the attempt. */
    void showAttempt();
    /**
     * Leave the Context in the last accepted state. Does nothing if no jump has begun.
     *
     * @return the wall time that it took, in seconds
     */
    double end();
    /** Called by protocols: let the proposer place the moved particles, and add the energy change to the work. */
    void leap();
    /**
     * Called by protocols: draw candidates, pick one by its importance weight, place the moved particles there, and add
     * the energy change to the work. See MultipleTry.
     *
     * @param count       the number of candidates
     * @param surrogate   evaluates the energies for the weights, or null for the potential energy
     */
    void leapAmong(int count, std::shared_ptr<CandidateEnergy> surrogate);

    /** Called by protocols: perform the list of a switch and add up its work. */
    void switchOver(const SwitchingProtocol& protocol);
    /** Called by protocols: leap and relax, which no work accounts for. */
    void relax(const LocalRelaxation& protocol);
    /**
     * Get the shadow work, in kJ/mol, of switches that change nothing, from the Context's current state, which stays as
     * it is. The random numbers are not those of the jumps.
     *
     * @param numTrials   how many switches
     * @param numSteps    MD steps of each
     */
    std::vector<double> measureShadowWork(const SwitchingProtocol& protocol, int numTrials, int numSteps, double kT,
                                          int groups);

private:
    struct Constraint {
        int first, second;
        double distance;
    };
    void findConstraints(const System& system);
    void askProposer(const std::vector<Vec3>* other, const std::function<void(const JumpInput&)>& call);
    void propose();
    void requireProposal() const;
    void proposeCandidates(int count);
    JumpCandidates proposeReferences(int count);
    std::vector<double> evaluateCandidates(std::vector<Vec3> positions, int count, double* energyOfCurrent);
    double sumReferences(const ImportanceWeights& weights, int picked, double energyOfCurrent);
    void recycle(ImportanceWeights weights, double energyOfCurrent);
    std::vector<Vec3> getCandidate(int index) const;
    void placeVirtualSites(std::vector<Vec3>& positions);
    void keepVirtualSites(std::vector<Vec3>& positions) const;
    void requireCandidates(const JumpCandidates& drawn, int count) const;
    void place();
    void place(const std::vector<Vec3>& positions);
    bool constraintsHold(const std::vector<Vec3>& moved) const;
    /** The start and what is beside it: moved particles and their partners. */
    bool constraintsHold(const std::vector<Vec3>& moved, const std::vector<Vec3>& start) const;
    double constrainedDistance(const Constraint& constraint, const std::vector<Vec3>& neighbors) const;
    JumpProposal proposeFrom(const std::vector<Vec3>& shown);
    RejectionReason judge(const JumpProposal& proposed, const std::vector<Vec3>& start,
                          const std::vector<Vec3>& partnerPositions) const;
    SwitchingRun& getSwitching(const SwitchingProtocol& protocol);
    std::vector<Vec3> getWhole();
    void placeWhole(const std::vector<Vec3>& positions);
    RejectionReason attribute(double workInKT);
    RejectionReason attributePick();
    JumpKernel& getKernel();
    Kernel makeKernel(const std::vector<int>& moving);
    std::vector<Vec3> getMoved() const;
    ContextImpl& context;
    std::shared_ptr<JumpProposer> proposer;
    /** For leaps of the proposer's particles, and for protocols that move everything, which is made when needed. */
    Kernel kernel, wholeKernel;
    const JumpProtocol* protocol;
    std::unique_ptr<SwitchingRun> switching;
    std::unique_ptr<SwitchingDynamics> relaxation;
    std::string relaxationSettings;
    int groups;
    std::vector<int> particles, partners, neighborhood, everything;
    std::vector<bool> isVirtual;
    std::vector<Constraint> constraints;
    std::vector<Vec3> current;
    /** What the observer will see of the conformation before the attempt. */
    std::vector<Vec3> before;
    JumpProposal proposal;
    JumpCandidates candidates;
    std::unique_ptr<CandidateEvaluator> evaluator;
    std::shared_ptr<JumpObserver> observer;
    /** Whether the candidates themselves can be recycled, and each one's share of the weights, the current one last. */
    bool recyclesCandidates;
    std::vector<double> shares;
    /** The part of the log ratio that comes from the weights of candidates, or NaN without candidates. */
    double logWeightRatio;
    VelocityTransfer transfer;
    JumpRandom* random;
    JumpRecord record;
    RejectionReason forcedRejection;
    double kT, currentEnergy, candidateEnergy;
    double beginSeconds;
    bool hasWholeKernel, hasBegun;
};

} // namespace OpenMM

#endif /*OPENMM_JUMPENGINE_H_*/
