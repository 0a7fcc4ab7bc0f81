#ifndef OPENMM_HEXTEXT_H_
#define OPENMM_HEXTEXT_H_

#include <string>

namespace OpenMM {

/** Get bytes as text that survives XML, two hexadecimal digits each. */
std::string toHex(const std::string& bytes);
/** Get back the bytes; throws an OpenMMException if the text is not what toHex() writes. */
std::string fromHex(const std::string& text);

} // namespace OpenMM

#endif /*OPENMM_HEXTEXT_H_*/
