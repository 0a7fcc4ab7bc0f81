#include "genmd/JumpProtocol.h"
#include "genmd/JumpEngine.h"
#include "genmd/MultipleTry.h"
#include "openmm/OpenMMException.h"

using namespace OpenMM;
using namespace std;

JumpProtocol::~JumpProtocol() {
}

void JumpProtocol::serialize(SerializationNode& node) const {
}

JumpProtocol* JumpProtocol::create(const string& name, const SerializationNode& node) {
    if (name == "Instantaneous")
        return new Instantaneous();
    if (name == "MultipleTry")
        return MultipleTry::deserialize(node);
    throw OpenMMException("There is no jump protocol called '" + name + "'; expected 'Instantaneous' or 'MultipleTry'");
}

string Instantaneous::getName() const {
    return "Instantaneous";
}

JumpProtocol* Instantaneous::clone() const {
    return new Instantaneous(*this);
}

void Instantaneous::perform(JumpEngine& engine) const {
    engine.leap();
}
