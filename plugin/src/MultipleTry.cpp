#include "genmd/MultipleTry.h"
#include "genmd/JumpEngine.h"
#include "openmm/OpenMMException.h"
#include "openmm/serialization/SerializationNode.h"

using namespace OpenMM;
using namespace std;

MultipleTry::MultipleTry(int numCandidates, shared_ptr<CandidateEnergy> surrogate)
    : numCandidates(numCandidates), hasLostSurrogate(false), surrogate(surrogate) {
    if (numCandidates < 1)
        throw OpenMMException("MultipleTry: the number of candidates must be positive, got " +
                              to_string(numCandidates));
}

int MultipleTry::getNumCandidates() const {
    return numCandidates;
}

shared_ptr<CandidateEnergy> MultipleTry::getSurrogate() const {
    return surrogate;
}

string MultipleTry::getName() const {
    return "MultipleTry";
}

JumpProtocol* MultipleTry::clone() const {
    return new MultipleTry(*this);
}

void MultipleTry::serialize(SerializationNode& node) const {
    node.setIntProperty("numCandidates", numCandidates);
    node.setBoolProperty("hasSurrogate", surrogate != nullptr || hasLostSurrogate);
}

MultipleTry* MultipleTry::deserialize(const SerializationNode& node) {
    MultipleTry* protocol = new MultipleTry(node.getIntProperty("numCandidates"));
    protocol->hasLostSurrogate = node.getBoolProperty("hasSurrogate");
    return protocol;
}

void MultipleTry::perform(JumpEngine& engine) const {
    if (hasLostSurrogate)
        throw OpenMMException("MultipleTry: its surrogate energy is not stored in XML; call setProtocol() before the "
                              "first jump (in Python on GenerativeJumpIntegrator.fromIntegrator(integrator))");
    engine.leapAmong(numCandidates, surrogate);
}
