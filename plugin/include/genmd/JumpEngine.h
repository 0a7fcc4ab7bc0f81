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
    /** Start a jump from the Context's current state. The random numbers must exist until end(). */
    void begin(double kT, int groups, const VelocityTransfer& transfer, JumpRandom& random);
    /**
     * Make one attempt; if it is accepted, the new conformation is where the next attempt starts.
     *
     * @param protocol   what happens in which order
     * @return what happened; index and step are not set
     */
    JumpRecord attempt(const JumpProtocol& protocol);
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

private:
    struct Constraint {
        int first, second;
        double distance;
    };
    void findConstraints(const System& system);
    void askProposer(const std::vector<Vec3>* other, const std::function<void(const JumpInput&)>& call);
    void propose();
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
    bool constraintsHold(const std::vector<Vec3>& moved) const;
    double constrainedDistance(const Constraint& constraint, const std::vector<Vec3>& moved) const;
    RejectionReason attribute(double workInKT);
    RejectionReason attributePick();
    JumpKernel& getKernel();
    std::vector<Vec3> getMoved() const;
    ContextImpl& context;
    std::shared_ptr<JumpProposer> proposer;
    Kernel kernel;
    std::vector<int> particles, partners, neighborhood;
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
    bool hasBegun;
};

} // namespace OpenMM

#endif /*OPENMM_JUMPENGINE_H_*/
