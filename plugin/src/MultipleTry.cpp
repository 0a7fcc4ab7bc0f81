#include "genmd/MultipleTry.h"
#include "genmd/JumpEngine.h"
#include "openmm/OpenMMException.h"
#include "openmm/serialization/SerializationNode.h"

using namespace OpenMM;
using namespace std;

MultipleTry::MultipleTry(int numCandidates, shared_ptr<CandidateEnergy> surrogate)
    : numCandidates(numCandidates), surrogate(surrogate) {
    if (numCandidates < 1)
        throw OpenMMException("MultipleTry: the number of candidates must be positive, got " +
                              to_string(numCandidates));
}

int MultipleTry::getNumCandidates() const {
    return numCandidates;
}

shared_ptr<CandidateEnergy> MultipleTry::getSurrogate() const {
    return surrogate.getEnergy();
}

string MultipleTry::getName() const {
    return "MultipleTry";
}

JumpProtocol* MultipleTry::clone() const {
    return new MultipleTry(*this);
}

void MultipleTry::serialize(SerializationNode& node) const {
    node.setIntProperty("numCandidates", numCandidates);
    surrogate.serialize(node);
}

MultipleTry* MultipleTry::deserialize(const SerializationNode& node) {
    MultipleTry* protocol = new MultipleTry(node.getIntProperty("numCandidates"));
    protocol->surrogate = Surrogate::deserialize(node);
    return protocol;
}

void MultipleTry::perform(JumpEngine& engine) const {
    surrogate.requireFound(getName());
    engine.leapAmong(numCandidates, surrogate.getEnergy());
}
