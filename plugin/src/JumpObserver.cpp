#include "genmd/JumpObserver.h"

using namespace OpenMM;

JumpObserver::~JumpObserver() {
}
