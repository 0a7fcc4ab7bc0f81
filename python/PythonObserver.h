#ifndef GENMD_PYTHONOBSERVER_H_
#define GENMD_PYTHONOBSERVER_H_

#include "WeakObject.h"
#include "genmd/JumpObserver.h"

/**
 * A JumpObserver that calls a Python object with positions and weights. It holds the object weakly.
 */
class PythonObserver : public OpenMM::JumpObserver {
public:
    explicit PythonObserver(pybind11::object observer);
    void observe(const OpenMM::JumpRecord& record, const std::vector<OpenMM::Vec3>& positions,
                 const std::vector<double>& weights);
    /** Get the object. Throws an OpenMMException if it no longer exists. */
    pybind11::object getObserver() const;
    /** Hold the object strongly from now on. */
    void keepAlive();

private:
    WeakObject observer;
};

#endif /*GENMD_PYTHONOBSERVER_H_*/
