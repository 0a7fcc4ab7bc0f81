#include "genmd/Surrogate.h"
#include "openmm/OpenMMException.h"
#include "openmm/serialization/SerializationNode.h"

using namespace OpenMM;
using namespace std;

Surrogate::Surrogate(shared_ptr<CandidateEnergy> energy) : energy(energy), isLost(false) {
}

void Surrogate::requireFound(const string& protocol) const {
    if (isLost)
        throw OpenMMException(protocol +
                              ": its surrogate energy is not stored in XML; call setProtocol() before the "
                              "first jump (in Python on GenerativeJumpIntegrator.fromIntegrator(integrator))");
}

void Surrogate::serialize(SerializationNode& node) const {
    node.setBoolProperty("hasSurrogate", energy != nullptr || isLost);
}

Surrogate Surrogate::deserialize(const SerializationNode& node) {
    Surrogate surrogate;
    surrogate.isLost = node.getBoolProperty("hasSurrogate", false);
    return surrogate;
}
