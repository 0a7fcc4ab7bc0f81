#include "genmd/JumpProtocol.h"
#include "genmd/AlchemicalSwitching.h"
#include "genmd/JumpEngine.h"
#include "genmd/LocalRelaxation.h"
#include "genmd/MultipleTry.h"
#include "genmd/SteeredSwitching.h"
#include "openmm/OpenMMException.h"

using namespace OpenMM;
using namespace std;

JumpProtocol::~JumpProtocol() {
}

shared_ptr<CandidateEnergy> JumpProtocol::getSurrogate() const {
    return nullptr;
}

void JumpProtocol::serialize(SerializationNode& node) const {
}

JumpProtocol* JumpProtocol::create(const string& name, const SerializationNode& node) {
    if (name == "Instantaneous")
        return new Instantaneous();
    if (name == "MultipleTry")
        return MultipleTry::deserialize(node);
    if (name == "SteeredSwitching")
        return SteeredSwitching::deserialize(node);
    if (name == "AlchemicalSwitching")
        return AlchemicalSwitching::deserialize(node);
    if (name == "LocalRelaxation")
        return LocalRelaxation::deserialize(node);
    throw OpenMMException("There is no jump protocol called '" + name +
                          "'; expected 'Instantaneous', 'MultipleTry', 'SteeredSwitching', 'AlchemicalSwitching' or "
                          "'LocalRelaxation'");
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
