#ifndef GENMD_WEAKOBJECT_H_
#define GENMD_WEAKOBJECT_H_

#include <pybind11/pybind11.h>
#include <string>

/**
 * A Python object that C++ uses without owning it: the Python integrator owns it, so that one that holds its integrator
 * is an ordinary cycle of Python objects, which the garbage collector can see. Where the C++ integrator outlives its
 * Python object (inside a CompoundIntegrator), keepAlive() makes the reference strong.
 */
class WeakObject {
public:
    /**
     * @param object   the object, which must allow weak references
     * @param role     what the error message of get() calls it
     */
    WeakObject(pybind11::object object, const std::string& role);
    ~WeakObject();
    WeakObject(const WeakObject&) = delete;
    WeakObject& operator=(const WeakObject&) = delete;
    /** Get the object. Throws an OpenMMException if it no longer exists. */
    pybind11::object get() const;
    /** Hold the object strongly from now on. */
    void keepAlive();

private:
    pybind11::object weak, strong;
    std::string role;
};

#endif /*GENMD_WEAKOBJECT_H_*/
