#ifndef GENMD_ARRAYS_H_
#define GENMD_ARRAYS_H_

#include "openmm/Vec3.h"
#include <pybind11/numpy.h>
#include <vector>

typedef pybind11::array_t<double, pybind11::array::c_style | pybind11::array::forcecast> DoubleArray;

/** Copy vectors to an array of shape (count, 3). */
pybind11::array_t<double> toArray(const OpenMM::Vec3* vectors, size_t count);
/** Copy blocks of vectors to an array of shape (blocks, vectors per block, 3). */
pybind11::array_t<double> toBlocks(const std::vector<OpenMM::Vec3>& vectors, size_t blocks);
/** Copy numbers to an array. */
pybind11::array_t<double> toArray(const std::vector<double>& values);
/** Copy an array whose last axis has three entries. */
std::vector<OpenMM::Vec3> toVectors(const DoubleArray& array);
/** Copy an array of numbers. */
std::vector<double> toDoubles(const DoubleArray& array);

#endif /*GENMD_ARRAYS_H_*/
