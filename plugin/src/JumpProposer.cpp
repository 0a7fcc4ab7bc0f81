#include "genmd/JumpProposer.h"
#include "openmm/OpenMMException.h"

using namespace OpenMM;
using namespace std;

JumpProposer::~JumpProposer() {
}

void JumpProposer::proposeCandidates(const JumpInput& input, int count, JumpCandidates& output) {
    throw OpenMMException("The proposer (" + getTypeName() +
                          ") does not draw several candidates; MultipleTry needs one "
                          "that implements proposeCandidates()");
}

void JumpProposer::proposeReferences(const JumpInput& input, const vector<Vec3>& current, int count,
                                     JumpCandidates& output) {
    throw OpenMMException("The proposer (" + getTypeName() +
                          ") is conditional, but does not draw references; "
                          "MultipleTry needs one that implements proposeReferences()");
}

const char* JumpProposer::getGradeName(Grade grade) {
    static const char* const names[] = {"exact", "path", "exploratory"};
    return names[grade];
}
