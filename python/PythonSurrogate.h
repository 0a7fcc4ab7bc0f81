#ifndef GENMD_PYTHONSURROGATE_H_
#define GENMD_PYTHONSURROGATE_H_

#include "WeakObject.h"
#include "genmd/CandidateEnergy.h"
#include "genmd/GenerativeJumpIntegrator.h"

/**
 * A CandidateEnergy that asks the `energies` method of a Python object, which it holds weakly.
 */
class PythonSurrogate : public OpenMM::CandidateEnergy {
public:
    PythonSurrogate(pybind11::object owner, const std::vector<int>& particles);
    const std::vector<int>& getParticles() const;
    void evaluate(const std::vector<OpenMM::Vec3>& positions, int count, std::vector<double>& energies);
    /** Get the object. Throws an OpenMMException if it no longer exists. */
    pybind11::object getOwner() const;
    /** Hold the object strongly from now on. */
    void keepAlive();

private:
    WeakObject owner;
    std::vector<int> particles;
};

/** Get a surrogate energy from None, a CandidateEnergy, or a Python object with a method `energies`. */
std::shared_ptr<OpenMM::CandidateEnergy> getSurrogate(const OpenMM::GenerativeJumpIntegrator& integrator,
                                                      pybind11::object surrogate);

#endif /*GENMD_PYTHONSURROGATE_H_*/
