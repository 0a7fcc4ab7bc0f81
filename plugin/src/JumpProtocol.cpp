#include "genmd/JumpProtocol.h"
#include "genmd/JumpEngine.h"
#include "openmm/OpenMMException.h"

using namespace OpenMM;
using namespace std;

JumpProtocol::~JumpProtocol() {
}

JumpProtocol* JumpProtocol::create(const string& name) {
    if (name == Instantaneous().getName())
        return new Instantaneous();
    throw OpenMMException("There is no jump protocol called '" + name + "'; expected 'Instantaneous'");
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
