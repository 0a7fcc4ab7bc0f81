#ifndef GENMD_DLPACK_H_
#define GENMD_DLPACK_H_

#include "genmd/JumpTensor.h"
#include <pybind11/pybind11.h>

/**
 * Hand a tensor to Python as a DLPack capsule, without a copy. Whoever takes it over shares the memory and keeps it
 * alive.
 */
pybind11::capsule toDLPack(const OpenMM::JumpTensor& tensor);

#endif /*GENMD_DLPACK_H_*/
