#ifndef GENMD_PYTHONPROPOSER_H_
#define GENMD_PYTHONPROPOSER_H_

#include "genmd/JumpProposer.h"
#include <pybind11/pybind11.h>

/**
 * A JumpProposer that asks a ProposerSession (openmm_genmd.md.proposer_session) in Python.
 *
 * It holds the session weakly: the Python integrator owns the session, the session the proposer, and a proposer that
 * holds its integrator is then an ordinary cycle of Python objects, which the garbage collector can see. Where the C++
 * integrator outlives its Python object (inside a CompoundIntegrator), keepAlive() makes the reference strong.
 */
class PythonProposer : public OpenMM::JumpProposer {
public:
    explicit PythonProposer(pybind11::object session);
    ~PythonProposer();
    const std::vector<int>& getParticles() const;
    Grade getGrade() const;
    void propose(const OpenMM::JumpInput& input, OpenMM::JumpProposal& output);
    void beginRun(uint64_t seed);
    std::string getState();
    void setState(const std::string& state);
    void checkInterrupt();
    std::string getTypeName() const;
    std::string getDescription() const;
    /** Get the session. Throws an OpenMMException if it no longer exists. */
    pybind11::object getSession() const;
    /** Hold the session strongly from now on. */
    void keepAlive();

private:
    pybind11::object weakSession, strongSession;
    std::vector<int> particles;
    Grade grade;
    std::string typeName;
};

#endif /*GENMD_PYTHONPROPOSER_H_*/
