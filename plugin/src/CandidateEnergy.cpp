#include "genmd/CandidateEnergy.h"

using namespace OpenMM;

CandidateEnergy::~CandidateEnergy() {
}
