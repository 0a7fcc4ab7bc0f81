#ifndef OPENMM_JUMPRECORD_H_
#define OPENMM_JUMPRECORD_H_

#include "genmd/windowsExportGenMD.h"
#include <array>
#include <cmath>

namespace OpenMM {

/** Why an attempt was rejected. */
enum class RejectionReason {
    /** It was accepted. */
    None = 0,
    /** Atoms that are not bonded to each other overlap. */
    Steric = 1,
    /** The energy rises for another reason: bonded terms, solvation, electrostatics. */
    Strain = 2,
    /** The density ratio decided: the model proposes this conformation more often than it would the way back. */
    Ratio = 3,
    /** A position, energy or ratio was NaN or infinite. */
    NotFinite = 4,
    /** The proposal changes a constrained distance, where the target density is zero. */
    Constraint = 5,
    /** The surrogate energy: by which a candidate was picked that it is wrong about, or that ruled out a switch. */
    Surrogate = 6,
    /** The work of a switch: what was around did not make way in time, or the end is higher in free energy. */
    Work = 7,
    /** A leap was beyond the reach of its switch, or the partial work, there or back, exceeded its limit. */
    Terminated = 8
};
const int NumRejectionReasons = 9;

/** Get the word that files and reports use for a reason. */
OPENMM_EXPORT_GENMD const char* getReasonName(RejectionReason reason);

/**
 * Everything about one attempted jump.
 */
struct JumpRecord {
    /** Serial number of the attempt since the statistics were reset, from 0. */
    long long index = 0;
    /** The Context's step count at the attempt. */
    long long step = 0;
    bool accepted = false;
    /** Probability with which it was accepted or rejected: the weight of the new conformation in waste recycling. */
    double probability = 0;
    /** Protocol work in kJ/mol: sum of the energy changes at the instantaneous changes. */
    double work = 0;
    /** log q(x|y) - log q(y|x) + log|J|. */
    double logRatio = 0;
    /** Change of the total energy of a switch less heat and protocol work, in kJ/mol; NaN where it is not known. */
    double shadowWork = NAN;
    /** Energy and force evaluations of a switch: what it costs, in MD steps. */
    long long numSwitchingSteps = 0;
    RejectionReason reason = RejectionReason::None;
    /** Wall time inside the proposer, in seconds. */
    double modelSeconds = 0;
    /** Wall time of energy and force evaluations, in seconds. */
    double energySeconds = 0;
    /** All the rest of the wall time of the attempt, in seconds. */
    double bookkeepingSeconds = 0;
};

/**
 * Sums over all attempts since the statistics were reset.
 */
struct JumpStatistics {
    long long numAttempted = 0;
    long long numAccepted = 0;
    /** Sum of the acceptance probabilities: a smoother estimate of the acceptance rate than counting. */
    double sumProbability = 0;
    /** How many attempts ended with each RejectionReason; entry 0 counts the accepted ones. */
    std::array<long long, NumRejectionReasons> reasonCounts = {};
    /** Sum of what switches cost, in MD steps. */
    long long numSwitchingSteps = 0;
    double modelSeconds = 0;
    double energySeconds = 0;
    double bookkeepingSeconds = 0;
    /** Count one more attempt. */
    OPENMM_EXPORT_GENMD void add(const JumpRecord& record);
};

} // namespace OpenMM

#endif /*OPENMM_JUMPRECORD_H_*/
