#ifndef GENMD_PYTHONPROPOSER_H_
#define GENMD_PYTHONPROPOSER_H_

#include "WeakObject.h"
#include "genmd/JumpProposer.h"

/**
 * A JumpProposer that asks a ProposerSession (openmm_genmd.md.proposer_session) in Python, which it holds weakly.
 */
class PythonProposer : public OpenMM::JumpProposer {
public:
    explicit PythonProposer(pybind11::object session);
    const std::vector<int>& getParticles() const;
    Grade getGrade() const;
    bool wantsTensor() const;
    void propose(const OpenMM::JumpInput& input, OpenMM::JumpProposal& output);
    void proposeCandidates(const OpenMM::JumpInput& input, int count, OpenMM::JumpCandidates& output);
    void proposeReferences(const OpenMM::JumpInput& input, const std::vector<OpenMM::Vec3>& current, int count,
                           OpenMM::JumpCandidates& output);
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
    WeakObject session;
    std::vector<int> particles;
    Grade grade;
    bool tensors;
    std::string typeName;
};

#endif /*GENMD_PYTHONPROPOSER_H_*/
