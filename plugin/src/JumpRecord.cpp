#include "genmd/JumpRecord.h"

using namespace OpenMM;

const char* OpenMM::getReasonName(RejectionReason reason) {
    static const char* const names[NumRejectionReasons] = {
        "", "steric", "strain", "ratio", "not finite", "constraint", "surrogate", "work", "terminated"};
    return names[static_cast<int>(reason)];
}

void JumpStatistics::add(const JumpRecord& record) {
    numAttempted++;
    if (record.accepted)
        numAccepted++;
    sumProbability += record.probability;
    reasonCounts[static_cast<int>(record.reason)]++;
    numSwitchingSteps += record.numSwitchingSteps;
    modelSeconds += record.modelSeconds;
    energySeconds += record.energySeconds;
    bookkeepingSeconds += record.bookkeepingSeconds;
}
