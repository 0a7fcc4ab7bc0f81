#ifndef OPENMM_SWITCHINGRUN_H_
#define OPENMM_SWITCHINGRUN_H_

#include "SwitchingMove.h"
#include "SwitchingSurrogate.h"
#include "genmd/SwitchingProtocol.h"
#include <memory>
#include <vector>

namespace OpenMM {

/**
 * Carries out the list of a switching protocol in one Context, and adds up its work. The only place where the work of a
 * switch is counted.
 */
class SwitchingRun {
public:
    /** Create the object and the Context of the switch. Throws an OpenMMException if the list is not reversible. */
    SwitchingRun(ContextImpl& context, const SwitchingProtocol& protocol, const std::vector<int>& particles);
    bool isFor(const SwitchingProtocol& protocol) const;
    /** What a switch needs from the jump that it is part of. */
    struct Start {
        const std::vector<Vec3>& positions;
        /** U of the simulation, in kJ/mol. */
        double energy;
        int groups;
        double kT;
        JumpRandom& random;
        std::function<JumpProposal(const std::vector<Vec3>&)> propose;
        std::function<RejectionReason(const JumpProposal&, const std::vector<Vec3>&)> judge;
        /** Called now and then, so that an interrupt can be noticed. */
        std::function<void()> checkInterrupt;
    };
    /**
     * Perform the list.
     *
     * @return why the switch is rejected already, or None
     */
    RejectionReason perform(const Start& start);
    /** Get where everything is after the list. */
    std::vector<Vec3> getPositions();
    /**
     * Add the last change, from the potential of the switch to that of the simulation, and look at the way back.
     *
     * @param energy   U of the simulation at the end, in kJ/mol
     * @return why the switch is rejected, or None
     */
    RejectionReason finish(double energy);
    /** Get where some particles are. */
    std::vector<Vec3> gather(const std::vector<int>& some) const {
        return dynamics->gather(some);
    }
    /** Get the work of the rule, in kJ/mol. */
    double getWork() const {
        return work;
    }
    /** Get the change of the total energy less heat and protocol work, in kJ/mol, or NaN where it is not known. */
    double getShadowWork() const {
        return shadowWork;
    }
    /** Get what decides beside the work: the proposer's log ratio, less what a surrogate has decided already. */
    double getLogRatio() const {
        return move->getLogRatio() + decidedBefore;
    }
    long long getNumEvaluations() const {
        return dynamics->getNumEvaluations();
    }
    /**
     * Get the shadow work, in kJ/mol, of MD as in a switch but without changes.
     *
     * @param numSteps   the number of MD steps
     */
    double measureShadowWork(const Start& start, int numSteps);

private:
    SwitchingHost begin(const Start& start);
    double getLongestBond() const;
    RejectionReason performEntry(const SwitchingPlan::Entry& entry, SwitchingHost& host);
    RejectionReason measured(const std::function<RejectionReason()>& change);
    RejectionReason propagate(int numSteps);
    RejectionReason lookAtWork();
    RejectionReason prepare(SwitchingHost& host);
    double getExcess(double partialWork);
    bool isLookedAt(int block) const;
    double getPartialWork();
    double getTotalEnergy();
    bool countsChanges() const {
        return settings.rule != WorkRule::TotalWork;
    }
    ContextImpl& context;
    std::shared_ptr<const int> identity;
    SwitchingSettings settings;
    SwitchingPlan plan;
    std::vector<int> particles, tied;
    std::vector<bool> isVirtual;
    std::unique_ptr<SwitchingMove> move;
    std::unique_ptr<SwitchingDynamics> dynamics;
    std::unique_ptr<SwitchingSurrogate> surrogate;
    int block;
    double kT, startEnergy, decidedBefore, work, shadowWork, largestExcess;
};

} // namespace OpenMM

#endif /*OPENMM_SWITCHINGRUN_H_*/
