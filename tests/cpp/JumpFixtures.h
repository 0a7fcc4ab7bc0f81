#ifndef GENMD_JUMPFIXTURES_H_
#define GENMD_JUMPFIXTURES_H_

#include "Testing.h"
#include "genmd/GenerativeJumpIntegrator.h"
#include "openmm/CustomExternalForce.h"
#include "openmm/System.h"
#include <functional>
#include <string>
#include <vector>

using namespace OpenMM;
using namespace std;

static const double GAS_CONSTANT = 0.00831446261815324;

/** A proposer made of a function. */
class FunctionProposer : public JumpProposer {
public:
    typedef function<void(const JumpInput&, JumpProposal&)> Function;
    FunctionProposer(vector<int> particles, Function propose) : particles(particles), answer(propose) {
    }
    const vector<int>& getParticles() const {
        return particles;
    }
    Grade getGrade() const {
        return grade;
    }
    bool wantsTensor() const {
        return tensor;
    }
    void propose(const JumpInput& input, JumpProposal& output) {
        calls++;
        answer(input, output);
    }
    string getState() {
        return to_string(calls);
    }
    void setState(const string& state) {
        calls = stoi(state);
    }
    string getTypeName() const {
        return "FunctionProposer";
    }
    vector<int> particles;
    Function answer;
    Grade grade = Exact;
    bool tensor = false;
    int calls = 0;
};

/** Proposes exactly what is there. */
inline void stay(const JumpInput& input, JumpProposal& output) {
    output.positions = input.positions;
    output.logRatio = 0;
}

/** Proposes something of very high energy. */
inline void leave(const JumpInput& input, JumpProposal& output) {
    output.positions = input.positions;
    output.positions[0] += Vec3(50, 0, 0);
    output.logRatio = 0;
}

/** A System of particles in harmonic wells 0.5*k*r^2, with k = 100 kJ/mol/nm^2. */
inline void addWells(System& system, int particles) {
    CustomExternalForce* wells = new CustomExternalForce("50*(x*x+y*y+z*z)");
    for (int i = 0; i < particles; i++) {
        system.addParticle(12.0);
        wells->addParticle(i, {});
    }
    system.addForce(wells);
}

#endif /*GENMD_JUMPFIXTURES_H_*/
