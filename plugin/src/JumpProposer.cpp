#include "genmd/JumpProposer.h"

using namespace OpenMM;

JumpProposer::~JumpProposer() {
}

const char* JumpProposer::getGradeName(Grade grade) {
    static const char* const names[] = {"exact", "path", "exploratory"};
    return names[grade];
}
